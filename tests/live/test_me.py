"""One's own wallet over its WebSocket: a ticket opens it once, and it tells of nobody else's money."""

import json
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from core.live import ticket_key
from tests.stack import Stack, Visitor, wait_until


def ticket(person: Visitor) -> str:
    answer = person.post("/v1/live-ticket")
    assert answer.status_code == 201
    assert set(answer.json()) == {"ticket", "expires_in"}
    return str(answer.json()["ticket"])


def mine(stack: Stack, with_ticket: str, **options: Any) -> ClientConnection:
    return connect(f"{stack.live_url}/ws/me/?ticket={with_ticket}", **options)


def frame(socket: ClientConnection) -> dict[str, Any]:
    return dict(json.loads(socket.recv(timeout=10)))


def closed_with(socket: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        list(iter(lambda: socket.recv(timeout=10), None))
    assert closed.value.rcvd is not None
    return int(closed.value.rcvd.code)


def test_the_balance_comes_at_once_and_whenever_it_changes(stack: Stack) -> None:
    payer, payee = stack.person(money=500, name="Pat Payer"), stack.person()
    with mine(stack, ticket(payee)) as his, mine(stack, ticket(payer)) as hers:
        nothing = {"available": 0, "pending_in": 0, "pending_out": 0, "held": 0}
        assert frame(his) == {"type": "balance", "balance": nothing}
        assert frame(hers)["balance"]["available"] == 500
        paid = payer.pay(payee.username, 120, "for you", "private")
        assert frame(his) == {"type": "balance", "balance": {**nothing, "available": 120}}
        assert frame(his) == {
            "type": "notification",
            "kind": "payment_received",
            "text": "Pat Payer paid you $1.20: for you",
            "url": f"/payments/{paid['id']}",
        }
        assert frame(hers) == {"type": "balance", "balance": {**nothing, "available": 380}}


def test_a_load_is_told_when_it_is_asked_for_and_when_it_settles(stack: Stack) -> None:
    person = stack.person(bank=True)
    with mine(stack, ticket(person)) as socket:
        frame(socket)
        load = person.transfer("loads", 900)
        while frame(socket).get("balance", {}).get("pending_in") != 900:
            pass
        stack.advance(3)
        told = [frame(socket)]
        while told[-1].get("kind") != "load_settled":
            told.append(frame(socket))
    assert {"available": 900, "pending_in": 0, "pending_out": 0, "held": 0} in [one.get("balance") for one in told]
    assert told[-1]["url"] == f"/loads/{load['id']}"


def test_a_ticket_opens_one_socket_once(stack: Stack) -> None:
    person = stack.person()
    once = ticket(person)
    with mine(stack, once) as socket:
        assert frame(socket)["type"] == "balance"
        with mine(stack, once) as second:
            assert closed_with(second) == 4401


@pytest.mark.parametrize("nonsense", ["", "x", "x" * 43, "x" * 5000, "%00%ff", "../../etc"])
def test_a_ticket_that_is_none_opens_nothing(stack: Stack, nonsense: str) -> None:
    with mine(stack, nonsense) as socket:
        assert closed_with(socket) == 4401


def test_neither_the_access_token_nor_another_origin_opens_it(stack: Stack) -> None:
    person = stack.person()
    with mine(stack, person.token) as socket:
        assert closed_with(socket) == 4401
    with connect(f"{stack.live_url}/ws/me/?token={person.token}") as socket:
        assert closed_with(socket) == 4401
    with pytest.raises(InvalidStatus) as refused, mine(stack, ticket(person), additional_headers={"Origin": "https://evil.example"}):
        pass
    assert refused.value.response.status_code == 403


def test_a_ticket_expires(stack: Stack) -> None:
    """Thirty seconds are long: the ticket's own clock is looked at instead, and then put forward."""
    import redis

    person = stack.person()
    stored = redis.Redis.from_url(stack.running.environment()["REDIS_URL"])
    late = ticket(person)
    assert 25 < stored.ttl(ticket_key(late)) <= 30
    stored.pexpire(ticket_key(late), 1)
    wait_until(lambda: not stored.exists(ticket_key(late)), "the ticket's end")
    with mine(stack, late) as socket:
        assert closed_with(socket) == 4401


def test_a_device_that_is_logged_out_hears_no_more(stack: Stack) -> None:
    payer, payee = stack.person(money=500), stack.person()
    with mine(stack, ticket(payee)) as socket:
        frame(socket)
        gone = stack.call("POST", "/v1/auth/logout", {"refresh": payee.tokens["refresh"]})
        assert gone.status_code == 204
        payer.pay(payee.username, 100)
        with pytest.raises(ConnectionClosed) as closed:
            pytest.fail(f"it was told {frame(socket)}")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


def test_a_page_gets_its_ticket_by_cookie_and_csrf(stack: Stack) -> None:
    cookie = stack.person().session_cookie
    send = {"cookies": {cookie["name"]: cookie["value"]}, "timeout": 10, "allow_redirects": False}
    assert requests.post(f"{stack.url}/live-ticket", **send).status_code == 403
    token = "c" * 32  # another site can neither read nor set the cookie that the header has to repeat
    name = next(each.name for each in requests.get(f"{stack.url}/login", timeout=10).cookies if "csrf" in each.name)
    proven = {"cookies": {name: token}, "headers": {"X-CSRFToken": token}, "timeout": 10, "allow_redirects": False}
    assert requests.post(f"{stack.url}/live-ticket", **proven).headers["Location"].startswith("/login")
    proven["cookies"] = {name: token, **send["cookies"]}
    assert requests.post(f"{stack.url}/live-ticket", **{**proven, "headers": {"X-CSRFToken": "d" * 32}}).status_code == 403
    given = requests.post(f"{stack.url}/live-ticket", **proven)
    with mine(stack, given.json()["ticket"]) as socket:
        assert frame(socket)["type"] == "balance"
