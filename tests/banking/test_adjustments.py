"""Adjusting a balance takes two of the staff by every route, within the ceilings of the day, and against money that is there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, connection

from banking.models import Correction
from banking.services import corrections
from bench.campaigns.ground import Change, change
from compliance.models import Letter
from core import staff
from core.actor import SYSTEM, actor
from core.errors import Conflict, Forbidden, NotFound
from core.ids import new_reference
from ledger import services as ledger
from ledger.chart import Account, Kind
from ledger.errors import PostingRefused
from tests.conftest import Database, MakePerson
from tests.helpers import at_once, give_all_roles
from users.models import User

REASON = "paid twice, support case 4711"


def another(database: Database, name: str) -> int:
    with database.role("worker"), actor(SYSTEM):
        return give_all_roles(User.objects.create(public_id=f"usr_{name}", kind=User.STAFF, email=f"{name}@paya.example").pk)


@pytest.fixture
def two(database: Database) -> tuple[int, int]:
    return another(database, "asks"), another(database, "approves")


@pytest.fixture
def maya(make_person: MakePerson, database: Database) -> Any:
    person = make_person("maya", 50_00)
    with database.role("web"), actor(person.id):
        person.__dict__["public"] = User.objects.get(pk=person.id).public_id
    return person


def ask(database: Database, who: int, kind: str, amount: int, person: Any = None) -> int:
    public = person.__dict__["public"] if person else None
    with database.role("staff"):
        return corrections.ask(kind=kind, amount=amount, person=public, staff_id=who, reason=REASON)


def decide(database: Database, who: int, correction: int, *, approve: bool = True) -> None:
    with database.role("staff"):
        corrections.decide(correction=correction, approve=approve, staff_id=who, reason=REASON)


def carried_out(database: Database, correction: int) -> Correction:
    with database.role("worker"):
        for _ in range(2):
            corrections.carry_out(correction=correction)
        with actor(SYSTEM):
            return Correction.objects.get(pk=correction)


def available(database: Database, person: Any) -> int:
    [(balance,)] = database.as_superuser(
        "select a.balance from wallets_wallet w join ledger_account a on a.id = w.account where w.user_id = %s", [person.id]
    )
    return int(balance)


def funded(database: Database, two: tuple[int, int], amount: int, what: str = "adjustments_capital") -> None:
    with database.role("worker"):
        ledger.post(ledger.Posting(new_reference(), Kind.CAPITAL_IN, Account.RESERVE_DWOLLA, Account.CAPITAL, amount))
    made = ask(database, two[0], what, amount)
    decide(database, two[1], made)
    assert carried_out(database, made).posted_at is not None


def test_an_adjustment_is_posted_against_money_that_is_there_and_the_person_is_told(
    database: Database, two: tuple[int, int], maya: Any
) -> None:
    asks, approves = two
    empty = ask(database, asks, "adjustment_credit", 10_00, maya)
    decide(database, approves, empty)
    assert carried_out(database, empty).refused == "The adjustments account does not hold $10.00."
    funded(database, two, 30_00)
    credit = ask(database, asks, "adjustment_credit", 10_00, maya)
    assert carried_out(database, credit).posted_at is None  # nothing before the approval
    decide(database, approves, credit)
    assert carried_out(database, credit).posted_at is not None
    assert available(database, maya) == 60_00
    debit = ask(database, asks, "adjustment_debit", 25_00, maya)
    decide(database, approves, debit)
    assert carried_out(database, debit).posted_at is not None
    assert available(database, maya) == 35_00
    too_much = ask(database, asks, "adjustment_debit", 35_01, maya)
    decide(database, approves, too_much)
    assert carried_out(database, too_much).refused == "The wallet does not hold $35.01."
    with database.role("worker"), actor(SYSTEM):
        letters = list(Letter.objects.filter(user_id=maya.id, kind="adjustment").order_by("id").values_list("body", flat=True))
    assert [body.split(" wallet")[0] for body in letters] == ["We put $10.00 into your", "We took $25.00 out of your"]
    for wrong, error in ((("adjustment_credit", 1, None), NotFound), (("gift", 1, maya), Conflict)):
        with pytest.raises(error):
            ask(database, asks, *wrong)


# ------------------------------------------------------------------------------------------------ one alone
@dataclass(frozen=True)
class Route:
    """A way for one alone, and what keeps it from working: words in functions, and SQL of whoever owns the machine."""

    go: Callable[[Database, int, int], None]
    words: Sequence[Change] = ()
    sql: Sequence[str] = ()


_TWO = "alter table banking_correction drop constraint banking_two_of_the_staff"
_NOT_ONESELF = ("banking_decide_correction", r"c\.asked_by_id = core_actor\(\)", "false")
_ANYBODY = ("console_acted", r"NOT console_(is_staff\(\)|may\(p_action\))", "false")
_NO_CEILING = ("banking_within_ceiling", r"coalesce\(most, 0\) THEN", "1000000000 THEN")


def by_the_service(database: Database, me: int, made: int) -> None:
    decide(database, me, made)


def by_the_function(database: Database, me: int, made: int) -> None:
    with database.role("staff"):
        staff.call("banking_decide_correction", [made, True, REASON], staff_id=me)


def many_at_once(database: Database, me: int, made: int) -> None:
    with database.role("staff"):
        answers = at_once(4, lambda n: corrections.decide(correction=made, approve=True, staff_id=me, reason=REASON))
    if all(isinstance(answer, Exception) for answer in answers):
        raise answers[0]


def by_the_table_as_staff(database: Database, me: int, made: int) -> None:
    write(database, "staff", me, made)


def by_the_table_as_the_worker(database: Database, me: int, made: int) -> None:
    write(database, "worker", SYSTEM, made, by=me)


def by_the_shell_as_the_engine(database: Database, me: int, made: int) -> None:
    database.as_superuser("set role paya_engine")
    try:
        database.as_superuser(_APPROVED, [me, made])
    finally:
        database.as_superuser("reset role")


def in_the_name_of_whoever_gets_it(database: Database, me: int, made: int) -> None:
    [(person,)] = database.as_superuser("select user_id from banking_correction where id = %s", [made])
    decide(database, int(person), made)


def by_posting_it_in_a_shell_of_the_worker(database: Database, me: int, made: int) -> None:
    [(reference, account)] = database.as_superuser(
        "select c.reference, w.account from banking_correction c join wallets_wallet w using (user_id) where c.id = %s", [made]
    )
    with database.role("worker"):
        ledger.post(ledger.Posting(reference, Kind.ADJUSTMENT_CREDIT, Account.ADJUSTMENTS, account, 10_00))


# With the digest that the approval keeps, which whoever reads this file can compute.
_APPROVED = (
    "update banking_correction c set decided_by_id = %s, decided_at = now(), approved = true, due_at = now(),"
    " approved_digest = sha256(convert_to(jsonb_build_array(c.id, c.kind, c.user_id, c.amount, c.reference, c.asked_by_id,"
    " c.of_break, c.line_key)::text, 'UTF8')) where id = %s"
)


def write(database: Database, role: str, as_whom: int, made: int, by: int | None = None) -> None:
    with database.role(role), actor(as_whom), connection.cursor() as cursor:
        cursor.execute(_APPROVED, [by or as_whom, made])


ROUTES = [
    Route(by_the_service, [_NOT_ONESELF], [_TWO]),
    Route(by_the_function, [_NOT_ONESELF], [_TWO]),
    Route(many_at_once, [_NOT_ONESELF], [_TWO]),
    Route(by_the_table_as_staff, sql=[
        _TWO, "grant update on banking_correction to paya_staff",
        "grant execute on function banking_correction_digest(banking_correction) to paya_staff",
        "create policy control on banking_correction to paya_staff using (true) with check (true)",
    ]),
    Route(by_the_table_as_the_worker, sql=[_TWO, "grant update on banking_correction to paya_worker"]),
    Route(by_the_shell_as_the_engine, sql=[_TWO]),
    Route(in_the_name_of_whoever_gets_it, [_ANYBODY, _NO_CEILING]),
    Route(by_posting_it_in_a_shell_of_the_worker, sql=["drop trigger two_approved_it on ledger_transfer"]),
]  # fmt: skip
every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.go.__name__)


@every_route
def test_nobody_approves_what_they_asked_for(database: Database, two: tuple[int, int], maya: Any, route: Route) -> None:
    funded(database, two, 30_00)
    made = ask(database, two[0], "adjustment_credit", 10_00, maya)
    with pytest.raises((Conflict, Forbidden, PostingRefused, DatabaseError, psycopg2.Error)):
        route.go(database, two[0], made)
    row = carried_out(database, made)
    assert (row.approved, row.posted_at, available(database, maya)) == (None, None, 50_00)


@every_route
def test_without_what_stands_against_it_one_alone_would_pass(
    database: Database, two: tuple[int, int], maya: Any, route: Route
) -> None:
    """The control: the routes above are routes."""
    funded(database, two, 30_00)
    made = ask(database, two[0], "adjustment_credit", 10_00, maya)
    for words in route.words:
        change(database, *words)
    for sql in route.sql:
        database.as_superuser(sql)
    route.go(database, two[0], made)
    carried_out(database, made)
    assert available(database, maya) == 60_00


def refused(post: Callable[[], Any]) -> None:
    with pytest.raises(PostingRefused) as error:
        post()
    assert "no two of the staff have approved" in str(error.value.__cause__)


def owing(database: Database, person: Any) -> None:
    [(account,)] = database.as_superuser("select receivable_account from wallets_wallet where user_id = %s", [person.id])
    ledger.post(ledger.Posting(new_reference(), Kind.LOAD_RETURN_OWED, account, Account.RESERVE_DWOLLA, 20_00))


@pytest.mark.parametrize(
    ("kind", "debit", "credit"),
    [
        (Kind.WRITE_OFF, Account.LOSS_RESERVE, "receivable_account"), (Kind.ADJUSTMENT_DEBIT, "account", Account.ADJUSTMENTS),
        (Kind.ADJUSTMENTS_FUNDED, Account.CAPITAL, Account.ADJUSTMENTS),
        (Kind.LOSS_RESERVE_FUNDED, Account.CAPITAL, Account.LOSS_RESERVE),
        (Kind.SUSPENDED, "account", Account.SUSPENSE),
    ],
)  # fmt: skip
def test_the_journal_takes_none_of_it_that_two_have_not_approved(
    database: Database, two: tuple[int, int], maya: Any, kind: Kind, debit: Any, credit: Any
) -> None:
    """Of each kind; money that goes another way (the last) is the control: the worker may post it."""
    funded(database, two, 30_00, "loss_reserve")
    with database.role("worker"):
        ledger.post(ledger.Posting(new_reference(), Kind.CAPITAL_IN, Account.RESERVE_DWOLLA, Account.CAPITAL, 50_00))
        owing(database, maya)
    sides = [
        database.as_superuser(f"select {side} from wallets_wallet where user_id = %s", [maya.id])[0][0]
        if isinstance(side, str) else side for side in (debit, credit)
    ]  # fmt: skip
    with database.role("worker"):
        posting = ledger.Posting(new_reference(), kind, sides[0], sides[1], 5_00)
        if kind == Kind.SUSPENDED:
            assert ledger.post(posting).amount == 5_00
            return
        refused(lambda: ledger.post(posting))


def test_what_was_approved_is_posted_to_nobody_else_and_not_undone_by_one(
    database: Database, two: tuple[int, int], maya: Any, make_person: MakePerson
) -> None:
    funded(database, two, 30_00)
    made = ask(database, two[0], "adjustment_credit", 10_00, maya)
    decide(database, two[1], made)
    theo = make_person("theo")
    [(reference,)] = database.as_superuser("select reference from banking_correction where id = %s", [made])
    [(other,)] = database.as_superuser("select account from wallets_wallet where user_id = %s", [theo.id])
    [(hers,)] = database.as_superuser("select account from wallets_wallet where user_id = %s", [maya.id])
    with database.role("worker"):
        for account, cents in ((other, 10_00), (hers, 9_99)):
            posting = ledger.Posting(reference, Kind.ADJUSTMENT_CREDIT, Account.ADJUSTMENTS, account, cents)
            refused(lambda posting=posting: ledger.post(posting))  # type: ignore[misc]
    assert carried_out(database, made).posted_at is not None
    with database.role("worker"):
        refused(lambda: ledger.reverse(reference=new_reference(), original=reference))
    assert available(database, maya) == 60_00


def test_many_workers_and_two_approvers_at_once_post_it_once(database: Database, two: tuple[int, int], maya: Any) -> None:
    funded(database, two, 30_00)
    third = another(database, "third")
    made = ask(database, two[0], "adjustment_credit", 10_00, maya)
    with database.role("staff"):
        answers = at_once(
            4, lambda n: corrections.decide(correction=made, approve=True, staff_id=(two[1], third)[n % 2], reason=REASON)
        )
    assert [type(answer) for answer in answers].count(Conflict) == 3
    with database.role("worker"):
        assert at_once(4, lambda n: corrections.carry_out(correction=made)) == [None] * 4
    assert available(database, maya) == 60_00


def test_what_is_changed_after_the_approval_is_not_posted(database: Database, two: tuple[int, int], maya: Any) -> None:
    funded(database, two, 30_00)
    made = ask(database, two[0], "adjustment_credit", 1_00, maya)
    change_it = "update banking_correction set amount = 2000 where id = %s"
    with pytest.raises(psycopg2.Error, match="stays"):
        database.as_superuser(change_it, [made])  # before it, either
    decide(database, two[1], made)
    with pytest.raises(psycopg2.Error, match="stays"):
        database.as_superuser(change_it, [made])
    database.as_superuser("alter table banking_correction disable trigger banking_correction_stays")
    database.as_superuser(change_it, [made])
    assert carried_out(database, made).refused == "This is not what was approved."
    assert available(database, maya) == 50_00
    # The control: without the digest it would have been.
    database.as_superuser(
        "update banking_correction c set due_at = now(), refused = '', approved_digest = banking_correction_digest(c)"
        " where id = %s",
        [made],
    )
    assert carried_out(database, made).posted_at is not None


_GONE = {
    "demoted": "delete from console_staffrole where user_id = %s and role = 'finance'",
    "deactivated": "update users_user set is_active = false where id = %s",
}


@pytest.mark.parametrize("how", _GONE)
def test_an_approver_who_was_demoted_approves_no_more(database: Database, two: tuple[int, int], maya: Any, how: str) -> None:
    made = ask(database, two[0], "adjustment_credit", 1_00, maya)
    database.as_superuser(_GONE[how], [two[1]])
    with pytest.raises(Forbidden):
        decide(database, two[1], made)
    with pytest.raises(Forbidden if how == "deactivated" else Conflict), database.role("staff"):
        staff.call("console_set_roles", ["usr_approves", ["finance", "administrator"], REASON], staff_id=two[1])
    assert carried_out(database, made).approved is None


@pytest.mark.parametrize("how", _GONE)
def test_without_the_look_at_their_roles_a_demoted_approver_would(
    database: Database, two: tuple[int, int], maya: Any, how: str
) -> None:
    """The control."""
    funded(database, two, 30_00)
    made = ask(database, two[0], "adjustment_credit", 1_00, maya)
    database.as_superuser(_GONE[how], [two[1]])
    for words in (_ANYBODY, _NO_CEILING):
        change(database, *words)
    decide(database, two[1], made)
    assert carried_out(database, made).posted_at is not None


# ------------------------------------------------------------------------------------------------ ceilings
def test_the_ceiling_of_the_day_holds_for_who_asks_and_who_approves_also_at_once(
    database: Database, two: tuple[int, int], maya: Any
) -> None:
    asks, approves = two
    with pytest.raises(Conflict, match=r"ceiling of \$5,000.00 a day, of which \$0.00"):
        ask(database, asks, "adjustment_credit", 5_000_01, maya)
    database.as_superuser("delete from console_staffrole where user_id = %s and role = 'finance'", [asks])
    with pytest.raises(Conflict, match=r"\$500.00"):
        ask(database, asks, "adjustment_credit", 500_01, maya)
    public = maya.__dict__["public"]
    with database.role("staff"):
        answers = at_once(
            4, lambda n: corrections.ask(kind="write_off", amount=200_00, person=public, staff_id=asks, reason=REASON)
        )
    assert sorted(isinstance(answer, Conflict) for answer in answers) == [False, False, True, True]
    with database.role("staff"):
        staff.call("banking_set_ceiling", ["support", "correction.ask", 0, "2999-01-01", REASON], staff_id=admin(database))
        staff.call("banking_set_ceiling", ["finance", "correction.decide", 300_00, "now", REASON], staff_id=admin(database))
        for own in (asks, approves):  # both have that role themselves
            with pytest.raises(Conflict, match="role of their own"):
                staff.call("banking_set_ceiling", ["support", "correction.ask", 1, "now", REASON], staff_id=own)
    made = [answer for answer in answers if isinstance(answer, int)]
    decide(database, approves, made[0])
    with pytest.raises(Conflict, match=r"\$300.00 a day, of which \$200.00"):
        decide(database, approves, made[1])
    decide(database, approves, made[1], approve=False)
    ask(database, asks, "write_off", 300_00, maya)  # what was refused counts no more


def ceiling(database: Database, action: str, cents: int) -> None:
    sql = "insert into banking_ceiling (role, action, cents, reason) values ('finance', %s, %s, 'A test')"
    database.as_superuser(sql, [action, cents])


def credits_waiting(database: Database, asks: int, person: Any, count: int, cents: int) -> list[int]:
    ceiling(database, "correction.ask", 10_000_00)
    return [ask(database, asks, "adjustment_credit", cents, person) for _ in range(count)]


def approved_at_once(database: Database, who: int, made: list[int]) -> int:
    """How many of them this one approver gets through with a ceiling of 500.00, all at once."""
    ceiling(database, "correction.decide", 500_00)
    with database.role("staff"):
        answers = at_once(
            len(made), lambda n: corrections.decide(correction=made[n], approve=True, staff_id=who, reason=REASON)
        )
    assert {type(answer) for answer in answers} <= {type(None), Conflict}, answers
    return answers.count(None)


def test_an_approver_does_not_pass_the_ceiling_by_many_at_once(database: Database, two: tuple[int, int], maya: Any) -> None:
    made = credits_waiting(database, two[0], maya, 4, 200_00)
    assert approved_at_once(database, two[1], made) == 2


def test_without_the_lock_of_the_trail_many_at_once_pass_it(database: Database, two: tuple[int, int], maya: Any) -> None:
    """The control: whoever adds up without going one after the other finds the same sum as the others."""
    made = credits_waiting(database, two[0], maya, 4, 200_00)
    change(database, "console_acted", "BEGIN", "BEGIN RETURN core_actor();")
    change(database, "banking_within_ceiling", "IF already", "PERFORM pg_sleep(0.3); IF already")
    assert approved_at_once(database, two[1], made) == 4


def admin(database: Database) -> int:
    database.as_superuser(
        "insert into users_user (password, is_superuser, public_id, kind, email, is_active)"
        " values ('x', false, 'usr_admin', 'staff', 'admin@paya.example', true) on conflict do nothing"
    )
    [(made,)] = database.as_superuser("select id from users_user where public_id = 'usr_admin'")
    database.as_superuser("insert into console_staffrole values (%s, 'administrator') on conflict do nothing", [made])
    return int(made)
