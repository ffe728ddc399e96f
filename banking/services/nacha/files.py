"""Gathering what waits into files. An entry gets its file, its batch and its trace number in the transaction that stores
the file, or nothing of it: whatever crashes, it is in exactly one file or still waits."""

import hashlib
import logging
import string
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import islice

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from banking.models import NachaBatch, NachaCounter, NachaEntry, NachaFile
from banking.nacha.errors import InvalidFile
from banking.nacha.model import Batch, Direction, Entry, File, Sec
from banking.nacha.optimise import Due, Shipment, plan
from banking.nacha.write import Written, write
from banking.services.nacha import secrets, terms
from banking.services.nacha.entries import as_written, description, name_of
from core.actor import SYSTEM, actor
from core.calendar import EASTERN
from core.clock import now

log = logging.getLogger("paya.banking")
Status = NachaEntry.Status

MOST_ENTRIES = 10_000  # of one file, so that writing it takes seconds
MODIFIERS = string.ascii_uppercase + string.digits  # of one day's files, which the format tells apart by one character
_LOCK = 720_210  # one writer at a time


class NoMoreFiles(Exception):
    """All 36 files of the day are written, or all traces under this routing number used: what waits goes on waiting."""


def write_due(*, moment: datetime | None = None, whole: bool = False, same_day: bool | None = None) -> list[NachaFile]:
    """Write the files whose cut-off is near, or with `whole` everything that waits; with `same_day` only those windows.

    Raises InvalidFile (nothing is stored then), NoMoreFiles.
    """
    moment = moment or now()
    written: list[NachaFile] = []
    while file := _write_next(moment, whole=whole, same_day=same_day):
        written.append(file)
    return written


def planned(*, moment: datetime | None = None) -> list[Shipment]:
    """What would be written, and when; nothing is."""
    with actor(SYSTEM):
        return _plan(list(_waiting()), moment or now())


def _write_next(moment: datetime, *, whole: bool, same_day: bool | None) -> NachaFile | None:
    """Write the first file that is due, in one transaction; None when there is none, or somebody else is writing."""
    with actor(SYSTEM):
        if not _only_writer():
            return None
        rows = {row.pk: row for row in _waiting().select_for_update(of=("self",))}
        for shipment in _plan(list(rows.values()), moment):
            wanted = same_day is None or same_day == bool(shipment.same_day)
            if wanted and (whole or shipment.sent_by - _lead() <= moment):
                try:
                    return _store(shipment, rows, moment)
                except InvalidFile as fault:
                    first = f"{fault.faults[0].record}, {fault.faults[0].field}"
                    log.error("nacha_file_invalid", extra={"count": len(fault.faults), "cause": first})
                    raise
    return None


def _only_writer() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _waiting() -> QuerySet[NachaEntry]:
    return NachaEntry.objects.filter(status=Status.QUEUED).order_by("promised_on", "id")[:MOST_ENTRIES]


def _plan(rows: Sequence[NachaEntry], moment: datetime) -> list[Shipment]:
    due = [_due(row) for row in rows]
    return plan(due, moment=moment, cutoffs=terms.cutoffs())


def _due(row: NachaEntry) -> Due:
    sec, direction = Sec(row.sec), Direction(row.direction)
    return Due(row.pk, sec, direction, row.amount, description(row), row.promised_on, row.same_day)


def _lead() -> timedelta:
    return timedelta(minutes=settings.ODFI_LEAD_MINUTES)


# ------------------------------------------------------------------------------------------------ one file
def _store(shipment: Shipment, rows: dict[int, NachaEntry], moment: datetime) -> NachaFile:
    who, day = terms.originator(), moment.astimezone(EASTERN).date()
    counter = NachaCounter.objects.get_or_create(odfi=who.odfi[:8])[0]
    counter = NachaCounter.objects.select_for_update().get(pk=counter.pk)
    if counter.trace + shipment.entries > 9_999_999:
        raise NoMoreFiles(f"the trace numbers under {who.odfi[:8]} are used up")
    file = File(who, _batches(shipment, rows), moment, modifier=_modifier(who.odfi[:8], day), first_trace=counter.trace + 1)
    written = write(file)  # read back and recomputed, or InvalidFile
    NachaCounter.objects.filter(pk=counter.pk).update(trace=counter.trace + shipment.entries)
    row = _file_row(shipment, file, written, day)
    row.save(force_insert=True)
    _put_into(row, shipment, [trace for _, trace in written.traces])
    log.info("nacha_file_written", extra={"file": row.public_id, "count": row.entries})
    return row


def _batches(shipment: Shipment, rows: dict[int, NachaEntry]) -> tuple[Batch, ...]:
    names = name_of([rows[due.key].user_id for batch in shipment.batches for due in batch.entries])

    def entry(due: Due) -> Entry:
        row = rows[due.key]
        return as_written(row, secrets.entry_account(row), names[row.user_id])

    return tuple(Batch(b.sec, b.description, b.window, tuple(entry(due) for due in b.entries)) for b in shipment.batches)


def _modifier(odfi: str, day: date) -> str:
    used = set(NachaFile.objects.filter(odfi=odfi, day=day).values_list("modifier", flat=True))
    free = next((each for each in MODIFIERS if each not in used), None)
    if free is None:
        raise NoMoreFiles(f"{len(MODIFIERS)} files were written on {day}")
    return free


def _file_row(shipment: Shipment, file: File, written: Written, day: date) -> NachaFile:
    odfi, fees = file.originator.odfi[:8], terms.fees()
    total = {each: sum(due.amount for b in shipment.batches if b.direction is each for due in b.entries) for each in Direction}
    row = NachaFile(
        odfi=odfi, name=f"PAYA-{odfi}-{day:%y%m%d}-{file.modifier}.ach", day=day, modifier=file.modifier,
        sha256=hashlib.sha256(written.text.encode()).hexdigest(), size=len(written.text), sent_by=shipment.sent_by,
        entries=shipment.entries, batches=len(shipment.batches), same_day=shipment.same_day,
        debits=total[Direction.DEBIT], credits=total[Direction.CREDIT],
        cost=shipment.cost(fees), unbatched_cost=fees.unbatched(entries=shipment.entries, same_day=shipment.same_day),
    )  # fmt: skip
    row.content = secrets.seal_file(row, written.text)
    return row


def _put_into(file: NachaFile, shipment: Shipment, traces: list[str]) -> None:
    given = iter(traces)
    for number, planned in enumerate(shipment.batches, start=1):
        batch = NachaBatch.objects.create(
            file=file, number=number, sec=planned.sec, direction=planned.direction, description=planned.description,
            effective_on=planned.window.effective, same_day=planned.window.same_day, entries=len(planned.entries),
            amount=sum(due.amount for due in planned.entries),
        )  # fmt: skip
        ids = [due.key for due in planned.entries]
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE banking_nachaentry e SET status = 'filed', batch_id = %s, trace = given.trace"
                " FROM unnest(%s::bigint[], %s::text[]) AS given (id, trace) WHERE e.id = given.id",
                [batch.pk, ids, list(islice(given, len(ids)))],
            )
