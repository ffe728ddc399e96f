"""`bin/bench NAME [--quick]`: prepare throwaway servers, measure, print a table, end with one line of JSON.

A missed target is printed and is no error; exit status 1 means that something was lost, doubled or broken.
"""

from __future__ import annotations

import argparse
import importlib

from paya.local.supervisor import StopRequested

from .prepared import prepared

NAMES = (
    "ledger", "http", "feed", "pages", "rails", "reconciliation", "rewards", "proofs", "isolation", "screening",
    "sanctions",
)  # fmt: skip


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--quick", action="store_true", help="about a minute: the same measurements, shorter and fewer")
    options = parser.parse_args(arguments)
    bench = importlib.import_module(f"bench.{options.name}")
    try:
        # The pages need a whole PaYa, which brings its own servers.
        with getattr(bench, "prepared", prepared)() as stage:
            return int(bench.measure(stage, quick=options.quick))
    except StopRequested:
        return 130
