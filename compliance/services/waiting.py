"""What waits for staff and what is late, by queue: numbers, nobody's rows."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection


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
