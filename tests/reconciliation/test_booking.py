"""What only the statement tells is booked from it: each line once, whatever runs twice, side by side, or dies between."""

import random
from collections import Counter
from typing import Any

import pytest

from banking.reconciliation import booking, store
from banking.services import corrections
from banking.statements import Line
from banking.tasks import sweep_decisions
from core import staff
from core.actor import SYSTEM, actor
from core.errors import Conflict
from core.ids import new_id
from ledger import services as ledger
from ledger.queries import figures
from tests.helpers import at_once, give_all_roles
from tests.reconciliation.conftest import Books
from users.models import User


def of(kind: str, amount: int, number: int = 1, **more: Any) -> Line:
    return Line(id=f"{kind}-{number}", on=None, kind=kind, amount=amount, **more)  # type: ignore[arg-type]


def book(books: Books) -> Counter[str]:
    with books.database.role("worker"):
        return booking.book(custodian=books.custodian)


def test_each_kind_goes_where_it_belongs_and_clean_is_clean(books: Books):
    books.say(
        of("capital", 1000_00),
        of("fee", -25),
        of("fee", -30, 2),
        of("interest", 41_00),
        of("credit", 77_00),
        of("capital", -100_00, 2),
    )
    row = books.reconcile()
    assert sorted(books.journal()) == [
        ("capital_in", 1000_00), ("capital_out", 100_00), ("interest", 41_00), ("rail_cost", 25), ("rail_cost", 30),
        ("suspended", 77_00),
    ]  # fmt: skip
    balances = dict(
        books.database.as_superuser(
            "select s.name, sum(a.balance)::bigint from ledger_account a"
            " join ledger_systemaccount s on s.id = ledger_logical(a.id) group by 1"
        )
    )
    expected = {"capital": 900_00, "revenue": 41_00, "rail_costs": -55, "suspense": 77_00, "reserve:dwolla": -1017_45}
    assert {name: balances[name] for name in expected} == expected
    # Suspense is owed to somebody, so the reserve has to cover it.
    assert books.breaks() == [("unknown_credit", "credit-1")]
    assert (row.ledger, row.held) == (1017_45, 1017_45)


def test_twice_and_side_by_side_each_line_is_booked_once(books: Books):
    books.say(*(of("fee", -number, number) for number in range(1, 21)), of("credit", 5_00))
    with books.database.role("worker"):
        at_once(4, lambda number: booking.book(custodian="dwolla"))
    assert book(books) == Counter()
    assert Counter(name for name, _ in books.journal()) == {"rail_cost": 20, "suspended": 1}
    books.say(*(of("fee", -number, number) for number in range(1, 21)))
    assert book(books) == Counter()


def test_control_without_the_lines_own_reference_it_is_booked_twice(books: Books, monkeypatch: pytest.MonkeyPatch):
    import uuid

    monkeypatch.setattr(booking, "derived_reference", lambda key, name: uuid.uuid4())
    books.say(of("fee", -25))
    with books.database.role("worker"):
        at_once(6, lambda number: booking.book(custodian="dwolla"))
    twice = len(books.journal()) > 1
    # The journal is looked at before it is written, so only an unlucky pair gets through: then by hand.
    if not twice:
        key = store.line_key("dwolla", "fee-1")
        posting = booking.posting_of(custodian="dwolla", key=key, kind="fee", cents=-25)
        assert posting is not None
        with books.database.role("worker"), actor(SYSTEM):
            ledger.post(posting, group=key)
    assert len(books.journal()) > 1


def test_a_crash_between_two_lines_loses_and_doubles_nothing(books: Books, monkeypatch: pytest.MonkeyPatch):
    books.say(*(of("fee", -number, number) for number in range(1, 8)))
    real, posted = ledger.post, []

    def dies(posting: Any, **more: Any) -> Any:
        if len(posted) == 3:
            raise SystemExit("killed")
        posted.append(posting)
        return real(posting, **more)

    monkeypatch.setattr(booking.ledger, "post", dies)
    with pytest.raises(SystemExit):
        book(books)
    monkeypatch.undo()
    assert len(books.journal()) == 3
    assert book(books) == {"rail_cost": 4}
    assert sorted(amount for _, amount in books.journal()) == list(range(1, 8))


def test_what_cannot_be_booked_waits_for_staff(books: Books):
    books.say(
        of("fee", 5_00), of("interest", -3_00), of("debit", -9_00), of("capital", -1), of("credit", 4_00, currency="EUR"),
        of("credit", 0, 9), of("transfer", 8_00, state="pending", effect=0),
    )  # fmt: skip
    assert book(books) == Counter()
    assert books.journal() == []


def test_money_that_has_no_name_goes_to_suspense_and_a_transfer_of_ours_does_not(books: Books):
    ours = books.transfer("pending")
    books.say(ours.line(reference=""), of("transfer", 6_00))
    assert book(books) == {"suspended": 1}
    assert books.journal() == [("suspended", 6_00)]


