"""Every endpoint of the URLconf, called by a person while nobody tells the database who is acting.

The list is made from the URLconf itself: an endpoint that nobody has said anything about below fails.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

import core.actor
from core.errors import NoActor
from core.ids import new_id
from tests.conftest import Database, PersonForTest
from tests.helpers import Api
from tests.payments.people import browser, person

NAME, NOTE, BALANCE = "Zebulon Quartz", "violet umbrellas", 8_137_23


@dataclass(frozen=True)
class Endpoint:
    method: str
    route: str

    def __str__(self) -> str:
        return f"{self.method} /{self.route}"


def endpoints() -> list[Endpoint]:
    return sorted(set(_walk("", get_resolver().url_patterns)), key=str)


def _walk(prefix: str, patterns: list[Any]) -> Iterator[Endpoint]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(route, pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield from (Endpoint(method, route) for method in _methods(pattern.callback))


def _methods(view: Callable[..., Any]) -> list[str]:
    """The methods of a class-based view, or those that a page's require_... decorator names; else both usual ones."""
    if cls := getattr(view, "view_class", None) or getattr(view, "cls", None):
        return [method.upper() for method in ("get", "post", "put", "patch", "delete") if hasattr(cls, method)]
    inner: Any = view
    while inner is not None:
        code = getattr(inner, "__code__", None)
        variables = dict(zip(code.co_freevars, inner.__closure__ or (), strict=True)) if code else {}
        if "request_method_list" in variables:
            return [method for method in variables["request_method_list"].cell_contents if method != "HEAD"]
        inner = getattr(inner, "__wrapped__", None)
    return ["GET", "POST"]


# What needs no person: it is the same for everybody, or comes before anybody is known.
PUBLIC = {
    "", "healthz", "readyz", "metrics", "feed", "transparency", "status",
    "v1/feed", "v1/transparency", "v1/status", "v1/openapi.json",
    "docs/api/", "v1/transparency/attestations", "v1/transparency/attestations/<str:name>", "v1/transparency/chain",
    "v1/transparency/series",
    "transparency/live", "transparency/charts", "transparency/figures.csv", "transparency/days.csv",
    "v1/transparency/key", "transparency/attestations", "transparency/paya-verify", "transparency/proof",
    "transparency/proof/facts",
    "v1/auth/otp", "v1/auth/token", "v1/auth/refresh", "v1/auth/logout", "login", "login/code", "login/resend", "logout",
    "^admin(?:/.*)?$",  # says that there is nothing: the staff's site is a process of its own
    "terms", "privacy", "terms/<int:number>", "privacy/<int:number>",
    "webhooks/dwolla", "webhooks/plaid", "webhooks/twilio", "webhooks/stripe",
}  # fmt: skip
# What needs a person and touches nothing of theirs: names that everybody may see, and a ticket that lies in Redis.
NOTHING_PERSONAL = {
    "GET /v1/users", "GET /pay/people", "POST /v1/live-ticket", "POST /live-ticket", "GET /welcome/check", "GET /welcome",
}  # fmt: skip
# The vendor is asked before anything of the person is (and is not there in this test).
VENDOR_FIRST = {"POST /v1/bank-accounts/link-token", "POST /v1/bank-accounts"}
# Refused for its form before anything of the person is looked at: this test sends JSON, and no file.
FILES = {"POST /v1/documents", "POST /identity/documents"}
# What a stranger gets here is the landing page, and whether a name is free: no log-in is asked for, nothing is told.
FOR_STRANGERS_TOO = {"GET /home", "GET /welcome/check"}

