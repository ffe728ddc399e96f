"""Why the sides of one key do not agree. Pure: the rows come from the database's `banking_match`.

Cents are signed from our side. A side that is merely later than another is *in transit* for as long as that is usual
at its custodian, by our own clock: a custodian's calendar may be ahead of it or behind.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

# How long one side may know of something that another does not: webhooks and polls close it within minutes at the
# vendors; a bank reports the day before, and not on weekends and holidays.
PATIENCE = {"dwolla": timedelta(hours=24), "stripe": timedelta(hours=24), "odfi": timedelta(days=4)}
# A transfer that is pending at the custodian for longer than any ACH transfer takes.
OVERDUE = timedelta(days=10)
# Custodians that list what is pending; a bank's statement shows only what is booked.
LISTS_PENDING = frozenset({"dwolla", "stripe"})

KINDS: dict[str, str] = {
    "missing_here": "The custodian shows a transfer under a key of ours that we do not have.",
    "missing_there": "We have a transfer, or knew a line, that the custodian does not show.",
    "amount": "The amounts differ.",
    "duplicate": "The custodian shows the same transfer more than once.",
    "timing": "One side has been waiting for the other for longer than is usual.",
    "fee": "A fee of the custodian is not in our books as it is on the statement.",
    "interest": "Interest is not in our books as it is on the statement.",
    "capital": "A transfer of the operators' own money is not in our books as it is on the statement.",
    "unknown_credit": "Money arrived that nobody expected; it waits in suspense.",
    "unknown_debit": "Money left that nobody sent.",
    "wrong_account": "The custodian used another bank account than the transfer names.",
    "wrong_direction": "Money moved the other way round.",
    "currency": "The line is in another currency.",
    "return_not_booked": "The custodian took a settled transfer back, and our books do not know.",
    "return_missing_there": "Our books took a transfer back, and the custodian did not.",
    "status_mismatch": "The custodian and we say contradicting things of how it ended.",
    "posted_twice": "The ledger has it more than once.",
    "not_posted": "It is settled, and the ledger does not have it.",
    "no_record": "The ledger has a posting on the reserve that belongs to no transfer and no line.",
    "balance": "The custodian's balance is not the sum of its own lines.",
    "unreadable": "Parts of a statement could not be read.",
    "unexplained": "The difference between ledger and custodian is not the sum of its parts.",
}

OPEN = ("requested", "queued", "submitted", "unknown", "pending")


@dataclass(frozen=True)
class Pair:
    """The three sides of one key, as the database found them."""

    key: str
    transfer: str  # public id, or ""
    status: str
    amount: int
    signed: int  # what it adds to the reserve when it settles
    expected: int  # what it adds to the reserve as it stands with us
    ledger: int
    in_ledger: bool
    largest: int
    twice: int
    suspended: bool
    found: bool
    posting: str
    there: int
    on_statement: bool
    entries: int
    said: int | None
    posted: bool
    returned: bool
    cancelled: bool
    currency: str
    wrong_account: bool
    line_kind: str
    referenced: bool
    entry: str
    gone: bool  # the custodian did show it
    last_moved: datetime | None
    created_at: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Pair":
        def moment(name: str) -> datetime | None:
            return datetime.fromisoformat(row[name]) if row.get(name) else None

        said, least = row.get("said"), row.get("least")
        times = [at for at in (moment("posted_at"), moment("seen_at"), moment("moved_at")) if at]
        return cls(
            key=str(row["key"]), transfer=row.get("public_id") or "", status=row.get("status") or "",
            amount=row.get("amount") or 0, signed=row.get("signed") or 0, expected=row.get("expected") or 0,
            ledger=row["ledger"], in_ledger=row["in_ledger"], largest=row.get("largest") or 0, twice=row.get("twice") or 0,
            suspended=bool(row.get("suspended")), found=bool(row.get("found")), posting=row.get("posting") or "",
            there=row["there"], on_statement=row["on_statement"], entries=row.get("entries") or 0,
            # Of several lines the one that is not as we expect it.
            said=least if said is not None and said == row.get("signed") else said,
            posted=bool(row.get("posted")), returned=bool(row.get("returned")), cancelled=bool(row.get("cancelled")),
            currency=row.get("currency") or "", wrong_account=bool(row.get("wrong_account")),
            line_kind=row.get("line_kind") or "", referenced=bool(row.get("referenced")), entry=row.get("entry") or "",
            gone=bool(row.get("gone")), last_moved=max(times, default=None), created_at=moment("created_at"),
        )  # fmt: skip

    @property
    def cents(self) -> int:
        return self.ledger - self.there

    @property
    def subject(self) -> str:
        """What a break is about, in the name that stays the same from day to day."""
        return self.transfer or self.entry or self.posting


# Rules in order: the first that is true says what it is. What is certain, whatever the clock says, comes first.
Rule = Callable[[Pair], bool]
CERTAIN: list[tuple[str, Rule]] = [
    ("unknown_credit", lambda p: p.suspended and not p.found and p.ledger == p.there),  # it waits for its owner
    ("missing_there", lambda p: p.gone and not p.on_statement),
    ("currency", lambda p: bool(p.currency)),
    ("wrong_account", lambda p: p.wrong_account),
    ("duplicate", lambda p: p.entries > 1),
    ("posted_twice", lambda p: p.twice > 0),
    ("wrong_direction", lambda p: bool(p.transfer) and p.said is not None and p.said * p.signed < 0),
    ("amount", lambda p: bool(p.transfer) and p.said is not None and abs(p.said) != p.amount),
    ("amount", lambda p: p.status == "settled" and p.in_ledger and p.ledger not in (p.signed, 0)),
    ("fee", lambda p: not p.transfer and p.line_kind == "fee"),
    ("interest", lambda p: not p.transfer and p.line_kind == "interest"),
    ("capital", lambda p: not p.transfer and p.line_kind == "capital"),
]
# What time may yet heal.
WAITING: list[tuple[str, Rule]] = [
    ("missing_here", lambda p: not p.transfer and p.line_kind in ("transfer", "return") and p.referenced),
    ("unknown_credit", lambda p: not p.transfer and p.on_statement and p.there > 0),
    ("unknown_debit", lambda p: not p.transfer and p.on_statement and p.there < 0),
    ("no_record", lambda p: not p.transfer and not p.on_statement),
    ("not_posted", lambda p: p.status == "settled" and not p.in_ledger and p.posted),
    ("missing_there", lambda p: p.status in ("settled", "pending") and not p.on_statement),
    ("return_not_booked", lambda p: p.status == "settled" and p.returned),
    ("return_missing_there", lambda p: p.status == "returned" and not p.returned),
    ("timing", lambda p: p.status == "settled" and p.on_statement and not p.posted and not p.cancelled),
    ("timing", lambda p: p.status in OPEN and p.posted and not p.returned and not p.cancelled),
    ("status_mismatch", lambda p: True),
]


@dataclass(frozen=True)
class Verdict:
    """A kind of break, or "" for what is merely on its way."""

    kind: str
    pair: Pair


def judge(pair: Pair, *, custodian: str, at: datetime) -> Verdict | None:
    """What is to be said of a pair that does not agree in everything; None when all is as it has to be."""
    if _fine(pair, custodian=custodian, at=at):
        return None
    for kind, is_true in CERTAIN:
        if is_true(pair):
            return Verdict(kind, pair)
    if _on_its_way(pair, at=at):
        return Verdict("", pair)
    recent = pair.last_moved is not None and at - pair.last_moved < PATIENCE[custodian]
    for kind, is_true in WAITING:
        if is_true(pair):
            return Verdict("" if recent and kind not in ("unknown_credit", "unknown_debit", "missing_here") else kind, pair)
    return None


def _fine(pair: Pair, *, custodian: str, at: datetime) -> bool:
    """What the database calls odd and is not: money found its owner, or a bank that shows only what is booked."""
    if pair.suspended and pair.found and pair.ledger == pair.there and pair.entries <= 1:
        return True
    quiet = pair.ledger == pair.there == 0 and not pair.on_statement
    young = pair.created_at is not None and at - pair.created_at < OVERDUE
    return quiet and pair.status == "pending" and custodian not in LISTS_PENDING and young


def _on_its_way(pair: Pair, *, at: datetime) -> bool:
    """A transfer that both sides call pending; of a redemption the custodian has already set the money aside."""
    young = pair.created_at is not None and at - pair.created_at < OVERDUE
    pending = pair.on_statement and not (pair.posted or pair.returned or pair.cancelled)
    return young and pair.status in OPEN and pending and pair.said == pair.signed and not pair.in_ledger
