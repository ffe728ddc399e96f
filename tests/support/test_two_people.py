"""No cent of a dispute moves because one alone wanted it: every route, each with its control; races, and the ceiling of a day."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, connection

from banking.services import corrections
from bench.campaigns.ground import change, ground
from compliance.services import support
from core import staff
from core.actor import SYSTEM, actor
from core.errors import Conflict, Forbidden
from core.keyring import forget_cached_keys
from ledger import services as ledger
from ledger.chart import Account, Kind
from ledger.errors import PostingRefused
from tests.conftest import Database
from tests.helpers import at_once
from tests.support.conftest import member
from tests.support.test_disputes import REASON, balance, paid, reported

CENTS = 5_00
Asked = tuple[str, Any]  # the dispute, and who reported it
REFUSALS = (Conflict, Forbidden, PostingRefused, DatabaseError, psycopg2.Error)
NO_TWO = "alter table compliance_disputemoney drop constraint compliance_disputemoney_two"
# What is in the way, all of it: without these each route below leads where it wants to.
WORDS = [
    ("compliance_decide_money", r"m\.asked_by_id = core_actor\(\)", "false"),
    ("console_acted", r"NOT console_(is_staff\(\)|may\(p_action\))", "false"),
    ("compliance_within_ceiling", "> most THEN", "> 1000000000 THEN"),
]
NOBODY_ASKED = "alter table ledger_transfer disable trigger two_approved_it"
SQL = [
    NO_TWO, NOBODY_ASKED,
    "grant select, update on compliance_disputemoney to paya_staff, paya_worker",
    "create policy control on compliance_disputemoney to paya_staff, paya_worker using (true) with check (true)",
]  # fmt: skip
# Money to credit with, where nobody has to approve it.
FUNDED = [
    "select ledger_post(gen_random_uuid(), 17::smallint, 1, 90, 50000)",
    "select ledger_post(gen_random_uuid(), 20::smallint, 90, 100, 50000)",
]
# Staff no longer go one after the other; and there is time for another to add up the same.
UNLOCKED = ("console_acted", "BEGIN", "BEGIN RETURN core_actor();")
SLOW = ("(compliance|banking)_within_ceiling", "IF already", "PERFORM pg_sleep(0.3); IF already")


def asked(database: Database, who: int, cents: int = CENTS) -> Asked:
    """A provisional credit that one of the staff has asked for."""
    maya, _, payment = paid(database)
    dispute = reported(maya, payment)
    with database.role("staff"):
        support.ask_credit(dispute=dispute, amount=cents, staff_id=who, reason=REASON)
    return dispute, maya


def approve(database: Database, who: int, dispute: str) -> None:
    with database.role("staff"):
        support.decide_money(dispute=dispute, approve=True, staff_id=who, reason=REASON)


def approved(database: Database, dispute: str) -> bool:
    sql = "select approved from compliance_disputemoney where id = %s"
    return database.as_superuser(sql, [number(database, dispute)]) == [(True,)]


# ------------------------------------------------------------------------------------------------ one alone
def by_the_service(database: Database, me: int, dispute: str) -> None:
    approve(database, me, dispute)


def by_the_function(database: Database, me: int, dispute: str) -> None:
    with database.role("staff"):
        staff.call("compliance_decide_money", [dispute, True, REASON], staff_id=me)


def many_at_once(database: Database, me: int, dispute: str) -> None:
    with database.role("staff"):
        answers = at_once(4, lambda n: support.decide_money(dispute=dispute, approve=True, staff_id=me, reason=REASON))
    if all(isinstance(answer, Exception) for answer in answers):
        raise answers[0]


def by_the_table_as_staff(database: Database, me: int, dispute: str) -> None:
    with database.role("staff"), actor(me), connection.cursor() as cursor:
        cursor.execute(_ROW, [me, number(database, dispute)])


def by_the_table_as_the_worker(database: Database, me: int, dispute: str) -> None:
    with database.role("worker"), actor(SYSTEM), connection.cursor() as cursor:
        cursor.execute(_ROW, [me, number(database, dispute)])


def by_the_shell_as_the_engine(database: Database, me: int, dispute: str) -> None:
    database.as_superuser("set role paya_engine")
    try:
        database.as_superuser(_ROW, [me, number(database, dispute)])
    finally:
        database.as_superuser("reset role")


def in_the_name_of_whoever_gets_it(database: Database, me: int, dispute: str) -> None:
    [(person,)] = database.as_superuser("select user_id from compliance_dispute where public_id = %s", [dispute])
    approve(database, int(person), dispute)


def by_posting_it_in_a_shell_of_the_worker(database: Database, me: int, dispute: str) -> None:
    [(reference, account)] = database.as_superuser(
        "select m.reference, w.account from compliance_disputemoney m join wallets_wallet w using (user_id) where m.id = %s",
        [number(database, dispute)],
    )
    with database.role("worker"):
        ledger.post(ledger.Posting(reference, Kind.ADJUSTMENT_CREDIT, Account.ADJUSTMENTS, account, CENTS))


_ROW = "update compliance_disputemoney set decided_by_id = %s, decided_at = now(), approved = true, moved = amount where id = %s"


def number(database: Database, dispute: str) -> int:
    sql = "select m.id from compliance_disputemoney m join compliance_dispute d on d.id = m.dispute_id where d.public_id = %s"
    return int(database.as_superuser(sql, [dispute])[0][0])


ROUTES: list[Callable[[Database, int, str], None]] = [
    by_the_service, by_the_function, many_at_once, by_the_table_as_staff, by_the_table_as_the_worker, by_the_shell_as_the_engine,
    in_the_name_of_whoever_gets_it, by_posting_it_in_a_shell_of_the_worker,
]  # fmt: skip


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.__name__)
def test_nobody_approves_what_they_asked_for(
    database: Database, ada: int, funded: None, route: Callable[[Database, int, str], None]
) -> None:
    dispute, maya = asked(database, ada)
    had = balance(database, maya)
    with pytest.raises(REFUSALS):
        route(database, ada, dispute)
    assert (approved(database, dispute), balance(database, maya)) == (False, had)


def test_whoever_was_demoted_approves_no_more(database: Database, ada: int, funded: None) -> None:
    dispute, maya = asked(database, ada)
    cora = member(database, "cora")
    database.as_superuser("delete from console_staffrole where user_id = %s and role = 'finance'", [cora])
    with pytest.raises(Forbidden):
        approve(database, cora, dispute)
    database.as_superuser("insert into console_staffrole values (%s, 'finance')", [cora])
    database.as_superuser("update users_user set is_active = false where id = %s", [cora])
    with pytest.raises(Forbidden):
        approve(database, cora, dispute)
    assert not approved(database, dispute)


def test_what_was_asked_is_what_is_approved(database: Database, ada: int, ben: int, funded: None) -> None:
    dispute, maya = asked(database, ada)
    edit = "update compliance_disputemoney set amount = 2000 where id = %s"
    with pytest.raises(psycopg2.Error, match="refused"):
        database.as_superuser(edit, [number(database, dispute)])
    had = balance(database, maya)
    approve(database, ben, dispute)
    with pytest.raises(psycopg2.Error, match="refused"):
        database.as_superuser(edit, [number(database, dispute)])
    assert balance(database, maya) == had + CENTS


def test_of_two_approvers_at_once_one_posts_it(database: Database, ada: int, ben: int, funded: None) -> None:
    dispute, maya = asked(database, ada)
    had, cora = balance(database, maya), member(database, "cyd")
    answers = both_approve(database, (ben, cora), dispute)
    assert [type(answer) for answer in answers].count(Conflict) == len(answers) - 1
    assert balance(database, maya) == had + CENTS


def both_approve(database: Database, two: tuple[int, int], dispute: str) -> list[Any]:
    with database.role("staff"):
        return at_once(
            4, lambda n: support.decide_money(dispute=dispute, approve=True, staff_id=two[n % 2], reason=REASON)
        )  # fmt: skip


# ------------------------------------------------------------------------------------------------ one ceiling
def mixed(database: Database, asks: int, decides: int) -> list[Callable[[], None]]:
    """Two credits of disputes and two corrections, of 10.00 each, for one of the staff to approve who may approve 25.00 today."""
    waiting = [asked(database, asks, 10_00) for _ in range(2)]
    person = database.as_superuser("select public_id from users_user where id = %s", [waiting[0][1].id])[0][0]
    with database.role("staff"):
        made = [
            corrections.ask(kind="adjustment_credit", amount=10_00, person=person, staff_id=asks, reason=REASON) for _ in range(2)
        ]
    database.as_superuser(
        "insert into banking_ceiling (role, action, cents, reason) values ('finance', 'correction.decide', 2500, 'A test')"
    )
    deciding: dict[str, Any] = {"approve": True, "staff_id": decides, "reason": REASON}
    return [
        *(lambda dispute=dispute: support.decide_money(dispute=dispute, **deciding) for dispute, _ in waiting),
        *(lambda one=one: corrections.decide(correction=one, **deciding) for one in made),
    ]  # fmt: skip


@pytest.fixture
def ceilings(database: Database) -> Iterator[None]:
    """The ceiling is as it was before when the test is over."""
    yield
    database.as_superuser(
        "insert into banking_ceiling (role, action, cents, reason) values ('finance', 'correction.decide', 1000000, 'As before')"
    )


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 3, 0, 1), (0, 2, 1, 3), (2, 0, 3, 1)])
def test_disputes_and_corrections_are_one_day(
    database: Database, ada: int, funded: None, ceilings: None, order: tuple[int, ...]
) -> None:
    """Whichever came first: the third is over the ceiling of who approves."""
    decides = mixed(database, ada, member(database, f"dan{''.join(map(str, order))}"))
    with database.role("staff"):
        for one in order[:2]:
            decides[one]()
        for one in order[2:]:
            with pytest.raises(Conflict, match=r"over your ceiling of \$?25.00 a day, of which \$?20.00"):
                decides[one]()


def test_many_at_once_do_not_pass_it_either(database: Database, ada: int, funded: None, ceilings: None) -> None:
    decides = mixed(database, ada, member(database, "eve"))
    with database.role("staff"):
        answers = at_once(4, lambda n: decides[n]())
    assert [type(answer) for answer in answers].count(Conflict) == 2 and answers.count(None) == 2


# ------------------------------------------------------------------------------------------------ controls
@pytest.fixture
def bare(database: Database, funded: None) -> Iterator[Database]:
    """Another database, with nothing in the way of anybody."""
    with ground("web", changes=WORDS, sql=[*SQL, *FUNDED]) as clone:
        yield clone
    forget_cached_keys()
    database.become("web")


def test_without_what_stands_against_it_one_alone_gets_there(bare: Database) -> None:
    me = member(bare, "ada")
    for route in ROUTES:
        dispute, maya = asked(bare, me)
        had = balance(bare, maya)
        route(bare, me, dispute)
        assert approved(bare, dispute) or balance(bare, maya) == had + CENTS, route.__name__
    # Without the look at roles, whoever was demoted; without the trigger, another amount than what was asked for.
    dispute, maya = asked(bare, me)
    had, cora = balance(bare, maya), member(bare, "cora")
    bare.as_superuser("delete from console_staffrole where user_id = %s", [cora])
    bare.as_superuser("alter table compliance_disputemoney disable trigger money_stays")
    bare.as_superuser("update compliance_disputemoney set amount = 2000 where id = %s", [number(bare, dispute)])
    approve(bare, cora, dispute)
    assert balance(bare, maya) == had + 20_00


def test_without_locks_two_at_once_post_it_twice(bare: Database) -> None:
    """Also without what stands behind them: the trigger that keeps a decision, and the reference that was fixed before."""
    one, two, three = (member(bare, name) for name in ("ada", "ben", "cora"))
    dispute, maya = asked(bare, one)
    had = balance(bare, maya)
    change(bare, *UNLOCKED)
    change(bare, "compliance_decide_money", "FOR NO KEY UPDATE", "")
    change(bare, "compliance_decide_money", r"ledger_post\(m\.reference", "ledger_post(gen_random_uuid()")
    change(bare, "compliance_decide_money", "IF NOT p_approve THEN", "PERFORM pg_sleep(0.3); IF NOT p_approve THEN")
    bare.as_superuser("alter table compliance_disputemoney disable trigger money_stays")
    bare.as_superuser("alter table compliance_dispute disable trigger user")
    both_approve(bare, (two, three), dispute)
    assert balance(bare, maya) > had + CENTS


def test_without_the_lock_of_the_trail_many_at_once_pass_the_ceiling(database: Database, funded: None) -> None:
    with ground("web", changes=[UNLOCKED, SLOW], sql=[NOBODY_ASKED, *FUNDED]) as clone:
        decides = mixed(clone, member(clone, "ada"), member(clone, "eve"))
        with clone.role("staff"):
            assert at_once(4, lambda n: decides[n]()) == [None] * 4
    forget_cached_keys()
    database.become("web")
