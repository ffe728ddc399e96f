"""The close of a week: what it takes in, whom it lists, and that it happens once, in order, and stays as it was."""

from collections.abc import Iterator
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import psycopg2
import pytest
from django.db import connection

from core.clock import at_time
from ledger.chart import Account
from ledger.queries import balance
from rewards import services
from rewards.errors import WeekNotOver, WeeksInOrder
from rewards.models import Reward, Run
from rewards.services import closing
from rewards.weeks import Week
from tests.conftest import Database, cloned_database
from tests.helpers import at_once
from tests.rewards import network
from tests.rewards.network import WEEK, at, demo_time, earn, pay, people


@pytest.fixture
def database(django_db_blocker: Any) -> Iterator[Database]:
    """A database of the test's own: weeks are closed in it."""
    with cloned_database() as clone, django_db_blocker.unblock():
        yield clone


@pytest.fixture(autouse=True)
def as_web(database: Database) -> None:
    database.become("demo")  # whose given time is believed


def close(moment: Any = None, week: Week = WEEK) -> Run:
    with at_time(moment or week.end + timedelta(hours=24)):
        services.close_through(week)
    return Run.objects.get(week=week.name)


def reasons(database: Database, run: Run) -> dict[int, str]:
    return dict(database.as_superuser("select user_id, reason from rewards_reward where run_id = %s", [run.pk]))


def test_a_week_is_what_revenue_took_in_less_costs_and_is_divided_to_the_cent(database: Database) -> None:
    a, b, c = people(database, 3)
    for moment, cents in [
        (network.START - timedelta(microseconds=1), 5_000_00), (network.START, 1_000_01), (at(6, 23.9), 99), (at(3), -250_00),
        (network.END, 7_000_00), (network.END + timedelta(hours=2), -11_00),
    ]:  # fmt: skip
        earn(database, moment, cents)
    pay(database, a, b, at(1))
    pay(database, b, c, at(1))
    pay(database, c, a, at(4))
    before = close(week=Week.parse("2026-W42"))
    assert (before.revenue, before.costs, before.active) == (0, 0, 0)
    run = close()
    assert Run.objects.get(week="2026-W45").revenue == 5_000_00
    carried = Run.objects.get(week="2026-W45")
    assert (carried.operations, carried.to_pool, carried.rewards, carried.stays) == (1_500_00, 3_500_00, 0, 3_500_00)
    assert (run.revenue, run.costs, run.carried_in, run.net) == (1_001_00, 250_00, 0, 751_00)
    assert (run.operations, run.to_pool, run.was_there) == (225_30, 525_70, 3_500_00)
    assert (run.active, run.pool, run.rewards, run.stays) == (3, 4_025_70, 4_025_70, 0)
    assert balance(Account.OPERATIONS) == 1_725_30
    assert balance(Account.REWARDS_POOL) == 4_025_70
    assert balance(Account.REVENUE) == 7_000_00  # what the next week took in, its costs apart
    assert balance(Account.RAIL_COSTS) == -11_00
    after = close(week=WEEK.next)
    assert (after.revenue, after.costs, after.was_there) == (7_000_00, 11_00, 0)


def test_a_negative_week_carries_over(database: Database) -> None:
    a, b = people(database, 2)
    earn(database, at(1), -40_00)
    earn(database, at(2), 10_00)
    pay(database, a, b, at(1))
    run = close()
    assert (run.net, run.operations, run.rewards, run.carried_out) == (-30_00, 0, 0, -30_00)
    assert reasons(database, run) == {a: "active"}
    earn(database, at(8), 50_00)
    pay(database, a, b, at(9))
    after = close(week=WEEK.next)
    assert (after.revenue, after.carried_in, after.net, after.carried_out) == (50_00, -30_00, 20_00, 0)
    assert (balance(Account.REVENUE), balance(Account.RAIL_COSTS)) == (0, 0)
    assert (balance(Account.OPERATIONS), balance(Account.REWARDS_POOL), after.rewards) == (6_00, 14_00, 14_00)


