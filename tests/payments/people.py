"""People for tests that share one database: every name and phone is new."""

import itertools
from typing import Any

from core.actor import SYSTEM, actor
from core.ids import new_reference
from tests.conftest import Database, PersonForTest
from tests.helpers import open_session
from users import services as users
from users import tokens
from wallets import services as wallets

_numbers = itertools.count(1)


def person(
    database: Database, money: int = 0, *, visibility: str = "public", name: str = "", username: str | None = ""
) -> PersonForTest:
    """Signed up, welcomed, with a token and `money` cents; with username=None, not yet welcomed."""
    number = next(_numbers)
    phone = f"+1646555{number:04d}"
    chosen = username or f"person_{number}"
    user_id = users.sign_up(phone=phone).id
    if username is not None:
        users.welcome(
            user_id=user_id, username=chosen, display_name=name or f"Person {number}", default_visibility=visibility
        )
    if money:
        mint(database, user_id, money)
    return PersonForTest(user_id, chosen, phone, open_session(user_id))


def mint(database: Database, user_id: int, money: int) -> None:
    with database.role("worker"), actor(SYSTEM):
        wallets.mint(user_id=user_id, reference=new_reference(), amount=money)


def browser(one: PersonForTest) -> Any:
    """A Django test client whose page session belongs to this person's device."""
    from django.conf import settings
    from django.test import Client

    from core.sessions import SessionStore

    store = SessionStore()
    store["device"] = tokens.read_access_token(one.token).device_public_id
    store.save()
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = store.session_key
    return client
