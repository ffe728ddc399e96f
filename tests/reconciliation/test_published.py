"""What everybody may know of a reconciliation: when, and whether it agreed."""

from typing import Any

from django.core.management import call_command
from django.test import Client

from tests.reconciliation.conftest import Books


def test_the_newest_result_is_published_in_one_line(books: Books, api: Any, tmp_path: Any) -> None:
    assert api.get("/v1/transparency").json()["last_reconciliation"] is None
    assert "have not been compared yet" in Client().get("/transparency").content.decode()
    books.honest()
    books.say()
    row = books.reconcile()
    assert api.get("/v1/transparency").json()["last_reconciliation"][:19] == row.ran_at.isoformat()[:19]
    assert "agree to the cent" in Client().get("/transparency").content.decode()
    books.transfer()
    books.say()
    assert books.reconcile().result == "breaks"
    page = Client().get("/transparency").content.decode()
    assert "not everything agrees yet" in page
    assert "missing" not in page  # of single items the public hears nothing


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
