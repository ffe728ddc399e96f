"""Breakers: what one process finds out about a provider, all of them know."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pybreaker
import pytest
import redis

from core import resilience
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown
from tests.conftest import Database
from tests.helpers import at_once


@pytest.fixture(autouse=True)
def breakers_are_closed(database: Database) -> Iterator[None]:
    resilience.breaker("vendor")
    resilience.forget_failures()
    yield
    resilience.forget_failures()


def fail(times: int, name: str = "vendor") -> None:
    def down() -> None:
        raise ProviderDown("no")

    for _ in range(times):
        with pytest.raises(ProviderDown):
            resilience.call(name, down)


_ELSEWHERE = """
import django; django.setup()
from core import resilience
from core.resilience import ProviderDown
asked = []
print("here", flush=True)
input()
try:
    resilience.call("vendor", lambda: asked.append(1))
except ProviderDown as error:
    print(error)
print(len(asked), resilience.health("vendor").status)
"""


def elsewhere(database: Database, meanwhile: Callable[[], object]) -> list[str]:
    """What another process of the same PaYa hears of the vendor when it calls right after something was done here."""
    env = {**os.environ, "DATABASE_URL": database.url("web")}
    command = [sys.executable, "-c", _ELSEWHERE]
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"  # a start may take longer than a breaker rests
        meanwhile()
        said, _ = process.communicate("now\n", timeout=60)
    assert process.returncode == 0
    return said.splitlines()


def test_what_one_process_found_out_the_others_know(database: Database):
    before = datetime.now(UTC) - timedelta(seconds=1)
    assert elsewhere(database, lambda: fail(5)) == ["vendor is resting after failures", "0 down"]
    down = resilience.health("vendor")
    assert down.status == "down"
    assert down.since is not None
    assert before <= down.since <= datetime.now(UTC)
    resilience.breaker("vendor").half_open()
    assert resilience.health("vendor") == resilience.Health("vendor", "degraded", down.since)
    fail(1)  # the one try
    assert resilience.health("vendor") == down
    assert elsewhere(database, resilience.breaker("vendor").half_open) == ["1 operational"]  # its one try went well
    assert resilience.health("vendor").status == "operational"


def test_what_staff_hold_is_down_since_then(database: Database):
    before = datetime.now(UTC) - timedelta(seconds=1)
    resilience.hold("vendor")
    held = resilience.health("vendor")
    assert held.status == "down"
    assert held.since is not None
    assert before <= held.since <= datetime.now(UTC)
    resilience.release("vendor")
    assert resilience.health("vendor").status == "operational"


def test_a_few_failures_degrade_and_a_success_mends():
    fail(2)
    assert resilience.health("vendor").status == "degraded"
    assert resilience.call("vendor", lambda: 1) == 1
    assert resilience.health("vendor").status == "operational"


def test_threads_do_not_wait_for_each_others_calls():
    """The library locks a breaker for as long as a call takes: one that hangs would hang them all."""
    together = threading.Barrier(3)
    assert sorted(at_once(3, lambda _: resilience.call("vendor", lambda: together.wait(10)))) == [0, 1, 2]
    at_once(3, lambda _: fail(2))
    assert resilience.health("vendor").status == "down"  # and what they find out counts together
    resilience.forget_failures()
    assert resilience.health("vendor").status == "operational"


def test_a_provider_that_nobody_asks_is_tried_until_it_is_back(monkeypatch: pytest.MonkeyPatch):
    tried: list[str] = []
    probes = {name: lambda name=name: resilience.call(name, lambda: tried.append(name)) for name in ("vendor", "other")}
    monkeypatch.setattr(resilience, "_probes", probes)
    resilience.probe_the_troubled()
    assert tried == []  # both are well: nobody is disturbed
    fail(5)
    resilience.probe_the_troubled()
    assert tried == []  # it is still resting
    resilience.breaker("vendor").half_open()
    resilience.probe_the_troubled()
    assert tried == ["vendor"]
    assert resilience.health("vendor").status == "operational"


def test_without_redis_calls_go_on(monkeypatch: pytest.MonkeyPatch):
    """Nothing is held against anybody, and nothing breaks."""
    nowhere = redis.Redis(port=1, retry=None)
    monkeypatch.setattr(resilience, "client", lambda: nowhere)
    monkeypatch.setattr(resilience, "_breakers", {})
    fail(7)
    assert resilience.call("vendor", lambda: "well") == "well"
    assert resilience.health("vendor").status == "operational"


def test_a_breaker_opens_after_five_failures_and_lets_one_try_again():
    calls: list[int] = []

    def down() -> None:
        calls.append(1)
        raise ProviderDown("no")

    for _ in range(8):
        with pytest.raises(ProviderDown):
            resilience.call("vendor", down)
    assert len(calls) == 5
    assert resilience.breaker("vendor").current_state == pybreaker.STATE_OPEN
    assert resilience.call("another vendor", lambda: 1) == 1
    resilience.breaker("vendor").half_open()
    assert resilience.call("vendor", lambda: "back") == "back"
    assert resilience.breaker("vendor").current_state == pybreaker.STATE_CLOSED


def test_a_refusal_is_no_failure_of_the_provider():
    def refuse() -> None:
        raise ProviderRejected("InvalidAmount")

    for _ in range(8):
        with pytest.raises(ProviderRejected):
            resilience.call("vendor", refuse, tries=3)
    assert resilience.breaker("vendor").current_state == pybreaker.STATE_CLOSED


def test_only_what_may_be_repeated_is_and_only_as_often_as_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)
    calls: list[int] = []

    def third_time_lucky() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise ProviderUnknown("timeout")
        return "done"

    with pytest.raises(ProviderUnknown):
        resilience.call("vendor", third_time_lucky)
    assert len(calls) == 1
    assert resilience.call("vendor", third_time_lucky, tries=3) == "done"
    assert len(calls) == 3
