"""A live sandbox process for the product's tests: the vendors at the addresses that the settings name.

Its webhooks go to a small receiver, so that a test decides when, how often and in which order they reach the product.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings

from tests.sandbox.harness import prepare

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Delivery:
    """One webhook as the vendor sent it: the bytes and the headers that sign them."""

    path: str
    body: bytes
    headers: dict[str, str]


class Receiver:
    """Takes whatever the sandbox sends and keeps it."""

    def __init__(self) -> None:
        self.seen: list[Delivery] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.seen.append(Delivery(self.path, body, dict(self.headers)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Quiet: pytest shows what matters."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Bank:
    """The sandbox's control addresses, and what tests ask of its vendors."""

    def __init__(self, receiver: Receiver, drop: Path) -> None:
        self.receiver = receiver
        self.drop = drop  # where direct NACHA files are exchanged
        self._asked_to_fail: set[str] = set()
        self._http = requests.Session()

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._http.post(settings.SANDBOX_URL + path, json=body, timeout=30)
        assert answer.ok, answer.text
        if path.endswith("/fail"):
            self._asked_to_fail.add(path)
        result: dict[str, Any] = answer.json()
        return result

    def reset(self) -> None:
        """No failures asked for, nothing under way, no webhook left over."""
        for path in list(self._asked_to_fail):
            self.post(path, {"mode": None})
        self._asked_to_fail.clear()
        self.post("/sandbox/webhooks", {"mode": "paused"})
        self.advance(5)
        self.post("/sandbox/webhooks", {"mode": "discard"})
        time.sleep(0.05)
        self.receiver.seen.clear()

    def advance(self, business_days: int = 1) -> None:
        self.post("/sandbox/bank/advance", {"business_days": business_days})

    def fail(self, vendor: str, mode: str, path: str = "/transfers", **more: Any) -> None:
        self.post(f"/sandbox/{vendor}/fail", {"mode": mode, "path": path, **more})

    def public_token(self, *accounts: dict[str, Any], webhook: str = "") -> str:
        """A login at a bank as Link would hand it over; with `accounts`, these and no others."""
        options: dict[str, Any] = {}
        if webhook:
            options["webhook"] = webhook
        if accounts:
            options["override_username"] = "user_custom"
            options["override_password"] = json.dumps({"override_accounts": list(accounts)})
        body = {"client_id": "sandbox", "secret": "sandbox", "institution_id": "ins_109508", "initial_products": ["auth"]}
        return str(self.post("/plaid/sandbox/public_token/create", {**body, "options": options})["public_token"])

    def transfers(self) -> int:
        """How many transfers there have ever been at the bank."""
        counts = requests.get(settings.SANDBOX_URL + "/sandbox/bank", timeout=10).json()["transfers"]
        return sum(counts.values())

    def deliveries(self, count: int, *, path: str = "/webhooks/dwolla", part: bytes = b"", seconds: float = 5) -> list[Delivery]:
        """The first `count` webhooks to that path whose body holds `part`, once they have come."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = [each for each in list(self.receiver.seen) if each.path == path and part in each.body]
            if len(found) >= count:
                return found
            time.sleep(0.01)
        raise AssertionError(f"{count} webhooks were expected, {len(found)} came")


@contextmanager
def running(data: Path) -> Iterator[Bank]:
    receiver = Receiver()
    environment = {**os.environ, "PAYA_SANDBOX": "1", "PAYA_SANDBOX_DATA": str(data), "PAYA_PUBLIC_URL": receiver.url}
    environment["PAYA_ODFI_DROP"] = str(data / "odfi")
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    prepare(environment)
    serve = ["gunicorn", "sandbox.wsgi", "--config", "python:sandbox.serving"]
    bind = ["--bind", f"127.0.0.1:{urlsplit(settings.SANDBOX_URL).port}"]
    process = subprocess.Popen([sys.executable, "-m", *serve, *bind], cwd=ROOT, env=environment)
    try:
        _wait()
        yield Bank(receiver, data / "odfi")
    finally:
        process.terminate()
        process.wait(10)
        receiver.server.shutdown()


def _wait() -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if requests.get(settings.SANDBOX_URL + "/sandbox/healthz", timeout=1).ok:
                return
        except requests.RequestException:
            time.sleep(0.05)
    raise AssertionError("the sandbox did not start")
