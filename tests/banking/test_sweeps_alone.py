"""No webhook ever arrives: the sweeps alone bring everything to its end. And what a rail may answer while they do."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pytest

from banking import services, tasks
from banking.rails.dwolla import Client, Dwolla
from banking.services import transfers
from banking.services.transfers import submitting
from core import resilience
from core.resilience import ProviderBusy, ProviderDown, ProviderRejected, ProviderUnknown
from tests.banking.sandbox import Bank
from tests.conftest import Database


def sweep(database: Database) -> None:
    """Everything that is due is swept up and worked on, as if its time had come."""
    database.as_superuser("update banking_banktransfer set due_at = now() where due_at is not null")
    with database.role("worker"):
        to_act, to_ask = transfers.due()
        for row in to_act:
            services.submit(transfer_id=row)
        for row in to_ask:
            services.refresh(transfer_id=row)


@pytest.mark.parametrize("rail", ["dwolla", "stripe"])
def test_loads_redemptions_failures_and_late_returns(
    linked: Callable[..., Any], choose: Any, bank: Bank, database: Database, rail: str
) -> None:
    choose(rail)
    bank.post("/sandbox/webhooks", {"mode": "paused"})
    patron, good, early, late = linked(), linked(), linked(name="R01"), linked(name="R01-late")
    back = linked(name="R03-late", money=10_00)
    bad = linked(name="R03", money=10_00)
    rows = [(person, person.load(30_00)) for person in (good, early, late, patron)]
    for _ in range(3):
        sweep(database)
        bank.advance(1)
    sweep(database)
    assert [person.fresh(row).status for person, row in rows] == ["settled", "failed", "settled", "settled"]
    rows += [(person, person.redeem(10_00)) for person in (good, bad, back)]
    for _ in range(5):
        sweep(database)
        bank.advance(1)
    sweep(database)
    ends = [person.fresh(row).status for person, row in rows]
    assert ends == ["settled", "failed", "returned", "settled", "settled", "failed", "returned"]
    assert [person.money() for person in (good, early, late, bad, back)] == [
        (20_00, 0, 0), (0, 0, 0), (0, 0, 0), (10_00, 0, 0), (10_00, 0, 0)
    ]  # fmt: skip
    assert database.as_superuser("select count(*) from banking_inboxevent") == [(0,)]


def test_the_tasks_of_beat_do_it(linked: Callable[..., Any], database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[tuple[str, int, float | None]] = []

    def send(task: str, args: tuple[int], *_: Any, expires: float | None = None) -> None:
        woken.append((task.rpartition(".")[2], args[0], expires))

    for task in (tasks.submit_transfer, tasks.refresh_transfer):
        monkeypatch.setattr(task, "apply_async", partial(send, task.name))
    person = linked()
    pending, new = person.submit(person.load()), person.load()
    database.as_superuser("update banking_banktransfer set due_at = now()")
    with database.role("worker"):
        tasks.sweep_transfers()
    # What the sweep wakes again after a minute does not heap up in a queue that nobody takes from; a poll is sent once.
    assert sorted(woken) == [("refresh_transfer", pending.pk, None), ("submit_transfer", new.pk, 60.0)]


def test_one_that_is_busy_is_left_alone_for_longer_and_is_not_down(linked: Callable[..., Any], bank: Bank) -> None:
    person = linked()
    bank.fail("dwolla", "429", times=7)
    row = person.load()
    for _ in range(7):
        before = submitting.now()
        row = person.submit(row)
        assert row.status == "queued"
        assert row.due_at is not None
        assert row.due_at >= before + submitting.BUSY_RETRY
    assert resilience.health("dwolla").status == "operational"
    assert person.submit(row).status == "pending"


# ------------------------------------------------------------------------------------- answers that no sandbox gives
class Rubbish:
    """Dwolla at an address of its own, whose answers to everything but the token are what a test says."""

    def __init__(self) -> None:
        self.status, self.body, self.location, self.seconds = 200, b"{}", "", 0.0
        self.asked: list[str] = []
        self.go = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                token = self.path.endswith("/token")
                if not token:
                    server.asked.append(self.path)
                    server.go.wait(server.seconds)
                body = b'{"access_token": "t", "expires_in": 3600}' if token else server.body
                self.send_response(200 if token else server.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                if server.location and not token:
                    self.send_header("Location", server.location)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer

            def log_message(self, *args: object) -> None:
                """Quiet: pytest shows what matters."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        client = Client(base=f"http://127.0.0.1:{self.server.server_port}", key="k", secret="s", timeout=0.2)
        self.rail = Dwolla(client, webhook_secret="")
        self.rail._reserve = "0" * 36

    def create(self) -> str:
        return self.rail.create_pull(key=uuid4(), bank="1" * 36, amount=50_00)


