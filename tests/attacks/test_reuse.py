"""Used a second time, or by somebody else: a ticket for a socket, an Idempotency-Key. Each with its control."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from bench.campaigns.ground import change
from core import live
from core.identity import Session
from core.redis_client import client
from tests.conftest import Database
from tests.helpers import Api, at_once
from tests.rls.world import Belongings


def opened_by(count: int) -> list[Any]:
    """What so many sockets with one ticket get, all at once."""
    ticket = live.issue_ticket(Session(user_id=7, user_public_id="usr_7", device_id=8))
    return at_once(count, lambda _: live.redeem_ticket(ticket))


def test_of_many_sockets_with_one_ticket_one_opens() -> None:
    assert sorted(map(str, opened_by(10))) == ["(7, 8)"] + ["None"] * 9


def test_a_ticket_that_is_looked_up_and_then_removed_would_open_several(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: looked at and removed in two steps."""
    redis, together = client(), threading.Barrier(4)

    def look_then_remove(key: str) -> Any:
        value = redis.get(key)
        together.wait()
        redis.delete(key)
        return value

    monkeypatch.setattr(redis, "getdel", look_then_remove)
    monkeypatch.setattr(live, "client", lambda: redis)
    assert opened_by(4) == [(7, 8)] * 4


def paid(payer: Belongings, payee: Belongings, key: str) -> Any:
    body = {"to": payee.person.username, "amount": 1, "note": "", "visibility": "private"}
    return Api().post("/v1/payments", body, person=payer.person, key=key)


@pytest.fixture
def change_for_now(database: Database) -> Any:
    """Other words in a function, until the test is over."""
    before: list[str] = []

    def put(function: str, old: str, new: str) -> None:
        whole = "select pg_get_functiondef(oid) from pg_proc where proname = %s"
        before.extend(row[0] for row in database.as_superuser(whole, [function]))
        change(database, function, old, new)

    yield put
    for text in before:
        database.as_superuser(text)


def test_a_key_of_somebody_else_is_nobodys(database: Database, victim: Belongings, attacker: Belongings) -> None:
    key = uuid4().hex
    hers = paid(victim, attacker, key)
    his = paid(attacker, victim, key)
    assert (hers.status_code, his.status_code) == (201, 201)
    assert hers.json()["id"] != his.json()["id"]
    assert paid(victim, attacker, key).content == hers.content


def test_a_key_that_was_everybodys_is_noticed(
    database: Database, victim: Belongings, attacker: Belongings, change_for_now: Callable[[str, str, str], None]
) -> None:
    """The control: whoever knows a key is answered with its payment, and pays nothing."""
    key = uuid4().hex
    hers = paid(victim, attacker, key)
    change_for_now("payments_begin", r"i\.user_id = p_actor AND ", "")
    his = paid(attacker, victim, key)
    assert his.status_code != 201 or his.json()["id"] == hers.json()["id"]
