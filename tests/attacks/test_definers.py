"""Functions that run with the engine's rights, which no row policy holds back: each asks for itself who is asking.

Every one that the web role may call and that takes a person is called by one person for another. From the catalogue: one that is
new is called as well.
"""

import re
from typing import Any

import psycopg2
import pytest

from tests.conftest import Database
from tests.rls.foreign import Owners, owners
from tests.rls.test_matrix import rows_of
from tests.rls.world import Belongings

PERSON = re.compile(r"p_(user|actor|payer|person|owner|me|holder)(_id)?$")
ABOUT = "select proname, coalesce(proargnames, '{}'), pronargs, proargtypes::regtype[]::text[] from pg_proc"
# What a payment's first trip says first: who acts, as set_config does. Whoever may say that may say anything.
SAY_WHO_ACTS = {"payments_begin"}
# Something of each type, so that a call gets past the first look at its arguments.
VALUES = {
    "bigint": "1", "integer": "1", "smallint": "1::smallint", "text": "'x'", "uuid": "gen_random_uuid()", "boolean": "true",
    "timestamp with time zone": "clock_timestamp()", "date": "current_date", "jsonb": "'{}'::jsonb", "bytea": "'\\x00'::bytea",
    "interval": "interval '1 day'", "numeric": "1", "json": "'{}'::json",
}  # fmt: skip


def taking_a_person(database: Database) -> dict[str, str]:
    """Name and call of every definer function of web's that takes a person; PERSON stands for them."""
    rows = database.as_superuser(
        f"{ABOUT} where pronamespace = 'public'::regnamespace and prosecdef and prorettype <> 'trigger'::regtype"
        " and has_function_privilege('paya_web', oid, 'execute') order by 1, 3"
    )
    found = {}
    for name, arguments, count, types in rows:
        named = list(arguments)[:count]
        if any(PERSON.fullmatch(argument) for argument in named):
            values = [value_of(argument, kind) for argument, kind in zip(named, types, strict=True)]
            several = f" of {count}" if name in found else ""  # one name may stand for the way of before, too
            found[name + several] = f"select * from {name}({', '.join(values)})"
    return found


def value_of(argument: str, kind: str) -> str:
    if PERSON.fullmatch(argument):
        return "PERSON"
    if argument == "p_before":
        return str(2**62)  # everything
    return VALUES.get(kind, f"null::{kind}")


@pytest.fixture(scope="module")
def known(database: Database, victim: Belongings, attacker: Belongings) -> Owners:
    return owners(database)


def answer_of(database: Database, statement: str, *, person: Belongings, actor: Belongings) -> Any:
    """What comes back, or None for a refusal; what it changed is committed."""
    raw = database.connect("web")
    try:
        with raw.cursor() as cursor:
            cursor.execute("begin; select set_config('paya.actor', %s, true)", [str(actor.person.id)])
            cursor.execute(statement.replace("PERSON", str(person.person.id)))
            rows = cursor.fetchall() if cursor.description else []
            cursor.execute("commit")
            return rows
    except psycopg2.Error:
        return None
    finally:
        raw.close()


def secrets_of(database: Database, whose: Belongings) -> set[str]:
    """Numbers that only this person has: their accounts, and their balance."""
    [row] = database.as_superuser(
        "select w.account, w.hold_account, w.receivable_account, a.balance from wallets_wallet w"
        " join ledger_account a on a.id = w.account where w.user_id = %s", [whose.person.id],
    )  # fmt: skip
    return {str(number) for number in row if number and number > 999}


def test_nobody_is_served_as_somebody_else(
    database: Database, victim: Belongings, attacker: Belongings, known: Owners
) -> None:
    calls = taking_a_person(database)
    assert {"wallets_read", "wallets_guard", "wallets_burn", "wallets_activity", "payments_begin"} <= calls.keys()
    before, secrets = rows_of(database, victim), secrets_of(database, victim)
    assert secrets
    served = {}
    for name, statement in calls.items():
        if name.split()[0] in SAY_WHO_ACTS:
            continue
        rows = answer_of(database, statement, person=victim, actor=attacker)
        said = " ".join(str(value) for row in rows or [] for value in row)
        if known.foreign_in(said, attacker.person.id) or secrets & set(re.findall(r"\d+", said)):
            served[name] = said
        assert rows_of(database, victim) == before, f"{name} changed what is somebody else's"
    assert served == {}


def test_the_same_calls_serve_oneself(database: Database, attacker: Belongings) -> None:
    """The control: what was refused above was refused for who asked, and not for its other arguments."""
    calls = taking_a_person(database)
    for name in ("wallets_read", "wallets_activity", "wallets_guard"):
        assert answer_of(database, calls[name], person=attacker, actor=attacker), name


def test_a_function_that_does_not_ask_is_noticed(
    database: Database, victim: Belongings, attacker: Belongings
) -> None:
    """The control: one that believes its argument."""
    database.as_superuser(
        "create function control_read(p_user bigint) returns bigint language sql security definer as"
        " 'select account from wallets_wallet where user_id = p_user'; alter function control_read(bigint) owner to paya_engine;"
        " grant execute on function control_read(bigint) to paya_web"
    )
    try:
        [[account]] = answer_of(database, taking_a_person(database)["control_read"], person=victim, actor=attacker)
        assert str(account) in secrets_of(database, victim)
    finally:
        database.as_superuser("drop function control_read(bigint)")