def test_who_gets_nothing_is_listed_with_the_reason(database: Database) -> None:
    start = network.START
    old = people(database, 7, since=network.END - timedelta(days=7))
    active, circle, frozen, left_out, lifted, silent, payee = old
    [young] = people(database, 1, since=network.END - timedelta(days=7) + timedelta(microseconds=1))
    earn(database, at(0), 100_00)
    for payer in (active, frozen, left_out, lifted, young):
        pay(database, payer, payee, at(3))
    pay(database, circle, active, at(1, 1))
    pay(database, active, circle, at(1, 2))
    database.as_superuser("update wallets_wallet set frozen = 1 where user_id = %s", [frozen])
    [(staff,)] = database.as_superuser(
        "insert into users_user (password, is_superuser, public_id, kind, email, is_active) values"
        " ('x', false, 'usr_s', 'staff', 's@example.com', true) returning id"
    )
    for who, since, weeks, ended in [
        (left_out, start.date(), 1, None), (lifted, start.date(), 1, start),
        (active, start.date() - timedelta(days=7), 1, None), (active, start.date() + timedelta(days=7), 2, None),
    ]:  # fmt: skip
        database.as_superuser(
            "insert into rewards_ineligibility (user_id, since, until, reason, marked_by_id, created_at, lifted_at)"
            " values (%s, %s, %s, 'why', %s, now(), %s)", [who, since, since + timedelta(days=7 * weeks), staff, ended],
        )  # fmt: skip
    run = close()
    assert reasons(database, run) == {
        active: "active", circle: "circular", frozen: "frozen", left_out: "ineligible", lifted: "active", young: "too_young",
    }  # fmt: skip
    assert silent not in reasons(database, run)
    amounts = dict(database.as_superuser("select user_id, amount from rewards_reward"))
    assert amounts == {active: 35_00, lifted: 35_00, circle: 0, frozen: 0, left_out: 0, young: 0}
    assert run.outliers["circles"] == [[circle, 1]]
    assert run.outliers["reasons"] == {"active": 2, "circular": 1, "frozen": 1, "ineligible": 1, "too_young": 1}


def test_missed_weeks_are_caught_up_in_order_and_none_is_closed_too_early(database: Database) -> None:
    a, b = people(database, 2, since=network.START - timedelta(days=10))
    first = Week.of(network.START - timedelta(days=10))
    for week in (first, first.next, WEEK, WEEK.next):
        earn(database, week.start + timedelta(days=1), 10_00)
        pay(database, a, b, week.start + timedelta(days=2))
    with at_time(WEEK.next.end + timedelta(hours=24) - timedelta(seconds=1)):
        assert [run.week for run in services.close_due()] == [first.name, first.next.name, WEEK.name]
        with pytest.raises(WeekNotOver):
            services.close_through(WEEK.next)
        assert services.close_due() == []
    with at_time(WEEK.next.end + timedelta(hours=24)):
        assert [run.week for run in services.close_due()] == [WEEK.next.name]
    assert list(Run.objects.order_by("starts_on").values_list("revenue", flat=True)) == [10_00] * 4
    with at_time(WEEK.end + timedelta(days=90)), pytest.raises(WeeksInOrder):
        services.close_through(Week(first.monday - timedelta(days=7)))


def test_of_three_that_close_at_once_one_does(database: Database) -> None:
    a, b = people(database, 2)
    earn(database, at(0), 90_00)
    pay(database, a, b, at(1))
    database.become("worker")
    [(last,)] = database.as_superuser("select date_trunc('week', now())::date - 7")

    def beat(_: int) -> list[str]:
        return [run.week for run in services.close_due()]

    results = at_once(3, beat)
    assert [result for result in results if isinstance(result, Exception)] == []
    weeks = [week for result in results for week in result]
    assert len(weeks) == len(set(weeks)) == Run.objects.count()
    assert WEEK.name in weeks
    assert balance(Account.REWARDS_POOL) == 63_00
    assert last is not None


