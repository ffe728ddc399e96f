"""What the ledger tells: balances now and then, history, and the figures that everybody may see."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from ledger.chart import Kind


@dataclass(frozen=True)
class Entry:
    """One side of a transfer, as its account saw it; amounts are signed cents, credit positive."""

    version: int
    amount: int
    balance_after: int
    other: int
    transfer: UUID
    kind: Kind
    posted_at: datetime


@dataclass(frozen=True)
class Figures:
    """Cents. `required` is circulation + redemptions payable + rewards pool + suspense."""

    reserve: int
    circulation: int
    required: int
    pool: int


def _one(sql: str, params: list[object]) -> tuple[object, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row: tuple[object, ...] = cursor.fetchone()
        return row


def balance(account: int) -> int:
    """Signed cents, credit positive; of a striped account the sum of its rows."""
    return int(str(_one("select ledger_balance(%s)", [account])[0]))


def balance_at(account: int, at: datetime) -> int:
    """The balance after everything that was posted at or before `at`."""
    return int(str(_one("select ledger_balance_at(%s, %s)", [account, at])[0]))


def history(account: int, *, before: int | None = None, limit: int = 50) -> list[Entry]:
    """The newest entries of an account, below a version; of striped accounts there is no single history."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select version, amount, balance_after, other, transfer, kind, posted_at from ledger_history(%s, %s, %s)",
            [account, before, limit],
        )
        return [Entry(*row[:4], UUID(str(row[4])), Kind(row[5]), row[6]) for row in cursor.fetchall()]


def trial_balance() -> list[tuple[str, str, int, int]]:
    """(name, kind, number of accounts, balance) per system account and kind of personal account."""
    with connection.cursor() as cursor:
        cursor.execute("select name, kind, accounts, balance from ledger_trial_balance()")
        rows: list[tuple[str, str, int, int]] = cursor.fetchall()
    return rows


def figures() -> Figures:
    return Figures(*(int(str(value)) for value in _one("select reserve, circulation, required, pool from ledger_figures()", [])))
