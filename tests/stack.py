"""One whole PaYa for the tests that look at it from outside: its pages, its API, its live feed.

It is started once, on throwaway data, with the demo network; each test brings people of its own.
"""

import itertools
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest
import requests

from paya.local import environment, processes
from paya.local.testing import WIDE_RATES, RunningStack, start_stack

T = TypeVar("T")
_phones = itertools.count(random.randrange(9000))
_names = itertools.count(1)


def wait_until(look: Callable[[], T], what: str, seconds: float = 15) -> T:
    """Look again until the answer is true; fails naming `what` was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.05)


class Site:
    """A running PaYa as a client sees it: nothing here reaches behind its ports."""

    def __init__(self, url: str, live_url: str, sandbox_url: str) -> None:
        self.url, self.live_url, self.sandbox_url = url, live_url, sandbox_url

    # ------------------------------------------------------------------------------------------------ API
    def call(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, key: str | None = None, **headers: str
    ) -> requests.Response:
        """One request; a body of bytes goes as it is."""
        sent = {"Content-Type": "application/json"} if body is not None else {}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if key is not None:
            sent["Idempotency-Key"] = key
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        raw = {"data": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
        return requests.request(method, self.url + path, headers=sent, timeout=30, allow_redirects=False, **raw)

    # ------------------------------------------------------------------------------------------------ sandbox
    def messages(self, phone: str) -> list[dict[str, str]]:
        answer = requests.get(f"{self.sandbox_url}/sandbox/sms", params={"phone": phone}, timeout=10)
        return list(answer.json()["messages"])

    def code(self, phone: str, *, after: int = 0) -> str:
        """The newest one-time code that the sandbox's phone got, once it has more than `after` messages."""
        texts = wait_until(lambda: self.messages(phone)[after:], f"a message to {phone}")
        found = re.search(r"\b(\d{6})\b", texts[-1]["body"])
        assert found is not None
        return found[1]

    def advance(self, business_days: int) -> None:
        """Let days go by at the sandbox's bank; what is due settles and its webhooks are sent."""
        answer = requests.post(
            f"{self.sandbox_url}/sandbox/bank/advance", json={"business_days": business_days}, timeout=30
        )
        answer.raise_for_status()

    def public_token(self, institution: str = "ins_109508") -> str:
        body = {"client_id": "sandbox", "secret": "sandbox", "institution_id": institution, "initial_products": ["auth"]}
        answer = requests.post(f"{self.sandbox_url}/plaid/sandbox/public_token/create", json=body, timeout=10)
        answer.raise_for_status()
        return str(answer.json()["public_token"])

    def transfers(self) -> int:
        """How many transfers the sandbox's bank has ever heard of."""
        return int(sum(requests.get(f"{self.sandbox_url}/sandbox/bank", timeout=10).json()["transfers"].values()))

    @contextmanager
    def one_more_transfer(self) -> Iterator[None]:
        """Waits until what is asked for inside has reached the bank: days that go by before do not count for it."""
        before = self.transfers()
        yield
        wait_until(lambda: self.transfers() > before, "the bank")

    # ------------------------------------------------------------------------------------------------ people
    def log_in(self, phone: str) -> "Visitor":
        """A visitor who has proven this phone by API; a new one has no @username yet."""
        before = len(self.messages(phone))
        asked = self.call("POST", "/v1/auth/otp", {"phone": phone})
        assert asked.status_code == 202, asked.text
        body = {"challenge": asked.json()["challenge"], "code": self.code(phone, after=before), "device_name": "test"}
        answer = self.call("POST", "/v1/auth/token", body)
        assert answer.status_code == 200, answer.text
        return Visitor(self, phone, answer.json())

    def newcomer(self) -> "Visitor":
        return self.log_in(new_phone())

    def person(
        self, username: str = "", *, money: int = 0, visibility: str = "public", name: str = "", bank: bool = False
    ) -> "Visitor":
        """Somebody new with a @username; with a bank, and cents that an older member paid in private."""
        visitor = self.newcomer()
        username = username or f"p{next(_names)}_{uuid4().hex[:6]}"
        profile = {"username": username, "display_name": name or username.title(), "default_visibility": visibility}
        answer = visitor.patch("/v1/me", profile)
        assert answer.status_code == 200, answer.text
        visitor.username = username
        if bank:
            visitor.bank = visitor.post("/v1/bank-accounts", {"public_token": self.public_token()}).json()["id"]
        if money:
            self.fund(username, money)
        return visitor

    def fund(self, username: str, money: int) -> None:
        """So many cents from a demo person who has them; the next one where one has been asked by too many tests."""
        giver = getattr(self, "_giver", self.patron)
        while giver.balance["available"] < money:
            self._givers = getattr(self, "_givers", iter(range(102, 112)))
            giver = self._giver = self.log_in(f"+12125550{next(self._givers)}")
        giver.pay(username, money, visibility="private")

    @property
    def patron(self) -> "Visitor":
        """A demo person with money, from whom others have theirs."""
        if not hasattr(self, "_patron"):
            self._patron = self.log_in("+12125550101")
            self._patron.username = "maya"
        return self._patron


