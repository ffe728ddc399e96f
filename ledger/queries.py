"""What the ledger tells: balances now and then, history, and the figures that everybody may see."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
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


def _one(sql: str, params: list[Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row: tuple[Any, ...] = cursor.fetchone()
        return row


def balance(account: int) -> int:
    """Signed cents, credit positive; of a striped account the sum of its rows."""
    return int(_one("select ledger_balance(%s)", [account])[0])


def balance_at(account: int, at: datetime) -> int:
    """The balance after everything that was posted at or before `at`."""
    return int(_one("select ledger_balance_at(%s, %s)", [account, at])[0])


def history(account: int, *, before: int | None = None, limit: int = 50) -> list[Entry]:
    """The newest entries of an account, below a version; of striped accounts there is no single history."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select version, amount, balance_after, other, transfer, kind, posted_at from ledger_history(%s, %s, %s)",
            [account, before, limit],
        )
        return [Entry(r[0], r[1], r[2], r[3], UUID(str(r[4])), Kind(r[5]), r[6]) for r in cursor.fetchall()]


def trial_balance() -> list[tuple[str, str, int, int]]:
    """(name, kind, number of accounts, balance) per system account and kind of personal account."""
    with connection.cursor() as cursor:
        cursor.execute("select name, kind, accounts, balance from ledger_trial_balance()")
        rows: list[tuple[str, str, int, int]] = cursor.fetchall()
    return rows


def figures() -> Figures:
    return Figures(*_one("select reserve, circulation, required, pool from ledger_figures()", []))