BODIES: dict[str, dict[str, Any]] = {
    "PUT /v1/proof/secret": {"nonce": "5e" * 32},
    "POST /v1/proof/complaint": {"date": "2026-03-01", "step": "root"},
    "POST /transparency/proof/secret": {"nonce": "5e" * 32},
    "POST /transparency/proof/complaint": {"date": "2026-03-01", "step": "root"},
    "PATCH /v1/me": {"display_name": "Another Name"},
    "POST /v1/me/terms": {"document": "terms", "version": "1"},
    "POST /v1/me/export": {},
    "POST /v1/me/close": {},
    "DELETE /v1/me/close": {},
    "POST /terms/accept": {"document": "terms", "version": "1"},
    "POST /settings/privacy/copy": {},
    "POST /settings/privacy/close": {"send": "1"},
    "POST /settings/privacy/keep": {},
    "POST /v1/live-ticket": {},
    "POST /live-ticket": {},
    "POST /v1/bank-accounts/link-token": {},
    "POST /v1/bank-accounts": {"public_token": "public-sandbox-x"},
    "DELETE /v1/bank-accounts/<str:account_id>": {},
    "PUT /v1/bank-accounts/<str:account_id>": {"default": True},
    "POST /v1/bank-accounts/<str:account_id>/relink": {},
    "POST /v1/documents": {},
    "POST /identity/documents": {"kind": "passport"},
    "POST /v1/identity": {"legal_name": "Zebulon Quartz", "bank_account": "ba_00000000000000000000000000"},
    "POST /identity": {"legal_name": "Zebulon Quartz", "bank_account": "ba_x"},
    "POST /v1/loads": {"amount": 100, "bank_account": "ba_00000000000000000000000000"},
    "POST /v1/redemptions": {"amount": 100, "bank_account": "ba_00000000000000000000000000"},
    "POST /v1/loads/<str:transfer_id>/cancel": {},
    "POST /v1/loads/<str:transfer_id>/again": {},
    "POST /v1/redemptions/<str:transfer_id>/cancel": {},
    "POST /loads/<str:transfer_id>/cancel": {},
    "POST /loads/<str:transfer_id>/again": {},
    "POST /redemptions/<str:transfer_id>/cancel": {},
    "POST /v1/rewards/<str:week>/appeal": {"message": "Why so little?"},
    "POST /rewards/<str:week>/appeal": {"message": "Why so little?"},
    "POST /v1/messages/<str:letter>/read": {},
    "POST /messages/<str:letter>/read": {},
    "POST /messages/read": {"newest": "let_00000000000000000000000000"},
    "POST /v1/tickets": {"subject": "Help", "message": "Help"},
    "POST /v1/tickets/<str:ticket>/reply": {"message": "Help"},
    "POST /v1/appeals": {"about": "", "message": "Help"},
    "POST /v1/disputes": {"about": "pay_00000000000000000000000000", "kind": "other", "message": "Help"},
    "POST /help": {"subject": "Help", "message": "Help"},
    "POST /help/<str:ticket>/reply": {"message": "Help"},
    "POST /appeal": {"about": "", "message": "Help"},
    "POST /disputes/new": {"about": "pay_00000000000000000000000000", "kind": "other", "message": "Help"},
    "POST /v1/payments": {"to": "{other}", "amount": 1, "note": "n", "visibility": "private"},
    "PATCH /v1/payments/<str:payment>": {"visibility": "private"},
    "DELETE /v1/devices/<str:device>": {},
    "POST /v1/devices/logout-everywhere": {},
    "POST /settings/devices/<str:device>/logout": {},
    "POST /settings/devices/logout-everywhere": {},
    "POST /banks/link": {},
    "POST /banks/<str:account_id>/remove": {},
    "POST /banks/<str:account_id>/relink": {},
    "POST /banks/<str:account_id>/default": {},
    "POST /banks/tell-me": {},
    "POST /v1/withdrawals": {"amount": 100, "bank_account": "ba_00000000000000000000000000"},
    "POST /v1/withdrawals/<str:withdrawal>/cancel": {},
    "POST /withdraw": {"amount": "1", "bank_account": "ba_x", "key": "{key}"},
    "POST /withdraw/<str:withdrawal>/cancel": {},
    "POST /load": {"amount": "1", "bank_account": "ba_x", "key": "{key}"},
    "POST /redeem": {"amount": "1", "bank_account": "ba_x", "key": "{key}"},
    "POST /pay": {"to": "{other}", "amount": "1", "note": "n", "visibility": "private", "key": "{key}"},
    "POST /payments/<str:payment>/private": {},
    "POST /v1/payments/<str:payment>/cancel": {},
    "POST /payments/<str:payment>/cancel": {},
    "POST /settings": {"display_name": "Another Name", "default_visibility": "public"},
    "POST /welcome": {"username": "somebody_new", "display_name": "New", "default_visibility": "public"},
}
# Of these the person of this test has none.
NOT_THEIRS = (
    "<str:account_id>", "<str:transfer_id>", "<str:document_id>", "<str:device>", "<str:week>", "<int:year>", "linked", "oauth",
    "<str:letter>", "messages/read", "<str:ticket>", "<str:dispute>", "<str:withdrawal>",
    "<str:export_id>", "v1/me/close", "settings/privacy/keep",
)  # fmt: skip
QUERIES = {
    "GET /v1/users": "?q=person",
    "GET /v1/wallet/balance": "?at=2026-11-21T12:00:00Z",
    "GET /pay/payee": "?to={other}",
    "GET /pay/people": "?q=person",
    "GET /welcome/check": "?username=free_name",
    "GET /banks/linked": "?state=some-state",
    "GET /banks/oauth": "?oauth_state_id=some-state",
    "GET /disputes/new": "?about=<str:payment>",
}
PERSONAL = [endpoint for endpoint in endpoints() if endpoint.route not in PUBLIC]


