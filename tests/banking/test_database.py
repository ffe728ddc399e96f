"""What the database refuses, whoever asks."""

from collections.abc import Callable
from typing import Any

import psycopg2
import pytest

from banking.models import BankAccount, RailCustomer
from banking.services import secrets
from core.actor import actor
from tests.conftest import Database


def sqlstate(connection: Any, sql: str, params: list[Any] | None = None) -> str | None:
    """The SQLSTATE with which a statement is refused; None when it is not."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(sql, params)
        except psycopg2.Error as error:
            return error.pgcode
    return None


@pytest.fixture
def worker(database: Database) -> Any:
    connection = database.connect("worker")
    with connection.cursor() as cursor:
        cursor.execute("set paya.actor = '0'")
    yield connection
    connection.close()


def test_illegal_moves(linked: Callable[..., Any], worker: Any) -> None:
    row = linked().load()
    for to in ("settled", "pending", "unknown", "returned", "nonsense"):
        assert sqlstate(worker, "update banking_banktransfer set status = %s where id = %s", [to, row.pk]) == "PB001"


def test_nothing_follows_the_end(linked: Callable[..., Any], worker: Any) -> None:
    row = linked().settled_load()
    for to in ("requested", "queued", "submitted", "unknown", "pending", "failed", "cancelled"):
        assert sqlstate(worker, "update banking_banktransfer set status = %s where id = %s", [to, row.pk]) == "PB001"


def test_a_transfer_keeps_its_amount_and_its_transfer_at_the_rail(
    linked: Callable[..., Any], worker: Any, database: Database
) -> None:
    person = linked()
    row = person.submit(person.load())
    assert sqlstate(worker, "update banking_banktransfer set amount = 1 where id = %s", [row.pk]) == "42501"
    assert sqlstate(worker, "update banking_banktransfer set external_id = 'x' where id = %s", [row.pk]) == "PB002"
    with pytest.raises(psycopg2.Error, match="only its status changes"):
        database.as_superuser("update banking_banktransfer set amount = 1 where id = %s", [row.pk])


def test_history_is_not_rewritten(linked: Callable[..., Any], worker: Any, database: Database) -> None:
    linked().load()
    assert sqlstate(worker, "update banking_transfermove set status = 'settled'") == "42501"
    assert sqlstate(worker, "delete from banking_transfermove") == "42501"
    for statement in (
        "update banking_transfermove set status = 'settled'",
        "delete from banking_transfermove",
        "truncate banking_transfermove",
        "delete from banking_banktransfer",
    ):
        with pytest.raises(psycopg2.Error, match="its rows are history"):
            database.as_superuser(statement)


def test_web_asks_and_does_not_decide(linked: Callable[..., Any], database: Database) -> None:
    person = linked()
    row = person.load()
    web = database.connect("web")
    try:
        assert sqlstate(web, f"set paya.actor = '{person.person.id}'") is None
        assert sqlstate(web, "update banking_banktransfer set status = 'submitted' where id = %s", [row.pk]) == "42501"
        assert sqlstate(web, "update banking_legalmove set to_status = 'settled'") == "42501"
        born_settled = (
            "insert into banking_banktransfer (user_id, public_id, bank_account_id, kind, amount, rail, status, rail_key,"
            " expected_on, attempts, failure_code) values (%s, 'ld_x', %s, 'load', 100, 'dwolla', 'settled',"
            " gen_random_uuid(), now(), 0, '')"
        )
        assert sqlstate(web, born_settled, [person.person.id, person.account.pk]) == "PB001"
    finally:
        web.close()


def test_without_an_actor_there_is_nothing_but_an_error(linked: Callable[..., Any], database: Database) -> None:
    linked().load()
    web = database.connect("web")
    try:
        for table in ("banktransfer", "transfermove", "bankaccount", "bankitem", "banksource", "railcustomer", "linksession"):
            assert sqlstate(web, f"select count(*) from banking_{table}") == "PY001"
    finally:
        web.close()


def test_what_belongs_to_a_bank_login_is_encrypted(linked: Callable[..., Any], database: Database) -> None:
    person = linked().person
    with actor(person.id):
        account = BankAccount.objects.select_related("item").get()
        plain = [
            secrets.access_token(account.item),
            secrets.source_id(account.sources.get()),
            secrets.customer_id(RailCustomer.objects.get()),
        ]
    tables = database.as_superuser("select tablename from pg_tables where schemaname = 'public'")
    dump = str([database.as_superuser(f'select t::text from "{table}" t') for (table,) in tables])
    assert account.public_id in dump
    for value in plain:
        assert len(value) > 20
        assert value not in dump
        assert value.encode().hex() not in dump
