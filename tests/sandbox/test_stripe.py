"""Stripe's stand-in, by the real `stripe` package: debits, payments out, disputes, fees, webhooks, and refusals."""

import itertools
import json
import os
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import requests
import stripe

from tests.sandbox.harness import Receiver, Sandbox

KEY = os.environ.get("STRIPE_SECRET_KEY") or "sk_test_sandbox"
numbers = itertools.count(1)


def client_of(sandbox: Sandbox, key: str = KEY) -> stripe.StripeClient:
    stripe.enable_telemetry = False
    return stripe.StripeClient(
        key, base_addresses={"api": f"{sandbox.url}/stripe"}, max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=10),
    )


@pytest.fixture
def api(sandbox: Sandbox) -> stripe.StripeClient:
    sandbox.post("/sandbox/stripe/fail", {"mode": None})
    return client_of(sandbox)


@pytest.fixture
def hook(api: stripe.StripeClient, receiver: Receiver):
    """A webhook endpoint of the test's own, and what came to it."""
    made = api.v1.webhook_endpoints.create({"url": receiver.url + "/stripe", "enabled_events": ["*"]})

    def seen(count: int = 0) -> list[SimpleNamespace]:
        """What has come; once there are `count`, if that is given."""
        deadline = time.monotonic() + 5
        while len(found := [each for each in list(receiver.seen) if each.path == "/stripe"]) < count:
            assert time.monotonic() < deadline, f"{count} webhooks were expected, {len(found)} came"
            time.sleep(0.01)
        return found

    yield SimpleNamespace(secret=made.secret, seen=seen)
    api.v1.webhook_endpoints.delete(made.id)


@pytest.fixture
def linked(sandbox: Sandbox, api: stripe.StripeClient) -> Callable[..., SimpleNamespace]:
    """A customer whose bank came over from Plaid; the account's name asks for failures."""

    def make(name: str = "Everyday", balance: float = 5000) -> SimpleNamespace:
        account = f'{{"override_accounts":[{{"subtype":"checking","starting_balance":{balance},"meta":{{"name":"{name}"}}}}]}}'
        options = {"override_username": "user_custom", "override_password": account}
        public = sandbox.post("/plaid/sandbox/public_token/create", {
            "client_id": "sandbox", "secret": "sandbox", "institution_id": "ins_109508", "initial_products": ["auth"],
            "options": options}).json()["public_token"]
        plaid = sandbox.plaid()
        access = plaid.item_public_token_exchange({"public_token": public})["access_token"]
        chosen = plaid.accounts_get({"access_token": access})["accounts"][0]["account_id"]
        token = plaid.processor_stripe_bank_account_token_create({"access_token": access, "account_id": chosen})
        customer = api.v1.customers.create({"email": f"p{next(numbers)}@people.example", "name": "Ada Byron"})
        source = api.v1.customers.payment_sources.create(customer.id, {"source": token["stripe_bank_account_token"]})

        def balance_now() -> float:
            accounts = plaid.accounts_balance_get({"access_token": access})["accounts"]
            return accounts[0]["balances"]["current"]

        return SimpleNamespace(customer=customer.id, bank=source.id, balance=balance_now,
                               token=token["stripe_bank_account_token"])

    return make


def debit(api, person, cents=50_00, options=None, **more):
    return api.v1.payment_intents.create({
        "amount": cents, "currency": "usd", "customer": person.customer, "payment_method": person.bank,
        "allowed_payment_method_types": ["us_bank_account"], "confirm": True,
        "mandate_data": {"customer_acceptance": {"type": "offline"}}, "metadata": {"paya_key": "k-1"}, **more,
    }, options or {})


def vault(api) -> str:
    return api.v1.treasury.financial_accounts.list().data[0].id


def cash(api) -> int:
    return api.v1.treasury.financial_accounts.retrieve(vault(api)).balance.cash["usd"]


def pay(api, person, cents=20_00, **more):
    return api.v1.treasury.outbound_payments.create({
        "financial_account": vault(api), "amount": cents, "currency": "usd", "customer": person.customer,
        "destination_payment_method": person.bank, "metadata": {"paya_key": "k-2"}, **more,
    })


