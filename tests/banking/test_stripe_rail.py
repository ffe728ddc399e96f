"""The rail `stripe` over HTTP against the sandbox, and against a server that answers as none should."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests
import stripe
from django.conf import settings

from banking import rails
from banking.rails.port import RailTransfer
from banking.rails.stripe import Stripe, make_client, subject_of
from core import resilience
from core.resilience import ProviderBusy, ProviderDown, ProviderRejected, ProviderUnknown
from tests.banking.sandbox import Bank

INTENTS, PAYMENTS = "/v1/payment_intents", "/v1/treasury/outbound_payments"


@pytest.fixture
def rail(bank: Bank) -> Stripe:
    bank.post("/sandbox/stripe/fail", {"mode": None})
    rails._stripe.cache_clear()
    found = rails.rail("stripe")
    assert isinstance(found, Stripe)
    return found


@dataclass(frozen=True)
class Linked:
    customer: str
    bank: str
    access_token: str
    account_id: str


def plaid(path: str, **body: Any) -> dict[str, Any]:
    answer = requests.post(settings.PLAID_BASE_URL + path, json={"client_id": "sandbox", "secret": "sandbox", **body}, timeout=10)
    assert answer.ok, answer.text
    result: dict[str, Any] = answer.json()
    return result


def bank_token(access_token: str, account_id: str) -> str:
    path = "/processor/stripe/bank_account_token/create"
    return str(plaid(path, access_token=access_token, account_id=account_id)["stripe_bank_account_token"])


@pytest.fixture
def linked(bank: Bank, rail: Stripe) -> Callable[..., Linked]:
    """A customer with a bank; the account's name asks the sandbox for failures."""

    def make(name: str = "Everyday", balance: float = 5000) -> Linked:
        public = bank.public_token({"subtype": "checking", "starting_balance": balance, "meta": {"name": name}})
        access = plaid("/item/public_token/exchange", public_token=public)["access_token"]
        account = plaid("/accounts/get", access_token=access)["accounts"][0]["account_id"]
        customer = rail.create_customer(public_id=f"usr_{uuid4().hex}", display_name="Ada Byron")
        token = bank_token(access, account)
        added = rail.add_bank(customer=customer, credential=token, kind="checking", name="Everyday")
        return Linked(customer, added, access, account)

    return make


@pytest.fixture
def api() -> Any:
    return make_client(settings.STRIPE_SECRET_KEY, base=settings.STRIPE_BASE_URL, timeout=10).v1


@pytest.fixture
def funded(api: Any) -> None:
    """There is money at Stripe to pay out."""
    account = api.treasury.financial_accounts.list().data[0].id
    api.test_helpers.treasury.received_credits.create(
        {"amount": 1_000_00, "currency": "usd", "financial_account": account, "network": "ach"}
    )


def pull(rail: Stripe, person: Linked, amount: int = 50_00, key: UUID | None = None) -> str:
    return rail.create_pull(key=key or uuid4(), bank=person.bank, amount=amount)


def how_many(api: Any, person: Linked) -> int:
    return len(api.payment_intents.list({"customer": person.customer, "limit": 100}).data)


def outcome(shown: RailTransfer) -> tuple[str, str]:
    return shown.status, shown.failure_code


# ------------------------------------------------------------------------------------------------ people and banks
def test_the_same_person_is_the_same_customer(rail: Stripe) -> None:
    public_id = f"usr_{uuid4().hex}"
    first = rail.create_customer(public_id=public_id, display_name="Ada Byron")
    assert rail.create_customer(public_id=public_id, display_name="Ada King") == first
    assert rail.create_customer(public_id=f"usr_{uuid4().hex}", display_name="Ada Byron") != first


def test_the_same_bank_gives_the_id_it_has(rail: Stripe, linked: Callable[..., Linked]) -> None:
    person = linked()
    token = bank_token(person.access_token, person.account_id)
    for _ in range(2):
        assert rail.add_bank(customer=person.customer, credential=token, kind="checking", name="x") == person.bank
    other = rail.create_customer(public_id=f"usr_{uuid4().hex}", display_name="Joint Owner")
    fresh = rail.add_bank(customer=other, credential=token, kind="checking", name="x")
    assert fresh != person.bank


