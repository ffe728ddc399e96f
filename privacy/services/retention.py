"""How long things are kept: settings that staff change with a reason and from a day on, and the job that goes by them."""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from core.actor import SYSTEM, actor
from core.staff import call, reason_of

log = logging.getLogger("paya.privacy")
BATCH = 1000
BATCHES = 200  # of one thing in one run: the next goes on


@dataclass(frozen=True)
class Period:
    """One thing that is kept for some days; `pruned` where the job removes it, the others are clocks of an erasure."""

    name: str
    title: str
    begins: str
    pruned: bool = True


PERIODS = [
    Period("login_tries", "Tries of staff to log in", "the try"),
    Period("staff_sessions", "Sessions of staff that are over", "their end"),
    Period("inbox", "What vendors sent us, word for word", "when it was dealt with"),
    Period("outbox", "Events that were published", "when they were written"),
    Period("bank_visits", "Visits to the page on which a bank is linked", "their end"),
    Period("devices", "What ended devices were and where they came from", "their end"),
    Period("exports", "That somebody asked for a copy of their data", "the question"),
    Period("returns", "A closed account: while a bank may take a load back", "its last transfer", pruned=False),
    Period("disputes", "A closed account: while a payment may be disputed", "the closing", pruned=False),
    Period("records", "A closed account: while records must be kept", "the closing", pruned=False),
]


def days(name: str) -> int:
    """How many days it is kept now."""
    with connection.cursor() as cursor:
        cursor.execute("select privacy_days(%s)", [name])
        return int(cursor.fetchone()[0])


class NotPruned(Exception):
    """Some things that are older than their time are still there: `failed` names their periods."""

    def __init__(self, failed: list[str]) -> None:
        self.failed = failed
        super().__init__(f"not removed, see the log: {', '.join(failed)}")


def prune() -> dict[str, int]:
    """Remove what is older than its time, in batches that are transactions of their own; how many rows of each.

    What fails keeps nothing else from being removed. Raises NotPruned at the end, with what failed.
    """
    removed, failed = {}, []
    for period in PERIODS:
        if not period.pruned:
            continue
        try:
            removed[period.name] = _prune(period.name)
        except Exception:
            log.exception("retention_failed", extra={"key": period.name})
            failed.append(period.name)
    log.info("retention", extra={"event": ", ".join(f"{name} {count}" for name, count in removed.items() if count)})
    if failed:
        raise NotPruned(failed)
    return removed


def _prune(name: str) -> int:
    count = sum(_batches(name))
    with actor(SYSTEM), connection.cursor() as cursor:
        cursor.execute("select privacy_pruned(%s, %s)", [name, count])
    return count


def _batches(name: str) -> list[int]:
    counts: list[int] = []
    while len(counts) < BATCHES:
        with actor(SYSTEM), connection.cursor() as cursor:
            cursor.execute("select privacy_prune(%s, %s)", [name, BATCH])
            counts.append(int(cursor.fetchone()[0]))
        if counts[-1] < BATCH:
            break
    return counts


def set_retention(*, name: str, days: int, begins: datetime, staff_id: int, reason: str) -> None:
    """Keep something longer or shorter from a moment on. Raises NotFound, Conflict (too short, in the past), ValidationError."""
    call("privacy_set_retention", [name, days, begins, reason_of(reason)], staff_id=staff_id)


def place_hold(*, person: str, staff_id: int, reason: str) -> None:
    """Keep a person's data from being erased. Raises NotFound, Conflict (there is one already, or they are erased)."""
    call("privacy_place_hold", [person, reason_of(reason)], staff_id=staff_id)


def lift_hold(*, hold: int, staff_id: int, reason: str) -> None:
    """Raises NotFound, Conflict (lifted already)."""
    call("privacy_lift_hold", [hold, reason_of(reason)], staff_id=staff_id)
