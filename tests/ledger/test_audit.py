"""The auditor: silent on clean books, finds what a superuser did behind the functions' backs, and cannot write."""

from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from django.core.management import call_command

from core.ids import new_reference
from ledger import audit, services
from ledger.chart import Account, Kind, Personal
from tests.conftest import Database
from tests.ledger.books import account, findings, post, wallet


@pytest.fixture(autouse=True)
def restored(database: Database) -> Iterator[None]:
    """What is tampered with in a test is as it was for the next one."""
    database.as_superuser(
        "create table saved_account as table ledger_account; create table saved_transfer as table ledger_transfer"
    )
    yield
    tamper(
        database,
        "delete from ledger_account",
        "delete from ledger_transfer",
        "insert into ledger_account table saved_account",
        "insert into ledger_transfer table saved_transfer",
        "drop table saved_account, saved_transfer",
    )


@pytest.fixture
def story(database: Database) -> dict[str, Any]:
    """A few transfers of several kinds on books that add up."""
    ann, bob = wallet(1000), wallet(500)
    hold = account(Personal.HOLD)
    paid = post(ann, bob, 300)
    post(bob, hold, 100, Kind.HOLD)
    post(bob, Account.REDEMPTIONS_PAYABLE, 200, Kind.REDEMPTION)
    post(Account.REDEMPTIONS_PAYABLE, Account.RESERVE_DWOLLA, 200, Kind.REDEMPTION_SETTLED)
    undone = post(ann, bob, 50)
    back = services.reverse(reference=new_reference(), original=undone.id)
    last = post(ann, bob, 7)
    assert findings(database) == []
    return {"ann": ann, "bob": bob, "paid": paid, "undone": undone, "back": back, "last": last}


def tamper(database: Database, *statements: str) -> None:
    """As a superuser who has switched the triggers off."""
    database.as_superuser("set session_replication_role = replica; " + "; ".join(statements))


