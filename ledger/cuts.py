"""When everything that was posted before a moment can be seen.

A posting is stamped after its locks are held, and whoever holds a lock on a row has a transaction id. So whatever is
stamped before a moment belongs to a transaction whose id was given before it; once all of those have ended, what has
committed of them is visible, and nothing stamped earlier can appear any more.
"""

import time

from django.db import connection

from core import errors

PAUSE = 0.02


class OlderTransactionsOpen(errors.ServiceUnavailable):
    """A transaction that began to write before the cut has not ended; nothing was done, and it can be tried again."""

    code = "older_transactions_open"


def wait_for_older(timeout: float) -> None:
    """Return once every transaction has ended that had an id when this was called; `timeout` in seconds.

    Raises OlderTransactionsOpen when they have not in time, and RuntimeError inside a transaction: its own id would
    be among those that are waited for.
    """
    if connection.in_atomic_block:
        raise RuntimeError("a transaction cannot wait for its own end")
    deadline = time.monotonic() + timeout
    # An id of our own, and not a snapshot's xmax: that is one past the last transaction that has *ended*, and one that
    # is still open may well have a higher id. Whatever had an id before has a lower one than ours.
    fence = _number("select pg_current_xact_id()::text::bigint")
    while _number("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint") <= fence:
        if time.monotonic() >= deadline:
            raise OlderTransactionsOpen(f"A transaction has been open for more than {timeout:g} s.", retry_after=5)
        time.sleep(PAUSE)


def _number(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.fetchone()[0])
