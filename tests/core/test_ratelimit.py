"""A moving window of a minute: exact under two hundred at once, in Redis and in the database."""

import time
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
import redis
import time_machine
from django.db import connection

from bench.campaigns.ground import change
from core import ratelimit, redis_client
from core.redis_client import client
from tests.conftest import Database
from tests.helpers import at_once

Spend = Callable[[str], int]


def in_redis(key: str) -> int:
    return ratelimit.spend(key=key, limit=5, sure=True)


def in_database(key: str) -> int:
    return ratelimit._in_database(key, 5)


@pytest.fixture
def redis_is_down(settings: object) -> Iterator[None]:
    redis_client.client.cache_clear()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
    yield
    redis_client.client.cache_clear()


@pytest.mark.parametrize("spend", [in_redis, in_database])
def test_so_many_pass_and_then_one_waits(database: Database, spend: Spend) -> None:
    key = uuid4().hex
    assert [spend(key) for _ in range(5)] == [0] * 5
    assert 58 <= spend(key) <= 60
    assert spend(uuid4().hex) == 0


def test_the_window_moves_and_does_not_jump(database: Database) -> None:
    """What was asked a minute ago is free again, one by one; a fixed minute would let twice as many pass at its end."""
    key, now = uuid4().hex, time.time()
    with time_machine.travel(now, tick=False) as clock:
        assert [in_redis(key) for _ in range(3)] == [0] * 3
        clock.shift(40)
        assert [in_redis(key) for _ in range(2)] == [0] * 2
        assert in_redis(key) in (20, 21)  # a timestamp in Redis has fewer digits
        clock.shift(20.5)
        assert [in_redis(key) for _ in range(3)] == [0] * 3
        assert in_redis(key) in (39, 40)


def test_the_databases_window_moves_too(database: Database) -> None:
    key = uuid4().hex
    assert [in_database(key) for _ in range(5)] == [0] * 5
    database.as_superuser("update core_ratehit set hits[1] = hits[1] - interval '61 s', hits[2] = hits[2] - interval '30 s'")
    assert in_database(key) == 0
    assert 28 <= in_database(key) <= 30


def test_of_two_hundred_at_once_no_more_than_the_limit_pass(database: Database) -> None:
    key = uuid4().hex
    waits = at_once(200, lambda _: ratelimit.spend(key=key, limit=20, sure=True))
    assert sum(wait == 0 for wait in waits) == 20
    assert all(0 <= wait <= 60 for wait in waits)


def test_what_looks_first_and_writes_then_lets_more_pass(database: Database) -> None:
    """The control run: what Django REST framework's throttles do."""
    key = uuid4().hex

    def look_then_write(_: int) -> int:
        so_far = int(client().get(key) or 0)
        if so_far >= 20:
            return 60
        client().set(key, so_far + 1, ex=60)
        return 0

    waits = at_once(200, look_then_write)
    assert sum(wait == 0 for wait in waits) > 20


def passed_in_database(key: str) -> int:
    waits = at_once(30, lambda _: in_database(key))
    return sum(wait == 0 for wait in waits)


def test_the_database_counts_as_exactly(database: Database) -> None:
    assert passed_in_database(uuid4().hex) == 5
    # The control: looked at without a lock, and with a moment between looking and counting.
    change(database, "core_spend_rate", " FOR UPDATE", "")
    change(database, "core_spend_rate", r"t := clock_timestamp\(\);", "PERFORM pg_sleep(0.02); t := clock_timestamp();")
    assert passed_in_database(uuid4().hex) > 5


def test_without_redis_what_must_be_counted_is_and_the_rest_passes(database: Database, redis_is_down: None) -> None:
    key = uuid4().hex
    assert [ratelimit.spend(key=key, limit=2, sure=True) > 0 for _ in range(4)] == [False, False, True, True]
    assert ratelimit.spend(key=key, limit=2, sure=False) == 0


def test_it_waits_for_a_silent_redis_no_longer_than_others(database: Database) -> None:
    """On the process' own connections, of which tests/core/test_redis_client.py tells."""
    pool = client().connection_pool
    storage = ratelimit._limiter(pool).storage
    assert isinstance(storage.get_connection(), redis.Redis)  # type: ignore[attr-defined]
    assert storage.get_connection().connection_pool is pool  # type: ignore[attr-defined]


def test_one_trip_to_redis(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    in_redis(uuid4().hex)  # the script is there
    sent: list[object] = []
    whole = redis.Redis.execute_command
    monkeypatch.setattr(redis.Redis, "execute_command", lambda self, *a, **k: sent.append(a[0]) or whole(self, *a, **k))
    in_redis(uuid4().hex)
    assert sent == ["EVALSHA"]


def test_what_is_over_is_forgotten(database: Database) -> None:
    database.as_superuser("truncate core_ratehit")
    in_database("old")
    in_database("young")
    database.as_superuser("update core_ratehit set last_at = last_at - interval '61 minutes' where key = 'old'")
    with database.role("worker"):
        ratelimit.forget()
    assert database.as_superuser("select key from core_ratehit") == [("young",)]


def test_nobody_reads_who_asked(database: Database) -> None:
    in_database("somebody")
    with pytest.raises(Exception, match="permission denied"), connection.cursor() as cursor:
        cursor.execute("select * from core_ratehit")
