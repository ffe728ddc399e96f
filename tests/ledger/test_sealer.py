"""The sealer: every row once, in one order, in a chain; and what the auditor sees of somebody with a superuser's keys."""

import hashlib
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError
from psycopg2.extras import NamedTupleCursor, register_uuid

from core.ids import new_reference
from ledger import sealer, services, tasks
from ledger.cuts import OlderTransactionsOpen
from ledger.services import Transfer
from tests.conftest import Database
from tests.helpers import at_once
from tests.ledger.books import findings, journal_size, post, posting, wallet
from tests.ledger.test_audit import tamper

SEALED, CHAIN = "what was sealed is as it was sealed", "the chain of sealed blocks is whole"


def now(database: Database) -> datetime:
    found: datetime = database.as_superuser("select clock_timestamp()")[0][0]
    return found


def blocks(database: Database) -> list[dict[str, Any]]:
    return [row[0] for row in database.as_superuser("select to_jsonb(b) from ledger_block b order by height")]


def in_blocks_of(monkeypatch: pytest.MonkeyPatch, rows: int, at_once: int = 500_000) -> None:
    monkeypatch.setattr(sealer, "BLOCK_ROWS", rows)
    monkeypatch.setattr(sealer, "AT_ONCE", at_once)


def pay(count: int) -> list[Transfer]:
    ann, bob = wallet(count), wallet()
    return [post(ann, bob, 1) for _ in range(count)]


