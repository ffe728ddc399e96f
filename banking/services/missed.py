"""What Dwolla could not tell us: a subscription that it paused, or that is gone, and events that never arrived.

Dwolla pauses a subscription that fails for long, and what happened meanwhile is not sent when it goes on. So it is
fetched from the list of events, and stored in the inbox as if it had been told: once, however often it is found. That
asks less of both sides than having each one sent again, and does not need the way that has just failed.
"""

import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from banking import rails
from banking.models import InboxEvent
from banking.rails.dwolla import Dwolla
from banking.services.inbox import Event, receive
from core.actor import SYSTEM, actor

log = logging.getLogger("paya.banking")


def catch_up() -> int:
    """See that Dwolla tells us what happens, and fetch what it has not told; how many events those were.

    Raises ProviderDown, ProviderUnknown, ProviderRejected. May run at any time and more than once at a time.
    """
    rail, url = rails.dwolla(), settings.PUBLIC_URL + "/webhooks/dwolla"
    ours = rail.subscription(url=url)
    if ours is not None and not ours.paused:
        return _fetch(rail, all_of_it=False)
    log.error("dwolla_tells_us_nothing", extra={"cause": "paused" if ours else "no subscription"})
    # Fetched before it goes on: from then on known events lie above those that were missed.
    fetched = _fetch(rail, all_of_it=True)
    if ours is None:
        rail.subscribe(url=url)
    else:
        rail.unpause(subscription=ours.id)
    return fetched + _fetch(rail, all_of_it=True)


def _fetch(rail: Dwolla, *, all_of_it: bool) -> int:
    """Store the events that are not in the inbox: all of them, or the gaps between those that have arrived.

    The end is a page on which everything is known: deliveries overtake each other by seconds, not by hundreds.
    """
    fetched = 0
    for page in rail.events():
        events = [event for row in page if (event := read(row)) is not None]
        known = _known([event.event_id for event in events])
        # While they do arrive, what is older than the oldest known one was before our time.
        last = max((place for place, event in enumerate(events) if event.event_id in known), default=-1)
        new = [event for place, event in enumerate(events) if event.event_id not in known and (all_of_it or place < last)]
        with actor(SYSTEM):
            fetched += sum(receive(event) for event in reversed(new))
        if not new or not all_of_it:
            break
    if fetched:
        log.info("missed_events_fetched", extra={"count": fetched})
    return fetched


def _known(ids: list[str]) -> set[str]:
    with actor(SYSTEM):
        return set(InboxEvent.objects.filter(provider="dwolla", event_id__in=ids).values_list("event_id", flat=True))


# ---------------------------------------------------------------------------------------------------- reading one
def read(body: Mapping[str, Any]) -> Event | None:
    """An event of Dwolla's, as a webhook and its list show it; None for what has no id or topic.

    Of its content only ids are kept. It carries its time as `timestamp` or `created`, of which neither is needed.
    """
    links = _part(body, "_links")
    event_id, topic = text(body, "id"), text(body, "topic")
    if not event_id or not topic:
        return None
    content = {
        "resource_id": text(body, "resourceId") or _last(text(_part(links, "resource"), "href")),
        "correlation_id": text(body, "correlationId"),
        "customer_id": _last(text(_part(links, "customer"), "href")),
    }
    return Event("dwolla", event_id, topic, content)


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def text(body: Mapping[str, Any], name: str) -> str:
    """A short string; anything else counts as missing."""
    value = body.get(name)
    return value if isinstance(value, str) and len(value) <= 200 and value.isprintable() else ""


def _last(href: str) -> str:
    """The id at the end of an address."""
    return href.rstrip("/").rpartition("/")[2]
