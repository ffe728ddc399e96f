"""Webhooks: signed or refused, stored once, and believed in nothing but that something happened."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from banking import plaid, rails, services
from banking.models import BankAccount, InboxEvent
from banking.rails.dwolla import Dwolla
from core.actor import SYSTEM, actor
from tests.banking.sandbox import Bank, Delivery
from tests.conftest import Database
from tests.helpers import assert_problem

Process = Callable[[], list[str]]


def stored(database: Database) -> int:
    with database.role("worker"), actor(SYSTEM):
        return InboxEvent.objects.count()


def test_they_settle_a_load(linked: Callable[..., Any], bank: Bank, deliver: Any, process_inbox: Process) -> None:
    person = linked()
    row = person.submit(person.load())
    bank.advance(3)
    for delivery in bank.deliveries(4, part=str(row.external_id).encode()):
        assert deliver(delivery).status_code == 202
    assert person.fresh(row).status == "pending"
    assert set(process_inbox()) == {"done"}
    assert person.fresh(row).status == "settled"
    assert person.money() == (50_00, 0, 0)


def test_twice_and_backwards(
    linked: Callable[..., Any], bank: Bank, deliver: Any, process_inbox: Process, database: Database
) -> None:
    person = linked()
    row = person.submit(person.load())
    bank.advance(3)
    deliveries = bank.deliveries(4, part=str(row.external_id).encode())
    for delivery in [*reversed(deliveries), *deliveries]:
        assert deliver(delivery).status_code == 202
    assert stored(database) == len({json.loads(each.body)["id"] for each in deliveries}) == 4
    process_inbox()
    for delivery in deliveries:
        deliver(delivery)
    process_inbox()
    assert stored(database) == 4
    assert person.fresh(row).status == "settled"
    assert person.money() == (50_00, 0, 0)
    assert person.timeline(row) == ["requested", "submitted", "pending", "settled"]


def test_what_our_record_has_already_is_not_asked_for_again(
    linked: Callable[..., Any], bank: Bank, deliver: Any, process_inbox: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One load is told of four times, and once is enough."""
    person = linked()
    row = person.submit(person.load())
    bank.advance(3)
    asked, ask = [], rails.dwolla().status
    monkeypatch.setattr(rails.dwolla(), "status", lambda *, transfer: asked.append(transfer) or ask(transfer=transfer))
    for delivery in bank.deliveries(4, part=str(row.external_id).encode()):
        deliver(delivery)
    assert process_inbox() == ["done"] * 4
    assert person.fresh(row).status == "settled"
    assert asked == [row.external_id]


def test_late_return(linked: Callable[..., Any], bank: Bank, deliver: Any, process_inbox: Process) -> None:
    person = linked(name="R01-late")
    row = person.submit(person.load())
    bank.advance(6)
    deliveries = bank.deliveries(6, part=str(row.external_id).encode())
    for delivery in reversed(deliveries):
        deliver(delivery)
    process_inbox()
    assert person.fresh(row).status in ("failed", "returned")
    assert person.money() == (0, 0, 0)


@pytest.mark.parametrize("change", ["body", "signature", "none"])
def test_a_wrong_signature_is_refused(
    linked: Callable[..., Any], bank: Bank, deliver: Any, database: Database, change: str
) -> None:
    person = linked()
    person.submit(person.load())
    delivery = bank.deliveries(1)[0]
    if change == "body":
        answer = deliver(delivery, body=delivery.body + b" ")
    else:
        signature = "0" * 64 if change == "signature" else ""
        answer = deliver(delivery, **{"X-Request-Signature-SHA-256": signature})
    assert_problem(answer, 403, "wrong_signature")
    assert stored(database) == 0


def test_they_may_be_faster_than_our_own_record(
    linked: Callable[..., Any], bank: Bank, deliver: Any, process_inbox: Process
) -> None:
    """The create's answer is lost, the webhook comes first: it says which transfer is ours."""
    person = linked()
    before = bank.transfers()
    bank.fail("dwolla", "drop_after")
    row = person.submit(person.load())
    assert (row.status, row.external_id) == ("unknown", None)
    deliver(bank.deliveries(1, part=str(row.rail_key).encode())[0])
    assert process_inbox() == ["done"]
    row = person.fresh(row)
    assert row.status == "pending"
    assert person.submit(row).status == "pending"
    assert bank.transfers() - before == 1


def test_news_of_no_transfer_of_ours_is_kept_and_given_up(
    linked: Callable[..., Any], bank: Bank, deliver: Any, process_inbox: Process, database: Database
) -> None:
    person = linked()
    row = person.submit(person.load())
    delivery = bank.deliveries(1, part=str(row.external_id).encode())[0]
    with database.role("worker"):
        stranger = services.inbox.Event("dwolla", "evt-1", "transfer_completed", {"resource_id": "0" * 36})
        assert services.receive(stranger)
        assert not services.receive(stranger)
    for _ in range(services.inbox.UNMATCHED_TRIES):
        assert process_inbox() == ["unmatched"]
    deliver(delivery)
    assert process_inbox() == ["unmatched", "done"]
    with database.role("worker"), actor(SYSTEM):
        assert InboxEvent.objects.exclude(processed_at=None).count() == 2