def capital(api, cents=1_000_00):
    api.v1.test_helpers.treasury.received_credits.create({
        "amount": cents, "currency": "usd", "financial_account": vault(api), "network": "ach"})


def worth(sandbox: Sandbox) -> int:
    state = sandbox.get("/sandbox/bank").json()["stripe"]
    return state["payments_balance"] + state["financial_account"]


def stripe_event(delivery: SimpleNamespace) -> dict:
    return json.loads(delivery.body)


# ------------------------------------------------------------------------------------------------ debits
def test_a_debit_settles_on_the_third_business_day(sandbox, api, linked, hook):
    person = linked()
    before = worth(sandbox)
    intent = debit(api, person)
    assert (intent.status, intent.amount, intent.amount_received) == ("processing", 50_00, 0)
    sandbox.advance(2)
    assert api.v1.payment_intents.retrieve(intent.id).status == "processing"
    assert intent.id in sandbox.advance(1)["settled"]
    shown = api.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge", "payment_method"]})
    assert (shown.status, shown.amount_received, shown.latest_charge.disputed) == ("succeeded", 50_00, False)
    assert shown.payment_method.us_bank_account.status_details.blocked is None
    assert worth(sandbox) == before + 50_00 - 40  # 0.8 %
    assert person.balance() == 4950.0
    topics = {stripe_event(each)["type"] for each in hook.seen()}
    assert topics == {"payment_intent.created", "payment_intent.processing", "payment_intent.succeeded"}


@pytest.mark.parametrize(("name", "code", "blocked"), [("R01", "insufficient_funds", False), ("R03", "no_account", True),
                                                       ("R10", "debit_not_authorized", True)])
def test_a_debit_that_comes_back_before_settlement(sandbox, api, linked, hook, name, code, blocked):
    person = linked(name)
    before = worth(sandbox)
    intent = debit(api, person)
    assert intent.id in sandbox.advance(2)["failed"]
    shown = api.v1.payment_intents.retrieve(intent.id)
    assert (shown.status, shown.last_payment_error.code) == ("requires_payment_method", code)
    assert worth(sandbox) == before - 4_00
    assert person.balance() == 5000.0
    state = api.v1.payment_methods.retrieve(person.bank).us_bank_account.status_details.blocked
    assert (state.network_code if state else None) == (name if blocked else None)
    assert "payment_intent.payment_failed" in {stripe_event(each)["type"] for each in hook.seen()}
    if blocked:
        with pytest.raises(stripe.CardError) as caught:
            debit(api, person)
        assert (caught.value.http_status, caught.value.code) == (402, "bank_account_unusable")
        assert api.v1.payment_intents.list({"customer": person.customer}).data[0].status == "requires_payment_method"


def test_more_than_the_bank_has_comes_back(sandbox, api, linked):
    person = linked(balance=30)
    intent = debit(api, person)
    sandbox.advance(3)
    assert api.v1.payment_intents.retrieve(intent.id).last_payment_error.code == "insufficient_funds"


@pytest.mark.parametrize(("name", "reason"), [("R01-late", "insufficient_funds"), ("R03-late", "incorrect_account_details"),
                                              ("R10-late", "debit_not_authorized")])
def test_a_late_return_is_a_lost_dispute(sandbox, api, linked, hook, name, reason):
    person = linked(name)
    before = worth(sandbox)
    intent = debit(api, person)
    sandbox.advance(3)
    assert api.v1.payment_intents.retrieve(intent.id).status == "succeeded"
    assert intent.id in sandbox.advance(2)["failed"]
    shown = api.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    assert (shown.status, shown.latest_charge.disputed) == ("succeeded", True)
    dispute = api.v1.disputes.list({"payment_intent": intent.id}).data[0]
    assert (dispute.reason, dispute.status, dispute.amount) == (reason, "lost", 50_00)
    assert worth(sandbox) == before - 40 - 15_00
    assert person.balance() == 5000.0
    created = [each for each in map(stripe_event, hook.seen()) if each["type"] == "charge.dispute.created"]
    assert [each["data"]["object"]["payment_intent"] for each in created] == [intent.id]


