"""People with banks on a stack, what they ask for in bad weather, and whether both sides tell the same in the end."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import requests

from bench.campaigns.crash import ANSWERS_LATER, Yard
from tests.stack import Visitor, wait_until

from .bank import at_the_rails, public_token, put_capital

STARTS_WITH = 500_00
WEATHER = {"error": 0.03, "busy": 0.01, "hang": 0.01, "drop": 0.03, "lost": 0.05, "late": 0.2, "twice": 0.1, "seconds": 3.0}
# The bank account's name asks the sandbox for what becomes of debits to it.
BANKS = ["Everyday", "R01-late", "Everyday", "R01", "Everyday", "Everyday", "R09-late", "Everyday", "Everyday", "R10-late"]
# The relay and a whole worker take half a minute to be back on a busy machine, and nothing goes on meanwhile.
VICTIMS = ["pool", "pool", "pool", "web worker", "web worker", "relay", "worker"]
CLIENTS = 4
MOST_WAITING = 400  # transfers and messages that the worker has yet to look at: then people wait, or the queue would only grow
MOST_FILES = 30  # a day has 36, and what is left over at the end wants one, too
ENDED = ("settled", "failed", "cancelled")


@dataclass(frozen=True)
class Weather:
    """How often a day goes by and staff switch a rail, in seconds; after how many transfers a process dies, and a file leaves.

    What takes long on a busy machine is paced by what was done: nobody dies again before having worked.
    """

    day: float
    switch: float
    kill: int
    file: int = 0  # 0: files leave by themselves
    victims: Sequence[str] = tuple(VICTIMS)
    rails: Sequence[str] = ("dwolla", "stripe")


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
    waiting: int = 0
    said: float = field(default_factory=time.monotonic)

    def sandbox(self, path: str, **body: Any) -> dict[str, Any]:
        answer = requests.post(f"{self.yard.site.sandbox_url}/sandbox/{path}", json=body, timeout=60)
        answer.raise_for_status()
        return dict(answer.json())

    # ------------------------------------------------------------------------------------------------ before
    def settle_down(self, count: int) -> None:
        """People with a bank each, dollars in their wallets, and dollars of the operators at both rails."""
        put_capital(self.yard)
        numbers = iter(range(count))
        lock = threading.Lock()

        def mover() -> None:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                self._move_in(self._name(number))

        _together([threading.Thread(target=mover, daemon=True) for _ in range(CLIENTS)])
        if self.crashed:
            raise RuntimeError(self.crashed[0])

    def _name(self, number: int) -> str:
        return "Everyday" if self.only_good_banks else BANKS[number % len(BANKS)]

    def _move_in(self, name: str) -> None:
        """Somebody with a bank. The weather is still fine, but on a very busy machine a code or an answer may be too late."""
        for last in (False, False, True):
            try:
                person = self.yard.site.person()
                linked = person.post("/v1/bank-accounts", {"public_token": public_token(self.yard.site, name)})
                person.bank = linked.json()["id"]
            except Exception as error:  # noqa: BLE001  (said by whoever waits for this thread)
                if last:
                    self.crashed.append(repr(error))
            else:
                self.people.append(person)
                return

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
    def bad_weather(self, weather: Weather) -> Iterator[None]:
        """Rates of failure, days that go by, rails that are switched and processes that die, until the end of the block."""
        self.sandbox("chaos", **WEATHER)
        works: list[tuple[Callable[[], None], Callable[[], Iterator[object]]]] = [
            (self._days, lambda: self._every(weather.day)),
            (lambda: self._switches(weather.rails), lambda: self._every(weather.switch)),
            (lambda: self._kills(weather.victims), lambda: self._after_each(weather.kill)),
            (self._count_waiting, lambda: self._every(1.0)),
        ]
        if weather.file:
            works.append((self.send_files, lambda: self._after_each(weather.file)))
        threads = [threading.Thread(target=self._repeat, args=work, daemon=True) for work in works]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(60)
            self.waiting = 0  # nobody counts any more, so nobody has to wait
            self.sandbox("chaos")

    def _repeat(self, work: Callable[[], None], times: Callable[[], Iterator[object]]) -> None:
        for _ in times():
            try:
                work()
            except requests.RequestException:
                continue
            except Exception as error:  # noqa: BLE001  (a run that had no weather would look good)
                self.crashed.append(repr(error))

    def _every(self, seconds: float) -> Iterator[object]:
        while not self.stop.wait(random.uniform(0.5, 1.5) * seconds):
            yield

    def _after_each(self, transfers: int) -> Iterator[object]:
        """Each time that so many more were accepted, more or less."""
        mark = len(self.asked)
        while not self.stop.wait(0.2):
            if len(self.asked) >= mark:
                mark += max(1, round(random.uniform(0.5, 1.5) * transfers))
                yield

    def _days(self) -> None:
        self.yard.site.advance(1)

    def _switches(self, rails: Sequence[str]) -> None:
        choose(self.yard, random.choice(["load", "redemption"]), random.choice(rails))

    def _kills(self, victims: Sequence[str]) -> None:
        victim = random.choice(victims)
        self.killed[victim] += self.yard.kill(victim)

    def send_files(self, *, most: int = MOST_FILES) -> None:
        """What waits for our own files leaves in one, as an operator would have it."""
        [[files, entries]] = self.yard.sql(
            "select (select count(*) from banking_nachafile), (select count(*) from banking_nachaentry where status = 'queued')"
        )
        if entries and files < most:
            done = self.yard.manage("nacha_write", login="worker")
            if done.returncode:
                self.crashed.append(f"nacha_write: {done.stderr[-300:]}")

    def _count_waiting(self) -> None:
        """How much the worker has yet to do, for those who wait; and now and then a word for whoever watches."""
        [[self.waiting]] = self.yard.sql(
            "select (select count(*) from banking_banktransfer where external_id is null and due_at is not null)"
            " + (select count(*) from banking_inboxevent where processed_at is null and due_at is not null)"
        )
        if time.monotonic() - self.said > 60:
            self.said = time.monotonic()
            print(f"    {len(self.asked)} accepted, {sum(self.refused.values())} refused, {self.waiting} waiting,"
                  f" {sum(self.killed.values())} kills", flush=True)  # fmt: skip

    def ask(self, count: int, *, kinds: Sequence[str] = ("loads", "loads", "redemptions"), seconds: float = 3600) -> None:
        """So many loads and redemptions, asked for by all at once, or as many as there is time for.

        A refusal in words is followed by another try.
        """
        wanted, tries, under_way = len(self.asked) + count, 0, 0
        deadline = time.monotonic() + seconds
        lock = threading.Lock()

        def take() -> bool | None:
            """Whether to ask once more now; None while that depends on what is under way."""
            nonlocal tries, under_way
            with lock:
                if len(self.asked) >= wanted or tries >= 2 * count or time.monotonic() > deadline:
                    return False
                if len(self.asked) + under_way >= wanted or self.waiting > MOST_WAITING:
                    return None
                tries, under_way = tries + 1, under_way + 1
                return True

        def client(number: int) -> None:
            nonlocal under_way
            dice = random.Random(self.seed + number)
            while (mine := take()) is not False:
                if mine is None:
                    time.sleep(0.1)
                    continue
                try:
                    self._ask_once(dice, dice.choice(kinds))
                except Exception as error:  # noqa: BLE001
                    self.crashed.append(repr(error))
                with lock:
                    under_way -= 1

        _together([threading.Thread(target=client, args=(number,), daemon=True) for number in range(CLIENTS)])

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
                next_push = time.monotonic() + 3 + self.open() / 20
            time.sleep(0.5)
            [[unheard]] = self.yard.sql("select count(*) from banking_inboxevent where processed_at is null")
            return not unheard and not self.open() and not self.differences()

        def push() -> None:
            if self.yard.points is not None:  # on a stack of others, files leave by themselves
                self.send_files(most=MOST_FILES + 6)
            with contextlib.suppress(requests.RequestException):
                self.yard.site.advance(3)
            # Nobody waits here for leases of the dead, pauses after failures, and polls of hours.
            open_ones = [key for key, (_, status) in self.ours().items() if status not in ENDED]
            self.yard.sql(
                "update banking_banktransfer set due_at = clock_timestamp() where due_at > clock_timestamp() + interval '2 s'"
                " and rail_key = any(%s::uuid[])", [[*open_ones, *self.ours_of(self.differences())]]
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

    def ours_of(self, keys: list[str]) -> list[str]:
        ours = self.ours()
        return [key for key in keys if key in ours]

    def differences(self) -> list[str]:
        """Keys under which the sandbox has no transfer, several, or another than we."""
        ours, theirs = self.ours(), at_the_rails(self.yard)
        wrong = {key for key, row in ours.items() if theirs.get(key) != [row]}
        # What was refused, or taken back before it left, need not be there at all.
        wrong = {key for key in wrong if key in theirs or ours[key][1] not in ("failed", "cancelled")}
        return [*wrong, *(key for key in theirs if key.startswith("trace "))]


def choose(yard: Yard, kind: str, rail: str) -> None:
    """As staff do, without their page."""
    yard.sql(
        "insert into banking_railchoice (kind, rail, reason, chosen_by_id)"
        " select %s, %s, 'campaign', min(id) from users_user", [kind, rail]
    )  # fmt: skip


def _together(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
