"""Loads and redemptions over Dwolla and Stripe in bad weather: each has one effect, none is stuck, and both sides agree.

People ask over HTTP, again with the same key until they have an answer. Staff switch the rails of both kinds meanwhile.
Of the calls to the rails some are answered with 500 or 429, hang, or are carried out without an answer; webhooks get
lost, are late and overtake each other, or come twice; loads fail, or come back after they have settled. Workers, the
relay and web are killed. Then the weather clears, days go by, and the books are compared with the sandbox's own: each
transfer is there once, with the same cents and the same end, and each custodian holds what its reserve says.

Control runs: without the inbox's uniqueness a message is acted on twice. That alone doubles no money, since each look
fetches the present state, the table of legal moves knows no second settlement, and a posting has one reference. Where
each try has a new key at the rail, and the rail is not searched, transfers are doubled (on a stack of its own).
"""

from __future__ import annotations

import contextlib
import json
import random
import sqlite3
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests

from paya.local.testing import RunningStack
from tests.stack import Site, Visitor, wait_until

from .crash import ANSWERS_LATER, Yard
from .report import Report

TRANSFERS, SHORT_TRANSFERS = 10_000, 24
PEOPLE_PER_TRANSFER, FEWEST, MOST = 25, 4, 80
STARTS_WITH = 500_00
CAPITAL = 400_000_00
WEATHER = {"error": 0.03, "busy": 0.01, "hang": 0.01, "drop": 0.03, "lost": 0.05, "late": 0.2, "twice": 0.1, "seconds": 3.0}
# The bank account's name asks the sandbox for what becomes of debits to it.
BANKS = ["Everyday", "R01-late", "Everyday", "R01", "Everyday", "Everyday", "R09-late", "Everyday", "Everyday", "R10-late"]
VICTIMS = ["pool", "relay", "web worker", "worker"]
CLIENTS = 4
ENDED = ("settled", "failed", "cancelled")


