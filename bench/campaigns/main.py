"""`bin/campaign NAME [--short] [--seed N]`: throwaway servers, the campaign, a table, one line of JSON at the end.

Exit status 1 means that something was lost, doubled or broke, or that a control run did not fail: a test that passes
without the protection that it tests proves nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from paya.local import database as database_of
from paya.local import environment, processes, servers
from paya.local.supervisor import StopRequested, Supervisor
from paya.local.testing import TEMPLATE, environment_of_tests, throwaway_folder, widen_limits

NAMES = {"ledger-model": "ledger_model", "races": "races", "crash": "crash", "fuzz": "fuzz", "nacha-fuzz": "nacha_fuzz",
         "rails": "rails", "rewards": "rewards", "isolation": "isolation"}  # fmt: skip

ON_CLONES = {"ledger-model", "races", "rewards", "isolation"}  # these work on databases; the others start what they need


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bin/campaign", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--short", action="store_true", help="some seconds, as in the suite")
    parser.add_argument("--seed", type=int, help="what is random follows from it; a printed one repeats its run")
    parser.add_argument("--size", type=int, help="steps, rounds, kills or examples instead of the campaign's own number")
    options = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    on_clones = options.name in ON_CLONES
    with contextlib.suppress(StopRequested), prepared(database=on_clones) as data:
        if on_clones:
            import django

            django.setup()
        campaign = importlib.import_module(f"bench.campaigns.{NAMES[options.name]}")
        return int(campaign.run(data=data, short=options.short, seed=seed, size=options.size))
    return 130


@contextlib.contextmanager
def prepared(*, database: bool) -> Iterator[Path]:
    """A throwaway folder, and where wanted servers with a migrated template that tests and campaigns make clones of.

    Inside bin/test they are there already.
    """
    if "PAYA_TEST_ADMIN_URL" in os.environ:
        yield Path(os.environ["PAYA_TEST_DATA"])
        return
    started = time.monotonic()
    for name in ("DATABASE_URL", "REDIS_URL"):  # never anybody's own servers
        os.environ.pop(name, None)
    supervisor = Supervisor(lambda line: print(line, flush=True))
    processes.adopt_orphans()
    with throwaway_folder() as folder:
        try:
            with supervisor.signals():
                if not database:
                    yield folder.path
                    return
                running = servers.start(folder, folder.secrets(), supervisor, dbname=TEMPLATE, throwaway=True)
                env = environment_of_tests(folder, running)
                migrate = [sys.executable, "manage.py", "migrate", "--noinput", "-v", "0"]
                subprocess.run(migrate, env=env | {"DATABASE_URL": running.urls["owner"]}, cwd=environment.ROOT, check=True)
                widen_limits(database_of.with_database(running.admin_url, TEMPLATE))
                os.environ.update(env)
                print(f"prepared in {time.monotonic() - started:.0f} s", flush=True)
                yield folder.path
        finally:
            supervisor.stop()
