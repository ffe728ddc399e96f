"""Stripe as the rail of loads and redemptions, over the sandbox: chosen by staff, heard of by webhooks."""

import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from banking.models import BankTransfer
from core.actor import SYSTEM, actor
from tests.banking.sandbox import Bank, Delivery
from tests.conftest import Database
from tests.helpers import assert_problem

PATH = "/webhooks/stripe"
Process = Callable[[], list[str]]
Choose = Callable[..., None]


@pytest.fixture
def by_stripe(linked: Callable[..., Any], choose: Choose) -> Callable[..., Any]:
    choose("stripe")
    return linked


def reserves(database: Database) -> dict[str, int]:
    """What the ledger says that each custodian holds, in cents."""
    rows = database.as_superuser(
        "select s.name, -sum(a.balance)::bigint from ledger_systemaccount s join ledger_account a"
        " on ledger_logical(a.id) = s.id where s.name like 'reserve:%' group by s.name having sum(a.balance) <> 0"
    )
    return dict(rows)


def put_money_at_stripe(cents: int) -> None:
    from banking.rails.stripe import make_client

    api = make_client(settings.STRIPE_SECRET_KEY, base=settings.STRIPE_BASE_URL, timeout=10).v1
    account = api.treasury.financial_accounts.list().data[0].id
    api.test_helpers.treasury.received_credits.create(
        {"amount": cents, "currency": "usd", "financial_account": account, "network": "ach"}
    )


def signed(body: bytes, *, secret: str | None = None, age: int = 0) -> Delivery:
    stamp = str(int(time.time()) - age)
    secret = secret or settings.STRIPE_WEBHOOK_SECRETS[0]
    mac = hmac.new(secret.encode(), stamp.encode() + b"." + body, "sha256").hexdigest()
    return Delivery(PATH, body, {"Stripe-Signature": f"t={stamp},v1={mac}"})


def test_a_load_takes_days_settles_into_stripes_reserve_and_may_come_back(
    by_stripe: Callable[..., Any], bank: Bank, deliver: Any, process_inbox: Process, database: Database
) -> None:
    person = by_stripe(name="R01-late")
    row = person.submit(person.load())
    assert (row.rail, row.status, str(row.external_id)[:3]) == ("stripe", "pending", "pi_")
    bank.advance(1)
    assert person.refresh(row).status == "pending"
    bank.advance(2)
    news = bank.deliveries(2, path=PATH, part=str(row.external_id).encode())
    for each in news:
        assert deliver(each).status_code == 202
    assert set(process_inbox()) == {"done"}
    assert person.fresh(row).status == "settled"
    assert person.money() == (50_00, 0, 0)
    assert reserves(database) == {"reserve:stripe": 50_00}

    bank.advance(3)
    dispute = bank.deliveries(1, path=PATH, part=b"charge.dispute.")[0]
    assert str(row.external_id).encode() in dispute.body
    deliver(dispute)
    process_inbox()
    row = person.fresh(row)
    assert (row.status, row.failure_code) == ("returned", "R01")
    assert person.money() == (0, 0, 0)
    assert reserves(database) == {}


def test_a_redemption_leaves_stripes_reserve(by_stripe: Callable[..., Any], bank: Bank, database: Database) -> None:
    put_money_at_stripe(1_000_00)
    person = by_stripe()
    person.submit(person.load())
    bank.advance(3)
    with actor(person.person.id):
        [load] = BankTransfer.objects.all()
    person.refresh(load)
    row = person.submit(person.redeem(20_00))
    assert (row.status, str(row.external_id)[:4]) == ("pending", "obp_")
    bank.advance(1)
    assert person.refresh(row).status == "settled"
    assert person.money() == (30_00, 0, 0)
    assert reserves(database) == {"reserve:stripe": 30_00}


def test_a_redemption_waits_for_money_in_the_financial_account(
    by_stripe: Callable[..., Any], bank: Bank, caplog: pytest.LogCaptureFixture
) -> None:
    """And Stripe, which repeats an answer under its key, is not asked before there is some."""
    person = by_stripe(money=990_000_00)
    row = person.submit(person.redeem(950_000_00))
    assert (row.status, row.failure_code) == ("queued", "")
    assert person.money() == (40_000_00, 0, 950_000_00)
    assert "reserve_short" in [record.message for record in caplog.records if record.levelname == "ERROR"]
    put_money_at_stripe(950_000_00)
    row = person.submit(row)
    assert row.status == "pending"
    bank.advance(1)
    assert person.refresh(row).status == "settled"


