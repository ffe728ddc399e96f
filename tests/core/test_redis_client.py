"""What a process does while Redis hangs, or was away for a moment."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import redis

from core import redis_client
from tests.conftest import Database


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    redis_client.client.cache_clear()
    yield
    redis_client.ask_again()
    redis_client.client.cache_clear()


@pytest.fixture
def hanging(settings: object) -> Iterator[None]:
    """Something that takes every connection and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as server:
        settings.REDIS_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0"  # type: ignore[attr-defined]
        yield


def test_a_redis_that_hangs_is_waited_for_once(hanging: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten questions of one page: without the rest each of them would take its time-out, and the tries after it."""
    started = time.monotonic()
    for _ in range(10):
        with pytest.raises(redis.TimeoutError):
            redis_client.client().get("x")
        with pytest.raises(redis.TimeoutError):
            redis_client.client().pipeline(transaction=False).get("x").execute()
    assert time.monotonic() - started < 2 * 3
    monkeypatch.setattr(redis_client, "REST_SECONDS", 0.0)
    redis_client.ask_again()
    started = time.monotonic()
    for _ in range(2):
        with pytest.raises(redis.TimeoutError):
            redis_client.client().get("x")
    assert time.monotonic() - started > 2 * 2  # the control: without a rest everybody waits


def test_one_that_is_not_there_is_no_reason_to_wait(settings: object) -> None:
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        settings.REDIS_URL = f"redis://127.0.0.1:{nobody.getsockname()[1]}/0"  # type: ignore[attr-defined]
        started = time.monotonic()
        for _ in range(10):
            with pytest.raises(redis.ConnectionError):
                redis_client.client().get("x")
        assert time.monotonic() - started < 2


def test_a_connection_that_was_lost_is_made_anew(database: Database) -> None:
    client = redis_client.client()
    assert client.ping()
    other = threading.Thread(target=client.client_kill_filter, kwargs={"skipme": False, "_type": "normal"})
    other.start()
    other.join()
    assert client.ping()
