"""Prenotes and reversals that staff want, from the wish to the wallet and the books; test_nacha.py of the console asks."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from banking import tasks
from banking.nacha.read import read_bytes
from banking.nacha.records import Forward
from banking.reconciliation import services as reconciliation
from banking.services.nacha import entries, orders
from tests.banking.odfi import Odfi
from tests.conftest import Database

_WISH = (
    "insert into banking_nachaorder (user_id, kind, key, receiver_id, direction, original_id, asked_by_id, due_at)"
    " select e.user_id, %s, gen_random_uuid(), e.receiver_id, 'credit', case when %s = 'reversal' then e.id end,"
    " (select id from users_user where public_id = 'usr_files'), now() from banking_nachaentry e where e.key = %s returning id"
)


def wish(odfi: Odfi, kind: str, row: Any) -> int:
    """As `banking_nacha_order_prenote` and `banking_nacha_order_reversal` write it."""
    ((made,),) = odfi.database.as_superuser(_WISH, [kind, kind, str(row.rail_key)])
    return int(made)


def carried_out(odfi: Odfi, order: int) -> tuple[str, str | None, str]:
    odfi.as_worker(tasks.sweep_decisions)
    ((due, entry, refused),) = odfi.database.as_superuser(
        "select o.due_at is null, e.public_id, o.refused from banking_nachaorder o"
        " left join banking_nachaentry e on e.id = o.entry_id where o.id = %s", [order],
    )  # fmt: skip
    return due, entry, refused


def sent(odfi: Odfi, name: str) -> Forward:
    items = read_bytes((odfi.drop / "outgoing" / name).read_bytes()).items
    (item,) = [item for item in items if isinstance(item, Forward)]
    return item


def is_clean(odfi: Odfi) -> bool:
    row = odfi.as_worker(reconciliation.reconcile, custodian="odfi")
    open_breaks = odfi.database.as_superuser("select kind, facts from banking_break where state = 'open'")
    assert open_breaks == []
    return bool(row.result == "clean")


def test_a_load_that_was_a_mistake_goes_back_and_the_wallet_and_the_books_follow(
    odfi: Odfi, linked: Callable[..., Any], database: Database
) -> None:
    person = linked()
    row = person.submit(person.load(50_00))
    odfi.ship()
    odfi.days(4)
    assert person.money() == (50_00, 0, 0)

    order = wish(odfi, "reversal", row)
    _, entry, refused = carried_out(odfi, order)
    assert entry is not None and refused == ""
    assert carried_out(odfi, order) == (True, entry, "")  # again: there is one entry
    item = sent(odfi, odfi.ship().name)
    assert (item.entry.amount, item.entry.debit) == (50_00, False)
    assert person.fresh(row).status == "settled"  # not before it has arrived
    odfi.days(3)
    back = person.fresh(row)
    assert (back.status, back.failure_code) == ("returned", "REVERSED")
    assert person.money() == (0, 0, 0)
    assert odfi.quarantine() == []
    assert is_clean(odfi)
    with pytest.raises(Exception, match="banking_nacha_reversed_once"):
        wish(odfi, "reversal", row)


def test_a_redemption_that_was_a_mistake_is_in_the_wallet_again(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked(money=30_00)
    row = person.submit(person.redeem(20_00))
    odfi.ship()
    odfi.days(2)
    assert person.fresh(row).status == "settled"
    carried_out(odfi, wish(odfi, "reversal", row))
    odfi.ship()
    odfi.days(5)
    assert person.fresh(row).status == "returned"
    assert person.money() == (30_00, 0, 0)


def test_a_reversal_that_comes_back_itself_changes_nothing(odfi: Odfi, linked: Callable[..., Any], database: Database) -> None:
    person = linked(money=30_00)
    row = person.submit(person.redeem(20_00))
    odfi.ship()
    odfi.days(2)
    _, entry, _ = carried_out(odfi, wish(odfi, "reversal", row))
    odfi.ship()
    database.as_superuser("update banking_nachaentry set status = 'returned', return_code = 'R01' where public_id = %s", [entry])
    odfi.as_worker(tasks.collect_from_bank)
    assert person.fresh(row).status == "settled"
    assert person.money() == (10_00, 0, 0)


def test_too_late_and_too_early_are_said_and_nothing_is_sent(
    odfi: Odfi, linked: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    person = linked()
    early, late = person.submit(person.load(10_00)), person.submit(person.load(11_00))
    odfi.ship()
    assert carried_out(odfi, wish(odfi, "reversal", early)) == (True, None, orders.WORDS["NotReversible"])
    odfi.days(1)
    settles = entries.settlement(odfi.entry(late))
    assert orders.in_time(settles)
    monkeypatch.setattr(entries, "_today", lambda: settles + timedelta(days=20))
    assert carried_out(odfi, wish(odfi, "reversal", late)) == (True, None, orders.WORDS["TooLateToReverse"])
    assert not orders.in_time(date(2026, 1, 5))
    monkeypatch.undo()
    assert carried_out(odfi, wish(odfi, "reversal", early))[1] is not None  # what was refused may be asked for again


def test_a_prenote_asks_without_money(odfi: Odfi, linked: Callable[..., Any]) -> None:
    person = linked()
    row = person.submit(person.load(10_00))
    odfi.ship()
    odfi.days(4)
    money = person.money()
    _, entry, refused = carried_out(odfi, wish(odfi, "prenote", row))
    assert entry is not None and refused == ""
    item = sent(odfi, odfi.ship().name)
    assert (item.entry.amount, item.entry.transaction_code) == (0, "23")  # a credit to checking, as a prenote
    odfi.days(2)
    assert person.money() == money
    assert odfi.quarantine() == []
    ((status,),) = odfi.database.as_superuser("select status from banking_nachaentry where public_id = %s", [entry])
    assert status in ("acknowledged", "settled")
    assert is_clean(odfi)
