"""The staff's site in the test's own process: its settings, its role, one member of staff who can log in."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings as project
from django.test import Client, override_settings
from django.urls import clear_url_caches
from django_otp.oath import totp

from tests.conftest import Database

EMAIL, PASSWORD, SECRET = "ada@staff.example", "correct horse battery", bytes(range(20))


def code(steps: int = 0, secret: bytes = SECRET) -> str:
    """The authenticator's code of now, or of some half minutes later."""
    return f"{totp(secret, drift=steps):06d}"


@dataclass
class Desk:
    """A browser in front of the staff's site."""

    client: Client = field(default_factory=lambda: Client())

    def try_in(self, email: str = EMAIL, password: str = PASSWORD, token: str | None = None, **extra: Any) -> Any:
        form = {"username": email, "password": password, "code": code() if token is None else token, "next": "/admin/"}
        return self.client.post("/admin/login/", form, **extra)

    def get(self, path: str, **params: Any) -> Any:
        return self.client.get(path, params)

    def post(self, path: str, **form: Any) -> Any:
        return self.client.post(path, form)

    @property
    def is_in(self) -> bool:
        return self.get("/admin/").status_code == 200


@pytest.fixture(autouse=True)
def quick_hashes() -> Iterator[None]:
    """The real hasher takes half a second a password, by design."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture
def staff_site(database: Database) -> Iterator[Database]:
    """This process serves the staff's site from now on, as its role."""
    with override_settings(**project.STAFF_SITE):
        clear_url_caches()
        with database.role("staff"):
            yield database
    clear_url_caches()


@pytest.fixture
def account(database: Database) -> int:
    """A member of staff who has all roles; the answer is their number."""
    from console import services
    from core.actor import SYSTEM, actor
    from users.models import User

    with database.role("worker"):
        services.create_staff(email=EMAIL, roles=services.ROLES, password=PASSWORD, secret=SECRET)
        with actor(SYSTEM):
            return int(User.objects.get(email=EMAIL).pk)


@pytest.fixture
def outside(account: int, staff_site: Database) -> Desk:
    """Somebody in front of the log-in page."""
    return Desk()


@pytest.fixture
def desk(outside: Desk) -> Desk:
    """A member of staff who is logged in."""
    answer = outside.try_in()
    assert answer.status_code == 302, answer.content.decode()
    return outside


@dataclass
class World:
    """A few people with a payment of each kind, a bank transfer with its timeline, an event and what it all posted."""

    maya: Any
    theo: Any
    public: str
    private: str
    load: str
    wallet: str
    maya_id: str
    transfer: str
    private_transfer: str


@pytest.fixture
def world(database: Database, make_person: Any) -> World:
    from core.actor import actor
    from payments import services as payments
    from users.models import User
    from wallets.models import Wallet

    with database.role("web"):
        maya, theo = make_person("maya", 200_000), make_person("theo", 5_000)

        def pay(amount: int, note: str, visibility: str) -> str:
            answer = payments.pay(payer_id=maya.id, to="theo", amount=amount, note=note, visibility=visibility, key=None)
            return str(answer.body["id"])

        public, private = pay(123_450, "pizza friday", "public"), pay(777, "a secret gift", "private")
        with actor(maya.id):
            wallet, me = Wallet.objects.get(user_id=maya.id).public_id, User.objects.get(pk=maya.id).public_id
    load = _load(database, maya.id)
    rows = dict(database.as_superuser("select public_id, transfer::text from payments_payment"))
    return World(maya, theo, public, private, load, wallet, me, rows[public], rows[private])


def _load(database: Database, user_id: int) -> str:
    """A settled load as rows: what the rail did is banking's to test."""
    sql = database.as_superuser
    (item,) = sql(
        "insert into banking_bankitem (user_id, public_id, token_index, institution_id, institution, status)"
        " values (%s, 'itm_1', 'i', 'ins_1', 'Tartan Bank', 'active') returning id", [user_id])[0]  # fmt: skip
    (account,) = sql(
        "insert into banking_bankaccount (user_id, public_id, item_id, account_id, name, mask, kind, status)"
        " values (%s, 'ba_1', %s, 'a', 'Checking', '4772', 'checking', 'active') returning id",
        [user_id, item])[0]  # fmt: skip
    (transfer,) = sql(
        "insert into banking_banktransfer (public_id, user_id, bank_account_id, kind, amount, rail, status, rail_key,"
        " expected_on, attempts, failure_code) values ('ld_1', %s, %s, 'load', 10000, 'dwolla', 'requested',"
        " gen_random_uuid(), current_date, 0, '') returning id", [user_id, account])[0]  # fmt: skip
    move = "insert into banking_transfermove (user_id, transfer_id, status, cause, evidence) values (%s, %s, %s, %s, %s)"
    sql(move, [user_id, transfer, "requested", "person", "{}"])
    sql(move, [user_id, transfer, "submitted", "worker", '{"external_id": "tr-4711"}'])
    event = "insert into banking_inboxevent (provider, event_id, topic, body) values ('dwolla', 'ev-1', %s, 'secret body')"
    sql(event, ["customer_transfer_created"])
    return "ld_1"
