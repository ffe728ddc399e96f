"""Every endpoint by (owner, other, anonymous, staff), with and without the application's own conditions on a row's owner.

The endpoints come from the URLconf, by way of test_endpoints: one that is new fails there until it is said how it is called, and
here until it is said what its address is filled with (tests/rls/world.py). Whose everything is comes from the catalogue.
"""

import contextlib
import inspect
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client

from core.actor import SYSTEM, actor
from core.errors import NotFound
from core.ids import new_id
from paya.celery import app
from tests.conftest import Database, PersonForTest
from tests.helpers import Api, open_session
from tests.payments.people import browser, person
from tests.rls.foreign import Owners, mark, no_filters, owners, without_conditions
from tests.rls.test_endpoints import BODIES, FOR_STRANGERS_TOO, PUBLIC, QUERIES, Endpoint, endpoints
from tests.rls.world import Belongings, things
from users import tokens

# Variables of an address that name nobody's thing: a week, a year, a published text.
NOBODYS = ("week", "year", "name")
# Fields of a body that name a thing: they are filled with the owner's, whoever asks.
NAMED = {"bank_account": "account_id"}
REFUSED = (400, 403, 404, 409)


@pytest.fixture(scope="module")
def owner(database: Database) -> Belongings:
    """Somebody whose things everybody is after."""
    return _belongings(database)


@pytest.fixture(scope="module")
def other(database: Database) -> Belongings:
    return _belongings(database)


@pytest.fixture(scope="module")
def staff(database: Database, owner: Belongings) -> Client:
    """A member of staff with all that they could bring: a device that somebody smuggled in, and its session."""
    from console import services

    with database.role("worker"):
        services.create_staff(email="eve@staff.example", password="correct horse battery", secret=bytes(20))
    [[staff_id, public_id]] = database.as_superuser("select id, public_id from users_user where email = 'eve@staff.example'")
    device = "dev_00000000000000000000000000"
    columns = "public_id, user_id, name, user_agent, network"
    database.as_superuser(f"insert into users_device ({columns}) values (%s, %s, 'x', '', '')", [device, staff_id])
    client = browser(owner.person)  # its cookie is overwritten below
    from core.sessions import SessionStore

    store = SessionStore()
    store["device"] = device
    store.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = store.session_key
    client.cookies[settings.STAFF_SITE["SESSION_COOKIE_NAME"]] = store.session_key
    client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {tokens.access_token(user_public_id=public_id, device_public_id=device)}"
    return client


def _belongings(database: Database) -> Belongings:
    me, payee = person(database, 5_000), person(database)
    return things(database, me, payment=_paid(me, payee))


def _paid(me: PersonForTest, payee: PersonForTest) -> str:
    body = {"to": payee.username, "amount": 100, "note": mark(me.id, payee.id), "visibility": "private"}
    return str(Api().post("/v1/payments", body, person=me, key=uuid4().hex).json()["id"])


# ------------------------------------------------------------------------------------------------------- calling
def address(endpoint: Endpoint, whose: Belongings, other: Belongings) -> str:
    path = whose.fill(endpoint.route + QUERIES.get(str(endpoint), ""))
    return f"/{path}".replace("{other}", other.person.username)


def body_of(endpoint: Endpoint, whose: Belongings, other: Belongings) -> dict[str, Any] | None:
    if endpoint.method == "GET":
        return None
    filled = {}
    for name, value in BODIES[str(endpoint)].items():
        value = whose.ids[NAMED[name]] if name in NAMED else value
        filled[name] = value.format(other=other.person.username, key=uuid4()) if isinstance(value, str) else value
    return filled


def call(endpoint: Endpoint, path: str, body: Any, *, person: PersonForTest | None = None, client: Client | None = None) -> Any:
    """As this person, or with what this client brings."""
    if endpoint.route.startswith("v1/"):
        if client is None:
            return Api().request(endpoint.method, path, body, person=person, key=uuid4().hex)
        data = json.dumps(body) if body is not None else ""
        headers = {"Idempotency-Key": uuid4().hex}
        return client.generic(endpoint.method, path, data, content_type="application/json", headers=headers)
    client = client or (browser(person) if person else Client())
    return client.get(path) if endpoint.method == "GET" else client.post(path, body)


