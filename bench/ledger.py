"""The posting engine against the floor, on durable commits, 8 client processes, in interleaved rounds.

- single_vs_floor: `ledger_post`, one transfer per call and commit, between random wallets of 100,000, against the
  floor: one PL/pgSQL call that only inserts a transfer and two entries and updates two balances (bench/sql/floor.sql).
- batch_vs_floor: `ledger_post_many`, 100 transfers per call and commit; transfers per second against the floor's.
- hot_vs_uniform: every transfer credits one striped system account, against transfers between random wallets.
- large_vs_small: the same single posts with 10 million journal rows and 1 million accounts, against 100,000 accounts
  and few rows (a second database of the same server); not with --quick.

Afterwards the books are audited, and every acknowledged transfer must be in the journal.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

from core.ids import new_reference
from paya.local import database

from . import report
from .clients import Clients, Side, ratio
from .prepared import DATABASE, Stage
from .report import Target

ACCOUNTS = 100_000
LARGE_ACCOUNTS = 1_000_000
LARGE_ROUNDS = 9  # of one transfer per account, after one load for each
FIRST = 1000  # the first id of people's accounts
FUNDS = 100_000_000
BATCH = 100
LARGE = "paya_bench_large"
SQL = Path(__file__).parent / "sql"
TARGETS = (
    Target("single_vs_floor", ">=", 0.75), Target("batch_vs_floor", ">=", 2.5),
    Target("hot_vs_uniform", ">=", 0.8), Target("large_vs_small", ">=", 0.75),
)  # fmt: skip
REVENUE = 8

# Planned once per connection, as inside the product's own functions, which is where payments post from. Both sides
# answer the transfer's id and no more.
_FLOOR = "prepare post (uuid, bigint, bigint, bigint) as select bench.floor_post($1, $2, $3, $4)"
_POST = "prepare post (uuid, smallint, bigint, bigint, bigint) as select (ledger_post($1, $2, $3, $4, $5)).id"
_POST_MANY = "prepare post_many (uuid[], smallint[], bigint[], bigint[], bigint[]) as select ledger_post_many($1, $2, $3, $4, $5)"
_EXECUTE_MANY = "execute post_many (%s::uuid[], %s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[])"


def _pair(rng: random.Random, accounts: int) -> tuple[int, int]:
    debit = FIRST + rng.randrange(accounts)
    credit = FIRST + rng.randrange(accounts - 1)
    return debit, credit + (credit >= debit)


def floor(cursor: Any, rng: random.Random) -> int:
    debit, credit = _pair(rng, ACCOUNTS)
    cursor.execute("execute post (%s, %s, %s, %s)", [str(new_reference()), debit, credit, 1 + rng.randrange(500)])
    cursor.fetchone()
    return 1


def single(cursor: Any, rng: random.Random, accounts: int = ACCOUNTS) -> int:
    debit, credit = _pair(rng, accounts)
    cursor.execute("execute post (%s, %s, %s, %s, %s)", [str(new_reference()), 7, debit, credit, 1 + rng.randrange(500)])
    cursor.fetchone()
    return 1


def large(cursor: Any, rng: random.Random) -> int:
    return single(cursor, rng, LARGE_ACCOUNTS)


def hot(cursor: Any, rng: random.Random) -> int:
    cursor.execute(
        "execute post (%s, %s, %s, %s, %s)", [str(new_reference()), 15, _pair(rng, ACCOUNTS)[0], REVENUE, 1 + rng.randrange(500)]
    )
    cursor.fetchone()
    return 1


def batch(cursor: Any, rng: random.Random) -> int:
    pairs = [_pair(rng, ACCOUNTS) for _ in range(BATCH)]
    columns = [
        [str(new_reference()) for _ in pairs], [7] * BATCH, [d for d, _ in pairs], [c for _, c in pairs],
        [1 + rng.randrange(500) for _ in pairs],
    ]  # fmt: skip
    cursor.execute(_EXECUTE_MANY, columns)
    return int(cursor.fetchone()[0])


def make_accounts(stage: Stage) -> None:
    """100,000 funded wallets by the engine's own functions, and the floor's accounts beside them."""
    with database.connect(stage.url("worker"), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(_POST_MANY)
        cursor.execute("select cardinality(ledger_open(array_fill(1::smallint, array[%s])))", [ACCOUNTS])
        for start in range(FIRST, FIRST + ACCOUNTS, 5000):
            ids = list(range(start, start + 5000))
            references = [str(new_reference()) for _ in ids]
            cursor.execute(_EXECUTE_MANY, [references, [1] * 5000, [1] * 5000, ids, [FUNDS] * 5000])
    with database.connect(stage.url("admin"), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute((SQL / "floor.sql").read_text())
        cursor.execute(
            "insert into bench.account select n, %s from generate_series(%s, %s) n", [FUNDS, FIRST, FIRST + ACCOUNTS - 1]
        )
        cursor.execute("vacuum (analyze)")


def make_large(stage: Stage) -> None:
    """A second database with a long history, filled past the functions, and as sound: the auditor reads it."""
    stage.clone(LARGE)
    with database.connect(stage.url("admin", LARGE), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute((SQL / "large.sql").read_text(), {"n": LARGE_ACCOUNTS, "rounds": LARGE_ROUNDS, "funds": FUNDS})
        cursor.execute("vacuum (analyze)")


def journal_rows(stage: Stage, dbname: str) -> int:
    with database.connect(stage.url("admin", dbname)) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from ledger_transfer")
        return int(cursor.fetchone()[0])


def unsound(stage: Stage) -> list[str]:
    """What the auditor's first checks find in 10 million rows; all of them would sort the journal five times."""
    from ledger.audit import CHECKS

    names = ("all accounts sum to zero", "every balance equals the sum of its entries", "no version is missing")
    found = []
    with database.connect(stage.url("admin", LARGE)) as connection, connection.cursor() as cursor:
        cursor.execute("set work_mem = '512MB'")
        for name in names:
            cursor.execute(f"select * from ({CHECKS[name]}) findings limit 3")
            found += [f"{name}: {row[0]}" for row in cursor.fetchall()]
    return found