def test_another_choice_switches_no_transfer_half_way(
    linked: Callable[..., Any], choose: Choose, bank: Bank, database: Database
) -> None:
    person = linked()  # known to Dwolla alone
    by_dwolla = person.load(10_00)
    choose("stripe", "load")
    by_stripe = person.load(20_00)
    choose("dwolla", "load")
    assert [row.rail for row in (by_dwolla, by_stripe)] == ["dwolla", "stripe"]
    by_dwolla, by_stripe = person.submit(by_dwolla), person.submit(by_stripe)
    assert str(by_stripe.external_id).startswith("pi_")
    assert not str(by_dwolla.external_id).startswith("pi_")
    bank.advance(3)
    assert [person.refresh(row).status for row in (by_dwolla, by_stripe)] == ["settled", "settled"]
    assert reserves(database) == {"reserve:dwolla": 10_00, "reserve:stripe": 20_00}


def test_an_event_may_be_faster_than_our_own_record(
    by_stripe: Callable[..., Any], bank: Bank, deliver: Any, process_inbox: Process
) -> None:
    """The create's answer is lost. The intent's event carries our key; the dispute's does not and waits."""
    person = by_stripe()
    bank.fail("stripe", "drop_after", "/v1/payment_intents")
    row = person.submit(person.load())
    assert (row.status, row.external_id) == ("unknown", None)
    news = bank.deliveries(1, path=PATH, part=str(row.rail_key).encode())[0]
    intent = json.loads(news.body)["data"]["object"]["id"]
    dispute = {"id": "evt_d", "object": "event", "type": "charge.dispute.created", "data": {"object": {"payment_intent": intent}}}
    assert deliver(signed(json.dumps(dispute).encode())).status_code == 202
    assert process_inbox() == ["unmatched"]
    deliver(news)
    process_inbox()
    assert process_inbox() == ["done", "done"]
    row = person.fresh(row)
    assert (row.status, row.external_id) == ("pending", intent)


def test_what_is_refused_and_kept_there_as_failed_alarms_nobody(
    by_stripe: Callable[..., Any], bank: Bank, deliver: Any, process_inbox: Process, caplog: pytest.LogCaptureFixture,
    database: Database,
) -> None:
    """A blocked bank: Stripe answers 402, and tells of the PaymentIntent that failed."""
    person = by_stripe(name="R03")
    first = person.submit(person.load())
    bank.advance(3)
    assert person.refresh(first).status == "failed"
    database.as_superuser("update banking_bankaccount set status = 'active'")  # as if we did not know yet
    second = person.submit(person.load(7_00))
    assert (second.status, second.external_id, second.failure_code) == ("failed", None, "bank_account_unusable")
    deliver(bank.deliveries(1, path=PATH, part=str(second.rail_key).encode())[0])
    assert process_inbox() == ["done"]
    assert person.fresh(second).status == "failed"
    assert person.money() == (0, 0, 0)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


def test_signatures(database: Database, bank: Bank, api: Any, deliver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any of several secrets, not older than five minutes, and no thin event of v2."""
    from banking import rails

    body = json.dumps({"id": "evt_1", "object": "event", "type": "customer.created", "data": {"object": {}}}).encode()
    monkeypatch.setattr(rails.rail("stripe"), "_webhook_secrets", ("whsec_old", "whsec_new"))
    assert deliver(signed(body, secret="whsec_new")).status_code == 202
    assert deliver(signed(body, secret="whsec_old", age=290)).status_code == 202
    assert_problem(deliver(signed(body, secret="whsec_old", age=310)), 403, "wrong_signature")
    assert_problem(deliver(signed(body, secret="whsec_other")), 403, "wrong_signature")
    assert_problem(deliver(signed(body, secret="whsec_new"), body=body + b" "), 403, "wrong_signature")
    thin = json.dumps({"id": "evt_2", "object": "v2.core.event", "type": "v1.payment_intent.succeeded"}).encode()
    assert_problem(deliver(signed(thin, secret="whsec_new")), 403, "wrong_signature")
    assert database.as_superuser("select count(*) from banking_inboxevent") == [(1,)]


def test_it_is_shown_on_the_status_page_once_it_serves_something(
    database: Database, bank: Bank, api: Any, choose: Choose
) -> None:
    def shown() -> dict[str, str]:
        return {row["name"]: row["service"] for row in api.client.get("/v1/status").json()["vendors"]}

    assert shown()["dwolla"] == "Loading and redeeming"
    assert "stripe" not in shown()
    choose("stripe", "redemption")
    assert (shown()["dwolla"], shown()["stripe"]) == ("Loading", "Redeeming")
    choose("stripe", "load")
    assert shown()["stripe"] == "Loading and redeeming"
    assert "dwolla" not in shown()
    with database.role("worker"), actor(SYSTEM):
        assert "stripe" in api.client.get("/readyz").json()["vendors"]