def run_command(database: Database, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with database.role("auditor"):
        try:
            call_command("audit_ledger")
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    return code, capsys.readouterr().out


TAMPERING = {
    "a balance raised": ("update ledger_account set balance = balance + 1 where id = {ann}", "account {ann} holds"),
    "two balances shifted": (
        "update ledger_account set balance = balance + 5 where id = {ann};"
        " update ledger_account set balance = balance - 5 where id = {bob}",
        "account {ann} holds",
    ),
    "a wallet below zero": (
        "update ledger_account set floor = null, balance = -1 where id = {ann}",
        "account {ann} (wallet) holds -1",
    ),
    "a floor lifted": ("update ledger_account set floor = -100000 where id = {ann}", "account {ann} (wallet)"),
    "an account deleted": ("delete from ledger_account where id = {ann}", "account {ann} "),
    "an amount edited": ("update ledger_transfer set amount = amount + 1 where id = '{paid}'", "transfer {paid}"),
    "a balance after edited": ("update ledger_transfer set debit_balance = 1 where id = '{paid}'", "transfer {paid}"),
    "a payee swapped": (
        "update ledger_transfer set debit_account = credit_account, credit_account = debit_account where id = '{paid}'",
        "account {ann}",
    ),
    "a kind edited": ("update ledger_transfer set kind = 1 where id = '{paid}'", "transfer {paid} of kind 1"),
    "a time edited": ("update ledger_transfer set posted_at = now() - interval '1 day' where id = '{last}'", "transfer {last}"),
    "a reversal turned elsewhere": (
        "update ledger_transfer set reverses = '{paid}' where id = '{back}'",
        "transfer {back} reverses {paid}",
    ),
    "a row deleted": ("delete from ledger_transfer where id = '{paid}'", "account {ann}"),
    "the newest row deleted": ("delete from ledger_transfer where id = '{last}'", "account {ann}"),
    "the newest row deleted with its balances": (
        "delete from ledger_transfer where id = '{last}';"
        " update ledger_account set balance = balance + 7 where id = {ann};"
        " update ledger_account set balance = balance - 7 where id = {bob}",
        "account {ann} is at version",
    ),
    "a row inserted": (
        "insert into ledger_transfer select gen_random_uuid(), {ann}, {bob}, 1, 99, 1, 99, 1, clock_timestamp(), null, null, 7",
        "account {ann}",
    ),
    "a row inserted with its balances": (
        "insert into ledger_transfer select gen_random_uuid(), {ann}, {bob}, 1, 99, a.balance - 1, 99, b.balance + 1,"
        " clock_timestamp(), null, null, 7 from ledger_account a, ledger_account b where a.id = {ann} and b.id = {bob};"
        " update ledger_account set balance = balance - 1 where id = {ann};"
        " update ledger_account set balance = balance + 1 where id = {bob}",
        "account {ann} is at version",
    ),
    "money out of nothing": (
        "insert into ledger_account (id, balance, kind, floor) values (5000, 777, 1, 0)",
        "account 5000 holds 777",
    ),
    "a closed account filled": (
        "update ledger_account set status = 3 where id = {ann}",
        "account {ann} is closed and holds",
    ),
    "what is owed on the wrong side": (
        "insert into ledger_account (id, balance, kind) values (5001, 5, 3)",
        "account 5001 (receivable) holds 5",
    ),
}


@pytest.mark.parametrize(("sql", "named"), TAMPERING.values(), ids=TAMPERING)
def test_tampering_is_found_and_the_row_named(database: Database, story: dict[str, Any], capsys, sql: str, named: str):
    words = {name: value.id if hasattr(value, "id") else value for name, value in story.items()}
    tamper(database, sql.format(**words))
    code, told = run_command(database, capsys)
    assert code == 1
    assert "CORRUPTION" in told
    assert named.format(**words) in told


def test_clean_books_end_with_zero(database: Database, story: dict[str, Any], capsys):
    code, told = run_command(database, capsys)
    assert code == 0
    assert "clean" in told
    assert "reserve $13.00, required $13.00" in told


def test_empty_books_are_clean(database: Database, capsys):
    assert run_command(database, capsys)[0] == 0


def test_a_shortfall_is_no_corruption_and_has_its_own_exit_code(database: Database, story: dict[str, Any], capsys):
    receivable = account(Personal.RECEIVABLE)
    post(receivable, Account.RESERVE_DWOLLA, 40, Kind.LOAD_RETURN_OWED)
    code, told = run_command(database, capsys)
    assert code == 2
    assert "SHORTFALL" in told
    assert "CORRUPTION" not in told
    assert "reserve 1260, required 1300" in told


def test_with_both_it_is_corruption(database: Database, story: dict[str, Any], capsys):
    post(account(Personal.RECEIVABLE), Account.RESERVE_DWOLLA, 40, Kind.LOAD_RETURN_OWED)
    tamper(database, f"update ledger_account set balance = balance - 1 where id = {story['ann']}")
    code, told = run_command(database, capsys)
    assert code == 1
    assert "SHORTFALL" not in told


def test_rooms_above_may_add_checks(database: Database, story: dict[str, Any], capsys, monkeypatch):
    monkeypatch.setattr(audit, "_extra", {})
    audit.register_check("of a room above", "select 'row ' || 42")
    code, told = run_command(database, capsys)
    assert code == 1
    assert "of a room above" in told
    assert "row 42" in told


def test_the_auditor_reads_only(database: Database, story: dict[str, Any]):
    raw = database.connect("auditor")
    try:
        with raw.cursor() as cursor:
            cursor.execute("show default_transaction_read_only")
            assert cursor.fetchone() == ("on",)
            cursor.execute("set default_transaction_read_only = off")  # a setting, not a right: grants decide
            for statement in (
                "update ledger_account set balance = 0",
                "update ledger_transfer set amount = 1",
                "insert into ledger_account (id, kind) values (7000, 1)",
                "delete from ledger_transfer",
                "select ledger_open('{1}')",
                "create table mine (x int)",
                "create temp table mine (x int)",
            ):
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    cursor.execute(statement)
    finally:
        raw.close()
    with database.role("web"), pytest.raises(Exception, match="permission denied"):
        audit.audit()  # and nobody runs it by accident under another role
