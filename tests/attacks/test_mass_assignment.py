"""Mass assignment: fields that nobody asked for, in every body: all columns of all tables of people. None of them is written."""

import json
from typing import Any

import pytest

from tests.conftest import Database
from tests.helpers import Api
from tests.rls.test_endpoints import BODIES, Endpoint, endpoints
from tests.rls.test_matrix import address, again, body_of, call
from tests.rls.world import Belongings

WRITES = [
    one for one in endpoints() if one.method in ("POST", "PUT", "PATCH") and str(one) in BODIES and "logout" not in one.route
]  # fmt: skip
SENTINEL_TEXT, SENTINEL_NUMBER = "massassigned", 8_675_309
MORE = ["is_staff", "is_superuser", "kind", "user_id", "owner", "role", "roles", "admin", "pk", "_state", "__class__"]


@pytest.fixture(scope="module")
def columns(database: Database) -> list[str]:
    rows = database.as_superuser(
        "select distinct attname::text from pg_attribute a join pg_class c on c.oid = a.attrelid"
        " where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped"
        " and c.relname ~ '^(users|wallets|payments|banking|compliance|privacy|rewards)_'"
    )
    return [row[0] for row in rows] + MORE


def traces(database: Database) -> list[str]:
    """Tables with a row that holds a sentinel."""
    tables = [row[0] for row in database.as_superuser(
        "select oid::regclass::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"
    )]  # fmt: skip
    # What was asked is kept as a hash with its key; the outbox holds ids.
    union = " union all ".join(
        f"select '{table}' from {table} t where t::text ~ '{SENTINEL_TEXT}|{SENTINEL_NUMBER}' group by 1" for table in tables
    )
    return [row[0] for row in database.as_superuser(union)]


def state(database: Database, who: Belongings) -> list[Any]:
    return database.as_superuser(
        "select u.kind, u.is_superuser, u.is_active, u.public_id, w.frozen, w.account, a.balance"
        " from users_user u join wallets_wallet w on w.user_id = u.id join ledger_account a on a.id = w.account"
        " where u.id = %s", [who.person.id],
    )  # fmt: skip


@pytest.mark.parametrize("endpoint", WRITES, ids=str)
def test_a_field_that_nobody_asked_for_is_not_written(
    database: Database, victim: Belongings, attacker: Belongings, columns: list[str], endpoint: Endpoint
) -> None:
    body = body_of(endpoint, attacker, victim) or {}
    extra = {name: SENTINEL_NUMBER if number % 2 else SENTINEL_TEXT for number, name in enumerate(columns) if name not in body}
    extra |= {"user_id": victim.person.id, "is_superuser": True, "is_staff": True}
    # Fields that the address does take are not extra, wherever they mean something (a note, a name): left as they are.
    for name in TAKEN:
        extra.pop(name, None)
    before = state(database, attacker)[0][:6]
    answer = call(endpoint, address(endpoint, attacker, victim), {**extra, **body}, person=again(attacker))
    assert answer.status_code < 500 or answer.status_code == 503
    assert traces(database) == []
    assert state(database, attacker)[0][:6] == before


# What some body takes by this name, optional there and so not in its example.
TAKEN = ("note", "display_name", "default_visibility", "username", "device_name", "account_id", "message", "reason", "default")


def test_me_takes_three_fields(database: Database, attacker: Belongings, columns: list[str]) -> None:
    before = state(database, attacker)
    extra: dict[str, Any] = {name: SENTINEL_TEXT for name in columns if name not in TAKEN}
    answer = Api().patch("/v1/me", {**extra, "tier": 3, "frozen": 0, "balance": 10**9}, person=again(attacker))
    assert SENTINEL_TEXT not in json.dumps(answer.json())
    assert state(database, attacker) == before
    assert traces(database) == []


def test_a_field_that_is_written_is_noticed(database: Database, attacker: Belongings) -> None:
    """The control."""
    Api().patch("/v1/me", {"display_name": SENTINEL_TEXT}, person=again(attacker))
    assert traces(database) == ["users_profile"]
    Api().patch("/v1/me", {"display_name": "Plain"}, person=again(attacker))
