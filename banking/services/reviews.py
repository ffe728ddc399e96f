"""Loads and redemptions that wait for a review (sql/0022_screened.sql): let out, or sent back, once."""

from django.db import connection

from core.actor import SYSTEM, actor
from core.staff import call

HELD_FOR_DAYS = 7  # as long as a held payment waits for a decision before it goes back


def release(*, transfer: str, label: str, staff_id: int, reason: str) -> None:
    """Let a held transfer go out to its rail. Raises Conflict where it was decided or cancelled before."""
    call("banking_release_held", [transfer, label, reason], staff_id=staff_id)


def deny(*, transfer: str, label: str, told: str, staff_id: int, reason: str) -> None:
    """Cancel a held transfer; `told` is what the person may know of why. Raises Conflict as `release` does."""
    call("banking_deny_held", [transfer, label, told, reason], staff_id=staff_id)


def expire(*, days: int = HELD_FOR_DAYS, limit: int = 100) -> list[str]:
    """Cancel what nobody decided about in time. As a worker; the transfers' public ids."""
    with actor(SYSTEM), connection.cursor() as cursor:
        cursor.execute("select banking_expire_held(%s, %s)", [days, limit])
        return [row[0] for row in cursor.fetchall()]
