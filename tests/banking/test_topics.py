"""What each topic of Dwolla leads to: one of a few look-ups, or nothing; and what a customer's standing means."""

from collections.abc import Callable
from typing import Any

import pytest

from banking import rails, services
from banking.errors import BankTransfersStopped
from banking.models import BankAccount, RailCustomer
from banking.services import sources
from banking.services.topics import DWOLLA, About, about, told
from core.actor import SYSTEM, actor
from tests.banking.sandbox import Bank
from tests.conftest import Database

Process = Callable[[], list[str]]


def test_all_of_them_are_known() -> None:
    """Dwolla has 73 (RAILS, section 1); a topic that it adds is kept as one that nobody has thought about."""
    assert len(DWOLLA) == 73
    assert About.UNKNOWN not in DWOLLA.values()
    assert about("dwolla", "customer_transfer_paused") is About.UNKNOWN


@pytest.mark.parametrize("level", ["", "customer_"])
def test_transfers_are_looked_up_at_both_levels(level: str) -> None:
    for what in ("created", "completed", "failed", "cancelled"):
        assert about("dwolla", f"{level}transfer_{what}") is About.TRANSFER


@pytest.mark.parametrize(
    ("topic", "far"),
    [
        ("customer_transfer_created", "pending"), ("transfer_completed", "processed"), ("transfer_cancelled", "cancelled"),
        ("customer_bank_transfer_failed", "failed"),
        ("payment_intent.succeeded", "processed"), ("payment_intent.canceled", "cancelled"),
        ("treasury.outbound_payment.posted", "processed"), ("treasury.outbound_payment.returned", None),
        # Disputes are made and closed, too, and that is not how the transfer ends.
        ("charge.dispute.created", None), ("payment_intent.requires_action", None),
    ],
)  # fmt: skip
def test_how_far_a_transfer_has_come_by_a_topic(topic: str, far: str | None) -> None:
    assert told(topic) == far


def tell(topic: str, database: Database, **content: str) -> None:
    with database.role("worker"):
        services.receive(services.inbox.Event("dwolla", f"evt-{topic}", topic, content))


def customer_of(person: Any) -> str:
    with actor(person.person.id):
        row = RailCustomer.objects.get(rail="dwolla")
        return str(sources.sealed.customer_id(row))


def test_unknown_ones_and_those_about_ourselves_are_said_aloud(
    database: Database, bank: Bank, process_inbox: Process, caplog: pytest.LogCaptureFixture
) -> None:
    for topic in ("account_suspended", "funding_source_negative", "customer_kba_verification_passed", "something_new"):
        tell(topic, database)
    assert process_inbox() == ["staff are told", "staff are told", "ignored", "unknown topic"]
    said = [(record.levelname, record.message) for record in caplog.records if record.name == "paya.banking"]
    assert said == [("ERROR", "rail_warns_us")] * 2 + [("WARNING", "inbox_unknown_topic")]


@pytest.mark.parametrize("status", ["suspended", "deactivated"])
def test_a_customer_whom_dwolla_stops_asks_for_nothing_until_it_goes_on(
    linked: Callable[..., Any], bank: Bank, deliver: Any, process_inbox: Process, database: Database, status: str
) -> None:
    person, other = linked(money=100_00), linked()
    customer = customer_of(person)
    path, rail = f"/customers/{customer}", rails.dwolla()
    rail._send("post", path, {"status": status}, changes=True)
    for each in bank.deliveries(1, part=f"customer_{status}".encode()):
        assert deliver(each).status_code == 202
    assert process_inbox() == ["done"]
    for ask in (person.load, person.redeem):
        with pytest.raises(BankTransfersStopped):
            ask()
    assert other.submit(other.load()).status == "pending"
    assert database.as_superuser("select stopped from banking_railcustomer order by id") == [(True,), (False,)]
    # It is said to whom it concerns only, and staff may see it.
    with database.role("staff"), actor(person.person.id):
        assert list(RailCustomer.objects.values_list("stopped", flat=True).order_by("id")) == [True, False]
    if status == "suspended":
        rail._send("post", path, {"status": "reactivated"}, changes=True)
        deliver(bank.deliveries(1, part=b"customer_activated")[0])
        process_inbox()
        assert person.submit(person.load()).status == "pending"


def test_news_of_a_bank_of_a_customer_who_is_nobody_of_ours(linked: Callable[..., Any], database: Database, bank: Bank) -> None:
    """Dwolla's own word for who it is does not stop the person whom it names."""
    person = linked()
    with database.role("worker"), actor(SYSTEM):
        row = RailCustomer.objects.get()
        row.customer = sources.sealed.seal_customer(row.user_id, "dwolla", "another-customer")
        database.as_superuser("update banking_railcustomer set customer = %s", [row.customer])
    stranger = rails.dwolla().create_customer(public_id="usr_stranger", display_name="No Body")
    with database.role("worker"):
        assert services.customers.check(rail="dwolla", customer=stranger) is False
    with actor(person.person.id):
        assert RailCustomer.objects.get().stopped is False


BANK_TOPICS = ["customer_funding_source_unverified", "funding_source_removed", "customer_microdeposits_failed"]


@pytest.mark.parametrize("topic", BANK_TOPICS)
def test_news_of_a_bank_asks_whether_it_can_be_used(
    linked: Callable[..., Any], bank: Bank, process_inbox: Process, database: Database, topic: str
) -> None:
    person = linked()
    with database.role("worker"), actor(SYSTEM):
        [source] = services.accounts.sources_at(rail="dwolla", user_id=person.person.id)
    tell(topic, database, resource_id=source)
    assert process_inbox() == ["done"]
    with actor(person.person.id):
        assert BankAccount.objects.get().status == "active"  # the news is not believed: it can be used
    rails.dwolla().remove_bank(bank=source)
    again = "customer_funding_source_updated"
    tell(again, database, resource_id=source)
    process_inbox()
    with actor(person.person.id):
        assert (BankAccount.objects.get().status, BankAccount.objects.get().broken_by) == ("relink", "dwolla")


BROKEN = [("active", "relink", "dwolla", "active"), ("relink", "relink", "dwolla", "relink"), ("relink", "relink", "", "relink"),
          ("active", "relink", "R03", "relink"), ("active", "relink", "stripe", "relink"), ("revoked", "revoked", "", "revoked")]


@pytest.mark.parametrize(("login", "status", "broken_by", "then"), BROKEN)
@pytest.mark.parametrize("usable", [True, False])
def test_a_rail_heals_only_what_it_broke(
    linked: Callable[..., Any], process_inbox: Process, database: Database,
    login: str, status: str, broken_by: str, then: str, usable: bool,
) -> None:  # fmt: skip
    person = linked()
    with database.role("worker"), actor(SYSTEM):
        [source] = services.accounts.sources_at(rail="dwolla", user_id=person.person.id)
    database.as_superuser("update banking_bankitem set status = %s", [login])
    database.as_superuser("update banking_bankaccount set status = %s, broken_by = %s", [status, broken_by])
    if not usable:
        rails.dwolla().remove_bank(bank=source)
    tell("customer_funding_source_verified", database, resource_id=source)
    assert process_inbox() == ["done"]
    with actor(person.person.id):
        assert BankAccount.objects.get().status == (then if usable else status)
