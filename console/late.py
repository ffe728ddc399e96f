"""What is so late that somebody is woken for it: held money, and days of the law in disputes. Numbers, nobody's rows."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from core import clock
from core.metrics import Gauge


@dataclass(frozen=True)
class Late:
    """`what` is "held" (of payments, or of loads and redemptions) or "clock" (of disputes: decide, finish, correct, result)."""

    what: str
    kind: str
    late: int
    oldest: datetime | None


def late() -> list[Late]:
    with connection.cursor() as cursor:
        cursor.execute("select what, kind, late, oldest from console_late(%s)", [settings.HELD_LATE_HOURS])
        return [Late(*row) for row in cursor.fetchall()]


def gauges() -> list[Gauge]:
    """For Prometheus; alarms ask for the two that count what is late (docs/runbooks/held.md, dispute.md)."""
    found = late()
    held = [one for one in found if one.what == "held"]
    ages = {one.kind: (clock.now() - one.oldest).total_seconds() if one.oldest else 0.0 for one in held}
    clocks = {one.kind: float(one.late) for one in found if one.what == "clock"}
    return [
        Gauge("paya_held_late", "Held longer than PAYA_HELD_LATE_HOURS", "kind", {one.kind: one.late for one in held}),
        Gauge("paya_held_oldest_seconds", "How long the oldest held movement waits", "kind", ages),
        Gauge("paya_dispute_clock_late", "Days of the law that have passed unmet, of all disputes", "clock", clocks),
    ]