@dataclass
class Town:
    """People with banks on a stack, and what they asked for."""

    yard: Yard
    seed: int
    only_good_banks: bool = False
    people: list[Visitor] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)  # ids of transfers that were accepted
    refused: Counter[str] = field(default_factory=Counter)
    crashed: list[str] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)

    def sandbox(self, path: str, **body: Any) -> dict[str, Any]:
        answer = requests.post(f"{self.yard.site.sandbox_url}/sandbox/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return dict(answer.json())

    # ------------------------------------------------------------------------------------------------ before
    def settle_down(self, count: int) -> None:
        """People with a bank each, dollars in their wallets, and dollars of the operators at both rails."""
        _put_capital(self)
        threads = [threading.Thread(target=self._move_in, args=(self._name(n),)) for n in range(count)]
        for start in range(0, count, CLIENTS):
            for thread in threads[start:start + CLIENTS]:
                thread.start()
            for thread in threads[start:start + CLIENTS]:
                thread.join()
        if self.crashed:
            raise RuntimeError(self.crashed[0])

    def _name(self, number: int) -> str:
        return "Everyday" if self.only_good_banks else BANKS[number % len(BANKS)]

    def _move_in(self, name: str) -> None:
        try:
            person = self.yard.site.person()
            token = _public_token(self.yard.site, name)
            person.bank = person.post("/v1/bank-accounts", {"public_token": token}).json()["id"]
            self.people.append(person)
        except Exception as error:  # noqa: BLE001  (said by whoever waits for this thread)
            self.crashed.append(repr(error))

    def newcomers(self, count: int) -> None:
        """In place of those who are frozen or owe by now."""
        self.people = []
        for _ in range(count):
            self._move_in("Everyday")

    def mint(self) -> None:
        """What a settled load would have left: the books know where it came from, and it is the bank's as well."""
        rows = [(person, person.post("/v1/loads", {"amount": STARTS_WITH, "bank_account": person.bank}, key=uuid4().hex))
                for person in self.people]  # fmt: skip
        for _, answer in rows:
            assert answer.status_code == 201, answer.text
        ids = [answer.json()["id"] for _, answer in rows]
        wait_until(lambda: self.states(ids) <= {"pending"}, "the first loads at the bank", 120)
        self.yard.site.advance(3)
        self.asked += ids

    def states(self, ids: list[str]) -> set[str]:
        return {one for (one,) in self.yard.sql("select status from banking_banktransfer where public_id = any(%s)", [ids])}

    # ------------------------------------------------------------------------------------------------ meanwhile
    @contextlib.contextmanager
    def bad_weather(self, pause: float, *, kills: bool = True) -> Iterator[None]:
        """Rates of failure, days that go by, rails that are switched and processes that die, until the end of the block."""
        self.sandbox("chaos", **WEATHER)
        works = [self._days, self._switches, *([self._kills] if kills else [])]
        threads = [threading.Thread(target=self._repeat, args=(work, pause), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(30)
            self.sandbox("chaos")

    def _repeat(self, work: Any, pause: float) -> None:
        while not self.stop.wait(random.uniform(0.5, 1.5) * pause):
            try:
                work()
            except requests.RequestException:
                continue
            except Exception as error:  # noqa: BLE001  (a run that had no weather would look good)
                self.crashed.append(repr(error))

    def _days(self) -> None:
        self.yard.site.advance(1)

    def _switches(self) -> None:
        choose(self.yard, random.choice(["load", "redemption"]), random.choice(["dwolla", "stripe"]))

    def _kills(self) -> None:
        victim = random.choice(VICTIMS)
        self.killed[victim] += self.yard.kill(victim)

    def ask(self, count: int, *, kinds: Sequence[str] = ("loads", "loads", "redemptions")) -> None:
        """So many loads and redemptions, asked for by all at once; a refusal in words counts as one that was asked."""
        numbers = iter(range(count))
        lock = threading.Lock()

        def client() -> None:
            dice = random.Random(self.seed + threading.get_ident())
            while True:
                with lock:
                    if next(numbers, None) is None:
                        return
                try:
                    self._ask_once(dice, dice.choice(kinds))
                except Exception as error:  # noqa: BLE001
                    self.crashed.append(repr(error))

        threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _ask_once(self, dice: random.Random, kind: str) -> None:
        person = dice.choice(self.people)
        body, key = {"amount": dice.randrange(50, 20_00), "bank_account": person.bank}, uuid4().hex
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                answer = person.post(f"/v1/{kind}", body, key=key)
            except requests.RequestException:
                time.sleep(0.1)
                continue
            if answer.status_code == 401:
                fresh = person.site.call("POST", "/v1/auth/refresh", {"refresh": person.tokens["refresh"]})
                person.tokens |= fresh.json() if fresh.status_code == 200 else {}
            elif answer.status_code == 201:
                self.asked.append(answer.json()["id"])
                return
            elif answer.status_code not in ANSWERS_LATER:
                self.refused[answer.json()["code"]] += 1
                return
            time.sleep(0.2)
        raise TimeoutError("no answer in two minutes")

    # ------------------------------------------------------------------------------------------------ after
    def until_quiet(self, seconds: float) -> None:
        """Days go by and what is due is done, until nothing is under way and both sides tell the same."""
        self.sandbox("webhooks", mode="on")
        wait_until(self.yard.is_ready, "a stack that is ready again", 120)

        next_push = 0.0

        def is_quiet() -> bool:
            nonlocal next_push
            if time.monotonic() > next_push:
                push()
                # What is woken again before it was looked at only stands in the way of the rest.
                next_push = time.monotonic() + 3 + self.open() / 5
            time.sleep(1.0)
            [[unheard]] = self.yard.sql("select count(*) from banking_inboxevent where processed_at is null")
            return not unheard and not self.open() and not self.differences()

        def push() -> None:
            with contextlib.suppress(requests.RequestException):
                self.yard.site.advance(3)
            # Nobody waits here for leases of the dead, pauses after failures, and polls of hours.
            open_ones = [key for key, (_, status) in self.ours().items() if status not in ENDED]
            self.yard.sql(
                "update banking_banktransfer set due_at = clock_timestamp() where due_at > clock_timestamp() + interval '2 s'"
                " and rail_key = any(%s::uuid[])", [[*open_ones, *self.differences()]]
            )  # fmt: skip
            self.yard.sql(
                "update banking_inboxevent set due_at = clock_timestamp() where due_at > clock_timestamp() + interval '2 s'"
            )

        with contextlib.suppress(AssertionError):  # what is still open or different then is counted and said
            wait_until(is_quiet, "an end", seconds)

    def open(self) -> int:
        return sum(status not in ENDED for _, status in self.ours().values())

    def ours(self) -> dict[str, tuple[int, str]]:
        """Our own records by the key that the rail knows: cents, and how it ended (a late return is a failure to the rail)."""
        rows = self.yard.sql(
            "select t.rail_key, t.amount, t.status from banking_banktransfer t"
            " join banking_bankaccount a on a.id = t.bank_account_id where a.public_id = any(%s)",
            [[person.bank for person in self.people]],
        )  # fmt: skip
        return {str(key): (cents, "failed" if status == "returned" else status) for key, cents, status in rows}

    def differences(self) -> list[str]:
        """Keys under which the sandbox has no transfer, several, or another than we."""
        ours, theirs = self.ours(), _at_the_rails(self.yard)
        wrong = {key for key, row in ours.items() if theirs.get(key) != [row]}
        # What was refused, or taken back before it left, need not be there at all.
        return [key for key in wrong if key in theirs or ours[key][1] not in ("failed", "cancelled")]


# ------------------------------------------------------------------------------------------------------ the other side
def _bank(yard: Yard) -> Any:
    path = f"file:{yard.running.data}/sandbox/sandbox.sqlite3?mode=ro"
    return contextlib.closing(sqlite3.connect(path, uri=True, timeout=20))


ENDS = {"processed": "settled", "succeeded": "settled", "posted": "settled", "returned": "failed", "canceled": "cancelled",
        "requires_payment_method": "failed", "failed": "failed", "cancelled": "cancelled"}  # fmt: skip


def _at_the_rails(yard: Yard) -> dict[str, list[tuple[int, str]]]:
    """What the sandbox's Dwolla and Stripe have under each of our keys."""
    found = defaultdict(list)
    with _bank(yard) as bank:
        for key, cents, status in bank.execute("select correlation_id, cents, status from sandbox_transfer"):
            found[key].append((cents, ENDS.get(status, status)))
        intents = "select metadata, cents, status, dispute_uid from sandbox_stripeintent"
        payments = "select metadata, cents, status, '' from sandbox_stripeoutbound"
        for query in (intents, payments):
            for metadata, cents, status, dispute in bank.execute(query):
                end = "failed" if dispute else ENDS.get(status, status)
                found[json.loads(metadata).get("paya_key", "")].append((cents, end))
    return found


def held(yard: Yard) -> dict[str, int]:
    """What each custodian holds for us in the sandbox, without the operators' capital and Stripe's own fees."""
    with _bank(yard) as bank:
        balance = "select balance from sandbox_fundingsource where kind = 'balance' and customer_id is null"
        [dwolla] = bank.execute(balance).fetchone()
        [capital] = bank.execute(
            "select coalesce(sum(cents), 0) from sandbox_transfer where correlation_id = '' and status = 'processed'"
        ).fetchone()
        [cash] = bank.execute("select cash from sandbox_stripevault").fetchone()
        [payments, fees] = bank.execute(
            "select coalesce(sum(cents - fee), 0), coalesce(sum(fee - case when kind = 'stripe_fee' then cents else 0 end), 0)"
            " from sandbox_stripeentry"
        ).fetchone()
    return {"dwolla": dwolla - capital, "stripe": cash + payments + fees}


def reserves(yard: Yard) -> dict[str, int]:
    """What the ledger says that each custodian holds, with what rails cost put back."""
    rows = yard.sql("""
        select substr(s.name, 9),
            -sum(a.balance) + coalesce((select sum(t.amount) from ledger_transfer t where t.kind = 16
                                        and ledger_logical(t.credit_account) = s.id), 0)
        from ledger_systemaccount s join ledger_account a on ledger_logical(a.id) = s.id
        where s.name in ('reserve:dwolla', 'reserve:stripe') group by s.id, s.name
    """)
    return {name: int(cents) for name, cents in rows}


def _cents_off(town: Town) -> int:
    """By how much wallets and debts of our people differ from what their transfers come to."""
    rows = town.yard.sql("""
        select a.balance + r.balance - coalesce((
            select sum(case when kind = 'load' then (status = 'settled')::int
                            else -(status not in ('failed', 'cancelled', 'returned'))::int end * amount)
            from banking_banktransfer t where t.user_id = w.user_id), 0), w.pending_in + w.pending_out
        from wallets_wallet w join ledger_account a on a.id = w.account join ledger_account r on r.id = w.receivable_account
        where w.user_id in (select user_id from banking_bankaccount where public_id = any(%s))
    """, [[person.bank for person in town.people]])
    return int(sum(abs(off) + abs(pending) for off, pending in rows))


def choose(yard: Yard, kind: str, rail: str) -> None:
    """As staff do, without their page."""
    yard.sql(
        "insert into banking_railchoice (kind, rail, reason, chosen_by_id)"
        " select %s, %s, 'campaign', min(id) from users_user", [kind, rail]
    )  # fmt: skip


def _public_token(site: Site, name: str) -> str:
    account = {"subtype": "checking", "starting_balance": 1_000_000, "meta": {"name": name}}
    options = {"override_username": "user_custom", "override_password": json.dumps({"override_accounts": [account]})}
    body = {"client_id": "sandbox", "secret": "sandbox", "institution_id": "ins_109508", "initial_products": ["auth"]}
    answer = requests.post(f"{site.sandbox_url}/plaid/sandbox/public_token/create", json=body | {"options": options}, timeout=20)
    answer.raise_for_status()
    return str(answer.json()["public_token"])


def _put_capital(town: Town) -> None:
    """Dollars of the operators at both rails, so that a redemption finds some whichever way it goes."""
    env, base = town.yard.running.environment("worker"), town.yard.site.sandbox_url
    stripe = {"Authorization": f"Bearer {env['STRIPE_SECRET_KEY']}"}
    vaults = requests.get(f"{base}/stripe/v1/treasury/financial_accounts", headers=stripe, timeout=20).json()["data"]
    credit = {"amount": CAPITAL, "currency": "usd", "financial_account": vaults[0]["id"], "network": "ach"}
    path = "/stripe/v1/test_helpers/treasury/received_credits"
    requests.post(base + path, data=credit, headers=stripe, timeout=20).raise_for_status()
    form = {"grant_type": "client_credentials", "client_id": env["DWOLLA_KEY"], "client_secret": env["DWOLLA_SECRET"]}
    token = requests.post(f"{base}/dwolla/token", data=form, timeout=20).json()["access_token"]
    hal = "application/vnd.dwolla.v1.hal+json"
    headers = {"Authorization": f"Bearer {token}", "Accept": hal, "Content-Type": hal}
    account = requests.get(f"{base}/dwolla/", headers=headers, timeout=20).json()["_links"]["account"]["href"]
    sources = requests.get(f"{account}/funding-sources", headers=headers, timeout=20).json()["_embedded"]["funding-sources"]
    at = {row["type"]: {"href": row["_links"]["self"]["href"]} for row in sources}
    amount = {"value": f"{CAPITAL // 100}.00", "currency": "USD"}
    body = {"_links": {"source": at["bank"], "destination": at["balance"]}, "amount": amount}
    requests.post(f"{base}/dwolla/transfers", json=body, headers=headers, timeout=20).raise_for_status()


# ---------------------------------------------------------------------------------------------------- the campaign
def attack(report: Report, yard: Yard, *, transfers: int, pause: float, patience: float) -> Town:
    """The campaign on a stack that runs already, whoever else has people on it."""
    town = Town(yard, report.seed)
    town.settle_down(max(FEWEST, min(MOST, transfers // PEOPLE_PER_TRANSFER)))
    before = {name: reserves(yard).get(name, 0) - cents for name, cents in held(yard).items()}
    town.mint()
    report.figure("people", len(town.people))
    started = time.monotonic()
    with town.bad_weather(pause):
        town.ask(transfers)
        report.figure("transfers asked for", transfers)
        report.figure("seconds of asking", round(time.monotonic() - started))
        time.sleep(pause * 2)  # the weather goes on for a little while after the last one
    report.figure("refused in words", sum(town.refused.values()))
    report.figure("kills", sum(town.killed.values()))
    town.until_quiet(patience)
    report.figure("seconds until all had ended", round(time.monotonic() - started))
    ours = town.ours()
    for end, count in sorted(Counter(status for _, status in ours.values()).items()):
        report.figure(f"ended as {end}", count)
    by_rail = town.yard.sql("select rail, count(*) from banking_banktransfer group by rail order by rail")
    report.figure("by rail", " ".join(f"{rail}:{count}" for rail, count in by_rail))
    report.must_be("clients that crashed", len(town.crashed), 0)
    report.must_be("accepted and not there", len(town.asked) - _count_of(town), 0)
    report.must_be("stuck", town.open(), 0)
    wrong = town.differences()
    report.must_be("other than once, or otherwise, at the rail", len(wrong), 0)
    report.must_be("cents that differ from the transfers", _cents_off(town), 0)
    after = {name: reserves(yard).get(name, 0) - cents for name, cents in held(yard).items()}
    for name in before:
        off = after[name] - before[name]
        report.must_be(f"cents between the ledger and {name}", off, 0)
    if yard.points is not None:  # on a stack of its own: elsewhere others post meanwhile
        # 2 is a shortfall, which returns that nobody can pay leave behind (docs/money.md): the books themselves are right.
        status = yard.manage("audit_ledger", login="auditor").returncode
        report.must_be("audits that found corruption", int(status not in (0, 2)), 0)
    for problem in (town.crashed + wrong)[:10]:
        print(f"    {problem}")
    print(f"    refused: {dict(town.refused)}  kills: {dict(town.killed)}")
    return town


def _count_of(town: Town) -> int:
    [[count]] = town.yard.sql("select count(*) from banking_banktransfer where public_id = any(%s)", [town.asked])
    return int(count)


def control_uniqueness(report: Report, town: Town) -> None:
    """The same inbox without its constraint, and every webhook twice."""
    yard = town.yard
    [[definition]] = yard.sql("select pg_get_functiondef('banking_receive'::regproc)")
    [[newest]] = yard.sql("select coalesce(max(id), 0) from banking_inboxevent")
    yard.sql("alter table banking_inboxevent drop constraint banking_inbox_once")
    try:
        yard.sql(definition.replace("ON CONFLICT (provider, event_id) DO NOTHING", ""))
        town.newcomers(2)
        town.sandbox("chaos", twice=1.0)
        choose(yard, "load", "dwolla")
        town.ask(6, kinds=("loads",))
        twice = (
            "select count(*) from (select 1 from banking_inboxevent where id > %s and outcome = 'done'"
            " group by provider, event_id having count(*) > 1) acted"
        )
        doubled = 0
        with contextlib.suppress(AssertionError):  # after a long run the queue may be long, too
            doubled = wait_until(lambda: yard.sql(twice, [newest])[0][0], "a message that is acted on twice", 240)
        town.sandbox("chaos")
        town.until_quiet(60)
        money = "the money is right all the same" if not _cents_off(town) and not town.differences() else "MONEY IS WRONG"
        how = f"{doubled} messages were acted on twice; {money}"
        report.control("the inbox's uniqueness", failed=doubled > 0, how=how)
    finally:
        town.sandbox("chaos")
        yard.sql(definition)
        yard.sql("set session_replication_role = replica; delete from banking_inboxevent a using banking_inboxevent b"
                 " where a.provider = b.provider and a.event_id = b.event_id and a.id > b.id;"
                 " alter table banking_inboxevent add constraint banking_inbox_once unique (provider, event_id)")  # fmt: skip


def control_keys(report: Report, town: Town) -> None:
    """The same worker, asking again under a new key and without a search (failpoints/): a lost answer is a second transfer."""
    yard = town.yard
    choose(yard, "load", "dwolla")
    assert yard.points is not None, "it takes a stack with failpoints"
    (yard.points / "new-keys").touch()
    before = sum(len(rows) for rows in _at_the_rails(yard).values())
    town.sandbox("chaos", drop=0.5)
    town.ask(8, kinds=("loads",))
    accepted = 8 - sum(town.refused.values())

    def surplus() -> int:
        yard.sql("update banking_banktransfer set due_at = clock_timestamp() where status in ('unknown', 'queued')")
        return max(0, sum(len(rows) for rows in _at_the_rails(yard).values()) - before - 8)

    doubled = 0
    with contextlib.suppress(AssertionError):
        doubled = wait_until(surplus, "a transfer that is there twice", 90)
    town.sandbox("chaos")
    report.control("one key for all tries", failed=doubled > 0, how=f"{doubled} transfers too many at the rail, of {accepted}")


def run(*, data: Path, short: bool, seed: int, size: int | None) -> int:
    report = Report("rails", short, seed)
    random.seed(seed)
    transfers = SHORT_TRANSFERS if short else size or TRANSFERS
    yard = Yard(data / f"rails-{uuid4().hex[:6]}")
    try:
        print(f"    stack ready ({time.monotonic() - report.started:.0f} s)", flush=True)
        town = attack(report, yard, transfers=transfers, pause=1.0 if short else 5.0, patience=120 if short else 1800)
        control_uniqueness(report, town)
        town.refused.clear()
        control_keys(report, town)
    finally:
        yard.running.stop(40)
    return report.finish()


def on_a_running_stack(report: Report, running: RunningStack) -> None:
    """The short version and its first control, on the suite's own stack."""
    yard = Yard.of(running)
    try:
        town = attack(report, yard, transfers=SHORT_TRANSFERS, pause=1.0, patience=60)
        control_uniqueness(report, town)
    finally:
        for kind in ("load", "redemption"):
            choose(yard, kind, "dwolla")
