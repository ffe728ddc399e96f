"""Loads and redemptions over Dwolla, Stripe and our own files in bad weather: each has one effect, none is stuck, and both
sides agree.

People ask over HTTP, again with the same key until they have an answer. Staff switch the rails of both kinds meanwhile.
Of the calls to the rails some are answered with 500 or 429, hang, or are carried out without an answer; webhooks get
lost, are late and overtake each other, or come twice; loads fail, or come back after they have settled. Workers, the
relay and web are killed. Then the weather clears, days go by, and the books are compared with the sandbox's own: each
transfer is there once, with the same cents and the same end, and each custodian holds what its reserve says.

Control runs: without the inbox's uniqueness a message is stored and acted on twice. That alone doubles no money, since each
look fetches the present state, the table of legal moves knows no second settlement, and a posting has one reference. Where
each try has a new key at the rail, and the rail is not searched, transfers are doubled (on a stack of its own).

town.py  people, weather, kills, what they ask for     bank.py  the sandbox's books     controls.py  without a protection
"""

from __future__ import annotations

import contextlib
import random
import time
from collections import Counter
from pathlib import Path
from uuid import uuid4

from bench.campaigns.crash import Yard
from bench.campaigns.report import Report
from paya.local.testing import RunningStack
from tests.stack import wait_until

from .bank import apart
from .controls import control_keys, control_uniqueness, stored_twice
from .town import Town, Weather, choose

__all__ = ["Town", "choose", "on_a_running_stack", "run"]

TRANSFERS, SHORT_TRANSFERS = 10_000, 24
PEOPLE_PER_TRANSFER, FEWEST, MOST = 25, 4, 80
LONGEST = 60 * 60  # of asking, so that a very busy machine ends, too; how many there was time for is said
ALL_RAILS = ("dwolla", "stripe", "odfi")
SOON = 30.0
SHORT = Weather(day=1.0, switch=0.3, kill=8, victims=("pool", "relay", "web worker"))
LONG = Weather(day=6.0, switch=5.0, kill=80, file=700, rails=ALL_RAILS)
# Files leave when we say so (nacha_write): a day of the wall's clock has thirty-six, and beat would use them up.
ENVIRONMENT = {"PAYA_ODFI_LEAD_MINUTES": "1"}


def attack(report: Report, yard: Yard, *, transfers: int, weather: Weather, patience: float) -> Town:
    """The campaign on a stack that runs already, whoever else has people on it."""
    town = Town(yard, report.seed)
    [[newest]] = yard.sql("select coalesce(max(id), 0) from banking_inboxevent")
    town.settle_down(max(FEWEST, min(MOST, transfers // PEOPLE_PER_TRANSFER)))
    before = apart(yard)
    town.mint()
    report.figure("people", len(town.people))
    started = time.monotonic()
    with town.bad_weather(weather):
        town.ask(transfers, seconds=LONGEST)
        report.figure("transfers wanted", transfers)
        report.figure("transfers accepted, first loads included", len(town.asked))
        report.figure("seconds of asking", round(time.monotonic() - started))
        time.sleep(weather.day * 2)  # the weather goes on for a little while after the last one
    report.figure("refused in words", sum(town.refused.values()))
    report.figure("kills", sum(town.killed.values()))
    town.until_quiet(patience)
    report.figure("seconds until all had ended", round(time.monotonic() - started))
    _count(report, town)
    report.must_be("clients that crashed", len(town.crashed), 0)
    report.must_be("accepted and not there", len(town.asked) - _there(town), 0)
    report.must_be("stuck", town.open(), 0)
    wrong = town.differences()
    report.must_be("other than once, or otherwise, at the rail", len(wrong), 0)
    report.must_be("messages stored more than once", stored_twice(yard, newest), 0)
    report.must_be("cents that differ from the transfers", _cents_off(town), 0)
    with contextlib.suppress(AssertionError):  # others on this stack may have news of their own transfers on the way
        wait_until(lambda: apart(yard) == before, "the same cents on both sides", SOON)
    after = apart(yard)
    for name in weather.rails:
        report.must_be(f"cents between the ledger and {name}", after[name] - before[name], 0)
    if yard.points is not None:  # on a stack of its own: elsewhere others post meanwhile
        # 2 is a shortfall, which returns that nobody can pay leave behind (docs/money.md): the books themselves are right.
        status = yard.manage("audit_ledger", login="auditor").returncode
        report.must_be("audits that found corruption", int(status not in (0, 2)), 0)
    for problem in (town.crashed + wrong)[:10]:
        print(f"    {problem}")
    print(f"    refused: {dict(town.refused)}  kills: {dict(town.killed)}")
    return town


def _count(report: Report, town: Town) -> None:
    """How it went with all of them, first loads included."""
    for end, count in sorted(Counter(status for _, status in town.ours().values()).items()):
        report.figure(f"ended as {end}", count)
    rows = town.yard.sql(
        "select rail, count(*) from banking_banktransfer where public_id = any(%s) group by rail order by rail", [town.asked]
    )
    report.figure("by rail", " ".join(f"{rail}:{count}" for rail, count in rows))
    [[files, messages]] = town.yard.sql(
        "select (select count(*) from banking_nachafile), (select count(*) from banking_inboxevent)"
    )
    report.figure("files of our own", files)
    report.figure("messages of vendors", messages)


def _there(town: Town) -> int:
    [[count]] = town.yard.sql("select count(*) from banking_banktransfer where public_id = any(%s)", [town.asked])
    return int(count)


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


def run(*, data: Path, short: bool, seed: int, size: int | None) -> int:
    report = Report("rails", short, seed)
    random.seed(seed)
    transfers = SHORT_TRANSFERS if short else size or TRANSFERS
    yard = Yard(data / f"rails-{uuid4().hex[:6]}", more=ENVIRONMENT)
    try:
        print(f"    stack ready ({time.monotonic() - report.started:.0f} s)", flush=True)
        town = attack(report, yard, transfers=transfers, weather=SHORT if short else LONG, patience=120 if short else 1800)
        control_uniqueness(report, town, is_money_right=lambda: not _cents_off(town) and not town.differences())
        town.refused.clear()
        control_keys(report, town)
    finally:
        yard.running.stop(40)
    return report.finish()


def on_a_running_stack(report: Report, running: RunningStack) -> None:
    """The short version on the suite's own stack, which is left as it was. Its control is a clone's: controls.py."""
    yard = Yard.of(running)
    try:
        choose(yard, "load", "stripe")
        attack(report, yard, transfers=SHORT_TRANSFERS, weather=SHORT, patience=150)
    finally:
        for kind in ("load", "redemption"):
            choose(yard, kind, "dwolla")