def measure(stage: Stage, *, quick: bool) -> int:
    started = time.monotonic()
    if not quick:
        make_large(stage)
        print(f"10 million rows after {time.monotonic() - started:.0f} s", flush=True)
    make_accounts(stage)
    print(f"accounts ready after {time.monotonic() - started:.0f} s", flush=True)
    names = [DATABASE] if quick else [DATABASE, LARGE]
    before = {name: journal_rows(stage, name) for name in names}

    worker = stage.url("worker")
    sides = [
        Side("floor", worker, floor, _FLOOR), Side("single", worker, single, _POST),
        Side("batch", worker, batch, _POST_MANY), Side("hot", worker, hot, _POST),
    ]  # fmt: skip
    if not quick:
        sides.append(Side("large", stage.url("worker", LARGE), large, _POST))
    clients = Clients(sides)
    rounds, seconds = (5, 0.8) if quick else (9, 2.0)
    rates = clients.interleaved(["floor", "single", "batch", "hot"], rounds=rounds, seconds=seconds)
    figures: dict[str, Any] = {
        "single_vs_floor": ratio(rates, "single", "floor"),
        "batch_vs_floor": ratio(rates, "batch", "floor"),
        "hot_vs_uniform": ratio(rates, "hot", "single"),
        "large_vs_small": None,
    }
    if not quick:
        clients.run("large", 10.0)  # as a long-lived database: its pages are warm and logged since the last checkpoint
        sizes = clients.interleaved(["single", "large"], rounds=rounds, seconds=seconds)
        figures["large_vs_small"] = ratio(sizes, "large", "single")
        rates["single, again"], rates["single, 10 M rows"] = sizes["single"], sizes["large"]
    clients.close()
    report.rates_table(rates, "transfers/s")

    done = clients.done
    acknowledged = {DATABASE: done["single"] + done["batch"] + done["hot"], LARGE: done["large"]}
    broken = [] if stage.audit() else ["the books are not clean"]
    broken += [] if quick else unsound(stage)
    for name in names:
        if (lost := before[name] + acknowledged[name] - journal_rows(stage, name)) != 0:
            broken.append(f"{lost} acknowledged transfers are not in the journal of {name}")
    return report.finish("ledger", figures, TARGETS, quick=quick, broken=broken)