@pytest.fixture
def rubbish(database: Database) -> Iterator[Rubbish]:
    resilience.forget_failures()
    server = Rubbish()
    yield server
    server.go.set()
    server.server.shutdown()
    resilience.forget_failures()


@pytest.mark.parametrize(("status", "body", "location"), [
    (201, b"", ""), (201, b"", "https://x.example/transfers/"), (200, b"{}", ""), (500, b"<html>", ""), (502, b"", ""),
    (503, b'{"code": "ServerError"}', ""), (408, b"{}", ""), (409, b'{"code": "Conflict"}', ""),
    (400, b'{"code": {"a": 1}}', ""),  # the SDK itself trips over it
])  # fmt: skip
def test_a_create_that_is_answered_strangely_is_a_doubt(rubbish: Rubbish, status: int, body: bytes, location: str) -> None:
    rubbish.status, rubbish.body, rubbish.location = status, body, location
    with pytest.raises(ProviderUnknown):
        rubbish.create()
    assert len(rubbish.asked) == 1  # a doubt is its caller's to resolve, with the same key


@pytest.mark.parametrize(("status", "body", "error"), [
    (400, b'{"code": "ValidationError", "_embedded": {"errors": [{"code": "Restricted"}]}}', ProviderRejected),
    (400, b"<html>", ProviderRejected), (403, b"[]", ProviderRejected), (404, b"null", ProviderRejected),
    (400, b'{"code": "X", "_embedded": {"errors": ["x"]}, "_links": null}', ProviderRejected),
    (401, b"{}", ProviderDown), (429, b"slow down", ProviderBusy),
])  # fmt: skip
def test_a_clear_answer_is_certain(rubbish: Rubbish, status: int, body: bytes, error: type[Exception]) -> None:
    rubbish.status, rubbish.body = status, body
    with pytest.raises(error):
        rubbish.create()


def test_one_that_hangs_is_a_doubt_and_no_wait(rubbish: Rubbish) -> None:
    rubbish.seconds = 20
    with pytest.raises(ProviderUnknown):
        rubbish.create()


@pytest.mark.parametrize("body", [
    b"", b"<html>", b"null", b"[]", b"7", b'{"id": "x"}',
    b'{"id": "x", "status": "odd", "amount": {"value": "1", "currency": "USD"}}',
    b'{"id": "x", "status": "processed", "amount": {"value": "1e3", "currency": "USD"}}',
    b'{"id": "x", "status": "processed", "amount": {"value": "-5.00", "currency": "USD"}}',
    b'{"id": "x", "status": "processed", "amount": {"value": "5.001", "currency": "USD"}}',
    b'{"id": "x", "status": "processed", "amount": null}',
])  # fmt: skip
def test_what_cannot_be_read_shows_nothing(rubbish: Rubbish, body: bytes) -> None:
    rubbish.body = body
    with pytest.raises(ProviderDown):
        rubbish.rail.status(transfer="2" * 36)
    with pytest.raises(ProviderDown):  # and a search whose answer has no list has not found that there is none
        rubbish.rail.find(key=uuid4(), customer="3" * 36)
