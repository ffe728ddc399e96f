"""Fifty people, three connections: nobody is ever answered with a row of somebody else's.

Requests of all addresses that the URLconf has (API and pages), for one's own things and for other people's, interleaved over nine
threads that share three connections as PgBouncer's transaction pooling lets them: each transaction, and each statement outside of
one, may be another connection's. Every id and every private note in an answer must be the reader's (tests/rls/foreign.py knows
from the catalogue whose each is). Then the same with the application's own conditions taken out of every statement, so that row
policies alone protect. Beside them real sockets of the live process hear of what happens; then tasks and commands of the worker
on three connections of its own, as one person and as the system in turn.

Control runs, without conditions: an actor that is set for the session instead of the transaction; policies switched off.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import logging
import os
import queue
import random
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import uuid4

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper
from websockets.sync.client import connect

import core.actor
from core import clock, live
from core.actor import actor
from core.identity import Session
from paya.local import environment, ports, processes
from tests.conftest import Database, PersonForTest
from tests.helpers import Api, relay_all
from tests.payments.people import browser, person
from tests.rls.foreign import ID, MARK, Owners, mark, no_filters, owners
from tests.rls.test_endpoints import PUBLIC, QUERIES, endpoints
from tests.rls.world import Belongings, things
from tests.stack import wait_until

from .ground import ground
from .report import Report

PEOPLE, CONNECTIONS, THREADS, SOCKETS = 50, 3, 9, 10
REQUESTS, SHORT_REQUESTS = 10_000, 300
CONTROL_REQUESTS = 80


# ------------------------------------------------------------------------------------------------------ pooling
class Pool:
    """A few connections of one role, handed out for a transaction at a time, as PgBouncer does."""

    def __init__(self, count: int) -> None:
        self.free: queue.Queue[Any] = queue.Queue()
        self.handed_out = 0
        for _ in range(count):
            one: Any = connection.copy()
            one.connect()
            self.free.put(one.connection)

    def close(self) -> None:
        while not self.free.empty():
            self.free.get().close()


@contextlib.contextmanager
def pooled(count: int = CONNECTIONS) -> Iterator[Pool]:
    """Threads of this process have no connections of their own: each statement or transaction gets one of the pool's."""
    pool = Pool(count)
    def ensure(self: Any) -> None:
        held = getattr(_held, "raw", None)
        if self.in_atomic_block or (held is not None and not held.autocommit):
            return
        if held is not None:
            give_back(self)
        self.connection = _held.raw = pool.free.get(timeout=60)
        pool.handed_out += 1
        self.autocommit = True

    def give_back(self: Any) -> None:
        raw, _held.raw, self.connection = _held.raw, None, None
        pool.free.put(raw)

    def let_go() -> None:
        if getattr(_held, "raw", None) is not None:
            give_back(connection)

    pool.let_go = let_go  # type: ignore[attr-defined]
    with mock.patch.object(DatabaseWrapper, "ensure_connection", ensure):
        try:
            yield pool
        finally:
            let_go()
    pool.close()


_held = threading.local()


# ------------------------------------------------------------------------------------------------------- people
@dataclass
class Cast:
    """Fifty people who have one of everything, and pay each other in private."""

    people: list[Belongings]
    sockets: dict[int, list[str]] = field(default_factory=dict)

    @property
    def by_id(self) -> dict[int, Belongings]:
        return {one.person.id: one for one in self.people}


def cast_of(database: Database, count: int) -> Cast:
    made = [person(database, 1_000_00) for _ in range(count)]
    people = []
    for index, one in enumerate(made):
        paid = pay(one, made[(index + 1) % count])
        people.append(things(database, one, payment=paid.json()["id"]))
    return Cast(people)


def pay(payer: PersonForTest, payee: PersonForTest) -> Any:
    body = {"to": payee.username, "amount": 1, "note": mark(payer.id, payee.id), "visibility": "private"}
    return Api().post("/v1/payments", body, person=payer, key=uuid4().hex)


