"""What pages say of reconciliation."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from banking.models import Reconciliation, Statement


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


@dataclass(frozen=True)
class Held:
    """What one custodian says it holds, in cents, and the statement that says so."""

    custodian: str
    cents: int
    at: datetime  # when it was told
    statement: int
    digest: str  # of the file, or of what was told in place of one


def held() -> list[Held]:
    """The newest word of each custodian. Needs SYSTEM. What could not be asked last time counts as it was told before."""
    told = Reconciliation.objects.filter(held__isnull=False, statement__isnull=False).select_related("statement")
    return [_held(row) for row in told.order_by("custodian", "-id").distinct("custodian")]


def _held(row: Reconciliation) -> Held:
    assert row.statement is not None
    assert row.held is not None
    return Held(row.custodian, row.held, row.statement.taken_at, row.statement.pk, row.statement.digest or _digest(row.statement))


def _digest(statement: Statement) -> str:
    """Of a statement that came without a file: of its figures and its lines, as we keep them."""
    told = hashlib.sha256()
    told.update(f"{statement.custodian} {statement.account} {statement.as_of} {statement.opening} {statement.closing}\n".encode())
    for line in statement.lines.order_by("id").values_list("entry", "state", "revision", "amount", "effect", "currency", "on"):
        told.update(" ".join(map(str, line)).encode() + b"\n")
    return told.hexdigest()
