"""Aggregates by UTC day. Events say which day has changed; the day is then computed from its sources, whole.

So an event that comes twice, late or out of order does no harm, and computing everything again gives the same.
"""

from datetime import UTC, date, datetime, timedelta

from django.db import connection, transaction

from core import clock
from core.actor import SYSTEM, actor


def today() -> date:
    return clock.now().astimezone(UTC).date()


def mark(moments: list[datetime]) -> None:
    """Something happened at these times: their days are to be computed, unless they are open and will be anyway.

    An event may be a moment younger than what it tells of, so the day before counts too when it has only just ended.
    """
    days = {(moment - ago).astimezone(UTC).date() for moment in moments for ago in (timedelta(0), timedelta(hours=1))}
    if past := sorted(day for day in days if day < today()):
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into transparency_dueday (day) select unnest(%s::date[])"
                " on conflict (day) do update set marked_at = clock_timestamp()", [past]
            )  # fmt: skip


def mark_payments(payments: list[str]) -> None:
    """What these payments are has changed: the days on which they were made."""
    with actor(SYSTEM), connection.cursor() as cursor:
        cursor.execute(
            "insert into transparency_dueday (day)"
            " select distinct (created_at at time zone 'UTC')::date from payments_payment where public_id = any(%s)"
            " on conflict (day) do update set marked_at = clock_timestamp()", [payments]
        )  # fmt: skip


def catch_up() -> int:
    """Compute the marked days and those that are open, oldest first; how many. A second one beside it does no harm."""
    with connection.cursor() as cursor:
        cursor.execute("select transparency_mark_open()")
        cursor.execute("select day, marked_at from transparency_dueday order by day")
        due = cursor.fetchall()
        for day, marked_at in due:
            with transaction.atomic():
                cursor.execute("select transparency_compute_day(%s)", [day])
                # Marked once more meanwhile: it stays, for what happened since may not be in.
                cursor.execute("delete from transparency_dueday where day = %s and marked_at = %s", [day, marked_at])
    return len(due)


def rebuild(since: date | None = None) -> int:
    """Compute every day again, or those from `since` on; how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into transparency_dueday (day) select day from transparency_day where day >= coalesce(%s, day)"
            " on conflict (day) do update set marked_at = clock_timestamp()", [since]
        )  # fmt: skip
    return catch_up()
