"""What everybody is told about the vendors: from real failures to being well again."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from banking import plaid, rails
from core import resilience
from core.resilience import ProviderDown
from tests.banking.sandbox import Bank
from tests.conftest import Database
from users import sms

PINGS: dict[str, Callable[[], None]] = {"dwolla": lambda: rails.dwolla().ping(), "plaid": plaid.ping, "twilio": sms.ping}


def shown(api: Any) -> dict[str, dict[str, Any]]:
    answer = api.client.get("/v1/status")
    assert answer.status_code == 200
    vendors = answer.json()["vendors"]
    assert all(set(vendor) == {"name", "service", "status", "since"} for vendor in vendors)
    return {vendor["name"]: vendor for vendor in vendors}


@pytest.mark.parametrize("vendor", PINGS)
def test_a_ping_is_answered_by_a_vendor_that_is_up_and_changes_nothing(database: Database, bank: Bank, vendor: str):
    PINGS[vendor]()
    assert resilience.health(vendor).status == "operational"


@pytest.mark.parametrize("vendor", PINGS)
def test_a_vendor_that_fails_is_down_for_everybody_and_comes_back_by_itself(
    database: Database, bank: Bank, api: Any, vendor: str
):
    assert shown(api)[vendor]["status"] == "operational"
    bank.fail(vendor, "500", path="GET *" if vendor == "twilio" else "", times=50)
    with pytest.raises(ProviderDown):
        PINGS[vendor]()
    assert shown(api)[vendor]["status"] == "degraded"
    for _ in range(5):
        with pytest.raises(ProviderDown):
            PINGS[vendor]()
    told = shown(api)
    assert (told[vendor]["status"], told[vendor]["since"] is not None) == ("down", True)
    assert {name for name, line in told.items() if line["status"] != "operational"} == {vendor}
    page = Client().get("/status").content.decode()
    assert "Not everything works right now" in page
    assert "Down" in page
    # Nobody's readiness depends on it.
    ready = api.client.get("/readyz").json()
    assert ready["vendors"][vendor] == "down"
    assert vendor not in ready["checks"]

    bank.fail(vendor, None)
    with database.role("worker"):
        resilience.probe_the_troubled()
        assert shown(api)[vendor]["status"] == "down"  # it rests first
        resilience.breaker(vendor).half_open()
        resilience.probe_the_troubled()
    assert shown(api)[vendor]["status"] == "operational"
    assert "Everything works" in Client().get("/status").content.decode()


def test_people_pay_each_other_while_every_vendor_is_down(database: Database, bank: Bank, api: Any, make_person: Any):
    ann, bob = make_person("ann", money=1000), make_person("bob")
    for vendor in PINGS:
        resilience.breaker(vendor).open()
    body = {"to": "@bob", "amount": 250, "visibility": "public"}
    assert api.post("/v1/payments", body, person=ann, key=str(uuid4())).status_code == 201
    assert api.get("/v1/wallet", person=bob).json()["balance"]["available"] == 250


def test_a_rail_that_serves_no_new_transfers_is_named_while_it_is_not_well(
    bank: Bank, database: Database, api: Any, staff_member: int
):
    """What went that way before is still under way."""
    for kind in ("load", "redemption"):
        choice = "insert into banking_railchoice (kind, rail, reason, chosen_by_id) values (%s, 'stripe', 'x', %s)"
        database.as_superuser(choice, [kind, staff_member])
    assert "stripe" in shown(api) and "dwolla" not in shown(api)
    resilience.hold("dwolla")
    assert shown(api)["dwolla"]["service"] == "Earlier loads and redemptions"
    assert "What went this way before may arrive later" in Client().get("/status").content.decode()
    resilience.release("dwolla")
    assert "dwolla" not in shown(api)
