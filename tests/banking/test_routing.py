"""Which rail serves a transfer: staff choose, new transfers follow, those under way stay; and what has settled is watched."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from banking import rails
from banking.models import BankTransfer
from banking.services import routing, transfers
from banking.services.transfers import sweeping
from core.actor import SYSTEM, actor
from core.clock import now
from core.errors import Forbidden, ValidationError
from tests.banking.sandbox import Bank
from tests.banking.test_database import sqlstate
from tests.conftest import Database, MakePerson


def choose(database: Database, staff: int, kind: str, rail: str) -> None:
    with database.role("staff"):
        routing.choose_rail(kind=kind, rail=rail, staff_id=staff, reason="Dwolla raised its price")


def test_new_transfers_follow_and_those_under_way_stay(
    linked: Callable[..., Any], database: Database, staff_member: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rails._RAILS, "odfi", rails.dwolla)
    person = linked()
    first = person.load()
    choose(database, staff_member, "load", "odfi")
    second = person.load()
    assert (person.fresh(first).rail, second.rail) == ("dwolla", "odfi")
    with actor(person.person.id):
        assert routing.chosen_rail("redemption") == "dwolla"
    web = database.connect("worker")
    try:
        assert sqlstate(web, "update banking_banktransfer set rail = 'odfi' where id = %s", [first.pk]) in ("42501", "PB002")
    finally:
        web.close()
    assert sqlstate_as_owner(database, first) == "PB002"
    record = database.as_superuser("select action, subject, what from console_actionrecord")
    assert record == [("rail.choose", "load", "New loads go by odfi.")]


def sqlstate_as_owner(database: Database, row: BankTransfer) -> str:
    """What the trigger says to somebody who may write the column."""
    import psycopg2

    with pytest.raises(psycopg2.Error) as refusal:
        database.as_superuser("update banking_banktransfer set rail = 'odfi' where id = %s", [row.pk])
    return str(refusal.value.pgcode)


def test_a_rail_that_is_gone_is_not_used(linked: Callable[..., Any], database: Database, staff_member: int) -> None:
    person = linked()
    gone = "insert into banking_railchoice (kind, rail, reason, chosen_by_id) values ('load', 'pigeon', 'once', %s)"
    database.as_superuser(gone, [staff_member])
    assert person.load().rail == "dwolla"


def test_only_staff_and_only_what_is_set_up(database: Database, staff_member: int, make_person: MakePerson) -> None:
    ada = make_person("ada")
    with pytest.raises(ValidationError):
        choose(database, staff_member, "load", "carrier-pigeon")
    with pytest.raises(ValidationError):
        choose(database, staff_member, "everything", "dwolla")
    with pytest.raises(Forbidden):
        choose(database, ada.id, "load", "dwolla")


def test_an_amount_below_the_rails_smallest_is_refused(linked: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    rail = rails.dwolla()
    monkeypatch.setattr(rail, "terms", replace(rail.terms, minimum=50))
    person = linked()
    with pytest.raises(ValidationError) as refusal:
        person.load(49)
    assert refusal.value.fields["amount"] == "The smallest amount for now is $0.50."
    assert person.load(50).status == "requested"


def test_what_a_transfer_costs_us() -> None:
    terms = rails.dwolla().terms
    assert [terms.cost(amount) for amount in (1, 100, 50_00, 10_000_00)] == [1, 1, 25, 5_00]


def test_what_has_settled_is_asked_about_until_no_return_can_come(
    linked: Callable[..., Any], bank: Bank, database: Database
) -> None:
    """No webhook tells of the late return: the poll alone finds it."""
    person = linked(name="R01-late")
    row = person.settled_load()
    bank.advance(2)
    database.as_superuser("update banking_banktransfer set due_at = now() - interval '1 second'")
    with database.role("worker"):
        assert transfers.due() == ([], [row.pk])
        assert transfers.due() == ([], [])
        transfers.refresh(transfer_id=row.pk)
    assert person.fresh(row).status == "returned"
    row = person.fresh(row)
    assert row.due_at is None
    row.attempts, moment = 0, now()
    assert sweeping._next_poll(row, moment) == moment + sweeping.FIRST_LATE_POLL
    row.settled_at = moment - timedelta(days=65)
    assert sweeping._next_poll(row, moment) is None


def test_the_watch_over_what_settled_ends(linked: Callable[..., Any], database: Database) -> None:
    row = linked().settled_load()
    database.as_superuser("update banking_banktransfer set due_at = now(), settled_at = now() - interval '66 days'")
    with database.role("worker"):
        assert transfers.due() == ([], [row.pk])
        with actor(SYSTEM):
            assert BankTransfer.objects.get(pk=row.pk).due_at is None
