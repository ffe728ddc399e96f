"""A hundred requests a minute of one person, and of one address where nobody is known."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from django.test import Client

from core import ratelimit, redis_client
from tests.conftest import Database, PersonForTest
from tests.helpers import Api, assert_problem, open_session
from tests.payments.people import browser, person


@pytest.fixture
def few(settings: Any) -> None:
    settings.RATE_PER_PERSON, settings.RATE_PER_ADDRESS, settings.RATE_PER_VENDOR = 4, 3, 2


@pytest.fixture
def redis_is_down(settings: Any) -> Iterator[None]:
    redis_client.client.cache_clear()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    yield
    redis_client.client.cache_clear()


def somewhere() -> str:
    """An address that nobody has asked from."""
    return f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}::1"


def anonymous(path: str, address: str, *, times: int, **headers: str) -> list[int]:
    return [Client().get(path, REMOTE_ADDR=address, headers=headers).status_code for _ in range(times)]


def test_the_default_is_what_we_promise(settings: Any) -> None:
    """Tests ask more often, and are counted all the same."""
    from paya import settings as written

    text = (written.BASE_DIR / "paya" / "settings.py").read_text()
    assert 'env.int("PAYA_RATE_PER_PERSON", 100)' in text
    assert 'env.int("PAYA_RATE_PER_ADDRESS", 100_000 if SANDBOX else 100)' in text


def test_a_person_is_one_over_all_devices_and_pages(database: Database, few: None) -> None:
    me, other = person(database), person(database)
    second = PersonForTest(me.id, me.username, me.phone, open_session(me.id))
    pages = browser(me)
    answers = [Api().get("/v1/me", person=me), Api().get("/v1/wallet", person=second), pages.get("/pay"), pages.get("/activity")]
    assert [answer.status_code for answer in answers] == [200] * 4
    refused = Api().get("/v1/me", person=second)
    document = assert_problem(refused, 429, "rate_limited")
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert "4 requests" in document["detail"]
    assert refused["Cache-Control"] == "private, no-store"
    page = pages.get("/pay")
    assert page.status_code == 429
    assert page["Retry-After"]
    assert "more than 4 requests within a minute" in page.content.decode()
    assert Api().get("/v1/me", person=other).status_code == 200


def test_strangers_are_counted_by_address(database: Database, few: None) -> None:
    first, second = somewhere(), somewhere()
    assert anonymous("/v1/feed", first, times=4) == [200, 200, 200, 429]
    assert anonymous("/login", first, times=1) == [429]
    assert anonymous("/login", second, times=1) == [200]
    # What somebody says about themselves changes nothing: neither a forged token nor a made-up hop.
    assert anonymous("/v1/feed", first, times=1, authorization="Bearer a.b.c") == [429]
    assert anonymous("/v1/me", second, times=3, authorization="Bearer a.b.c") == [401, 401, 429]
    assert anonymous("/v1/feed", first, times=1, x_forwarded_for="203.0.113.9") == [429]


def test_guessing_tokens_costs_the_address_and_not_the_person(database: Database, few: None) -> None:
    me, thief = person(database), somewhere()
    broken = me.token[:-4] + "AAAA"
    assert anonymous("/v1/me", thief, times=4, authorization=f"Bearer {broken}") == [401, 401, 401, 429]
    assert Api().get("/v1/me", person=me).status_code == 200


def test_what_is_free(database: Database, few: None) -> None:
    address = somewhere()
    assert anonymous("/healthz", address, times=8) == [200] * 8
    assert anonymous("/static/css/paya.css", address, times=4) == [200] * 4
    assert anonymous("/v1/feed", address, times=3) == [200] * 3
    # Vendors have a cap of their own, whatever they call.
    paths = ("/webhooks/dwolla", "/webhooks/nobody", "/webhooks/dwolla")
    sent = [Client().post(path, REMOTE_ADDR=address).status_code for path in paths]
    assert 429 not in sent[:2]
    assert sent[2] == 429
    assert Client().post("/webhooks/stripe", REMOTE_ADDR=somewhere()).status_code != 429


def test_without_redis_money_is_counted_and_reads_pass(database: Database, few: None, redis_is_down: None) -> None:
    me, other = person(database, 10_000), person(database)
    body = {"to": other.username, "amount": 1, "note": "", "visibility": "private"}
    answers = [Api().post("/v1/payments", body, person=me, key=uuid4().hex) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [201] * 4 + [429]
    assert_problem(answers[-1], 429, "rate_limited")
    assert answers[-1]["Retry-After"]
    assert [Api().get("/v1/wallet", person=me).status_code for _ in range(6)] == [200] * 6
    assert Api().get("/v1/wallet", person=me).json()["balance"]["available"] == 10_000 - 4


def test_without_redis_codes_are_counted(database: Database, few: None, redis_is_down: None) -> None:
    address = somewhere()
    asked = [
        Client().post("/v1/auth/otp", '{"phone": "+1"}', "application/json", REMOTE_ADDR=address).status_code for _ in range(4)
    ]
    assert asked == [400, 400, 400, 429]


def test_without_anything_that_counts_money_stays(
    database: Database, few: None, redis_is_down: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(key: str, limit: int) -> int:
        raise OperationalError("away")

    me, other = person(database, 10_000), person(database)
    monkeypatch.setattr(ratelimit, "_in_database", down)
    body = {"to": other.username, "amount": 1, "note": "", "visibility": "private"}
    assert_problem(Api().post("/v1/payments", body, person=me, key="k"), 503, "service_unavailable")
    assert Api().get("/v1/wallet", person=me).json()["balance"]["available"] == 10_000
