"""What others are told: the outbox rows, the wake-ups behind them, the words for people, and the demo's clock."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from kombu.exceptions import OperationalError

from banking import pages, queries, services, tasks
from banking.handlers import wake_inbox, wake_transfers
from banking.models import BankTransfer
from core.actor import SYSTEM, actor
from core.clock import at_time
from core.outbox import Row
from core.relay import HandlerUnavailable
from tests.banking.sandbox import Bank
from tests.conftest import Database
from tests.helpers import relay_all


def changes(database: Database, user_id: int) -> list[str]:
    rows = database.as_superuser(
        "select payload->>'kind' from core_outbox where topic = 'wallet.changed' and payload->>'user' = %s order by id",
        [str(user_id)],
    )
    return [row[0] for row in rows]


def test_each_change_of_a_wallet_is_told(linked: Callable[..., Any], bank: Bank, database: Database) -> None:
    person = linked(name="R01-late")
    row = person.settled_load()
    bank.advance(3)
    person.refresh(row)
    told = [kind for kind in changes(database, person.person.id) if kind.startswith("load")]
    assert told == ["load_requested", "load_settled", "load_returned"]


def test_the_relay_wakes_the_worker(linked: Callable[..., Any], database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[int] = []
    monkeypatch.setattr(tasks.submit_transfer, "apply_async", lambda args, **options: woken.extend(args))
    row = linked().load()
    with database.role("worker"):
        relay_all()
    assert woken == [row.pk]


def test_messages_of_vendors_are_woken_several_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[list[int]] = []
    monkeypatch.setattr(tasks.process_inbox, "apply_async", lambda args, **options: woken.extend(args))
    told = [Row(number, "bank_inbox.due", {"event": number}, datetime.now(UTC)) for number in range(2 * tasks.AT_ONCE + 1)]
    wake_inbox(told)
    assert [len(batch) for batch in woken] == [tasks.AT_ONCE, tasks.AT_ONCE, 1]
    assert [event for batch in woken for event in batch] == list(range(2 * tasks.AT_ONCE + 1))


def test_without_a_broker_the_relay_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: Any, **__: Any) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(tasks.submit_transfer, "apply_async", down)
    with pytest.raises(HandlerUnavailable):
        wake_transfers([Row(1, "bank_transfer.due", {"transfer": 1}, datetime.now(UTC))])


def test_words(linked: Callable[..., Any], bank: Bank) -> None:
    person = linked(name="R01")
    row = person.submit(person.load(12_00))
    assert queries.pending_for(person.person.id) == [
        {
            "direction": "in",
            "amount": 12_00,
            "institution": "First Platypus Bank",
            "expected_on": row.expected_on,
            "looked_at": False,
            "url": f"/loads/{row.public_id}",
        }
    ]
    bank.advance(3)
    person.refresh(row)
    said = pages.words(person.person.id, "load_failed", row.public_id)
    assert said == {
        "text": "$12.00: Your bank did not send it. Your bank says that the balance did not cover it."
        " Nothing was added to your wallet.",
        "url": f"/loads/{row.public_id}",
    }
    assert queries.pending_for(person.person.id) == []


def test_the_wallets_activity_names_the_transfer(linked: Callable[..., Any]) -> None:
    from wallets.queries import activity

    person = linked()
    load = person.settled_load(50_00)
    redemption = person.redeem(20_00)
    with actor(person.person.id):
        assert [row.reference for row in activity(person.person.id)] == [redemption.public_id, load.public_id]


def test_the_demo_lives_in_the_past(linked: Callable[..., Any], bank: Bank, database: Database) -> None:
    person = linked()
    thursday = datetime(2026, 10, 8, 15, 0, tzinfo=UTC)
    with database.role("demo"), at_time(thursday):
        answer = services.request_load(user_id=person.person.id, amount=100, bank_account=person.account.public_id, key=None)
        with actor(SYSTEM):
            row = BankTransfer.objects.get(public_id=answer.body["id"])
        services.submit(transfer_id=row.pk)
    row = person.fresh(row)
    assert (row.status, row.created_at) == ("pending", thursday)
    assert row.expected_on == date(2026, 10, 14)  # the Monday between is Columbus Day
    with actor(person.person.id):
        assert {move.at for move in row.moves.all()} == {thursday}