def test_a_debit_can_be_taken_back_until_the_calendar_moves(sandbox, api, linked, hook):
    person = linked()
    first, second = debit(api, person), debit(api, person)
    assert api.v1.payment_intents.cancel(first.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.payment_intents.cancel(first.id)
    assert caught.value.code == "payment_intent_unexpected_state"
    sandbox.advance(1)
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.payment_intents.cancel(second.id)
    sandbox.advance(3)
    assert api.v1.payment_intents.retrieve(first.id).status == "canceled"
    assert person.balance() == 4950.0
    assert "payment_intent.canceled" in {stripe_event(each)["type"] for each in hook.seen()}


def test_bare_numbers_wait_for_micro_deposits(sandbox, api):
    customer = api.v1.customers.create({"email": "n@people.example"})
    intent = api.v1.payment_intents.create({
        "amount": 75_00, "currency": "usd", "customer": customer.id, "confirm": True,
        "allowed_payment_method_types": ["us_bank_account"], "mandate_data": {"customer_acceptance": {
            "type": "online", "online": {"ip_address": "127.0.0.1", "user_agent": "tests"}}},
        "payment_method_data": {
            "type": "us_bank_account", "billing_details": {"name": "Ada Byron", "email": "n@people.example"},
            "us_bank_account": {"routing_number": "110000000", "account_number": "000123456789",
                                "account_holder_type": "individual"}},
    })
    assert (intent.status, intent.next_action.type) == ("requires_action", "verify_with_microdeposits")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.payment_intents.verify_microdeposits(intent.id, {"amounts": [1, 2]})
    assert caught.value.code == "payment_method_microdeposit_verification_amounts_mismatch"
    assert api.v1.payment_intents.verify_microdeposits(intent.id, {"amounts": [32, 45]}).status == "processing"
    sandbox.advance(3)
    assert api.v1.payment_intents.retrieve(intent.id).status == "succeeded"


@pytest.mark.parametrize(("number", "status", "code"), [
    ("000111111113", "requires_payment_method", "account_closed"), ("000111111116", "requires_payment_method", "no_account"),
    ("000222222227", "requires_payment_method", "insufficient_funds"),
    ("000333333335", "requires_payment_method", "debit_not_authorized"),
    ("000555555559", "succeeded", None), ("000000000009", "processing", None),
])
def test_the_numbers_of_stripes_test_mode(sandbox, api, number, status, code):
    customer = api.v1.customers.create({"name": "Ada Byron"})
    token = api.v1.tokens.create({"bank_account": {"country": "US", "currency": "usd", "routing_number": "110000000",
                                                   "account_number": number}})
    source = api.v1.customers.payment_sources.create(customer.id, {"source": token.id})
    assert source.status == "new"
    requests.post(f"{sandbox.url}/stripe/v1/customers/{customer.id}/sources/{source.id}/verify",
                  data={"amounts[0]": 32, "amounts[1]": 45}, headers={"Authorization": f"Bearer {KEY}"}, timeout=5)
    intent = debit(api, SimpleNamespace(customer=customer.id, bank=source.id))
    sandbox.advance(5)
    shown = api.v1.payment_intents.retrieve(intent.id)
    assert (shown.status, shown.last_payment_error.code if shown.last_payment_error else None) == (status, code)
    assert len(api.v1.disputes.list({"payment_intent": intent.id}).data) == (number == "000555555559")


# ------------------------------------------------------------------------------------------------ payments out
def test_a_payment_leaves_at_once_and_is_posted_the_next_day(sandbox, api, linked, hook):
    person = linked()
    capital(api)
    before = cash(api)
    payment = pay(api, person)
    assert (payment.status, payment.cancelable, cash(api)) == ("processing", True, before - 20_00)
    sandbox.advance(1)
    assert api.v1.treasury.outbound_payments.retrieve(payment.id).status == "posted"
    assert person.balance() == 5020.0
    listed = api.v1.treasury.outbound_payments.list({"financial_account": vault(api), "customer": person.customer})
    assert [(each.id, each.metadata["paya_key"]) for each in listed.data] == [(payment.id, "k-2")]
    topics = {stripe_event(each)["type"] for each in hook.seen()}
    assert topics == {"treasury.outbound_payment.created", "treasury.outbound_payment.posted"}


@pytest.mark.parametrize(("name", "status"), [("R03", "failed"), ("R03-late", "returned")])
def test_a_payment_that_comes_back(sandbox, api, linked, hook, name, status):
    person = linked(name)
    capital(api)
    before = cash(api)
    payment = pay(api, person)
    sandbox.advance(3)
    shown = api.v1.treasury.outbound_payments.retrieve(payment.id)
    assert shown.status == status
    assert (shown.returned_details.code if status == "returned" else shown.returned_details) in ("no_account", None)
    assert (cash(api), person.balance()) == (before, 5000.0)
    assert f"treasury.outbound_payment.{status}" in {stripe_event(each)["type"] for each in hook.seen()}


def test_a_payment_can_be_taken_back_on_its_day(sandbox, api, linked):
    person = linked()
    capital(api)
    before = cash(api)
    first, second = pay(api, person), pay(api, person)
    assert api.v1.treasury.outbound_payments.cancel(first.id).status == "canceled"
    sandbox.advance(1)
    with pytest.raises(stripe.InvalidRequestError):
        api.v1.treasury.outbound_payments.cancel(second.id)
    assert cash(api) == before - 20_00


def test_more_than_there_is_cannot_leave(api, linked):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        pay(api, linked(), 900_000_00)
    assert (caught.value.http_status, caught.value.code) == (400, "insufficient_funds")


# ------------------------------------------------------------------------------------------------ the books
def test_every_fee_is_in_the_balance_transactions(sandbox, api, linked):
    person = linked()
    small, large = debit(api, person, 50_00), debit(api, person, 2_000_00)
    sandbox.advance(3)
    fees = {}
    for intent in (small, large):
        charge = api.v1.payment_intents.retrieve(intent.id).latest_charge
        entry = api.v1.balance_transactions.list({"source": charge}).data[0]
        fees[intent.id] = (entry.type, entry.amount, entry.fee, entry.net)
    assert fees == {small.id: ("payment", 50_00, 40, 49_60), large.id: ("payment", 2_000_00, 5_00, 1_995_00)}
    balance = api.v1.balance.retrieve()
    assert balance.available[0].amount <= 0  # the rest was paid out into the FinancialAccount
    assert api.v1.balance_transactions.list({"type": "payout", "limit": 1}).data[0].amount < 0


def test_no_cent_appears_or_vanishes(own_sandbox):
    sandbox, _ = own_sandbox
    api = client_of(sandbox)
    capital(api, 500_00)
    assert (worth(sandbox), cash(api)) == (500_00, 500_00)
    assert sandbox.get("/sandbox/bank").json()["stripe"]["outgoing"] == 0
    customer = api.v1.customers.create({"name": "R10-late"})
    token = api.v1.tokens.create({"bank_account": {"country": "US", "currency": "usd", "routing_number": "110000000",
                                                   "account_number": "000123456789"}})
    source = api.v1.customers.payment_sources.create(customer.id, {"source": token.id})
    requests.post(f"{sandbox.url}/stripe/v1/customers/{customer.id}/sources/{source.id}/verify",
                  data={"amounts[]": ["32", "45"]}, headers={"Authorization": f"Bearer {KEY}"}, timeout=5)
    debit(api, SimpleNamespace(customer=customer.id, bank=source.id), 100_00)
    sandbox.advance(3)
    assert worth(sandbox) == 600_00 - 80
    sandbox.advance(2)
    assert worth(sandbox) == 500_00 - 80 - 15_00
    entries = api.v1.balance_transactions.list({"limit": 100}).data
    assert sum(each.net for each in entries) == worth(sandbox) - cash(api)
    back = sandbox.post("/sandbox/bank/date", {"date": "2026-01-02"})
    assert back.status_code == 400


def test_the_statement_in_full(sandbox, api, linked):
    """Every field that the SDK knows is there, what moved names its flow, and the pages hold everything once."""
    person = linked("R03-late")
    capital(api)
    payment, taken_back = pay(api, person), pay(api, person, 1_00)
    intent = debit(api, person)
    charge = api.v1.payment_intents.retrieve(intent.id).latest_charge
    [waiting] = api.v1.balance_transactions.list({"source": charge, "expand": ["data.source"]}).data
    assert (waiting.status, waiting.source.status, waiting.source.payment_intent) == ("pending", "pending", intent.id)
    assert set(stripe.BalanceTransaction.__annotations__) - {"OBJECT_NAME"} == set(waiting.to_dict())
    assert api.v1.balance.retrieve().pending[0].amount >= waiting.net == 49_60
    api.v1.treasury.outbound_payments.cancel(taken_back.id)
    sandbox.advance(5)
    # Its debit came back late: less the dispute, whose source is the dispute.
    [dispute] = api.v1.disputes.list({"payment_intent": intent.id}).data
    [lost] = api.v1.balance_transactions.list({"source": dispute.id, "expand": ["data.source"]}).data
    assert (lost.type, lost.amount, lost.fee, lost.source.payment_intent) == ("adjustment", -50_00, 15_00, intent.id)
    asked = {"financial_account": vault(api), "limit": 2, "expand": ["data.flow_details"]}
    rows = list(api.v1.treasury.transactions.list(asked).auto_paging_iter())
    assert len({row.id for row in rows}) == len(rows)
    assert sum(row.balance_impact.cash for row in rows) == cash(api)
    fields = set(stripe.treasury.Transaction.__annotations__) - {"OBJECT_NAME", "_inner_class_types", "entries"}
    assert fields == set(rows[0].to_dict())
    mine = [(row.amount, row.status, row.balance_impact.cash) for row in rows if row.flow == payment.id]
    assert mine == [(20_00, "posted", 20_00), (-20_00, "posted", -20_00)]
    [void] = [row for row in rows if row.flow == taken_back.id]
    assert (void.status, void.balance_impact.cash, void.flow_details.outbound_payment.status) == ("void", 0, "canceled")
    back = api.v1.treasury.outbound_payments.retrieve(payment.id).returned_details.transaction
    assert api.v1.treasury.transactions.retrieve(back).amount == 20_00
    linked_flows = [row.flow_details.received_credit.linked_flows for row in rows if row.flow_type == "received_credit"]
    paid_out = {each.source for each in api.v1.balance_transactions.list({"type": "payout", "limit": 100}).data}
    assert paid_out <= {flows.source_flow for flows in linked_flows}


# ------------------------------------------------------------------------------------------------ idempotency, faults
def test_the_same_key_gives_the_same_answer_and_another_request_is_refused(api, linked):
    person = linked()
    key = {"idempotency_key": f"key-{person.bank}"}
    first = debit(api, person, options=key)
    again = debit(api, person, options=key)
    assert first.id == again.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError) as caught:
        debit(api, person, 51_00, options=key)
    assert (caught.value.http_status, caught.value.error.type) == (400, "idempotency_error")
    assert len(api.v1.payment_intents.list({"customer": person.customer}).data) == 1