def test_an_id_is_its_vendors_own(database: Database) -> None:
    """Two vendors may count alike: what one says must not pass for what the other has said."""
    said = [services.inbox.Event(vendor, "evt-1", "something", {}) for vendor in ("dwolla", "plaid", "stripe")]
    assert [services.receive(event) for event in said * 2] == [True] * 3 + [False] * 3
    assert stored(database) == 3


def test_only_ids_are_kept(linked: Callable[..., Any], bank: Bank, deliver: Any, database: Database) -> None:
    person = linked()
    row = person.submit(person.load())
    deliver(bank.deliveries(1, part=str(row.external_id).encode())[0])
    with database.role("worker"), actor(SYSTEM):
        body = json.loads(InboxEvent.objects.get().body)
    assert {name: value for name, value in body.items() if name != "customer_id"} == {
        "resource_id": row.external_id, "correlation_id": str(row.rail_key),
    }  # fmt: skip


def test_web_cannot_read_or_write_the_inbox(linked: Callable[..., Any], database: Database) -> None:
    from django.db import ProgrammingError

    person = linked()
    for attempt in (
        lambda: InboxEvent.objects.count(),
        lambda: InboxEvent.objects.create(provider="x", event_id="y", topic="", body=""),
    ):
        with pytest.raises(ProgrammingError, match="permission denied"), actor(person.person.id):
            attempt()


# ------------------------------------------------------------------------------------------------ Plaid
@pytest.fixture
def plaid_news(bank: Bank, linked: Callable[..., Any]) -> tuple[Any, Delivery]:
    """A person whose bank wants a new log-in, and the webhook that says so."""
    person = linked()
    token = bank.public_token(webhook=bank.receiver.url + "/webhooks/plaid")
    account = services.link_account(user_id=person.person.id, public_token=token)
    with actor(person.person.id):
        access = services.accounts.sealed.access_token(account.item)
    bank.post("/plaid/sandbox/item/reset_login", {"client_id": "sandbox", "secret": "sandbox", "access_token": access})
    return account, bank.deliveries(1, path="/webhooks/plaid", part=b"ITEM")[0]


def test_plaid_tells_that_a_bank_must_be_linked_again(
    plaid_news: tuple[Any, Delivery], deliver: Any, process_inbox: Process
) -> None:
    account, delivery = plaid_news
    assert deliver(delivery).status_code == 202
    assert process_inbox() == ["done"]
    with actor(account.user_id):
        assert BankAccount.objects.get(pk=account.pk).status == "relink"


