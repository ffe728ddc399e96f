"""Limits of payments as they are in earnest: counted in the journal, under the payer's guard, and told with a time."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from compliance import queries
from compliance.models import LimitName
from core.actor import actor
from core.errors import LimitExceeded
from payments import services
from tests.conftest import Database, PersonForTest, restore_limits
from tests.helpers import assert_problem, at_once
from tests.payments.people import browser, person
from tests.payments.test_paying import PASSED, balance, finish, pay
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
    with wide_day(database), pytest.raises(LimitExceeded) as refused:
        send(database, payer, payees[20])
    assert refused.value.data["limit"] == "recipients_per_day"


@pytest.mark.parametrize(
    ("limits", "reach"),
    [("{10,50,1,20}", 50), ("{10,2000,1,20}", 2000), ("{10,null,1,20}", 2**31 - 1), ("{null,null,1,null}", 60),
     ("{null,99999999999,null,null}", 2**31 - 1)],
)  # fmt: skip
def test_the_walk_goes_as_far_as_the_limits_reach(database: Database, limits: str, reach: int) -> None:
    assert database.as_superuser("select compliance_sending_reach(%s::bigint[])", [limits]) == [(reach,)]


@contextmanager
def wide_day(database: Database) -> Iterator[None]:
    """No limit of a day for a while."""
    database.as_superuser(
        "insert into compliance_limit (name, tier, value, effective_at, reason)"
        " values ('sends_per_day', 1, null, now() - interval '1 minute', 'A test of the others')"
    )
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
    pay_all(database, [(payer.id, payee.id, ago(minutes=30 - n)) for n in range(9)])
    return payer, payee


@contextmanager
def changed(database: Database, *changes: tuple[str, str, str]) -> Iterator[None]:
    """Functions of the database with something replaced in them, and put back."""
    whole = []
    for function, old, new in changes:
        [(text,)] = database.as_superuser("select pg_get_functiondef(%s::regprocedure)", [function])
        assert old in text, (function, old)
        whole.append(text)
        database.as_superuser(text.replace(old, new))
    try:
        yield
    finally:
        for text in reversed(whole):
            database.as_superuser(text)


BEGIN = "payments_begin(bigint, text, text, bigint)"
FINISH = "payments_finish(bigint, text, uuid, bigint, bigint, text, text, json, json, text, bytea, jsonb)"
# Everybody has seen the same nine before anybody moves anything.
SLOW = (BEGIN, "RETURN NEXT;", "PERFORM pg_sleep(0.4); RETURN NEXT;")
NO_FIRST_GUARD = ("wallets_guard(bigint)", "FOR NO KEY UPDATE", "")
NO_SECOND_LOOK = (FINISH, "PERFORM compliance_hold_to_limits(p_actor, payer_account, payee_account, p_amount);", "")


def codes(payer: PersonForTest, payee: PersonForTest, count: int) -> list[int]:
    return sorted(answer.status_code for answer in at_once(count, lambda n: pay(payer, payee, 1)))


def test_of_many_at_once_one_gets_the_last_place(database: Database) -> None:
    payer, payee = nearly_full(database)
    assert codes(payer, payee, 6) == [201, 403, 403, 403, 403, 403]
    assert sent(database, payer.id) == 10


def test_the_second_half_of_a_payment_looks_again(database: Database) -> None:
    """Without the first guard all of them have seen a free place; where the money moves, one of them finds it."""
    payer, payee = nearly_full(database)
    with changed(database, NO_FIRST_GUARD, SLOW):
        assert codes(payer, payee, 3).count(201) == 1
    assert sent(database, payer.id) == 10


def test_the_control_without_the_guard_and_the_second_look(database: Database) -> None:
    payer, payee = nearly_full(database)
    with changed(database, NO_FIRST_GUARD, SLOW, NO_SECOND_LOOK):
        passed = codes(payer, payee, 3).count(201)
    assert passed > 1 and sent(database, payer.id) == 9 + passed


# ----------------------------------------------------------------------------------------- no way around at the database
def test_whoever_skips_the_first_half_is_held_to_the_limits_too(database: Database) -> None:
    payer, payee = person(database, 10_000), person(database)
    pay_all(database, [(payer.id, payee.id, ago(minutes=30 - n)) for n in range(10)])
    with pytest.raises(DatabaseError) as refused, actor(payer.id):
        finish(payer, payee)
    assert getattr(refused.value.__cause__, "pgcode", None) == "PY120"
    fresh = person(database, 100)
    with pytest.raises(DatabaseError), actor(fresh.id):
        finish(fresh, payee, PASSED.replace("passed", "denied"))
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
    [(account,)] = database.as_superuser("select account from wallets_wallet where user_id = %s", [payer])
    rows = database.as_superuser(
        "explain (analyze, buffers, costs off, timing off) select compliance_hold_to_limits(%s, %s, 0, 1)", [payer, account]
    )
    hits = re.findall(r"shared hit=(\d+)", str(rows))
    assert hits and int(hits[0]) < 400


def test_a_refusal_is_nothing_that_a_key_would_keep_and_a_page_says_it_too(database: Database) -> None:
    payer, payee = person(database, 300_000), person(database)
    assert_problem(pay(payer, payee, 200_000, key="k1"), 403, "limit_exceeded")
    assert pay(payer, payee, 100, key="k1").status_code == 201
    form = {"to": payee.username, "amount": "2000.00", "note": "", "visibility": "public", "key": "a-form-of-a-page"}
    page = browser(payer).post("/pay", form)
    assert page.status_code in (400, 403) and "One payment can be up to $1,000.00." in page.content.decode()