def test_a_token_that_is_none_is_refused(rail: Stripe, linked: Callable[..., Linked]) -> None:
    with pytest.raises(ProviderRejected) as caught:
        rail.add_bank(customer=linked().customer, credential="btok_none", kind="checking", name="x")
    assert caught.value.code == "resource_missing"


def test_a_removed_bank_is_of_no_use(rail: Stripe, linked: Callable[..., Linked]) -> None:
    person = linked()
    assert rail.bank_usable(bank=person.bank)
    rail.remove_bank(bank=person.bank)
    rail.remove_bank(bank=person.bank)
    assert not rail.bank_usable(bank=person.bank)
    for create in (rail.create_pull, rail.create_push):
        with pytest.raises(ProviderRejected) as caught:
            create(key=uuid4(), bank=person.bank, amount=50_00)
        assert caught.value.code == "bank_removed"


# ------------------------------------------------------------------------------------------------ pulls
def test_a_pull(rail: Stripe, bank: Bank, linked: Callable[..., Linked]) -> None:
    person, key = linked(), uuid4()
    transfer = pull(rail, person, 1_234_56, key)
    assert rail.status(transfer=transfer) == RailTransfer(transfer, "pending", 1_234_56, "USD", str(key))
    bank.advance(3)
    assert rail.status(transfer=transfer) == RailTransfer(transfer, "processed", 1_234_56, "USD", str(key))


@pytest.mark.parametrize("code", ["R01", "R02", "R03", "R04", "R08", "R10", "R16", "R29"])
def test_a_pull_that_comes_back_before_settlement(rail: Stripe, bank: Bank, linked: Callable[..., Linked], code: str) -> None:
    person = linked(code)
    transfer = pull(rail, person)
    bank.advance(3)
    assert outcome(rail.status(transfer=transfer)) == ("failed", code)
    assert rail.bank_usable(bank=person.bank) is (code == "R01")
    if code != "R01":
        with pytest.raises(ProviderRejected) as caught:
            pull(rail, person)
        assert caught.value.code == "bank_account_unusable"


@pytest.mark.parametrize("code", ["R01", "R02", "R03", "R07", "R10", "R20"])
def test_a_late_return_is_a_failure_with_its_code(rail: Stripe, bank: Bank, linked: Callable[..., Linked], code: str) -> None:
    transfer = pull(rail, linked(f"{code}-late"))
    bank.advance(3)
    assert outcome(rail.status(transfer=transfer)) == ("processed", "")
    bank.advance(2)
    shown = rail.status(transfer=transfer)
    assert (shown.status, shown.failure_code, shown.amount) == ("failed", code, 50_00)


def test_a_pull_can_be_taken_back_until_it_has_left(rail: Stripe, bank: Bank, linked: Callable[..., Linked]) -> None:
    person = linked()
    first, second = pull(rail, person), pull(rail, person)
    rail.cancel(transfer=first)
    assert rail.status(transfer=first).status == "cancelled"
    bank.advance(1)
    with pytest.raises(ProviderRejected) as caught:
        rail.cancel(transfer=second)
    assert caught.value.code == "payment_intent_unexpected_state"
    bank.advance(3)
    assert [rail.status(transfer=each).status for each in (first, second)] == ["cancelled", "processed"]


# ------------------------------------------------------------------------------------------------ pushes
def test_a_push(rail: Stripe, bank: Bank, linked: Callable[..., Linked], funded: None) -> None:
    key = uuid4()
    transfer = rail.create_push(key=key, bank=linked().bank, amount=20_01)
    assert rail.status(transfer=transfer) == RailTransfer(transfer, "pending", 20_01, "USD", str(key))
    bank.advance(1)
    assert rail.status(transfer=transfer) == RailTransfer(transfer, "processed", 20_01, "USD", str(key))


@pytest.mark.parametrize(
    ("name", "then"), [("R03", ("failed", "")), ("R03-late", ("failed", "R03")), ("R02-late", ("failed", "R02"))]
)
def test_a_push_that_comes_back(
    rail: Stripe, bank: Bank, linked: Callable[..., Linked], funded: None, name: str, then: tuple[str, str]
) -> None:
    transfer = rail.create_push(key=uuid4(), bank=linked(name).bank, amount=20_00)
    bank.advance(3)
    assert outcome(rail.status(transfer=transfer)) == then


