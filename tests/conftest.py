"""What the suite stands on: a database of its own for each test, cloned from the migrated template, reached under
the application's own roles. Commits are real, so nothing has to be rolled back and nothing is flushed.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg2
import pytest
from django.db import connection, connections

from core.roles import attach_roles
from paya.local import database as local_database
from tests.stack import stack as stack  # a fixture, one for all that use it

TEMPLATE = "paya_test"
ADMIN_URL = os.environ["PAYA_TEST_ADMIN_URL"]


# What shares one running thing (a whole PaYa, a sandbox on the port of the settings) stays together on one worker of
# xdist; other files are spread one by one, so that what a file shares is made once.
SHARED = dict.fromkeys(("browser", "campaigns", "contract", "live"), "stack") | {"banking": "sandbox"}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling

    class ByShared(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return SHARED.get(file.split("/")[-2], file)

    return ByShared(config, log)


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """The template was migrated by bin/test; pytest-django has nothing to make."""


@dataclass
class Database:
    """A clone of the template. Django's connections go to it, as the role that `become` or `role` name."""

    name: str
    current: str = "web"

    def url(self, role: str) -> str:
        return local_database.with_database(os.environ[f"PAYA_TEST_URL_{role.upper()}"], self.name)

    def become(self, role: str) -> None:
        """From now on this process speaks to the database as this role (new threads as well)."""
        parts = urlsplit(self.url(role))
        connection.close()
        connections.settings["default"].update(
            NAME=self.name, USER=parts.username, PASSWORD=parts.password, **_host_and_port(self.url(role))
        )
        connection.settings_dict.update(connections.settings["default"])
        self.current = role

    @contextmanager
    def role(self, role: str) -> Iterator[None]:
        """Do something as another process would."""
        before = self.current
        self.become(role)
        try:
            yield
        finally:
            self.become(before)

    def connect(self, role: str) -> Any:
        """A bare psycopg2 connection as a role, in autocommit."""
        raw = psycopg2.connect(self.url(role))
        raw.autocommit = True
        return raw

    def as_superuser(self, sql: str, params: Any = None) -> list[Any]:
        """What only somebody with the keys to the machine could do (tampering, looking everywhere)."""
        raw = psycopg2.connect(local_database.with_database(ADMIN_URL, self.name))
        raw.autocommit = True
        try:
            with raw.cursor() as cursor:
                cursor.execute(sql, params)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            raw.close()


def _host_and_port(url: str) -> dict[str, Any]:
    dsn = psycopg2.extensions.parse_dsn(url)
    return {"HOST": dsn.get("host", ""), "PORT": dsn.get("port", "")}


@contextmanager
def cloned_database() -> Iterator[Database]:
    name = f"paya_t_{uuid4().hex[:12]}"
    admin = psycopg2.connect(local_database.with_database(ADMIN_URL, "postgres"))
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}" STRATEGY FILE_COPY')
    admin.autocommit = False
    attach_roles(admin, name, logins_of=TEMPLATE)
    admin.autocommit = True
    database = Database(name)
    try:
        yield database
    finally:
        connection.close()
        with admin.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        admin.close()


@pytest.fixture
def database(django_db_blocker: Any) -> Iterator[Database]:
    """A database of the test's own; the process starts out as web."""
    from core.keyring import forget_cached_keys

    forget_cached_keys()  # each clone numbers its keys from one
    with cloned_database() as clone, django_db_blocker.unblock():
        clone.become("web")
        yield clone


# --------------------------------------------------------------------------------------------------------- people
@dataclass(frozen=True)
class PersonForTest:
    id: int
    username: str
    phone: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


MakePerson = Callable[..., PersonForTest]


@pytest.fixture
def make_person(database: Database) -> MakePerson:
    """Make a person through the product's services: signed up, welcomed, with an access token and money in cents."""
    from django.db import transaction

    from core.ids import new_reference
    from tests.helpers import open_session
    from users import services as users

    numbers = iter(range(1, 1000))

    def make(username: str, money: int = 0, *, visibility: str = "public", name: str | None = None) -> PersonForTest:
        phone = f"+1212555{next(numbers):04d}"
        with transaction.atomic():
            user_id = users.sign_up(phone=phone).id
        users.welcome(
            user_id=user_id, username=username, display_name=name or username.title(), default_visibility=visibility
        )
        token = open_session(user_id)
        if money:
            from core.actor import SYSTEM, actor
            from wallets import services as wallets

            with database.role("worker"), actor(SYSTEM):
                wallets.mint(user_id=user_id, reference=new_reference(), amount=money)
        return PersonForTest(user_id, username, phone, token)

    return make


@pytest.fixture
def api() -> Any:
    """Django's test client as an API client: JSON in, JSON out, no session."""
    from tests.helpers import Api

    return Api()
