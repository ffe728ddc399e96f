"""Dwolla's events, webhook subscriptions, the webhooks themselves, and its sandbox simulation."""

import re
import uuid

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from sandbox import bank, webhooks
from sandbox.dwolla.frame import Body, DwollaError, account_uid, created, hal, invalid, link, not_found, page
from sandbox.models import Delivery, Event, Subscription

MOST_SUBSCRIPTIONS = 10
def events_get(request: HttpRequest) -> HttpResponse:
    account = account_uid()
    rows = Event.objects.order_by("-id")
    return page(request, "events", rows, lambda row: webhooks.event_body(row, account))


def event_get(request: HttpRequest, event: str) -> HttpResponse:
    row = Event.objects.filter(uid=event.lower()).first()
    if row is None:
        raise not_found()
    return hal(webhooks.event_body(row, account_uid()))


def subscriptions_post(request: HttpRequest, body: Body) -> HttpResponse:
    url, secret = body.text("url", longest=500), body.text("secret", longest=200)
    if not re.fullmatch(r"https?://[^\s/]+\S*", url):
        raise invalid("InvalidFormat", "Invalid url.", "/url")
    if Subscription.objects.count() >= MOST_SUBSCRIPTIONS:
        raise DwollaError(400, "MaxSubscriptions", f"There are already {MOST_SUBSCRIPTIONS} subscriptions.")
    row = Subscription.objects.create(url=url, secret=secret)
    return created(f"/webhook-subscriptions/{row.uid}")


def subscriptions_get(request: HttpRequest) -> HttpResponse:
    return page(request, "webhook-subscriptions", Subscription.objects.order_by("id"), _shown_subscription)


def subscription_get(request: HttpRequest, subscription: str) -> HttpResponse:
    return hal(_shown_subscription(_subscription(subscription)))


def subscription_post(request: HttpRequest, body: Body, subscription: str) -> HttpResponse:
    """Pause or unpause. What was missed meanwhile is not sent by itself: it is listed, without attempts."""
    row = _subscription(subscription)
    if not isinstance(body.get("paused"), bool):
        raise invalid("Invalid", "paused must be true or false.", "/paused")
    row.paused = body["paused"]
    row.save(update_fields=["paused"])
    return hal(_shown_subscription(row))


def subscription_delete(request: HttpRequest, subscription: str) -> HttpResponse:
    with transaction.atomic():
        _subscription(subscription).delete()
    return hal({})


def subscription_webhooks(request: HttpRequest, subscription: str) -> HttpResponse:
    rows = Delivery.objects.filter(subscription=_subscription(subscription))
    return page(request, "webhooks", rows.select_related("event").order_by("-id"), _shown_webhook)


def webhook_get(request: HttpRequest, webhook: str) -> HttpResponse:
    return hal(_shown_webhook(_webhook(webhook)))


def retries_post(request: HttpRequest, body: Body, webhook: str) -> HttpResponse:
    row = _webhook(webhook)
    transaction.on_commit(lambda: webhooks.retry(row))
    return created(f"/webhooks/{row.uid}/retries/{uuid.uuid4()}")


def retries_get(request: HttpRequest, webhook: str) -> HttpResponse:
    row = _webhook(webhook)
    retries = [{"id": each["id"], "timestamp": each["request"]["timestamp"]} for each in row.attempts[1:]]
    return hal({"_links": {"self": link(f"/webhooks/{row.uid}/retries", "retry")},
                "_embedded": {"retries": retries}, "total": len(retries)})


def _subscription(uid: str) -> Subscription:
    row = Subscription.objects.filter(uid=uid.lower()).first()
    if row is None:
        raise not_found()
    return row


def _webhook(uid: str) -> Delivery:
    row = Delivery.objects.select_related("event").filter(uid=uid.lower(), vendor="dwolla").first()
    if row is None:
        raise not_found()
    return row


def _shown_subscription(row: Subscription) -> dict:
    at = f"/webhook-subscriptions/{row.uid}"
    return {"_links": {"self": link(at, "webhook-subscription"), "webhooks": link(f"{at}/webhooks", "webhook")},
            "id": row.uid, "url": row.url, "paused": row.paused, "created": webhooks.iso(row.created_at)}


def _shown_webhook(row: Delivery) -> dict:
    at = f"/webhooks/{row.uid}"
    event = row.event.uid if row.event else ""
    subscription = row.subscription.uid if row.subscription else ""
    return {
        "_links": {"self": link(at, "webhook"), "retry": link(f"{at}/retries", "retry"),
                   "event": link(f"/events/{event}", "event"),
                   "subscription": link(f"/webhook-subscriptions/{subscription}", "webhook-subscription")},
        "id": row.uid, "topic": row.topic, "accountId": account_uid(), "eventId": event,
        "subscriptionId": subscription, "attempts": row.attempts,
    }


def simulations_post(request: HttpRequest, body: Body) -> HttpResponse:
    """Process what is waiting, one step each, on the bank's present day."""
    settled, failed = bank.process_now()
    return hal({"_links": {"self": link("/sandbox-simulations", "sandbox-simulation")},
                "total": settled + failed})