@pytest.mark.parametrize("seed", range(3))
def test_random_statements_read_in_any_pieces_end_in_the_same_books(books: Books, seed: int):
    """Property: whatever is read again, late, twice or in other pieces, the ledger ends where the custodian does."""
    chance = random.Random(seed)
    kinds = {"fee": -1, "interest": 1, "credit": 1, "capital": 1}
    lines = []
    for number in range(30):
        kind = chance.choice(list(kinds))
        lines.append(of(kind, kinds[kind] * chance.randint(1, 90_000), number))
    for _ in range(6):
        piece = chance.sample(lines, chance.randint(0, 12))
        books.say(*piece)
        if chance.random() < 0.5:
            book(books)
    books.say(*lines)
    row = books.reconcile()
    assert row.ledger == row.held == sum(line.amount for line in lines)
    assert len(books.journal()) == len(lines)
    assert {kind for kind, _ in books.breaks()} <= {"unknown_credit"}
    with books.database.role("worker"):
        assert figures().reserve >= row.held


def two_of_the_staff(books: Books) -> tuple[int, int]:
    with books.database.role("worker"), actor(SYSTEM):
        emails = ("ada@staff.example", "bob@staff.example")
        ada, bob = (
            give_all_roles(User.objects.create(public_id=new_id("usr"), kind=User.STAFF, email=email).pk) for email in emails
        )
    return ada, bob


WHY = "Bank letter 4711"


def correct(books: Books, owner: str | None, *, approve: bool = True) -> None:
    """One asks, another approves, the worker posts."""
    found = books.database.as_superuser("select public_id from banking_break order by id desc limit 1")[0][0]
    ada, bob = two_of_the_staff(books)
    with books.database.role("staff"):
        made = corrections.ask_about_line(break_id=found, owner=owner, staff_id=ada, reason=WHY)
        with pytest.raises(Conflict, match="asked for already"):
            corrections.ask_about_line(break_id=found, owner=owner, staff_id=bob, reason=WHY)
        with pytest.raises(Conflict, match="You asked for it yourself"):
            corrections.decide(correction=made, approve=True, staff_id=ada, reason=WHY)
    sweep(books)
    before = books.journal()
    with books.database.role("staff"):
        corrections.decide(correction=made, approve=approve, staff_id=bob, reason=WHY)
    for _ in range(2):
        sweep(books)
    if not approve:
        assert books.journal() == before
        return
    with books.database.role("staff"), pytest.raises(Conflict):
        corrections.ask_about_line(break_id=found, owner=owner, staff_id=ada, reason=WHY)


def sweep(books: Books) -> None:
    with books.database.role("worker"):
        sweep_decisions()


def test_an_owner_who_is_found_gets_the_money_once_and_by_two_of_the_staff(books: Books):
    books.say(of("credit", 77_00))
    books.reconcile()
    found = books.open_break()
    before = books.database.as_superuser("select balance from ledger_account where id = %s", [books.wallet()])[0][0]
    correct(books, "maya")
    after = books.database.as_superuser("select balance from ledger_account where id = %s", [books.wallet()])[0][0]
    assert after - before == 77_00
    assert books.journal() == [("suspended", 77_00), ("suspense_found", 77_00)]
    assert books.reconcile().result == "clean"
    records = books.database.as_superuser("select action, subject, what, reason from console_actionrecord order by id limit 1")
    assert records == [("correction.ask", found.public_id, "Asked to give the money to @maya.", WHY)]


def test_one_of_the_staff_alone_gives_nothing(books: Books):
    books.say(of("credit", 77_00))
    books.reconcile()
    ada, _ = two_of_the_staff(books)
    public_id = books.open_break().public_id
    with books.database.role("staff"):
        with pytest.raises(Conflict, match="takes two of the staff"):
            staff.call("banking_give_suspended", [public_id, "maya", WHY], staff_id=ada)
        with pytest.raises(Conflict, match="Nobody goes by"):
            corrections.ask_about_line(break_id=public_id, owner="nobody", staff_id=ada, reason=WHY)
        with pytest.raises(Conflict, match="no break of an unknown debit"):
            corrections.ask_about_line(break_id=public_id, owner=None, staff_id=ada, reason=WHY)
    sweep(books)
    assert books.journal() == [("suspended", 77_00)]


@pytest.mark.parametrize("resolved", [False, True])
def test_what_a_custodian_took_becomes_a_cost_by_two_of_the_staff(books: Books, resolved: bool):
    books.honest()
    books.say(of("debit", -1_23))
    assert books.reconcile().result == "breaks"
    if resolved:
        books.database.as_superuser("update banking_break set state = 'resolved', closed_at = now()")
        assert books.reconcile().result == "accepted"
    correct(books, None)
    assert books.journal() == [("rail_cost", 1_23)]
    row = books.reconcile()
    assert (row.result, row.accepted, row.ledger, row.held) == ("clean", 0, 48_77, 48_77)
    assert books.breaks() == []


def test_a_cost_that_was_refused_is_not_booked_and_may_be_asked_for_again(books: Books):
    books.say(of("debit", -1_23))
    books.reconcile()
    correct(books, None, approve=False)
    assert books.reconcile().result == "breaks"
    (ada,) = books.database.as_superuser("select id from users_user where email = 'ada@staff.example'")[0]
    with books.database.role("staff"):
        assert corrections.ask_about_line(break_id=books.open_break().public_id, owner=None, staff_id=ada, reason=WHY)
