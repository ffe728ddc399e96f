"""Keys: one key, one effect, one answer; and the table they are kept in."""

import contextlib
import threading
from typing import Any

import pytest
from django.db import connection

from core import idempotency
from core.actor import actor
from core.errors import IdempotencyInProgress, IdempotencyKeyRequired, IdempotencyKeyReused
from tests.conftest import Database, PersonForTest
from tests.helpers import at_once
from tests.payments.people import person
from wallets import services as wallets

REQUEST = idempotency.fingerprint("things", {"amount": 5})


@pytest.fixture(scope="module")
def people(database: Database) -> list[PersonForTest]:
    return [person(database) for _ in range(3)]


def run(user_id: int, key: str | None, effects: list[int], request: bytes = REQUEST) -> Any:
    """An effect that counts itself in the database as well: the person's pending column."""

    def effect() -> tuple[int, dict[str, Any]]:
        effects.append(1)
        wallets.add_pending(user_id=user_id, pending_in=1)
        return 201, {"n": len(effects), "words": "käse 🧀"}

    with actor(user_id):
        wallets.guard(user_id=user_id)
        return idempotency.once(user_id=user_id, key=key, request=request, effect=effect)


def pending(database: Database, user_id: int) -> int:
    return int(database.as_superuser("select pending_in from wallets_wallet where user_id = %s", [user_id])[0][0])


def test_a_key_has_its_effect_once_and_answers_the_same_bytes(people):
    effects: list[int] = []
    first = run(people[0].id, "a", effects)
    again = run(people[0].id, "a", effects)
    assert (first.status, first.replayed, again.replayed) == (201, False, True)
    assert again.text == first.text
    assert again.body == {"n": 1, "words": "käse 🧀"}
    assert effects == [1]


def test_another_request_under_the_same_key_is_refused(people):
    effects: list[int] = []
    run(people[0].id, "b", effects)
    with pytest.raises(IdempotencyKeyReused):
        run(people[0].id, "b", effects, idempotency.fingerprint("things", {"amount": 6}))
    with pytest.raises(IdempotencyKeyReused):
        run(people[0].id, "b", effects, idempotency.fingerprint("other things", {"amount": 5}))
    assert effects == [1]


def test_the_order_of_fields_makes_no_other_request():
    assert idempotency.fingerprint("x", {"a": 1, "b": 2}) == idempotency.fingerprint("x", {"b": 2, "a": 1})
    assert idempotency.fingerprint("x", {"a": 1}) != idempotency.fingerprint("x", {"a": "1"})


def test_fifty_at_once_have_one_effect_and_one_answer(database: Database, people):
    effects: list[int] = []

    def patiently(_: int) -> Any:
        while True:  # on a busy machine the guard may stay taken for more than its 2 s
            with contextlib.suppress(IdempotencyInProgress):
                return run(people[1].id, "fifty", effects)

    answers = at_once(50, patiently)
    assert {answer.text for answer in answers} == {answers[0].text}
    assert sum(not answer.replayed for answer in answers) == 1
    assert (len(effects), pending(database, people[1].id)) == (1, 1)


def test_without_the_guard_the_test_above_would_notice(people):
    """The control: without the guard two requests are inside the effect at the same time. (The table's own key still
    keeps the second from committing, as an error and not as the stored answer.)"""
    both_inside = threading.Barrier(2, timeout=10)

    def effect() -> tuple[int, dict[str, Any]]:
        both_inside.wait()
        return 201, {}

    def work(_: int) -> Any:
        with actor(people[2].id):
            return idempotency.once(user_id=people[2].id, key="unguarded", request=REQUEST, effect=effect)

    answers = at_once(2, work)
    assert sorted(type(answer).__name__ for answer in answers) == ["Answer", "IntegrityError"]


def test_without_a_key_each_request_has_its_effect(database: Database, people):
    effects: list[int] = []
    before = pending(database, people[2].id)
    at_once(5, lambda _: run(people[2].id, None, effects))
    assert (len(effects), pending(database, people[2].id)) == (5, before + 5)


def test_a_key_is_kept_with_its_effect_or_not_at_all(database: Database, people):
    user_id = people[0].id

    def breaks() -> tuple[int, dict[str, Any]]:
        wallets.add_pending(user_id=user_id, pending_in=1)
        raise ZeroDivisionError

    before = pending(database, user_id)
    with pytest.raises(ZeroDivisionError), actor(user_id):
        idempotency.once(user_id=user_id, key="c", request=REQUEST, effect=breaks)
    assert pending(database, user_id) == before
    assert run(user_id, "c", []).replayed is False


@pytest.mark.parametrize("key", [None, "", "x" * 256, "ä", "a\nb", "\x7f"])
def test_what_is_no_key(key):
    with pytest.raises(IdempotencyKeyRequired):
        idempotency.check_key(key)


@pytest.mark.parametrize("key", ["x", "x" * 255, " ", "~!@#$ %^&*()"])
def test_what_is_one(key):
    assert idempotency.check_key(key) == key


def test_a_persons_keys_are_their_own(people):
    effects: list[int] = []
    for one in people[:2]:
        run(one.id, "shared", effects)
    assert len(effects) == 2
    with actor(people[0].id), connection.cursor() as cursor:
        cursor.execute("select distinct user_id from core_idempotency")
        assert cursor.fetchall() == [(people[0].id,)]


def test_keys_live_through_a_change_of_week_and_old_weeks_are_dropped(database: Database, people):
    effects: list[int] = []
    run(people[0].id, "old", effects)
    database.as_superuser("update core_idempotency set week = week + 7 where key = 'old'")
    assert run(people[0].id, "old", effects).replayed

    database.as_superuser(
        "create table core_idempotency_20200106 partition of core_idempotency for values from ('2020-01-06') to ('2020-01-13')"
    )
    database.as_superuser("alter table core_idempotency_20200106 owner to paya_owner")
    with database.role("worker"), connection.cursor() as cursor:
        cursor.execute("select core_idempotency_rotate()")
        cursor.execute("select core_idempotency_rotate()")
        assert cursor.fetchone() == (0,)
    parts = {row[0] for row in database.as_superuser(
        "select inhrelid::regclass::text from pg_inherits where inhparent = 'core_idempotency'::regclass")}  # fmt: skip
    assert "core_idempotency_20200106" not in parts
    assert len(parts) == 6
    assert run(people[0].id, "old", effects).replayed
    assert effects == [1]
