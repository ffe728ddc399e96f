"""All that is owed, read at one instant.

A transfer in flight must be counted on one side, and payments must not wait: so a lock that keeps postings out is held just
long enough to export a snapshot, and everything is read from that snapshot afterwards.
"""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.db import OperationalError, connection, transaction

from transparency.proofs import half
from transparency.proofs.tree import Liabilities

TRIES, SHORT = 20, "100ms"
# Longer than deadlock_timeout (1 s), after which PostgreSQL takes the table away from an autovacuum that holds it.
LONG = "1500ms"
PAUSE = 0.1
_LOCK_TIMEOUT = "55P03"
# A row of COPY ... (FORMAT binary): three fields of 8, 8 and 32 bytes, each after its length.
_ROW = np.dtype([
    ("fields", ">i2"), ("l0", ">i4"), ("number", ">i8"), ("l1", ">i4"), ("owed", ">i8"), ("l2", ">i4"), ("who", "V32")
])  # fmt: skip
_HEADER = 19
HOUSE = 4294967290  # accounts of the house have numbers from here on (sql/0002_attestations.sql)
ACCOUNT = half.ROW  # 12 bytes each: the snapshot that is kept


@dataclass(frozen=True)
class Frozen:
    """What was owed before `instant`; `rows` are 12 bytes per account, `whos` 32."""

    instant: datetime
    rows: bytes
    whos: bytes
    receivable: int
    required: int

    @property
    def liabilities(self) -> Liabilities:
        return liabilities(self.rows, self.whos)


def liabilities(rows: bytes, whos: bytes) -> Liabilities:
    return Liabilities(np.frombuffer(rows, dtype=ACCOUNT)["owed"].astype(np.uint64), whos)


def freeze() -> Frozen:
    """Read it all. Raises OperationalError when the moment cannot be had."""
    reader: Any = connection.copy()
    try:
        with reader.cursor() as cursor:
            instant = _same_moment(cursor)
            cursor.execute("select receivable, required from transparency_totals()")
            receivable, required = cursor.fetchone()
            numbers, owed, whos = _read(cursor, instant, "where is_open")
            cursor.execute("commit")
    finally:
        reader.close()
    rows = np.empty(len(numbers), dtype=ACCOUNT)
    rows["number"], rows["owed"] = numbers, owed
    return Frozen(instant, rows.tobytes(), whos, receivable, required)


def whos_of(rows: bytes, instant: datetime) -> bytes:
    """Who stands behind the accounts of an earlier snapshot, as it was then."""
    with transaction.atomic(), connection.cursor() as cursor:
        numbers, _, whos = _read(cursor, instant, "")
    wanted = np.frombuffer(rows, dtype=ACCOUNT)["number"].astype(np.int64)
    at = np.searchsorted(numbers, wanted)
    if not np.array_equal(numbers[np.minimum(at, len(numbers) - 1)], wanted):
        raise LookupError("an account of the snapshot is gone")
    return np.frombuffer(whos, dtype="V32")[at].tobytes()


def _read(cursor: Any, instant: datetime, which: str) -> tuple[Any, Any, bytes]:
    moment = cursor.mogrify("%s", [instant]).decode()
    rows = f"select number, owed, who from transparency_liabilities({moment}) {which}"
    into = io.BytesIO()
    cursor.copy_expert(f"copy ({rows}) to stdout (format binary)", into)
    table = np.frombuffer(into.getbuffer()[_HEADER:-2], dtype=_ROW)
    if (table["fields"] != 3).any() or (table["l2"] != 32).any() or (table["owed"] < 0).any():
        raise ValueError("an account is below zero, or without a who")
    numbers = table["number"].astype(np.int64)
    if (np.diff(numbers) <= 0).any():  # the function sorts, in memory; to sort once more here would take as long as the rest
        raise ValueError("somebody is counted twice, or out of order")
    if len(numbers) and int(numbers[-1]) >> 32:
        raise OverflowError("the snapshot numbers people by 32 bits")
    return numbers, table["owed"].astype(np.uint64), table["who"].tobytes()


def _same_moment(reader: Any) -> datetime:
    """Put `reader` into the snapshot of a moment in which nobody is posting; the moment."""
    with _nobody_posts(), connection.cursor() as holder:
        holder.execute("select core_now(), pg_export_snapshot()")
        instant, snapshot = holder.fetchone()
        reader.execute("begin isolation level repeatable read read only")
        reader.execute("set transaction snapshot %s", [snapshot])
    moment: datetime = instant
    return moment.astimezone(UTC)


@contextmanager
def _nobody_posts() -> Iterator[None]:
    """Hold the lock for the length of the block. It is read committed: the snapshot is taken after the lock is had."""
    for attempt in range(TRIES + 1):
        patience = SHORT if attempt < TRIES else LONG
        with transaction.atomic():
            try:
                with connection.cursor() as cursor:
                    cursor.execute("select transparency_freeze(%s)", [patience])
            except OperationalError as error:
                if getattr(error.__cause__, "pgcode", "") != _LOCK_TIMEOUT or attempt == TRIES:
                    raise
                transaction.set_rollback(True)
            else:
                yield
                return
        time.sleep(PAUSE)