def test_what_failed_its_validation_leaves_the_key_free(api, linked):
    person = linked()
    key = {"idempotency_key": f"free-{person.bank}"}
    with pytest.raises(stripe.InvalidRequestError):
        debit(api, person, 49, options=key)
    assert debit(api, person, 50, options=key).status == "processing"


def test_failures_on_demand(sandbox, api, linked):
    person = linked()

    def ask(mode: str, **more: object) -> None:
        sandbox.post("/sandbox/stripe/fail", {"mode": mode, "path": "/v1/payment_intents", **more})

    for mode, error in (("500", stripe.APIError), ("429", stripe.RateLimitError)):
        ask(mode)
        with pytest.raises(error):
            debit(api, person)
    ask("timeout", seconds=0.1)
    with pytest.raises(stripe.APIConnectionError):
        debit(api, person)
    assert api.v1.payment_intents.list({"customer": person.customer}).data == []
    ask("drop_after")
    key = {"idempotency_key": f"drop-{person.bank}"}
    with pytest.raises(stripe.APIConnectionError):
        debit(api, person, options=key)
    made = api.v1.payment_intents.list({"customer": person.customer}).data
    assert len(made) == 1
    assert debit(api, person, options=key).id == made[0].id


# ------------------------------------------------------------------------------------------------ webhooks
def test_webhooks_are_signed_as_stripe_signs(api, linked, hook):
    intent = debit(api, linked())
    delivery = next(each for each in hook.seen(2) if stripe_event(each)["type"] == "payment_intent.processing")
    event = stripe.Webhook.construct_event(delivery.body, delivery.headers["Stripe-Signature"], hook.secret)
    assert (event.type, event.data.object.id) == ("payment_intent.processing", intent.id)
    assert api.v1.events.retrieve(event.id).type == event.type
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(delivery.body + b" ", delivery.headers["Stripe-Signature"], hook.secret)


