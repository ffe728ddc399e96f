"""Weeks that are closed and paid while whoever does it is killed, at every stage: each person gets one reward, to the cent.

Several weeks were missed. Processes close and distribute them as the beats of several machines would, at once. One after the
other is killed (SIGKILL, by itself, at a named place): after it claimed a week, after it listed, before and after the postings,
and before and after each commit that follows. Between the deaths the database's clock jumps back by hours and ahead by a week.
Then three go on side by side, and (not --short) more are killed at random moments.

What everybody must have is worked out beside it by plain arithmetic, from what the story itself says.

Control run: the same without UNIQUE (week), where several close at the same moment; people must then be paid twice.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from ledger.cuts import OlderTransactionsOpen
from rewards import queries, services
from rewards.services import closing, distributing
from rewards.weeks import Week
from tests.conftest import Database
from tests.rewards.network import earn, pay_all, people

from .ground import ground
from .report import Report

WEEKS, PEOPLE, ROUNDS = 4, 300, 12
SHORT_WEEKS, SHORT_PEOPLE = 3, 24
CHUNK = 7  # of people who are paid in one commit, here
BEATS = 3
PLACES = ["claimed", "listed", "divided"]
COMMITS = 9  # how many commits of one process in a row are tried


# ------------------------------------------------------------------------------------------------------- the story
@dataclass
class Story:
    """What happened, and what everybody must have got for it."""

    first: Week
    people: list[int]
    closed: int  # whose wallet is closed before the weeks are: it stays owed
    owed: Counter[int] = field(default_factory=Counter)
    operations: int = 0
    stays: int = 0

    @property
    def weeks(self) -> Iterator[Week]:
        week = self.first
        while week.end + timedelta(hours=24) <= datetime.now(UTC):
            yield week
            week = week.next


def tell(database: Database, *, weeks: int, size: int, rng: random.Random) -> Story:
    """Weeks of revenue, costs and payments to one person who pays nobody, so that everybody who paid is active."""
    now = datetime.now(UTC)
    first = Week.of(now - timedelta(days=8 + 7 * (weeks - 1)))
    *payers, payee, gone = people(database, size + 2, since=first.start - timedelta(days=30), money=0)
    story = Story(first, [*payers, gone], gone)
    short = 0
    for number, week in enumerate(story.weeks):
        revenue, costs = rng.randrange(50_000, 900_000), rng.randrange(1_000, 40_000)
        if number == 1:
            revenue, costs = 100, 5_000  # a week that costs more than it brings
        earn(database, week.start + timedelta(hours=30), revenue)
        earn(database, week.start + timedelta(hours=31), -costs)
        active = rng.sample(payers, rng.randrange(size // 2, size)) + [gone]
        pay_all(database, [(who, payee, week.start + timedelta(hours=40, seconds=i)) for i, who in enumerate(active)])
        net = revenue - costs + short
        short = min(net, 0)
        operations = max(net, 0) * 3000 // 10_000
        pool = story.stays + max(net, 0) - operations
        share = pool // len(active)
        story.operations += operations
        story.stays = pool - share * len(active)
        story.owed.update({who: share for who in active if share})
    database.as_superuser("select ledger_set_status(account, 3::smallint) from wallets_wallet where user_id = %s", [gone])
    database.as_superuser(
        "insert into rewards_setting (in_force_from, operations_share, min_age_days, path_length, circle_hours, review_hours,"
        " strategy, reason, created_at) values (%s, 3000, 7, 3, 24, 0, 'equal', 'nobody waits here', now())", [first.monday],
    )  # fmt: skip
    return story


# ------------------------------------------------------------------------------------------------------- processes
def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _arm(death: str) -> None:
    """Be killed at a place: by its name, or before or after the n-th commit from now."""
    place, _, number = death.partition(":")
    if place in PLACES:
        owner, name = (closing, {"claimed": "_fill", "listed": "_divide", "divided": "_divide"}[place])
        real: Callable[..., Any] = getattr(owner, name)

        def step(*args: Any) -> Any:
            if place == "divided":
                real(*args)
            _die()

        setattr(owner, name, step)
        return
    commit, left = connection.commit, [int(number)]

    def counted() -> None:
        left[0] -= 1
        if left[0] == 0 and place == "before":
            _die()
        commit()
        if left[0] == 0:
            _die()

    connection.commit = counted  # type: ignore[method-assign]


def _meet(begin: Any, slow: float) -> None:
    """Let those who close at once all get as far as taking the week, and whoever has it take its time."""
    wait, fill, met = closing.wait_for_older, closing._fill, []

    def waited(patience: float) -> None:
        wait(patience)
        if not met:
            met.append(begin.wait(30))

    closing.wait_for_older = waited  # type: ignore[assignment]
    closing._fill = lambda *args: (time.sleep(slow), fill(*args))[1]  # type: ignore[assignment]


def _beat(death: str, slow: float, begin: Any) -> None:
    """What a beat does, in a process of its own, until there is nothing left to do."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    distributing.CHUNK, distributing.SMALL = CHUNK, 3
    if slow:
        _meet(begin, slow)
    elif begin is not None:
        begin.wait(30)
    if death:
        connection.ensure_connection()
        _arm(death)
    while True:
        try:
            services.close_due()
            services.advance()
            break
        except OlderTransactionsOpen:
            continue
    os._exit(0)  # nothing of the parent's is closed on the way out


