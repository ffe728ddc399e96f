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
import importlib
import importlib.util
import time
from collections.abc import Iterator
from typing import Any

from bench.campaigns import nacha_fuzz
from bench.campaigns.crash import Yard
from bench.campaigns.rails import Town, choose
from paya.local.supervisor import Supervisor
from paya.local.testing import throwaway_folder
from tests.stack import wait_until

from . import report

LOADS, QUICK_LOADS, PEOPLE = 400, 60, 8
PATIENCE = 900


@contextlib.contextmanager
def prepared() -> Iterator[Yard]:
    """A whole PaYa without the demo network, whose commits wait for the log."""
    with Supervisor(lambda line: print(line, flush=True)).signals(), throwaway_folder() as folder:
        started = time.monotonic()
        yard = Yard(folder.path / "whole")
        try:
            print(f"prepared in {time.monotonic() - started:.0f} s", flush=True)
            yield yard
        finally:
            yard.running.stop(40)


def measure(yard: Yard, *, quick: bool) -> int:
    broken: list[str] = []
    figures: dict[str, Any] = {}
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
    for name, speed in nacha_fuzz.speed(seed=1).items():
        figures["nacha_mb_" + name.replace(",", "").replace(" ", "_")] = speed
    figures |= reconciliation(quick=quick)
    return report.finish("rails", figures, [], quick=quick, broken=broken)


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


def reconciliation(*, quick: bool) -> dict[str, Any]:
    """The figures of bench/reconciliation.py, which has servers of its own."""
    if importlib.util.find_spec("bench.reconciliation") is None:
        return {}
    module = importlib.import_module("bench.reconciliation")
    found: dict[str, Any] = module.figures(quick=quick)
    return found
