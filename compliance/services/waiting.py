"""What waits for staff and what is late, by queue: numbers, nobody's rows."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from core import clock
from core.metrics import Gauge


@dataclass(frozen=True)
class Waiting:
    queue: str
    waiting: int
    overdue: int
    oldest: datetime | None


def waiting() -> list[Waiting]:
    """Cases, disputes, appeals, tickets. A dispute is late when its next legal clock has run out."""
    with connection.cursor() as cursor:
        cursor.execute("select queue, waiting, overdue, oldest from compliance_waiting()")
        return [Waiting(*row) for row in cursor.fetchall()]


def gauges() -> list[Gauge]:
    """For Prometheus; alarms ask for `paya_queue_overdue` above zero (docs/runbooks/dispute.md)."""
    found = waiting()
    ages = {one.queue: (clock.now() - one.oldest).total_seconds() if one.oldest else 0.0 for one in found}
    return [
        Gauge("paya_queue_waiting", "What waits for staff", "queue", {one.queue: one.waiting for one in found}),
        Gauge(
            "paya_queue_overdue",
            "What of it is late; of disputes by the law's next day",
            "queue",
            {one.queue: one.overdue for one in found},
        ),
        Gauge("paya_queue_oldest_seconds", "How long the oldest of it waits", "queue", ages),
    ]