def again(one: Belongings) -> PersonForTest:
    """The same person with a new device: some addresses end the one that they are called from."""
    return replace(one.person, token=open_session(one.person.id))


def text_of(answer: Any) -> str:
    return answer.getvalue().decode(errors="replace") + answer.get("Location", "")


def rows_of(database: Database, whose: Belongings) -> str:
    """A print of every row of this person's in all tables that have one; of devices, which calls here bring along, of theirs."""
    user_id = whose.person.id
    if not _tables:
        _tables.extend(
            database.as_superuser(
                "select c.relname::text, a.attname::text from pg_class c join pg_attribute a on a.attrelid = c.oid"
                " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition"
                " and a.attname in ('user_id', 'payer_id', 'payee_id') and c.relname <> 'users_device'"
            )
        )
    union = " union all ".join(
        f"select '{table}' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {table} t"
        f" where {column} = {user_id}"
        for table, column in _tables
    )
    union += f" union all select public_id || revoked_at from users_device where public_id = '{whose.ids['device']}'"
    return repr(sorted(map(str, database.as_superuser(union))))


_tables: list[tuple[str, str]] = []


@pytest.fixture(scope="module")
def known(database: Database, owner: Belongings, other: Belongings) -> Owners:
    """Whose everything is."""
    return owners(database)


PERSONAL = [one for one in endpoints() if one.route not in PUBLIC]
NAMING = [one for one in PERSONAL if re.search(r"<\w+:(?!(?:week|year|name)>)", one.route)]
MODES = {"with its conditions": contextlib.nullcontext, "without its conditions": no_filters}
both_ways = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)


def test_the_lists_have_what_we_know_to_be_there() -> None:
    assert len(PERSONAL) > 60
    assert {"GET /v1/payments/<str:payment>", "DELETE /v1/devices/<str:device>", "POST /loads/<str:transfer_id>/cancel"} <= set(
        map(str, NAMING)
    )


# --------------------------------------------------------------------------------------------------- the matrix
# It says the same whether the device was ended before or is not there: what was wanted.
SAYS_NOTHING = {"POST /settings/devices/<str:device>/logout": 302}


@both_ways
@pytest.mark.parametrize("endpoint", NAMING, ids=str)
def test_what_is_the_owners_does_not_exist_for_another(
    database: Database, owner: Belongings, other: Belongings, known: Owners, mode: Any, endpoint: Endpoint
) -> None:
    path, me = address(endpoint, owner, other), again(other)
    before = rows_of(database, owner)
    with mode():
        answer = call(endpoint, path, body_of(endpoint, owner, other), person=me)
    assert answer.status_code == SAYS_NOTHING.get(str(endpoint), 404), text_of(answer)[:300]
    assert known.foreign_in(text_of(answer), me.id, given=path) == []
    assert rows_of(database, owner) == before


@both_ways
@pytest.mark.parametrize("endpoint", [one for one in PERSONAL if one not in NAMING], ids=str)
def test_where_nothing_is_named_each_gets_their_own(
    database: Database, owner: Belongings, other: Belongings, known: Owners, mode: Any, endpoint: Endpoint
) -> None:
    """Other asks; a body that can name a thing names the owner's."""
    path, body = address(endpoint, other, owner), body_of(endpoint, owner, other)
    me = person(database, username=None) if str(endpoint) == "POST /welcome" else again(other)
    before = rows_of(database, owner)
    with mode():
        answer = call(endpoint, path, body, person=me)
    assert answer.status_code < 500 or answer.status_code == 503, text_of(answer)[:300]  # nobody listens at the vendor's
    if body and NAMED.keys() & body.keys():
        assert answer.status_code in REFUSED, text_of(answer)[:300]
    assert known.foreign_in(text_of(answer), me.id, given=path + json.dumps(body)) == []
    # Whoever is paid has a payment more; nothing else of theirs is another's to change.
    assert rows_of(database, owner) == before or str(endpoint) in ("POST /v1/payments", "POST /pay")


