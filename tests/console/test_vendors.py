"""Vendors on the staff's site: how they are doing, held and let through with a record; the sandbox's controls locally only."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from console import vendors
from core import resilience
from core.errors import ServiceUnavailable
from core.resilience import ProviderDown
from tests.conftest import Database
from tests.console.conftest import Desk

PAGE = "/admin/console/vendor/"
REASON = "Support case 4711"


@pytest.fixture(autouse=True)
def all_is_well(database: Database) -> Iterator[None]:
    resilience.breaker("dwolla")
    resilience.forget_failures()
    yield
    resilience.breaker("dwolla")
    resilience.forget_failures()


def act(desk: Desk, address: str, **given: str) -> Any:
    """Through both steps: what it will do, then doing it."""
    shown = desk.post(address, **given, reason=REASON).content.decode()
    digest = re.search(r'name="shown" value="(\w+)"', shown)
    assert digest, shown
    return desk.post(address, **given, reason=REASON, shown=digest[1])


def records(database: Database) -> list[tuple[str, str]]:
    return list(database.as_superuser("select action, what from console_actionrecord order by id"))


def test_how_each_is_doing(desk: Desk) -> None:
    for _ in range(2):
        with pytest.raises(ProviderDown):
            resilience.call("dwolla", fails)
    page = desk.get(PAGE).content.decode()
    assert all(name in page for name in ("dwolla", "plaid", "stripe", "twilio"))
    assert "degraded" in page
    assert ">2<" in re.sub(r"\s+", "", page)


def fails() -> None:
    raise ProviderDown("no")


def test_held_by_staff_nothing_is_asked_until_they_let_calls_through(desk: Desk, staff_site: Database) -> None:
    asked: list[str] = []
    assert act(desk, f"{PAGE}dwolla/do/hold/").status_code == 302
    with pytest.raises(ProviderDown, match="held by staff"):
        resilience.call("dwolla", lambda: asked.append("x"))
    assert resilience.health("dwolla").status == "down"
    assert "held by staff" in desk.get(PAGE).content.decode()
    resilience.probe_the_troubled()  # and time alone changes nothing
    assert resilience.health("plaid").status == "operational"

    act(desk, f"{PAGE}dwolla/do/release/")
    resilience.call("dwolla", lambda: asked.append("x"))
    assert asked == ["x"]
    assert [action for action, _ in records(staff_site)] == ["vendor.hold", "vendor.release"]


def test_one_that_rests_after_failures_can_be_asked_at_once(desk: Desk) -> None:
    for _ in range(5):
        with pytest.raises(ProviderDown):
            resilience.call("dwolla", fails)
    assert resilience.health("dwolla").status == "down"
    act(desk, f"{PAGE}dwolla/do/release/")
    assert resilience.call("dwolla", lambda: 7) == 7


def test_without_redis_there_is_no_record_of_what_was_not_done(
    account: int, staff_site: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from redis import RedisError

    def gone(name: str) -> None:
        raise RedisError

    monkeypatch.setattr(resilience, "hold", gone)
    with pytest.raises(ServiceUnavailable):
        vendors.set_held(vendor="dwolla", held=True, staff_id=account, reason=REASON)
    assert records(staff_site) == []


def test_the_sandbox_is_told_what_was_shown(desk: Desk, staff_site: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, dict[str, Any]]] = []

    class Answer:
        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None: ...

        def read(self) -> bytes:
            return b"{}"

    def open_(request: Any, timeout: float) -> Answer:
        told.append((request.full_url.partition("/sandbox/")[2], json.loads(request.data)))
        return Answer()

    monkeypatch.setattr(vendors.urllib.request, "urlopen", open_)
    act(desk, f"{PAGE}dwolla/do/fail/", mode="drop_after", times="3")
    act(desk, f"{PAGE}stripe/do/recover/")
    act(desk, f"{PAGE}do/webhooks/", mode="paused")
    act(desk, f"{PAGE}do/advance/", business_days="2")
    rates = dict.fromkeys(["busy", "hang", "drop", "late", "twice"], "0")
    act(desk, f"{PAGE}do/chaos/", error="3", lost="5", **rates)
    assert told == [
        ("dwolla/fail", {"mode": "drop_after", "times": 3, "path": ""}), ("stripe/fail", {"mode": None}),
        ("webhooks", {"mode": "paused"}), ("bank/advance", {"business_days": 2}), ("chaos", {"error": 0.03, "lost": 0.05}),
    ]  # fmt: skip
    assert {action for action, _ in records(staff_site)} == {"sandbox"}
    assert records(staff_site)[-1][1] == "The sandbox's weather: requests answered 500 3 %, webhooks lost 5 %."


def test_in_production_there_is_nothing_to_tell(desk: Desk, staff_site: Database, settings: Any, account: int) -> None:
    settings.SANDBOX = False
    assert "Sandbox" not in desk.get(PAGE).content.decode()
    assert "Sandbox" not in desk.get(f"{PAGE}dwolla/change/").content.decode()
    for path in ("dwolla/do/fail/", "do/advance/", "do/chaos/"):
        assert desk.post(PAGE + path, reason=REASON, mode="500", times="1").status_code in (302, 400), path
    with pytest.raises(vendors.NotFound):
        vendors.tell_sandbox("chaos", {}, what="x", staff_id=account, reason=REASON)
    assert records(staff_site) == []
