"""Taking a load or a redemption back: before it is sent, at the rail, too late, and when answers get lost."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from banking import services
from banking.errors import TooLateToCancel
from banking.models import BankTransfer
from banking.services import transfers
from core.clock import now
from core.errors import NotFound
from tests.banking.conftest import Linked
from tests.banking.sandbox import Bank
from tests.conftest import Database
from tests.helpers import assert_problem

Kind = BankTransfer.Kind


def cancel(person: Linked, row: BankTransfer) -> None:
    services.request_cancel(user_id=person.person.id, kind=Kind(row.kind), public_id=row.public_id)


def test_before_it_is_sent_nothing_is_asked_of_the_rail(linked: Callable[..., Any], bank: Bank) -> None:
    person = linked(money=30_00)
    before = bank.transfers()
    load, redemption = person.load(50_00), person.redeem(20_00)
    for row in (load, redemption):
        cancel(person, row)
        cancel(person, row)  # again, nothing changes
        assert person.submit(row).status == "cancelled"
    assert bank.transfers() == before
    assert person.money() == (30_00, 0, 0)
    cancel(person, load)  # it is cancelled: asking once more is no error


def test_at_the_rail_while_it_is_pending(linked: Callable[..., Any], bank: Bank) -> None:
    person = linked()
    row = person.submit(person.load(50_00))
    cancel(person, row)
    assert person.fresh(row).status == "pending"
    row = person.submit(row)
    assert (row.status, row.cancel) == ("cancelled", "asked")
    bank.advance(5)
    assert person.refresh(row).status == "cancelled"
    assert person.money() == (0, 0, 0)


def test_when_it_has_left_it_goes_on(linked: Callable[..., Any], bank: Bank) -> None:
    person = linked()
    row = person.submit(person.load(50_00))
    cancel(person, row)
    bank.advance(3)  # it arrived before we asked
    row = person.submit(row)
    assert row.status == "settled"
    assert person.money() == (50_00, 0, 0)
    with pytest.raises(TooLateToCancel):
        cancel(person, row)


def test_a_refusal_while_it_is_pending_is_told_and_not_repeated(
    linked: Callable[..., Any], own_rail: Callable[..., None], bank: Bank
) -> None:
    from core.resilience import ProviderRejected

    asked = []

    def too_late(self: Any, *, transfer: str) -> None:
        asked.append(transfer)
        raise ProviderRejected("NotAllowed")

    person = linked()
    row = person.submit(person.load(50_00))
    cancel(person, row)
    own_rail("cancel", too_late)
    row = person.submit(row)
    assert (row.status, row.cancel) == ("pending", "refused")
    person.submit(row)
    assert asked == [row.external_id]
    with pytest.raises(TooLateToCancel):
        cancel(person, row)
    bank.advance(3)
    assert person.refresh(row).status == "settled"


@pytest.mark.parametrize("mode", ["500", "drop_after", "timeout"])
def test_a_lost_answer_leaves_it_due(mode: str, linked: Callable[..., Any], bank: Bank, database: Database) -> None:
    from core.resilience import ProviderDown, ProviderUnknown

    person = linked()
    row = person.submit(person.load(50_00))
    cancel(person, row)
    bank.fail("dwolla", mode, path="/transfers/*", seconds=0)
    with pytest.raises((ProviderDown, ProviderUnknown)):
        person.submit(row)
    assert person.fresh(row).cancel == "asked"
    database.as_superuser("update banking_banktransfer set due_at = now(), woken_at = null")
    with database.role("worker"):
        assert row.pk in transfers.due()[0]
        again = person.fresh(row).due_at
        assert again is not None
        assert again < now() + timedelta(minutes=1)  # and not at the next poll, which is hours away
    assert person.submit(row).status == "cancelled"
    assert person.money() == (0, 0, 0)


def test_one_in_doubt_is_first_found_and_then_taken_back(linked: Callable[..., Any], bank: Bank) -> None:
    person = linked()
    row = person.load(50_00)
    bank.fail("dwolla", "drop_after")
    row = person.submit(row)
    assert row.status == "unknown"
    cancel(person, row)
    row = person.submit(row)
    assert row.status == "pending"
    assert person.submit(row).status == "cancelled"
    assert person.money() == (0, 0, 0)


def test_somebody_elses_is_not_there(linked: Callable[..., Any]) -> None:
    ada, eve = linked(), linked()
    row = ada.load()
    with pytest.raises(NotFound):
        services.request_cancel(user_id=eve.person.id, kind=Kind.LOAD, public_id=row.public_id)
    with pytest.raises(NotFound):
        services.request_cancel(user_id=ada.person.id, kind=Kind.REDEMPTION, public_id=row.public_id)
    assert ada.fresh(row).cancel == "no"


def test_over_the_api(linked: Callable[..., Any], api: Any) -> None:
    person = linked()
    row = person.load(50_00)
    answer = api.post(f"/v1/loads/{row.public_id}/cancel", {}, person=person.person)
    assert answer.status_code == 200
    assert answer.json()["cancel"] == "asked"
    assert answer.json()["timeline"][-1]["text"] == "You asked to cancel it."
    person.submit(row)
    shown = api.get(f"/v1/loads/{row.public_id}", person=person.person).json()
    assert shown["status"] == "cancelled"
    assert shown["timeline"][-1]["text"] == "Cancelled. Nothing was taken from your bank."
    settled = person.settled_load()
    assert_problem(api.post(f"/v1/loads/{settled.public_id}/cancel", {}, person=person.person), 409, "conflict")


def test_on_the_page(linked: Callable[..., Any], browse: Any) -> None:
    person = linked()
    row = person.load(50_00)
    client = browse(person.person.id)
    page = client.get(f"/loads/{row.public_id}").content.decode()
    assert f'action="/loads/{row.public_id}/cancel"' in page
    client.post(f"/loads/{row.public_id}/cancel")
    page = client.get(f"/loads/{row.public_id}").content.decode()
    assert "You asked to cancel it" in page
    assert "/cancel" not in page
