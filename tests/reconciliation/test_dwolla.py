"""Over the sandbox's Dwolla by its own SDK: what it lists is read as a statement, and agrees with our books to the cent."""

import importlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command

from banking.reconciliation import queries, rules, services
from core import resilience
from core.actor import SYSTEM, actor
from tests.banking.conftest import Linked, linked  # noqa: F401
from tests.banking.sandbox import Bank
from tests.conftest import Database
from tests.reconciliation.conftest import open_breaks as breaks


@pytest.fixture
def person(linked: Callable[..., Linked]) -> Linked:  # noqa: F811
    return linked()


def compare(database: Database) -> Any:
    with database.role("worker"):
        return services.reconcile(custodian="dwolla")


def test_a_day_like_any_other_is_clean(person: Linked, bank: Bank, database: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.import_module("banking.rails.dwolla"), "PAGE", 2)  # several pages
    first = person.settled_load(50_00)
    redemption = person.submit(person.redeem(20_00))
    row = compare(database)
    assert (row.result, row.ledger, row.held, row.in_transit) == ("clean", 50_00, 30_00, 20_00)
    bank.advance(1)
    person.refresh(redemption)
    person.submit(person.load(10_00))
    row = compare(database)
    assert (row.result, row.ledger, row.held, row.in_transit, row.compared) == ("clean", 30_00, 30_00, 0, 3)
    assert row.pending["loads_cents"] == 10_00
    assert first.status == "settled"
    last = queries.last()
    assert last is not None
    assert (last.result, last.on) == ("clean", row.on)


def test_fees_interest_capital_and_strangers_are_booked_as_they_occur(person: Linked, bank: Bank, database: Database):
    bank.post("/sandbox/bank/terms", {"fee_cents": 25, "interest_bp": 400})
    bank.post("/sandbox/bank/book", {"kind": "capital", "cents": 1_000_000_00})
    person.settled_load(50_00)
    bank.advance(30)  # over the first of a month
    bank.post("/sandbox/bank/terms", {})
    bank.post("/sandbox/bank/book", {"kind": "fee", "cents": 1_23})  # for the account, not for a transfer
    bank.post("/sandbox/bank/book", {"kind": "credit", "cents": 77_00, "text": "for whom?"})
    for _ in range(2):
        row = compare(database)
        assert row.ledger == row.held
        assert breaks(database) == [("unknown_credit", 0)]
    kinds = "select distinct k.name from ledger_transfer t join ledger_transferkind k using (kind)"
    names = {name for (name,) in database.as_superuser(kinds)}
    assert {"rail_cost", "interest", "capital_in", "suspended", "load"} <= names
    assert database.as_superuser("select amount from ledger_transfer where kind = 16 order by 1") == [(25,), (1_23,)]


def test_what_is_spoilt_at_the_vendor_is_found(person: Linked, bank: Bank, database: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rules, "PATIENCE", {"dwolla": timedelta(0)})
    spoilt = {
        "amount": "amount", "direction": "wrong_direction", "account": "wrong_account", "twice": "duplicate",
        "gone": "missing_there", "status": "status_mismatch", "currency": "currency",
    }  # fmt: skip
    rows = [person.submit(person.load(10_00)) for _ in spoilt]
    bank.advance(3)
    rows = [person.refresh(row) for row in rows]
    assert compare(database).result == "clean"
    for what, row in zip(spoilt, rows, strict=True):
        bank.post("/sandbox/bank/spoil", {"what": what, "transfer": row.external_id})
    for _ in range(2):  # what was found is said once, however often it is read
        compare(database)
        sql = "select b.kind, b.subject from banking_break b where state = 'open' and kind <> 'balance'"
        assert sorted(database.as_superuser(sql)) == sorted(
            (spoilt[what], row.public_id) for what, row in zip(spoilt, rows, strict=True)
        )
        assert {kind for kind, _ in breaks(database)} == {*spoilt.values(), "balance"}
        assert database.as_superuser("select count(*) from banking_statementline where revision > 0") == [(5,)]


def test_a_vendor_that_is_down_is_said_and_the_days_result_stays(person: Linked, bank: Bank, database: Database):
    bank.fail("dwolla", "500", "GET /funding-sources/*", times=50)
    with database.role("worker"), pytest.raises(SystemExit) as end:
        call_command("reconcile", "--custodian", "dwolla")
    assert end.value.code == 2
    bank.post("/sandbox/dwolla/fail", {"mode": None})
    resilience.forget_failures()
    with database.role("worker"):
        call_command("reconcile", "--custodian", "dwolla")
        with actor(SYSTEM):
            from banking.models import Reconciliation

            assert Reconciliation.objects.get(current=True).result == "clean"
    bank.fail("dwolla", "500", "GET /funding-sources/*", times=50)
    assert compare(database).result == "unknown"
    assert database.as_superuser("select result from banking_reconciliation where current") == [("clean",)]
    bank.post("/sandbox/dwolla/fail", {"mode": None})


def test_a_negative_balance_is_a_balance(bank: Bank, person: Linked, database: Database):
    bank.post("/sandbox/bank/book", {"kind": "debit", "cents": 12_00})
    row = compare(database)
    assert (row.held, breaks(database)) == (-12_00, [("unknown_debit", 12_00)])
