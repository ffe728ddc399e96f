"""Controls: what test_cases.py shows is only so because of a lock and a unique index. Without them it fails.

What is broken here is gone with this file's database (tests/one_database.py).
"""

from typing import Any

from compliance.services import cases
from core.actor import SYSTEM, actor
from tests.compliance.test_cases import REASON, opened, staff
from tests.conftest import Database
from tests.helpers import at_once
from tests.payments.people import person


def without(database: Database, function: str, text: str, instead: str) -> None:
    """The function as it is, with a piece of it replaced."""
    [(source,)] = database.as_superuser("select pg_get_functiondef(oid) from pg_proc where proname = %s", [function])
    assert text in source
    database.as_superuser(source.replace(text, instead))


def test_without_the_lock_several_take_one_case(database: Database) -> None:
    two = [staff(database, f"{name}@staff.example") for name in ("control", "another")]
    it = opened(database, person(database))
    without(database, "compliance_locked_case", "FOR NO KEY UPDATE", "")
    without(database, "compliance_take_case", "IF c.status <> 'open' THEN", "PERFORM pg_sleep(0.2); IF c.status <> 'open' THEN")
    with database.role("staff"):
        done = at_once(4, lambda n: cases.take(case=it, staff_id=two[n % 2], reason=REASON))
    assert done.count(None) > 1


def test_without_the_index_several_are_opened_about_one_thing(database: Database) -> None:
    who = person(database)
    database.as_superuser("drop index compliance_case_open")
    without(
        database, "compliance_open_case", "ON CONFLICT (user_id, kind, about) WHERE status = 'open' DO NOTHING", ""
    )

    def one(_: int) -> Any:
        with actor(SYSTEM):
            return cases.open_case(kind="held_payment", user_id=who.id, about="pay_race", summary="Held", priority=1)

    with database.role("worker"):
        assert len(set(at_once(6, one))) > 1
