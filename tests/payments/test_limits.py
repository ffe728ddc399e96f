"""Limits of payments as they are in earnest: counted in the journal, under the payer's guard, and told with a time."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from psycopg2.errors import InsufficientPrivilege

from compliance import queries
from compliance.models import LimitName
from core.actor import actor
from core.errors import LimitExceeded
from core.ids import new_id, new_reference
from payments import services
from tests.conftest import Database, PersonForTest, restore_limits
from tests.helpers import assert_problem, at_once, changed
from tests.payments.people import browser, person
from tests.payments.test_paying import BEGIN, FINISH, NO_FIRST_GUARD, PASSED, balance, begin, finish, pay
from tests.rewards.network import pay as post
from tests.rewards.network import pay_all, people
from wallets.errors import NotYours


@pytest.fixture(scope="module", autouse=True)
def in_earnest(database: Database) -> None:
    restore_limits(database)


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def send(database: Database, payer: int, payee: int, amount: int = 100) -> Any:
    [(name,)] = database.as_superuser("select username from users_profile where user_id = %s", [payee])
    return services.pay(payer_id=payer, to=name, amount=amount, note="", visibility="public", key=None)


def sent(database: Database, payer: int) -> int:
    rows = database.as_superuser(
        "select count(*) from ledger_transfer t join wallets_wallet w on w.account = t.debit_account"
        " where w.user_id = %s and t.kind in (7, 8)", [payer],
    )  # fmt: skip
    return int(rows[0][0])


def limit(user: int, name: LimitName) -> Any:
    with actor(user):
        return queries.limits_by_name(user)[name]


def crowd(database: Database, number: int) -> list[int]:
    return people(database, number, since=ago(days=40))


def test_ten_in_an_hour_and_the_eleventh_is_told_when_there_is_room(database: Database) -> None:
    payer, payee, other = person(database, 5_000), person(database), person(database, 5_000)
    first = datetime.now(UTC)
    assert {pay(payer, payee, 1).status_code for _ in range(10)} == {201}
    problem = assert_problem(pay(payer, payee, 1), 403, "limit_exceeded")
    assert (problem["limit"], problem["maximum"], problem["used"], problem["remaining"]) == ("sends_per_hour", 10, 10, 0)
    frees = datetime.fromisoformat(problem["resets_at"])
    assert timedelta(0) <= frees - first - timedelta(hours=1) < timedelta(minutes=1)
    assert "10 payments in an hour" in problem["detail"] and "score" not in str(problem)
    assert sent(database, payer.id) == 10 and balance(payer) == 4_990
    assert pay(other, payee, 1).status_code == 201


def test_more_than_a_thousand_dollars_at_once(database: Database) -> None:
    payer, payee = person(database, 500_000), person(database)
    problem = assert_problem(pay(payer, payee, 100_001), 403, "limit_exceeded")
    assert (problem["limit"], problem["maximum"], problem["resets_at"]) == ("per_transfer", 100_000, None)
    assert "$1,000.00" in problem["errors"]["amount"]
    assert pay(payer, payee, 100_000).status_code == 201


def test_fifty_in_a_day_that_rolls(database: Database) -> None:
    payer, payee = crowd(database, 2)
    pay_all(database, [(payer, payee, ago(hours=23, minutes=-10 * n)) for n in range(50)])
    with pytest.raises(LimitExceeded) as refused:
        send(database, payer, payee)
    assert refused.value.data["limit"] == "sends_per_day"
    frees = datetime.fromisoformat(refused.value.data["resets_at"])
    assert abs(frees - ago(hours=-1)) < timedelta(minutes=1)
    # A day after the first of them there is one place, and not two.
    later, payee = crowd(database, 2)
    for n in range(50):
        post(database, later, payee, ago(hours=24, minutes=1 - 10 * n))
    send(database, later, payee)
    with pytest.raises(LimitExceeded):
        send(database, later, payee)


def test_twenty_people_in_a_day_and_more_for_those_who_were_paid(database: Database) -> None:
    payer, *payees = crowd(database, 22)
    pay_all(database, [(payer, payees[n], ago(hours=20, minutes=-30 * n)) for n in range(20)])
    with pytest.raises(LimitExceeded) as refused:
        send(database, payer, payees[20])
    assert (refused.value.data["limit"], refused.value.data["maximum"]) == ("recipients_per_day", 20)
    assert abs(datetime.fromisoformat(refused.value.data["resets_at"]) - ago(hours=-4)) < timedelta(minutes=1)
    send(database, payer, payees[0])
    assert limit(payer, LimitName.RECIPIENTS_PER_DAY).used == 20


def test_people_far_back_in_the_day_count_also_without_a_limit_of_the_day(database: Database) -> None:
    """Twenty people in the morning, then thirty payments to one of them: the walk must not end before the morning."""
    payer, *payees = crowd(database, 22)
    morning = [(payer, payees[n], ago(hours=20, minutes=-10 * n)) for n in range(20)]
    later = [(payer, payees[0], ago(hours=12, minutes=-10 * n)) for n in range(30)]
    pay_all(database, morning + later)
    with unlimited(database, "sends_per_day"), pytest.raises(LimitExceeded) as refused:
        send(database, payer, payees[20])
    assert refused.value.data["limit"] == "recipients_per_day"


def test_without_any_limit_the_walk_ends_all_the_same(database: Database) -> None:
    payer, payee = crowd(database, 2)
    pay_all(database, [(payer, payee, ago(minutes=50, seconds=-10 * n)) for n in range(80)])
    [(name,)] = database.as_superuser("select username from users_profile where user_id = %s", [payee])
    names = ("sends_per_hour", "sends_per_day", "recipients_per_day")
    with ExitStack() as none:
        for one in names:
            none.enter_context(unlimited(database, one))
        with actor(payer), connection.cursor() as cursor:
            cursor.execute("select over, per_hour, sends_hour, stamp from payments_begin(%s, null, %s, null, 100)", [payer, name])
            over, per_hour, sends_hour, stamp = cursor.fetchone()
    assert (over, per_hour, sends_hour) == (None, None, 60) and stamp


@contextmanager
def unlimited(database: Database, name: str) -> Iterator[None]:
    """None of this limit for a while."""
    database.as_superuser(
        "insert into compliance_limit (name, tier, value, effective_at, reason)"
        " values (%s, 1, null, now() - interval '1 minute', 'A test of the others')", [name],
    )  # fmt: skip
    try:
        yield
    finally:
        database.as_superuser(
            "set session_replication_role = replica; delete from compliance_limit where reason = 'A test of the others';"
            " set session_replication_role = origin"
        )


# --------------------------------------------------------------------------------------------------- two at once
def nearly_full(database: Database) -> tuple[PersonForTest, PersonForTest]:
    payer, payee = person(database, 10_000), person(database)
    assert {pay(payer, payee, 1).status_code for _ in range(9)} == {201}
    return payer, payee


# Everybody has seen the same nine before anybody moves anything.
SLOW = (BEGIN, "RETURN NEXT;", "PERFORM pg_sleep(0.4); RETURN NEXT;")
NO_STAMP = (FINISH, "p_stamp IS DISTINCT FROM compliance_stamp(payer_account, newest, payee_account, p_amount)", "false")


def codes(payer: PersonForTest, payee: PersonForTest, count: int) -> list[int]:
    return sorted(answer.status_code for answer in at_once(count, lambda n: pay(payer, payee, 1)))


def test_of_many_at_once_one_gets_the_last_place(database: Database) -> None:
    payer, payee = nearly_full(database)
    assert codes(payer, payee, 6) == [201, 403, 403, 403, 403, 403]
    assert sent(database, payer.id) == 10


def test_a_stamp_is_used_up_by_the_next_payment(database: Database) -> None:
    """Without the first guard all of them have seen a free place; where the money moves, one of them finds it."""
    payer, payee = nearly_full(database)
    with changed(database, NO_FIRST_GUARD, SLOW):
        assert codes(payer, payee, 3).count(201) == 1
    assert sent(database, payer.id) == 10


def test_the_control_without_the_guard_and_the_stamp(database: Database) -> None:
    payer, payee = nearly_full(database)
    with changed(database, NO_FIRST_GUARD, SLOW, NO_STAMP):
        passed = codes(payer, payee, 3).count(201)
    assert passed > 1 and sent(database, payer.id) == 9 + passed


# ----------------------------------------------------------------------------------------- no way around at the database
def refused(call: Callable[[], None]) -> None:
    """Not held to the limits: an error for programs, and nothing has moved."""
    with pytest.raises(DatabaseError, match="not held to the limits") as raised, transaction.atomic():
        call()
    assert getattr(raised.value.__cause__, "pgcode", None) == "PY120"


def test_whoever_skips_the_first_half_pays_nothing(database: Database) -> None:
    payer, payee = person(database, 10_000), person(database)
    for stamp in (None, b"", bytes(32)):
        with actor(payer.id):
            refused(lambda: finish(payer, payee, stamp=stamp))  # noqa: B023
    with pytest.raises(DatabaseError, match="not screened"), actor(payer.id):
        finish(payer, payee, PASSED.replace("passed", "denied"), stamp=begin(payer, payee))
    assert sent(database, payer.id) == 0
    with changed(database, NO_STAMP), actor(payer.id):  # the control
        finish(payer, payee)
    assert sent(database, payer.id) == 1


def test_over_a_limit_there_is_no_stamp(database: Database) -> None:
    payer, payee = person(database, 10_000), person(database)
    pay_all(database, [(payer.id, payee.id, ago(minutes=30 - n)) for n in range(10)])
    with actor(payer.id):
        assert begin(payer, payee) is None
        refused(lambda: finish(payer, payee))
    assert sent(database, payer.id) == 10


def test_a_stamp_is_good_for_one_payment_as_it_was_looked_at(database: Database) -> None:
    payer, payee, other = person(database, 10_000), person(database), person(database, 5_000)
    with actor(payer.id):
        earlier = begin(payer, payee)
    with actor(payer.id):
        refused(lambda: finish(payer, payee, stamp=earlier))  # in another transaction
    with actor(payer.id):
        stamp = begin(payer, payee)
        assert stamp and stamp == begin(payer, payee) != earlier
        for one in (lambda: finish(payer, other, stamp=stamp), lambda: finish(payer, payee, stamp=stamp, amount=101)):
            refused(one)
        finish(payer, payee, stamp=stamp)
        refused(lambda: finish(payer, payee, stamp=stamp))  # a second time
    assert sent(database, payer.id) == 1
    with actor(payer.id):
        stamp = begin(payer, payee)
        [coming_in] = at_once(1, lambda _: pay(other, payer, 100))
        assert coming_in.status_code == 201  # and uses nothing up
        finish(payer, payee, stamp=stamp)
    assert (sent(database, payer.id), balance(payer)) == (2, 9_900)


def test_nobody_makes_a_stamp(database: Database) -> None:
    for role in ("web", "worker", "staff", "auditor"):
        raw = database.connect(role)
        with raw.cursor() as cursor:
            for sql in ("select * from compliance_stampkey", "select compliance_stamp(1, 0, 2, 100)",
                        "select compliance_look_at_payment(1, 1, 2, 2, null, 100)"):  # fmt: skip
                with pytest.raises(InsufficientPrivilege):
                    cursor.execute(sql)
        raw.close()


def test_whoever_is_not_replaced_yet_pays_as_before_and_is_held_to_the_limits(database: Database) -> None:
    """For as long as a deployment takes, processes of before call the two functions of before."""
    payer, payee = person(database, 10_000), person(database)
    begin_before = "select limits from payments_begin(%s, null, %s, null)"
    finish_before = "select payments_finish(%s, %s, %s, %s, 100, '', 'public', '{}', '{}', null, null, %s)"

    def before() -> None:
        with actor(payer.id), connection.cursor() as cursor:
            cursor.execute(begin_before, [payer.id, payee.username])
            assert cursor.fetchone()[0][2] == 100_000
            cursor.execute(finish_before, [payer.id, new_id("pay"), new_reference(), payee.id, PASSED])

    before()
    pay_all(database, [(payer.id, payee.id, ago(minutes=30 - n)) for n in range(9)])
    with pytest.raises(DatabaseError, match="over a limit"):
        before()
    assert sent(database, payer.id) == 10


def test_the_way_of_before_is_closed(database: Database) -> None:
    old = (
        "payments_begin(bigint, text, text)",
        "payments_finish(bigint, text, uuid, bigint, bigint, text, text, json, json, text, bytea)",
    )
    for function in old:
        for role in ("web", "worker", "staff", "auditor"):
            asked = [f"paya_test_{role}", function]
            [(may,)] = database.as_superuser("select has_function_privilege(%s, %s, 'execute')", asked)
            assert may is False, (role, function)


# ------------------------------------------------------------------------------------------------- what staff set
def set_limit(database: Database, name: str, value: int, at: datetime) -> None:
    sql = "insert into compliance_limit (name, tier, value, effective_at, reason) values (%s, 1, %s, %s, 'A test')"
    database.as_superuser(sql, [name, value, at])


def test_a_limit_counts_from_its_date_on_and_tiers_have_their_own(database: Database) -> None:
    payer, payee = person(database, 500_000), person(database)
    set_limit(database, "per_transfer", 50, ago(hours=-1))
    assert pay(payer, payee, 100).status_code == 201
    set_limit(database, "per_transfer", 500, ago(seconds=1))
    try:
        assert_problem(pay(payer, payee, 501), 403, "limit_exceeded")
        raised = "insert into compliance_standing (user_id, tier, reason) values (%s, 2, 'A test')"
        database.as_superuser(raised, [payer.id])
        assert pay(payer, payee, 150_000).status_code == 201
        assert limit(payer.id, LimitName.PER_TRANSFER).limit == 250_000
    finally:
        set_limit(database, "per_transfer", 100_000, datetime.now(UTC))


def test_a_limit_that_was_lowered_below_what_is_used(database: Database) -> None:
    payer, payee = crowd(database, 2)
    moments = [ago(minutes=50 - n) for n in range(6)]
    pay_all(database, [(payer, payee, moment) for moment in moments])
    set_limit(database, "sends_per_hour", 3, ago(seconds=1))
    try:
        seen = limit(payer, LimitName.SENDS_PER_HOUR)
        assert (seen.limit, seen.used, seen.remaining) == (3, 6, 0)
        assert abs(seen.resets_at - moments[3] - timedelta(hours=1)) < timedelta(seconds=1)  # the fourth has to leave
    finally:
        set_limit(database, "sends_per_hour", 10, datetime.now(UTC))


def test_limits_are_kept_and_only_added_to(database: Database) -> None:
    for statement in ("update compliance_limit set value = 1", "delete from compliance_limit", "truncate compliance_limit"):
        with pytest.raises(Exception, match="refused"):
            database.as_superuser(statement)


def test_nobody_reads_the_limits_of_somebody_else(database: Database) -> None:
    one, other = person(database), person(database)
    with pytest.raises(NotYours), actor(one.id), transaction.atomic():
        queries.limits_of(other.id)


def test_the_figures_are_read_through_indexes(database: Database) -> None:
    """However long the journal: the walk ends where the limits end."""
    payer, payee = crowd(database, 2)
    pay_all(database, [(payer, payee, ago(days=30, minutes=-n)) for n in range(2000)])
    database.as_superuser("analyze ledger_transfer")
    [(name,)] = database.as_superuser("select username from users_profile where user_id = %s", [payee])
    explain = "explain (analyze, buffers, costs off, timing off) select * from payments_begin(%s, null, %s, null, 1)"
    for _ in range(2):  # the first time the catalogue is read as well
        rows = database.as_superuser(explain, [payer, name])
    hits = re.findall(r"shared hit=(\d+)", str(rows))
    assert hits and int(hits[0]) < 100


def test_a_refusal_is_nothing_that_a_key_would_keep_and_a_page_says_it_too(database: Database) -> None:
    payer, payee = person(database, 300_000), person(database)
    assert_problem(pay(payer, payee, 200_000, key="k1"), 403, "limit_exceeded")
    assert pay(payer, payee, 100, key="k1").status_code == 201
    form = {"to": payee.username, "amount": "2000.00", "note": "", "visibility": "public", "key": "a-form-of-a-page"}
    page = browser(payer).post("/pay", form)
    assert page.status_code in (400, 403) and "One payment can be up to $1,000.00." in page.content.decode()
