"""What pages say of reconciliation."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection


@dataclass(frozen=True)
class Last:
    """The newest result over all custodians: it is as old as the oldest of them, and as bad as the worst."""

    ran_at: datetime
    on: date
    result: str  # clean, accepted, breaks, unknown
    accepted: int  # cents that are in one of the books only, and that staff have accepted


def last() -> Last | None:
    """The line that is published; None before the first reconciliation."""
    with connection.cursor() as cursor:
        cursor.execute('select ran_at, "on", result, banking_accepted_differences() from banking_last_reconciliation()')
        rows = cursor.fetchall()
    if not rows:
        return None
    worst = next((result for result in ("unknown", "breaks", "accepted") if any(row[2] == result for row in rows)), "clean")
    return Last(min(row[0] for row in rows), min(row[1] for row in rows), worst, rows[0][3])
