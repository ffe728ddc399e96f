"""A whole stack under load, whose processes are killed again and again: nothing lost, nothing doubled.

Clients pay, load and redeem over HTTP and ask again with the same key until they have an answer; now and then one
gives up and never learns. Meanwhile web workers, the Celery worker, the relay and live are killed (SIGKILL) and
PostgreSQL is shut down (SIGQUIT, its immediate shutdown), at random moments and at named calls (failpoints/).
Redis is stopped for a while and then killed, which empties it.

Then days go by at the bank, and the books are compared: acknowledged within rows within sent, every event published,
every effect once, our bank transfers and the sandbox's the same, and the auditor finds nothing.

Control runs: clients that ask again with a new key, whose payments must double; and (not --short) a database that
does not wait for its log, which must lose acknowledged payments.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2
import requests
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect as connect_socket

from paya.local import environment, processes, servers
from paya.local.folder import DataFolder
from paya.local.testing import WIDE_RATES, RunningStack, start_stack
from tests.stack import Site, Visitor, wait_until

from .report import Report

KILLS = 300
CONTROL_SECONDS = 90
PEOPLE, SHORT_PEOPLE = 6, 2
LOADED = 2_000_00  # of the 5,000.00 that the sandbox's bank accounts start with
FAILPOINTS = Path(__file__).parent / "failpoints"
ARMED = [
    "web.commit.before", "web.commit.after", "web.commit.after", "worker.commit.before", "worker.commit.after",
    "worker.call.before", "worker.call.after", "worker.record.before", "worker.settle.after", "worker.inbox.after",
    "relay.publish.before", "relay.publish.after", "relay.commit.after",
]  # fmt: skip
VICTIMS = ["web worker", "web worker", "pool", "worker", "codes", "relay", "postgres", "live"]
SHORT_DEATHS = ["web.commit.after", "postgres", "worker.call.after", "relay.publish.after", "pool"]
FROM_THE_START = "MTow"  # the feed's cursor before its first item
ANSWERS_LATER = {409, 429, 500, 502, 503, 504}


@dataclass
class Intent:
    """One thing that a client wants done once, and what it was told."""

    number: int
    client: int
    kind: str  # "payments", "loads", "redemptions"
    body: dict[str, Any]
    keys: list[str]
    answers: list[tuple[int, str]] = field(default_factory=list)  # (status, id) of every definite answer
    tries: int = 0


class Yard:
    """A stack with its data, as somebody who owns the machine sees it."""

    def __init__(self, data: Path, *, durable: bool = True, more: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.points: Path | None = data.parent / f"{data.name}-failpoints"
        self.points.mkdir()
        extra = {"CAMPAIGN_FAILPOINTS": str(self.points), "PYTHONPATH": str(FAILPOINTS), **(more or {})}
        self._owns(start_stack(data, demo=False, durable=durable, extra=WIDE_RATES | extra))

    @classmethod
    def of(cls, running: RunningStack) -> Yard:
        """One that runs already, without failpoints."""
        yard = cls.__new__(cls)
        yard.data, yard.points = running.data, None
        yard._owns(running)
        return yard

    def _owns(self, running: RunningStack) -> None:
        self.running = running
        self.site = Site(running.url, f"ws://127.0.0.1:{running.port + 1}", running.sandbox_url)
        folder = DataFolder(running.data)
        self.admin_url = servers.embedded_postgres(folder, folder.secrets()).url(dbname="paya_local")

    def sql(self, statement: str, params: Any = None) -> list[tuple[Any, ...]]:
        connection = psycopg2.connect(self.admin_url)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, params)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def child(self, mark: str) -> int | None:
        """The supervisor's child whose command line holds a mark; None while it is down."""
        for pid in processes.children_of(self.running.process.pid):
            with contextlib.suppress(OSError):
                if mark in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "):
                    return pid
        return None

    def victim(self, name: str) -> tuple[int, int] | None:
        """Whom to send which signal."""
        marks = {
            "postgres": "bin/postgres", "relay": "manage.py relay", "live": "daphne", "redis": "valkey",
            "worker": "worker@", "codes": "codes@",
        }  # fmt: skip
        if name in ("web worker", "pool"):
            parent = self.child("gunicorn paya.wsgi" if name == "web worker" else "worker@")
            children = processes.children_of(parent) if parent else []
            return (random.choice(children), signal.SIGKILL) if children else None
        pid = self.child(marks[name])
        return (pid, signal.SIGQUIT if name == "postgres" else signal.SIGKILL) if pid else None

    def kill(self, name: str) -> bool:
        """End one process, at once or at a failpoint (`role.point.when`); whether it died."""
        if "." not in name:
            found = self.victim(name)
            if found is None:
                return False
            processes.send(*found)
            return not processes.wait_gone([found[0]], 5)
        if self.points is None:
            raise LookupError(f"no failpoints on this stack, so nobody dies at {name}")
        armed = self.points / name
        armed.touch()
        deadline = time.monotonic() + 4
        while armed.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        with contextlib.suppress(FileNotFoundError):
            armed.unlink()
            return False
        return True

    def is_ready(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.site.url}/readyz", timeout=5).status_code == 200
        return False

    def manage(self, *arguments: str, login: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            env=self.running.environment(login), cwd=environment.ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip


# ----------------------------------------------------------------------------------------------------- clients
class Client(threading.Thread):
    """One person's app: it decides what to do, and asks until it has an answer."""

    def __init__(self, load: Load, number: int, visitor: Visitor, *, new_keys: bool = False) -> None:
        super().__init__(daemon=True)
        self.load, self.number, self.visitor, self.new_keys = load, number, visitor, new_keys
        self.random = random.Random(load.seed + number)
        self.http = requests.Session()

    def run(self) -> None:
        try:
            while not self.load.stop.is_set():
                self._do(self._intent())
                time.sleep(self.load.pause)
        except Exception as error:  # noqa: BLE001  (a client that dies would make the run look quiet)
            self.load.crashed.append(repr(error))

    def _intent(self) -> Intent:
        number, chance = next(self.load.numbers), self.random.random()
        if chance < 0.85 or self.new_keys:
            others = [v.username for v in self.load.visitors if v is not self.visitor]
            body = {"to": f"@{self.random.choice(others)}", "amount": self.random.randrange(1, 900), "note": f"intent {number}",
                    "visibility": self.random.choice(["public", "private"])}  # fmt: skip
            return Intent(number, self.number, "payments", body, [uuid4().hex])
        body = {"amount": self.random.randrange(100, 2000), "bank_account": self.visitor.bank}
        return Intent(number, self.number, "loads" if chance < 0.94 else "redemptions", body, [uuid4().hex])

    def _do(self, intent: Intent) -> None:
        self.load.intents.append(intent)
        gives_up = not self.new_keys and self.random.random() < 0.05
        while not self.load.cut.is_set():
            intent.tries += 1
            status, identity = self._ask(intent)
            if status == 401:
                self._log_in_again()
            elif status and status not in ANSWERS_LATER:
                intent.answers.append((status, identity))
                self.load.answered(status)
                return
            if gives_up:
                return
            if self.new_keys:
                intent.keys.append(uuid4().hex)
            time.sleep(0.1)

    def _ask(self, intent: Intent) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {self.visitor.token}", "Idempotency-Key": intent.keys[-1]}
        try:
            answer = self.http.post(f"{self.load.url}/v1/{intent.kind}", json=intent.body, headers=headers, timeout=15)
            return answer.status_code, str(answer.json().get("id", answer.json().get("code")))
        except (requests.RequestException, ValueError):
            return 0, ""

    def _log_in_again(self) -> None:
        with contextlib.suppress(Exception):  # whatever is down just now
            self.visitor.tokens = self.load.site.log_in(self.visitor.phone).tokens


class Load:
    """All clients, and what they meant and were told."""

    def __init__(self, site: Site, visitors: list[Visitor], *, seed: int, pause: float, new_keys: bool = False) -> None:
        self.site, self.url, self.visitors, self.seed, self.pause = site, site.url, visitors, seed, pause
        self.numbers = itertools.count(1)
        self.intents: list[Intent] = []
        self.crashed: list[str] = []
        self.acknowledged = 0
        self.stop, self.cut = threading.Event(), threading.Event()
        self.clients = [Client(self, number, visitor, new_keys=new_keys) for number, visitor in enumerate(visitors)]

    def answered(self, status: int) -> None:
        self.acknowledged += status == 201

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        for client in self.clients:
            client.start()
        try:
            yield
        finally:
            self.stop.set()
            for client in self.clients:
                client.join(60)
            self.cut.set()


class Watcher(threading.Thread):
    """Somebody who looks at the live feed, and comes back with the cursor after each interruption."""

    def __init__(self, live_url: str) -> None:
        super().__init__(daemon=True)
        self.url, self.seen, self.cursor, self.stop = f"{live_url}/ws/feed/", Counter[str](), FROM_THE_START, threading.Event()

    def run(self) -> None:
        while not self.stop.is_set():
            with contextlib.suppress(OSError, WebSocketException):
                self._watch()
            time.sleep(0.2)

    def _watch(self) -> None:
        with connect_socket(f"{self.url}?after={self.cursor}", open_timeout=5, close_timeout=1) as socket:
            while not self.stop.is_set():
                with contextlib.suppress(TimeoutError):
                    self._take(json.loads(socket.recv(timeout=0.5)))

    def _take(self, frame: dict[str, Any]) -> None:
        self.seen.update(item["id"] for item in frame.get("items", []))
        self.cursor = frame.get("cursor", self.cursor)


# ------------------------------------------------------------------------------------------------------ people
def people(yard: Yard, count: int) -> list[Visitor]:
    """People with a bank and a settled load; whatever they own after that came and went under fire."""
    made: dict[int, Visitor] = {}

    def make(number: int) -> None:
        made[number] = yard.site.person(bank=True)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    visitors = [made[number] for number in range(count)]
    loads = [(visitor, visitor.transfer("loads", LOADED)["id"]) for visitor in visitors]
    for visitor, load in loads:
        wait_until(lambda v=visitor, one=load: v.status_of("loads", one) == "pending", "a load at the rail", 60)
    yard.site.advance(5)
    for visitor, load in loads:
        wait_until(lambda v=visitor, one=load: v.status_of("loads", one) == "settled", "a settled load", 60)
    return visitors


# ------------------------------------------------------------------------------------------------------- kills
def kill_all(yard: Yard, deaths: list[str], report: Report) -> Counter[str]:
    """One death after the other, each followed by life at the web's port; by name, those that came to pass."""
    killed: Counter[str] = Counter()
    pending = list(deaths)
    while pending:
        name = pending.pop()
        if yard.kill(name):
            killed[name] += 1
            if sum(killed.values()) % 50 == 0:
                print(f"    {sum(killed.values())} kills ({time.monotonic() - report.started:.0f} s)", flush=True)
        else:
            pending.append(random.choice(VICTIMS))  # nobody came by: somebody else dies instead
        time.sleep(random.uniform(0.05, 0.5))
        if yard.running.process.poll() is not None:
            raise RuntimeError(f"the supervisor is gone:\n{yard.running.output.read_text()[-2000:]}")
        if random.random() < 0.1:
            with contextlib.suppress(requests.RequestException):
                yard.site.advance(1)
    return killed


def without_redis(yard: Yard, load: Load, seconds: float) -> int:
    """Redis hangs for some seconds and is then killed, with all that it held; payments acknowledged meanwhile."""
    pid = yard.child("valkey") or yard.child("redis-server")
    assert pid is not None, "Redis is not there"
    processes.send(pid, signal.SIGSTOP)
    before = load.acknowledged
    time.sleep(seconds)
    paid = load.acknowledged - before
    processes.send(pid, signal.SIGKILL)
    return paid


def settle_everything(yard: Yard) -> None:
    """Let the bank's days and our own waiting times go by until nothing is left to happen."""
    wait_until(yard.is_ready, "a stack that is ready again", 120)

    def is_quiet() -> bool:
        with contextlib.suppress(requests.RequestException):
            yard.site.advance(5)
        # Leases of minutes belong to processes that are dead: their time is up. What is pending waits for the bank.
        yard.sql(
            "update banking_banktransfer set due_at = clock_timestamp()"
            " where due_at > clock_timestamp() + interval '3 s' and status <> 'pending'"
        )
        yard.sql("update banking_inboxevent set due_at = clock_timestamp() where due_at > clock_timestamp() + interval '3 s'")
        time.sleep(0.5)
        [[open_transfers, inbox, outbox]] = yard.sql(
            "select (select count(*) from banking_banktransfer"
            "  where status not in ('settled', 'failed', 'returned', 'cancelled')),"
            " (select count(*) from banking_inboxevent where processed_at is null),"
            " (select count(*) from core_outbox where position is null or position > (select published from core_outboxhead))"
        )
        return not (open_transfers or inbox or outbox)

    wait_until(is_quiet, "every bank transfer to end and every event to be published", 1200)
    wait_until(yard.is_ready, "a stack that is ready", 60)


# ------------------------------------------------------------------------------------------------------- books
def compare(yard: Yard, load: Load, watcher: Watcher, report: Report) -> None:
    """What was sent, what was acknowledged, what is there, and what the bank has."""
    keys = {key: intent for intent in load.intents for key in intent.keys}
    stored = yard.sql("select key, answer::json->>'id' from core_idempotency")
    ids = {identity: keys.get(key) for key, identity in stored}
    rows = {identity: (kind, amount) for identity, kind, amount in yard.sql(
        "select public_id, 'payments', amount from payments_payment union all"
        " select public_id, kind || 's', amount from banking_banktransfer where amount <> %s", [LOADED]
    )}  # fmt: skip
    report.figure("intents", len(load.intents))
    report.figure("acknowledged", sum(any(status == 201 for status, _ in i.answers) for i in load.intents))
    report.figure("given up without an answer", sum(not i.answers for i in load.intents))
    report.figure("asked more than once", sum(i.tries > 1 for i in load.intents))
    report.must_be("clients that crashed", len(load.crashed), 0)
    lost = [i for i in load.intents for status, one in i.answers if status == 201 and rows.get(one) != (i.kind, i.body["amount"])]
    report.must_be("acknowledged and not there", len(lost), 0)
    report.must_be("there and never sent", sum(ids.get(one) is None for one in rows), 0)
    of_intent = Counter(ids[one].number for one in rows if ids.get(one) is not None)
    report.must_be("there more than once", sum(count > 1 for count in of_intent.values()), 0)
    refused = {i.number for i in load.intents if i.answers and i.answers[-1][0] != 201}
    report.must_be("refused and there", len(refused & set(of_intent)), 0)

    cents = _cents_by_person(yard)
    report.must_be("cents that differ from the rows", sum(abs(have - want) for have, want in cents), 0)
    [[events, unpublished, failed, gaps]] = yard.sql(
        "select count(*), count(*) filter (where position is null or position > (select published from core_outboxhead)),"
        " count(failed_at), max(position) - count(*) from core_outbox"
    )
    report.figure("events", events)
    report.must_be("events not published, set aside or missing", unpublished + failed + gaps, 0)
    public = {one for (one,) in yard.sql("select public_id from payments_payment where visibility = 'public'")}
    fed = Counter(one for (one,) in yard.sql("select payment from payments_feeditem"))
    report.must_be("public payments not in the feed exactly once", sum(fed[one] != 1 for one in public | set(fed)), 0)
    with contextlib.suppress(AssertionError):
        wait_until(lambda: public <= set(watcher.seen), "the live feed", 20)
    report.must_be("public payments not seen live exactly once", sum(watcher.seen[one] != 1 for one in public), 0)
    report.must_be("bank transfers that differ from the sandbox's", _bank_differences(yard), 0)
    audit = yard.manage("audit_ledger", login="auditor")
    report.must_be("exit status of audit_ledger", audit.returncode, 0)
    if audit.returncode:
        print(audit.stdout + audit.stderr)


def _cents_by_person(yard: Yard) -> list[tuple[int, int]]:
    """(on the wallet, what loads, redemptions and payments come to) for each person."""
    return [(int(have), int(want)) for have, want in yard.sql("""
        select a.balance,
            coalesce((select sum(amount) from payments_payment p where p.payee_id = w.user_id), 0)
            - coalesce((select sum(amount) from payments_payment p where p.payer_id = w.user_id), 0)
            + coalesce((select sum(amount) from banking_banktransfer b
                        where b.user_id = w.user_id and b.kind = 'load' and b.status = 'settled'), 0)
            - coalesce((select sum(amount) from banking_banktransfer b
                        where b.user_id = w.user_id and b.kind = 'redemption' and b.status = 'settled'), 0)
        from wallets_wallet w join ledger_account a on a.id = w.account
    """)]


def _bank_differences(yard: Yard) -> int:
    """Bank transfers that the sandbox has other than once, with other cents or another end; and foreign ones there."""
    ours = {str(key): (amount, status) for key, amount, status in yard.sql(
        "select rail_key, amount, status from banking_banktransfer"
    )}  # fmt: skip
    with contextlib.closing(sqlite3.connect(f"file:{yard.data}/sandbox/sandbox.sqlite3?mode=ro", uri=True)) as bank:
        [table] = bank.execute("select name from sqlite_master where name like '%\\_transfer' escape '\\'").fetchone()
        theirs = defaultdict(list)
        for key, cents, status in bank.execute(f"select correlation_id, cents, status from {table}"):
            theirs[key].append((cents, {"processed": "settled"}.get(status, status)))
    return sum(theirs.get(key) != [row] for key, row in ours.items() if row[1] != "failed" or key in theirs) + len(
        set(theirs) - set(ours)
    )


# ---------------------------------------------------------------------------------------------------- the campaign
def run(*, data: Path, short: bool, seed: int, size: int | None) -> int:
    report = Report("crash", short, seed)
    random.seed(seed)
    deaths = list(SHORT_DEATHS) if short else _plan(size or KILLS)
    yard = Yard(data / f"crash-{uuid4().hex[:6]}")
    try:
        visitors = people(yard, SHORT_PEOPLE if short else PEOPLE)
        print(f"    stack and people ready ({time.monotonic() - report.started:.0f} s)", flush=True)
        watcher = Watcher(yard.site.live_url)
        watcher.start()
        load = Load(yard.site, visitors, seed=seed, pause=0.02 if short else 0.05)
        with load.on():
            killed = kill_all(yard, deaths, report)
            report.figure("kills", sum(killed.values()))
            report.figure("of these at failpoints", sum(count for name, count in killed.items() if "." in name))
            if not short:
                paid = without_redis(yard, load, 5)
                report.figure("payments while Redis was stopped", paid)
                if not paid:
                    report.broken.append("nothing was paid while Redis was stopped")
        settle_everything(yard)
        compare(yard, load, watcher, report)
        print(f"    kills: {dict(killed)}")
        control_new_keys(yard, visitors, report, seed)
        watcher.stop.set()
    finally:
        yard.running.stop(40)
    if not short:
        control_not_durable(data, report, seed)
    return report.finish()


def _plan(kills: int) -> list[str]:
    half = [ARMED[number % len(ARMED)] for number in range(kills // 2)]
    deaths = half + [VICTIMS[number % len(VICTIMS)] for number in range(kills - len(half))]
    random.shuffle(deaths)
    return deaths


def control_new_keys(yard: Yard, visitors: list[Visitor], report: Report, seed: int) -> None:
    """The same clients, asking again with another key: an answer that was lost becomes a second payment."""
    load = Load(yard.site, visitors, seed=seed, pause=0.02, new_keys=True)
    load.numbers = itertools.count(1_000_001)
    doubled = 0
    with load.on():
        deadline = time.monotonic() + CONTROL_SECONDS
        while not doubled and time.monotonic() < deadline:  # after a long run clients first have to log in again
            yard.kill("web.commit.after")
            time.sleep(0.3)
            [[doubled]] = yard.sql(
                "select count(*) from (select note from payments_payment where note like 'intent 1______'"
                " group by note having count(*) > 1) twice"
            )
    report.control("a new key for each try", failed=doubled > 0, how=f"{doubled} intents were paid twice or more")


def control_not_durable(data: Path, report: Report, seed: int) -> None:
    """The same shutdowns of a database that acknowledges before its log is written."""
    yard = Yard(data / f"crash-{uuid4().hex[:6]}", durable=False)
    try:
        visitors = people(yard, PEOPLE)
        load = Load(yard.site, visitors, seed=seed, pause=0.0)
        with load.on():
            for _ in range(5):
                time.sleep(2)
                yard.kill("postgres")
        wait_until(yard.is_ready, "a stack that is ready again", 120)
        rows = {one for (one,) in yard.sql("select public_id from payments_payment")}
        paid = [one for i in load.intents if i.kind == "payments" for status, one in i.answers if status == 201]
        lost = set(paid) - rows
        report.control(
            "commits that do not wait for the log", failed=bool(lost), how=f"{len(lost)} acknowledged payments were lost"
        )
    finally:
        yard.running.stop(40)

