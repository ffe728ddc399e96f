"""Every call of the API as it answers when all is well: the status, and exactly these members."""

import re
from datetime import datetime
from typing import Any
from uuid import uuid4

import requests

from tests.stack import Stack, Visitor, new_phone, wait_until

PARTY = {"username", "display_name"}
ME = {"id", "username", "display_name", "default_visibility", "created_at"}
PAYMENT = {"id", "from", "to", "amount", "currency", "note", "visibility", "status", "created_at"}
TRANSFER = {"id", "amount", "currency", "status", "expected_on", "cancel", "bank_account", "created_at", "timeline"}


def shape(answer: requests.Response, status: int, members: set[str]) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    body: dict[str, Any] = answer.json()
    assert set(body) == members
    return body


def listed(answer: requests.Response, members: set[str]) -> list[dict[str, Any]]:
    body = shape(answer, 200, {"data", "next_cursor"})
    for row in body["data"]:
        assert set(row) == members
    return list(body["data"])


def is_utc(text: str) -> bool:
    return text.endswith("Z") and datetime.fromisoformat(text).tzinfo is not None


def is_id(text: str, prefix: str) -> bool:
    return re.fullmatch(rf"{prefix}_[0-9a-z]{{26}}", text) is not None


# ------------------------------------------------------------------------------------------------------ oneself
def test_signing_up_and_in_and_out(stack: Stack) -> None:
    phone = new_phone()
    asked = shape(stack.call("POST", "/v1/auth/otp", {"phone": phone}), 202, {"challenge", "expires_in", "resend_in"})
    body = {"challenge": asked["challenge"], "code": stack.code(phone)}
    opened = shape(stack.call("POST", "/v1/auth/token", body), 200, {"access", "refresh", "expires_in", "user"})
    assert set(opened["user"]) == ME
    assert opened["user"]["username"] is None
    assert opened["expires_in"] == 900
    pair = {"access", "refresh", "expires_in"}
    child = shape(stack.call("POST", "/v1/auth/refresh", {"refresh": opened["refresh"]}), 200, pair)
    again = shape(stack.call("POST", "/v1/auth/refresh", {"refresh": opened["refresh"]}), 200, pair)
    assert child["refresh"] == again["refresh"] != opened["refresh"]
    left = stack.call("POST", "/v1/auth/logout", {"refresh": child["refresh"]})
    assert (left.status_code, left.content) == (204, b"")
    assert stack.call("GET", "/v1/me", token=child["access"]).status_code == 401
    assert stack.call("POST", "/v1/auth/refresh", {"refresh": child["refresh"]}).status_code == 401


def test_me(stack: Stack) -> None:
    person = stack.newcomer()
    assert is_id(shape(person.get("/v1/me"), 200, ME)["id"], "usr")
    name = f"Me_{uuid4().hex[:8]}"
    given = {"username": name, "display_name": "Łucja Żak 🦊", "default_visibility": "private"}
    me = shape(person.patch("/v1/me", given), 200, ME)
    assert {**given, "username": name.lower()}.items() <= me.items()
    assert is_utc(me["created_at"])
    assert shape(person.patch("/v1/me", {"username": name}), 200, ME) == me
    assert shape(person.patch("/v1/me", {"default_visibility": "public"}), 200, ME)["display_name"] == "Łucja Żak 🦊"
    assert person.patch("/v1/me", {"username": "another_one"}).status_code == 409


def test_people_by_the_beginning_of_their_name(ana: Visitor) -> None:
    assert listed(ana.get("/v1/users?q=@MAY"), PARTY)[0] == {"username": "maya", "display_name": "Maya Lindqvist"}
    assert listed(ana.get("/v1/users?q=no_such_name"), PARTY) == []


# ------------------------------------------------------------------------------------------------------ the wallet
def test_the_wallet_and_its_history(ana: Visitor) -> None:
    wallet = shape(ana.get("/v1/wallet"), 200, {"id", "currency", "balance"})
    assert is_id(wallet["id"], "wal")
    assert wallet["currency"] == "USD"
    assert set(wallet["balance"]) == {"available", "pending_in", "pending_out", "held"}
    members = {"id", "kind", "amount", "balance_after", "counterparty", "reference", "created_at"}
    rows = listed(ana.get("/v1/wallet/transactions?limit=100"), members)
    first = rows[-1]
    assert (first["kind"], first["amount"], first["balance_after"]) == ("payment", 3000, 3000)
    assert set(first["counterparty"]) == PARTY
    assert is_id(first["reference"], "pay")
    assert rows[0]["balance_after"] == wallet["balance"]["available"]
    for newer, older in zip(rows, rows[1:], strict=False):
        assert newer["balance_after"] - newer["amount"] == older["balance_after"]
    past = shape(ana.get(f"/v1/wallet/balance?at={first['created_at']}"), 200, {"at", "available"})
    assert past["available"] == 3000
    assert ana.get("/v1/wallet/balance?at=2020-01-01T00:00:00Z").json()["available"] == 0


