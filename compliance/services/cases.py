"""Opening a review case, and what staff do to it (sql/0001_cases.sql)."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from compliance.models import Verdict
from core.actor import SYSTEM, actor
from core.errors import ValidationError
from core.staff import call

HIGH, USUAL, LOW = 1, 2, 3
RESULT_LONGEST = 2000


def open_case(
    *, kind: str, user_id: int, about: str, summary: str, priority: int = USUAL, detail: Mapping[str, Any] | None = None
) -> str:
    """Open a case, or find the open one about the same; its public id. As SYSTEM, in the transaction of its cause.

    `about` is the public id of what it is about, or "" where it is about the person. Of `detail` the keys `signals` (what was
    measured: it is kept with the label that the case gets) and `due_at` (ISO 8601) have a meaning; the rest is shown to staff.
    Rooms above call the database's `compliance_open_case` from functions of their own.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select compliance_open_case(%s, %s, %s, %s, %s::smallint, %s)",
            [kind, user_id, about, summary, priority, json.dumps(detail or {})],
        )
        return str(cursor.fetchone()[0])


def take(*, case: str, staff_id: int, reason: str) -> None:
    """Make it one's own to look into. Raises Conflict where it is somebody else's, or closed."""
    call("compliance_take_case", [case, reason], staff_id=staff_id)


def assign(*, case: str, to: str, staff_id: int, reason: str) -> None:
    """Give it to a member of staff, by e-mail, whoever had it."""
    call("compliance_assign_case", [case, to, reason], staff_id=staff_id)


def prioritise(*, case: str, priority: int, staff_id: int, reason: str) -> None:
    call("compliance_prioritise_case", [case, priority, reason], staff_id=staff_id)


def note(*, case: str, note: str, staff_id: int) -> None:
    """Write on an open or closed case; the same words once."""
    call("compliance_note_case", [case, note], staff_id=staff_id)


def close(*, case: str, outcome: str, label: str, result: str, staff_id: int, reason: str) -> None:
    """What was done, what it turned out to be, and the result in words; once. Raises Conflict where somebody was first."""
    said = result.strip()
    if not 10 <= len(said) <= RESULT_LONGEST:
        raise ValidationError(fields={"result": f"Write what was found, in 10 to {RESULT_LONGEST} characters."})
    call("compliance_close_case", [case, outcome, label, said, reason], staff_id=staff_id)


def reopen(*, case: str, staff_id: int, reason: str) -> None:
    """Look at it again. Its earlier verdict stays on record."""
    call("compliance_reopen_case", [case, reason], staff_id=staff_id)


def close_about(*, kind: str, user_id: int, about: str, outcome: str, label: str, result: str) -> str | None:
    """End the open case about something, where it was decided by PaYa itself or elsewhere; its public id. As SYSTEM.

    Rooms above call the database's `compliance_close_case_about` from functions of their own.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "select compliance_close_case_about(%s, %s, %s, %s, %s, %s)", [kind, user_id, about, outcome, label, result]
        )
        closed: str | None = cursor.fetchone()[0]
        return closed


def verdicts() -> Iterator[dict[str, Any]]:
    """What each case was closed with, every time, oldest first, with the signals of its time. People by id; no words of staff."""
    columns = ("case__public_id", "kind", "user__public_id", "outcome", "label", "opened_at", "closed_at", "signals")
    names = ("case", "kind", "person", "outcome", "label", "opened_at", "closed_at", "signals")
    with actor(SYSTEM):
        for row in Verdict.objects.order_by("id").values_list(*columns).iterator():
            yield dict(zip(names, [v.isoformat() if isinstance(v, datetime) else v for v in row], strict=True))
