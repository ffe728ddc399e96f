"""Controls: what test_cases.py shows is only so because of a lock and a unique index. Without them it fails.

What is broken here is gone with this file's database (tests/one_database.py).
"""

from typing import Any

from compliance.services import cases
from core.actor import SYSTEM, actor
from tests.compliance.test_cases import end, opened
from tests.conftest import Database
from tests.helpers import at_once
from tests.payments.people import person


def without(database: Database, function: str, text: str, instead: str) -> None:
    """The function as it is, with a piece of it replaced."""
    [(source,)] = database.as_superuser("select pg_get_functiondef(oid) from pg_proc where proname = %s", [function])
    assert text in source
    database.as_superuser(source.replace(text, instead))


def test_without_the_lock_one_case_is_ended_several_times(database: Database) -> None:
    """What staff do waits for the trail's chain besides; what other rooms end has this lock alone."""
    who = person(database)
    opened(database, who, kind="document", about="doc_control")
    without(database, "compliance_locked_case", "FOR NO KEY UPDATE", "")
    without(database, "compliance_conclude", "IF c.status <> 'open' THEN", "PERFORM pg_sleep(0.3); IF c.status <> 'open' THEN")
    with database.role("worker"):
        done = at_once(4, lambda _: end(who.id, "doc_control"))
    assert len([one for one in done if one]) > 1, done


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
