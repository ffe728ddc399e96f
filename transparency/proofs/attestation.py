"""What is signed each day, in its lines; and what a person is given beside their proof."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

_DAY_ZERO = date(1970, 1, 1)
FIRST = "0" * 64  # what the first attestation follows


def epoch_of(cut: datetime) -> int:
    """Days from 1970-01-01 to the cut's day, in UTC."""
    return (cut.astimezone(UTC).date() - _DAY_ZERO).days


def cut_of(epoch: int) -> datetime:
    return datetime.combine(_DAY_ZERO + timedelta(days=epoch), datetime.min.time(), UTC)


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Attestation:
    """One day's figures, in cents, and hashes in lower-case hexadecimal."""

    origin: str
    epoch: int
    cut: datetime
    depth: int
    liabilities: int
    root: str
    receivable: int
    reserve: int
    reserve_asof: datetime
    reserve_evidence: str
    ledger_head: str
    previous: str
    software: str
    corrects: int | None = None

    def text(self) -> bytes:
        lines = [
            f"{self.origin}/attestation/v1",
            f"epoch {self.epoch}",
            f"cut {stamp(self.cut)}",
            "unit USD 2",
            f"depth {self.depth}",
            f"liabilities {self.liabilities}",
            f"root {self.root}",
            f"receivable {self.receivable}",
            f"reserve {self.reserve}",
            f"reserve-asof {stamp(self.reserve_asof)}",
            f"reserve-evidence {self.reserve_evidence}",
            f"ledger-head {self.ledger_head}",
            f"previous {self.previous}",
            f"software {self.software}",
        ]
        if self.corrects is not None:
            lines.append(f"corrects {self.corrects}")
        return "".join(f"{line}\n" for line in lines).encode("ascii")


@dataclass(frozen=True)
class Statement:
    """One person's day: what settles a dispute about what their leaf should say."""

    origin: str
    epoch: int
    account: str
    balance: int
    entry: int  # the account's own last entry number
    head: str  # sha256 of the day's attestation

    def text(self) -> bytes:
        return (
            f"{self.origin}/statement/v1\nepoch {self.epoch}\naccount {self.account}\nbalance {self.balance}\n"
            f"entry {self.entry}\nattestation {self.head}\n"
        ).encode("ascii")


@dataclass(frozen=True)
class Receipt:
    """One transfer as a person's own account has it; with the newest attestation, so that any two receipts compare it."""

    origin: str
    account: str
    entry: int  # its number in this account
    reference: str
    amount: int  # signed cents
    balance: int  # after it
    at: datetime
    head: str

    def text(self) -> bytes:
        return (
            f"{self.origin}/receipt/v1\naccount {self.account}\nentry {self.entry}\nreference {self.reference}\n"
            f"amount {self.amount}\nbalance {self.balance}\nat {stamp(self.at)}\nattestation {self.head}\n"
        ).encode("ascii")


def digest(text: bytes) -> str:
    """By which the next attestation names this one."""
    return hashlib.sha256(text).hexdigest()