def test_the_close_waits_for_a_posting_that_is_stamped_before_the_cut_and_not_committed(database: Database) -> None:
    people(database, 1)
    raw = psycopg2.connect(database.url("demo"))
    with raw.cursor() as cursor:
        cursor.execute("select set_config('paya.now', %s, true)", [at(2).isoformat()])
        cursor.execute("select ledger_post(gen_random_uuid(), 14::smallint, 1, 8, 5000)")
    began, ended = Event(), []

    def run() -> None:
        began.set()
        ended.append(close())
        connection.close()

    thread = Thread(target=run)
    thread.start()
    began.wait()
    database_waits = "select count(*) from pg_stat_activity where datname = current_database() and query ~ 'pg_snapshot_xmin'"
    while not ended and database.as_superuser(database_waits) == [(0,)]:
        thread.join(0.01)
    assert ended == []
    raw.commit()
    raw.close()
    thread.join()
    assert ended[0].revenue == 50_00


def test_history_keeps_the_rules_it_was_closed_with(database: Database) -> None:
    a, b = people(database, 2)
    for week in (WEEK, WEEK.next):
        earn(database, week.start + timedelta(hours=1), 100_00)
        pay(database, a, b, week.start + timedelta(hours=2))
    database.as_superuser(
        "insert into rewards_setting (in_force_from, operations_share, min_age_days, path_length, circle_hours, review_hours,"
        " strategy, reason, created_at) values (%s, 5000, 7, 2, 12, 1, 'payments_made', 'more', now())", [WEEK.next.monday],
    )  # fmt: skip
    run, after = close(), close(week=WEEK.next)
    assert (run.operations, after.operations) == (30_00, 50_00)
    assert run.distribute_at - run.closed_at == timedelta(hours=24)
    assert after.distribute_at - after.closed_at == timedelta(hours=1)
    assert run.setting_id != after.setting_id
    for statement in [
        "update rewards_setting set operations_share = 1", "delete from rewards_setting", "truncate rewards_setting cascade",
        "update rewards_run set revenue = revenue + 1, net = net + 1, operations = operations + 1",
        "update rewards_run set digest = 'x'", "delete from rewards_run", "update rewards_reward set amount = amount + 1",
        "delete from rewards_reward",
    ]:  # fmt: skip
        with pytest.raises(psycopg2.Error, match="what a week was closed with stays"):
            database.as_superuser(statement)


def test_the_books_of_a_week_add_up_or_are_not_stored(database: Database) -> None:
    people(database, 1)
    run = close()
    for wrong in ["net = 1", "operations = 1, to_pool = 1", "rewards = 5", "week = '2026-W47'", "carried_out = -1"]:
        with pytest.raises(psycopg2.errors.CheckViolation):
            database.as_superuser(
                "create temp table t as select * from rewards_run where id = %s; alter table t drop column id;"
                f" update t set week = '2027-W02', starts_on = '2027-01-11', digest = null, reference = gen_random_uuid();"
                f" update t set {wrong}; insert into rewards_run (week, starts_on, reference, setting_id, distribute_at, net,"
                " operations, to_pool, rewards, carried_out, closed_at) select week, starts_on, reference, setting_id,"
                " distribute_at, net, operations, to_pool, rewards, carried_out, closed_at from t", [run.pk],
            )  # fmt: skip


def test_unequal_shares_go_by_payments_or_by_balance_and_days(database: Database) -> None:
    a, b, c = people(database, 3, since=network.START - timedelta(days=40), money=0)
    with demo_time(database, network.START - timedelta(days=1)) as run:  # 100.00 all week; 100.00 from the middle of it on
        run("select ledger_post(gen_random_uuid(), 1::smallint, 1, account, 10000) from wallets_wallet where user_id = %s", [a])
    with demo_time(database, at(3, 12)) as run:
        run("select ledger_post(gen_random_uuid(), 1::smallint, 1, account, 10000) from wallets_wallet where user_id = %s", [b])
    with demo_time(database, network.END + timedelta(hours=1)) as run:  # after the week: does not count
        run("select ledger_post(gen_random_uuid(), 1::smallint, 1, account, 10000) from wallets_wallet where user_id = %s", [c])
    rows = database.as_superuser(
        "select rewards_weigh('balance_days', %s, array_agg(account order by user_id), '{}') from wallets_wallet", [WEEK.monday]
    )
    assert rows == [([10_000 * 168, 10_000 * 84, 0],)]
    assert database.as_superuser("select rewards_weigh('payments_made', %s, '{7,8}', '{3,1}')", [WEEK.monday]) == [([3, 1],)]
    assert Reward.objects.count() == 0
    assert closing.PATIENCE > 0