# ------------------------------------------------------------------------------------------------------ requests
@dataclass
class Seen:
    """What somebody was shown, to be looked through when it is known whose everything is."""

    reader: int
    where: str
    text: str
    given: str


@dataclass
class Outcome:
    requests: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    seen: list[Seen] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    stripped: int = 0
    since: datetime = field(default_factory=clock.now)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, seen: Seen, status: int) -> None:
        with self.lock:
            self.requests += 1
            self.statuses[f"{status // 100}xx"] += 1
            if ID.search(seen.text) or MARK.search(seen.text):
                self.seen.append(seen)
            if status >= 500:
                self.wrong.append(f"{seen.where} answered {status}: {seen.text[:200]}")

    def foreign(self, known: Owners) -> list[str]:
        """What was shown to somebody whose it is not."""
        return [
            f"{seen.where} showed {found} to {seen.reader}"
            for seen in self.seen for found in known.foreign_in(seen.text, seen.reader, given=seen.given)
        ]  # fmt: skip


READS = [one for one in endpoints() if one.method == "GET" and one.route not in PUBLIC]


def request_of(chance: random.Random, cast: Cast) -> tuple[Belongings, str, str]:
    """Who asks for which address, and what of it names somebody else's thing."""
    me, other = chance.sample(cast.people, 2)
    endpoint = chance.choice(READS)
    of_whom = other if "<" in endpoint.route and chance.random() < 0.5 else me
    path = "/" + of_whom.fill(endpoint.route + QUERIES.get(str(endpoint), "")).replace("{other}", other.person.username)
    return me, path, path if of_whom is other else ""


def ask(me: Belongings, path: str, browsers: dict[int, Any]) -> Any:
    if path.startswith("/v1/"):
        return Api().get(path, person=me.person)
    if me.person.id not in browsers:
        browsers[me.person.id] = browser(me.person)
    return browsers[me.person.id].get(path)


def interleave(cast: Cast, count: int, seed: int, *, filters: bool, connections_: int = CONNECTIONS) -> Outcome:
    """So many requests of random people, one in twenty a payment, over threads that share a few connections."""
    outcome, turns = Outcome(), itertools.count()
    with pooled(connections_) as pool:

        def work(number: int) -> None:
            chance, browsers = random.Random(f"{seed} {number}"), dict[int, Any]()
            with contextlib.nullcontext() if filters else no_filters() as stripper:
                while next(turns) < count:
                    me, path, given = request_of(chance, cast)
                    try:
                        if chance.random() < 0.05:
                            other = chance.choice([one for one in cast.people if one is not me])
                            path, given, answer = "/v1/payments", "", pay(me.person, other.person)
                        else:
                            answer = ask(me, path, browsers)
                        text = answer.content.decode(errors="replace") + answer.get("Location", "")
                        outcome.note(Seen(me.person.id, path, text, given), answer.status_code)
                    except Exception as error:  # noqa: BLE001
                        outcome.note(Seen(me.person.id, path, repr(error), given), 500)
                    finally:
                        pool.let_go()  # type: ignore[attr-defined]
                if stripper is not None:
                    with outcome.lock:
                        outcome.stripped += stripper.stripped

        run_threads(work)
    return outcome


def run_threads(work: Any) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# ------------------------------------------------------------------------------------------------------ sockets
@contextlib.contextmanager
def live_process(database: Database, data: Path) -> Iterator[str]:
    """The product's live process on this database."""
    port = ports.free_block(1)
    command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "-v", "0", "paya.asgi:application"]
    env = {**os.environ, "DATABASE_URL": database.url("web")}
    with (data / f"isolation-live-{port}.log").open("wb") as log:
        server = processes.spawn(command, env=env, cwd=environment.ROOT, output=log)
    try:
        yield f"ws://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


