"""Many callers at the same moment: one balance, one reference, one key, one token, one code.

Callers are threads that start together, each with a database connection of its own, under the web role and through
the services that the API calls; the opposite-direction payments come from processes. Control runs: clones in which
what holds a race together (a lock, a UNIQUE, a check) has been taken out.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import uuid4

from django.db import connection, models, transaction

from core import keyring
from core.actor import SYSTEM, actor
from core.errors import IdempotencyInProgress, InsufficientFunds, PayaError
from core.ids import new_reference
from ledger import services as ledger
from ledger.chart import Account, Kind, Personal
from payments import services as payments
from tests.conftest import Database
from users import services as users
from users import tokens
from users.errors import SessionEnded
from users.models import Challenge
from wallets import services as wallets

from .ground import Change, ground
from .report import Report

SPENDERS, CALLERS, PROCESSES = 20, 50, 8
WHOLE = 1_000_00
# Everything that holds a race together, taken out: the guard, the stamp of what was counted under it, the floor, the order of
# locks, what is unique.
UNPROTECTED: list[Change] = [
    ("wallets_guard", "FOR NO KEY UPDATE", ""),
    ("payments_finish", r"p_stamp IS DISTINCT FROM .* THEN", "false THEN"),  # used up by whoever comes first, without any guard
    ("ledger_post", r"IF \S+ < \S+ THEN", "IF false THEN"),
    ("ledger_post", r"IF (d|t\.debit_account) > \S+ THEN", "IF true THEN"),
    ("ledger_post", "FROM ledger_transfer WHERE id = p_id", "FROM ledger_transfer WHERE false"),
    ("users_challenge_check", r"PERFORM users_lock_phone\(c.phone_index\);", ""),
    ("users_challenge_check", "FOR UPDATE", ""),
    ("users_challenge_check", "AND used_at IS NULL", ""),
]
UNCONSTRAINED = [
    "update ledger_accountkind set floor = null where kind = 1",  # wallets that are opened from now on
    "alter table ledger_transfer drop constraint ledger_transfer_pkey",
    "alter table core_idempotency drop constraint core_idempotency_pkey",
    """do $$ begin execute (
        select format('alter table users_refreshtoken drop constraint %I', conname) from pg_constraint
        where conrelid = 'users_refreshtoken'::regclass and contype = 'u' and pg_get_constraintdef(oid) like '%parent%'
    ); end $$""",
]


class Callers:
    """A fixed set of threads, each with its own connection, that do something at the same moment, again and again."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count)
        self._barrier = threading.Barrier(count)

    def at_once(self, work: Callable[[int], Any]) -> list[Any]:
        """Each caller's answer, or what it raised."""

        def one(number: int) -> Any:
            connection.ensure_connection()
            self._barrier.wait()
            try:
                return work(number)
            except Exception as error:  # noqa: BLE001
                return error

        return list(self._pool.map(one, range(self.count)))

    def close(self) -> None:
        self.at_once(lambda _: connection.close())
        self._pool.shutdown()


@contextlib.contextmanager
def callers(count: int) -> Iterator[Callers]:
    these = Callers(count)
    try:
        yield these
    finally:
        these.close()


# ------------------------------------------------------------------------------------------------------ people
def person(database: Database, username: str, money: int = 0) -> int:
    with transaction.atomic():
        user_id = users.sign_up(phone=f"+1212{random.randrange(2_000_000, 9_999_999)}").id
    users.welcome(user_id=user_id, username=username, display_name=username, default_visibility="public")
    if money:
        with database.role("worker"), actor(SYSTEM):
            wallets.mint(user_id=user_id, reference=new_reference(), amount=money)
    return user_id


def pay(payer: int, to: str, amount: int, key: str) -> Any:
    return payments.pay(payer_id=payer, to=to, amount=amount, note="", visibility="private", key=key)


def balance(database: Database, user_id: int) -> int:
    [[value]] = database.as_superuser(
        "select a.balance from wallets_wallet w join ledger_account a on a.id = w.account where w.user_id = %s", [user_id]
    )
    return int(value)


# ------------------------------------------------------------------------------------------------------- spend
def spend(database: Database, rounds: int) -> tuple[int, Counter[str]]:
    """Twenty threads spend one whole balance on somebody, who spends it back in the next round.

    How many rounds had other than one winner and nineteen without the money, and all outcomes.
    """
    pair = [(person(database, "ada", WHOLE), "ada"), (person(database, "ben"), "ben")]
    outcomes: Counter[str] = Counter()
    wrong = 0
    with callers(SPENDERS) as threads:
        for number in range(rounds):
            (payer, _), (payee, name) = pair[number % 2], pair[(number + 1) % 2]
            answers = threads.at_once(lambda one, p=payer, n=name: pay(p, n, WHOLE, uuid4().hex))
            won = sum(not isinstance(answer, Exception) for answer in answers)
            outcomes.update("paid" if not isinstance(a, Exception) else type(a).__name__ for a in answers)
            refused = sum(isinstance(answer, InsufficientFunds) for answer in answers)
            if (won, refused) != (1, SPENDERS - 1) or (balance(database, payer), balance(database, payee)) != (0, WHOLE):
                wrong += 1
                if won != 1:
                    break  # without its protection there is no telling who has the money now
    return wrong, outcomes


