"""Every kind of mismatch is found under its own name, nothing is found where there is none, and a break is one row."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from banking.reconciliation import booking, rules, services
from banking.statements import Fault, Line
from core.actor import SYSTEM, actor
from core.clock import now
from core.errors import ValidationError
from ledger import services as ledger
from ledger.chart import RESERVES, Kind
from ledger.services import Posting
from tests.helpers import at_once
from tests.reconciliation.conftest import Books, without

Injected = Callable[[Books], str]
INJECT: list[tuple[str, Injected]] = []
# These are known by more than a comparison of pairs.
WHOLE = ("balance", "unreadable")
HEALS = ("missing_there", "timing", "return_not_booked", "return_missing_there", "status_mismatch", "not_posted", "no_record")


def injects(kind: str) -> Callable[[Injected], Injected]:
    def keep(inject: Injected) -> Injected:
        INJECT.append((kind, inject))
        return inject

    return keep


def stray(amount: int, kind: str = "transfer", **more: object) -> Line:
    """A line that belongs to nothing of ours."""
    return Line(id=f"stray-{kind}-{amount}", on=None, kind=kind, amount=amount, **more)  # type: ignore[arg-type]


@injects("missing_here")
def a_transfer_that_we_do_not_have(books: Books) -> str:
    books.say(stray(-10_00, reference=str(uuid.uuid4()), transfer="ext-stray"))
    return "stray-transfer--1000"


@injects("missing_there")
def a_settled_transfer_that_is_not_listed(books: Books) -> str:
    ours = books.transfer()
    books.say()
    return ours.public_id


@injects("missing_there")
def a_pending_transfer_that_is_not_listed(books: Books) -> str:
    ours = books.transfer("pending")
    books.say()
    return ours.public_id


@injects("amount")
def another_amount_there(books: Books) -> str:
    ours = books.transfer()
    books.say(ours.line(amount=50_01))
    return ours.public_id


@injects("amount")
def another_amount_in_the_ledger(books: Books) -> str:
    ours = books.transfer(posted=False)
    books.post(ours, amount=49_99)
    books.say(ours.line())
    return ours.public_id


@injects("duplicate")
def the_same_transfer_twice(books: Books) -> str:
    ours = books.transfer()
    books.say(ours.line(), ours.line(id="again", transfer="ext-again"))
    return ours.public_id


@injects("timing")
def settled_here_and_pending_there(books: Books) -> str:
    ours = books.transfer()
    books.say(ours.line(state="pending", effect=0))
    return ours.public_id


@injects("timing")
def settled_there_and_pending_here(books: Books) -> str:
    ours = books.transfer("pending")
    books.say(ours.line())
    return ours.public_id


@injects("fee")
def a_fee_that_came_back(books: Books) -> str:
    books.say(stray(2_00, kind="fee"))
    return "stray-fee-200"


@injects("interest")
def interest_below_zero(books: Books) -> str:
    books.say(stray(-2_00, kind="interest"))
    return "stray-interest--200"


@injects("capital")
def more_capital_out_than_there_is(books: Books) -> str:
    books.say(stray(-2_00, kind="capital"))
    return "stray-capital--200"


@injects("unknown_credit")
def money_from_nobody(books: Books) -> str:
    books.say(stray(77_00, kind="credit"))
    return "stray-credit-7700"


@injects("unknown_debit")
def money_that_nobody_sent(books: Books) -> str:
    books.say(stray(-77_00, kind="debit"))
    return "stray-debit--7700"


@injects("wrong_account")
def another_bank_account(books: Books) -> str:
    ours = books.transfer()
    books.say(ours.line(account="somebody-elses"))
    return ours.public_id


@injects("wrong_direction")
def the_other_way_round(books: Books) -> str:
    ours = books.transfer()
    books.say(ours.line(amount=-50_00))
    return ours.public_id


@injects("currency")
def in_another_currency(books: Books) -> str:
    ours = books.transfer()
    books.say(ours.line(currency="EUR"))
    return ours.public_id


@injects("return_not_booked")
def a_return_of_which_we_have_not_heard(books: Books) -> str:
    ours = books.transfer()
    books.say(ours.line())
    books.say(ours.line(state="failed", effect=0))
    return ours.public_id


@injects("return_missing_there")
def a_return_that_only_we_have(books: Books) -> str:
    ours = books.transfer("returned")
    books.say(ours.line())
    return ours.public_id


@injects("status_mismatch")
def cancelled_there_and_settled_here(books: Books) -> str:
    ours = books.transfer()
    books.say(ours.line(state="cancelled", effect=0))
    return ours.public_id


@injects("status_mismatch")
def settled_there_and_failed_here(books: Books) -> str:
    ours = books.transfer("failed")
    books.say(ours.line())
    return ours.public_id


@injects("posted_twice")
def twice_in_the_ledger(books: Books) -> str:
    ours = books.transfer()
    books.post(ours, name="again")
    books.say(ours.line())
    return ours.public_id


@injects("not_posted")
def settled_and_not_in_the_ledger(books: Books) -> str:
    ours = books.transfer(posted=False)
    books.say(ours.line())
    return ours.public_id


@injects("no_record")
def a_posting_out_of_nowhere(books: Books) -> str:
    reference = uuid.uuid4()
    wallet = books.wallet()
    with books.database.role("worker"), actor(SYSTEM):
        ledger.post(Posting(reference, Kind.LOAD, RESERVES["dwolla"], wallet, 5_00))
    books.say()
    return str(reference)


@injects("balance")
def lines_that_do_not_make_the_balance(books: Books) -> str:
    books.say(closing=sum(books.said.values()) + 1)
    return "dwolla:balance"


@injects("unreadable")
def a_piece_that_cannot_be_read(books: Books) -> str:
    statement = books.say(closing=sum(books.said.values()) + 1, faults=(Fault("line 7", "an unknown record", "77,1"),))
    return f"dwolla:{statement.pk}"


def some_honest_ones(books: Books) -> None:
    books.honest(amount=1200_00)
    books.honest(load=False, amount=30_00)
    books.honest("pending", amount=11_00)
    books.honest("pending", load=False, amount=12_00)
    books.honest("returned", amount=13_00)
    for status in ("requested", "submitted", "unknown"):
        books.transfer(status, amount=14_00)
    for status in ("failed", "cancelled"):
        ours = books.transfer(status, amount=15_00)
        books.lines.append(ours.line(state=status, effect=0))


def test_on_clean_data_there_is_none(books: Books):
    some_honest_ones(books)
    books.say()
    row = books.reconcile()
    assert (row.result, row.breaks, books.breaks()) == ("clean", 0, [])
    assert (row.ledger, row.held, row.in_transit) == (1170_00, 1158_00, 12_00)  # a redemption that has left, and is pending
    assert [item[1:] for item in row.items] == [[12_00, "pending"]]
    assert row.pending == {"loads": 4, "loads_cents": 53_00, "redemptions": 1, "redemptions_cents": 12_00}
    assert row.ledger == row.ours


def test_each_kind_is_found_under_its_name(books: Books):
    some_honest_ones(books)
    injected = [(kind, inject(books)) for kind, inject in INJECT]
    row = books.reconcile()
    assert sorted(books.breaks()) == sorted(injected)
    assert (row.result, row.breaks) == ("breaks", len(injected))
    assert row.breaks_cents + row.in_transit == row.ledger - row.held
    kinds = {kind for kind, _ in injected}
    assert kinds == rules.KINDS.keys() - {"unexplained"}
    assert len(kinds) >= 12


def test_control_without_its_comparison_none_is_found(books: Books):
    injected = [(kind, inject(books)) for kind, inject in INJECT if kind not in WHOLE]
    with books.database.role("worker"):
        booking.book(custodian="dwolla")
        with actor(SYSTEM):
            _, pairs = services.match(custodian="dwolla", at=now() + timedelta(seconds=1))
    by_subject = {pair.subject: pair for pair in pairs}
    for kind, subject in injected:
        found = rules.judge(by_subject[subject], custodian="dwolla", at=now())
        assert found is not None and found.kind == kind
        with without(kind):
            found = rules.judge(by_subject[subject], custodian="dwolla", at=now())
            assert found is None or found.kind != kind, kind


def test_what_the_parts_do_not_explain_is_a_break_itself(books: Books, monkeypatch: pytest.MonkeyPatch):
    ours = books.transfer()
    books.say()
    monkeypatch.setattr(services, "judge", lambda pair, **more: None)
    books.reconcile()
    ((kind, _),) = books.breaks()
    assert (kind, books.open_break().cents) == ("unexplained", ours.amount)


# ----------------------------------------------------------------------------------------------------------- time
def test_what_is_only_late_is_on_its_way_for_a_while(books: Books, monkeypatch: pytest.MonkeyPatch):
    late = [inject(books) for kind, inject in INJECT if kind in HEALS]
    monkeypatch.setattr(rules, "PATIENCE", dict.fromkeys(RESERVES, timedelta(hours=24)))
    row = books.reconcile()
    assert (row.result, books.breaks(), row.items_count) == ("clean", [], len(late))
    assert sorted(item[0] for item in row.items) == sorted(late)
    assert row.ledger - row.held == row.in_transit


def test_a_transfer_that_is_pending_for_ever_is_a_break(books: Books, monkeypatch: pytest.MonkeyPatch):
    ours = books.honest("pending")
    books.say()
    assert books.reconcile().result == "clean"
    monkeypatch.setattr(rules, "OVERDUE", timedelta(0))
    pair = rules.Pair.of({
        "key": ours.key, "public_id": ours.public_id, "status": "pending", "amount": 50_00, "signed": 50_00, "ledger": 0,
        "in_ledger": False, "there": 0, "on_statement": True, "said": 50_00, "least": 50_00,
        "created_at": (now() - timedelta(days=11)).isoformat(),
    })  # fmt: skip
    verdict = rules.judge(pair, custodian="dwolla", at=now())
    assert verdict is not None
    assert verdict.kind


def test_the_custodians_calendar_decides_nothing(books: Books):
    """Lines of last year and of next year: only our own clock says what is late."""
    ours = books.transfer()
    books.say(replace(ours.line(), on=now().date() + timedelta(days=400)))
    assert books.reconcile().result == "clean"


# ------------------------------------------------------------------------------------------------- a break's life
def test_the_same_break_of_the_next_day_is_the_same_row(books: Books):
    ours = books.transfer()
    books.say()
    books.reconcile()
    first = books.open_break()
    books.database.as_superuser(
        "update banking_break set first_on = first_on - 1, last_on = last_on - 1;"
        " update banking_reconciliation set \"on\" = \"on\" - 1"
    )  # fmt: skip
    row = books.reconcile()
    again = books.open_break()
    assert (again.pk, again.subject) == (first.pk, ours.public_id)
    assert (again.last_on - again.first_on).days == 1
    assert row.breaks == 1
    assert books.database.as_superuser("select count(*) from banking_reconciliation where current") == [(2,)]


def test_a_break_that_goes_away_by_itself_is_closed_as_such_and_may_come_back(books: Books):
    ours = books.transfer()
    books.say()
    books.reconcile()
    books.say(ours.line())
    assert books.reconcile().result == "clean"
    (closed,) = books.database.as_superuser("select state, closed_at is not null, times_opened from banking_break")
    assert closed == ("vanished", True, 1)
    books.say(ours.line(state="failed", effect=0))
    books.reconcile()
    assert books.breaks() == [("return_not_booked", ours.public_id)]


def test_a_resolved_break_stays_resolved_until_something_changes(books: Books):
    ours = books.transfer(posted=False)
    books.post(ours, amount=49_00)
    books.say(ours.line())
    books.reconcile()
    books.database.as_superuser("update banking_break set state = 'resolved', closed_at = now()")
    row = books.reconcile()  # nothing is open, and the books do not agree
    assert (row.result, row.accepted, row.accepted_cents, row.ledger - row.held) == ("accepted", 1, 1_00, -1_00)
    assert books.breaks() == []
    books.post(ours, amount=2_00, name="more")  # and now it is another break: twice in the ledger
    assert books.reconcile().result == "breaks"


# ------------------------------------------------------------------------------------------- a line that was known
CHANGED: list[tuple[str, dict[str, object]]] = [
    ("amount", {"amount": 50_01}), ("wrong_direction", {"amount": -50_00}), ("wrong_account", {"account": "somebody-elses"}),
    ("currency", {"currency": "EUR"}), ("timing", {"state": "pending", "effect": 0}),
    ("return_not_booked", {"state": "failed", "effect": 0}), ("status_mismatch", {"state": "cancelled", "effect": 0}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "changes"), CHANGED)
def test_a_line_that_is_another_after_a_clean_day_is_found_and_heals(books: Books, kind: str, changes: dict[str, object]):
    ours = books.transfer()
    books.say(ours.line(state="pending", effect=0), asked=books.asked())
    books.say(ours.line(), asked=books.asked())
    assert books.reconcile().result == "clean"
    for _ in range(2):
        books.say(ours.line(**changes), asked=books.asked(), closing=50_00)
        row = books.reconcile()
        assert [found for found in books.breaks() if found[0] != "balance"] == [(kind, ours.public_id)]
        assert row.breaks_cents == row.ledger - row.held == 0  # the balance is another break, the other way round
    books.say(ours.line(), asked=books.asked())
    assert (books.reconcile().result, books.breaks()) == ("clean", [])


def test_lines_that_are_no_longer_listed_are_found_and_may_come_back(books: Books):
    ours, fee = books.honest(), stray(-25, kind="fee")
    books.say(fee, asked=books.asked())
    assert books.reconcile().result == "clean"
    books.lines.clear()
    for _ in range(2):
        books.say(asked=books.asked(), closing=49_75)
        assert books.reconcile().breaks == 3
        assert sorted(books.breaks()) == [
            ("balance", "dwolla:balance"), ("missing_there", ours.public_id), ("missing_there", fee.id)
        ]  # fmt: skip
    books.say(ours.line(), fee, asked=books.asked())
    assert (books.reconcile().result, books.breaks()) == ("clean", [])
    assert books.journal() == [("rail_cost", 25)]


def test_what_was_not_asked_for_is_not_missed(books: Books):
    """Lines of before the days that were asked for, a file of one day, and an answer older than what is known."""
    long_ago = now().date() - timedelta(days=200)
    ours = books.honest()
    books.lines[:] = [ours.line(on=long_ago)]
    asked = books.asked()
    books.say()
    books.lines.clear()
    books.say(closing=50_00)  # nobody said that it is all there is
    books.say(asked=replace(books.asked(), since=long_ago), closing=50_00)
    books.say(ours.line(amount=1, on=long_ago), asked=asked, closing=50_00)  # another process has asked meanwhile
    books.say(asked=asked, closing=50_00)
    assert (books.reconcile().result, books.breaks()) == ("clean", [])


# ------------------------------------------------------------------------------------------------------- its result
def test_each_days_result_is_one_and_the_earlier_are_kept(books: Books):
    books.say()
    first, second = books.reconcile(), books.reconcile()
    rows = books.database.as_superuser("select id, current from banking_reconciliation order by id")
    assert rows == [(first.pk, False), (second.pk, True)]


def test_side_by_side_it_is_harmless(books: Books):
    some_honest_ones(books)
    books.say(stray(77_00, kind="credit"), stray(-1_00, kind="debit"))
    with books.database.role("worker"):
        at_once(3, lambda number: services.reconcile(custodian="dwolla"))
    assert books.database.as_superuser("select count(*) filter (where current), count(*) from banking_reconciliation") == [(1, 3)]
    assert sorted(kind for kind, _ in books.breaks()) == ["unknown_credit", "unknown_debit"]
    assert books.journal() == [("suspended", 77_00)]


def test_a_day_to_come_is_refused_and_a_past_one_is_judged_by_what_was_known(books: Books):
    books.transfer()
    books.say()
    with books.database.role("worker"), pytest.raises(ValidationError):
        services.reconcile(custodian="dwolla", on=now().date() + timedelta(days=1))
    with books.database.role("worker"), pytest.raises(ValidationError):
        services.reconcile(custodian="dwolla", on=now().date() - timedelta(days=1))
    assert books.database.as_superuser("select count(*) from banking_reconciliation") == [(0,)]
