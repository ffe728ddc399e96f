"""Cases: opened once about one thing, taken by one, closed once, and their labels kept with the signals of the time."""

from typing import Any

import psycopg2
import pytest

from compliance.models import Case
from compliance.services import cases
from core.actor import SYSTEM, actor
from tests.conftest import Database
from tests.helpers import at_once
from tests.payments.people import person


def opened(database: Database, somebody: Any, **changes: Any) -> str:
    given = {"kind": "flag", "user_id": somebody.id, "about": "", "summary": "Many senders in a day", **changes}
    with database.role("worker"), actor(SYSTEM):
        return cases.open_case(**given)


def case(database: Database, public_id: str) -> Case:
    with database.role("worker"), actor(SYSTEM):
        return Case.objects.get(public_id=public_id)


def test_the_same_cause_finds_the_open_case_and_makes_it_more_urgent(database: Database) -> None:
    maya = person(database)
    first = opened(database, maya, priority=3, detail={"signals": {"velocity": 7}, "why": "twelve senders"})
    assert first.startswith("cas_") and len(first) == 30
    before = case(database, first)
    assert (before.priority, before.signals, before.detail) == (3, {"velocity": 7}, {"why": "twelve senders"})
    assert opened(database, maya, priority=1, detail={"signals": {"velocity": 99}}) == first
    after = case(database, first)
    assert (after.priority, after.signals) == (1, {"velocity": 7})
    assert after.due_at < before.due_at
    assert opened(database, maya, priority=2) == first
    assert case(database, first).priority == 1
    assert opened(database, maya, about="pay_1") != first


def test_ten_at_once_open_one(database: Database) -> None:
    theo = person(database)

    with database.role("worker"):

        def one(_: int) -> str:
            with actor(SYSTEM):
                return cases.open_case(kind="held_payment", user_id=theo.id, about="pay_race", summary="Held", priority=1)

        assert len(set(at_once(10, one))) == 1


def test_a_kind_that_nobody_knows_is_refused(database: Database) -> None:
    with pytest.raises(Exception, match="due_at|compliance_case_of_kind"):
        opened(database, person(database), kind="nonsense")


def test_neither_web_nor_staff_touch_the_rows(database: Database) -> None:
    for role, statement in [
        ("web", "select * from compliance_case"), ("staff", "select * from compliance_case"),
        ("web", "select compliance_open_case('flag', 1, '', 'x', 1::smallint, '{}')"),
        ("staff", "update compliance_case set priority = 3"), ("worker", "update compliance_case set priority = 3"),
    ]:  # fmt: skip
        raw = database.connect(role)
        with raw.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(statement)
        raw.close()
