"""The ledger as it should be, in plain Python: what a posting does, and which refusal it meets.

Written from docs/money.md and not from the SQL. Amounts are signed cents, credit positive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from core.errors import AccountFrozen, InsufficientFunds, PayaError
from ledger.chart import Account, Kind, Personal, Status
from ledger.errors import (
    AccountClosed,
    AccountNotEmpty,
    AlreadyReversed,
    BatchRefused,
    NoSuchAccount,
    PostingRefused,
    RecipientFrozen,
    ReferenceReused,
)
from ledger.services import Posting

Refusal = type[PayaError]

WALLET, HOLD, RECEIVABLE, RESERVE, PAYABLE, REVENUE, RAIL_COSTS, POOL, OPERATIONS, CAPITAL, LOSS, ADJUSTMENTS, SUSPENSE = (
    "wallet", "hold", "receivable", "reserve", "payable", "revenue", "rail_costs", "pool", "operations", "capital",
    "loss_reserve", "adjustments", "suspense",
)  # fmt: skip
SYSTEM = {
    int(Account.RESERVE_DWOLLA): RESERVE, int(Account.RESERVE_STRIPE): RESERVE, int(Account.RESERVE_ODFI): RESERVE,
    int(Account.REVENUE): REVENUE, int(Account.RAIL_COSTS): RAIL_COSTS,
    int(Account.REDEMPTIONS_PAYABLE): PAYABLE, int(Account.REWARDS_POOL): POOL, int(Account.OPERATIONS): OPERATIONS,
    int(Account.CAPITAL): CAPITAL, int(Account.LOSS_RESERVE): LOSS, int(Account.ADJUSTMENTS): ADJUSTMENTS,
    int(Account.SUSPENSE): SUSPENSE,
}  # fmt: skip
STRIPED = {one for one in SYSTEM if one < 64}  # 64 rows each, and none of the account's own number
PERSONAL = {Personal.WALLET: WALLET, Personal.HOLD: HOLD, Personal.RECEIVABLE: RECEIVABLE}
FLOORLESS = {RECEIVABLE, RESERVE, REVENUE, RAIL_COSTS}
# kind: what it debits, what it credits, whether it passes a freeze
RULES: dict[Kind, tuple[set[str], set[str], bool]] = {
    Kind.LOAD: ({RESERVE}, {WALLET}, True),
    Kind.LOAD_REPAYMENT: ({RESERVE}, {RECEIVABLE}, True),
    Kind.REDEMPTION: ({WALLET}, {PAYABLE}, False),
    Kind.REDEMPTION_SETTLED: ({PAYABLE}, {RESERVE}, True),
    Kind.REDEMPTION_FAILED: ({PAYABLE}, {WALLET}, True),
    Kind.REDEMPTION_APPROVED: ({WALLET}, {PAYABLE}, True),
    Kind.PAYMENT: ({WALLET}, {WALLET}, False),
    Kind.HOLD: ({WALLET}, {HOLD}, False),
    Kind.HOLD_PAID: ({HOLD}, {WALLET}, False),
    Kind.HOLD_RELEASED: ({HOLD}, {WALLET}, True),
    Kind.LOAD_RETURNED: ({WALLET}, {RESERVE}, True),
    Kind.LOAD_RETURN_OWED: ({RECEIVABLE}, {RESERVE}, True),
    Kind.WRITE_OFF: ({LOSS}, {RECEIVABLE}, True),
    Kind.INTEREST: ({RESERVE}, {REVENUE}, True),
    Kind.FEE: ({WALLET}, {REVENUE}, False),
    Kind.RAIL_COST: ({RAIL_COSTS}, {RESERVE}, True),
    Kind.CAPITAL_IN: ({RESERVE}, {CAPITAL}, True),
    Kind.CAPITAL_OUT: ({CAPITAL}, {RESERVE}, True),
    Kind.LOSS_RESERVE_FUNDED: ({CAPITAL, OPERATIONS}, {LOSS}, True),
    Kind.ADJUSTMENTS_FUNDED: ({CAPITAL, OPERATIONS}, {ADJUSTMENTS}, True),
    Kind.SUSPENDED: ({RESERVE, WALLET, HOLD, PAYABLE}, {SUSPENSE}, True),
    Kind.SUSPENSE_FOUND: ({SUSPENSE}, {WALLET}, True),
    Kind.WEEK_COSTS: ({REVENUE}, {RAIL_COSTS}, True),
    Kind.WEEK_OPERATIONS: ({REVENUE}, {OPERATIONS}, True),
    Kind.WEEK_POOL: ({REVENUE}, {POOL}, True),
    Kind.REWARD: ({POOL}, {WALLET}, True),
    Kind.ADJUSTMENT_CREDIT: ({ADJUSTMENTS}, {WALLET}, True),
    Kind.ADJUSTMENT_DEBIT: ({WALLET}, {ADJUSTMENTS}, True),
}


@dataclass(frozen=True)
class Held:
    """One account as it stands."""

    kind: str
    balance: int = 0
    version: int = 0
    status: Status = Status.OPEN


@dataclass(frozen=True)
class Line:
    """One side of a posting, as its account saw it."""

    version: int
    amount: int
    balance: int
    transfer: UUID


class Books:
    """Accounts and what was posted. A fork shares what is known and changes nothing of it."""

    def __init__(self) -> None:
        self.accounts: dict[int, Held] = {one: Held(kind) for one, kind in SYSTEM.items()}
        self.posted: dict[UUID, Posting] = {}
        self.reversed: dict[UUID, UUID] = {}  # original: its reversal
        self.lines: list[tuple[int, Line]] = []

    def fork(self) -> Books:
        other = Books.__new__(Books)
        other.accounts, other.posted, other.reversed = dict(self.accounts), dict(self.posted), dict(self.reversed)
        other.lines = []
        return other

    def open(self, account: int, kind: Personal) -> None:
        self.accounts[account] = Held(PERSONAL[kind])

    def post(self, p: Posting) -> Refusal | None:
        """Do it, pass it over as a replay, or name the refusal."""
        if (before := self.posted.get(p.reference)) is not None:
            return None if before == p else ReferenceReused
        refusal = self.refusal(p)
        if refusal is None:
            self._write(p)
        return refusal

    def post_many(self, batch: Sequence[Posting]) -> tuple[type[BatchRefused], UUID] | int:
        """How many were new, or the refusal with the row that it names; then nothing was done."""
        for p in batch:
            if self._not_a_posting(p) or p.kind == Kind.REVERSAL:
                return BatchRefused, p.reference
        first: dict[UUID, Posting] = {}
        for p in batch:
            if first.setdefault(p.reference, p) != p or self.posted.get(p.reference, p) != p:
                return BatchRefused, p.reference
        trial = self.fork()
        for p in first.values():
            if trial.post(p) is not None:
                return BatchRefused, p.reference
        new = [p for p in first.values() if p.reference not in self.posted]
        for p in new:
            self._write(p)
        return len(new)

    def reverse(self, reference: UUID, original: UUID) -> Refusal | None:
        if original not in self.posted:
            return NoSuchAccount
        o = self.posted[original]
        if o.kind == Kind.REVERSAL:
            return PostingRefused
        if self.reversed.get(original, reference) != reference:
            return AlreadyReversed
        refusal = self.post(Posting(reference, Kind.REVERSAL, o.credit, o.debit, o.amount))
        if refusal is None:
            self.reversed[original] = reference
        return refusal

    def set_status(self, account: int, status: Status) -> Refusal | None:
        held = self.accounts.get(account)
        if held is None or account in STRIPED:
            return NoSuchAccount
        if held.status is Status.CLOSED and status is not Status.CLOSED:
            return AccountClosed
        if account in SYSTEM:
            return PostingRefused
        if status is Status.CLOSED and held.balance:
            return AccountNotEmpty
        self.accounts[account] = replace(held, status=status)
        return None

    # ------------------------------------------------------------------------------------------------ inside
    def refusal(self, p: Posting) -> Refusal | None:
        """Asked in the order in which the engine takes its locks: the higher account first, stripes last."""
        if p.amount <= 0 or p.debit == p.credit:
            return PostingRefused
        always = p.kind == Kind.REVERSAL or RULES[p.kind][2]
        checks = {p.debit: self._cannot_give, p.credit: self._cannot_take}
        for account in sorted(checks, key=lambda one: one if one >= 64 else -one, reverse=True):
            if refused := checks[account](account, p.amount, always):
                return refused
        if self._not_a_posting(p):
            return PostingRefused
        payee = self.accounts[p.credit]
        return PostingRefused if payee.kind == RECEIVABLE and payee.balance + p.amount > 0 else None  # a debt is not overpaid

    def _not_a_posting(self, p: Posting) -> bool:
        if p.amount <= 0 or p.debit == p.credit or p.debit not in self.accounts or p.credit not in self.accounts:
            return True
        if p.kind == Kind.REVERSAL:
            return False
        debits, credits, _ = RULES[p.kind]
        return self.accounts[p.debit].kind not in debits or self.accounts[p.credit].kind not in credits

    def _cannot_give(self, account: int, amount: int, always: bool) -> Refusal | None:
        held = self.accounts.get(account)
        if held is None:
            return NoSuchAccount
        if held.status is Status.CLOSED:
            return AccountClosed
        if held.status is not Status.OPEN and not always:
            return AccountFrozen
        return InsufficientFunds if held.kind not in FLOORLESS and held.balance < amount else None

    def _cannot_take(self, account: int, amount: int, always: bool) -> Refusal | None:
        held = self.accounts.get(account)
        if held is None:
            return NoSuchAccount
        if held.status is Status.CLOSED:
            return AccountClosed
        return RecipientFrozen if held.status is Status.FROZEN and not always else None

    def _write(self, p: Posting) -> None:
        for account, amount in ((p.debit, -p.amount), (p.credit, p.amount)):
            held = self.accounts[account]
            held = replace(held, balance=held.balance + amount, version=held.version + 1)
            self.accounts[account] = held
            self.lines.append((account, Line(held.version, amount, held.balance, p.reference)))
        self.posted[p.reference] = p
