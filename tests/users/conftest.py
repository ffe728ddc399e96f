"""People under test. A database for each file and not for each test: what these tests need alone are new phones."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client

from core import keyring
from core.actor import SYSTEM, actor
from tests import one_database
from tests.conftest import Database
from users.models import Challenge

# Without those that end in 99: the local SNS takes them for opted out.
_phones = filter(lambda number: number % 100 != 99, itertools.count(1000))
as_web, database = one_database.as_web, one_database.database


@pytest.fixture(autouse=True)
def no_wait(settings: Any) -> None:
    """Tests that are about waiting set it themselves."""
    settings.OTP_RESEND_SECONDS = 0


def new_phone() -> str:
    return f"+1415555{next(_phones):04d}"


@pytest.fixture
def phone() -> str:
    return new_phone()


@dataclass
class Answer:
    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


class Api:
    """The API as a client sees it: JSON in, JSON out."""

    def call(self, method: str, path: str, body: Any = None, token: str | None = None, **headers: str) -> Answer:
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        text = body if isinstance(body, str) else json.dumps(body)
        response = Client().generic(
            method, f"/v1{path}", "" if body is None else text, content_type="application/json", headers=headers
        )
        content = json.loads(response.content) if response.content else {}
        return Answer(response.status_code, content, dict(response.headers))

    def get(self, path: str, token: str | None = None) -> Answer:
        return self.call("GET", path, token=token)

    def post(self, path: str, body: Any = None, token: str | None = None, **headers: str) -> Answer:
        return self.call("POST", path, body, token, **headers)

    def patch(self, path: str, body: Any, token: str | None = None) -> Answer:
        return self.call("PATCH", path, body, token)


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def code_of(database: Database) -> Callable[[str], str]:
    """The code of a challenge, as only the worker can know it."""

    def read(challenge: str) -> str:
        with database.role("worker"), actor(SYSTEM):
            row = Challenge.objects.get(public_id=challenge)
            return keyring.decrypt_system("otp", "users_challenge.code", challenge, bytes(row.code_cipher or b""))

    return read


@dataclass
class Person:
    phone: str
    access: str
    refresh: str
    user: dict[str, Any]


@pytest.fixture
def log_in(api: Api, code_of: Callable[[str], str]) -> Callable[..., Person]:
    """Log a phone in through the API; with a username, finish the welcome as well."""

    def run(phone: str | None = None, username: str | None = None) -> Person:
        phone = phone or new_phone()
        challenge = api.post("/auth/otp", {"phone": phone}).body["challenge"]
        body = api.post("/auth/token", {"challenge": challenge, "code": code_of(challenge)}).body
        if username:
            body["user"] = api.patch("/me", {"username": username}, body["access"]).body
        return Person(phone, body["access"], body["refresh"], body["user"])

    return run