@pytest.mark.parametrize("endpoint", PERSONAL, ids=str)
def test_nobody_and_staff_are_turned_away(
    database: Database, owner: Belongings, other: Belongings, staff: Client, known: Owners, endpoint: Endpoint
) -> None:
    path, body = address(endpoint, owner, other), body_of(endpoint, owner, other)
    before = rows_of(database, owner)
    for client in (Client(), staff):
        with no_filters():
            answer = call(endpoint, path, body, client=client)
        if endpoint.route.startswith("v1/"):
            assert answer.status_code == 401, text_of(answer)[:300]
        elif str(endpoint) not in FOR_STRANGERS_TOO:
            assert answer.status_code == 302
            assert answer["Location"].startswith("/login")
        assert known.foreign_in(text_of(answer), -1, given=path) == []
    assert rows_of(database, owner) == before


# A receipt takes an attestation, and a copy of one's data a worker and a signed address.
NOT_YET = ("receipt", "export_id>/file", "privacy/copy/<")


@pytest.mark.parametrize("endpoint", [one for one in PERSONAL if one.method == "GET"], ids=str)
def test_the_owner_is_answered_alike(
    owner: Belongings, other: Belongings, known: Owners, endpoint: Endpoint
) -> None:
    """The control of what is refused above: with the same address its owner gets an answer, and nobody else's rows in it."""
    path = address(endpoint, owner, other)
    with no_filters():
        answer = call(endpoint, path, None, person=owner.person)
    if endpoint in NAMING and not any(part in endpoint.route for part in NOT_YET):
        assert answer.status_code == 200, text_of(answer)[:300]
    assert answer.status_code < 500 or answer.status_code == 503
    assert known.foreign_in(text_of(answer), owner.person.id, given=path) == []


@pytest.mark.parametrize("endpoint", [one for one in endpoints() if one.method == "GET" and one.route in PUBLIC], ids=str)
def test_what_is_public_shows_nothing_of_anybodys(known: Owners, endpoint: Endpoint) -> None:
    with no_filters():
        answer = Client().get("/" + endpoint.route.replace("<str:name>", "2026-03-01").partition("(")[0].lstrip("^"))
    assert answer.status_code < 500 or endpoint.route == "readyz"  # what is down, it says
    assert known.foreign_in(text_of(answer), -1) == []


# --------------------------------------------------------------------------------------------- what is no address
@both_ways
def test_a_socket_says_nothing_of_what_is_somebody_elses(owner: Belongings, other: Belongings, known: Owners, mode: Any) -> None:
    """Events that name the owner's things, at the other's socket, in all words that there are."""
    import paya.words  # noqa: F401
    from users.models import Device
    from wallets import consumers

    with actor(other.person.id):
        device = Device.objects.create(public_id=new_id("dev"), user_id=other.person.id, name="x").pk
    assert len(consumers._words) > 5
    for kind, ref in itertools.product(consumers._words, owner.ids.values()):
        frames: Any = []
        with mode(), contextlib.suppress(NotFound):  # then the hub goes on without this event
            frames = consumers.frames_for(other.person.id, device, [{"kind": kind, "ref": ref}])
        assert frames is not None
        assert known.foreign_in(json.dumps(frames), other.person.id, given=ref) == [], kind


def test_everything_that_can_be_read_as_a_person_is_theirs(
    database: Database, owner: Belongings, other: Belongings, known: Owners
) -> None:
    """No condition at all, on every table: web and worker, as one person."""
    for role in ("web", "worker"):
        with database.role(role), actor(other.person.id), connection.cursor() as cursor:
            cursor.execute(
                "select c.relname, string_agg(quote_ident(a.attname), ', ') from pg_class c"
                " join pg_attribute a on a.attrelid = c.oid where c.relnamespace = 'public'::regnamespace"
                " and c.relkind in ('r', 'p') and c.relrowsecurity and a.attname in ('user_id', 'public_id', 'note')"
                " and has_column_privilege(c.oid, a.attnum, 'select') group by c.relname"
            )
            tables = [row for row in cursor.fetchall() if row[0] not in ("users_profile", "payments_feeditem")]
            assert len(tables) > 8
            for table, columns in tables:
                cursor.execute(f"select {columns} from {table}")
                said = " ".join(map(str, itertools.chain.from_iterable(cursor.fetchall())))
                assert known.foreign_in(said, other.person.id) == [], table


