"""Paying a closed week: everybody once, in chunks, whoever stops it and whenever."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from core.actor import SYSTEM, actor
from core.clock import at_time
from ledger import audit
from ledger.chart import Account, Kind
from ledger.queries import balance
from rewards import checks as checks_of_rewards
from rewards import services
from rewards.errors import ListAltered
from rewards.models import Reward, Run
from rewards.services import distributing
from tests.conftest import Database, cloned_database
from tests.helpers import at_once, relay_all
from tests.rewards.network import END, WEEK, at, earn, pay_all, people
from wallets import queries as wallets

CLOSED = END + timedelta(hours=24)


@pytest.fixture
def database(django_db_blocker: Any) -> Iterator[Database]:
    with cloned_database() as clone, django_db_blocker.unblock():
        yield clone


@pytest.fixture(autouse=True)
def as_web(database: Database) -> None:
    database.become("demo")


@pytest.fixture(autouse=True)
def chunks_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributing, "CHUNK", 3)
    monkeypatch.setattr(distributing, "SMALL", 2)


@pytest.fixture
def week(database: Database) -> tuple[Run, list[int]]:
    """A closed week whose eight active people get 10.00 each; three cents stay."""
    who = people(database, 9, since=WEEK.start - timedelta(days=6), money=0)
    earn(database, at(0), 114_29)
    pay_all(database, [(who[i], who[8], at(1, i)) for i in range(8)])
    return close(), who[:8]


def close(moment: Any = CLOSED, week: Any = WEEK) -> Run:
    with at_time(moment):
        services.close_through(week)
    return Run.objects.get(week=week.name)


def distribute(run: Run, moment: Any = CLOSED) -> Run:
    with at_time(moment):
        services.distribute(run_id=run.pk)
    return Run.objects.get(pk=run.pk)


def owned(database: Database) -> dict[int, int]:
    return dict(
        database.as_superuser("select user_id, balance from wallets_wallet join ledger_account on id = account order by 1")
    )


def outbox(database: Database, topic: str) -> list[dict[str, Any]]:
    return [row[0] for row in database.as_superuser("select payload from core_outbox where topic = %s order by id", [topic])]


def test_everybody_is_paid_once_in_chunks_and_it_is_announced_once(database: Database, week: tuple[Run, list[int]]) -> None:
    run, who = week
    assert (run.active, run.rewards, run.stays, run.state) == (8, 80_00, 1, "closed")
    done = distribute(run)
    assert (done.state, done.posted_through) == ("announced", who[-1])
    assert {user: cents for user, cents in owned(database).items() if cents > 0} == dict.fromkeys(who, 10_00)
    assert balance(Account.REWARDS_POOL) == 1
    with at_time(at(14, 1)):  # the week after it has begun, and it is not closed: what it brought is not promised once more
        made = services.estimate()
        assert made is not None
        assert (made.week, made.revenue, made.pool) == (WEEK.next.next.name, 0, 0)
    credited = outbox(database, "rewards.credited")
    assert [(row["first"], row["last"]) for row in credited] == [(who[0], who[2]), (who[3], who[5]), (who[6], who[7])]
    assert outbox(database, "rewards.announced") == [{"run": run.pk, "week": WEEK.name}]
    again = distribute(run)
    assert (again.announced_at, len(outbox(database, "rewards.announced"))) == (done.announced_at, 1)
    assert sum(owned(database).values()) == 80_00
    database.become("worker")
    relay_all()
    with actor(who[0]):
        line = next(line for line in wallets.activity(who[0]) if line.kind == Kind.REWARD)
    assert (line.amount, line.reference) == (10_00, f"week_{WEEK.name}")


def test_an_unreviewed_week_goes_out_by_itself_after_a_day_and_no_earlier(
    database: Database, week: tuple[Run, list[int]]
) -> None:
    run, _ = week
    with at_time(CLOSED + timedelta(hours=24) - timedelta(seconds=1)):
        services.advance()
        run.refresh_from_db()
        assert run.state == "closed"
    with at_time(CLOSED + timedelta(hours=24)):
        services.advance()
    run.refresh_from_db()
    assert run.state == "announced"


def test_a_held_week_waits_and_one_that_is_held_on_its_way_stops_there(
    database: Database, week: tuple[Run, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, who = week
    Run.objects.filter(pk=run.pk).update(held=True)
    with at_time(CLOSED + timedelta(days=9)):
        services.advance()
        assert services.distribute_ready() == []
    assert sum(cents for cents in owned(database).values() if cents > 0) == 0
    Run.objects.filter(pk=run.pk).update(held=False)
    monkeypatch.setattr(distributing.time, "sleep", lambda _: Run.objects.filter(pk=run.pk).update(held=True))
    assert distribute(run).posted_through == who[2]
    monkeypatch.undo()
    Run.objects.filter(pk=run.pk).update(held=False)
    assert distribute(run).state == "announced"
    assert [owned(database)[user] for user in who] == [10_00] * 8


def test_whatever_stops_it_it_goes_on_where_it_was(
    database: Database, week: tuple[Run, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, who = week

    def killed(_: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(distributing.time, "sleep", killed)
        with pytest.raises(KeyboardInterrupt):
            distribute(run)
    assert [owned(database)[user] for user in who] == [10_00] * 3 + [0] * 5
    with actor(SYSTEM):
        [(free,)] = database.as_superuser("select rewards_was_there()")
    assert free == 1  # neither what was paid nor what is still to be paid is free to be shared again
    assert distribute(run).state == "announced"
    assert [owned(database)[user] for user in who] == [10_00] * 8


def test_of_several_who_distribute_at_once_each_person_gets_one(database: Database, week: tuple[Run, list[int]]) -> None:
    run, who = week
    database.become("worker")
    for _ in range(4):
        results = at_once(3, lambda _: services.distribute(run_id=run.pk))
        assert [result for result in results if isinstance(result, Exception)] == []
    assert Run.objects.get(pk=run.pk).state == "announced"
    assert [owned(database)[user] for user in who] == [10_00] * 8
    assert len(outbox(database, "rewards.announced")) == 1


def test_a_closed_account_stays_owed_and_its_share_is_not_shared_again(database: Database, week: tuple[Run, list[int]]) -> None:
    run, who = week
    gone = who[4]
    database.as_superuser("select ledger_set_status(account, 3::smallint) from wallets_wallet where user_id = %s", [gone])
    assert distribute(run).state == "announced"
    with actor(SYSTEM):
        [row] = Reward.objects.filter(owed_since__isnull=False)
    assert (row.user_id, row.amount, row.settled_at) == (gone, 10_00, None)
    assert owned(database)[gone] == 0
    assert [owned(database)[user] for user in who if user != gone] == [10_00] * 7
    assert balance(Account.REWARDS_POOL) == 10_01
    earn(database, at(8), 100)
    assert close(CLOSED + timedelta(days=7), WEEK.next).was_there == 1


def test_a_row_that_the_ledger_refuses_stays_owed_and_stops_nobody_else(database: Database, week: tuple[Run, list[int]]) -> None:
    run, who = week
    odd = who[4]  # its reference is taken by something else
    database.as_superuser(
        "select ledger_post(rewards_reference(u.reference, %s), 14::smallint, 1, 8, 1) from rewards_run u where u.id = %s",
        [odd, run.pk],
    )
    assert distribute(run).state == "announced"
    assert [owned(database)[user] for user in who if user != odd] == [10_00] * 7
    with actor(SYSTEM):
        assert list(Reward.objects.filter(owed_since__isnull=False).values_list("user_id", flat=True)) == [odd]


def test_what_is_owed_is_settled_once_it_can_be(database: Database, week: tuple[Run, list[int]]) -> None:
    run, who = week
    database.as_superuser("select ledger_set_status(account, 3::smallint) from wallets_wallet where user_id = %s", [who[1]])
    distribute(run)
    assert distributing.settle_owed() == 0
    database.as_superuser(
        "set session_replication_role = replica; update ledger_account set status = 0 where status = 3;"
        " set session_replication_role = origin"
    )
    database.become("worker")
    assert [results for results in at_once(3, lambda _: distributing.settle_owed()) if results] == [1]
    assert owned(database)[who[1]] == 10_00
    assert balance(Account.REWARDS_POOL) == 1


def test_a_list_that_is_not_the_one_that_was_closed_is_not_paid(database: Database, week: tuple[Run, list[int]]) -> None:
    run, who = week
    database.as_superuser(
        "set session_replication_role = replica; update rewards_reward set amount = amount + 1 where user_id = %s;"
        " set session_replication_role = origin", [who[0]],
    )  # fmt: skip
    with pytest.raises(ListAltered):
        distribute(run)
    run.refresh_from_db()
    assert (run.held, run.state) == (True, "closed")
    assert sum(cents for cents in owned(database).values() if cents > 0) == 0


def test_nor_is_one_that_was_altered_while_it_was_under_way(database: Database, week: tuple[Run, list[int]]) -> None:
    """As a kill after the first chunk leaves it; whoever goes on looks again."""
    run, who = week
    services.distributing._begin(run.pk)
    assert services.distributing._chunk(run.pk, 3) == 3
    database.as_superuser(
        "set session_replication_role = replica; update rewards_reward set amount = amount + 5 where user_id = %s;"
        " set session_replication_role = origin", [who[5]],
    )  # fmt: skip
    with pytest.raises(ListAltered):
        distribute(run)
    run.refresh_from_db()
    assert (run.held, run.state) == (True, "distributing")
    assert sum(cents for cents in owned(database).values() if cents > 0) == 3 * 10_00


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("select 1", []),
        ("update rewards_reward set amount = amount + 1 where user_id = %(who)s", ["list", "journal"]),
        ("delete from rewards_reward where user_id = %(who)s", ["list", "journal"]),
        ("update rewards_reward set reason = 'frozen', amount = 0 where user_id = %(who)s", ["list", "journal"]),
        ("update rewards_run set digest = repeat('0', 64)", ["list"]),
        ("delete from ledger_transfer where kind = 26 and amount = 1000 and credit_account ="
         " (select account from wallets_wallet where user_id = %(who)s)", ["journal"]),
        ("update ledger_transfer set kind = 26 where kind = 7", ["journal"]),
    ],
)  # fmt: skip
def test_the_audit_finds_what_was_not_closed_or_not_paid(
    database: Database, week: tuple[Run, list[int]], tampering: str, found: list[str]
) -> None:
    run, who = week
    database.as_superuser("select ledger_set_status(account, 3::smallint) from wallets_wallet where user_id = %s", [who[1]])
    distribute(run)
    database.as_superuser(
        f"set session_replication_role = replica; {tampering}; set session_replication_role = origin", {"who": who[0]}
    )
    database.become("auditor")
    checks = {"list": checks_of_rewards.LISTS, "journal": checks_of_rewards.POSTED}
    findings, *_ = audit.audit(checks)
    assert [one.check for one in findings if one.check in checks] == found
    assert set(checks.values()) <= set(audit.registered().values())


def test_a_frozen_person_is_credited_all_the_same(database: Database, week: tuple[Run, list[int]]) -> None:
    """Frozen before the close they would not be on the list; what was listed is theirs."""
    run, who = week
    database.as_superuser("select ledger_set_status(account, 2::smallint) from wallets_wallet where user_id = %s", [who[0]])
    distribute(run)
    assert owned(database)[who[0]] == 10_00


def test_the_estimate_says_who_counts_so_far_and_pays_nothing(database: Database, week: tuple[Run, list[int]]) -> None:
    from rewards import queries

    run, who = week
    distribute(run)
    earn(database, at(8), 200)
    pay_all(database, [(who[0], who[1], at(8, 1)), (who[2], who[3], at(8, 2)), (who[3], who[2], at(8, 3))])
    with at_time(at(9)):
        made = services.estimate()
        assert made is not None
        assert (made.week, made.revenue, made.pool, made.active) == (WEEK.next.name, 200, 141, 2)
        with actor(SYSTEM):
            mine = queries.persons_estimate(who[0])
            other = queries.persons_estimate(who[2])
        assert (mine.counts, mine.share) == (True, 70)
        assert (other.counts, other.share) == (False, 0)
        assert other.missing
    pay_all(database, [(who[1], who[0], at(8, 4))])
    with at_time(at(10)):
        made = services.estimate()
        assert made is not None
        assert made.active == 2  # one more went in a circle, one more counts
    assert balance(Account.REWARDS_POOL) == 1
