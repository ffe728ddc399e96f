"""SQL injection: whatever somebody types reaches the database as a parameter, and never as a part of a statement."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from tests.conftest import Database
from tests.helpers import Api
from tests.payments.people import browser
from tests.rls.test_endpoints import BODIES, PUBLIC, Endpoint, endpoints
from tests.rls.test_matrix import address, again, body_of
from tests.rls.world import Belongings

NEEDLE = "n33dle"
TEXTS = [
    f"{NEEDLE}' OR '1'='1", f'{NEEDLE}"; drop table users_user; --', f"{NEEDLE}%' ESCAPE '!' --",
    f"{NEEDLE}\\'; select pg_sleep(9)",
]  # fmt: skip
MORE = {
    "POST /v1/auth/otp": {"phone": ""}, "POST /v1/auth/token": {"challenge": "", "code": "", "device_name": ""},
    "POST /v1/auth/refresh": {"refresh": ""}, "POST /v1/auth/logout": {"refresh": ""}, "POST /login": {"phone": ""},
    "POST /login/code": {"code": ""},
}  # fmt: skip
NAMES = (
    "q", "cursor", "limit", "at", "to", "show", "range", "name", "from", "username", "next", "state", "week", "date", "before",
)  # fmt: skip
CALLED = [one for one in endpoints() if not one.route.startswith(("^", "webhooks/", "static"))]


class Watch:
    """Statements that hold what somebody typed, and how many were looked at."""

    def __init__(self) -> None:
        self.looked_at, self.broken = 0, list[str]()

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Mapping[str, Any]) -> Any:
        self.looked_at += 1
        if NEEDLE in str(sql):
            self.broken.append(str(sql))
        return execute(sql, params, many, context)


def send(endpoint: Endpoint, path: str, body: Any, me: Any) -> Any:
    if endpoint.route.startswith("v1/"):
        return Api().request(endpoint.method, path, body, person=me, key=uuid4().hex)
    client = Client() if endpoint.route in PUBLIC else browser(me)
    return client.get(path) if endpoint.method == "GET" else client.post(path, body or {})


def attempts(endpoint: Endpoint, me: Belongings, other: Belongings, text: str) -> list[tuple[str, Any]]:
    """The text in the query, in each part of the address, and in each field."""
    from urllib.parse import quote, urlencode

    known = endpoint.route not in PUBLIC
    path = address(endpoint, me, other) if known else "/" + endpoint.route.replace("<str:name>", "x")
    body = body_of(endpoint, me, other) if str(endpoint) in BODIES else MORE.get(str(endpoint))
    found = [(path.partition("?")[0] + "?" + urlencode(dict.fromkeys(NAMES, text)), body)]
    if "<str:" in endpoint.route:
        filled = "/".join(quote(text, safe="") if part.startswith("<str:") else part for part in endpoint.route.split("/"))
        found.append(("/" + filled.replace("<int:year>", "2026"), body))
    return found + [(path, {**body, name: text}) for name in body or {}]


@pytest.mark.parametrize("endpoint", CALLED, ids=str)
def test_what_is_typed_is_a_parameter(
    database: Database, victim: Belongings, attacker: Belongings, endpoint: Endpoint
) -> None:
    watch, me = Watch(), again(attacker)
    text = TEXTS[len(str(endpoint)) % len(TEXTS)]
    for path, body in attempts(endpoint, attacker, victim, text):
        with connection.execute_wrapper(watch):
            answer = send(endpoint, path, body, me)
        assert answer.status_code < 500 or answer.status_code == 503, f"{path} {json.dumps(body)}: {answer.content[:300]!r}"
    assert watch.broken == []


def test_one_that_is_built_into_a_statement_is_noticed(database: Database) -> None:
    """The control."""
    watch = Watch()
    with connection.execute_wrapper(watch), connection.cursor() as cursor:
        cursor.execute(f"select '{NEEDLE}'")
        cursor.execute("select %s", [NEEDLE])
    assert len(watch.broken) == 1
    assert watch.looked_at == 2


def test_the_tables_are_all_there(database: Database) -> None:
    assert database.as_superuser("select count(*) > 1 from users_user") == [(True,)]