def test_webhook_modes_hold_for_stripe_too(sandbox, api, linked, hook):
    sandbox.post("/sandbox/webhooks", {"mode": "duplicate"})
    debit(api, linked())
    seen = [each.body for each in hook.seen(4)]
    assert (len(seen), len(set(seen))) == (4, 2)
    sandbox.post("/sandbox/webhooks", {"mode": "on"})


def test_both_secrets_sign_while_one_is_rolled_out(tmp_path, receiver):
    sandbox = Sandbox(tmp_path, receiver.url)
    sandbox.environment["STRIPE_WEBHOOK_SECRETS"] = "whsec_new, whsec_old"
    sandbox.start()
    try:
        client_of(sandbox).v1.payment_intents.create({"amount": 50, "currency": "usd"})
        delivery = next(each for each in receiver.wait_for(1) if each.path == "/webhooks/stripe")
    finally:
        sandbox.kill()
    for secret in ("whsec_new", "whsec_old"):
        assert stripe.Webhook.construct_event(delivery.body, delivery.headers["Stripe-Signature"], secret)


# ------------------------------------------------------------------------------------------------ people and banks
def test_a_customer_is_found_changed_and_deleted(api):
    made = api.v1.customers.create({"email": "Find.Me@people.example", "name": "Ada", "metadata": {"paya_id": "usr_1"}})
    assert api.v1.customers.list({"email": "Find.Me@people.example"}).data[0].id == made.id
    changed = api.v1.customers.update(made.id, {"name": "Ada B", "metadata": {"more": "x"}})
    assert (changed.name, changed.metadata.to_dict()) == ("Ada B", {"paya_id": "usr_1", "more": "x"})
    assert api.v1.customers.delete(made.id).deleted is True
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.customers.update(made.id, {"name": "x"})
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


