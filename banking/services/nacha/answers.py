"""What the bank's files mean for our entries. Each raises Doubtful where nobody may act before somebody has looked.

Inside the transaction of `incoming.process`; a second time, none of them has a second effect.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from banking.models import (
    NachaBatch,
    NachaChange,
    NachaEntry,
    NachaFile,
    NachaIncoming,
    NachaReceiver,
    NachaReturn,
    NachaStatement,
    Statement,
)
from banking.nacha import acknowledge, windows
from banking.nacha.acknowledge import FileAcknowledgement
from banking.nacha.codes import CHANGES, RETURNS
from banking.nacha.model import Account, Direction
from banking.nacha.optimise import arrives_on
from banking.nacha.records import Change, Correction, Return
from banking.nacha.records import Entry as ReadEntry
from banking.reconciliation import store
from banking.services.nacha import secrets
from banking.services.nacha.entries import settlement
from banking.statements import Line as StatementLine
from banking.statements import Statement as ReadStatement
from banking.statements import bai2, csv
from core.actor import SYSTEM, actor
from core.calendar import EASTERN
from core.clock import now

log = logging.getLogger("paya.banking")
Status, FileStatus = NachaEntry.Status, NachaFile.Status
FILED = (Status.FILED, Status.ACKNOWLEDGED, Status.SETTLED)
KINDS = {"2": Account.CHECKING, "3": Account.SAVINGS}  # first digit of a transaction code
NOTED = frozenset({"C04", "C09"})  # names and our own references, by which no bank finds an account


class Doubtful(Exception):
    """Why something understood was not acted upon."""


def _entry(trace: str) -> NachaEntry:
    found = NachaEntry.objects.select_for_update(of=("self",)).select_related("batch", "receiver").filter(trace=trace).first()
    if found is None:
        raise Doubtful(f"no entry of ours has the trace {trace}")
    return found


# ------------------------------------------------------------------------------------------------ returns
def take_return(incoming: NachaIncoming, item: Return) -> None:
    """An entry came back. Our own trace says which; amount and direction have to be its own."""
    entry = _entry(item.original_trace)
    if item.code not in RETURNS:
        raise Doubtful(f"{item.code} is no return code that we know")
    _same_money(entry, item.entry)
    if entry.return_code:
        if entry.return_code == item.code:
            return  # the same return again
        raise Doubtful(f"{entry.public_id} has come back as {entry.return_code} already")
    if entry.status not in FILED:
        raise Doubtful(f"{entry.public_id} is {entry.status}")
    NachaReturn.objects.create(
        user_id=entry.user_id, entry=entry, incoming=incoming, line=item.lines[0].number, code=item.code,
        after_settlement=entry.status == Status.SETTLED, untimely=_untimely(entry, item.code),
    )  # fmt: skip
    NachaEntry.objects.filter(pk=entry.pk).update(status=Status.RETURNED, return_code=item.code, returned_at=now(), news=True)


def _same_money(entry: NachaEntry, returned: ReadEntry) -> None:
    if returned.amount != entry.amount:
        raise Doubtful(f"{entry.public_id} is of another amount")
    if returned.debit != (entry.direction == Direction.DEBIT):
        raise Doubtful(f"{entry.public_id} goes the other way")


def _untimely(entry: NachaEntry, code: str) -> bool:
    deadline = RETURNS[code].frame.deadline(settlement(entry))
    return deadline is not None and _today() > deadline


# ------------------------------------------------------------------------------------------------ notifications of change
def take_change(incoming: NachaIncoming, item: Change) -> None:
    """Correct the account for what leaves from now on, at once (the rules give six banking days); history stays."""
    entry = _entry(item.original_trace)
    known = CHANGES.get(item.code)
    if known is None or (item.correction is None and item.code not in NOTED):
        raise Doubtful(f"what {item.code} wants changed cannot be understood")
    columns = {} if item.code in NOTED or item.correction is None else _columns(item.code, item.correction)
    row, new = NachaChange.objects.get_or_create(
        incoming=incoming, line=item.lines[0].number,
        defaults={
            "user_id": entry.user_id, "entry": entry, "code": item.code, "fields": ", ".join(columns),
            "due_on": windows.change_deadline(_today()),
        },
    )  # fmt: skip
    if new and columns:
        _correct(entry.receiver, columns)


def _columns(code: str, correction: Correction) -> dict[str, str]:
    """What of a receiver is corrected, by column."""
    columns = {"routing": correction.routing, "account": correction.account}
    if correction.transaction_code:
        kind = KINDS.get(correction.transaction_code[0])
        if kind is None:
            raise Doubtful(f"{code} makes it an account that we do not pay to")
        columns["kind"] = kind
    columns = {name: value for name, value in columns.items() if value}
    if not columns:
        raise Doubtful(f"{code} is about our own data")
    return columns


def _correct(receiver: NachaReceiver, columns: dict[str, str]) -> None:
    """The account, and what waits in no file yet."""
    plain = {name: value for name, value in columns.items() if name != "account"}
    waiting = list(receiver.entries.select_for_update(of=("self",)).filter(status=Status.QUEUED))
    rows: list[NachaReceiver | NachaEntry] = [receiver, *waiting]
    for row in rows:
        for name, value in plain.items():
            setattr(row, name, value)
        if account := columns.get("account"):
            row.account = secrets.seal_account(row, account)
        row.save(update_fields=list(columns))


# ------------------------------------------------------------------------------------------------ acknowledgements
def take_acknowledgement(incoming: NachaIncoming, data: bytes) -> Sequence[tuple[int, str]]:
    """The bank has a file, or refuses it; lines of it that say nothing known."""
    try:
        said = acknowledge.parse(data)
    except acknowledge.Unreadable as problem:
        raise Doubtful(str(problem)) from problem
    file = NachaFile.objects.select_for_update().filter(name=said.file).first()
    if file is None:
        raise Doubtful(f"we sent no file {said.file[:80]!r}")
    _same_figures(file, said)
    wanted = FileStatus.ACKNOWLEDGED if said.accepted else FileStatus.REJECTED
    if file.status in (FileStatus.ACKNOWLEDGED, FileStatus.REJECTED):
        if file.status != wanted:
            raise Doubtful(f"{file.name} was {file.status} before")
        return said.odd
    if file.status == FileStatus.WRITTEN:  # sent, and we did not live to write it down
        NachaFile.objects.filter(pk=file.pk).update(status=FileStatus.SENT, sent_at=now())
    NachaFile.objects.filter(pk=file.pk).update(status=wanted, answered_at=now(), reason=said.reason[:500])
    if said.accepted:
        _accepted(file, said)
    else:
        log.error("nacha_file_rejected", extra={"file": file.public_id, "cause": said.reason[:200]})
    return said.odd


def _same_figures(file: NachaFile, said: FileAcknowledgement) -> None:
    ours = {"ENTRIES": file.entries, "DEBITS": file.debits, "CREDITS": file.credits}
    wrong = [name.lower() for name, value in said.figures.items() if ours[name] != value]
    if wrong:
        raise Doubtful(f"{file.name} has other {' and '.join(wrong)}")


def _accepted(file: NachaFile, said: FileAcknowledgement) -> None:
    """Its entries are the bank's now. When they settle is the bank's to say; we only asked for a day."""
    for batch in NachaBatch.objects.filter(file=file):
        settles = max(batch.effective_on, said.settles.get(batch.number, batch.effective_on))
        NachaBatch.objects.filter(pk=batch.pk).update(settles_on=settles)
        arrives = arrives_on(Direction(batch.direction), settles)
        batch.rows.filter(status=Status.FILED).update(status=Status.ACKNOWLEDGED, arrives_on=arrives)


# ------------------------------------------------------------------------------------------------ statements
def take_statement(incoming: NachaIncoming, data: bytes) -> Sequence[tuple[int, str]]:
    """A day is over at the bank: what would have come back by then has not, and has arrived. Pieces that nobody can read.

    What else it says is kept for reconciliation.
    """
    table = incoming.name.lower().endswith(".csv")
    read = csv.parse(data, custodian=bai2.CUSTODIAN) if table else bai2.parse(data)
    if read.as_of is None or read.closing is None:
        raise Doubtful("this statement has no day or no closing balance")
    if read.adds_up is False:
        raise Doubtful(f"the statement of {read.as_of} does not add up")
    row, new = NachaStatement.objects.get_or_create(as_of=read.as_of, defaults={"incoming": incoming, "closing": read.closing})
    if not new and row.closing != read.closing:
        raise Doubtful(f"another statement of {read.as_of} ends with another balance")
    store.keep(_with_our_keys(read), origin=Statement.Origin.FILE, name=incoming.name, digest=incoming.sha256)
    arrived = NachaEntry.objects.filter(status=Status.ACKNOWLEDGED, arrives_on__lte=read.as_of)
    arrived.update(status=Status.SETTLED, settled_at=now(), news=True)
    return [(_number(fault.where), f"{fault.problem}: {fault.piece}") for fault in read.faults]


def _with_our_keys(read: ReadStatement) -> ReadStatement:
    """Where a line names an entry by its trace, with the transfer that the entry is, as reconciliation looks for it."""
    rows = NachaEntry.objects.select_related("original").filter(trace__in=[line.reference for line in read.lines])
    ours = {row.trace: row for row in rows}
    named = (_named(line, entry) if (entry := ours.get(line.reference)) else line for line in read.lines)
    return replace(read, lines=tuple(named))


def _named(line: StatementLine, entry: NachaEntry) -> StatementLine:
    """A reversal is the way back of what it takes back, and no transfer of its own."""
    if entry.purpose == NachaEntry.Purpose.REVERSAL and entry.original is not None:
        return replace(line, kind="return", transfer=entry.original.public_id, reference=str(entry.original.key))
    return replace(line, transfer=entry.public_id, reference=str(entry.key))


def _number(where: str) -> int:
    return int("".join(filter(str.isdigit, where)) or 1)


def last_statement() -> NachaStatement | None:
    with actor(SYSTEM):
        return NachaStatement.objects.order_by("-as_of").first()


def _today() -> date:
    return now().astimezone(EASTERN).date()