@dataclass
class Stage:
    me: PersonForTest
    newcomers: list[PersonForTest]
    leavers: list[PersonForTest]  # for what logs a person out
    other: PersonForTest
    payment: str

    def call(self, endpoint: Endpoint, *, anonymous: bool = False) -> Any:
        route = endpoint.route + QUERIES.get(str(endpoint), "")
        fill = {"payment": self.payment, "account_id": "ba_x", "transfer_id": new_id("ld"), "device": new_id("dev")}
        fill |= {"week": "2026-W46", "letter": new_id("let"), "document_id": new_id("doc")}
        fill |= {"ticket": new_id("tkt"), "dispute": new_id("dsp"), "withdrawal": new_id("wd")}
        fill["export_id"] = new_id("exp")
        for name, value in fill.items():
            route = route.replace(f"<str:{name}>", value)
        route = route.replace("<int:year>", "2026").replace("<int:number>", "1")
        assert "<" not in route, f"say how to fill in {endpoint}"
        path = f"/{route}".replace("{other}", self.other.username)
        body = None
        if endpoint.method != "GET":
            assert str(endpoint) in BODIES, f"{endpoint} is new: say how it is called, and that it fails without an actor"
            key = str(uuid4())
            body = {
                field: value.format(other=self.other.username, key=key) if isinstance(value, str) else value
                for field, value in BODIES[str(endpoint)].items()
            }
        who = self.me
        if str(endpoint) == "POST /welcome" and not anonymous:
            who = self.newcomers.pop()
        elif ("logout" in endpoint.route or "close" in endpoint.route) and not anonymous:
            who = self.leavers.pop()
        if route.startswith("v1/"):
            return Api().request(endpoint.method, path, body, person=None if anonymous else who, key=str(uuid4()))
        from django.test import Client

        client = Client() if anonymous else browser(who)
        return client.get(path) if endpoint.method == "GET" else client.post(path, body)


@pytest.fixture(scope="module")
def stage(database: Database) -> Stage:
    me, other = person(database, BALANCE, name=NAME), person(database, 100)
    newcomers, leavers = [person(database, username=None) for _ in range(3)], [person(database) for _ in range(19)]
    body = {"to": other.username, "amount": 100, "note": NOTE, "visibility": "public"}
    paid = Api().post("/v1/payments", body, person=me, key="stage")
    return Stage(me, newcomers, leavers, other, paid.json()["id"])


def shows_something(response: Any) -> bool:
    text = response.content.decode()
    return any(secret in text for secret in (NAME, NOTE, "8137", "8,137", "81372", "81362"))


def test_the_list_has_what_we_know_to_be_there():
    found = {str(endpoint) for endpoint in endpoints()}
    assert {"GET /v1/wallet", "POST /v1/payments", "DELETE /v1/bank-accounts/<str:account_id>", "GET /home", "POST /pay"} <= found
    assert len(PERSONAL) > 35
    known = {endpoint.route for endpoint in endpoints()}
    assert known >= PUBLIC, "PUBLIC names what is not there"
    assert found >= NOTHING_PERSONAL | VENDOR_FIRST | FILES | BODIES.keys() | QUERIES.keys()