# ------------------------------------------------------------------------------------------------------ banks
def test_banks_loads_and_redemptions(stack: Stack) -> None:
    person = stack.person()
    token = shape(person.post("/v1/bank-accounts/link-token"), 201, {"link_token", "expires_at"})
    assert is_utc(token["expires_at"])
    linked = person.post("/v1/bank-accounts", {"public_token": stack.public_token()})
    bank = shape(linked, 201, {"id", "institution", "name", "mask", "status", "default"})
    assert is_id(bank["id"], "ba")
    assert (bank["status"], bank["default"]) == ("active", True)
    assert shape(person.put(f"/v1/bank-accounts/{bank['id']}", {"default": True}), 200, set(bank)) == bank
    again = shape(person.post(f"/v1/bank-accounts/{bank['id']}/relink"), 201, {"link_token", "expires_at"})
    assert is_utc(again["expires_at"])
    assert listed(person.get("/v1/bank-accounts"), set(bank)) == [bank]

    person.bank = bank["id"]
    for kind, prefix, amount, days in (("loads", "ld", 2500, 3), ("redemptions", "rd", 700, 1)):
        asked = {"amount": amount, "bank_account": bank["id"]}
        made = shape(person.post(f"/v1/{kind}", asked, key=uuid4().hex), 201, TRANSFER)
        assert is_id(made["id"], prefix)
        assert (made["amount"], made["status"], made["currency"]) == (amount, "requested", "USD")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", made["expected_on"])
        assert [set(step) for step in made["timeline"]] == [{"status", "at", "text"}]
        wait_until(lambda kind=kind, made=made: person.status_of(kind, made["id"]) == "pending", "the bank")  # type: ignore[misc]
        stack.advance(days)
        wait_until(lambda kind=kind, made=made: person.status_of(kind, made["id"]) == "settled", "settlement")  # type: ignore[misc]
        settled = shape(person.get(f"/v1/{kind}/{made['id']}"), 200, TRANSFER)
        assert [step["status"] for step in settled["timeline"]][-2:] == ["pending", "settled"]
        assert listed(person.get(f"/v1/{kind}"), TRANSFER) == [settled]
    assert person.balance == {"available": 1800, "pending_in": 0, "pending_out": 0, "held": 0}

    gone = person.delete(f"/v1/bank-accounts/{bank['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert listed(person.get("/v1/bank-accounts"), set(bank)) == []


# ------------------------------------------------------------------------------------------------------ payments
def test_a_payment_as_its_parties_see_it(ana: Visitor, ben: Visitor) -> None:
    body = {"to": f"@{ben.username.upper()}", "amount": 125, "note": "für dich, 你好 🎈", "visibility": "public"}
    made = shape(ana.post("/v1/payments", body, key=uuid4().hex), 201, PAYMENT)
    assert is_id(made["id"], "pay")
    assert made["from"] == {"username": ana.username, "display_name": "Ana Contract"}
    assert made["to"] == {"username": ben.username, "display_name": "Ben Contract"}
    assert (made["amount"], made["note"], made["status"]) == (125, body["note"], "completed")
    assert is_utc(made["created_at"])
    assert ana.get(f"/v1/payments/{made['id']}").json() == ben.get(f"/v1/payments/{made['id']}").json() == made
    assert listed(ben.get("/v1/payments"), PAYMENT)[0] == made
    hidden = shape(ben.patch(f"/v1/payments/{made['id']}", {"visibility": "private"}), 200, PAYMENT)
    assert hidden == {**made, "visibility": "private"}


def test_the_note_may_be_left_out(ana: Visitor, ben: Visitor) -> None:
    body = {"to": ben.username, "amount": 1, "visibility": "private"}
    assert shape(ana.post("/v1/payments", body, key=uuid4().hex), 201, PAYMENT)["note"] == ""


def test_the_feed_needs_no_token_and_names_no_amount(stack: Stack, ana: Visitor, ben: Visitor) -> None:
    paid = ana.pay(ben.username, 43, "on the feed")
    wait_until(lambda: stack.call("GET", "/v1/feed?limit=1").json()["data"][0]["id"] == paid["id"], "the feed")
    rows = listed(stack.call("GET", "/v1/feed"), {"id", "from", "to", "note", "created_at"})
    assert rows[0] == {name: paid[name] for name in ("id", "from", "to", "note", "created_at")}


def test_the_public_figures(stack: Stack) -> None:
    ledger = {"reserve", "circulation", "required", "ratio", "pool"}
    times = ledger | {"pool_so_far", "active_users", "last_reward", "payments_today"}
    members = times | {"last_reconciliation", "reconciliation", "service", "as_of"}
    figures = shape(stack.call("GET", "/v1/transparency"), 200, members)
    assert figures["reserve"] >= figures["required"] >= figures["circulation"] > 0
    assert figures["ratio"] >= 1
    assert figures["as_of"].keys() == times | {"reconciliation", "service"}
    members = {"name", "unit", "kind", "from", "to", "as_of", "data"}
    series = shape(stack.call("GET", "/v1/transparency/series?name=reserve"), 200, members)
    assert len(series["data"]) == 30
    assert [type(one) for one in series["data"][-1]] == [str, int]


def test_pages_of_a_list_hold_everything_once(stack: Stack, ana: Visitor, ben: Visitor) -> None:
    for number in range(5):
        ana.pay(ben.username, 1, f"row {number}")
    for path, caller in (("/v1/payments", ana), ("/v1/wallet/transactions", ana), ("/v1/feed", ana)):
        whole = [row["id"] for row in caller.get(f"{path}?limit=100").json()["data"]]
        pieces: list[str] = []
        cursor = ""
        while len(pieces) < len(whole):
            page = caller.get(f"{path}?limit=3{cursor}").json()
            assert len(page["data"]) <= 3
            pieces += [row["id"] for row in page["data"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert pieces[: len(whole)] == whole, path


def test_health(stack: Stack) -> None:
    assert stack.call("GET", "/healthz").json() == {"status": "ok"}
    ready = wait_until(lambda: (answer := stack.call("GET", "/readyz")).status_code == 200 and answer.json(), "/readyz")
    assert ready["status"] == "ok"
    assert set(ready["checks"]) >= {"database", "redis", "relay", "worker", "codes", "live", "sandbox"}
    assert set(ready["checks"].values()) == {"ok"}