@pytest.fixture(autouse=True)
def restored(database: Database) -> Iterator[None]:
    """The books as they were, and no blocks."""
    tables = ("ledger_account", "ledger_transfer")
    database.as_superuser("; ".join(f"create table saved_{table} as table {table}" for table in tables))
    yield
    tamper(
        database, "delete from ledger_block",
        *(f"delete from {table}; insert into {table} table saved_{table}; drop table saved_{table}" for table in tables),
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------------- sealing
def by_hand(row: Any) -> bytes:
    """A row's bytes, from the description in docs/money.md and not from its code."""
    since_2000 = (row.posted_at - datetime(2000, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    optional = [b"\x01" + value.bytes if value else bytes(17) for value in (row.group_id, row.reverses)]
    numbers = (row.debit_account, row.credit_account, row.amount, row.debit_version, row.debit_balance,
               row.credit_version, row.credit_balance)  # fmt: skip
    return row.id.bytes + struct.pack(">qh7q", since_2000, row.kind, *numbers) + b"".join(optional)


def test_the_head_is_what_anybody_computes_from_the_rows(database: Database):
    ann, bob = wallet(500), wallet()
    undone = post(ann, bob, 7)
    services.reverse(reference=new_reference(), original=undone.id)
    services.post(posting(ann, bob, 3), group=new_reference())
    until = now(database)
    head = sealer.seal(until)

    raw = database.connect("auditor")
    register_uuid(conn_or_curs=raw)
    with raw.cursor(cursor_factory=NamedTupleCursor) as cursor:
        cursor.execute("select * from ledger_transfer order by posted_at, id")
        rows = cursor.fetchall()
        cursor.execute("select count(*) from information_schema.columns where table_name = 'ledger_transfer'")
        assert cursor.fetchone()[0] == len(rows[0]) == 12
    raw.close()
    assert any(row.group_id for row in rows) and any(row.reverses for row in rows)
    assert {len(by_hand(row)) for row in rows} == {116}
    rows_hash = hashlib.sha256(b"".join(by_hand(row) for row in rows)).digest()
    since_2000 = (until - datetime(2000, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    content = (
        b"PaYaBlk1" + struct.pack(">qq", 1, since_2000) + bytes(16) + struct.pack(">i", len(rows))
        + rows[0].id.bytes + rows[-1].id.bytes + rows_hash + bytes(32)
    )  # fmt: skip
    assert head == sealer.Head(1, hashlib.sha256(content).digest(), until) == sealer.head()
    assert findings(database) == []


COLUMNS = {
    "id": "gen_random_uuid()", "posted_at": "posted_at + interval '1 microsecond'", "group_id": "gen_random_uuid()",
    "reverses": "gen_random_uuid()", "kind": "kind + 1",
}  # fmt: skip


def test_every_column_is_in_the_bytes_of_a_row(database: Database):
    pay(1)
    columns = "select column_name from information_schema.columns where table_name = 'ledger_transfer'"
    names = [row[0] for row in database.as_superuser(columns)]
    assert COLUMNS.keys() < set(names)
    for name in names:
        to = COLUMNS.get(name) or f"{name} + 1"
        [(same, length)] = database.as_superuser(
            f"select ledger_row_bytes(t) = ledger_row_bytes(jsonb_populate_record(t, jsonb_build_object('{name}', {to}))),"
            " octet_length(ledger_row_bytes(t)) from ledger_transfer t limit 1"
        )
        assert (same, length) == (False, 116), name


def test_blocks_are_bounded_and_every_row_is_in_one(database: Database, monkeypatch: pytest.MonkeyPatch):
    in_blocks_of(monkeypatch, 3, at_once=6)
    pay(19)
    tamper(database, "update ledger_transfer set posted_at = (select max(posted_at) from ledger_transfer) where kind = 7")
    head = sealer.seal(until := now(database))  # of one and the same time, too: blocks end between rows, not between times
    found = blocks(database)
    assert head.height == len(found) and head.until == until
    assert [block["rows"] for block in found[:-1]] == [3] * (len(found) - 1)
    total = journal_size(database)
    assert sum(block["rows"] for block in found) == total >= 20
    assert not [f for f in findings(database) if f.check in (SEALED, CHAIN)]


def test_a_restart_goes_on_where_it_stopped(database: Database, monkeypatch: pytest.MonkeyPatch):
    in_blocks_of(monkeypatch, 2, at_once=4)
    pay(11)
    until, seal_some, calls = now(database), sealer._seal_some, []

    def killed(moment: datetime) -> int:
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(moment)
        return seal_some(moment)

    monkeypatch.setattr(sealer, "_seal_some", killed)
    with pytest.raises(KeyboardInterrupt):
        sealer.seal(until)
    assert [block["rows"] for block in blocks(database)] == [2, 2, 2, 2]
    monkeypatch.setattr(sealer, "_seal_some", seal_some)
    sealer.seal(until)
    assert sum(block["rows"] for block in blocks(database)) == journal_size(database)
    assert findings(database) == []


def test_several_at_once_seal_each_row_once(database: Database, monkeypatch: pytest.MonkeyPatch):
    in_blocks_of(monkeypatch, 2, at_once=4)
    pay(21)
    until = now(database)
    heads = at_once(4, lambda _: sealer.seal(until))
    assert set(heads) == {sealer.head()}
    assert sum(block["rows"] for block in blocks(database)) == journal_size(database)
    assert findings(database) == []


def test_it_goes_on_from_its_head_and_makes_no_empty_blocks(database: Database):
    pay(2)
    first = sealer.seal(now(database))
    assert sealer.seal(now(database)) == first
    pay(2)
    second = sealer.seal(until := now(database))
    assert (second.height, second.until) == (first.height + 1, until)
    assert sealer.seal(first.until) == second  # an earlier time has been sealed
    assert findings(database) == []


@contextmanager
def open_posting(database: Database) -> Iterator[Any]:
    """A posting that has not committed, for as long as the block takes at most."""
    ann, bob = wallet(5), wallet()
    raw = database.connect("worker")
    raw.autocommit = False
    try:
        with raw.cursor() as cursor:
            cursor.execute("select ledger_post(gen_random_uuid(), 7::smallint, %s, %s, 1)", [ann, bob])
        yield raw
    finally:
        raw.close()


def test_what_is_not_known_yet_is_not_sealed(database: Database):
    with pytest.raises(ValueError, match="time to come"):
        sealer.seal(now(database) + timedelta(seconds=5))
    with open_posting(database) as posted:
        until = now(database)
        with pytest.raises(OlderTransactionsOpen):
            sealer.seal(until, timeout=0.1)
        assert sealer.head().height == 0
        posted.commit()
    sealer.seal(until)
    assert blocks(database)[0]["rows"] == journal_size(database)


def test_while_a_transaction_stays_open_the_task_says_so_and_comes_again(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(tasks, "WAIT", 0.1)
    with open_posting(database):
        tasks.seal_journal()
    assert "seal_later" in caplog.text


def test_the_task_stays_behind(database: Database, monkeypatch: pytest.MonkeyPatch):
    pay(2)
    tasks.seal_journal()
    assert sealer.head().height == 0  # these are younger
    tamper(database, "update ledger_transfer set posted_at = posted_at - interval '1 minute'")
    tasks.seal_journal()
    assert sealer.head().height == 1
    assert findings(database) == []


def test_only_the_worker_seals_and_nobody_writes_blocks(database: Database):
    sealer.seal(now(database))
    with database.role("web"):
        assert sealer.head().height >= 0
        with pytest.raises(DatabaseError, match="permission denied"):
            sealer._seal_some(now(database))
    for role in ("web", "worker", "staff"):
        raw = database.connect(role)
        with raw.cursor() as cursor:
            for statement in ("delete from ledger_block", "update ledger_block set rows = 1", "truncate ledger_block",
                              "insert into ledger_block select * from ledger_block"):  # fmt: skip
                with pytest.raises(Exception, match="permission denied"):
                    cursor.execute(statement)
        raw.close()
    pay(1)
    sealer.seal(now(database))
    for statement in ("delete from ledger_block", "update ledger_block set rows = 1", "truncate ledger_block"):
        with pytest.raises(Exception, match="is refused"):
            database.as_superuser("set session_replication_role = origin; " + statement)


# ---------------------------------------------------------------------------------------------------- tampering
_REMOVE = "delete from ledger_transfer where id = '{0}'"
# As somebody would who knows the other checks: the two accounts are put as if the last payment had never been.
_UNDO = (
    "; update ledger_account a set balance = balance + t.amount, version = version - 1 from ledger_transfer t"
    " where t.id = '{0}' and a.id = t.debit_account"
    "; update ledger_account a set balance = balance - t.amount, version = version - 1 from ledger_transfer t"
    " where t.id = '{0}' and a.id = t.credit_account; " + _REMOVE
)
TAMPERING = {
    "a row edited": ("update ledger_transfer set group_id = gen_random_uuid() where id = '{2}'", SEALED, "not the same"),
    "two rows in another order": (
        "update ledger_transfer t set posted_at = o.posted_at from ledger_transfer o"
        " where (t.id, o.id) in (('{2}', '{3}'), ('{3}', '{2}'))", SEALED, "not the same",
    ),
    "a row removed in the middle": (_REMOVE.format("{2}"), SEALED, "3 rows were sealed, 2 are there"),
    "the last sealed payment removed, and the accounts with it": (_UNDO.format("{last}"), SEALED, "rows were sealed"),
    "a block removed with its rows": (
        "delete from ledger_transfer where id in ('{2}', '{3}', '{4}'); delete from ledger_block where height = 2",
        CHAIN, "block 3",
    ),
    "a block edited": ("update ledger_block set rows_hash = sha256('x') where height = 2", CHAIN, "block 2"),
    "a row stamped before a sealed cut": (
        "insert into ledger_transfer select gen_random_uuid(), debit_account, credit_account, 1, 900, debit_balance, 900,"
        " credit_balance, posted_at, null, null, 7 from ledger_transfer where id = '{2}'",
        SEALED, "3 rows were sealed, 4 are there",
    ),
    "a row stamped between the last row and the cut": (
        "insert into ledger_transfer select gen_random_uuid(), debit_account, credit_account, 1, 900, debit_balance, 900,"
        " credit_balance, (select max(until) from ledger_block) - interval '1 microsecond', null, null, 7"
        " from ledger_transfer where id = '{2}'", SEALED, "rows were sealed",
    ),
}  # fmt: skip


@pytest.fixture
def sealed(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[Transfer]:
    """Nine payments in blocks of three, and one payment that is not sealed yet."""
    in_blocks_of(monkeypatch, 3)
    tamper(
        database, "delete from ledger_transfer", "delete from ledger_account where id >= 1000",
        "update ledger_account set balance = 0, version = 0",
    )  # fmt: skip
    ann, bob = wallet(100), wallet(1)
    rows = [post(ann, bob, 1) for _ in range(7)]
    sealer.seal(now(database))
    assert [block["rows"] for block in blocks(database)] == [3, 3, 3]
    post(bob, wallet(), 1)
    assert findings(database) == []
    return rows


@pytest.mark.parametrize("name", TAMPERING)
def test_the_auditor_finds(database: Database, sealed: list[Transfer], name: str):
    statement, check, words = TAMPERING[name]
    # Blocks: load, load, 0 | 1, 2, 3 | 4, 5, 6.
    ids = [sealed[0].id, *(row.id for row in sealed)]
    tamper(database, statement.format(*ids, last=sealed[-1].id))
    found = {finding.check: "\n".join(finding.rows) for finding in findings(database)}
    assert check in found and words in found[check], found


def test_removed_with_the_newest_block_only_a_kept_head_tells(database: Database, sealed: list[Transfer], capsys: Any):
    """And a row that is not sealed yet: the other checks see it go, unless the accounts go with it."""
    published = sealer.head()
    newest = database.as_superuser("select id from ledger_transfer order by posted_at desc limit 1")[0][0]
    tamper(database, _REMOVE.format(newest))
    assert "every balance equals the sum of its entries" in {finding.check for finding in findings(database)}
    tamper(
        database, "update ledger_account set balance = 0, version = 0 where version = 1 and balance = 1 and kind = 1",
        f"update ledger_account set balance = balance + 1, version = version - 1 where id = {sealed[0].credit_account}",
    )  # fmt: skip
    assert findings(database) == []  # nobody has seen its hash
    gone = [_UNDO.format(row.id).lstrip("; ") for row in reversed(sealed[-3:])]
    tamper(database, *gone, "delete from ledger_block where height = 3")
    assert findings(database) == []
    with database.role("auditor"):
        call_command("audit_ledger")
        assert f"block 2, ledger-head {sealer.head().hash.hex()}" in capsys.readouterr().out
        with pytest.raises(SystemExit, match="1"):
            call_command("audit_ledger", head=[sealer.head().hash.hex(), published.hash.hex()])
    said = capsys.readouterr().out
    assert "every published head is in the chain" in said and published.hash.hex() in said


