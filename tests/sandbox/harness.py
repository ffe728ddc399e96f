"""A live sandbox on a free port with the vendors' real SDKs in front, and a receiver for its webhooks.

It is started as a subprocess, because its Django settings are not the product's.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import dwollav2
import plaid
import requests
from plaid.api import plaid_api
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client as TwilioClient

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {
    "PLAID_CLIENT_ID": "plaid-client", "PLAID_SECRET": "plaid-secret", "DWOLLA_KEY": "dwolla-key",
    "DWOLLA_SECRET": "dwolla-secret", "DWOLLA_WEBHOOK_SECRET": "hook-secret", "TWILIO_ACCOUNT_SID": "AC" + "1" * 32,
    "TWILIO_AUTH_TOKEN": "twilio-token", "PAYA_SANDBOX_SECRET_KEY": "sandbox-tests",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def prepare(environment: Mapping[str, str]) -> None:
    """Give a sandbox its tables: a copy of those that the first one of this process made, unless it has some."""
    database = Path(environment["PAYA_SANDBOX_DATA"]) / "sandbox.sqlite3"
    if not database.exists():
        database.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_migrated(environment) / database.name, database)


_tables: list["tempfile.TemporaryDirectory[str]"] = []


def _migrated(environment: Mapping[str, str]) -> Path:
    if not _tables:
        _tables.append(tempfile.TemporaryDirectory())
        there = {**environment, "PAYA_SANDBOX_DATA": _tables[0].name}
        subprocess.run([sys.executable, "-m", "sandbox", "migrate", "--verbosity", "0"], cwd=ROOT, env=there, check=True)
    return Path(_tables[0].name)


class Receiver:
    """The product's webhook endpoint, as the vendors see it: keeps what comes in, and may refuse it."""

    def __init__(self) -> None:
        self.seen: list[SimpleNamespace] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.seen.append(SimpleNamespace(path=self.path, headers=dict(self.headers), body=body))
                self.send_response(receiver.status)
                self.end_headers()

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Quiet: pytest shows what matters."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def wait_for(self, count: int, seconds: float = 20.0) -> list[SimpleNamespace]:
        deadline = time.monotonic() + seconds
        while len(self.seen) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return list(self.seen)

    def reset(self) -> None:
        self.seen.clear()
        self.status = 200