ROOMS = (
    "core", "ledger", "users", "wallets", "compliance", "payments", "banking", "rewards", "transparency", "privacy", "home",
    "console",
)  # fmt: skip


def test_tasks_are_told_ids_and_nothing_of_anybodys() -> None:
    app.loader.import_default_modules()
    ours = {name: task for name, task in app.tasks.items() if name.split(".")[0] in ROOMS}
    assert len(ours) > 10
    for name, task in ours.items():
        for argument, kind in inspect.get_annotations(task.run, eval_str=True).items():
            assert argument == "return" or kind in (int, list[int]), f"{name}({argument}: {kind}) lies in Redis for all to read"


# Commands as somebody in a web process could try them, with what they would need.
COMMANDS: dict[str, list[str]] = {
    "demo_people": [], "freeze_wallet": ["{owner}", "all", "--reason", "x"], "audit_ledger": [], "close_week": [],
    "distribute_rewards": [], "create_staff": ["eve2@staff.example"],
}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_under_the_role_of_web_gets_nothing(
    database: Database, owner: Belongings, known: Owners, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    before = rows_of(database, owner)
    with contextlib.suppress(Exception, SystemExit):
        call_command(command, *[part.replace("{owner}", owner.person.username) for part in COMMANDS[command]])
    said = "".join(capsys.readouterr())
    assert known.foreign_in(said, -1) == []
    assert owner.person.phone not in said
    assert rows_of(database, owner) == before
    assert database.as_superuser("select from users_user where email = 'eve2@staff.example'") == []


# ---------------------------------------------------------------------------------------------------- the controls
def test_conditions_are_taken_out() -> None:
    orm = 'SELECT "d"."id" FROM "users_device" WHERE ("users_device"."public_id" = %s AND "users_device"."user_id" = %s)'
    assert without_conditions(orm).endswith('("users_device"."public_id" = %s AND (%s is not null))')
    raw = "select 1 from t where p.id = %s and %s in (p.payer_id, p.payee_id)"
    assert without_conditions(raw).endswith("p.id = %s and (%s is not null)")
    change = "update t set user_id = %s where "
    assert without_conditions(change + "user_id = %s") == change + "(%s is not null)"
    public = 'SELECT * FROM "users_profile" WHERE "users_profile"."user_id" = %s'
    assert without_conditions(public) == public


@pytest.fixture
def no_policies(database: Database) -> Iterator[None]:
    tables = [
        row[0] for row in database.as_superuser(
            "select oid::regclass::text from pg_class where relnamespace = 'public'::regnamespace and relrowsecurity"
        )
    ]  # fmt: skip
    database.as_superuser("; ".join(f"alter table {table} disable row level security" for table in tables))
    yield
    database.as_superuser("; ".join(f"alter table {table} enable row level security" for table in tables))


CONTROLS = [
    "GET /v1/payments/<str:payment>", "GET /v1/loads/<str:transfer_id>", "DELETE /v1/devices/<str:device>", "GET /v1/payments",
]  # fmt: skip


@pytest.mark.parametrize("endpoint", CONTROLS)
def test_without_both_the_tests_above_would_notice(
    owner: Belongings, other: Belongings, known: Owners, no_policies: None, endpoint: str
) -> None:
    """No conditions and no policies: the other gets the owner's rows. With the conditions alone they do not."""
    one = Endpoint(*endpoint.replace(" /", " ").split())
    path = address(one, owner, other)
    me, seen = again(other), {}
    for name, mode in MODES.items():
        with mode():
            answer = call(one, path, body_of(one, owner, other), person=me)
        foreign = known.foreign_in(text_of(answer), me.id)
        seen[name] = answer.status_code < 300 and (bool(foreign) or one.method == "DELETE")
    assert seen == {"with its conditions": False, "without its conditions": True}


def test_rows_that_change_are_noticed(database: Database, owner: Belongings) -> None:
    before = rows_of(database, owner)
    with database.role("worker"), actor(SYSTEM), connection.cursor() as cursor:
        cursor.execute("update banking_bankaccount set name = name || '!' where user_id = %s", [owner.person.id])
    assert rows_of(database, owner) != before
