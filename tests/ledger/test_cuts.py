"""A cut waits until no older transaction is open."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from ledger import cuts
from ledger.cuts import OlderTransactionsOpen, wait_for_older
from tests.conftest import Database
from tests.ledger.books import wallet


def begin_posting(database: Database, debit: int, credit: int) -> Any:
    """A connection with a posting that has not committed."""
    raw = database.connect("worker")
    raw.autocommit = False
    with raw.cursor() as cursor:
        cursor.execute("select ledger_post(gen_random_uuid(), 7::smallint, %s, %s, 1)", [debit, credit])
    return raw


class Pauses:
    """Stands in for the clock that cuts.py sleeps by: something happens during a pause."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *happens: Callable[[], Any]) -> None:
        self.left, self.real = list(happens), cuts.time.sleep
        monkeypatch.setattr(cuts.time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        if self.left:
            self.left.pop(0)()
        self.real(seconds)


@pytest.mark.parametrize("role", ["web", "worker", "auditor"])
def test_it_waits_for_a_posting_that_has_not_committed(database: Database, monkeypatch: pytest.MonkeyPatch, role: str):
    ann, bob = wallet(100), wallet(100)
    posting, other = begin_posting(database, ann, bob), begin_posting(database, wallet(1), wallet())
    try:
        with database.role(role):
            with pytest.raises(OlderTransactionsOpen):
                wait_for_older(0.1)
            pauses = Pauses(monkeypatch, other.commit, lambda: None, posting.commit)
            wait_for_older(20)
        assert pauses.left == []  # it did not come back while either was open
    finally:
        posting.close()
        other.close()


def test_a_newer_transaction_is_not_waited_for(database: Database, monkeypatch: pytest.MonkeyPatch):
    older = begin_posting(database, wallet(1), wallet())
    later, payee, newer = wallet(1), wallet(), []
    pauses = Pauses(monkeypatch, lambda: newer.append(begin_posting(database, later, payee)), older.rollback)
    wait_for_older(20)
    assert pauses.left == []
    with newer[0].cursor() as cursor:
        cursor.execute("select txid_status(pg_current_xact_id()::text::bigint)")
        assert cursor.fetchone() == ("in progress",)
    newer[0].close()
    older.close()


def test_a_reader_is_not_waited_for(database: Database):
    reader = database.connect("auditor")
    reader.autocommit = False
    with reader.cursor() as cursor:
        cursor.execute("select count(*) from ledger_transfer")
    wait_for_older(20)
    reader.close()


def test_inside_a_transaction_it_says_so(database: Database):
    with transaction.atomic(), pytest.raises(RuntimeError):
        wait_for_older(1)
