"""The public feed over its WebSocket: what it says, what it never says, and that nothing is missed or told twice."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from core.api import decode_cursor
from paya.local import processes
from tests.helpers import at_once
from tests.stack import Stack, Visitor, wait_until

FEED = "/ws/feed/"


@contextmanager
def feed(stack: Stack, after: str | None = None) -> Iterator[ClientConnection]:
    path = FEED if after is None else f"{FEED}?after={after}"
    with connect(stack.live_url + path) as socket:
        yield socket


def frame(socket: ClientConnection, seconds: float = 10) -> dict[str, Any]:
    return dict(json.loads(socket.recv(timeout=seconds)))


def greeted(socket: ClientConnection) -> str:
    """The first frame of a connection that has nothing to catch up on: where it stands."""
    first = frame(socket)
    assert first["type"] == "feed"
    assert first["items"] == []
    return str(first["cursor"])


def ours(told: dict[str, Any], payer: Visitor) -> list[dict[str, Any]]:
    """A frame's items that this person paid, oldest first (a frame has the newest first); other tests pay as well."""
    return [item for item in reversed(told.get("items", [])) if item["from"]["username"] == payer.username]


def notes(socket: ClientConnection, payer: Visitor, last: str) -> list[str]:
    """The notes of what this person paid, up to and with `last`."""
    seen: list[str] = []
    while last not in seen:
        seen += [item["note"] for item in ours(frame(socket), payer)]
    return seen


@pytest.fixture(scope="module")
def pair(stack: Stack) -> tuple[Visitor, Visitor]:
    return stack.person(money=2000, name="Ada Pays"), stack.person(name="Bo Gets")


Pair = tuple[Visitor, Visitor]


def test_a_public_payment_arrives_and_without_its_amount(stack: Stack, pair: Pair) -> None:
    payer, payee = pair
    with feed(stack) as socket:
        greeted(socket)
        paid = payer.pay(payee.username, 117, "lunch 🥕")
        while not ours(told := frame(socket), payer):
            pass
    assert set(told) == {"type", "items", "cursor"}
    assert told["type"] == "feed"
    (item,) = ours(told, payer)
    assert item == {
        "id": paid["id"],
        "from": {"username": payer.username, "display_name": "Ada Pays"},
        "to": {"username": payee.username, "display_name": "Bo Gets"},
        "note": "lunch 🥕",
        "created_at": paid["created_at"],
    }


def test_a_private_payment_is_never_told(stack: Stack, pair: Pair) -> None:
    payer, payee = pair
    reserved = stack.person(visibility="private")
    with feed(stack) as socket:
        greeted(socket)
        payer.pay(payee.username, 10, "between us", "private")
        shy = payer.pay(reserved.username, 10, "the payee keeps it private", "public")
        payer.pay(payee.username, 10, "for all")
        assert notes(socket, payer, "for all") == ["for all"]
    assert shy["visibility"] == "private"


def test_after_replays_what_was_missed_once_and_in_order(stack: Stack, pair: Pair) -> None:
    payer, payee = pair
    with feed(stack) as socket:
        cursor = greeted(socket)
    missed = [f"missed {number}" for number in range(5)]
    for note in missed:
        payer.pay(payee.username, 1, note)
    wait_until(lambda: stack.call("GET", "/v1/feed?limit=1").json()["data"][0]["note"] == missed[-1], "the relay")
    with feed(stack, cursor) as socket:
        assert notes(socket, payer, missed[-1]) == missed
        payer.pay(payee.username, 1, "and live again")
        assert notes(socket, payer, "and live again") == ["and live again"]


def test_a_client_that_keeps_dropping_misses_nothing_and_hears_nothing_twice(stack: Stack, pair: Pair) -> None:
    payer, payee = pair
    sent = [f"drop {number}" for number in range(20)]
    with feed(stack) as socket:
        cursor = greeted(socket)

    def pay_all() -> None:
        for note in sent:
            payer.pay(payee.username, 1, note)

    paying = threading.Thread(target=pay_all)
    paying.start()
    heard: list[str] = []
    deadline = time.monotonic() + 30
    while len(heard) < len(sent) and time.monotonic() < deadline:
        with feed(stack, cursor) as socket:  # one frame, and gone again without a word
            told = frame(socket)
            heard += [item["note"] for item in ours(told, payer)]
            cursor = told["cursor"]
    paying.join()
    assert heard == sent


def test_a_killed_live_process_costs_nothing(stack: Stack, pair: Pair) -> None:
    payer, payee = pair
    with feed(stack) as socket:
        cursor = greeted(socket)
        stack.kill("daphne")
        with pytest.raises(ConnectionClosed):
            frame(socket)
    payer.pay(payee.username, 1, "while it was down")

    def back() -> list[str]:
        try:
            with feed(stack, cursor) as again:
                payer.pay(payee.username, 1, "when it was back")
                return notes(again, payer, "when it was back")
        except (OSError, WebSocketException):
            return []

    assert wait_until(back, "the live process", 30) == ["while it was down", "when it was back"]