def beat(death: str = "", *, slow: float = 0.0, begin: Any = None) -> BaseProcess:
    connection.close()  # the child would share it
    process = multiprocessing.get_context("fork").Process(target=_beat, args=(death, slow, begin))
    process.start()
    return process


def together(count: int, *, slow: float = 0.0) -> list[int | None]:
    """Several beats that begin at the same moment; how each of them ended."""
    begin = multiprocessing.get_context("fork").Barrier(count)
    processes = [beat(slow=slow, begin=begin) for _ in range(count)]
    for process in processes:
        process.join(120)
    return [process.exitcode for process in processes]


def jump(database: Database, hours: float) -> None:
    """The database's clock goes wrong by so many hours; postings are stamped by it, and weeks are over by it."""
    database.as_superuser(
        "create or replace function core_now() returns timestamptz language sql volatile as $$ select case when"
        " current_setting('paya.now', true) <> '' and pg_has_role(session_user, 'paya_demo', 'MEMBER')"
        " then current_setting('paya.now', true)::timestamptz"
        f" else clock_timestamp() + interval '{hours} hours' end $$"
    )


# ------------------------------------------------------------------------------------------------------- judging
def paid(database: Database) -> tuple[Counter[int], int]:
    """What each person was credited as rewards, and the most rewards that one person got of one week."""
    rows = database.as_superuser(
        "select w.user_id, sum(t.amount)::bigint from ledger_transfer t join wallets_wallet w on w.account = t.credit_account"
        " where t.kind = 26 group by w.user_id"
    )
    most = database.as_superuser(
        "select coalesce(max(n), 0) from (select count(*) as n from rewards_reward r join rewards_run u on u.id = r.run_id"
        " where r.amount > 0 group by u.week, r.user_id) counted"
    )
    return Counter(dict(rows)), most[0][0]


def judge(report: Report, database: Database, story: Story) -> None:
    got, most = paid(database)
    wanted = Counter({who: cents for who, cents in story.owed.items() if who != story.closed})
    report.must_be("people with another sum than they must have", len({w for w in story.people if got[w] != wanted[w]}), 0)
    report.must_be("rewards of one person for one week, at most", most, 1)
    report.must_be("runs beyond one a week", database.as_superuser(
        "select count(*) - count(distinct week) from rewards_run")[0][0], 0)  # fmt: skip
    owed = database.as_superuser("select coalesce(sum(amount), 0)::bigint from rewards_reward where owed_since is not null")[0][0]
    report.must_be("cents owed to the closed account", owed, story.owed[story.closed])
    accounts = "select name, balance from ledger_trial_balance() where name in ('operations', 'rewards_pool')"
    balances = dict(database.as_superuser(accounts))
    report.must_be("cents of operations that are off", balances["operations"] - story.operations, 0)
    report.must_be("cents of the pool that are off", balances["rewards_pool"] - owed - story.stays, 0)
    announced = database.as_superuser("select count(*) from core_outbox where topic = 'rewards.announced'")[0][0]
    report.must_be("announcements beyond one a week", announced - len(list(story.weeks)), 0)