def test_a_push_can_be_taken_back_on_its_day(rail: Stripe, bank: Bank, linked: Callable[..., Linked], funded: None) -> None:
    person = linked()
    first, second = (rail.create_push(key=uuid4(), bank=person.bank, amount=20_00) for _ in range(2))
    rail.cancel(transfer=first)
    bank.advance(1)
    with pytest.raises(ProviderRejected):
        rail.cancel(transfer=second)
    assert [rail.status(transfer=each).status for each in (first, second)] == ["cancelled", "processed"]


def test_more_than_the_reserve_has_is_refused(rail: Stripe, linked: Callable[..., Linked]) -> None:
    with pytest.raises(ProviderRejected) as caught:
        rail.create_push(key=uuid4(), bank=linked().bank, amount=900_000_00)
    assert caught.value.code == "reserve_short"


# ------------------------------------------------------------------------------------------------ doubt
@pytest.mark.parametrize("path", [INTENTS, PAYMENTS])
def test_a_dropped_answer_is_a_doubt_that_the_same_key_resolves(
    rail: Stripe, bank: Bank, linked: Callable[..., Linked], funded: None, path: str
) -> None:
    person, key = linked(), uuid4()
    create = rail.create_pull if path == INTENTS else rail.create_push
    assert rail.find(key=key, customer=person.customer) is None
    bank.fail("stripe", "drop_after", path)
    with pytest.raises(ProviderUnknown):
        create(key=key, bank=person.bank, amount=20_00)
    found = rail.find(key=key, customer=person.customer)
    assert found is not None
    assert (found.status, found.amount, found.currency, found.key) == ("pending", 20_00, "USD", str(key))
    assert create(key=key, bank=person.bank, amount=20_00) == found.id
    assert rail.find(key=uuid4(), customer=person.customer) is None


def test_find_reads_every_page(rail: Stripe, linked: Callable[..., Linked], monkeypatch: pytest.MonkeyPatch) -> None:
    person, key = linked(), uuid4()
    wanted = pull(rail, person, key=key)
    for _ in range(4):
        pull(rail, person)
    intents, asked = rail._api.payment_intents, []
    plain = intents.list

    def two_at_a_time(params: Any, *rest: Any) -> Any:
        asked.append(params)
        return plain({**params, "limit": 2}, *rest)

    monkeypatch.setattr(type(intents), "list", lambda self, params, *rest: two_at_a_time(params, *rest))
    found = rail.find(key=key, customer=person.customer)
    assert found is not None and found.id == wanted
    assert len(asked) == 3


def test_find_shows_a_late_return(rail: Stripe, bank: Bank, linked: Callable[..., Linked]) -> None:
    person, key = linked("R03-late"), uuid4()
    pull(rail, person, key=key)
    bank.advance(5)
    found = rail.find(key=key, customer=person.customer)
    assert found is not None and outcome(found) == ("failed", "R03")


def test_a_key_that_was_used_for_something_else_is_a_doubt(rail: Stripe, linked: Callable[..., Linked], api: Any) -> None:
    person, key = linked(), uuid4()
    pull(rail, person, 50_00, key)
    with pytest.raises(ProviderUnknown):
        pull(rail, person, 51_00, key)
    assert how_many(api, person) == 1


def test_the_same_key_at_the_same_time_makes_one(rail: Stripe, linked: Callable[..., Linked], api: Any) -> None:
    person, key = linked(), uuid4()
    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(lambda _: pull(rail, person, 50_00, key), range(4)))
    assert (len(made), how_many(api, person)) == (1, 1)


@pytest.mark.parametrize(("mode", "error"), [("500", ProviderUnknown), ("timeout", ProviderUnknown), ("429", ProviderDown)])
def test_what_a_create_without_a_clear_answer_is(
    rail: Stripe, bank: Bank, linked: Callable[..., Linked], api: Any, mode: str, error: type[Exception]
) -> None:
    person = linked()
    bank.fail("stripe", mode, INTENTS, seconds=0.1)
    with pytest.raises(error):
        pull(rail, person)
    assert how_many(api, person) == 0


def test_a_vendor_that_asks_us_to_slow_down_is_not_asked_again_at_once(
    rail: Stripe, bank: Bank, linked: Callable[..., Linked]
) -> None:
    transfer = pull(rail, linked())
    bank.fail("stripe", "429", f"GET {INTENTS}/*", times=1)
    with pytest.raises(ProviderBusy):
        rail.status(transfer=transfer)
    assert rail.status(transfer=transfer).status == "pending"