class Sandbox:
    """A sandbox process with its own data folder; it can be killed and started again."""

    def __init__(self, data: Path, public_url: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}, **SECRETS,
            "PAYA_SANDBOX": "1", "PAYA_ENV": "local", "PAYA_SANDBOX_DATA": str(data), "PAYA_ODFI_DROP": str(data / "odfi"),
            "PAYA_PUBLIC_URL": public_url,
            "PAYA_SANDBOX_PORT": str(self.port), "PAYA_SANDBOX_URL": self.url,
        }
        self.process: subprocess.Popen | None = None
        self.http = requests.Session()

    def start(self) -> None:
        prepare(self.environment)
        serve = [sys.executable, "-m", "gunicorn", "sandbox.wsgi", "--config", "python:sandbox.serving",
                 "--bind", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(serve, cwd=ROOT, env=self.environment, start_new_session=True)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                if requests.get(f"{self.url}/sandbox/healthz", timeout=1).ok:
                    return
            except requests.RequestException:
                time.sleep(0.05)
        raise AssertionError("the sandbox did not start")

    def kill(self) -> None:
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def get(self, path: str, **kwargs: object) -> requests.Response:
        return self.http.get(self.url + path, timeout=30, **kwargs)

    def post(self, path: str, json: object = None, **kwargs: object) -> requests.Response:
        return self.http.post(self.url + path, json=json, timeout=30, **kwargs)

    def advance(self, business_days: int = 1) -> dict:
        return self.post("/sandbox/bank/advance", {"business_days": business_days}).json()

    def plaid(self, client: str = "plaid-client", secret: str = "plaid-secret") -> plaid_api.PlaidApi:
        configuration = plaid.Configuration(
            host=f"{self.url}/plaid", api_key={"clientId": client, "secret": secret}
        )
        return plaid_api.PlaidApi(plaid.ApiClient(configuration))

    def dwolla(self) -> "dwollav2.client.Token":
        """Dwolla's SDK has its hosts in a class attribute: a subclass with another host is all it takes."""
        base = f"{self.url}/dwolla"

        class Client(dwollav2.Client):
            ENVIRONMENTS = {"sandbox": {"auth_url": base, "token_url": f"{base}/token", "api_url": base}}

        return Client(key="dwolla-key", secret="dwolla-secret", environment="sandbox").Auth.client()

    def twilio(self, token: str = "twilio-token", timeout: float = 5) -> TwilioClient:
        base = f"{self.url}/twilio"

        class HttpClient(TwilioHttpClient):
            def request(self, method: str, url: str, *args: object, **kwargs: object) -> object:
                return super().request(method, url.replace("https://api.twilio.com", base), *args, **kwargs)

        return TwilioClient(SECRETS["TWILIO_ACCOUNT_SID"], token, http_client=HttpClient(timeout=timeout))


@contextmanager
def running(data: Path) -> Iterator[tuple[Sandbox, Receiver]]:
    receiver = Receiver()
    sandbox = Sandbox(data, receiver.url)
    sandbox.start()
    try:
        yield sandbox, receiver
    finally:
        sandbox.kill()
        receiver.server.shutdown()


class Person:
    """A customer with a linked bank, made the way the product does it."""

    made = 0

    def __init__(self, sandbox: Sandbox, *, name: str = "Everyday checking", options: dict | None = None) -> None:
        Person.made += 1
        self.sandbox, self.dwolla = sandbox, sandbox.dwolla()
        api = sandbox.plaid()
        request = {"institution_id": "ins_109508", "initial_products": ["auth"], "options": options or {}}
        public = sandbox.post("/plaid/sandbox/public_token/create", {
            "client_id": "sandbox", "secret": "sandbox", **request}).json()["public_token"]
        self.access_token = api.item_public_token_exchange({"public_token": public})["access_token"]
        self.account = api.accounts_get({"access_token": self.access_token})["accounts"][0]
        processor = api.processor_token_create({
            "access_token": self.access_token, "account_id": self.account["account_id"], "processor": "dwolla"})
        self.customer = self.dwolla.post("customers", {
            "firstName": "Ada", "lastName": "Byron", "email": f"ada{Person.made}.{id(self)}@example.com",
        }).headers["location"]
        partner = self.dwolla.get("exchange-partners").body["_embedded"]["exchange-partners"][0]
        exchange = self.dwolla.post(f"{self.customer}/exchanges", {
            "_links": {"exchange-partner": {"href": partner["_links"]["self"]["href"]}},
            "token": processor["processor_token"],
        }).headers["location"]
        self.bank = self.dwolla.post(f"{self.customer}/funding-sources", {
            "_links": {"exchange": {"href": exchange}}, "bankAccountType": "checking", "name": name,
        }).headers["location"]
        account = self.dwolla.get("/").body["_links"]["account"]["href"]
        sources = self.dwolla.get(f"{account}/funding-sources").body["_embedded"]["funding-sources"]
        self.account_url = account
        self.master = next(each for each in sources if each["type"] == "balance")["_links"]["self"]["href"]
        self.operating = next(each for each in sources if each["type"] == "bank")["_links"]["self"]["href"]

    def load(self, value: str = "25.00", **headers: str) -> str:
        return self.transfer(self.bank, self.master, value, **headers)

    def redeem(self, value: str = "10.00", **headers: str) -> str:
        return self.transfer(self.master, self.bank, value, **headers)

    def transfer(self, source: str, destination: str, value: str, **headers: str) -> str:
        body = {"_links": {"source": {"href": source}, "destination": {"href": destination}},
                "amount": {"currency": "USD", "value": value}, "correlationId": headers.pop("correlation", "c-1")}
        return self.dwolla.post("transfers", body, headers).headers["location"]

    def status(self, transfer: str) -> str:
        return self.dwolla.get(transfer).body["status"]

    def bank_balance(self) -> float:
        accounts = self.sandbox.plaid().accounts_balance_get({"access_token": self.access_token})["accounts"]
        return next(a for a in accounts if a["account_id"] == self.account["account_id"])["balances"]["current"]
