"""A thousand phones, codes, tokens and account numbers go through the product's own services; what a thief of the database, of
Redis, of the logs, of the queue or of the outbox would hold is searched for each of them."""

import io
import itertools
import json
import logging
import random
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Task

from banking import plaid
from banking.services import accounts
from banking.services.nacha import entries
from core.logs import JsonFormatter
from core.redis_client import client as redis
from core.sessions import SessionStore
from tests.conftest import Database
from tests.helpers import Api, relay_all
from tests.privacy import dump
from users import services as users
from users import sms, tokens

Planted = dict[str, set[str]]

PEOPLE = 100  # of whom each has a phone, a code, eight tokens and an account number
# Six digits that are a number of their own: neither the end of a second nor part of a longer one, of an id, of something coded.
CODE = re.compile(rb"(?<![0-9A-Za-z.+/=_-])[0-9]{6}(?![0-9A-Za-z+/=_-])")


class Sms:
    """A provider of text messages that keeps what it was given, as the phones would."""

    name = "phones"

    def __init__(self) -> None:
        self.sent: dict[str, str] = {}

    def send(self, *, to: str, body: str, reference: str) -> None:
        self.sent[to] = body

    def code(self, phone: str) -> str:
        return re.findall(r"\b\d{6}\b", self.sent[phone])[0]


class Bank:
    """Plaid and the rail as far as linking a bank asks them; each person's login has a token and a number of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tokens: list[str] = []
        self.numbers: list[str] = []
        monkeypatch.setattr(plaid, "exchange", self.exchange)
        shown = [plaid.PlaidAccount(f"acc-{uuid.uuid4()}", "Checking", "0000", "checking")]
        monkeypatch.setattr(plaid, "accounts", lambda token: (shown, ""))
        monkeypatch.setattr(plaid, "credential", lambda token, account, *, wanted: f"021000021:{self.numbers[-1]}")
        monkeypatch.setattr(accounts.sources, "customer_at", lambda rail, *, user_id, acting: f"customer-{user_id}")
        monkeypatch.setattr(accounts.sources, "add", lambda *known, kind, name: self.secret("source"))

    def secret(self, kind: str) -> str:
        self.tokens.append(f"{kind}-sandbox-{uuid.uuid4()}")
        return self.tokens[-1]

    def exchange(self, public_token: str) -> tuple[str, str]:
        return self.secret("access"), f"item-{uuid.uuid4()}"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What all loggers write, from the lowest level on, in the form in which it leaves the process."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    root, levels = logging.getLogger(), {}
    for name in ("", "paya", "django", "django.request", "celery"):
        logger = logging.getLogger(name)
        levels[name] = logger.level
        logger.setLevel(logging.DEBUG if name != "django" else logging.INFO)
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arguments of every task, which nobody takes."""
    found: list[str] = []

    def keep(task: Task, args: Any = None, kwargs: Any = None, **options: Any) -> None:
        found.append(json.dumps([task.name, args, kwargs, options], default=str))

    monkeypatch.setattr(Task, "apply_async", keep)
    return found