# ------------------------------------------------------------------------------------------------------ deadlock
def cross(database: Database, seconds: float, seed: int) -> Counter[str]:
    """Eight processes pay between four people in all directions; what each call came to."""
    people = [(person(database, f"cross{n}", 100_000_00), f"cross{n}") for n in range(4)]
    connection.close()
    context = multiprocessing.get_context("fork")
    answers: Any = context.SimpleQueue()
    processes = [context.Process(target=_cross, args=(people, seconds, seed + number, answers)) for number in range(PROCESSES)]
    for process in processes:
        process.start()
    outcomes: Counter[str] = Counter()
    for _ in processes:
        outcomes.update(answers.get())
    for process in processes:
        process.join()
    return outcomes


def _cross(people: list[tuple[int, str]], seconds: float, seed: int, answers: Any) -> None:
    rng, outcomes = random.Random(seed), Counter[str]()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        (payer, _), (_, to) = rng.sample(people, 2)
        try:
            pay(payer, to, rng.randrange(1, 500), uuid4().hex)
            outcomes["paid"] += 1
        except PayaError as error:
            outcomes[type(error).__name__] += 1
        except Exception as error:  # noqa: BLE001
            state = getattr(error.__cause__, "pgcode", None)
            outcomes["deadlock" if state == "40P01" else f"{type(error).__name__} {state}"] += 1
    connection.close()
    answers.put(outcomes)


# ----------------------------------------------------------------------------------------------- one of something
def one_reference(threads: Callers, database: Database) -> tuple[int, int]:
    """Fifty callers post one reference: how many transfers there are then, and how many different answers."""
    reference = new_reference()
    with database.role("worker"):
        account = ledger.open_accounts([Personal.WALLET])[0]
    posting = ledger.Posting(reference, Kind.LOAD, Account.RESERVE_DWOLLA, account, 500)
    answers = threads.at_once(lambda _: ledger.post(posting))
    [[made]] = database.as_superuser("select count(*) from ledger_transfer where id = %s", [str(reference)])
    return int(made), len({repr(answer) for answer in answers})


def one_key(threads: Callers, database: Database, payer: int, to: str) -> tuple[int, int]:
    """Fifty requests with one key: payments made, and different bodies. One that is told to wait asks again."""
    key, before = uuid4().hex, payments_of(database, payer)

    def ask(_: int) -> str:
        while True:
            with contextlib.suppress(IdempotencyInProgress):
                return str(pay(payer, to, 100, key).text)

    answers = threads.at_once(ask)
    return payments_of(database, payer) - before, len({str(answer) for answer in answers})


def payments_of(database: Database, payer: int) -> int:
    [[count]] = database.as_superuser("select count(*) from payments_payment where payer_id = %s", [payer])
    return int(count)


def log_in(database: Database, phone: str) -> tuple[str, str]:
    """A challenge for this phone, and its code, which only the worker could read."""
    asked = users.request_code(phone=phone, address="127.0.0.1")
    with database.role("worker"), actor(SYSTEM):
        row = Challenge.objects.get(public_id=asked.challenge)
        code = keyring.decrypt_system("otp", "users_challenge.code", row.public_id, bytes(row.code_cipher))
    return asked.challenge, code


def check(challenge: str, code: str) -> Any:
    return users.check_code(challenge=challenge, code=code, device_name="", user_agent="", address="127.0.0.1", with_tokens=True)


def one_code(threads: Callers, database: Database) -> int:
    """Fifty checks of one code of a new phone: how many sessions there are then."""
    challenge, code = log_in(database, f"+1313{random.randrange(2_000_000, 9_999_999)}")
    before = database.as_superuser("select count(*) from users_device")[0][0]
    answers = threads.at_once(lambda _: check(challenge, code))
    opened = int(database.as_superuser("select count(*) from users_device")[0][0] - before)
    given = sum(not isinstance(answer, Exception) for answer in answers)
    return max(opened, given)


