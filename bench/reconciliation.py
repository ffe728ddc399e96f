"""Three-way matching of generated rows: a million transfers, each in the ledger, in our table and on the statement.

`rows_per_second(stage, rows)` fills a database of its own and measures the product's own `banking_match`, which is one
set-based statement; a hundred of the rows do not agree, and exactly these must be found. `bin/bench rails` calls it.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

from paya.local import database

from . import report
from .prepared import Stage
from .report import Target

ROWS, QUICK, ODD, ROUNDS = 1_000_000, 100_000, 100, 3
NAME = "paya_bench_reconciliation"
TARGETS = (Target("seconds", "<", 60),)

# As superuser with triggers off: how a row came to be is measured elsewhere. A transfer, a posting, a line; of every
# (rows/100)th the line is another by a cent.
_FILL = """
    set session_replication_role = replica;
    insert into banking_banktransfer (id, public_id, user_id, bank_account_id, kind, amount, rail, status, rail_key, external_id,
            expected_on, attempts, failure_code, created_at)
        select n, 'ld_' || n, 1, 1, case when n % 4 = 0 then 'redemption' else 'load' end, 100 + n % 90000, 'dwolla', 'settled',
            md5('key' || n)::uuid, 'ext-' || n, current_date, 0, '', now() - interval '2 days'
        from generate_series(1, {rows}) n;
    insert into ledger_transfer (id, debit_account, credit_account, amount, debit_version, debit_balance, credit_version,
            credit_balance, posted_at, group_id, kind)
        select md5('post' || n)::uuid, case when n % 4 = 0 then 70 else -(64 + n % 64) end,
            case when n % 4 = 0 then -(64 + n % 64) else 1000000 + n end, 100 + n % 90000, n, 0, n, 0, now() - interval '2 days',
            md5('key' || n)::uuid, case when n % 4 = 0 then 4 else 1 end
        from generate_series(1, {rows}) n;
    insert into banking_statement (id, custodian, origin, name, account, currency, complete, faults)
        values (1, 'dwolla', 'rail', '', '', 'USD', true, '[]');
    insert into banking_statementline (statement_id, custodian, entry, state, kind, amount, effect, currency, key, transfer,
            reference, reference_key, account_index, text, seen_at)
        select 1, 'dwolla', 'ext-' || n, 'posted', 'transfer', cents, cents, 'USD', md5('line' || n)::uuid, 'ext-' || n, '',
            md5('key' || n)::uuid, '', '', now() - interval '2 days'
        from (select n, (case when n % 4 = 0 then -1 else 1 end) * (100 + n % 90000) + (n % {every} = 0)::int as cents
              from generate_series(1, {rows}) n) made;
    set session_replication_role = origin;
    analyze;
"""


def rows_per_second(stage: Stage, rows: int) -> dict[str, Any]:
    """Keys compared per second (each has three rows), seconds of a run, and whether exactly the odd ones were found."""
    admin = stage.running.admin_url
    stage.clone(NAME)
    with database.connect(database.with_database(admin, NAME), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(_FILL.format(rows=rows, every=rows // ODD))
    seconds = []
    with database.connect(stage.url("worker", NAME), autocommit=True) as connection, connection.cursor() as cursor:
        for _ in range(ROUNDS):
            started = time.perf_counter()
            cursor.execute("select part, data from banking_match('dwolla', 1, clock_timestamp())")
            found = cursor.fetchall()
            seconds.append(time.perf_counter() - started)
    totals = dict(found)["totals"]
    exact = totals["keys"] == rows and totals["odd"] == ODD == len(found) - 1
    database.drop(admin, NAME)
    median = statistics.median(seconds)
    return {"rows": rows, "seconds": round(median, 2), "rows_per_second": round(rows / median), "exact": exact}


def measure(stage: Stage, *, quick: bool) -> int:
    """On its own: `bin/bench reconciliation`."""
    figures = rows_per_second(stage, QUICK if quick else ROWS)
    broken = [] if figures["exact"] else ["other rows were found than the ones that differ"]
    return report.finish("reconciliation", figures, TARGETS, quick=quick, broken=broken)
