"""What custodians said, kept as they said it: each line once, whatever is read twice or side by side.

A custodian that is asked again tells lines that we know. What it says otherwise than before, or no longer lists, is kept
as a revision of the line; everything else is passed over.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
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
GONE = "gone"


@dataclass(frozen=True)
class Asked:
    """What a custodian was asked for: all that moved since a day, as it stands after a moment of our clock."""

    since: date | None
    at: datetime


@dataclass
class _Known:
    """What we have of an entry: the states it was seen in, what they add up to, and its newest row."""

    states: set[str] = field(default_factory=set)
    total: int = 0
    revision: int = 0
    state: str = ""
    amount: int = 0
    currency: str = ""
    account: str = ""
    seen_at: datetime | None = None

    def add(self, state: str, effect: int, revision: int, amount: int, currency: str, account: str, seen_at: datetime) -> None:
        self.states.add(state)
        self.total += effect
        self.revision = max(self.revision, revision)
        self.state, self.amount, self.currency, self.account, self.seen_at = state, amount, currency, account, seen_at

    def before(self, asked: Asked) -> bool:
        """Whether the answer is newer than what we have: another process may have asked, and stored, meanwhile."""
        return self.seen_at is not None and self.seen_at < asked.at

    def says(self, line: Line, account: str) -> bool:
        same = (self.state, self.amount, self.currency, self.total) == (line.state, line.amount, line.currency[:3], line.booked)
        return same and (not account or not self.account or account == self.account)


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
        asked = Asked(newest - LOOK_BACK if newest else None, _rows("select core_now()")[0][0])
    return keep(rail.statement(since=asked.since), origin=Statement.Origin.RAIL, asked=asked)


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


def keep(read: Read, *, origin: str, name: str = "", digest: str | None = None, asked: Asked | None = None) -> Statement:
    """Store a statement and those of its lines that are new; of what was `asked` for, also what is now another or gone."""
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
        StatementLine.objects.bulk_create(list(_new(statement, read.lines, asked)), batch_size=2000)
        if asked is not None and read.complete:
            StatementLine.objects.bulk_create(list(_gone(statement, read.lines, asked)), batch_size=2000)
    return statement


def _new(statement: Statement, lines: Sequence[Line], asked: Asked | None) -> Iterator[StatementLine]:
    """A row for each line, or state of a line, that was not known; its effect is what this state adds to the earlier."""
    by_entry = {line.id: line for line in lines}
    known: dict[str, _Known] = {}
    rows = _rows(
        "select n.entry, n.state, n.effect, n.revision, n.amount, n.currency, n.account_index, n.seen_at"
        " from banking_statementline n join jsonb_array_elements_text(%s) said (entry) using (entry)"
        " where n.custodian = %s order by n.id",
        [json.dumps(list(by_entry)), statement.custodian],
    )
    for entry, *row in rows:
        known.setdefault(entry, _Known()).add(*row)
    for entry, line in by_entry.items():
        before, account = known.get(entry, _Known()), account_index(statement.custodian, line.account)
        if before.states and asked is not None and not before.before(asked):
            continue
        revision = 0
        if line.state in before.states or before.state == GONE:
            if asked is None or before.says(line, account):
                continue
            revision = before.revision + 1
        yield StatementLine(
            statement=statement, custodian=statement.custodian, entry=entry, state=line.state, kind=line.kind, amount=line.amount,
            effect=line.booked - before.total, currency=line.currency[:3], on=line.on, revision=revision,
            key=line_key(statement.custodian, entry), transfer=line.transfer[:200], reference=line.reference[:200],
            reference_key=_as_key(line.reference), account_index=account, text=masked(line.text)[:500],
        )  # fmt: skip


def _gone(statement: Statement, lines: Sequence[Line], asked: Asked) -> Iterator[StatementLine]:
    """A row for each line of the days that were asked for, and that the custodian no longer lists: it takes its effect back."""
    missing = _rows(
        "select distinct n.entry from banking_statementline n"
        " where n.custodian = %s and (n.\"on\" > %s or %s::date is null) and n.seen_at < %s"
        " and not exists (select from jsonb_array_elements_text(%s) said (entry) where said.entry = n.entry)",
        [statement.custodian, asked.since, asked.since, asked.at, json.dumps([line.id for line in lines])],
    )
    by_entry: dict[str, list[StatementLine]] = {}
    entries = [entry for (entry,) in missing]
    for row in StatementLine.objects.filter(custodian=statement.custodian, entry__in=entries).order_by("id"):
        by_entry.setdefault(row.entry, []).append(row)
    for rows in by_entry.values():
        last = rows[-1]
        if last.state == GONE or last.seen_at >= asked.at:
            continue
        kept = ["entry", "kind", "amount", "currency", "on", "key", "transfer", "reference", "reference_key", "account_index"]
        yield StatementLine(
            statement=statement, custodian=statement.custodian, state=GONE, effect=-sum(row.effect for row in rows),
            revision=max(row.revision for row in rows) + 1, **{name: getattr(last, name) for name in kept}, text=last.text,
        )  # fmt: skip


def _rows(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params))
        return list(cursor.fetchall())


def masked(text: str) -> str:
    """Without the account numbers that banks write into everything: of a long number its last four digits."""
    return re.sub(rf"\d{{{SHORTEST_NUMBER},}}", lambda found: f"••{found[0][-4:]}", text.replace("\x00", ""))


def _as_key(reference: str) -> UUID | None:
    try:
        return UUID(reference)
    except ValueError:
        return None