def one_token(threads: Callers, database: Database) -> tuple[int, int, bool]:
    """Fifty refreshes of one token: its children, the different tokens given out, and whether reuse ends the family."""
    opened = check(*log_in(database, f"+1414{random.randrange(2_000_000, 9_999_999)}"))
    token = opened.pair.refresh
    answers = threads.at_once(lambda _: users.refresh(token=token))
    given = {answer.refresh if not isinstance(answer, Exception) else repr(answer) for answer in answers}
    [[children]] = database.as_superuser(
        "select count(*) from users_refreshtoken c join users_refreshtoken p on p.id = c.parent_id where p.token_hash = %s",
        [tokens.token_hash(token)],
    )
    database.as_superuser("update users_refreshtoken set used_at = used_at - interval '11 seconds'")
    revoked = False
    try:
        users.refresh(token=token)
    except SessionEnded:
        with contextlib.suppress(SessionEnded):
            users.refresh(token=next(iter(given)))
            return int(children), len(given), False
        revoked = users.access(device_public_id=opened.device_public_id) is None
    return int(children), len(given), revoked


# ---------------------------------------------------------------------------------------------------- the campaign
def run(*, data: Path, short: bool, seed: int, size: int | None) -> int:
    report = Report("races", short, seed)
    random.seed(seed)
    rounds, ones = size or (10 if short else 1000), 1 if short else 50
    with ground("web") as database:
        wrong, outcomes = spend(database, rounds)
        report.figure("whole balance: rounds", rounds)
        report.must_be("whole balance: not exactly one winner", wrong, 0)
        report.figure("whole balance: refused", outcomes["InsufficientFunds"])
        outcomes = cross(database, 1.0 if short else 60, seed)
        report.figure("opposite payments", outcomes.pop("paid", 0))
        report.must_be("opposite payments: deadlocks seen", outcomes.pop("deadlock", 0), 0)
        for name in ("InsufficientFunds", "IdempotencyInProgress"):  # refusals that a caller understands
            report.figure(f"opposite payments: {name}", outcomes.pop(name, 0))
        report.must_be("opposite payments: other errors", str(dict(outcomes)), "{}")
        found = ones_of(database, ones)
        report.figure("one of something: rounds", ones)
        report.figure("one of something: callers", CALLERS)
        report.must_be("one key: not one effect and one body", sum(one != (1, 1) for one in found["key"]), 0)
        report.must_be("one code: not one session", sum(one != 1 for one in found["code"]), 0)
        report.must_be("one token: not one child", sum(one[:2] != (1, 1) for one in found["token"]), 0)
        report.must_be("one token: family survived its reuse", sum(not one[2] for one in found["token"]), 0)
        report.must_be("one reference: not one effect and one body", sum(one != (1, 1) for one in found["reference"]), 0)
    _controls(report, seed)
    return report.finish()


def ones_of(database: Database, rounds: int, count: int = CALLERS) -> dict[str, list[Any]]:
    payer, _ = person(database, "carla", 10_000_00), person(database, "dora")
    found: dict[str, list[Any]] = {}
    with callers(count) as threads:
        found["key"] = [one_key(threads, database, payer, "dora") for _ in range(rounds)]
        found["code"] = [one_code(threads, database) for _ in range(rounds)]
        found["token"] = [one_token(threads, database) for _ in range(rounds)]
    with database.role("worker"), callers(count) as threads:
        found["reference"] = [one_reference(threads, database) for _ in range(rounds)]
    return found


def _controls(report: Report, seed: int) -> None:
    """The same on a clone without locks, floors and uniqueness, and with tokens whose child is anybody's guess."""
    unlocked = mock.patch.object(models.QuerySet, "select_for_update", lambda self, **_: self)
    underived = mock.patch.object(tokens, "child_of", side_effect=lambda _: tokens.new_refresh_token())
    with ground("web", changes=UNPROTECTED, sql=UNCONSTRAINED) as database, unlocked, underived:
        wrong, outcomes = spend(database, 20)
        report.control("no guard, no floor", failed=wrong > 0, how=f"{outcomes['paid']} of 20 spent the same balance")
        deadlocks = cross(database, 2.0, seed)["deadlock"]
        report.control("no order of locks", failed=deadlocks > 0, how=f"{deadlocks} deadlocks reached their callers")
        found = ones_of(database, 1, SPENDERS)
        made, _ = found["key"][0]
        report.control("no guard, keys not unique", failed=made > 1, how=f"{made} payments under one key")
        report.control("a code checked without its lock", failed=found["code"][0] > 1, how=f"{found['code'][0]} sessions")
        children = found["token"][0][0]
        report.control("a token rotated without its lock", failed=children > 1, how=f"{children} children of one token")
        made, _ = found["reference"][0]
        report.control("references not looked up and not unique", failed=made > 1, how=f"{made} transfers under one reference")
