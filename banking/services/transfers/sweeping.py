"""The net below it all: rows say when they are due, and a sweep finds those that no message woke."""

from datetime import datetime, timedelta

from django.db.models import F, Q

from banking.models import BankTransfer
from banking.services.transfers.moves import (
    FIRST_LATE_POLL,
    FIRST_POLL,
    LAST_LATE_POLL,
    LAST_POLL,
    RETURNS_FOR,
    Cancel,
    Status,
)  # fmt: skip
from core.actor import SYSTEM, actor
from core.clock import now

# Sweeps look every few seconds, and a message may wait longer than that: only a lost one is worth sending again.
WAKE_AGAIN = timedelta(seconds=60)
# A cancelling that did not get through is tried again soon: once the bank has begun, it is too late.
CANCEL_AGAIN = timedelta(seconds=30)


def to_wake(moment: datetime) -> Q:
    """Rows that are due and for which no message is on its way, as far as can be known."""
    unheard = Q(woken_at=None) | Q(woken_at__lt=F("due_at")) | Q(woken_at__lt=moment - WAKE_AGAIN)
    return Q(due_at__lte=moment) & unheard


def due(*, limit: int = 200) -> tuple[list[int], list[int]]:
    """Transfers whose time has come, to be woken now: those to act upon, and those to ask about (their next poll is set)."""
    moment = now()
    to_act: list[int] = []
    to_ask: list[int] = []
    with actor(SYSTEM):
        for row in BankTransfer.objects.filter(to_wake(moment)).order_by("due_at")[:limit]:
            wanted_back = row.status == Status.PENDING and row.cancel == Cancel.ASKED
            (to_ask if row.settled_at or (row.status == Status.PENDING and not wanted_back) else to_act).append(row.pk)
            if row.status in (Status.PENDING, Status.SETTLED):
                BankTransfer.objects.filter(pk=row.pk, status=row.status).update(
                    due_at=_next_poll(row, moment), attempts=F("attempts") + 1
                )
        BankTransfer.objects.filter(pk__in=to_act).update(woken_at=moment)
    return to_act, to_ask


def _next_poll(row: BankTransfer, moment: datetime) -> datetime | None:
    """Further and further apart; none once no return can come any more."""
    if row.status == Status.PENDING and row.cancel == Cancel.ASKED:
        return moment + CANCEL_AGAIN
    if row.settled_at is None:
        return moment + min(LAST_POLL, FIRST_POLL * 2 ** min(row.attempts, 12))
    next_time = moment + min(LAST_LATE_POLL, FIRST_LATE_POLL * 2 ** min(row.attempts, 12))
    return next_time if next_time < row.settled_at + RETURNS_FOR else None
