"""A week of rewards from close to announcement, by the product's own commands, for 10,000, 100,000 and a million people.

Every one of them paid somebody in the week, so that all are recipients; their payments lie in the journal with two weeks of
history. For each size: seconds of `manage.py close_week` and of `manage.py distribute_rewards`, the start of the process
(start_seconds) included.

- vs_insert_select: the distribution's chunks of 2,000, each with its commit, against one bare INSERT ... SELECT of the same rows
  into a table with the same rows and indexes as the journal, which locks and checks nothing and changes no balance. In rounds
  of a tenth of the people, one after the other, and the median of the rounds' own ratios: what the machine did meanwhile hits
  both. (distribute_seconds of the largest size are the seconds of all rounds; the command also pauses between chunks.)
- payments_p95_factor: a second week is closed and distributed while people pay each other over HTTP, a hundred payments a
  second, against the same beforehand; between the two weeks the database is vacuumed, as it is in a real one.
  seconds_with_payments is what the whole run took then, without the starts of the two commands: it is a worker's, which runs.

In the end each person must have exactly the rewards of both weeks, every acknowledged payment must be in the journal, and the
books must be clean. --quick: 2,000 and 20,000 people.
"""

from __future__ import annotations

import http.client
import json
import statistics
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

from paya.local import database
from rewards.weeks import Week

from . import report
from .http import start_web
from .people import Person, make_people
from .prepared import DATABASE, Stage
from .report import Target

SIZES, QUICK_SIZES = (10_000, 100_000, 1_000_000), (2_000, 20_000)
SHARE = 700  # cents for each
TARGETS = (
    Target("vs_insert_select", "<=", 4.0), Target("payments_p95_factor", "<", 2.0), Target("seconds_with_payments", "<", 60.0),
)  # fmt: skip
SQL = Path(__file__).parent / "sql" / "rewards.sql"
PAYERS, PAUSE = 4, 0.04  # clients, and the seconds between two payments of one of them: a hundred a second at most
BEFORE = 20.0
# The same rows and indexes as the journal's.
_BARE = """
    create table bench_journal (like ledger_transfer including all);
    insert into bench_journal select * from ledger_transfer;
    analyze bench_journal;
"""
ROUNDS, CHUNK = 10, 2_000


def weeks() -> tuple[Week, Week]:
    """The last two weeks that can be closed by now."""
    last = Week.of(datetime.now(UTC) - timedelta(days=8))
    return Week(last.monday - timedelta(days=7)), last