def test_plaid_signatures(
    plaid_news: tuple[Any, Delivery], deliver: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, delivery = plaid_news
    assert_problem(deliver(delivery, body=delivery.body + b" "), 403, "wrong_signature")
    assert_problem(deliver(delivery, **{"Plaid-Verification": ""}), 403, "wrong_signature")
    forged = jwt.encode({"iat": 1, "request_body_sha256": "x"}, "k" * 32, algorithm="HS256", headers={"kid": "k"})
    assert_problem(deliver(delivery, **{"Plaid-Verification": forged}), 403, "wrong_signature")
    monkeypatch.setattr(plaid.time, "time", lambda: 4e9)
    assert_problem(deliver(delivery), 403, "wrong_signature")
    assert stored(database) == 0


class Signer:
    """Somebody with a key of their own, which Plaid is made to show as `shown` says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **shown: Any) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.asked = 0
        self.shown = shown
        monkeypatch.setattr(plaid, "_keys", {})
        monkeypatch.setattr(plaid, "_misses", [])
        monkeypatch.setattr(plaid, "_call", self.answer)

    def answer(self, operation: str, request: Any, **options: Any) -> Any:
        self.asked += 1
        jwk = ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        key = {**jwk, "alg": "ES256", "kid": request.key_id, "use": "sig", "created_at": 1, "expired_at": None}
        return {"key": {**key, **self.shown}}

    def verify(self, body: bytes, *, key: Any = None, algorithm: str = "ES256", kid: Any = "k1", **claims: Any) -> bool:
        given = {"iat": int(time.time()), "request_body_sha256": hashlib.sha256(body).hexdigest(), **claims}
        given = {name: value for name, value in given.items() if value is not None}
        token = jwt.encode(given, key or self.key, algorithm=algorithm, headers={"kid": kid} if kid else {})
        return plaid.verify_webhook(body=body, headers={"Plaid-Verification": token}) is not None


def test_a_key_is_fetched_once_and_its_own_body_alone_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    plaids = Signer(monkeypatch)
    body = b'{"webhook_type": "ITEM",\n  "webhook_code": "ERROR"}'
    assert [plaids.verify(body) for _ in range(3)] == [True] * 3
    assert plaids.asked == 1
    digest = hashlib.sha256(body).hexdigest()
    assert not plaids.verify(body.replace(b"\n ", b""), request_body_sha256=digest)  # whitespace counts
    assert not plaids.verify(body, request_body_sha256=digest.upper())
    assert not plaids.verify(body, request_body_sha256=None)
    assert not plaids.verify(body, key=ec.generate_private_key(ec.SECP256R1()))
    assert plaids.asked == 1


@pytest.mark.parametrize(("age", "good"), [(0, True), (290, True), (310, False), (86400, False), (-30, True), (-120, False)])
def test_how_old_a_signature_may_be(monkeypatch: pytest.MonkeyPatch, age: int, good: bool) -> None:
    assert Signer(monkeypatch).verify(b"{}", iat=int(time.time()) - age) is good


def test_when_it_was_signed_must_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for iat in (None, "now", [1]):
        assert not Signer(monkeypatch).verify(b"{}", iat=iat)


def test_a_key_that_has_expired_signs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Signer(monkeypatch, expired_at=1).verify(b"{}")


def test_a_key_is_looked_at_again_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rotation: Plaid expires the old key some time after the new one signs; until then both are good."""
    plaids = Signer(monkeypatch)
    assert plaids.verify(b"{}", kid="old")
    assert plaids.verify(b"{}", kid="new")
    plaids.shown = {"expired_at": 1}
    assert plaids.verify(b"{}", kid="old")
    clock = plaid.time.monotonic
    monkeypatch.setattr(plaid.time, "monotonic", lambda: clock() + plaid.KEY_CACHE_SECONDS + 1)
    assert not plaids.verify(b"{}", kid="old")
    assert plaids.asked == 3


def test_no_key_is_fetched_for_what_cannot_be_plaids(monkeypatch: pytest.MonkeyPatch) -> None:
    plaids = Signer(monkeypatch)
    public = plaids.key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert not plaids.verify(b"{}", key=hashlib.sha256(public).hexdigest(), algorithm="HS256")
    assert not plaids.verify(b"{}", key=ec.generate_private_key(ec.SECP384R1()), algorithm="ES384")
    assert not plaids.verify(b"{}", kid=None)
    for token in ("", "x", "a.b.c", jwt.encode({"iat": 1}, None, algorithm="none", headers={"kid": "k1"})):
        assert plaid.verify_webhook(body=b"{}", headers={"Plaid-Verification": token}) is None
    assert plaids.asked == 0


def test_invented_key_ids_cost_little(database: Database, bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(plaid, "_misses", [])
    monkeypatch.setattr(plaid, "_call", lambda operation, request, **_: asked.append(operation) or _refuse())
    for n in range(50):
        assert plaid._verification_key(f"invented-{n}") is None
    assert len(asked) == plaid.UNKNOWN_KEYS_PER_MINUTE


def _refuse() -> None:
    raise plaid.ProviderRejected("INVALID_WEBHOOK_VERIFICATION_KEY_ID")


# ------------------------------------------------------------------------------------------------ others
@pytest.mark.parametrize(
    ("path", "setting"),
    [
        ("dwolla", "DWOLLA_WEBHOOK_SECRET"), ("plaid", "PLAID_CLIENT_ID"), ("twilio", "TWILIO_AUTH_TOKEN"),
        ("stripe", "STRIPE_SECRET_KEY"), ("stripe", "STRIPE_WEBHOOK_SECRETS"),
    ],
)
def test_a_secret_that_is_taken_away_takes_its_endpoint_along(
    database: Database, api: Any, settings: Any, path: str, setting: str
) -> None:
    assert_problem(api.post(f"/webhooks/{path}", {}), 403, "wrong_signature")
    setattr(settings, setting, "")
    assert_problem(api.post(f"/webhooks/{path}", {}), 404, "not_found")


def test_nothing_is_signed_under_an_empty_secret(database: Database, api: Any) -> None:
    """Anybody could: the rail itself says no, though its endpoint would not have asked it."""
    body = b'{"id": "e", "topic": "customer_transfer_completed"}'
    for secret, good in (("", False), ("s", True)):
        rail = Dwolla(rails.dwolla()._client, webhook_secret=secret)
        headers = {"X-Request-Signature-SHA-256": hmac.new(secret.encode(), body, "sha256").hexdigest()}
        assert rail.verify_webhook(body=body, headers=headers) is good
        assert rail.verify_webhook(body=body, headers={}) is False


def test_twilio_signs_its_address_and_fields(database: Database, api: Any, settings: Any) -> None:
    from twilio.request_validator import RequestValidator

    fields = {"MessageSid": "SM" + "1" * 32, "MessageStatus": "delivered", "To": "+12125550100"}
    signature = RequestValidator(settings.TWILIO_AUTH_TOKEN).compute_signature(settings.PUBLIC_URL + "/webhooks/twilio", fields)
    post = api.client.post
    assert post("/webhooks/twilio", fields, headers={"X-Twilio-Signature": signature}).status_code == 202
    assert_problem(
        post("/webhooks/twilio", {**fields, "To": "+1"}, headers={"X-Twilio-Signature": signature}), 403, "wrong_signature"
    )
    assert_problem(api.get("/webhooks/twilio"), 405, "method_not_allowed")
    with database.role("worker"), actor(SYSTEM):
        assert "5550100" not in InboxEvent.objects.get().body