@pytest.mark.parametrize("mode", ["500", "timeout"])
def test_a_question_without_an_answer_is_asked_twice_and_then_down(
    rail: Stripe, bank: Bank, linked: Callable[..., Linked], mode: str
) -> None:
    transfer = pull(rail, linked())
    bank.fail("stripe", mode, f"GET {INTENTS}/*", times=1, seconds=0.1)
    assert rail.status(transfer=transfer).status == "pending"
    bank.fail("stripe", mode, f"GET {INTENTS}/*", times=2, seconds=0.1)
    with pytest.raises(ProviderDown):
        rail.status(transfer=transfer)


def test_a_slow_answer_is_not_waited_for(bank: Bank, rail: Stripe, linked: Callable[..., Linked]) -> None:
    person = linked()
    hasty = Stripe(
        make_client(settings.STRIPE_SECRET_KEY, base=settings.STRIPE_BASE_URL, timeout=0.5), webhook_secrets=["whsec_x"]
    )
    bank.fail("stripe", "timeout", INTENTS, seconds=10)
    started = time.monotonic()
    with pytest.raises(ProviderUnknown):
        hasty.create_pull(key=uuid4(), bank=person.bank, amount=50_00)
    assert time.monotonic() - started < 8


@pytest.mark.parametrize("amount", [49, 1_000_000_00, 0, -50_00])
def test_an_amount_that_stripe_does_not_take_is_refused(rail: Stripe, linked: Callable[..., Linked], amount: int) -> None:
    with pytest.raises(ProviderRejected):
        pull(rail, linked(), amount)


def test_a_wrong_key_and_a_closed_port_are_down(bank: Bank, rail: Stripe) -> None:
    rail.ping()
    for key, base in (("sk_test_wrong", settings.STRIPE_BASE_URL), ("sk_test_x", "http://127.0.0.1:9/stripe")):
        stranger = Stripe(make_client(key, base=base, timeout=1), webhook_secrets=[])
        stranger._owner = lambda bank: "cus_1234"  # type: ignore[method-assign]
        with pytest.raises(ProviderDown):
            stranger.create_pull(key=uuid4(), bank="ba_1234", amount=50_00)


def test_it_is_there_only_where_it_is_set_up(settings: Any) -> None:
    rails._stripe.cache_clear()
    settings.STRIPE_SECRET_KEY = ""
    with pytest.raises(KeyError):
        rails.rail("stripe")