@pytest.fixture
def planted(database: Database, monkeypatch: pytest.MonkeyPatch, settings: Any, queued: Any, written: Any) -> Planted:
    """People log in over the API and on the pages, come back with new tokens, get a ticket for a socket, and link a bank."""
    phones, bank = Sms(), Bank(monkeypatch)
    found: dict[str, set[str]] = {"phones": set(), "codes": set(), "tokens": set(), "numbers": set()}
    monkeypatch.setattr(sms, "providers", lambda: [phones])
    codes = iter(random.Random(6).sample(range(900_000, 1_000_000), PEOPLE))  # noqa: S311 - no number that anything else has
    monkeypatch.setattr("users.services.codes.secrets.randbelow", lambda below: next(codes))
    settings.OTP_PER_DAY = settings.OTP_PER_BLOCK_DAY = settings.OTP_PER_ADDRESS_HOUR = 1_000_000
    numbers = [f"+1{area}555{n:04d}" for area, n in itertools.product((415, 212), range(1000, 1000 + PEOPLE // 2))]
    asked = {phone: Api().post("/v1/auth/otp", {"phone": phone}).json()["challenge"] for phone in numbers}
    with database.role("worker"):
        relay_all()
        while due := users.sweep_codes():
            for challenge in due:
                users.send_code(challenge_id=challenge)
    for phone, challenge in asked.items():
        person = Api().post("/v1/auth/token", {"challenge": challenge, "code": phones.code(phone), "device_name": "phone"}).json()
        again = Api().post("/v1/auth/refresh", {"refresh": person["refresh"]}).json()
        ticket = Api().post("/v1/live-ticket", Authorization=f"Bearer {again['access']}").json()["ticket"]
        claims = tokens.read_access_token(again["access"])
        page = SessionStore()
        page["device"] = claims.device_public_id
        page.save()
        bank.numbers.append(f"{uuid.uuid4().int % 10**12:012d}")
        bank.tokens.append(f"public-sandbox-{uuid.uuid4()}")
        access = users.access(device_public_id=claims.device_public_id)
        assert access is not None
        accounts.link_account(user_id=access.session.user_id, public_token=bank.tokens[-1])
        entries.add_receiver(customer=claims.user_public_id, numbers=f"021000021:{bank.numbers[-1]}", kind="checking")
        found["phones"] |= {phone, phone[2:]}
        found["codes"].add(phones.code(phone))
        found["tokens"] |= {person["refresh"], again["refresh"], person["access"], again["access"]}
        found["tokens"] |= {ticket, page.session_key or "no cookie"}
    with database.role("worker"):
        relay_all()
    return found | {"tokens": found["tokens"] | set(bank.tokens), "numbers": set(bank.numbers)}


def places(database: Database, queued: list[str], written: io.StringIO) -> dict[str, bytes]:
    """All that somebody could get hold of. The outbox is a table of the database."""
    return dump.of_database(database) | {
        "redis": dump.of_redis(), "tasks": "\n".join(queued).encode(), "logs": written.getvalue().encode(),
    }  # fmt: skip


def stands(found: dict[str, bytes], planted: Planted) -> set[tuple[str, str]]:
    """Which of them stands where: (place, secret)."""
    codes = {(place, code.decode()) for place, text in found.items() for code in CODE.findall(text)}
    plain = dump.search(found, set().union(*planted.values()) - planted["codes"])
    return plain | {(place, code) for place, code in codes if code in planted["codes"]}


def test_no_place_has_any_of_a_thousand(database: Database, planted: Planted, queued: list[str], written: io.StringIO):
    assert sum(len(secrets) for secrets in planted.values()) >= 1000
    found = places(database, queued, written)
    assert len(queued) >= PEOPLE and len(found["logs"]) > 1000 and found["core_outbox"] and b"paya:ticket:" in found["redis"]
    assert stands(found, planted) == set()
    _control(database, planted, queued, written)


def _control(database: Database, planted: Planted, queued: list[str], written: io.StringIO) -> None:
    """One of each kind in the clear, in each of the places, is found there: also as bytes, in a longer text, and coded."""
    phone, code, token, number = (min(planted[kind]) for kind in ("phones", "codes", "tokens", "numbers"))
    for table in ("clear (t text)", "bytes (b bytea)", "coded (t text)"):
        database.as_superuser(f"create table scratch_{table}")
    database.as_superuser("insert into scratch_clear values (%s)", [f"To {phone}: {code}, with {token} from {number}."])
    database.as_superuser("insert into scratch_bytes values (%s)", [f"x{phone} {code} {token} {number}".encode()])
    database.as_superuser("insert into scratch_coded select encode(convert_to(%s, 'utf8'), 'base64')", [phone])
    payload = json.dumps({"code": code})
    database.as_superuser("insert into core_outbox (topic, payload) values ('control', %s)", [payload])
    key = f"paya:control:{token}"
    redis().set(key, payload, ex=60)
    logging.getLogger("paya.control").warning("sent %s to %s", code, phone)
    queued.append(json.dumps(["send", [number, code], {}]))
    seen = stands(places(database, queued, written), planted)
    redis().delete(key)
    hidden = {phone, code, token, number}
    expected = {("scratch_clear", each) for each in hidden} | {("scratch_bytes", each) for each in hidden}
    expected |= {("scratch_coded", phone), ("core_outbox", code), ("redis", token), ("redis", code)}
    assert expected | {("logs", code), ("logs", phone), ("tasks", number), ("tasks", code)} <= seen