# ------------------------------------------------------------------------------------------------------- the run
def deaths() -> list[str]:
    return PLACES + [f"{when}:{number}" for number in range(1, COMMITS + 1) for when in ("before", "after")]


def one_round(report: Report, *, weeks: int, size: int, wanted: Sequence[str], rng: random.Random, random_kills: int) -> int:
    """One database, its missed weeks, the deaths; how many there were."""
    with ground("worker") as database:
        story = tell(database, weeks=weeks, size=size, rng=rng)
        killed = 0
        for number, death in enumerate(wanted):
            jump(database, rng.choice([0, 0, -1, -3]) if number % 2 else 0)
            process = beat(death)
            process.join(60)
            killed += process.exitcode == -signal.SIGKILL
        jump(database, 0)
        for _ in range(random_kills):
            process = beat()
            time.sleep(rng.uniform(0.0, 0.4))
            with suppress(ProcessLookupError):
                os.kill(int(process.pid or 0), signal.SIGKILL)
            process.join(60)
            killed += process.exitcode == -signal.SIGKILL
        ended = together(BEATS)
        if ended != [0] * BEATS:
            report.broken.append(f"beats ended with {ended}")
        judge(report, database, story)
        ahead(report, database, story)
        return killed


def _hours_until(week: Week) -> float:
    """Until the week, and no later one, can be closed, on whatever day this is run."""
    return (queries.can_be_closed_at(week) - datetime.now(UTC)) / timedelta(hours=1) + 1


def ahead(report: Report, database: Database, story: Story) -> None:
    """The clock jumps a week ahead: the running week is closed too early. What it brings afterwards is the next one's."""
    running = Week.of(datetime.now(UTC))
    before = database.as_superuser("select revenue_mark from rewards_run order by starts_on desc limit 1")[0][0]
    jump(database, _hours_until(running))
    together(2)
    jump(database, 0)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select ledger_post(gen_random_uuid(), 14::smallint, 1, 8, 12345)")
    jump(database, _hours_until(running.next))
    together(2)
    jump(database, 0)
    rows = database.as_superuser("select week from rewards_run where starts_on >= %s", [running.monday])
    report.must_be("weeks closed by a clock that was wrong", len(rows), 2)
    after = database.as_superuser("select revenue_mark from rewards_run order by starts_on desc limit 1")[0][0]
    report.must_be("cents counted twice or not at all after the jump", after - before - 12_345, 0)


@contextmanager
def without_unique(rng: random.Random) -> Iterator[tuple[Database, Story]]:
    with ground("worker", sql=["alter table rewards_run drop constraint rewards_run_week"]) as database:
        yield database, tell(database, weeks=1, size=12, rng=rng)


def run(*, data: Path, short: bool, seed: int, size: int | None) -> int:
    report, rng = Report("rewards", short=short, seed=seed), random.Random(seed)
    killed = 0
    if short:
        wanted = [*PLACES, "before:4", "after:5", "before:7"]
        killed = one_round(report, weeks=SHORT_WEEKS, size=size or SHORT_PEOPLE, wanted=wanted, rng=rng, random_kills=1)
    else:
        for number in range(ROUNDS):
            wanted = rng.sample(deaths(), len(deaths()))
            killed += one_round(report, weeks=WEEKS, size=size or PEOPLE, wanted=wanted, rng=rng, random_kills=8)
            print(f"    round {number + 1}: {killed} kills", flush=True)
    report.figure("kills", killed)
    # The same close, slowed down so that three meet in it, with and without what makes it happen once.
    with ground("worker") as database:
        story = tell(database, weeks=1, size=12, rng=rng)
        together(BEATS, slow=0.5)
        judge(report, database, story)
    with without_unique(rng) as (database, story):
        together(BEATS, slow=0.5)
        got, most = paid(database)
        more = sum(got.values()) - sum(cents for who, cents in story.owed.items() if who != story.closed)
        how = f"up to {most} rewards of one person for one week, {more} cents too many"
        report.control("without UNIQUE (week)", failed=most > 1 and more > 0, how=how)
    return report.finish()