# ------------------------------------------------------------------------------------------------ rubbish
class Rubbish:
    """A server that answers everything with the same status and bytes, and remembers the requests."""

    def __init__(self) -> None:
        self.status, self.body = 200, b"{}"
        self.paths: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                server.paths.append(f"{self.command} {self.path}")
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(server.status)
                self.send_header("Content-Length", str(len(server.body)))
                self.end_headers()
                self.wfile.write(server.body)

            do_GET = do_POST = answer

            def log_message(self, *args: object) -> None:
                """Quiet: pytest shows what matters."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        client = make_client("sk_test_x", base=f"http://127.0.0.1:{self.server.server_port}", timeout=5)
        self.rail = Stripe(client, webhook_secrets=[], financial_account="fa_1234")
        self.rail._owner = lambda bank: "cus_1234"  # type: ignore[method-assign]
        self.rail._cash = lambda: 1_000_00  # type: ignore[method-assign]


@pytest.fixture
def rubbish() -> Iterator[Rubbish]:
    resilience.forget_failures()
    server = Rubbish()
    yield server
    server.server.shutdown()


def error_body(kind: str, code: str = "") -> bytes:
    return json.dumps({"error": {"type": kind, "code": code, "message": "with 000123456789 in it"}}).encode()


@pytest.mark.parametrize(("status", "body"), [
    (200, b""), (200, b"<html>"), (200, b"null"), (200, b"[]"), (200, b"7"), (200, b'"x"'), (200, b"{}"), (200, b'{"id": 7}'),
    (200, b'{"id": "ch_12345678"}'), (200, b'{"id": null, "object": "payment_intent"}'), (200, b"\xff"), (302, b""),
    (400, b"<html>"), (400, error_body("idempotency_error")), (404, b""), (408, error_body("api_error")),
    (409, error_body("invalid_request_error", "idempotency_key_in_use")), (500, b"oops"), (502, b"<html>"),
    (503, error_body("api_error")),
])  # fmt: skip
def test_a_create_that_is_answered_strangely_is_a_doubt(rubbish: Rubbish, status: int, body: bytes) -> None:
    rubbish.status, rubbish.body = status, body
    for create in (rubbish.rail.create_pull, rubbish.rail.create_push):
        with pytest.raises(ProviderUnknown):
            create(key=uuid4(), bank="ba_1234", amount=50_00)
    assert len(rubbish.paths) == 2  # nothing was sent twice


@pytest.mark.parametrize(("status", "kind", "code", "error", "told"), [
    (402, "card_error", "bank_account_unusable", ProviderRejected, "bank_account_unusable"),
    (400, "invalid_request_error", "amount_too_small", ProviderRejected, "amount_too_small"),
    (404, "invalid_request_error", "resource_missing", ProviderRejected, "resource_missing"),
    (400, "invalid_request_error", "", ProviderRejected, "invalid_request_error"),
    (400, "invalid_request_error", "rate_limit", ProviderDown, None),
    (429, "invalid_request_error", "rate_limit", ProviderDown, None),
    (401, "invalid_request_error", "", ProviderDown, None),
    (403, "invalid_request_error", "", ProviderDown, None),
])  # fmt: skip
def test_a_clear_answer_is_taken_and_its_words_stay_behind(
    rubbish: Rubbish, status: int, kind: str, code: str, error: type[Exception], told: str | None
) -> None:
    rubbish.status, rubbish.body = status, error_body(kind, code)
    with pytest.raises(error) as caught:
        rubbish.rail.create_pull(key=uuid4(), bank="ba_1234", amount=50_00)
    assert getattr(caught.value, "code", None) == told
    assert "000123456789" not in str(caught.value)


@pytest.mark.parametrize("body", [
    b"", b"<html>", b"null", b"[]", b"{}", b'{"id": "pi_12345678"}', b'{"data": {}}', b'{"data": [], "object": "list"}',
    b'{"id": "pi_12345678", "object": "payment_intent", "status": "on_the_moon", "amount": 1, "currency": "usd"}',
    b'{"id": "pi_12345678", "object": "payment_intent", "status": "processing", "amount": "50.00", "currency": "usd"}',
    b'{"id": "pi_12345678", "object": "payment_intent", "status": ["processing"], "amount": 1, "currency": "usd"}',
])  # fmt: skip
def test_what_cannot_be_read_is_no_answer(rubbish: Rubbish, body: bytes) -> None:
    rubbish.body = body
    for ask in (
        lambda: rubbish.rail.status(transfer="pi_12345678"),
        lambda: rubbish.rail.status(transfer="obp_12345678"),
        lambda: rubbish.rail.find(key=uuid4(), customer="cus_1234"),
    ):
        resilience.forget_failures()
        with pytest.raises(ProviderDown):
            ask()


def test_what_came_in_counts_and_not_what_was_asked_for(rubbish: Rubbish) -> None:
    rubbish.body = json.dumps({
        "id": "pi_12345678", "object": "payment_intent", "status": "succeeded", "amount": 50_00, "amount_received": 49_00,
        "currency": "usd", "metadata": {"paya_key": "k"}, "latest_charge": {"id": "ch_1", "object": "charge", "disputed": False},
    }).encode()  # fmt: skip
    assert rubbish.rail.status(transfer="pi_12345678") == RailTransfer("pi_12345678", "processed", 49_00, "USD", "k")


# ------------------------------------------------------------------------------------------------ signatures
EVENT = {"id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "data": {"object": {"id": "pi_1"}}}


def signed(body: str, secret: str, moment: float | None = None) -> dict[str, str]:
    header = stripe.WebhookSignature.generate_signature_header(body, secret, timestamp=int(moment or time.time()))
    return {"Stripe-Signature": header}


@pytest.fixture
def listening() -> Callable[[str, dict[str, str]], bool]:
    client = make_client("sk_test_x", base="http://127.0.0.1:9", timeout=1)
    rail = Stripe(client, webhook_secrets=("whsec_new", " whsec_old ", ""))
    return lambda body, headers: rail.verify_webhook(body=body.encode(), headers=headers)


Listening = Callable[[str, dict[str, str]], bool]


def test_either_secret_is_good_while_one_is_rolled_out(listening: Listening) -> None:
    body = json.dumps(EVENT)
    assert listening(body, signed(body, "whsec_new"))
    assert listening(body, signed(body, "whsec_old"))
    moment = int(time.time())
    codes = [signed(body, secret, moment)["Stripe-Signature"].partition("v1=")[2] for secret in ("whsec_gone", "whsec_old")]
    assert listening(body, {"Stripe-Signature": f"t={moment},v1={codes[0]},v1={codes[1]}"})


def test_other_signatures_are_refused(listening: Listening) -> None:
    body = json.dumps(EVENT)
    good = signed(body, "whsec_new")
    assert listening(body, signed(body, "whsec_new", time.time() - 290))
    refused = [
        (body + " ", good), (body, signed(body, "whsec_other")), (body, signed(body, "")), (body, {}),
        (body, signed(body, "whsec_new", time.time() - 310)), (body, signed(body, "whsec_new", time.time() + 310)),
        (body, {"Stripe-Signature": "t=,v1="}),
        (body, {"Stripe-Signature": good["Stripe-Signature"].replace("v1=", "v0=")}),
        (body, {"Stripe-Signature": good["Stripe-Signature"].replace("v1=", "v1=\N{LATIN SMALL LETTER E WITH ACUTE}")}),
        (body, {"Stripe-Signature": "t=x,v1=y"}), (body, {"Stripe-Signature": "\x00"}),
    ]  # fmt: skip
    assert [listening(*each) for each in refused] == [False] * len(refused)


def test_without_a_secret_nobody_can_sign() -> None:
    rail = Stripe(make_client("sk_test_x", base="http://127.0.0.1:9", timeout=1), webhook_secrets=["", " "])
    body = json.dumps(EVENT)
    assert not rail.verify_webhook(body=body.encode(), headers=signed(body, ""))


@pytest.mark.parametrize("body", [
    json.dumps({"id": "evt_1", "object": "v2.core.event", "type": "v2.money_management.outbound_payment.posted"}),
    "[]", "null", "x", '{"id": "evt_1"}', "[" * 100_000,
])  # fmt: skip
def test_thin_events_are_refused_though_they_are_signed(listening: Listening, body: str) -> None:
    assert not listening(body, signed(body, "whsec_new"))


def test_bytes_that_are_no_text_are_refused(rail: Stripe) -> None:
    assert not rail.verify_webhook(body=b"\xff\xfe", headers={"Stripe-Signature": "t=1,v1=x"})


def test_the_sandbox_signs_with_our_secret(rail: Stripe, bank: Bank, linked: Callable[..., Linked]) -> None:
    transfer = pull(rail, linked())
    deliveries = bank.deliveries(2, path="/webhooks/stripe", part=transfer.encode())
    assert {json.loads(each.body)["type"] for each in deliveries} == {"payment_intent.created", "payment_intent.processing"}
    for each in deliveries:
        assert rail.verify_webhook(body=each.body, headers=each.headers)
        assert not rail.verify_webhook(body=each.body + b" ", headers=each.headers)


def test_events_name_their_transfer_and_our_key(rail: Stripe, bank: Bank, linked: Callable[..., Linked], funded: None) -> None:
    person, keys = linked("R03-late"), (uuid4(), uuid4())
    debit = pull(rail, person, key=keys[0])
    payment = rail.create_push(key=keys[1], bank=person.bank, amount=20_00)
    bank.advance(5)
    events = [json.loads(each.body) for each in bank.deliveries(8, path="/webhooks/stripe")]
    told = {event["type"]: subject_of(event) for event in events}
    pulled, pushed = (debit, str(keys[0])), (payment, str(keys[1]))
    assert told == {
        **{f"payment_intent.{status}": pulled for status in ("created", "processing", "succeeded")},
        **{f"charge.dispute.{status}": (debit, "") for status in ("created", "closed")},
        **{f"treasury.outbound_payment.{status}": pushed for status in ("created", "posted", "returned")},
    }
    other: list[Any] = [{}, {"type": "payment_intent.succeeded"}, {"type": "payment_intent.x", "data": {"object": []}}]
    other += [{"type": "charge.succeeded", "data": {"object": {"id": "ch_1"}}}, {"type": 7, "data": 7}]
    assert [subject_of(event) for event in other] == [("", "")] * len(other)