@contextlib.contextmanager
def listening(url: str, cast: Cast) -> Iterator[Outcome]:
    """Some people's sockets; what they hear until this ends."""
    outcome, opened, threads = Outcome(), [], []

    def listen(me: Belongings, socket: Any) -> None:
        with contextlib.suppress(Exception):
            while True:
                outcome.note(Seen(me.person.id, "/ws/me/", socket.recv(), ""), 200)

    def admitted() -> Any:
        with contextlib.suppress(OSError):
            return connect(f"{url}/ws/feed/")

    wait_until(admitted, "the live process", 60).close()
    for me in cast.people[:SOCKETS]:
        with actor(me.person.id):
            from users.models import Device

            device = Device.objects.filter(user_id=me.person.id)[0].pk
        ticket = live.issue_ticket(Session(me.person.id, "", device))
        socket = connect(f"{url}/ws/me/?ticket={ticket}")
        opened.append(socket)
        threads.append(threading.Thread(target=listen, args=(me, socket), daemon=True))
        threads[-1].start()
    try:
        yield outcome
    finally:
        for socket in opened:
            socket.close()
        for thread in threads:
            thread.join(5)


# ---------------------------------------------------------------------------------------------- tasks and commands
def work_of_the_worker(cast: Cast, count: int, seed: int) -> tuple[Outcome, Counter[str]]:
    """Tasks and commands as the system, and between them what is done as one person, on the worker's three connections."""
    from banking import tasks as banking_tasks
    from users import tasks as users_tasks

    outcome, done, turns = Outcome(), Counter[str](), itertools.count()
    tasks = [users_tasks.sweep_sms, users_tasks.prune, banking_tasks.sweep_decisions]
    with pooled() as pool, mock.patch("users.tasks.send_sms.apply_async"):

        def work(number: int) -> None:
            chance = random.Random(f"{seed} {number}")
            while (turn := next(turns)) < count:
                me = chance.choice(cast.people)
                try:
                    if turn % 5 == 0:
                        chance.choice(tasks).apply(throw=True)
                        done["tasks"] += 1
                    elif turn % 25 == 1:
                        command_of(chance, me)
                        done["commands"] += 1
                    else:
                        with actor(me.person.id):
                            outcome.note(Seen(me.person.id, "a task's reads", everything_visible(), ""), 200)
                except Exception as error:  # noqa: BLE001
                    outcome.note(Seen(me.person.id, "a task", repr(error), ""), 500)
                finally:
                    pool.let_go()  # type: ignore[attr-defined]

        run_threads(work)
    return outcome, done


def command_of(chance: random.Random, me: Belongings) -> None:
    level = chance.choice(["sending", "off"])
    reason = ["--reason", "campaign"] if level != "off" else []
    call_command("freeze_wallet", me.person.username, level, *reason, stdout=io.StringIO(), stderr=io.StringIO())


def everything_visible() -> str:
    """The public ids and notes of all rows of all tables with a person in them, without a single condition."""
    said = []
    with connection.cursor() as cursor:
        for table, columns in personal_tables():
            cursor.execute(f"select {columns} from {table}")
            said += [" ".join(map(str, row)) for row in cursor.fetchall()]
    return "\n".join(said)


_tables: dict[str, list[tuple[str, str]]] = {}


def personal_tables() -> list[tuple[str, str]]:
    """(table, public id and note) of each that the worker may read."""
    name = connection.settings_dict["NAME"]
    if name not in _tables:
        with connection.cursor() as cursor:
            cursor.execute(
                "select c.relname, string_agg(quote_ident(a.attname), ', ') from pg_class c"
                " join pg_attribute a on a.attrelid = c.oid where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'"
                " and c.relrowsecurity and a.attname in ('public_id', 'note') and has_column_privilege(c.oid, a.attnum, 'select')"
                " group by c.relname"
            )
            _tables[name] = [(str(table), str(columns)) for table, columns in cursor.fetchall()]
    return _tables[name]


