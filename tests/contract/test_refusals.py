"""How the API refuses: with a problem document and a stable code, whatever was sent."""

import base64
import json
import time
from typing import Any
from uuid import uuid4

import jwt
import pytest
import requests

from tests.stack import Stack, Visitor, new_phone, problem

OWN = [
    ("GET", "/v1/me"), ("PATCH", "/v1/me"), ("GET", "/v1/users?q=ma"), ("GET", "/v1/wallet"),
    ("GET", "/v1/wallet/transactions"), ("GET", "/v1/wallet/balance?at=2026-01-01T00:00:00Z"),
    ("POST", "/v1/bank-accounts/link-token"), ("POST", "/v1/bank-accounts"), ("GET", "/v1/bank-accounts"),
    ("DELETE", "/v1/bank-accounts/ba_x"), ("POST", "/v1/loads"), ("GET", "/v1/loads"), ("GET", "/v1/loads/ld_x"),
    ("POST", "/v1/redemptions"), ("GET", "/v1/redemptions"), ("GET", "/v1/redemptions/rd_x"), ("POST", "/v1/payments"),
    ("GET", "/v1/payments"), ("GET", "/v1/payments/pay_x"), ("PATCH", "/v1/payments/pay_x"), ("POST", "/v1/live-ticket"),
    ("POST", "/v1/me/export"), ("GET", "/v1/me/export/exp_x"), ("GET", "/v1/me/close"), ("POST", "/v1/me/close"),
    ("DELETE", "/v1/me/close"),
]  # fmt: skip
LISTS = ["/v1/wallet/transactions", "/v1/bank-accounts", "/v1/loads", "/v1/redemptions", "/v1/payments", "/v1/feed"]


@pytest.mark.parametrize(("method", "path"), OWN)
def test_nothing_of_a_person_without_a_token(stack: Stack, method: str, path: str) -> None:
    refused = stack.call(method, path, {} if method in ("POST", "PATCH") else None)
    problem(refused, 401, "unauthenticated")
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")


def test_tokens_that_are_none(stack: Stack, ana: Visitor) -> None:
    claims = jwt.decode(ana.token, options={"verify_signature": False})
    head, body, signature = ana.token.split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
    forged = [
        "", "x", "a.b.c", ana.tokens["refresh"], f"{head}.{body}.", f"{unsigned}.{body}.", f"{head}.{body}.{signature[::-1]}",
        jwt.encode(claims, "k" * 32, "HS256"), jwt.encode({**claims, "exp": int(time.time()) - 1}, "k" * 32, "HS256"),
        "é" * 20, "x" * 5000,
    ]  # fmt: skip
    for token in forged:
        headers = {"Authorization": f"Bearer {token}".encode()}
        problem(requests.get(stack.url + "/v1/me", headers=headers, timeout=10), 401, "unauthenticated")
    for scheme in (ana.token, f"Token {ana.token}", f"Basic {ana.token}", f"Bearer {ana.token} x"):
        problem(stack.call("GET", "/v1/me", Authorization=scheme), 401, "unauthenticated")


def test_a_host_that_we_are_not_is_refused(stack: Stack) -> None:
    problem(stack.call("GET", "/v1/feed", Host="elsewhere.example"), 400, "validation_error")
    page = requests.get(stack.url + "/", headers={"Host": "elsewhere.example"}, timeout=10)
    assert page.status_code == 400
    assert "elsewhere.example" not in page.text
    # A load balancer asks by address.
    assert requests.get(stack.url + "/healthz", headers={"Host": "10.0.0.7"}, timeout=10).status_code == 200


def test_a_page_cookie_opens_nothing_here(stack: Stack, ana: Visitor) -> None:
    cookie = ana.session_cookie
    answer = requests.get(stack.url + "/v1/me", cookies={cookie["name"]: cookie["value"]}, timeout=10)
    problem(answer, 401, "unauthenticated")


def test_what_belongs_to_somebody_else_is_not_there(stack: Stack, ana: Visitor, ben: Visitor) -> None:
    stranger = stack.person()
    payment = ana.pay(ben.username, 5, "ours", "private")
    load, redemption = ana.transfer("loads", 600), ana.transfer("redemptions", 50)
    for method, path in (
        ("GET", f"/v1/payments/{payment['id']}"), ("PATCH", f"/v1/payments/{payment['id']}"),
        ("GET", f"/v1/loads/{load['id']}"), ("GET", f"/v1/redemptions/{redemption['id']}"),
        ("GET", f"/v1/redemptions/{load['id']}"), ("DELETE", f"/v1/bank-accounts/{ana.bank}"), ("GET", "/v1/payments/pay_x"),
    ):  # fmt: skip
        body = {"visibility": "private"} if method == "PATCH" else None
        problem(stack.call(method, path, body, token=stranger.token), 404, "not_found")
    for kind in ("loads", "redemptions"):
        body = {"amount": 500, "bank_account": ana.bank}
        problem(stranger.post(f"/v1/{kind}", body, key=uuid4().hex), 404, "not_found")
    assert stranger.get("/v1/payments").json()["data"] == []