def test_a_payment_made_private_is_taken_back(stack: Stack, pair: Pair) -> None:
    payer, payee = pair
    with feed(stack) as socket:
        cursor = greeted(socket)
        paid = payer.pay(payee.username, 1, "not for long")
        assert notes(socket, payer, "not for long") == ["not for long"]
        assert payee.patch(f"/v1/payments/{paid['id']}", {"visibility": "private"}).status_code == 200
        removed = frame(socket)
        assert removed["type"] == "remove"
        assert removed["ids"] == [paid["id"]]
    with feed(stack, cursor) as socket:  # whoever was away is told as well, and never sees the note
        told = [frame(socket)]
        while told[-1].get("items") != []:
            told.append(frame(socket))
    assert "not for long" not in json.dumps(told)
    assert any(paid["id"] in one.get("ids", []) for one in told)


def test_a_stopped_redis_delays_and_loses_nothing(stack: Stack, pair: Pair) -> None:
    """The wake-up does not come; the live process looks by itself."""
    payer, payee = pair
    redis = stack.process("-server")
    with feed(stack) as socket:
        greeted(socket)
        processes.send(redis, signal.SIGSTOP)
        try:
            payer.pay(payee.username, 1, "without a wake-up")
            assert notes(socket, payer, "without a wake-up") == ["without a wake-up"]
        finally:
            processes.send(redis, signal.SIGCONT)
        payer.pay(payee.username, 1, "with one")
        assert notes(socket, payer, "with one") == ["with one"]
    # Whoever waited for it in vain leaves Redis alone for ten seconds: those that come next find each process asking again.
    def asks() -> bool:
        return set(at_once(12, lambda _: payer.post("/v1/live-ticket").status_code)) == {201}

    wait_until(asks, "every process of web", 30)


def test_only_our_own_pages_may_connect_from_a_browser(stack: Stack) -> None:
    for origin in (stack.url, stack.url.replace("127.0.0.1", "localhost")):
        with connect(stack.live_url + FEED, additional_headers={"Origin": origin}) as socket:
            greeted(socket)
    for origin in ("https://evil.example", stack.sandbox_url, "null", "http://127.0.0.1:1"):
        with (
            pytest.raises(InvalidStatus) as refused,
            connect(stack.live_url + FEED, additional_headers={"Origin": origin}),
        ):
            pass
        assert refused.value.response.status_code == 403


@pytest.mark.parametrize("cursor", ["nonsense", "MTox", "MTotMQ", "%00", "Mjox", "MToxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTA"])
def test_a_broken_cursor_closes_with_its_code(stack: Stack, cursor: str) -> None:
    if cursor == "MTox":  # "1:1", which is one of ours
        with feed(stack, cursor) as socket:
            assert frame(socket)["type"] in ("feed", "remove")
        return
    with feed(stack, cursor) as socket, pytest.raises(ConnectionClosed) as closed:
        frame(socket)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4400


def test_who_missed_more_than_is_replayed_is_told_so(stack: Stack, pair: Pair) -> None:
    payer, payee = pair
    with feed(stack) as socket:
        cursor = greeted(socket)
    with psycopg2.connect(stack.running.environment("worker")["DATABASE_URL"]) as connection, connection.cursor() as sql:
        sql.execute("update core_outboxhead set last_position = last_position + 10001")
    connection.close()
    payer.pay(payee.username, 1, "much later")
    with feed(stack) as socket:
        wait_until(lambda: stack.call("GET", "/v1/feed?limit=1").json()["data"][0]["note"] == "much later", "the relay")

    def told() -> int | None:
        """How a connection from the old cursor ends, once the live process knows the new head."""
        try:
            with feed(stack, cursor) as socket:
                return None if frame(socket) else None
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None

    assert wait_until(told, "the room") == 4410
    with feed(stack) as socket:
        assert decode_cursor(greeted(socket)) > decode_cursor(cursor)  # as texts, 9 would come after 10


def test_what_clients_send_is_dropped(stack: Stack, pair: Pair) -> None:
    payer, payee = pair
    with feed(stack) as socket:
        greeted(socket)
        for noise in ("{}", "not json", b"\x00\xff", "x" * 10_000):
            socket.send(noise)
        payer.pay(payee.username, 1, "still here")
        assert notes(socket, payer, "still here") == ["still here"]


def test_other_paths_are_refused(stack: Stack) -> None:
    for path in ("/ws/", "/ws/feed", "/ws/other/", "/"):
        with pytest.raises(InvalidStatus) as refused, connect(stack.live_url + path):
            pass
        assert refused.value.response.status_code in (403, 404)
