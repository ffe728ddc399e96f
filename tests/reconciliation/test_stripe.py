"""Over the sandbox's Stripe by its own SDK: its two lists are read as one statement, and agree with our books to the cent."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe
from django.core.management import call_command

from banking import rails
from banking.rails import stripe as adapter
from banking.rails import stripe_statement
from banking.reconciliation import rules, services
from core import resilience
from tests.banking.conftest import Linked, choose, linked, staff_member  # noqa: F401
from tests.banking.sandbox import Bank
from tests.banking.test_stripe_wired import put_money_at_stripe
from tests.conftest import Database
from tests.reconciliation.conftest import open_breaks as breaks


@pytest.fixture
def person(linked: Callable[..., Linked], choose: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Linked]:  # noqa: F811
    choose("stripe")
    monkeypatch.setattr(adapter, "PAGE", 2)  # several pages
    return linked


def compare(database: Database) -> Any:
    with database.role("worker"):
        return services.reconcile(custodian="stripe")


def rail_costs(database: Database) -> list[int]:
    return sorted(amount for (amount,) in database.as_superuser("select amount from ledger_transfer where kind = 16"))


def test_a_load_its_fee_and_a_redemption(person: Callable[..., Linked], bank: Bank, database: Database) -> None:
    maya = person()
    load = maya.submit(maya.load(50_00))
    row = compare(database)
    # Stripe's pending balance has it from the start; held is nothing before the bank has paid.
    assert (row.result, row.ledger, row.held, row.in_transit) == ("clean", 0, 0, 0)
    assert rails.rail("stripe").balance() == 0
    bank.advance(3)
    assert maya.refresh(load).status == "settled"
    for _ in range(2):  # the fee is booked once
        row = compare(database)
        assert (row.result, row.ledger, row.held, rail_costs(database)) == ("clean", 49_60, 49_60, [40])
    redemption = maya.submit(maya.redeem(20_00))
    row = compare(database)
    assert (row.result, row.ledger, row.held, row.in_transit) == ("clean", 49_60, 29_60, 20_00)
    bank.advance(1)
    assert maya.refresh(redemption).status == "settled"
    row = compare(database)
    assert (row.result, row.ledger, row.held, row.in_transit) == ("clean", 29_60, 29_60, 0)
    assert rails.rail("stripe").balance() == 29_60
    states = "select amount, state, effect from banking_statementline where kind = 'transfer' order by id"
    assert database.as_superuser(states) == [
        (50_00, "pending", 0), (50_00, "posted", 50_00), (-20_00, "pending", -20_00), (-20_00, "posted", 0),
    ]  # fmt: skip


def test_a_load_that_comes_back_late(person: Callable[..., Linked], bank: Bank, database: Database,
                                     monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(rules, "PATIENCE", {"stripe": timedelta(0)})
    maya = person(name="R10-late")
    load = maya.settled_load(50_00)
    assert (compare(database).result, breaks(database)) == ("clean", [])
    bank.advance(3)
    compare(database)  # Stripe knows, and we do not yet
    assert breaks(database) == [("return_not_booked", 50_00)]
    assert maya.refresh(load).status == "returned"
    row = compare(database)
    assert (row.result, row.ledger, row.held, breaks(database)) == ("clean", -15_40, -15_40, [])
    assert rail_costs(database) == [40, 15_00]


def test_what_fails_was_never_there_and_what_is_returned_is_back(
    person: Callable[..., Linked], bank: Bank, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "PATIENCE", {"stripe": timedelta(0)})
    fails = person(name="R01")
    load = fails.submit(fails.load(50_00))
    assert compare(database).result == "clean"  # seen while it is processing
    person().settled_load(1_000_00)
    assert fails.refresh(load).status == "failed"
    row = compare(database)
    assert (row.result, row.held, rail_costs(database)) == ("clean", 991_00, [4_00, 5_00])
    early, late, taken_back = (person(name=name, money=30_00) for name in ("R03", "R03-late", "Everyday"))
    rows = [(one, one.submit(one.redeem(20_00))) for one in (early, late, taken_back)]
    row = compare(database)
    assert (row.result, row.held, row.in_transit) == ("clean", 931_00, 60_00)
    rails.rail("stripe").cancel(transfer=str(rows[2][1].external_id))
    other = person()
    cancelled = other.submit(other.load(7_00))
    rails.rail("stripe").cancel(transfer=str(cancelled.external_id))
    statuses = []
    for day in range(2):
        bank.advance(3 * day + 1)
        statuses.append([one.refresh(row).status for one, row in (*rows, (other, cancelled))])
        row = compare(database)
        assert (row.result, row.held, breaks(database)) == ("clean", 991_00 - (0 if day else 20_00), [])
    assert statuses == [["failed", "settled", "cancelled", "cancelled"], ["failed", "returned", "cancelled", "cancelled"]]


def test_what_is_spoilt_at_the_vendor_is_found(
    person: Callable[..., Linked], bank: Bank, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "PATIENCE", {"stripe": timedelta(0)})
    maya = person(balance=50_000.0)
    rows = [maya.submit(maya.load(1_000_00 + number)) for number in range(4)]
    bank.advance(3)
    rows = [maya.refresh(row) for row in rows]
    payment = maya.submit(maya.redeem(20_00))
    assert compare(database).result == "clean"  # what was read is compared again
    for what, row in (("amount", rows[0]), ("twice", rows[1]), ("gone", rows[2]), ("amount", payment)):
        bank.post("/sandbox/bank/spoil", {"what": what, "transfer": row.external_id})
    compare(database)
    found = database.as_superuser("select kind, subject, cents from banking_break where state = 'open' and kind <> 'balance'")
    # With what is no longer listed its fee is gone, too, a line of its own.
    (fee,) = (row for row in found if row[1].endswith(":fee"))
    assert (fee[0], fee[2]) == ("missing_there", -5_00)
    assert set(found) - {fee} == {
        ("amount", rows[0].public_id, -1), ("duplicate", rows[1].public_id, -1_000_01),
        ("missing_there", rows[2].public_id, 1_000_02), ("amount", payment.public_id, 20_01),
    }  # fmt: skip


def test_a_strangers_money_waits_and_a_vendor_that_is_down_is_said(
    person: Callable[..., Linked], bank: Bank, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    person().settled_load(50_00)
    put_money_at_stripe(77_00)
    for _ in range(2):
        row = compare(database)
        # Nobody knows whose it is; the payout of the load is nobody's, because it only changed its place.
        assert (row.ledger, row.held, breaks(database)) == (126_60, 126_60, [("unknown_credit", 0)])
    with database.role("worker"), pytest.raises(SystemExit) as end:
        call_command("reconcile")
    assert end.value.code == 1
    assert "custodian $126.60" in next(line for line in capsys.readouterr().out.splitlines() if line.startswith("stripe "))
    for path in ("/v1/treasury/transactions", "/v1/balance_transactions"):
        bank.fail("stripe", "500", f"GET {path}", times=50)
        with database.role("worker"), pytest.raises(SystemExit) as end:
            call_command("reconcile", "--custodian", "stripe")
        assert end.value.code == 2
        bank.post("/sandbox/stripe/fail", {"mode": None})
        resilience.forget_failures()


def entry(source: dict[str, Any], *, type: str = "payment", amount: int = 50_00, fee: int = 0, status: str = "available") -> Any:
    """A balance transaction as Stripe lists it."""
    values = {
        "id": f"txn_{source.get('id')}_{type}", "object": "balance_transaction", "type": type, "amount": amount, "fee": fee,
        "net": amount - fee, "currency": "usd", "created": 1_780_000_000, "status": status, "source": source,
        "reporting_category": "charge", "description": None,
    }  # fmt: skip
    return stripe.BalanceTransaction.construct_from(values, None)


def received(payout: str | None, amount: int) -> Any:
    flows = {"source_flow": payout, "source_flow_type": "payout" if payout else None}
    flow = {"type": "received_credit", "received_credit": {"id": "rc_1", "linked_flows": flows}}
    values = {
        "id": "trxn_1", "object": "treasury.transaction", "amount": amount, "currency": "usd", "status": "posted", "flow": "rc_1",
        "flow_type": "received_credit", "created": 1_780_000_001, "balance_impact": {"cash": amount}, "flow_details": flow,
        "description": "",
    }  # fmt: skip
    return stripe.treasury.Transaction.construct_from(values, None)


@pytest.mark.parametrize(
    ("status", "arrived", "lines", "on_the_way"),
    [
        ("paid", [received("po_1", 50_00)], [], 0),
        ("in_transit", [], [], 50_00),
        ("paid", [], [("capital", -50_00)], 0),  # to a bank of the operators'
        ("paid", [received(None, 50_00)], [("capital", -50_00), ("credit", 50_00)], 0),
        ("failed", "out and back", [], 0),
    ],
)
def test_where_a_payout_went(status: str, arrived: Any, lines: list[Any], on_the_way: int) -> None:
    source = {"id": "po_1", "object": "payout", "status": status}
    entries = [entry(source, type="payout", amount=-50_00)]
    if arrived == "out and back":
        entries, arrived = [entry(source, type="payout_failure"), *entries], []
    found, moving = stripe_statement.lines(entries, arrived)
    assert ([(line.kind, line.amount) for line in found], moving) == (lines, on_the_way)


def test_what_is_held_of_a_debit() -> None:
    """Nothing while it is processing or when it failed; all of it once it has succeeded, though Stripe pays it out later."""

    def of(status: str, **more: Any) -> tuple[Any, ...]:
        charge = {"id": "py_1", "object": "charge", "status": status, "payment_intent": "pi_1", "metadata": {"paya_key": "k"}}
        listed = [entry(charge, fee=40, status="pending", **more)]
        if status == "failed":
            listed.insert(0, entry({**charge, "object": "refund"}, type="payment_failure_refund", amount=-50_00, fee=-40))
        lines, _ = stripe_statement.lines(listed, [])
        assert {(line.transfer, line.reference) for line in lines if line.kind == "transfer"} == {("pi_1", "k")}
        return stripe_statement.processing(listed), [(line.kind, line.booked, line.state) for line in lines]

    assert of("pending") == (49_60, [("transfer", 0, "pending")])
    assert of("succeeded") == (0, [("transfer", 50_00, "posted"), ("fee", -40, "posted")])
    kinds = dict(sorted((kind, (effect, state)) for kind, effect, state in of("failed")[1]))
    assert (of("failed")[0], kinds) == (0, {"transfer": (0, "failed"), "return": (0, "failed")})
