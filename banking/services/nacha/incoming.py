"""What the bank sends: kept first, whole and encrypted, then gone through once. Nothing of it is ever dropped."""

import hashlib
import io
import logging
from collections.abc import Iterator

from banking.models import NachaEntry, NachaIncoming, NachaQuarantine
from banking.nacha import acknowledge
from banking.nacha.lines import Line
from banking.nacha.read import read
from banking.nacha.records import Acknowledgement as ReceiverAcknowledgement
from banking.nacha.records import (
    BatchControl,
    BatchHeader,
    Blank,
    Change,
    FileControl,
    FileHeader,
    Item,
    Quarantined,
    Remark,
    Return,
)
from banking.rails.drop import drop, reaching
from banking.services.nacha import answers, secrets
from banking.services.nacha.answers import Doubtful
from core.actor import SYSTEM, actor
from core.clock import now
from core.errors import PayaError
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown

log = logging.getLogger("paya.banking")
Kind = NachaIncoming.Kind
# Say nothing about an entry: how a file is built, and that a business's bank has a credit.
FRAME = (FileHeader, BatchHeader, BatchControl, FileControl, Blank, ReceiverAcknowledgement)


def collect() -> int:
    """Take in what lies in the drop, go through it, and wake the transfers it is about; how many files were new.

    Raises ProviderDown, ProviderUnknown.
    """
    with reaching():
        place = drop()
        new = 0
        for name in place.waiting():
            new += keep(name, place.read(name))
            place.take(name)
    process_kept()
    tell_transfers()
    return new


def keep(name: str, data: bytes) -> bool:
    """Store a file; False when these bytes were stored before."""
    row = NachaIncoming(sha256=hashlib.sha256(data).hexdigest(), name=name[:200], kind=_kind(name, data), size=len(data))
    with actor(SYSTEM):
        if NachaIncoming.objects.filter(sha256=row.sha256).exists():
            return False
        row.content = secrets.seal_incoming(row, data)
        NachaIncoming.objects.bulk_create([row], ignore_conflicts=True)
    return True


def _kind(name: str, data: bytes) -> str:
    if acknowledge.is_one(data):
        return Kind.ACKNOWLEDGEMENT
    is_statement = name.lower().endswith(".csv") or data.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"01,")
    return Kind.STATEMENT if is_statement else Kind.NACHA


# ------------------------------------------------------------------------------------------------ going through it
def process_kept() -> None:
    """Everything not gone through yet, statements last: they prove that nothing came back, so returns come first."""
    with actor(SYSTEM):
        unread = NachaIncoming.objects.filter(processed_at=None).order_by("pk").values_list("pk", "kind")
        order = [Kind.ACKNOWLEDGEMENT, Kind.NACHA, Kind.STATEMENT]
        waiting = [pk for pk, kind in sorted(unread, key=lambda row: order.index(Kind(row[1])))]
    for incoming_id in waiting:
        try:
            process(incoming_id=incoming_id)
        except Exception:
            # The next file may be in order; this one stays unread, and is raised each time it is tried.
            log.exception("nacha_incoming_failed", extra={"position": incoming_id})


def process(*, incoming_id: int) -> None:
    """Go through one file in one transaction; again, nothing happens."""
    with actor(SYSTEM):
        rows = NachaIncoming.objects.select_for_update(skip_locked=True)
        incoming = rows.filter(pk=incoming_id, processed_at=None).first()
        if incoming is None:
            return
        understood = 0
        doubts: list[tuple[tuple[Line, ...], str]] = []
        for lines, reason in _go_through(incoming, secrets.incoming_content(incoming)):
            if reason:
                doubts.append((lines, reason))
            else:
                understood += 1
        quarantine(incoming, doubts)
        incoming.processed_at, incoming.understood, incoming.quarantined = now(), understood, len(doubts)
        incoming.save(update_fields=["processed_at", "understood", "quarantined"])
    log.info("nacha_incoming", extra={"file": incoming.public_id, "count": understood})


def _go_through(incoming: NachaIncoming, data: bytes) -> Iterator[tuple[tuple[Line, ...], str]]:
    """Each thing the file says, with why it was not acted upon, or nothing."""
    if incoming.kind == Kind.NACHA:
        for item in read(io.BytesIO(data)):
            if not isinstance(item, (Remark, *FRAME)):
                yield item.lines, _why_not(incoming, item)
        return
    take = answers.take_statement if incoming.kind == Kind.STATEMENT else answers.take_acknowledgement
    whole = (Line(1, 1, data[:94].decode("latin-1")),)
    try:
        odd = take(incoming, data)
    except Doubtful as doubt:
        yield whole, str(doubt)
    else:
        yield whole, ""
        yield from (((Line(number, 1, text),), "nobody agreed what this says") for number, text in odd)


def _why_not(incoming: NachaIncoming, item: Item) -> str:
    try:
        if isinstance(item, Quarantined):
            return item.reason
        if isinstance(item, Return):
            answers.take_return(incoming, item)
        elif isinstance(item, Change):
            answers.take_change(incoming, item)
        else:
            return f"needs staff: {item.kind.replace('_', ' ')}{_about(item)}"
    except Doubtful as doubt:
        return str(doubt)
    return ""


def _about(item: Item) -> str:
    code, trace = getattr(item, "code", ""), getattr(item, "original_trace", "")
    return f" {code} of {trace}" if code else ""


def quarantine(incoming: NachaIncoming, doubts: list[tuple[tuple[Line, ...], str]]) -> None:
    rows = []
    for lines, reason in doubts:
        for line in lines:
            row = NachaQuarantine(incoming=incoming, line=line.number, position=line.column, reason=reason[:500])
            row.raw = secrets.seal_line(row, line.shown)
            rows.append(row)
    NachaQuarantine.objects.bulk_create(rows, ignore_conflicts=True)
    if rows:  # a line, and even why it is here, may hold an account number
        log.error("nacha_quarantined", extra={"file": incoming.public_id, "count": len(rows)})


# ------------------------------------------------------------------------------------------------ who wants to know
def tell_transfers(*, limit: int = 1_000) -> int:
    """Wake the transfers of entries that have news; how many. What fails here is told again by the next beat."""
    from banking.services.transfers import heard_of  # which asks the rails, and they ask us

    with actor(SYSTEM):
        news = list(NachaEntry.objects.filter(news=True).select_related("original").order_by("pk")[:limit])
    told = 0
    for entry in news:
        about = entry.original if entry.purpose == NachaEntry.Purpose.REVERSAL and entry.original else entry
        try:
            heard_of(rail="odfi", external_id=about.public_id, key=about.key)
        except (PayaError, ProviderDown, ProviderUnknown, ProviderRejected) as error:
            log.warning("nacha_news_waits", extra={"entry": entry.public_id, "cause": str(error)})
            continue
        with actor(SYSTEM):
            told += NachaEntry.objects.filter(pk=entry.pk, status=entry.status).update(news=False)
    return told
