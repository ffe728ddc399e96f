"""What the suite stands on: a database of its own for each test, as the migrated template is, reached under the
application's own roles. Commits are real, so nothing has to be rolled back; rows are put back (tests/recycled.py).
"""

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg2
import pytest
import redis
from django.conf import settings as django_settings
from django.db import connection, connections
from hypothesis import HealthCheck, settings

from core.roles import attach_roles
from paya.local import database as local_database
from tests import recycled
from tests.stack import stack as stack  # a fixture, one for all that use it

# Machines are noisy: how long an example takes, or is made, decides about no test.
settings.register_profile("noisy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("noisy")

TEMPLATE = "paya_test"
ADMIN_URL = os.environ["PAYA_TEST_ADMIN_URL"]


# What shares one running thing (a whole PaYa, a sandbox on the port of the settings) stays together on one worker of
# xdist; other files are spread one by one, so that what a file shares is made once.
SHARED = dict.fromkeys(("browser", "contract", "live", "campaigns/test_on_the_stack.py"), "stack") | {"banking": "sandbox"}
# Whatever takes longest begins first: begun last it would run alone, with a core that has nothing to do.
LONGEST = [
    "stack", "sandbox", "tests/local/test_stack.py", "tests/campaigns/test_campaigns.py", "tests/keys/test_rotation.py",
    "tests/keys/test_production.py", "tests/sandbox/test_stripe.py",
]  # fmt: skip


def scope_of(nodeid: str) -> str:
    """What stays on one worker together with this test."""
    file = nodeid.partition("::")[0]
    folder, name = file.split("/")[-2:]
    return SHARED.get(folder) or SHARED.get(f"{folder}/{name}", file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling

    class ByShared(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    config.option.loadscopereorder = False  # the order is ours, not that of the number of tests
    return ByShared(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {scope: number for number, scope in enumerate(LONGEST)}
    # Campaigns on the running PaYa leave people with debts, for which the reserve is short: nobody comes after them.
    items.sort(key=lambda item: (rank.get(scope_of(item.nodeid), len(rank)), "/campaigns/" in item.nodeid))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Function) -> Iterator[None]:
    """The whole PaYa ends with the last test that needs it: a dozen processes that only wait still take their share."""
    running = item.funcargs.get("stack")
    yield
    if running is not None and item is next(one for one in reversed(item.session.items) if "stack" in one.fixturenames):
        running.stop()


def pytest_configure() -> None:
    """Every test client loads the middleware anew, and WhiteNoise would read a thousand static files' dates each time."""
    django_settings.WHITENOISE_AUTOREFRESH = True  # it looks when it is asked


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """The template was migrated by bin/test; pytest-django has nothing to make."""


@dataclass
class Database:
    """A clone of the template. Django's connections go to it, as the role that `become` or `role` name."""

    name: str
    current: str = "web"
    # Connections that nobody uses just now. Whoever comes back finds theirs as warm as a process of its own would have it:
    # to log in and to read the catalogue once more costs more than what most tests ask.
    _parked: dict[str, Any] = field(default_factory=dict)
    _superusers: list[Any] = field(default_factory=list)

    def url(self, role: str) -> str:
        return local_database.with_database(os.environ[f"PAYA_TEST_URL_{role.upper()}"], self.name)

    def become(self, role: str) -> None:
        """From now on this process speaks to the database as this role (new threads as well)."""
        parts = urlsplit(self.url(role))
        self._park()
        connections.settings["default"].update(
            NAME=self.name, USER=parts.username, PASSWORD=parts.password, **_host_and_port(self.url(role))
        )
        connection.settings_dict.update(connections.settings["default"])
        if role in self._parked:
            connection.connection, connection.autocommit = self._parked.pop(role), True
        self.current = role

    def _park(self) -> None:
        """Lay this thread's connection aside; one that is in the middle of something, or somebody else's, is closed."""
        raw = connection.connection
        idle = raw is not None and not raw.closed and raw.autocommit and not connection.in_atomic_block
        ours = idle and (raw.info.dbname, raw.info.user) == (self.name, urlsplit(self.url(self.current)).username)
        if ours and self.current not in self._parked:
            connection.connection = None
            self._parked[self.current] = raw
        else:
            connection.close()

    def close(self) -> None:
        """End this thread's connection and those that were laid aside."""
        connection.close()
        for raw in (*self._parked.values(), *self._superusers):
            raw.close()

    def lay_aside(self, superuser: Any) -> None:
        """A connection of `connect_as_superuser` that is not needed any more."""
        self._superusers.append(superuser)

    def put_back(self, catalogue: str) -> bool:
        """Make the rows what they were; False where that cannot be (tests/recycled.py). Connections that are at rest stay."""
        self._park()
        self._parked = {role: raw for role, raw in self._parked.items() if not raw.closed}
        try:
            for raw in self._superusers:
                with raw.cursor() as cursor:
                    cursor.execute("reset all")  # what a test has set for itself, like triggers that are silent
        except psycopg2.Error:
            return False
        raw = self._superusers[0]
        return recycled.put_back(raw, [kept.info.backend_pid for kept in (*self._parked.values(), *self._superusers)], catalogue)

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

    def connect_as_superuser(self) -> Any:
        """A bare connection as the one who owns the machine, in autocommit."""
        raw = psycopg2.connect(local_database.with_database(ADMIN_URL, self.name))
        raw.autocommit = True
        return raw

    def as_superuser(self, sql: str, params: Any = None) -> list[Any]:
        """What only somebody with the keys to the machine could do (tampering, looking everywhere)."""
        raw = self._superusers.pop() if self._superusers else self.connect_as_superuser()
        try:
            with raw.cursor() as cursor:
                cursor.execute(sql, params)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            self._superusers.append(raw)


def _host_and_port(url: str) -> dict[str, Any]:
    dsn = psycopg2.extensions.parse_dsn(url)
    return {"HOST": dsn.get("host", ""), "PORT": dsn.get("port", "")}


@cache
def _admin() -> Any:
    """Who makes and drops databases: one connection for the whole process."""
    return psycopg2.connect(local_database.with_database(ADMIN_URL, "postgres"))


def _administer(statement: str) -> None:
    _admin().autocommit = True  # a database is made and dropped in no transaction
    with _admin().cursor() as cursor:
        cursor.execute(statement)
    _admin().autocommit = False


def _make_database() -> Database:
    name = f"paya_t_{uuid4().hex[:12]}"
    _administer(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}" STRATEGY FILE_COPY')
    attach_roles(_admin(), name, logins_of=TEMPLATE)
    return Database(name)


def _drop(database: Database) -> None:
    database.close()
    _administer(f'DROP DATABASE IF EXISTS "{database.name}" WITH (FORCE)')


@contextmanager
def cloned_database() -> Iterator[Database]:
    database = _make_database()
    try:
        yield database
    finally:
        _drop(database)


@dataclass
class _Recycled:
    """The database that this process hands from test to test (tests/recycled.py)."""

    database: Database | None = None
    catalogue: str = ""

    def take(self) -> Database:
        if self.database is None:
            self.database = _make_database()
            raw = self.database.connect_as_superuser()
            recycled.keep_seed(raw)
            self.catalogue = recycled.catalogue(raw)
            self.database.lay_aside(raw)
        return self.database

    def give_back(self) -> None:
        assert self.database is not None
        _forget_what_redis_knows_of(self.database)
        if not self.database.put_back(self.catalogue):
            self.end()

    def end(self) -> None:
        if self.database is not None:
            _drop(self.database)
            self.database = None


_recycled = _Recycled()


def _forget_what_redis_knows_of(database: Database) -> None:
    """Answers that are kept for a while, and vendors that are down, carry the database's name."""
    from core import resilience

    resilience.forget_failures()
    with suppress(redis.RedisError), redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=2) as client:
        for key in client.scan_iter(f"paya:*{database.name}*", count=1000):
            client.delete(key)


@pytest.fixture(scope="session", autouse=True)
def _end_of_recycling() -> Iterator[None]:
    yield
    _recycled.end()


@pytest.fixture
def database(django_db_blocker: Any) -> Iterator[Database]:
    """A database of the test's own, as migrated; the process starts out as web."""
    from core.keyring import forget_cached_keys

    forget_cached_keys()  # each begins to number its keys from one
    with django_db_blocker.unblock():
        own = _recycled.take()
        own.become("web")
        yield own
        _recycled.give_back()


def restore_limits(database: Database) -> None:
    """The limits with which PaYa begins; the template has them taken away (paya/local/testing.py)."""
    database.as_superuser(
        "insert into compliance_limit (name, tier, value, effective_at, reason)"
        " select name, tier, value, '2000-01-03Z', 'Back again' from compliance_limit where reason = 'As PaYa began'"
    )


@pytest.fixture
def default_limits(database: Database) -> None:
    """What this test's people may move is limited as it is in earnest."""
    restore_limits(database)


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


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What was imported and collected stays until the end: the garbage collector need not walk through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