def test_unknown_paths_and_methods(stack: Stack, ana: Visitor) -> None:
    for path in ("/v1/", "/v1/nothing", "/v1/me/", "/v1/payments/", "/v1/payments/a/b", "/v1/%00", "/webhooks/nobody"):
        for method in ("GET", "POST"):
            problem(stack.call(method, path, token=ana.token), 404, "not_found")
    for method, path, allowed in (
        ("DELETE", "/v1/me", "GET"), ("PUT", "/v1/payments", "POST"), ("POST", "/v1/feed", "GET"),
        ("POST", "/v1/wallet", "GET"), ("PATCH", "/v1/loads", "POST"), ("GET", "/v1/live-ticket", "POST"),
        ("GET", "/v1/auth/otp", "POST"), ("GET", "/webhooks/dwolla", "POST"), ("POST", "/v1/transparency", "GET"),
        ("POST", "/v1/openapi.json", "GET"),
    ):  # fmt: skip
        refused = stack.call(method, path, token=ana.token)
        problem(refused, 405, "method_not_allowed")
        assert allowed in refused.headers["Allow"]


# ------------------------------------------------------------------------------------------------------ keys
MOVES = ["/v1/payments", "/v1/loads", "/v1/redemptions"]


def _moving(path: str, ana: Visitor, ben: Visitor, amount: int = 21) -> dict[str, Any]:
    if path == "/v1/payments":
        return {"to": ben.username, "amount": amount, "note": "", "visibility": "private"}
    return {"amount": amount, "bank_account": ana.bank}


@pytest.mark.parametrize("path", MOVES)
def test_a_key_is_required_and_stands_for_one_request(path: str, ana: Visitor, ben: Visitor) -> None:
    body, key = _moving(path, ana, ben), uuid4().hex
    problem(ana.post(path, body), 400, "idempotency_key_required")
    for broken in ("", "x" * 256, "tab\tbed", "schlüssel".encode().decode("latin-1")):
        problem(ana.post(path, body, key=broken), 400, "idempotency_key_required")
    before = ana.balance
    first = ana.post(path, body, key=key)
    again = ana.post(path, body, key=key)
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert first.status_code == 201
    after = ana.balance
    moved = after["available"] - before["available"] + before["pending_in"] - after["pending_in"]
    assert abs(moved) == 21
    problem(ana.post(path, _moving(path, ana, ben, 22), key=key), 422, "idempotency_key_reused")
    assert ana.balance == after


def test_a_key_is_ones_own_and_a_refusal_leaves_it_free(stack: Stack, ana: Visitor, ben: Visitor) -> None:
    key = uuid4().hex
    poor = stack.person()
    body = {"to": ben.username, "amount": 10, "visibility": "private"}
    assert ana.post("/v1/payments", body, key=key).status_code == 201
    problem(poor.post("/v1/payments", body, key=key), 402, "insufficient_funds")
    stack.patron.pay(poor.username, 10, visibility="private")
    assert poor.post("/v1/payments", body, key=key).status_code == 201


# ------------------------------------------------------------------------------------------------------ payments
def test_payments_that_are_refused_and_move_nothing(stack: Stack, ana: Visitor, ben: Visitor) -> None:
    before = ana.balance

    def refused(status: int, code: str, **changes: Any) -> dict[str, Any]:
        body = {"to": ben.username, "amount": 10, "note": "", "visibility": "public"} | changes
        body = {name: value for name, value in body.items() if value is not ...}
        return problem(ana.post("/v1/payments", body, key=uuid4().hex), status, code)

    refused(404, "unknown_payee", to="nobody_at_all")
    refused(400, "paying_oneself", to=ana.username)
    assert refused(402, "insufficient_funds", amount=10_000_000)["available"] == before["available"]
    for amount in (0, -1, 1.0, 1.5, "10", True, None, [], {}, 10**30, ...):
        assert set(refused(400, "validation_error", amount=amount)["errors"]) == {"amount"}
    for note in (7, None, True, [], "x" * 201, "a\x00b", "a\nb", "a\x1bb", "\u202edrow", "a\u2028b"):
        assert set(refused(400, "validation_error", note=note)["errors"]) == {"note"}
    for visibility in ("", "friends", "PUBLIC", None, True, 1, ["public"], {"public": 1}, ...):
        assert set(refused(400, "validation_error", visibility=visibility)["errors"]) == {"visibility"}
    for to in ("", "@", 5, None, ["maya"], "x" * 31, "ma\x00ya", ...):
        document = problem_of(ana, ben, to)
        assert document["code"] in ("validation_error", "unknown_payee")
    assert ana.balance == before
    newcomer = stack.newcomer()
    body = {"to": ben.username, "amount": 10, "visibility": "public"}
    problem(newcomer.post("/v1/payments", body, key=uuid4().hex), 409, "no_username")