# ------------------------------------------------------------------------------------------------------- controls
def once_per_connection(user_id: int) -> None:
    """As a session's setting would be: whoever comes first stays."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select set_config('paya.actor', coalesce(nullif(current_setting('paya.actor', true), ''), %s), false)",
            [str(user_id)],
        )


def read_as_the_session(user_id: int, sql: str, params: Any) -> list[Any]:
    once_per_connection(user_id)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


WITHOUT_POLICIES = """do $$ declare t regclass; begin
    for t in select oid::regclass from pg_class where relnamespace = 'public'::regnamespace and relrowsecurity loop
        execute format('alter table %s disable row level security', t);
    end loop; end $$"""


def controls(report: Report, count: int, seed: int) -> None:
    session = mock.patch.multiple(core.actor, set_actor=once_per_connection, read_as=read_as_the_session)
    with ground("web") as database:
        cast = cast_of(database, 8)
        with session:
            outcome = interleave(cast, count, seed, filters=False, connections_=1)
        found = outcome.foreign(owners(database))
    report.control("an actor set for the session", failed=bool(found), how=f"{len(found)} foreign rows shown")
    with ground("web") as database:
        cast = cast_of(database, 8)
        database.as_superuser(WITHOUT_POLICIES)
        outcome = interleave(cast, count, seed, filters=False)
        found = outcome.foreign(owners(database))
    report.control("no policies and no conditions", failed=bool(found), how=f"{len(found)} foreign rows shown")


# ---------------------------------------------------------------------------------------------------- the campaign
def run(*, data: Path, short: bool, seed: int, size: int | None) -> int:
    report = Report("isolation", short, seed)
    # As a client in this process: it names this host, reads no static files, and asks as fast as it can.
    settings.ALLOWED_HOSTS, settings.WHITENOISE_AUTOREFRESH = ["testserver"], True
    settings.RATE_PER_PERSON = settings.RATE_PER_ADDRESS = 10**6
    logging.disable(logging.CRITICAL)  # what the controls break is counted and not told
    count = size or (SHORT_REQUESTS if short else REQUESTS)
    with ground("web") as database, live_process(database, data) as url:
        cast = cast_of(database, 20 if short else PEOPLE)
        report.figure("people", len(cast.people))
        report.figure("connections", CONNECTIONS)
        report.figure("addresses", len(READS))
        with listening(url, cast) as heard:
            whole = interleave(cast, count, seed, filters=True)
            bare = interleave(cast, count, seed + 1, filters=False)
            with database.role("worker"):
                relay_all()
            # Each payment to somebody who listens is told to them; their balances come on top.
            listeners = [one.person.id for one in cast.people[:SOCKETS]]
            [[told]] = database.as_superuser(
                "select count(*) from payments_payment where payee_id = any(%s) and created_at > %s", [listeners, heard.since]
            )
            wait_until(lambda: heard.requests >= told + SOCKETS, "the sockets", 120)
        known = owners(database)
        for name, outcome in (("requests", whole), ("requests without conditions", bare), ("frames over sockets", heard)):
            judge(report, name, outcome, known)
        report.figure("statements that lost a condition", bare.stripped)
        if not bare.stripped or sum(bare.statuses.values()) < count:
            report.broken.append("nothing was stripped, or requests are missing")
        with database.role("worker"):
            outcome, done = work_of_the_worker(cast, max(100, count // 10), seed)
        judge(report, "reads of tasks as one person", outcome, owners(database))
        report.figure("tasks between them", done["tasks"])
        report.figure("commands between them", done["commands"])
    controls(report, CONTROL_REQUESTS if short else 10 * CONTROL_REQUESTS, seed)
    return report.finish()


def judge(report: Report, name: str, outcome: Outcome, known: Owners) -> None:
    found = outcome.foreign(known)
    report.figure(name, outcome.requests)
    report.must_be(f"{name}: foreign rows", len(found), 0)
    report.must_be(f"{name}: server errors", len(outcome.wrong), 0)
    report.broken += found[:10] + outcome.wrong[:10]
