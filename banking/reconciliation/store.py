"""What custodians said, kept as they said it: each line once, whatever is read twice or side by side."""

import hashlib
import re
from collections.abc import Iterable
from datetime import date, timedelta
from uuid import NAMESPACE_URL, UUID, uuid5

from django.db import connection, transaction
from django.db.models import Max

from banking import rails
from banking.models import Statement, StatementLine
from banking.rails.port import TellsStatement
from banking.services.secrets import source_index
from banking.statements import Line, bai2, csv
from banking.statements import Statement as Read
from core.actor import SYSTEM, actor
from core.errors import ValidationError

_LOCK = 420_401  # class of this room's advisory locks: one custodian's statements are stored one after the other
# How far back a rail is asked again: a return may come 60 days after settlement, and a bank may be slow.
LOOK_BACK = timedelta(days=100)
SHORTEST_NUMBER = 5


def line_key(custodian: str, entry: str) -> UUID:
    """Under which a line of a statement is booked and found."""
    return uuid5(NAMESPACE_URL, f"statement-line:{custodian}:{entry}")


def account_index(custodian: str, account: str) -> str:
    """Under which an account on a line is compared with a transfer's, without naming it."""
    return source_index(custodian, account).hex() if account else ""


def take(*, custodian: str) -> Statement | None:
    """Ask a custodian over its API what it holds and what moved, and keep it; None for one that sends files.

    The calls are made outside of any transaction. Raises ProviderDown, ProviderUnknown or ProviderRejected when it
    does not tell.
    """
    rail = rails.rail(custodian) if custodian in rails.available() else None
    if not isinstance(rail, TellsStatement):
        return None
    with actor(SYSTEM):
        newest: date | None = StatementLine.objects.filter(custodian=custodian).aggregate(day=Max("on"))["day"]
    read = rail.statement(since=newest - LOOK_BACK if newest else None)
    return keep(read, origin=Statement.Origin.RAIL)


def import_file(*, custodian: str, name: str, data: bytes) -> list[Statement]:
    """Keep the statements of a BAI2 or CSV file; the same file again changes nothing.

    Raises ValidationError when there is nothing in it that could be read; what could not be read of the rest is
    kept as faults.
    """
    is_table = name.lower().endswith(".csv")
    reads = (csv.parse(data, custodian=custodian),) if is_table else bai2.read(data, custodian=custodian)[0]
    if not any(read.lines or read.closing is not None for read in reads):
        raise ValidationError(fields={"file": "Nothing in this file could be read as a statement."})
    digest = hashlib.sha256(data).hexdigest()
    return [keep(read, origin=Statement.Origin.FILE, name=name, digest=digest) for read in reads]


def keep(read: Read, *, origin: str, name: str = "", digest: str | None = None) -> Statement:
    """Store a statement and those of its lines that are new."""
    with actor(SYSTEM), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, read.custodian])
        account = masked(read.account)
        if digest is not None:
            known = Statement.objects.filter(custodian=read.custodian, digest=digest, account=account).first()
            if known is not None:
                return known
        statement = Statement.objects.create(
            custodian=read.custodian, origin=origin, name=name[:200], digest=digest, account=account, currency=read.currency[:3],
            as_of=read.as_of, opening=read.opening, closing=read.closing, complete=read.complete,
            faults=[[fault.where, fault.problem, masked(fault.piece)] for fault in read.faults],
        )  # fmt: skip
        StatementLine.objects.bulk_create(list(_new(statement, read.lines)), batch_size=2000)
    return statement


def _new(statement: Statement, lines: Iterable[Line]) -> Iterable[StatementLine]:
    """A row for each line, or state of a line, that was not known; its effect is what this state adds to the earlier."""
    by_entry = {line.id: line for line in lines}
    known: dict[str, dict[str, int]] = {}
    rows = StatementLine.objects.filter(custodian=statement.custodian, entry__in=list(by_entry))
    for entry, state, effect in rows.values_list("entry", "state", "effect"):
        known.setdefault(entry, {})[state] = effect
    for entry, line in by_entry.items():
        before = known.get(entry, {})
        if line.state in before:
            continue
        yield StatementLine(
            statement=statement, custodian=statement.custodian, entry=entry, state=line.state, kind=line.kind, amount=line.amount,
            effect=line.booked - sum(before.values()), currency=line.currency[:3], on=line.on,
            key=line_key(statement.custodian, entry), transfer=line.transfer[:200], reference=line.reference[:200],
            reference_key=_as_key(line.reference), account_index=account_index(statement.custodian, line.account),
            text=masked(line.text)[:500],
        )  # fmt: skip


def masked(text: str) -> str:
    """Without the account numbers that banks write into everything: of a long number its last four digits."""
    return re.sub(rf"\d{{{SHORTEST_NUMBER},}}", lambda found: f"••{found[0][-4:]}", text.replace("\x00", ""))


def _as_key(reference: str) -> UUID | None:
    try:
        return UUID(reference)
    except ValueError:
        return None
