"""The rails: transfers through create, webhook and settle on a whole PaYa; NACHA files beside plain line reading; reconciliation.

- transfers_per_second: loads over one rail, from the first request over HTTP until the last one has settled, with all
  that lies between: relay, Celery worker, the calls to the sandbox's rail, its webhooks, the inbox, the posting. The
  sandbox shares the two cores, and its answers are part of the time.
- nacha_*: MB per second on one file of 4 MB, and of plain line reading in the same rounds.
- reconciliation: bench/reconciliation.py.

Nothing may be stuck, and each settled load must have been minted: otherwise it is broken.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from bench.campaigns import nacha_fuzz
from bench.campaigns.crash import Yard
from bench.campaigns.rails import Town, choose
from tests.stack import wait_until

from . import reconciliation, report
from .prepared import Stage

LOADS, QUICK_LOADS, PEOPLE = 400, 60, 8
PATIENCE = 900


@contextlib.contextmanager
def whole(stage: Stage) -> Iterator[Yard]:
    """A whole PaYa without the demo network, whose commits wait for the log; with servers of its own beside the stage's."""
    started = time.monotonic()
    yard = Yard(stage.folder.path / "whole")
    try:
        print(f"a whole PaYa in {time.monotonic() - started:.0f} s", flush=True)
        yield yard
    finally:
        yard.running.stop(40)


def measure(stage: Stage, *, quick: bool) -> int:
    broken: list[str] = []
    figures: dict[str, Any] = {}
    with whole(stage) as yard:
        figures |= transfers(yard, broken, quick=quick)
    for name, speed in nacha_fuzz.speed(seed=1).items():
        figures["nacha_mb_" + name.replace(",", "").replace(" ", "_")] = speed
    matched = reconciliation.rows_per_second(stage, reconciliation.QUICK if quick else reconciliation.ROWS)
    figures |= {f"reconciliation_{name}": value for name, value in matched.items()}
    if not matched["exact"]:
        broken.append("reconciliation found other rows than the ones that differ")
    return report.finish("rails", figures, [], quick=quick, broken=broken)


def transfers(yard: Yard, broken: list[str], *, quick: bool) -> dict[str, float]:
    """Per second and rail: until they are at the bank, from the day on which they are due until they settled, and both."""
    figures: dict[str, float] = {}
    town = Town(yard, seed=1, only_good_banks=True)
    town.settle_down(PEOPLE)
    for rail in ("dwolla", "stripe"):
        choose(yard, "load", rail)
        asking, settling = through(town, QUICK_LOADS if quick else LOADS)
        count = QUICK_LOADS if quick else LOADS
        figures[f"{rail}_create_per_second"] = count / asking
        figures[f"{rail}_settle_per_second"] = count / settling
        figures[f"{rail}_transfers_per_second"] = count / (asking + settling)
    town.until_quiet(60)
    if town.differences() or town.open():
        broken.append("the rails have something else than we")
    return figures


def through(town: Town, count: int) -> tuple[float, float]:
    """Seconds until so many loads are at the bank, and from the day on which they are due until the last has settled."""
    before = len(town.asked)
    started = time.monotonic()
    town.ask(count, kinds=("loads",))
    mine = town.asked[before:]
    assert len(mine) == count, f"{town.refused} {town.crashed}"
    wait_until(lambda: town.states(mine) == {"pending"}, "the bank", PATIENCE)
    asking = time.monotonic() - started
    town.yard.site.advance(2)
    started = time.monotonic()
    town.yard.site.advance(1)
    wait_until(lambda: town.states(mine) == {"settled"}, "all to settle", PATIENCE)
    return asking, time.monotonic() - started