def test_a_token_is_good_for_one_use_and_an_account_for_one_source(api, linked, sandbox):
    person = linked()
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.customers.payment_sources.create(person.customer, {"source": person.token})
    assert caught.value.code == "token_already_used"
    method = api.v1.payment_methods.retrieve(person.bank)
    assert (method.type, method.customer) == ("us_bank_account", person.customer)
    assert [each.id for each in api.v1.customers.payment_methods.list(person.customer).data] == [person.bank]
    assert api.v1.payment_methods.detach(person.bank).customer is None
    with pytest.raises(stripe.InvalidRequestError):
        debit(api, person)


def test_lists_have_stripes_cursors(api, linked):
    person = linked()
    made = [debit(api, person, 50 + n).id for n in range(5)]
    walked = [each.id for each in api.v1.payment_intents.list({"customer": person.customer, "limit": 2}).auto_paging_iter()]
    assert walked == made[::-1]
    before = api.v1.payment_intents.list({"customer": person.customer, "limit": 2, "ending_before": made[1]})
    assert [each.id for each in before.data] == [made[3], made[2]]


# ------------------------------------------------------------------------------------------------ bad input
@pytest.mark.parametrize(("change", "code"), [
    ({"amount": 49}, "amount_too_small"), ({"amount": "x"}, "parameter_invalid_integer"),
    ({"amount": 10**9}, "parameter_invalid_integer"), ({"amount": None}, "parameter_missing"),
    ({"currency": "eur"}, None), ({"customer": "cus_none"}, "resource_missing"), ({"customer": None}, None),
    ({"payment_method": "pm_none"}, "resource_missing"), ({"mandate_data": None}, "parameter_missing"),
    ({"mandate_data": {"customer_acceptance": {"type": "online"}}}, "parameter_missing"),
    ({"allowed_payment_method_types": ["card"]}, "payment_intent_incompatible_payment_method"),
    ({"payment_method_types": ["us_bank_account"]}, "payment_method_types_no_longer_supported"),
    ({"no_such_parameter": "x"}, "parameter_unknown"), ({"metadata": {"k": "v" * 501}}, None),
])
def test_a_wrong_debit_is_refused_and_leaves_nothing(api, linked, change, code):
    person = linked()
    with pytest.raises(stripe.InvalidRequestError) as caught:
        debit(api, person, **change)
    assert (caught.value.http_status, caught.value.code) == (400, code)
    assert api.v1.payment_intents.list({"customer": person.customer}).data == []


