"""Telling people that a vendor is back: those who asked, once each, by text message and live.

A row is taken before its message is sent, committed, and never taken twice: whatever runs twice or crashes, nobody is told
twice. A worker that dies in between leaves a message of which nobody knows whether it was sent; like a code, it is then not
sent again. The live notification is an outbox row of the same transaction.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models import F

from banking import plaid
from banking.models import OutageNotice
from core.actor import SYSTEM, actor
from core.clock import now
from core.outbox import emit
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown, health
from users import services as users

log = logging.getLogger("paya.banking")
State = OutageNotice.State
PLAID = "plaid"
STUCK = timedelta(minutes=2)  # longer than all providers of text messages take in a row
LAST_RETRY = timedelta(minutes=10)


def ask_to_be_told(*, user_id: int) -> None:
    """Put down that this person wants to hear when banks can be linked again; again, nothing changes."""
    with actor(user_id):
        row = OutageNotice(user_id=user_id, provider=PLAID, due_at=now())
        OutageNotice.objects.bulk_create([row], ignore_conflicts=True)


def is_waiting(*, user_id: int) -> bool:
    with actor(user_id):
        return OutageNotice.objects.filter(user_id=user_id, provider=PLAID, state__in=OutageNotice.OPEN).exists()


def due(*, limit: int = 200) -> list[int]:
    """Who is to be told now: nobody until Plaid has answered us just now."""
    moment = now()
    with actor(SYSTEM):
        stuck = OutageNotice.objects.filter(state=State.SENDING, claimed_at__lt=moment - STUCK)
        stuck.update(state=State.UNKNOWN)
        waiting = OutageNotice.objects.filter(provider=PLAID, state=State.WAITING, due_at__lte=moment)
        found = list(waiting.order_by("due_at").values_list("pk", flat=True)[:limit])
    return found if found and _answers() else []


def _answers() -> bool:
    if health(PLAID).status != "operational":
        return False
    try:
        plaid.ping()  # a breaker that nobody has used for a while knows nothing
    except (ProviderDown, ProviderUnknown):
        return False
    return True


def tell(*, notice_id: int) -> None:
    """Tell one person, if nobody else is at it; twice at a time or again later, they are told once."""
    row = _claim(notice_id)
    if row is None:
        return
    body = f"PaYa: banks can be linked again. {settings.PUBLIC_URL}/banks"
    try:
        users.text_person(user_id=row.user_id, body=body, reference=f"notice:{row.pk}")
    except ProviderDown:
        _record(row, State.WAITING, due_at=now() + min(LAST_RETRY, timedelta(seconds=2 ** min(row.attempts, 12))))
    except ProviderUnknown:
        _record(row, State.UNKNOWN)
    except ProviderRejected as error:
        log.info("notice_refused", extra={"notice": row.pk, "code": error.code})
        _record(row, State.FAILED)
    else:
        _record(row, State.SENT)


def _claim(notice_id: int) -> OutageNotice | None:
    moment = now()
    with actor(SYSTEM):
        mine = OutageNotice.objects.filter(pk=notice_id, state=State.WAITING, due_at__lte=moment)
        if mine.update(state=State.SENDING, claimed_at=moment, attempts=F("attempts") + 1) != 1:
            return None
        row = OutageNotice.objects.get(pk=notice_id)
        if row.attempts == 1:
            emit("wallet.changed", user=row.user_id, kind="link_back", ref="")
    return row


def _record(row: OutageNotice, state: str, **columns: object) -> None:
    """Only while the claim is ours: a sweep may have given it up as unknown."""
    with actor(SYSTEM):
        mine = OutageNotice.objects.filter(pk=row.pk, state=State.SENDING, attempts=row.attempts)
        mine.update(state=state, **columns)