@pytest.mark.parametrize("endpoint", PERSONAL, ids=str)
def test_with_an_actor_it_answers(stage: Stage, endpoint: Endpoint):
    """The control: what fails below fails for want of an actor, and for nothing else."""
    response = stage.call(endpoint)
    allowed = {200, 201, 202, 204, 302}
    if str(endpoint) in VENDOR_FIRST | {"POST /banks/link"}:
        allowed = {503, 201, 302, 400}  # nobody listens at the vendor's address, or the sandbox of another worker's tests
    elif str(endpoint) in FILES:
        allowed = {400, 415}
    elif any(word in endpoint.route for word in NOT_THEIRS):
        allowed = {202, 302, 400, 404, 409}  # they have no such thing, which takes a look at their rows to know
    elif str(endpoint) in {"POST /v1/appeals", "POST /appeal", "POST /v1/disputes", "POST /disputes/new"}:
        allowed = {404}  # nothing was decided about them, and this payment is nobody's
    elif endpoint.route.endswith("/cancel"):
        allowed = {302, 409}  # theirs, and done long ago
    elif "proof" in endpoint.route or "receipt" in endpoint.route:
        allowed = {200, 302, 400, 404}  # nothing was attested here
    elif "bank_account" in BODIES.get(str(endpoint), {}):
        allowed = {400, 404}
    assert response.status_code in allowed, response.content[:500]
    if endpoint.route.startswith("v1/"):
        assert response["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("endpoint", PERSONAL, ids=str)
def test_a_stranger_is_turned_away(stage: Stage, endpoint: Endpoint):
    response = stage.call(endpoint, anonymous=True)
    if endpoint.route.startswith("v1/"):
        assert response.status_code == 401
    elif str(endpoint) not in FOR_STRANGERS_TOO:
        assert response.status_code == 302
        assert response["Location"].startswith("/login")
    assert not shows_something(response)


FORMS = [
    endpoint
    for endpoint in endpoints()
    if endpoint.method == "POST" and not endpoint.route.startswith(("v1/", "webhooks/", "^admin"))
]


def test_the_list_of_forms_has_what_we_know_to_be_there():
    known = {"POST /pay", "POST /load", "POST /redeem", "POST /settings", "POST /logout", "POST /live-ticket"}
    assert known | {"POST /login", "POST /login/code", "POST /payments/<str:payment>/private"} <= set(map(str, FORMS))


@pytest.mark.parametrize("endpoint", FORMS, ids=str)
def test_a_form_that_another_site_sends_is_refused(stage: Stage, endpoint: Endpoint):
    """The browser adds the person's cookie wherever a form comes from; only the token in the form tells."""
    client = browser(stage.me)
    client.handler.enforce_csrf_checks = True
    response = client.post("/" + re.sub(r"<str:\w+>", "x", endpoint.route), BODIES.get(str(endpoint), {}))
    assert response.status_code == 403
    assert "This form was open for too long" in response.content.decode()


@pytest.fixture
def nobody_acts(database: Database) -> Iterator[None]:
    """Whatever says who is acting (`with actor(...)`, a read in one trip, payments_begin) is not heard."""
    [(whole,)] = database.as_superuser("select pg_get_functiondef('core_actor'::regproc)")
    assert "current_setting('paya.actor', true)" in whole
    database.as_superuser(whole.replace("current_setting('paya.actor', true)", "''"))
    yield
    database.as_superuser(whole)


def must_fail(stage: Stage, endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    caplog.clear()
    if endpoint.route.startswith("v1/"):
        response = stage.call(endpoint)
        assert response.status_code == 500, response.content[:300]
        assert response.json()["code"] == "internal_error"
        assert not shows_something(response)
        raised = [record.exc_info[0] for record in caplog.records if record.exc_info]
        assert NoActor in raised, raised
    else:
        with pytest.raises(NoActor, match="no actor: personal rows"):
            stage.call(endpoint)


@pytest.mark.parametrize("endpoint", PERSONAL, ids=str)
def test_without_an_actor_it_fails_and_shows_nothing(stage: Stage, endpoint: Endpoint, nobody_acts, caplog):
    if str(endpoint) in NOTHING_PERSONAL | VENDOR_FIRST | {"POST /v1/documents"}:
        assert not shows_something(stage.call(endpoint))
    else:
        must_fail(stage, endpoint, caplog)


@pytest.mark.parametrize("endpoint", ["GET /v1/payments", "GET /v1/me", "POST /v1/loads", "GET /activity", "GET /settings"])
def test_a_view_that_forgot_the_actor_fails(stage: Stage, endpoint: str, monkeypatch: pytest.MonkeyPatch, caplog):
    """The same from the other side: the database listens, and nobody says anything."""
    monkeypatch.setattr(core.actor, "set_actor", lambda user_id: None)
    must_fail(stage, Endpoint(*endpoint.replace(" /", " ").split()), caplog)


def test_home_of_a_person_needs_the_actor_too(stage: Stage, nobody_acts):
    """The landing page's address is public, and what it shows a person is not."""
    with pytest.raises(NoActor):
        browser(stage.me).get("/")


def test_an_actor_who_is_somebody_else_sees_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    """A view that would put the wrong person in: other people's rows are not found, or not theirs to ask for."""
    real = core.actor.set_actor
    monkeypatch.setattr(core.actor, "set_actor", lambda user_id: real(stage.other.id + 10_000))
    for path in (f"/v1/payments/{stage.payment}", "/v1/wallet/transactions"):
        response = Api().get(path, person=stage.me)
        assert response.status_code in (403, 404), path
        assert not shows_something(response)
    assert Api().get("/v1/payments", person=stage.me).json()["data"] == []
