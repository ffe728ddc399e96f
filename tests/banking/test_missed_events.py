"""A subscription that Dwolla paused, or that is gone, and single events that never came: nothing stays unheard of."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from banking import rails
from banking.services import missed
from core import resilience
from core.resilience import ProviderDown
from tests.banking.sandbox import Bank
from tests.conftest import Database

Process = Callable[[], list[str]]


@pytest.fixture
def told_here(bank: Bank, settings: Any, database: Database) -> str:
    """Our own address at Dwolla; what happened before this test is known already."""
    settings.PUBLIC_URL = bank.receiver.url
    with database.role("worker"):
        for page in rails.dwolla().events():
            for event in filter(None, map(missed.read, page)):
                missed.receive(event)
    database.as_superuser("update banking_inboxevent set processed_at = now()")
    return f"{bank.receiver.url}/webhooks/dwolla"


def catch_up(database: Database) -> int:
    with database.role("worker"):
        return missed.catch_up()


@pytest.mark.parametrize("how", ["paused", "gone"])
def test_what_was_missed_is_fetched_and_the_telling_goes_on(
    linked: Callable[..., Any], bank: Bank, told_here: str, database: Database, process_inbox: Process, deliver: Any, how: str
) -> None:
    person, rail = linked(), rails.dwolla()
    ours = rail.subscription(url=told_here)
    assert ours is not None
    assert not ours.paused
    if how == "paused":
        rail._send("post", f"/webhook-subscriptions/{ours.id}", {"paused": True}, changes=True)
    else:
        rail._send("delete", f"/webhook-subscriptions/{ours.id}", {}, changes=True)
    row = person.submit(person.load())
    bank.advance(3)
    bank.receiver.seen.clear()
    # A page of events that is full of news is followed by the next.
    assert catch_up(database) >= 4
    process_inbox()
    assert person.fresh(row).status == "settled"
    assert person.money() == (50_00, 0, 0)
    again = rail.subscription(url=told_here)
    assert again is not None
    assert not again.paused
    other = person.submit(person.load(7_00))
    told = bank.deliveries(2, part=str(other.external_id).encode())[0]
    assert deliver(told).status_code == 202  # signed with our secret


def test_pages_follow_each_other_until_one_holds_nothing_new(
    linked: Callable[..., Any], bank: Bank, told_here: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[missed.Dwolla.__module__], "EVENTS_PER_PAGE", 2)
    person, rail = linked(), rails.dwolla()
    missed_before = catch_up(database)
    ours = rail.subscription(url=told_here)
    assert ours is not None
    rail._send("post", f"/webhook-subscriptions/{ours.id}", {"paused": True}, changes=True)
    for _ in range(3):
        person.submit(person.load())
    asked: list[str] = []
    get = type(rail)._get
    monkeypatch.setattr(type(rail), "_get", lambda self, path, *more: asked.append(path) or get(self, path, *more))
    fetched = catch_up(database)
    assert fetched >= 6 + missed_before
    assert asked.count("/events") < 12


def test_an_event_that_was_lost_between_others_is_fetched_and_older_ones_are_not(
    linked: Callable[..., Any], bank: Bank, told_here: str, database: Database, deliver: Any, process_inbox: Process
) -> None:
    """While the subscription works: what has arrived since says which ones should have."""
    person = linked()
    row = person.submit(person.load())
    deliver(bank.deliveries(2, part=str(row.external_id).encode())[0])
    lost = person.submit(person.load(7_00))
    bank.deliveries(2, part=str(lost.external_id).encode())
    last = person.submit(person.load(8_00))
    deliver(bank.deliveries(2, part=str(last.external_id).encode())[0])
    assert catch_up(database) >= 3
    outcomes = database.as_superuser(
        "select count(*) from banking_inboxevent where processed_at is null and body like %s", [f"%{lost.external_id}%"]
    )
    assert outcomes == [(2,)]
    assert catch_up(database) == 0


def test_while_dwolla_is_down_nothing_is_concluded(bank: Bank, told_here: str, database: Database) -> None:
    bank.fail("dwolla", "500", path="GET /webhook-subscriptions", times=9)
    with pytest.raises(ProviderDown):
        catch_up(database)
    bank.fail("dwolla", None, path="")  # type: ignore[arg-type]
    resilience.forget_failures()
    assert catch_up(database) >= 0