def test_keys_versions_and_addresses(sandbox, api):
    with pytest.raises(stripe.AuthenticationError):
        client_of(sandbox, "sk_test_wrong").v1.balance.retrieve()
    bearer = {"Authorization": f"Bearer {KEY}"}
    for path in ("/stripe/v1/nothing", "/stripe/v2/money_management/outbound_payments", "/stripe/"):
        answer = sandbox.get(path, headers=bearer)
        assert (answer.status_code, answer.json()["error"]["type"]) == (404, "invalid_request_error")
    answer = sandbox.get("/stripe/v1/balance", headers={**bearer, "Stripe-Version": "tomorrow"})
    assert answer.status_code == 400
    answer = sandbox.get("/stripe/v1/balance", headers=bearer)
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.headers["Stripe-Version"]
    assert sandbox.http.request("PATCH", sandbox.url + "/stripe/v1/balance", headers=bearer, timeout=5).status_code == 404


JUNK = [b"", b"{", b"=", b"a[", b"a[b]=1&a=2", b"a=1&a[b]=2", b"%ff=1", b"amount=%00", b"amount[x]=1", b"email[]=1",
        b"a" + b"[b]" * 50 + b"=1", b"&".join(b"m%d=1" % n for n in range(900)), b"currency=usd&amount=100&metadata=x",
        b"currency=usd&amount=100&payment_method_types=x&payment_method=pm_1&expand[]=nothing"]


def test_junk_is_answered_in_stripes_shape(sandbox, api, linked):
    person = linked()
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-www-form-urlencoded"}
    intent = debit(api, person).id
    for path in ("customers", f"customers/{person.customer}/sources", "payment_methods", "payment_intents", "tokens",
                 f"payment_methods/{person.bank}/attach", f"payment_intents/{intent}/confirm", "webhook_endpoints",
                 f"payment_intents/{intent}/verify_microdeposits", "treasury/outbound_payments",
                 "test_helpers/treasury/received_credits"):
        for junk in JUNK:
            answer = sandbox.post(f"/stripe/v1/{path}", data=junk, headers=headers)
            assert answer.status_code in (200, 400), (path, junk)
            if answer.status_code == 400:
                assert {"type", "message"} <= set(answer.json()["error"]), (path, junk)
    wrong = sandbox.post("/stripe/v1/customers", json={"email": "x"}, headers={"Authorization": f"Bearer {KEY}"})
    assert wrong.status_code == 400
    for path in ("payment_intents?limit=0", "payment_intents?limit=x", "payment_intents?starting_after=pi_none",
                 "payment_intents/none", "charges/none", "disputes/none", "customers/%00", "events/none",
                 "customers?created[gte]=x", "balance_transactions/none", "treasury/financial_accounts/none",
                 "treasury/outbound_payments", "webhook_endpoints/none", "tokens/none", "payment_methods"):
        answer = sandbox.get(f"/stripe/v1/{path}", headers=headers)
        assert answer.status_code in (400, 404), path
