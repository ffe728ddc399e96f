"""Every address of the staff's site, from its URLconf: whoever is no member of staff gets the log-in page and nothing else."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLResolver, get_resolver

from core.sessions import SessionStore
from tests.conftest import Database
from tests.console.conftest import quick_hashes, staff_site  # noqa: F401  (fixtures)
from tests.rls.foreign import owners
from tests.rls.test_matrix import rows_of
from tests.rls.world import Belongings
from users import tokens

# What anybody may ask: whether the process lives, the log-in page itself with its files and second factors, and the way to it.
OPEN = re.compile(r"(healthz|admin/login/.*|admin/logout/|admin|)$")


def addresses() -> list[str]:
    return sorted(set(_walk("", get_resolver("paya.urls_staff").url_patterns)))


def _walk(prefix: str, patterns: list[Any]) -> Iterator[str]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(route, pattern.url_patterns)
        else:
            yield route


def filled(route: str) -> str:
    route = re.sub(r"<int:\w+>", "1", re.sub(r"<(?:path|str|slug|uuid):\w+>|<\w+>", "1", route))
    return "/" + re.sub(r"\(\?P<\w+>[^)]*\)", "x", route).replace("^", "").replace("$", "").replace(".*", "x").replace("\\", "")


@pytest.fixture
def person_inside(database: Database, staff_site: Database, attacker: Belongings) -> Client:  # noqa: F811
    """A person with everything that they have: their device's session under the staff's cookie too, and their token."""
    client = Client()
    with database.role("web"):
        store = SessionStore()
        store["device"] = tokens.read_access_token(attacker.person.token).device_public_id
        store["_auth_user_id"], store["_auth_user_backend"] = str(attacker.person.id), "console.auth.StaffBackend"
        store.save()
    for name in (settings.SESSION_COOKIE_NAME, f"paya_session_{settings.PORT}"):
        client.cookies[name] = store.session_key
    client.defaults["HTTP_AUTHORIZATION"] = attacker.person.headers["Authorization"]
    return client


def test_nobody_else_gets_past_the_log_in(
    database: Database, staff_site: Database, victim: Belongings, person_inside: Client  # noqa: F811
) -> None:
    routes = [route for route in addresses() if not OPEN.fullmatch(route)]
    assert len(routes) > 100
    known, before = owners(database), rows_of(database, victim)
    let_in = []
    for client in (Client(), person_inside):
        for route in routes:
            for method in ("get", "post"):
                answer = getattr(client, method)(filled(route))
                away = answer.status_code == 302 and answer["Location"].startswith("/admin/login/")
                if not away and answer.status_code not in (403, 404, 405):
                    let_in.append((method, filled(route), answer.status_code))
                assert known.foreign_in(answer.content.decode(errors="replace"), -1, given=filled(route)) == []
    assert let_in == []
    assert rows_of(database, victim) == before


def test_the_site_of_the_people_has_none_of_them(database: Database, victim: Belongings) -> None:
    for path in ("/admin/", "/admin/login/", "/admin/console/person/", "/admin/console/payment/1/look/"):
        assert Client().get(path).status_code in (302, 404)
        assert "password" not in Client().get(path).content.decode()
