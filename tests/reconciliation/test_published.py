"""What everybody may know of a reconciliation: when, and whether it agreed."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from tests.helpers import forget_figures
from tests.reconciliation.conftest import Books
from tests.reconciliation.test_booking import of


def test_the_newest_result_is_published_in_one_line(books: Books, api: Any, tmp_path: Any) -> None:
    assert api.get("/v1/transparency").json()["last_reconciliation"] is None
    assert "have not been compared yet" in Client().get("/transparency").content.decode()
    books.honest()
    books.say()
    row = books.reconcile()
    forget_figures()
    assert api.get("/v1/transparency").json()["last_reconciliation"][:19] == row.ran_at.isoformat()[:19]
    assert "agree to the cent" in Client().get("/transparency").content.decode()
    books.transfer()
    books.say()
    assert books.reconcile().result == "breaks"
    forget_figures()
    page = Client().get("/transparency").content.decode()
    assert "not everything agrees yet" in page
    assert "missing" not in page  # of single items the public hears nothing


def test_what_staff_accepted_is_no_agreement(books: Books, capsys: Any) -> None:
    books.honest()
    books.say(of("debit", -1_23))
    books.reconcile()
    books.database.as_superuser("update banking_break set state = 'resolved', closed_at = now()")
    with books.database.role("worker"), pytest.raises(SystemExit) as end:
        call_command("reconcile", "--custodian", "dwolla")
    assert end.value.code == 1
    assert "agrees except for $1.23 that staff have accepted. Ledger $50.00, custodian $48.77" in capsys.readouterr().out
    page = Client().get("/transparency").content.decode()
    assert "except for $1.23 that our staff have looked into and accepted" in page
    assert "agree to the cent" not in page
    books.transfer()  # and something is open besides
    assert books.reconcile().result == "breaks"
    forget_figures()
    page = Client().get("/transparency").content.decode()
    assert "not everything agrees yet" in page
    assert "Besides, $1.23 differ" in page


def test_a_day_of_which_nothing_is_known_and_what_is_no_day_are_refused(books: Books) -> None:
    books.say()
    for day, words in (("0001-01-01", "Nothing that dwolla said until then is known"), ("soon", "is no day such as")):
        with books.database.role("worker"), pytest.raises(CommandError, match=words):
            call_command("reconcile", "--custodian", "dwolla", "--date", day)
    assert books.database.as_superuser("select count(*) from banking_reconciliation") == [(0,)]


def test_a_file_is_imported_once_and_what_is_unreadable_is_said(books: Books, tmp_path: Any, capsys: Any) -> None:
    file = tmp_path / "portal.csv"
    file.write_text("Date,Description,Amount,Balance\n2026-11-19,ACH SETTLEMENT,50.00,50.00\n2026-11-20,FEE,oops,\n")
    for _ in range(2):
        with books.database.role("worker"):
            call_command("statement_import", str(file))
    said = capsys.readouterr()
    assert "1 lines, closing $50.00, 1 unreadable pieces" in said.out
    assert "row 3: no amount that can be read" in said.err
    assert books.database.as_superuser("select count(*) from banking_statement") == [(1,)]
    assert books.database.as_superuser("select count(*) from banking_statementline") == [(1,)]