def problem_of(ana: Visitor, ben: Visitor, to: Any) -> dict[str, Any]:
    body = {"to": to, "amount": 10, "visibility": "public"} if to is not ... else {"amount": 10, "visibility": "public"}
    answer = ana.post("/v1/payments", body, key=uuid4().hex)
    assert answer.status_code in (400, 404)
    return problem(answer, answer.status_code, answer.json()["code"])


def test_a_note_is_counted_in_characters(ana: Visitor, ben: Visitor) -> None:
    for note in ("🥟" * 200, "ж" * 200, "é" * 200):
        body = {"to": ben.username, "amount": 1, "note": note, "visibility": "private"}
        assert ana.post("/v1/payments", body, key=uuid4().hex).json()["note"] == note


def test_a_private_payment_never_becomes_public(ana: Visitor, ben: Visitor) -> None:
    paid = ana.pay(ben.username, 1, visibility="private")
    problem(ana.patch(f"/v1/payments/{paid['id']}", {"visibility": "public"}), 400, "validation_error")


def test_a_frozen_account_is_told_why_and_may_be_paid(stack: Stack, ana: Visitor, ben: Visitor) -> None:
    frozen = stack.person(money=900, bank=True)
    stack.freeze(frozen, "sending", "Please call us about your new phone.")
    for path in MOVES:
        document = problem(frozen.post(path, _moving(path, frozen, ben), key=uuid4().hex), 403, "account_frozen")
        assert document["reason"] == "Please call us about your new phone."
        assert document["reason"] in document["detail"]
    ana.pay(frozen.username, 5, visibility="private")
    stack.freeze(frozen, "all", "Please call us about your new phone.")
    refused = ana.post("/v1/payments", _moving("/v1/payments", ana, frozen), key=uuid4().hex)
    problem(refused, 403, "account_frozen")
    assert "your new phone" not in refused.text
    assert frozen.balance["available"] == 905


# ------------------------------------------------------------------------------------------------------ bodies
BROKEN = [
    b"", b"{", b"[]", b'"x"', b"7", b"null", b"{} {}", b"\xff\xfe", b'{"phone": NaN}', b'{"phone": "+1", "phone": "+1"}',
    b'{"phone": "\\ud83d"}', b'{"\\udc00": 1}', b"[" * 100_000, b'{"a":' * 50 + b"1" + b"}" * 50, b'{"phone": "a\x00b"}',
]  # fmt: skip


@pytest.mark.parametrize("path", ["/v1/auth/otp", "/v1/auth/token", "/v1/auth/refresh", "/v1/auth/logout"])
@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_bodies_that_are_no_json_object(stack: Stack, path: str, body: bytes) -> None:
    problem(stack.call("POST", path, body), 400, "validation_error")


@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_bodies_that_are_no_payment(ana: Visitor, body: bytes) -> None:
    problem(ana.post("/v1/payments", body, key="broken"), 400, "validation_error")


def test_other_content_types_and_sizes(stack: Stack, ana: Visitor) -> None:
    body = json.dumps({"display_name": "X"}).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml"):
        problem(ana.patch("/v1/me", body, Content_Type=kind), 415, "unsupported_media_type")
    problem(ana.patch("/v1/me", body, Accept="text/html"), 406, "unsupported_media_type")
    large = json.dumps({"display_name": "x" * 300_000}).encode()
    problem(ana.patch("/v1/me", large), 413, "body_too_large")


def test_profiles_that_are_refused(stack: Stack, ana: Visitor) -> None:
    newcomer = stack.newcomer()
    for username in ("ab", "x" * 21, "with space", "dash-ed", "ümlaut", "admin", "paya", "support", "", "a\x00b", 5, None):
        refused = newcomer.patch("/v1/me", {"username": username})
        assert "username" in problem(refused, 400, "validation_error")["errors"], username
    problem(newcomer.patch("/v1/me", {"username": ana.username.upper()}), 409, "username_taken")
    for name in ("", "   ", "x" * 101, "line\nbreak", 5, None):
        assert "display_name" in problem(ana.patch("/v1/me", {"display_name": name}), 400, "validation_error")["errors"]
    for wish in ("", "friends", None, 1, ["public"]):
        refused = ana.patch("/v1/me", {"default_visibility": wish})
        assert "default_visibility" in problem(refused, 400, "validation_error")["errors"]


