"""Figures for many readers are computed by one of them; reads go to the replica, and to the primary when it is down."""

import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
import redis
from django.db import OperationalError, connection, connections, transaction

from core import cached as module
from core import replica
from core.cached import cached
from core.ids import new_id
from core.replica import read
from tests.conftest import Database
from tests.helpers import at_once


def test_many_at_once_have_it_computed_once(database: Database):
    name, calls, gate = new_id("x"), [], threading.Event()

    def make() -> int:
        calls.append(1)
        gate.wait(5)
        return 42

    threading.Timer(0.2, gate.set).start()
    assert at_once(8, lambda _: cached(name, seconds=60, make=make)) == [42] * 8
    assert len(calls) == 1
    assert cached(name, seconds=60, make=make) == 42 and len(calls) == 1


def test_while_one_computes_anew_the_others_are_given_the_old_one(database: Database):
    name, begun, gate = new_id("x"), threading.Event(), threading.Event()
    cached(name, seconds=60, make=lambda: "old")

    def make() -> str:
        begun.set()
        gate.wait(5)
        return "new"

    first = threading.Thread(target=lambda: (cached(name, seconds=0, make=make), connection.close()))
    first.start()
    assert begun.wait(5)
    assert cached(name, seconds=0, make=lambda: pytest.fail("computed twice")) == "old"
    gate.set()
    first.join()
    assert cached(name, seconds=60, make=lambda: pytest.fail("computed twice")) == "new"


def test_when_computing_fails_the_old_one_is_given(database: Database):
    name = new_id("x")

    def fail() -> None:
        raise OperationalError("down")

    with pytest.raises(OperationalError):
        cached(name, seconds=0, make=fail)
    assert cached(name, seconds=0, make=lambda: [1]) == [1]
    assert cached(name, seconds=0, make=fail) == [1]
    assert cached(name, seconds=0, make=lambda: [2]) == [2]  # nobody is kept from trying


def test_without_redis_each_process_keeps_its_own(database: Database, monkeypatch: pytest.MonkeyPatch):
    def no_redis() -> Any:
        raise redis.ConnectionError

    monkeypatch.setattr(module, "client", no_redis)
    name, calls = new_id("x"), []
    for _ in range(3):
        assert cached(name, seconds=60, make=lambda: calls.append(1) or len(calls)) == 1
    assert cached(name, seconds=0, make=lambda: 2) == 2


# ------------------------------------------------------------------------------------------------------- replica
def who() -> str:
    with connection.cursor() as cursor:
        cursor.execute("select session_user")
        return str(cursor.fetchone()[0])


@pytest.fixture
def second(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A second connection to the books, by another login: who answers tells where it was read."""
    parts = urlsplit(database.url("auditor"))
    settings = connections["default"].settings_dict | {"USER": parts.username, "PASSWORD": parts.password}
    monkeypatch.setitem(connections.settings, "replica", settings)
    monkeypatch.setattr(replica, "_down_until", 0.0)
    yield settings
    connections["replica"].close()
    del connections["replica"]


def test_reads_go_to_the_replica_and_nothing_else_does(database: Database, second: dict[str, Any]):
    assert (read(who), who()) == ("paya_test_auditor", "paya_test_web")
    with transaction.atomic():
        assert read(who) == "paya_test_web"  # inside a transaction, where that is


def test_a_killed_replica_costs_nobody_an_answer(database: Database, second: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    assert read(who) == "paya_test_auditor"
    killed = database.as_superuser(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'paya_test_auditor' and datname = %s",
        [database.name],
    )
    assert killed == [(1,)]
    assert read(who) == "paya_test_web"
    tried = []
    monkeypatch.setattr(replica, "_in_its_place", lambda: tried.append(1))
    assert read(who) == "paya_test_web" and not tried  # and for a moment nobody tries again
    monkeypatch.undo()
    monkeypatch.setitem(connections.settings, "replica", second)
    monkeypatch.setattr(replica, "_down_until", time.monotonic() - 1)
    assert read(who) == "paya_test_auditor"  # it is back


def test_one_that_cannot_be_reached_is_passed_by(database: Database, second: dict[str, Any]):
    connections["replica"].settings_dict["HOST"] = "/nowhere"
    assert read(who) == "paya_test_web"
    assert connection.settings_dict["USER"] == "paya_test_web"


def test_what_is_wrong_with_the_question_is_not_asked_again(database: Database, second: dict[str, Any]):
    asked = []

    def wrong() -> None:
        asked.append(who())
        with connection.cursor() as cursor:
            cursor.execute("select nonsense")

    with pytest.raises(Exception, match="nonsense"):
        read(wrong)
    assert asked == ["paya_test_auditor"] and who() == "paya_test_web"


def test_the_time_of_what_is_read(database: Database):
    raw = psycopg2.connect(database.url("web"))
    with raw.cursor() as cursor:
        cursor.execute("select clock_timestamp()")
        assert abs(replica.as_of() - cursor.fetchone()[0]).total_seconds() < 10
    raw.close()
