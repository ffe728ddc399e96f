"""What every answer says to the browser: not in a frame, no script but ours, nothing guessed, nothing of a person's kept."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.conftest import Database
from tests.payments.people import browser
from tests.rls.test_endpoints import PUBLIC, Endpoint, endpoints
from tests.rls.test_matrix import address
from tests.rls.world import Belongings

GETS = [one for one in endpoints() if one.method == "GET" and not one.route.startswith("^")]
# The policy of Swagger's page lets it set inline styles, and no script (paya/urls.py).
INLINE_STYLES = {"docs/api/"}


def answer_of(endpoint: Endpoint, victim: Belongings, attacker: Belongings) -> Any:
    route = endpoint.route.replace("<str:name>", "2026-03-01")
    if endpoint.route in PUBLIC:
        return Client().get("/" + route)
    if route.startswith("v1/"):
        return Client().get(address(endpoint, victim, attacker), headers=victim.person.headers)
    return browser(victim.person).get(address(endpoint, victim, attacker))


def policy_of(answer: Any) -> dict[str, list[str]]:
    parts = (part.split() for part in answer.headers["Content-Security-Policy"].split(";"))
    return {part[0]: part[1:] for part in parts if part}


def must_be_safe(answer: Any, *, inline_styles: bool = False) -> None:
    policy = policy_of(answer)
    assert policy["frame-ancestors"] == ["'none'"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert policy["default-src"] == ["'none'"]
    assert policy["base-uri"] == ["'none'"]
    assert policy["script-src"] == ["'self'"]
    assert "'unsafe-inline'" not in policy["style-src"] or inline_styles
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"


@pytest.mark.parametrize("endpoint", GETS, ids=str)
def test_every_answer_says_it(database: Database, victim: Belongings, attacker: Belongings, endpoint: Endpoint) -> None:
    answer = answer_of(endpoint, victim, attacker)
    must_be_safe(answer, inline_styles=endpoint.route in INLINE_STYLES)
    if endpoint.route not in PUBLIC and answer.status_code == 200:
        assert "no-store" in answer.headers["Cache-Control"]
    for cookie in answer.cookies.values():
        assert cookie["samesite"] in ("Lax", "Strict")
        assert cookie["httponly"] or cookie.key == settings.CSRF_COOKIE_NAME


@pytest.mark.parametrize("path", ["/nothing/here", "/v1/nothing", "/payments/pay_x", "/webhooks/nobody", "/v1/payments/%00"])
def test_errors_say_it_too(database: Database, victim: Belongings, path: str) -> None:
    must_be_safe(browser(victim.person).get(path))
    must_be_safe(Client().post(path))


def test_an_answer_without_it_is_noticed(database: Database, settings: Any) -> None:
    """The control."""
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if "csp" not in one and "clickjacking" not in one]
    with pytest.raises(KeyError):
        must_be_safe(Client().get("/login"))


def test_in_production_everything_is_https() -> None:
    """tests/keys/test_production.py starts it so; here, what the settings say of cookies and of how long browsers remember."""
    text = (settings.BASE_DIR / "paya" / "settings.py").read_text()
    assert "SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION" in text
    assert "SECURE_HSTS_SECONDS = 63072000 if PRODUCTION else 0" in text
    assert "SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION" in text
    assert settings.STAFF_SITE["SESSION_COOKIE_SAMESITE"] == "Strict"
    assert settings.SESSION_COOKIE_HTTPONLY
