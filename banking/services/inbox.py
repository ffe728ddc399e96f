"""What vendors tell us: stored once, answered, and acted upon afterwards by asking the vendor.

A message is a reason to look and no more. Repeated or late ones end in the same balances, because what is looked
up is the present state and the table of legal moves decides.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F

from banking.errors import AmountMismatch
from banking.models import InboxEvent
from banking.services import accounts, customers, transfers, upkeep
from banking.services.topics import About, about, told
from core.actor import SYSTEM, actor
from core.clock import now
from core.errors import IdempotencyInProgress
from core.outbox import emit
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown

log = logging.getLogger("paya.banking")
LEASE = timedelta(seconds=60)
FIRST_RETRY, LAST_RETRY = timedelta(seconds=1), timedelta(minutes=10)
# A message can be faster than our own record of what it is about; after these tries it is about nothing of ours.
UNMATCHED_TRIES = 8


@dataclass(frozen=True)
class Event:
    """A verified message: who sent it, its id there, and of its content only what is needed to look things up."""

    provider: str
    event_id: str
    topic: str
    content: Mapping[str, str]


def receive(event: Event) -> bool:
    """Store a message and wake somebody for it; False when it was stored before."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "select banking_receive(%s, %s, %s, %s)",
            [event.provider, event.event_id, event.topic, json.dumps(event.content)],
        )
        stored = cursor.fetchone()[0]
        if stored is not None:
            emit("bank_inbox.due", event=stored)
    return stored is not None


def news(*, event_ids: Sequence[int]) -> list[int]:
    """Those of these messages that somebody has to act on; what tells nothing new is done with, all in one transaction."""
    with actor(SYSTEM):
        due = InboxEvent.objects.select_for_update(skip_locked=True).filter(pk__in=event_ids, due_at__lte=now())
        events = list(due.filter(processed_at=None).order_by("pk"))
        known = {event.pk for event in _known(events)}
        if known:
            seen = InboxEvent.objects.filter(pk__in=known)
            seen.update(processed_at=now(), due_at=None, outcome="done", attempts=F("attempts") + 1)
    return [event.pk for event in events if event.pk not in known]


def process(*, event_id: int) -> None:
    """Act on a stored message; repeats and races harmlessly."""
    event = _claim(event_id)
    if event is None:
        return
    try:
        outcome = _act(event)
    except (ProviderDown, ProviderUnknown, IdempotencyInProgress) as error:
        _later(event, str(error))
        return
    except ProviderRejected as error:
        outcome = f"refused: {error.code}"
    except AmountMismatch as error:
        # Kept with what is wrong; the log has shouted. Looking again would find the same.
        outcome = f"mismatch: {error}"
    if outcome == "unmatched" and event.attempts < UNMATCHED_TRIES:
        _later(event, outcome)
        return
    if outcome == "unmatched":
        log.warning("inbox_unmatched", extra={"provider": event.provider, "event": event.event_id, "topic": event.topic})
    with actor(SYSTEM):
        _done(event, outcome)


def _claim(event_id: int) -> InboxEvent | None:
    """Take a message that is due for a lease's length. One that tells nothing new is done with that."""
    moment = now()
    with actor(SYSTEM):
        due = InboxEvent.objects.select_for_update(skip_locked=True).filter(pk=event_id, due_at__lte=moment)
        event = due.filter(processed_at=None).first()
        if event is None:
            return None
        event.attempts += 1
        if _known([event]):
            _done(event, "done", attempts=event.attempts)
            return None
        InboxEvent.objects.filter(pk=event.pk).update(due_at=moment + LEASE * min(event.attempts, 60), attempts=event.attempts)
    return event


def _known(events: Sequence[InboxEvent]) -> list[InboxEvent]:
    """Those of them that tell of a transfer what our own record has already: each is told of four times."""
    tells = [(event, told(event.topic), json.loads(event.body).get("resource_id", "")) for event in events
             if about(event.provider, event.topic) is About.TRANSFER]  # fmt: skip
    ours = transfers.statuses([resource for _, far, resource in tells if far and resource])
    return [event for event, far, resource in tells if far and ours.get((event.provider, resource)) in transfers.HELD[far]]


def _done(event: InboxEvent, outcome: str, **columns: Any) -> None:
    InboxEvent.objects.filter(pk=event.pk).update(processed_at=now(), due_at=None, outcome=outcome, **columns)


def _later(event: InboxEvent, outcome: str) -> None:
    due_at = now() + min(LAST_RETRY, FIRST_RETRY * 2 ** min(event.attempts - 1, 12))
    with actor(SYSTEM):
        InboxEvent.objects.filter(pk=event.pk, processed_at=None).update(due_at=due_at, outcome=outcome)


def _act(event: InboxEvent) -> str:
    content: dict[str, Any] = json.loads(event.body)
    resource = content.get("resource_id", "")
    subject = about(event.provider, event.topic)
    match subject:
        case About.TRANSFER if resource:
            key = _uuid(content.get("correlation_id", ""))
            return "done" if transfers.heard_of(rail=event.provider, external_id=resource, key=key) else "unmatched"
        case About.BANK if resource:
            return "done" if accounts.check_bank(rail=event.provider, source=resource) else "ignored"
        case About.CUSTOMER if customer := content.get("customer_id", "") or resource:
            return "done" if customers.check(rail=event.provider, customer=customer) else "ignored"
        case About.LOGIN if content.get("item_id"):
            account = content.get("account_id", "")
            heard = upkeep.heard_of(topic=event.topic, item_id=content["item_id"], account_id=account)
            return "done" if heard else "ignored"
        case About.OURSELVES:
            log.error("rail_warns_us", extra={"provider": event.provider, "topic": event.topic, "event": event.event_id})
            return "staff are told"
        case About.UNKNOWN:
            log.warning("inbox_unknown_topic", extra={"provider": event.provider, "topic": event.topic})
            return "unknown topic"
    return "ignored"


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def due(*, limit: int = 200) -> list[int]:
    """Messages whose time has come, to be woken now."""
    moment = now()
    with actor(SYSTEM):
        rows = InboxEvent.objects.filter(transfers.to_wake(moment), processed_at=None).order_by("due_at")
        found = list(rows.values_list("pk", flat=True)[:limit])
        InboxEvent.objects.filter(pk__in=found).update(woken_at=moment)
    return found
