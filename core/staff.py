"""What staff change, they change through functions of the database that check who is asking and write it down.

The staff's role writes no table. A function that it may execute is owned by paya_engine and begins with
`console_acted` (console/sql/0014_trail.sql), which refuses everybody whose roles may not do it, and everything without a
reason, and appends to the trail who did what, when and why in the transaction of the change itself.
"""

from collections.abc import Sequence
from typing import Any

from django.db import DatabaseError, connection, transaction

from core.actor import actor
from core.api import has_control
from core.errors import Conflict, Forbidden, NotFound, PayaError, ValidationError

REASON_SHORTEST, REASON_LONGEST = 10, 500
WHY = f"Please say why, in {REASON_SHORTEST} to {REASON_LONGEST} characters: it is kept with your name."

# Not staff; no reason; what it is about is not there; not possible as things stand (the message says why, for staff).
_ERRORS: dict[str, type[PayaError]] = {"PY120": Forbidden, "PY122": ValidationError, "PY123": NotFound, "PY124": Conflict}


def reason_of(text: str) -> str:
    """The reason as it is kept, on one line. Raises ValidationError where it is none."""
    reason = " ".join(text.split())
    if not REASON_SHORTEST <= len(reason) <= REASON_LONGEST or has_control(reason):
        raise ValidationError(fields={"reason": WHY})
    return reason


def call(function: str, params: Sequence[Any], *, staff_id: int) -> Any:
    """The answer of one of the database's functions for staff, with this member of staff as actor.

    In a savepoint: what is refused leaves nothing behind, and the request's transaction goes on. Raises Forbidden,
    ValidationError, NotFound or Conflict as the function says; other database errors pass through.
    """
    marks = ", ".join(["%s"] * len(params))
    try:
        with actor(staff_id), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"select {function}({marks})", list(params))
            return cursor.fetchone()[0]
    except DatabaseError as error:
        cause = error.__cause__
        state, diag = getattr(cause, "pgcode", None), getattr(cause, "diag", None)
        if state not in _ERRORS:
            raise
        if state == "PY122":
            raise ValidationError(fields={"reason": WHY}) from error
        raise _ERRORS[state](diag.message_primary if diag is not None else None) from error


def viewed(kind: str, subject: str) -> None:
    """Write down that the actor is shown this: `kind` is what (person, phone, document, export), `subject` whose, by public id.

    Belongs into the request's transaction, so that what is shown and the record stand or fall together. Raises Forbidden.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select console_viewed(%s, %s)", [kind, subject])
    except DatabaseError as error:
        if getattr(error.__cause__, "pgcode", None) == "PY120":
            raise Forbidden from error
        raise


def allowed() -> frozenset[str]:
    """The names of all actions that the actor's roles may do now."""
    with connection.cursor() as cursor:
        cursor.execute("select console_allowed()")
        return frozenset(row[0] for row in cursor.fetchall())
