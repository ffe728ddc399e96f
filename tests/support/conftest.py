from collections.abc import Callable

import pytest

from banking.services import corrections
from core.actor import SYSTEM, actor
from core.ids import new_id, new_reference
from ledger import services as ledger
from ledger.chart import Account, Kind
from tests import one_database
from tests.conftest import Database
from users.models import User

as_web, database = one_database.as_web, one_database.database


def member(database: Database, name: str) -> int:
    """One of the staff with every role by which disputes and corrections move money."""
    with database.role("worker"), actor(SYSTEM):
        made = User.objects.create(public_id=new_id("usr"), kind=User.STAFF, email=f"{name}@staff.example")
    if database.as_superuser("select to_regclass('console_staffrole') is not null")[0][0]:
        database.as_superuser(
            "insert into console_staffrole select %s, r from unnest('{support,compliance,finance}'::text[]) r", [made.pk]
        )
    return int(made.pk)


@pytest.fixture(scope="module")
def ada(database: Database) -> int:
    return member(database, "ada")


@pytest.fixture(scope="module")
def ben(database: Database) -> int:
    return member(database, "ben")


@pytest.fixture(scope="module")
def fund(database: Database, ada: int, ben: int) -> Callable[[int], None]:
    """Put so many cents of the operators' own into the account for adjustments, as two of the staff do."""

    def put(cents: int) -> None:
        with database.role("worker"):
            ledger.post(ledger.Posting(new_reference(), Kind.CAPITAL_IN, Account.RESERVE_DWOLLA, Account.CAPITAL, cents))
        with database.role("staff"):
            reason = "Money for disputes, case 12"
            made = corrections.ask(kind="adjustments_capital", amount=cents, person=None, staff_id=ada, reason=reason)
            corrections.decide(correction=made, approve=True, staff_id=ben, reason=reason)
        with database.role("worker"):
            corrections.carry_out(correction=made)

    return put


@pytest.fixture(scope="module")
def funded(fund: Callable[[int], None]) -> None:
    """The account for adjustments holds 500.00."""
    fund(500_00)
