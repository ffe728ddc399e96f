"""Calls that end without an answer, workers that vanish, vendors that are down: never two transfers, never none."""

from collections.abc import Callable
from typing import Any

import pytest

from banking import rails, services
from banking.models import BankTransfer
from banking.services import sources, transfers
from banking.services.transfers import submitting, sweeping
from core import resilience
from core.actor import SYSTEM, actor
from tests.banking.sandbox import Bank
from tests.conftest import Database
from tests.helpers import at_once


def test_the_answer_was_lost_and_the_transfer_was_made(linked: Callable[..., Any], bank: Bank) -> None:
    person = linked()
    before = bank.transfers()
    bank.fail("dwolla", "drop_after")
    row = person.submit(person.load())
    assert row.status == "unknown"
    assert person.money() == (0, 50_00, 0)
    row = person.submit(row)
    assert row.status == "pending"
    assert bank.transfers() - before == 1
    bank.advance(3)
    assert person.refresh(row).status == "settled"
    assert person.money() == (50_00, 0, 0)
    assert person.timeline(row) == ["requested", "submitted", "unknown", "pending", "settled"]


def test_the_answer_was_lost_and_nothing_was_made(linked: Callable[..., Any], bank: Bank, settings: Any) -> None:
    person = linked()
    before = bank.transfers()
    bank.fail("dwolla", "timeout", seconds=0)
    row = person.submit(person.load())
    assert row.status == "unknown"
    row = person.submit(row)
    assert row.status == "pending"
    assert bank.transfers() - before == 1


@pytest.mark.parametrize("answers", ["drop_after", "500"])
def test_again_and_again(linked: Callable[..., Any], bank: Bank, answers: str) -> None:
    """The search fails too: nothing is made again before it has answered."""
    person = linked()
    before = bank.transfers()
    bank.fail("dwolla", answers, times=2)
    bank.fail("dwolla", "500", path="GET /customers/*/transfers", times=4)
    row = person.load()
    statuses = []
    for _ in range(5):
        resilience.forget_failures()  # so many failures in a row would open it, and nothing more would be asked
        row = person.submit(row)
        statuses.append(row.status)
    assert statuses[:3] == ["unknown"] * 3
    assert statuses[-1] == "pending"
    assert bank.transfers() - before == 1


@pytest.mark.parametrize("lost", [1, 3])
def test_a_search_that_lags_behind_makes_no_second_transfer(
    linked: Callable[..., Any], bank: Bank, own_rail: Callable[..., None], lost: int
) -> None:
    """The rail has the transfer and its search does not show it: the create is repeated, and its key keeps it one."""
    person = linked()
    before = bank.transfers()
    bank.fail("dwolla", "drop_after", times=lost)
    own_rail("find", lambda self, key, customer: None)
    row = person.load()
    for _ in range(lost):
        resilience.forget_failures()
        row = person.submit(row)
        assert row.status == "unknown"
    assert person.submit(row).status == "pending"
    assert bank.transfers() - before == 1


def test_a_rail_that_is_busy_is_asked_later(linked: Callable[..., Any], bank: Bank) -> None:
    person = linked()
    before = bank.transfers()
    bank.fail("dwolla", "429")
    row = person.submit(person.load())
    assert row.status == "queued"
    assert row.due_at is not None
    assert person.submit(row).status == "pending"
    assert bank.transfers() - before == 1


def test_a_worker_that_vanishes_after_the_call(linked: Callable[..., Any], bank: Bank, database: Database) -> None:
    person = linked()
    before = bank.transfers()
    row = person.load()
    with database.role("worker"):
        work = submitting._claim(row.pk)
        assert work is not None
        bank_at_rail, _ = sources.at_rail(account_id=work.account_id, rail="dwolla", user_id=work.user_id)
        work.rail.create_pull(key=work.key, bank=bank_at_rail, amount=work.amount)
    assert person.fresh(row).status == "submitted"
    row = person.submit(row)
    assert row.status == "pending"
    assert bank.transfers() - before == 1
    assert "unknown" in person.timeline(row)


def test_many_workers_at_once(linked: Callable[..., Any], bank: Bank, database: Database) -> None:
    person = linked()
    before = bank.transfers()
    row = person.load()
    with database.role("worker"):
        at_once(6, lambda _: services.submit(transfer_id=row.pk))
    assert person.fresh(row).status == "pending"
    assert bank.transfers() - before == 1


def test_many_refreshes_at_once_mint_once(linked: Callable[..., Any], bank: Bank, database: Database) -> None:
    person = linked()
    row = person.submit(person.load())
    bank.advance(3)
    with database.role("worker"):
        at_once(6, lambda _: services.refresh(transfer_id=row.pk))
    assert person.fresh(row).status == "settled"
    assert person.money() == (50_00, 0, 0)


def test_a_token_that_has_expired_is_renewed(linked: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    person = linked()
    rail = rails.dwolla()
    monkeypatch.setattr(rail, "_token", rail._client.Token(access_token="no-longer-good"))
    monkeypatch.setattr(rail, "_token_until", float("inf"))
    assert person.submit(person.load()).status == "pending"


def test_the_sweep_finds_what_no_message_woke(linked: Callable[..., Any], bank: Bank, database: Database) -> None:
    person = linked()
    lost, pending = person.load(), person.submit(person.load())
    database.as_superuser("update banking_banktransfer set due_at = now() - interval '1 second'")
    with database.role("worker"):
        assert transfers.due() == ([lost.pk], [pending.pk])
        # Asked about once per period, with growing pauses; a message for the other one is on its way already,
        assert transfers.due() == ([], [])
        # unless it was lost, or is about an earlier time at which the row was due.
        database.as_superuser("update banking_banktransfer set woken_at = now() - interval '61 seconds' where id = %s", [lost.pk])
        assert transfers.due() == ([lost.pk], [])
        database.as_superuser("update banking_banktransfer set due_at = clock_timestamp() where id = %s", [lost.pk])
        assert transfers.due() == ([lost.pk], [])
        with actor(SYSTEM):
            row = BankTransfer.objects.get(pk=pending.pk)
    assert row.attempts == 1
    assert row.due_at is not None
    for attempts, pause in ((0, sweeping.FIRST_POLL), (99, sweeping.LAST_POLL)):
        row.attempts = attempts
        assert sweeping._next_poll(row, row.due_at) == row.due_at + pause