def test_codes_that_are_refused(stack: Stack) -> None:
    for phone in ("", "12", "+49 30 901820", "+1 876 555 0100", "not a phone", "+1" + "2" * 40, 5, None, ["+12125550199"]):
        problem(stack.call("POST", "/v1/auth/otp", {"phone": phone}), 400, "validation_error")
    phone = new_phone()
    challenge = stack.call("POST", "/v1/auth/otp", {"phone": phone}).json()["challenge"]
    right = stack.code(phone)
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    problem(stack.call("POST", "/v1/auth/token", {"challenge": challenge, "code": wrong}), 401, "unauthenticated")
    problem(stack.call("POST", "/v1/auth/token", {"challenge": "ch_nothing", "code": right}), 401, "unauthenticated")
    for code in ("12345", "1234567", "١٢٣٤٥٦", 123456, None, ""):
        problem(stack.call("POST", "/v1/auth/token", {"challenge": challenge, "code": code}), 400, "validation_error")
    assert stack.call("POST", "/v1/auth/token", {"challenge": challenge, "code": right}).status_code == 200
    problem(stack.call("POST", "/v1/auth/token", {"challenge": challenge, "code": right}), 401, "unauthenticated")
    problem(stack.call("POST", "/v1/auth/refresh", {"refresh": "no such token"}), 401, "unauthenticated")


def test_too_many_codes_say_when_to_come_back(stack: Stack) -> None:
    phone = new_phone()
    assert stack.call("POST", "/v1/auth/otp", {"phone": phone}).status_code == 202
    refused = stack.call("POST", "/v1/auth/otp", {"phone": phone})
    problem(refused, 429, "rate_limited")
    assert 1 <= int(refused.headers["Retry-After"]) <= 2


# ------------------------------------------------------------------------------------------------------ queries
@pytest.mark.parametrize("path", LISTS)
def test_limits_and_cursors_of_lists(path: str, ana: Visitor) -> None:
    for limit in ("0", "101", "-1", "1.5", "x", "", "١", "99999999999999999999"):
        refused = ana.get(f"{path}?limit={limit}")
        assert "limit" in problem(refused, 400, "validation_error")["errors"]
    for limit in (1, 100):
        assert ana.get(f"{path}?limit={limit}").status_code == 200
    for cursor in ("", "x", "MTotMQ", "MjoxMjM", "%00", "MTo", "MToxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Ng", "é", "MTox=", "MTo%2B1"):
        refused = ana.get(f"{path}?cursor={cursor}")
        assert "cursor" in problem(refused, 400, "validation_error")["errors"], cursor


def test_questions_that_make_no_sense(ana: Visitor) -> None:
    for at in ("", "yesterday", "2026-01-01", "2026-01-01T00:00:00", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59-14:00", "%00"):
        assert "at" in problem(ana.get(f"/v1/wallet/balance?at={at}"), 400, "validation_error")["errors"], at
    for q in ("", "@", "x" * 21):
        assert "q" in problem(ana.get(f"/v1/users?q={q}"), 400, "validation_error")["errors"]
    assert ana.get("/v1/users?q=%25").json()["data"] == []
    assert ana.get("/v1/users?q=_").json()["data"] == []


def test_loads_that_are_refused(ana: Visitor) -> None:
    for kind in ("loads", "redemptions"):
        for body, field in (
            ({"amount": "5", "bank_account": ana.bank}, "amount"), ({"amount": 0, "bank_account": ana.bank}, "amount"),
            ({"amount": 500}, "bank_account"), ({"amount": 500, "bank_account": 5}, "bank_account"),
        ):  # fmt: skip
            refused = ana.post(f"/v1/{kind}", body, key=uuid4().hex)
            assert field in problem(refused, 400, "validation_error")["errors"]
    body = {"amount": 100_000_000, "bank_account": ana.bank}
    problem(ana.post("/v1/redemptions", body, key=uuid4().hex), 402, "insufficient_funds")
    problem(ana.post("/v1/bank-accounts", {"public_token": "public-sandbox-nothing"}), 400, "validation_error")


# ------------------------------------------------------------------------------------------------------ webhooks
@pytest.mark.parametrize("vendor", ["dwolla", "plaid", "twilio"])
def test_a_webhook_that_the_vendor_did_not_sign(stack: Stack, vendor: str) -> None:
    body = {"id": "evt", "topic": "customer_transfer_completed", "resourceId": "x"}
    for headers in ({}, {"X_Request_Signature_SHA_256": "0" * 64, "Plaid_Verification": "a.b.c", "X_Twilio_Signature": "x"}):
        problem(stack.call("POST", f"/webhooks/{vendor}", body, **headers), 403, "wrong_signature")
    kind = "application/x-www-form-urlencoded" if vendor == "twilio" else "application/json"
    problem(stack.call("POST", f"/webhooks/{vendor}", b"x" * 300_000, Content_Type=kind), 413, "body_too_large")
