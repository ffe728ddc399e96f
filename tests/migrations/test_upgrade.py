"""From what landed first to what is here: the rows of an earlier release mean the same afterwards."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from banking.models import BankAccount, BankSource, BankTransfer
from banking.services import secrets as sealed
from banking.services import sources, transfers
from core import keyring
from core.actor import actor
from core.roles import attach_roles
from paya.local import database as local_database
from tests.conftest import ADMIN_URL, TEMPLATE, Database
from users import services as users

# Where each room stood before there were several rails.
EARLIER = [("banking", "0003_woken_at"), ("console", "0001_initial")]
# What paya.local.database gives a database before its first migration.
SCHEMA = """
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
    GRANT USAGE ON SCHEMA public TO paya_owner, paya_engine, paya_web, paya_worker, paya_staff, paya_auditor, paya_demo;
    GRANT CREATE ON SCHEMA public TO paya_owner, paya_engine;
"""


@pytest.fixture
def earlier(django_db_blocker: Any) -> Iterator[Database]:
    """A database as the first release left it."""
    keyring.forget_cached_keys()
    name = f"paya_t_{uuid4().hex[:12]}"
    admin = psycopg2.connect(local_database.with_database(ADMIN_URL, "postgres"))
    admin.autocommit = True
    with admin.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    admin.autocommit = False
    attach_roles(admin, name, logins_of=TEMPLATE)
    admin.autocommit = True
    database = Database(name)
    try:
        with django_db_blocker.unblock():
            database.as_superuser(SCHEMA)
            database.become("owner")
            migrate(EARLIER)
            yield database
    finally:
        connection.close()
        with admin.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        admin.close()


def migrate(targets: list[tuple[str, str]] | None = None) -> None:
    executor = MigrationExecutor(connection)
    leaves = [key for key in executor.loader.graph.leaf_nodes() if key[0] != "sandbox"]
    if targets:
        rooms = {room for room, _ in targets} | {"privacy"}  # which builds on all rooms below it as they are now
        leaves = [key for key in leaves if key[0] not in rooms] + targets
    executor.migrate(leaves)


def test_a_bank_linked_before_there_were_several_rails_is_used_afterwards(earlier: Database) -> None:
    person, account, transfer = as_linked_before(earlier)

    migrate_on(earlier)
    earlier.become("web")
    assert sources_of(person) is None  # the control: without what follows nobody knows the bank
    with earlier.role("worker"):
        assert sources.take_over() == 1
        assert sources.take_over() == 0

    earlier.become("web")
    with actor(person):
        row = BankAccount.objects.get(pk=account)
        moved = BankSource.objects.get(account=row)
        settled = BankTransfer.objects.get(pk=transfer)
    assert (row.is_default, row.funding_source, row.source_index) == (True, None, None)
    assert (moved.rail, sealed.source_id(moved)) == ("dwolla", "source-1")
    known = sources_of(person)
    assert known is not None and known.pk == account
    # The transfer that settled before may still come back, so it is asked about.
    moves = earlier.as_superuser("select at from banking_transfermove where status = 'settled'")
    assert [(settled.settled_at,)] == moves
    assert settled.due_at is not None
    with earlier.role("worker"):
        assert transfers.due()[1] == [transfer]


def test_upgraded_and_fresh_are_the_same(earlier: Database) -> None:
    fresh = Database(TEMPLATE)
    before = catalogue(earlier)
    migrate_on(earlier)
    assert catalogue(earlier) == catalogue(fresh)
    assert before != catalogue(fresh)  # the control: it would see a difference


CATALOGUE = """
    select 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid), p.proowner::regrole::text, p.proacl::text
    from pg_proc p where pronamespace = 'public'::regnamespace and prokind = 'f'
    union all select 'relation', c.oid::regclass::text, concat(c.relkind, c.relrowsecurity, c.relforcerowsecurity),
        c.relowner::regrole::text, c.relacl::text
    from pg_class c where relnamespace = 'public'::regnamespace
    union all select 'column', concat(a.attrelid::regclass, '.', a.attname),
        concat(format_type(a.atttypid, a.atttypmod), a.attnotnull), pg_get_expr(d.adbin, d.adrelid), a.attacl::text
    from pg_attribute a join pg_class c on c.oid = a.attrelid and c.relnamespace = 'public'::regnamespace
    left join pg_attrdef d on (d.adrelid, d.adnum) = (a.attrelid, a.attnum) where a.attnum > 0 and not a.attisdropped
    union all select 'constraint', concat(conrelid::regclass, '.', conname), pg_get_constraintdef(oid), convalidated::text, ''
    from pg_constraint where connamespace = 'public'::regnamespace
    union all select 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid::text, '' from pg_index
    where indrelid::regclass::text !~ '^pg_'
    union all select 'trigger', concat(tgrelid::regclass, '.', tgname), pg_get_triggerdef(oid), tgenabled::text, ''
    from pg_trigger where not tgisinternal
    union all select 'policy', concat(tablename, '.', policyname), concat(roles, cmd), qual, with_check from pg_policies
    union all select 'view', viewname, definition, '', '' from pg_views where schemaname = 'public'
"""


def catalogue(database: Database) -> set[tuple[str, ...]]:
    """What a database is made of, without its rows: definitions, owners and rights."""
    return set(database.as_superuser(CATALOGUE))


def migrate_on(database: Database) -> None:
    with database.role("owner"):
        migrate()


def sources_of(person: int) -> BankAccount | None:
    with actor(person):
        return sources.earlier_account(person, "dwolla", "source-1")


def as_linked_before(database: Database) -> tuple[int, int, int]:
    """A person with a bank and a settled load, written as that release wrote them; the ids of the three."""
    database.become("web")
    with transaction.atomic():
        person = users.sign_up(phone="+12125550100").id
    with actor(person):
        sealed_source = keyring.encrypt_for(person, "banking_bankaccount.funding_source", "ba_1", "source-1")
    index = keyring.blind_index("funding_source", "source-1")
    [(item,)] = database.as_superuser(
        "insert into banking_bankitem (user_id, public_id, token_index, institution_id, institution, status)"
        " values (%s, 'itm_1', 'x', 'ins_1', 'First', 'active') returning id", [person],
    )  # fmt: skip
    [(account,)] = database.as_superuser(
        "insert into banking_bankaccount (user_id, public_id, item_id, account_id, name, mask, kind, funding_source,"
        " source_index, status) values (%s, 'ba_1', %s, 'acc', 'Checking', '0000', 'checking', %s, %s, 'active') returning id",
        [person, item, sealed_source, index],
    )
    [(transfer,)] = database.as_superuser(
        "insert into banking_banktransfer (user_id, public_id, bank_account_id, kind, amount, rail, status, rail_key,"
        " expected_on, attempts, failure_code) values (%s, 'ld_1', %s, 'load', 500, 'dwolla', 'requested', %s,"
        " current_date, 0, '') returning id", [person, account, str(uuid4())],
    )  # fmt: skip
    for status in ("submitted", "pending", "settled"):
        database.as_superuser("update banking_banktransfer set status = %s where id = %s", [status, transfer])
        database.as_superuser(
            "insert into banking_transfermove (user_id, transfer_id, status, cause, evidence) values (%s, %s, %s, 'x', '{}')",
            [person, transfer, status],
        )
    return person, account, transfer
