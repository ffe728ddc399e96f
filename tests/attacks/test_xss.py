"""Script in notes and names: on every page that shows them, of everybody who sees them, it is text. And on the staff's pages."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.admin.utils import quote
from django.test import Client

from core.actor import actor
from tests.conftest import Database
from tests.console.conftest import Desk, account, outside, quick_hashes, staff_site  # noqa: F401  (fixtures)
from tests.helpers import Api
from tests.payments.people import browser, person
from tests.rls.test_endpoints import PUBLIC, Endpoint, endpoints
from tests.rls.test_matrix import address
from tests.rls.world import Belongings, things

NAME = "<script>alert(1)</script>"
NOTE = "\"'><img src=x onerror=alert(2)>{{7*7}}${7*7}</script><svg/onload=alert(3)>"
# What would be a tag or leave an attribute, if it were in a page as it was typed.
LIVE = re.compile(r"<script>alert|<img src=x|<svg/onload|\"'><img|49\$|javascript:alert")
PAGES = [one for one in endpoints() if one.method == "GET" and not one.route.startswith(("v1/", "^", "webhooks"))]


@pytest.fixture(scope="module")
def pair(database: Database) -> tuple[Belongings, Belongings]:
    """Two who have called themselves so, and pay each other in such words."""
    made = [person(database, 50_000) for _ in range(2)]
    for one in made:
        answer = Api().patch("/v1/me", {"display_name": NAME}, person=one)
        assert answer.status_code == 200, answer.content
    paid = []
    for payer, payee in (made, reversed(made)):
        body = {"to": payee.username, "amount": 100, "note": NOTE, "visibility": "public"}
        answer = Api().post("/v1/payments", body, person=payer, key=uuid4().hex)
        assert answer.json()["note"] == NOTE
        paid.append(answer.json()["id"])
    from tests.helpers import relay_all

    with database.role("worker"):
        relay_all()
    database.as_superuser("update banking_bankitem set institution = %s", [NAME])
    database.as_superuser("update banking_bankaccount set name = %s", [NOTE])
    database.as_superuser("update users_device set name = %s", [NAME])
    return tuple(things(database, one, payment=payment) for one, payment in zip(made, paid, strict=True))  # type: ignore[return-value]


@pytest.mark.parametrize("endpoint", PAGES, ids=str)
def test_on_every_page_it_is_text(database: Database, pair: tuple[Belongings, Belongings], endpoint: Endpoint) -> None:
    me, other = pair
    path = "/" + endpoint.route.replace("<str:name>", "x") if endpoint.route in PUBLIC else address(endpoint, me, other)
    for client in (browser(me.person), Client()):
        answer = client.get(path)
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            assert LIVE.search(answer.content.decode()) is None


def test_the_pages_that_show_it_do_show_it(database: Database, pair: tuple[Belongings, Belongings]) -> None:
    """The control of the one above: the words are there, escaped."""
    me, other = pair
    for path in ("/feed", "/activity", f"/payments/{me.ids['payment']}", "/"):
        text = browser(me.person).get(path).content.decode()
        assert "&lt;script&gt;alert(1)" in text, path


def test_the_api_says_it_as_json_and_as_nothing_else(database: Database, pair: tuple[Belongings, Belongings]) -> None:
    for path in ("/v1/feed", "/v1/payments", "/v1/me"):
        answer = Api().get(path, person=pair[0].person)
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_template_that_does_not_escape_is_noticed(
    database: Database, pair: tuple[Belongings, Belongings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: escaping switched off."""
    monkeypatch.setattr("django.template.base.conditional_escape", lambda value: value)
    assert LIVE.search(browser(pair[0].person).get("/feed").content.decode())


# ------------------------------------------------------------------------------------------------ the staff's pages
@pytest.fixture
def desk(database: Database, pair: tuple[Belongings, Belongings], outside: Desk) -> Desk:  # noqa: F811
    assert outside.try_in().status_code == 302
    return outside


def test_on_the_staffs_pages_it_is_text(
    desk: Desk,
    account: int,  # noqa: F811
    pair: tuple[Belongings, Belongings],
) -> None:
    import console.admin  # noqa: F401
    from console.site import site

    shown = 0
    for model in site._registry:
        base = f"/admin/console/{model._meta.model_name}/"
        pages = [base, f"{base}?q={pair[0].person.username}", *(base + key + "/change/" for key in keys_of(model, account))]
        for path in pages:
            answer = desk.client.get(path)
            text = answer.content.decode()
            assert LIVE.search(text) is None, path
            shown += "&lt;script&gt;alert(1)" in text
    assert shown > 2
    assert settings.ROOT_URLCONF == "paya.urls_staff"


def keys_of(model: Any, staff_id: int) -> list[str]:
    """The first two rows' keys, as the admin writes them in its addresses."""
    with actor(staff_id):
        return [quote(str(key)) for key in model._default_manager.values_list("pk", flat=True)[:2]]