def fill(stage: Stage, dbname: str, people: int) -> None:
    first, second = weeks()
    with database.connect(stage.url("admin", dbname), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(SQL.read_text(), {"n": people, "week": first.start})
        for week in (first, second):
            revenue = people * SHARE * 10 // 7 + 10
            cursor.execute("select set_config('paya.now', %s, false)", [(week.start + timedelta(hours=3)).isoformat()])
            cursor.execute("select ledger_post(gen_random_uuid(), 14::smallint, 1, 8, %s)", [revenue])
        # Nothing waits for a review here.
        cursor.execute(
            "insert into rewards_setting (in_force_from, operations_share, min_age_days, path_length, circle_hours, review_hours,"
            " strategy, reason, created_at) values (%s, 3000, 7, 3, 24, 0, 'equal', 'bench', now())", [first.monday],
        )  # fmt: skip
    tidy(stage, dbname)
    # The weeks before, in which nothing happened but loads.
    command(stage, dbname, "close_week", "--week", Week(first.monday - timedelta(days=7)).name)
    command(stage, dbname, "distribute_rewards")


def tidy(stage: Stage, dbname: str) -> None:
    """What the database does by itself in the course of a week."""
    with database.connect(stage.url("admin", dbname), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("vacuum (analyze)")
        cursor.execute("checkpoint")


def command(stage: Stage, dbname: str, *arguments: str) -> float:
    started = time.perf_counter()
    done = stage.command("manage.py", *arguments, role="worker", dbname=dbname)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return time.perf_counter() - started


def one(stage: Stage, dbname: str, sql: str) -> Any:
    with database.connect(stage.url("admin", dbname), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def side_by_side(stage: Stage, dbname: str, people: int) -> tuple[float, float, float]:
    """Distribute what was closed, round by round beside a bare INSERT ... SELECT of the same rows.

    Seconds of the distribution, seconds of the inserts, and the median of the rounds' ratios.
    """
    with (
        database.connect(stage.url("admin", dbname), autocommit=True) as admin, admin.cursor() as bare,
        database.connect(stage.url("worker", dbname), autocommit=True) as worker, worker.cursor() as cursor,
    ):  # fmt: skip
        bare.execute(_BARE)
        bare.execute("checkpoint")
        cursor.execute("select set_config('paya.actor', '0', false)")
        cursor.execute("update rewards_run set state = 'distributing' where state = 'closed' returning id")
        [(run,)] = cursor.fetchall()
        posted, inserted, through = [], [], 0
        for _ in range(ROUNDS):
            started = time.perf_counter()
            for _ in range(max(1, people // ROUNDS // CHUNK)):
                cursor.execute("select rewards_post(%s, %s)", [run, CHUNK])
            posted.append(time.perf_counter() - started)
            bare.execute("select posted_through, reference from rewards_run where id = %s", [run])
            last, reference = bare.fetchone()
            # What was just posted, lying in memory as the rewards did.
            bare.execute(
                "create temp table fresh as select t.* from rewards_reward r join ledger_transfer t"
                " on t.id = rewards_reference(%s, r.user_id) where r.run_id = %s and r.user_id > %s and r.user_id <= %s",
                [reference, run, through, last],
            )
            through = last
            started = time.perf_counter()
            bare.execute("insert into bench_journal select * from fresh")
            inserted.append(time.perf_counter() - started)
            bare.execute("drop table fresh")
        bare.execute("drop table bench_journal")
    return sum(posted), sum(inserted), statistics.median(a / b for a, b in zip(posted, inserted, strict=True))


# ------------------------------------------------------------------------------------------------------- payments
@dataclass
class Payments:
    """People who pay each other over HTTP at a steady pace until they are told to stop."""

    port: int
    people: list[Person]
    latencies: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    acknowledged: int = 0

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._pay, args=(Random(number),)) for number in range(PAYERS)]
        for thread in self._threads:
            thread.start()

    def _pay(self, rng: Random) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self._stop.is_set():
            payer, payee = rng.sample(self.people, 2)
            body = json.dumps({"to": f"@{payee.username}", "amount": rng.randint(1, 500), "note": "", "visibility": "private"})
            headers = {
                "Authorization": f"Bearer {payer.token}", "Content-Type": "application/json", "Idempotency-Key": uuid4().hex,
            }  # fmt: skip
            started = time.perf_counter()
            try:
                connection.request("POST", "/v1/payments", body, headers)
                answer = connection.getresponse()
                said = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
                connection.close()
                continue
            took = time.perf_counter() - started
            self.latencies.append(took)
            if answer.status == 201:
                self.acknowledged += 1
            else:
                self.failed.append(f"{answer.status} {said[:200]!r}")
            self._stop.wait(max(0.0, PAUSE - took))
        connection.close()

    def split(self) -> list[float]:
        """The delays until now; those that follow are counted anew."""
        now, self.latencies = self.latencies, []
        return now

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def p95(latencies: list[float]) -> float:
    return sorted(latencies)[int(0.95 * (len(latencies) - 1))] * 1000


# ------------------------------------------------------------------------------------------------------- the bench
def quiet(stage: Stage, dbname: str, people: int, figures: dict[str, Any]) -> None:
    """The first week, with nothing else going on."""
    first, _ = weeks()
    figures[f"close_seconds_{people}"] = command(stage, dbname, "close_week", "--week", first.name)
    figures[f"distribute_seconds_{people}"] = command(stage, dbname, "distribute_rewards")


def wrong(stage: Stage, dbname: str, people: int, rounds: int) -> list[str]:
    """What is not as it must be: each person has the share of each week, and no cent is missing."""
    shares = f"select count(*) from rewards_run where active = {people} and rewards = active * {SHARE} and state = 'announced'"
    credited = (
        f"select count(*) from (select credit_account from ledger_transfer where kind = 26 and amount = {SHARE}"
        f" group by 1 having count(*) = {rounds}) each_person"
    )
    found = [] if one(stage, dbname, shares) == rounds else [f"{dbname}: not all weeks were paid"]
    if (right := one(stage, dbname, credited)) != people:
        found.append(f"{dbname}: {people - right} people have other than {rounds} rewards")
    return found


def measure(stage: Stage, *, quick: bool) -> int:
    *smaller, largest = QUICK_SIZES if quick else SIZES
    figures: dict[str, Any] = {}
    broken: list[str] = []
    for people in smaller:
        name = f"{DATABASE}_{people}"
        stage.clone(name)
        fill(stage, name, people)
        quiet(stage, name, people, figures)
        broken += wrong(stage, name, people, 1)
        database.drop(stage.running.admin_url, name)
    payers = make_people(stage, 500)
    started = time.monotonic()
    fill(stage, DATABASE, largest)
    print(f"{largest:,} people ready after {time.monotonic() - started:.0f} s", flush=True)
    first, _ = weeks()
    figures[f"close_seconds_{largest}"] = command(stage, DATABASE, "close_week", "--week", first.name)
    posted, inserted, figures["vs_insert_select"] = side_by_side(stage, DATABASE, largest)
    figures[f"distribute_seconds_{largest}"], figures["insert_select_seconds"] = posted, inserted
    command(stage, DATABASE, "distribute_rewards")  # what is left, and the announcement
    figures["start_seconds"] = command(stage, DATABASE, "distribute_rewards")  # with nothing to do

    tidy(stage, DATABASE)
    start_web(stage)
    rows = one(stage, DATABASE, "select count(*) from payments_payment")
    payments = Payments(stage.port, payers)
    time.sleep(3.0)  # connections and caches
    payments.split()
    time.sleep(BEFORE)
    before = payments.split()
    took = command(stage, DATABASE, "close_week") + command(stage, DATABASE, "distribute_rewards")
    figures["seconds_with_payments"] = took - 2 * figures["start_seconds"]
    during = payments.split()
    payments.stop()
    figures["payments_p95_ms_before"], figures["payments_p95_ms"] = p95(before), p95(during)
    figures["payments_p95_factor"] = p95(during) / p95(before)
    figures["payments_per_second"] = len(during) / took
    broken += wrong(stage, DATABASE, largest, 2)
    broken += [f"a payment: {what}" for what in payments.failed[:3]]
    if one(stage, DATABASE, "select count(*) from payments_payment") - rows != payments.acknowledged:
        broken.append("acknowledged payments are not there")
    if quick and not stage.audit():
        broken.append("the books are not clean")
    return report.finish("rewards", figures, TARGETS, quick=quick, broken=broken)