def new_phone() -> str:
    """A number of our own: nobody else's test uses it."""
    return f"+1917555{next(_phones):04d}"


@dataclass
class Visitor:
    """Somebody with an access token."""

    site: Site
    phone: str
    tokens: dict[str, Any]
    username: str = ""
    bank: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def token(self) -> str:
        return str(self.tokens["access"])

    def get(self, path: str, **kwargs: Any) -> requests.Response:
        return self.site.call("GET", path, token=self.token, **kwargs)

    def post(self, path: str, body: Any = None, **kwargs: Any) -> requests.Response:
        return self.site.call("POST", path, body, token=self.token, **kwargs)

    def patch(self, path: str, body: Any = None, **kwargs: Any) -> requests.Response:
        return self.site.call("PATCH", path, body, token=self.token, **kwargs)

    def put(self, path: str, body: Any = None, **kwargs: Any) -> requests.Response:
        return self.site.call("PUT", path, body, token=self.token, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> requests.Response:
        return self.site.call("DELETE", path, token=self.token, **kwargs)

    def pay(self, to: str, amount: int, note: str = "", visibility: str = "public") -> dict[str, Any]:
        body = {"to": f"@{to}", "amount": amount, "note": note, "visibility": visibility}
        answer = self.post("/v1/payments", body, key=uuid4().hex)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def transfer(self, kind: str, amount: int) -> dict[str, Any]:
        """A load or a redemption (kind: "loads", "redemptions") with the linked bank, once the bank knows of it."""
        answer = self.post(f"/v1/{kind}", {"amount": amount, "bank_account": self.bank}, key=uuid4().hex)
        assert answer.status_code == 201, answer.text
        asked = dict(answer.json())
        wait_until(lambda: self.status_of(kind, asked["id"]) == "pending", "the bank")
        return asked

    def status_of(self, kind: str, transfer: str) -> str:
        return str(self.get(f"/v1/{kind}/{transfer}").json()["status"])

    @property
    def balance(self) -> dict[str, int]:
        return dict(self.get("/v1/wallet").json()["balance"])

    @cached_property
    def session_cookie(self) -> dict[str, str]:
        """Log in on the pages, with forms as a browser without JavaScript would send them; its session cookie."""
        browser = requests.Session()
        before = len(self.site.messages(self.phone))

        def send(path: str, **fields: str) -> requests.Response:
            page = browser.get(self.site.url + path, timeout=20)
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
            assert token is not None, page.text
            form = {"csrfmiddlewaretoken": token[1], **fields}
            return browser.post(self.site.url + path, form, timeout=20, headers={"Referer": page.url})

        # Whoever has just logged in by API has to wait for the next code, two seconds in the sandbox.
        wait_until(lambda: send("/login", phone=self.phone).status_code != 429, "another code")
        arrived = send("/login/code", code=self.site.code(self.phone, after=before))
        assert arrived.status_code == 200, arrived.text
        name = next(name for name in browser.cookies.keys() if name.startswith("paya_session"))  # noqa: SIM118
        return {"name": name, "value": str(browser.cookies[name]), "url": self.site.url}


class Stack(Site):
    """The stack of the tests, of which they may also stop a part."""

    def __init__(self, running: RunningStack) -> None:
        super().__init__(running.url, f"ws://127.0.0.1:{running.port + 1}", running.sandbox_url)
        self.running = running

    def process(self, name: str) -> int:
        """The number of the supervisor's child whose command line holds `name`."""
        children = processes.children_of(self.running.process.pid)
        return next(pid for pid in children if name in Path(f"/proc/{pid}/cmdline").read_text())

    def freeze(self, person: Visitor, level: str, reason: str) -> None:
        """As an operator does it."""
        subprocess.run(
            [sys.executable, "manage.py", "freeze_wallet", person.username, level, "--reason", reason],
            env=self.running.environment("worker"), cwd=environment.ROOT, check=True, capture_output=True,
        )  # fmt: skip

    def stop(self) -> None:
        """End all of it, unless it has ended."""
        if self.running.process.poll() is None:
            self.running.stop()

    def kill(self, name: str) -> None:
        """End one process the hard way; the supervisor starts it again."""
        processes.send(self.process(name), signal.SIGKILL)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """A whole PaYa with the demo network, for as long as the tests need it."""
    whole = Stack(start_stack(Path(os.environ["PAYA_TEST_DATA"]) / "whole", seconds=170, extra=WIDE_RATES))
    try:
        yield whole
    finally:
        whole.stop()


def problem(answer: requests.Response, status: int, code: str) -> dict[str, Any]:
    """The answer is a problem document with this status and code."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["code"] == code, document
    assert document["status"] == status
    assert document["request_id"] == answer.headers["X-Request-ID"]
    assert document["title"]
    assert document["detail"]
    assert document["type"].startswith("https://")
    return document
