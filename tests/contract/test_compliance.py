"""What limits, copies, closing, tickets, appeals, disputes, withdrawals, documents and identity answer and refuse.

Each answer has exactly the members that DESIGN and these tests name, and is held against the OpenAPI document as well; each
refusal is a problem document with its code. What is true of every operation is asked of every one that the document knows.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import requests
import schemathesis

from bench.campaigns.fuzz_forms import multipart
from paya.local import database
from tests.contract.test_shapes import is_id, is_utc
from tests.stack import Stack, Visitor, problem, wait_until
from tests.tiers.files import archive, picture

LIMIT = {"name", "title", "unit", "limit", "used", "remaining", "resets_at", "tier", "next_limit", "how_to_raise"}
EXPORT = {"id", "status", "progress", "created_at", "ready_at", "expires_at", "size", "url"}
CLOSING = {"id", "status", "challenge", "expires_in", "waits_for", "asked_at", "closed_at"}
TICKET = {"id", "subject", "about", "status", "created_at", "updated_at"}
APPEAL = {"id", "against", "about", "message", "status", "created_at", "due_at", "outcome", "answer", "answered_at"}
DISPUTE = {
    "id", "about", "kind", "amount", "message", "status", "reported_at", "decide_by", "final_by", "credited", "outcome", "result",
    "closed_at",
}  # fmt: skip
WITHDRAWAL = {"id", "amount", "currency", "bank_account", "status", "redemption", "reason", "created_at"}
DOCUMENT = {"id", "kind", "status", "reason", "created_at", "decided_at"}
CHECK = {"id", "bank_account", "status", "detail", "created_at", "answered_at"}
MESSAGE = {"id", "kind", "title", "body", "about", "created_at", "read_at"}
MULTIPART = "multipart/form-data; boundary=fuzz-boundary"
PASSPORT = {"file": ("passport.jpg", picture(), "image/jpeg")}


class Described:
    """The API's own description, against which answers are held."""

    def __init__(self, stack: Stack) -> None:
        self.document: dict[str, Any] = stack.call("GET", "/v1/openapi.json").json()
        self.schema = schemathesis.openapi.from_dict(self.document)

    def holds(self, answer: requests.Response, status: int, members: set[str]) -> dict[str, Any]:
        """The answer has this status and exactly these members, and is what the document says of its operation."""
        assert answer.status_code == status, answer.text
        method, path = str(answer.request.method), str(answer.request.path_url).split("?")[0]
        template = next(one for one in self.document["paths"] if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one), path))
        self.schema[template][method].validate_response(answer)
        body: dict[str, Any] = answer.json()
        assert set(body) == members
        return body

    def lists(self, answer: requests.Response, members: set[str], more: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
        body = self.holds(answer, 200, {"data", "next_cursor", *more})
        assert all(set(row) == members for row in body["data"])
        return list(body["data"])

    def operations(self) -> list[tuple[str, str, dict[str, Any]]]:
        return [
            (method.upper(), path, operation)
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
        ]


@pytest.fixture(scope="module")
def described(stack: Stack) -> Described:
    return Described(stack)


@pytest.fixture(scope="module")
def eve(stack: Stack) -> Visitor:
    """Somebody with a bank and money, of whom these tests ask a lot."""
    return stack.person(money=3000, bank=True, name="Eve Contract")


# ------------------------------------------------------------------------------------------------------ what is answered
@pytest.fixture
def a_limit(stack: Stack) -> Iterator[None]:
    """One that nobody gets to: in this stack those of people's movements are taken away."""

    def stage(value: int | None) -> None:
        url = stack.running.environment("owner")["DATABASE_URL"]
        with database.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
            sql = "insert into compliance_limit (name, tier, value, effective_at, reason) values (%s, 1, %s, now(), 'A test')"
            cursor.execute(sql, ["sends_per_day", value])

    stage(1_000_000)
    yield
    stage(None)


def test_limits(described: Described, eve: Visitor, ben: Visitor, a_limit: None) -> None:
    eve.pay(ben.username, 100, visibility="private")
    rows = described.lists(eve.get("/v1/limits"), LIMIT)
    assert len({row["name"] for row in rows}) == len(rows) > 0
    for row in rows:
        assert row["tier"] == "phone" and row["remaining"] == max(row["limit"] - row["used"], 0)
        assert row["resets_at"] is None or is_utc(row["resets_at"])


def test_a_copy_of_ones_data(stack: Stack, described: Described, eve: Visitor) -> None:
    asked = described.holds(eve.post("/v1/me/export"), 202, EXPORT)
    assert is_id(asked["id"], "exp") and asked["status"] in ("requested", "running", "ready") and is_utc(asked["created_at"])
    path = f"/v1/me/export/{asked['id']}"
    ready = wait_until(lambda: (row := eve.get(path).json())["status"] == "ready" and row, "the copy", seconds=60)
    assert described.holds(eve.get(path), 200, EXPORT)["progress"] == 100
    assert is_utc(ready["ready_at"]) and is_utc(ready["expires_at"])
    file = eve.get(ready["url"])
    assert (file.status_code, file.headers["Content-Type"]) == (200, "application/zip")
    assert len(file.content) == ready["size"]
    assert "paya.json" in zipfile.ZipFile(io.BytesIO(file.content)).namelist()
    stranger = stack.person()
    for there in (path, ready["url"]):
        problem(stranger.get(there), 404, "not_found")
    problem(eve.get(f"{path}/file?token=x"), 404, "not_found")


def test_closing_an_account_and_keeping_it_after_all(stack: Stack, described: Described) -> None:
    leaves = stack.person()
    problem(leaves.get("/v1/me/close"), 404, "not_found")
    problem(leaves.delete("/v1/me/close"), 404, "not_found")
    before = len(stack.messages(leaves.phone))
    asked = wait_until(lambda: (row := leaves.post("/v1/me/close", {})).status_code == 202 and row, "another code")
    sent = described.holds(asked, 202, CLOSING)
    assert sent["status"] == "code_sent" and sent["id"] is None
    for body in ({"code": "123456"}, {"challenge": sent["challenge"]}, {"challenge": 5, "code": "123456"}):
        problem(leaves.post("/v1/me/close", body), 400, "validation_error")
    problem(leaves.post("/v1/me/close", {"challenge": "ch_nothing", "code": "123456"}), 401, "unauthenticated")
    body = {"challenge": sent["challenge"], "code": stack.code(leaves.phone, after=before)}
    begun = described.holds(leaves.post("/v1/me/close", body), 202, CLOSING)
    assert is_id(begun["id"], "clo") and begun["status"] == "open" and is_utc(begun["asked_at"])
    seen = leaves.get("/v1/me/close")
    if seen.status_code == 200:  # it closes within seconds, having nothing to wait for; then the log-in has ended
        described.holds(seen, 200, CLOSING)
        assert leaves.delete("/v1/me/close").status_code in (204, 401, 404, 409)
    rich = stack.person(money=500)
    problem(rich.post("/v1/me/close", {"challenge": "ch_nothing", "code": "123456"}), 409, "bank_needed")


def test_tickets(stack: Stack, described: Described, eve: Visitor) -> None:
    body = {"subject": "Where is my load?", "message": "It should be here."}
    made = described.holds(eve.post("/v1/tickets", body), 201, TICKET | {"messages"})
    assert is_id(made["id"], "tkt") and is_utc(made["created_at"])
    assert [set(one) for one in made["messages"]] == [{"from", "body", "at"}]
    assert described.lists(eve.get("/v1/tickets"), TICKET)[0]["id"] == made["id"]
    assert described.holds(eve.get(f"/v1/tickets/{made['id']}"), 200, TICKET | {"messages"}) == made
    written = eve.post(f"/v1/tickets/{made['id']}/reply", {"message": "One more thing"})
    assert len(described.holds(written, 201, TICKET | {"messages"})["messages"]) == 2
    for wrong in (
        {"subject": ...}, {"message": ...}, {"subject": 5}, {"message": ["x"]}, {"subject": "x" * 121}, {"message": " "},
        {"message": "a\x00"},
    ):  # fmt: skip
        given = {name: value for name, value in (body | wrong).items() if value is not ...}
        problem(eve.post("/v1/tickets", given), 400, "validation_error")
    problem(eve.post("/v1/tickets", {**body, "about": "pay_nothing"}), 404, "not_found")
    problem(stack.person().post(f"/v1/tickets/{made['id']}/reply", {"message": "x"}), 404, "not_found")


def test_disputes(stack: Stack, described: Described, eve: Visitor, ben: Visitor) -> None:
    payment = eve.pay(ben.username, 120, visibility="private")["id"]
    body = {"about": payment, "kind": "unauthorized", "amount": 100, "message": "I was asleep."}
    made = described.holds(eve.post("/v1/disputes", body), 201, DISPUTE)
    assert is_id(made["id"], "dsp") and (made["amount"], made["status"], made["credited"]) == (100, "open", 0)
    assert all(is_utc(made[name]) for name in ("reported_at", "decide_by", "final_by"))
    assert described.holds(eve.post("/v1/disputes", body), 201, DISPUTE) == made  # the same report
    assert described.holds(eve.get(f"/v1/disputes/{made['id']}"), 200, DISPUTE) == made
    assert described.lists(eve.get("/v1/disputes"), DISPUTE) == [made]
    for wrong in ({"kind": "nonsense"}, {"amount": 0}, {"amount": "100"}, {"amount": 1.5}, {"amount": True}, {"message": ""}):
        problem(eve.post("/v1/disputes", {**body, **wrong}), 400, "validation_error")
    problem(eve.post("/v1/disputes", {**body, "about": "pay_nothing"}), 404, "not_found")
    other = eve.pay(ben.username, 10, visibility="private")["id"]
    refused = problem(eve.post("/v1/disputes", {**body, "about": other, "amount": 11}), 400, "validation_error")
    assert set(refused["errors"]) == {"amount"}
    problem(stack.person().get(f"/v1/disputes/{made['id']}"), 404, "not_found")


def test_frozen_one_appeals_and_asks_for_ones_money(stack: Stack, described: Described) -> None:
    frozen = stack.person(money=900, bank=True)
    asked = {"amount": 800, "bank_account": frozen.bank}
    problem(frozen.post("/v1/appeals", {"message": "Why?"}), 404, "not_found")
    problem(frozen.post("/v1/withdrawals", asked, key=uuid4().hex), 409, "conflict")
    stack.freeze(frozen, "sending", "Please call us about your new phone.")
    made = described.holds(frozen.post("/v1/appeals", {"message": "It is me"}), 201, APPEAL)
    assert is_id(made["id"], "app") and (made["against"], made["status"], made["outcome"]) == ("freeze", "open", None)
    assert described.lists(frozen.get("/v1/appeals"), APPEAL) == [made]
    problem(frozen.post("/v1/appeals", {"message": "Other words"}), 409, "asked_before")
    problem(frozen.post("/v1/appeals", {"message": ""}), 400, "validation_error")
    problem(frozen.post("/v1/appeals", {"about": "pay_x/../y", "message": "x"}), 404, "not_found")

    key = uuid4().hex
    problem(frozen.post("/v1/withdrawals", asked), 400, "idempotency_key_required")
    waits = described.holds(frozen.post("/v1/withdrawals", asked, key=key), 201, WITHDRAWAL)
    assert is_id(waits["id"], "wd") and (waits["amount"], waits["currency"], waits["status"]) == (800, "USD", "asked")
    assert described.holds(frozen.post("/v1/withdrawals", asked, key=key), 201, WITHDRAWAL) == waits
    problem(frozen.post("/v1/withdrawals", {**asked, "amount": 700}, key=key), 422, "idempotency_key_reused")
    problem(frozen.post("/v1/withdrawals", asked, key=uuid4().hex), 409, "conflict")
    for wrong, status, code in (({"amount": 0}, 400, "validation_error"), ({"amount": "8"}, 400, "validation_error"),
                                ({"bank_account": "ba_nothing"}, 404, "not_found")):  # fmt: skip
        problem(frozen.post("/v1/withdrawals", {**asked, **wrong}, key=uuid4().hex), status, code)
    [row] = described.lists(frozen.get("/v1/withdrawals"), WITHDRAWAL)
    assert row["id"] == waits["id"]
    problem(stack.person().post(f"/v1/withdrawals/{waits['id']}/cancel"), 404, "not_found")
    taken_back = described.holds(frozen.post(f"/v1/withdrawals/{waits['id']}/cancel"), 200, WITHDRAWAL)
    assert taken_back == {**waits, "status": "cancelled"}
    problem(frozen.post(f"/v1/withdrawals/{waits['id']}/cancel"), 409, "conflict")
    assert frozen.balance["available"] == 900

    letters = described.lists(frozen.get("/v1/messages"), MESSAGE, frozenset({"unread"}))
    assert letters[0]["kind"] == "frozen"
    one = f"/v1/messages/{letters[0]['id']}"
    assert described.holds(frozen.get(one), 200, MESSAGE)["read_at"] is None
    assert is_utc(described.holds(frozen.post(f"{one}/read"), 200, MESSAGE)["read_at"])
    problem(stack.person().get(one), 404, "not_found")


def test_documents_and_identity(stack: Stack, described: Described, eve: Visitor) -> None:
    sent = eve.post("/v1/documents", multipart({"kind": "passport"}, PASSPORT), Content_Type=MULTIPART)
    made = described.holds(sent, 201, DOCUMENT)
    assert is_id(made["id"], "doc") and (made["kind"], made["status"], made["reason"]) == ("passport", "waiting", "")
    assert described.lists(eve.get("/v1/documents"), DOCUMENT) == [made]
    assert described.holds(eve.get(f"/v1/documents/{made['id']}"), 200, DOCUMENT) == made
    problem(stack.person().get(f"/v1/documents/{made['id']}"), 404, "not_found")
    for fields, files in (
        ({"kind": "passport"}, {}), ({"kind": "selfie"}, PASSPORT), ({}, PASSPORT),
        ({"kind": "passport"}, {"file": ("x.zip", archive(), "application/zip")}),
        ({"kind": "passport"}, {"file": ("", b"", "")}),
    ):  # fmt: skip
        refused = eve.post("/v1/documents", multipart(fields, files), Content_Type=MULTIPART)
        assert problem(refused, 400, "validation_error")["errors"]
    problem(eve.post("/v1/documents", {"kind": "passport"}), 415, "unsupported_media_type")
    huge = multipart({"kind": "passport"}, {"file": ("huge.jpg", b"x" * 12_000_000, "image/jpeg")})
    problem(eve.post("/v1/documents", huge, Content_Type=MULTIPART), 413, "body_too_large")

    assert described.holds(eve.get("/v1/identity"), 200, {"tier", "check"}) == {"tier": "phone", "check": None}
    asked = described.holds(eve.post("/v1/identity", {"legal_name": "Eve Contract"}), 201, CHECK)
    assert is_id(asked["id"], "idc") and asked["bank_account"] == eve.bank and is_utc(asked["created_at"])
    assert set(described.holds(eve.get("/v1/identity"), 200, {"tier", "check"})["check"]) == CHECK
    for name in ("", "x", 5, None, "a\x00b"):
        problem(eve.post("/v1/identity", {"legal_name": name}), 400, "validation_error")
    problem(eve.post("/v1/identity", {"legal_name": "Eve Contract", "bank_account": "ba_nothing"}), 404, "not_found")


# ------------------------------------------------------------------------------------------------------ of every operation
def address(path: str) -> str:
    """An address of its own for each operation, with ids of what is not there."""
    return re.sub(r"\{\w+\}", "nothing_0", path)


def test_nothing_of_a_person_without_a_token(stack: Stack, described: Described) -> None:
    """Every operation that the document says needs one."""
    asked = 0
    for method, path, operation in described.operations():
        if operation.get("security"):
            answer = stack.call(method, address(path), {} if method in ("POST", "PATCH", "PUT") else None)
            problem(answer, 401, "unauthenticated")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer"), path
            asked += 1
    assert asked >= 50


def test_an_id_of_nothing_is_not_there(described: Described, eve: Visitor) -> None:
    """Every operation with an id in its address that takes no body."""
    asked = 0
    for method, path, operation in described.operations():
        if "{" in path and operation.get("security") and "requestBody" not in operation:
            problem(eve.site.call(method, address(path), token=eve.token), 404, "not_found")
            asked += 1
    assert asked >= 12


def test_a_method_that_an_address_does_not_take(described: Described, eve: Visitor) -> None:
    """Every address of the document, with each method that it does not have."""
    for path, methods in described.document["paths"].items():
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            if method.lower() not in methods:
                refused = eve.site.call(method, address(path), token=eve.token)
                problem(refused, 405, "method_not_allowed")
                assert set(refused.headers["Allow"].split(", ")) - {"OPTIONS", "HEAD"} == {one.upper() for one in methods}, path


def test_limits_and_cursors_of_every_list(described: Described, eve: Visitor) -> None:
    """Every operation that has them."""
    lists = [
        path for method, path, operation in described.operations()
        if method == "GET" and "{" not in path and {"cursor", "limit"} <= {one["name"] for one in operation.get("parameters", [])}
    ]  # fmt: skip
    assert {"/v1/tickets", "/v1/appeals", "/v1/disputes", "/v1/withdrawals", "/v1/documents", "/v1/messages"} <= set(lists)
    for path in lists:
        for name, wrong in (("limit", ("0", "101", "x")), ("cursor", ("x", "MTotMQ", "%00"))):
            for value in wrong:
                refused = problem(eve.get(f"{path}?{name}={value}"), 400, "validation_error")
                assert name in refused["errors"], path
