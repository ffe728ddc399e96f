"""Short words for what the ledger's tests do all the time."""

from collections.abc import Iterable
from uuid import UUID

from django.db import connection

from core.ids import new_reference
from ledger import audit, services
from ledger.chart import Account, Kind, Personal
from ledger.services import Posting, Transfer
from tests.conftest import Database

# What goes through the loss reserve and the adjustments has to be approved by two of the staff, of whom the ledger knows
# nothing (banking/sql/0030_two_people.sql): its own tests post by every kind.
ALONE = "alter table ledger_transfer disable trigger two_approved_it"


def posting(debit: int, credit: int, amount: int, kind: Kind = Kind.PAYMENT, reference: UUID | None = None) -> Posting:
    return Posting(reference or new_reference(), kind, debit, credit, amount)


def post(debit: int, credit: int, amount: int, kind: Kind = Kind.PAYMENT, reference: UUID | None = None) -> Transfer:
    return services.post(posting(debit, credit, amount, kind, reference))


def account(kind: Personal = Personal.WALLET) -> int:
    return services.open_accounts([kind])[0]


def wallet(money: int = 0) -> int:
    """A new wallet with `money` cents, loaded from the bank."""
    opened = account()
    if money:
        post(Account.RESERVE_DWOLLA, opened, money, Kind.LOAD)
    return opened


def rows_of(accounts: Iterable[int]) -> list[tuple[int, int]]:
    """(balance, version) of accounts, read past all functions."""
    with connection.cursor() as cursor:
        cursor.execute("select ledger_balance(id) from unnest(%s::bigint[]) id", [list(accounts)])
        balances = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            "select (select coalesce(max(version), 0) from ledger_history(id, null, 1)) from unnest(%s::bigint[]) id",
            [list(accounts)],
        )
        return list(zip(balances, [row[0] for row in cursor.fetchall()], strict=True))


def journal_size(database: Database) -> int:
    return int(database.as_superuser("select count(*) from ledger_transfer")[0][0])


def findings(database: Database) -> list[audit.Finding]:
    """What the auditor finds, under its own role."""
    with database.role("auditor"):
        return audit.audit()[0]
