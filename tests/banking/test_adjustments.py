"""Adjusting a balance takes two of the staff by every route, within the ceilings of the day, and against money that is there."""

from collections.abc import Callable
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, connection

from banking.models import Correction
from banking.services import corrections
from compliance.models import Letter
from core import staff
from core.actor import SYSTEM, actor
from core.errors import Conflict, Forbidden, NotFound
from core.ids import new_reference
from ledger import services as ledger
from ledger.chart import Account, Kind
from tests.conftest import Database, MakePerson
from tests.helpers import at_once, give_all_roles
from users.models import User

REASON = "paid twice, support case 4711"


@pytest.fixture
def two(database: Database) -> tuple[int, int]:
    with database.role("worker"), actor(SYSTEM):
        asks, approves = (
            give_all_roles(User.objects.create(public_id=f"usr_{name}", kind=User.STAFF, email=f"{name}@paya.example").pk)
            for name in ("asks", "approves")
        )
    return asks, approves


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


def funded(database: Database, two: tuple[int, int], amount: int) -> None:
    with database.role("worker"):
        ledger.post(ledger.Posting(new_reference(), Kind.CAPITAL_IN, Account.RESERVE_DWOLLA, Account.CAPITAL, amount))
    made = ask(database, two[0], "adjustments_capital", amount)
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
    database.as_superuser(
        "set role paya_engine; update banking_correction c set decided_by_id = %s, decided_at = now(), approved = true,"
        " due_at = now(), approved_digest = banking_correction_digest(c) where id = %s",
        [me, made],
    )


def in_the_name_of_nobody(database: Database, me: int, made: int) -> None:
    decide(database, 0, made)


def write(database: Database, role: str, as_whom: int, made: int, by: int | None = None) -> None:
    with database.role(role), actor(as_whom), connection.cursor() as cursor:
        cursor.execute(
            "update banking_correction set decided_by_id = %s, decided_at = now(), approved = true, due_at = now() where id = %s",
            [by or as_whom, made],
        )


ROUTES = [
    by_the_service, by_the_function, many_at_once, by_the_table_as_staff, by_the_table_as_the_worker, by_the_shell_as_the_engine,
    in_the_name_of_nobody,
]  # fmt: skip


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.__name__)
def test_nobody_approves_what_they_asked_for(
    database: Database, two: tuple[int, int], maya: Any, route: Callable[[Database, int, int], None]
) -> None:
    funded(database, two, 30_00)
    made = ask(database, two[0], "adjustment_credit", 10_00, maya)
    with pytest.raises((Conflict, Forbidden, DatabaseError, psycopg2.Error)):
        route(database, two[0], made)
    row = carried_out(database, made)
    assert (row.approved, row.posted_at, available(database, maya)) == (None, None, 50_00)


@pytest.mark.parametrize("route", [by_the_service, by_the_shell_as_the_engine, many_at_once], ids=lambda route: route.__name__)
def test_without_the_checks_one_alone_would_pass(
    database: Database, two: tuple[int, int], maya: Any, route: Callable[[Database, int, int], None]
) -> None:
    """The control: the routes above are routes."""
    funded(database, two, 30_00)
    made = ask(database, two[0], "adjustment_credit", 10_00, maya)
    database.as_superuser("alter table banking_correction drop constraint banking_two_of_the_staff")
    [(body,)] = database.as_superuser("select pg_get_functiondef('banking_decide_correction'::regproc)")
    database.as_superuser(body.replace("c.asked_by_id = core_actor()", "false"))
    route(database, two[0], made)
    assert carried_out(database, made).posted_at is not None
    assert available(database, maya) == 60_00


def test_what_is_changed_after_the_approval_is_not_posted(database: Database, two: tuple[int, int], maya: Any) -> None:
    funded(database, two, 30_00)
    made = ask(database, two[0], "adjustment_credit", 1_00, maya)
    decide(database, two[1], made)
    change = "update banking_correction set amount = 2000 where id = %s"
    with pytest.raises(psycopg2.Error, match="stays"):
        database.as_superuser(change, [made])
    database.as_superuser("alter table banking_correction disable trigger banking_correction_stays")
    database.as_superuser(change, [made])
    assert carried_out(database, made).refused == "This is not what was approved."
    assert available(database, maya) == 50_00
    # The control: without the digest it would have been.
    database.as_superuser(
        "update banking_correction c set due_at = now(), refused = '', approved_digest = banking_correction_digest(c)"
        " where id = %s",
        [made],
    )
    assert carried_out(database, made).posted_at is not None


@pytest.mark.parametrize(
    ("how", "change"),
    [
        ("demoted", "delete from console_staffrole where user_id = %s and role = 'finance'"),
        ("deactivated", "update users_user set is_active = false where id = %s"),
    ],
)
def test_an_approver_who_was_demoted_approves_no_more(
    database: Database, two: tuple[int, int], maya: Any, how: str, change: str
) -> None:
    made = ask(database, two[0], "adjustment_credit", 1_00, maya)
    database.as_superuser(change, [two[1]])
    with pytest.raises(Forbidden):
        decide(database, two[1], made)
    with pytest.raises(Forbidden if how == "deactivated" else Conflict), database.role("staff"):
        staff.call("console_set_roles", ["usr_approves", ["finance", "administrator"], REASON], staff_id=two[1])
    assert carried_out(database, made).approved is None


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


def admin(database: Database) -> int:
    database.as_superuser(
        "insert into users_user (password, is_superuser, public_id, kind, email, is_active)"
        " values ('x', false, 'usr_admin', 'staff', 'admin@paya.example', true) on conflict do nothing"
    )
    [(made,)] = database.as_superuser("select id from users_user where public_id = 'usr_admin'")
    database.as_superuser("insert into console_staffrole values (%s, 'administrator') on conflict do nothing", [made])
    return int(made)
