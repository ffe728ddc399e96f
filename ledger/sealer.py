"""The sealer: committed rows of the journal, in order, hashed into a chain of blocks (ledger/sql/0002_sealer.sql).

The head of the chain stands for every row before it: whoever has kept one head can be shown no other past. It follows
the journal at a distance and does nothing on the way of a posting.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import IntegrityError, connection

from ledger.cuts import wait_for_older

BLOCK_ROWS = 10_000
AT_ONCE = 500_000  # rows of one commit, while there is much to catch up with
NOTHING = b"\0" * 32


@dataclass(frozen=True)
class Head:
    """The newest block; every row stamped before `until` is in it or below it. Without blocks: height 0, zero bytes."""

    height: int
    hash: bytes
    until: datetime


def head() -> Head:
    with connection.cursor() as cursor:
        cursor.execute("select height, hash, until from ledger_block order by height desc limit 1")
        row = cursor.fetchone()
    return Head(row[0], bytes(row[1]), row[2]) if row else Head(0, NOTHING, datetime.min.replace(tzinfo=UTC))


def seal(until: datetime, *, timeout: float = 30) -> Head:
    """Seal every row stamped before `until`, and return the head; a block is only made where there are rows.

    Two at once, or again after a crash: each row is sealed once, by unique rows. Raises ValueError for a time to come,
    OlderTransactionsOpen when one has stayed open for `timeout` seconds, and RuntimeError inside a transaction.
    """
    if not _is_past(until):
        raise ValueError("what is stamped before a time to come is not known yet")
    wait_for_older(timeout)
    while (newest := head()).until < until:
        try:
            if _seal_some(until) < AT_ONCE:
                return head()
        except IntegrityError:
            continue  # another sealer has just sealed these
    return newest


def first_altered() -> int | None:
    """The height of the lowest block that no longer is what was sealed; None where the chain is whole."""
    with connection.cursor() as cursor:
        cursor.execute("select ledger_first_altered_block()")
        height: int | None = cursor.fetchone()[0]
    return height


def _is_past(moment: datetime) -> bool:
    """By the database's clock, which stamps the rows."""
    with connection.cursor() as cursor:
        cursor.execute("select %s <= core_now()", [moment])
        return bool(cursor.fetchone()[0])


def _seal_some(until: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("select ledger_seal(%s, %s, %s)", [until, AT_ONCE, BLOCK_ROWS])
        return int(cursor.fetchone()[0])
