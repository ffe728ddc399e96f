"""Stripe's events, and the endpoints they are sent to."""

import json
import re
from datetime import datetime

from django.conf import settings

from sandbox import bank, webhooks
from sandbox.stripe.frame import API_VERSION, PAGING, Form, invalid, missing, no_such, page, unix
from sandbox.stripe.models import StripeEndpoint, StripeEvent, StripeVault, new_id

MOST_ENDPOINTS = 16


def publish(topic: str, subject: dict, at: datetime) -> None:
    """Record one event with its object as it is now, and queue it for every endpoint that wants it."""
    uid = new_id("evt")
    body = {
        "id": uid, "object": "event", "api_version": API_VERSION, "created": unix(at), "livemode": False,
        "type": topic, "data": {"object": subject}, "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
    }
    StripeEvent.objects.create(uid=uid, topic=topic, body=body, created_at=at)
    for endpoint in StripeEndpoint.objects.all():
        if {"*", topic} & set(endpoint.topics):
            webhooks.queue_delivery(
                vendor="stripe", url=endpoint.url, body=json.dumps(body), topic=topic, signing=endpoint.uid
            )


def open_for_business() -> None:
    """The FinancialAccount, and the product's own endpoint, which follows a changed address or secret."""
    StripeVault.objects.get_or_create(pk=1, defaults={"uid": new_id("fa"), "created_at": bank.now()})
    if settings.STRIPE_WEBHOOK_SECRETS:
        StripeEndpoint.objects.update_or_create(
            automatic=True,
            defaults={"url": settings.STRIPE_WEBHOOK_URL, "secrets": settings.STRIPE_WEBHOOK_SECRETS, "topics": ["*"]},
            create_defaults={
                "url": settings.STRIPE_WEBHOOK_URL, "secrets": settings.STRIPE_WEBHOOK_SECRETS, "topics": ["*"],
                "uid": new_id("we"), "created_at": bank.now(),
            },
        )


# --- endpoints ---------------------------------------------------------------------------------------------

def endpoints_post(form: Form) -> dict:
    """A new endpoint; its secret is told in this answer and never again."""
    form.only("url", "enabled_events", "api_version", "description", "metadata")
    url, topics = form.text("url", required=True), form.texts("enabled_events")
    if not topics:
        raise missing("enabled_events")
    if not re.fullmatch(r"https?://[^\s/]+\S*", url):
        raise invalid("Invalid URL: An explicit scheme (such as https) must be provided.", "url", "url_invalid")
    if StripeEndpoint.objects.count() >= MOST_ENDPOINTS:
        raise invalid(f"You have reached the maximum of {MOST_ENDPOINTS} webhook endpoints.", "url")
    secret = new_id("whsec")
    row = StripeEndpoint.objects.create(
        uid=new_id("we"), url=url, secrets=[secret], topics=topics, created_at=bank.now()
    )
    return {**_shown_endpoint(row), "secret": secret}


def endpoints_get(form: Form) -> dict:
    form.only(*PAGING)
    return page(form, "/v1/webhook_endpoints", StripeEndpoint.objects.all(), _shown_endpoint)


def endpoint_get(form: Form, endpoint: str) -> dict:
    return _shown_endpoint(_endpoint(endpoint))


def endpoint_delete(form: Form, endpoint: str) -> dict:
    _endpoint(endpoint).delete()
    return {"id": endpoint, "object": "webhook_endpoint", "deleted": True}


def _endpoint(uid: str) -> StripeEndpoint:
    row = StripeEndpoint.objects.filter(uid=uid).first()
    if row is None:
        raise no_such("webhook endpoint", uid)
    return row


def _shown_endpoint(row: StripeEndpoint) -> dict:
    return {"id": row.uid, "object": "webhook_endpoint", "url": row.url, "enabled_events": row.topics,
            "status": "enabled", "api_version": API_VERSION, "created": unix(row.created_at), "livemode": False,
            "metadata": {}}


# --- events ------------------------------------------------------------------------------------------------

def events_get(form: Form) -> dict:
    form.only(*PAGING, "type", "types")
    rows = StripeEvent.objects.all()
    if topics := [form.text("type", longest=60)] if form.has("type") else form.texts("types"):
        rows = rows.filter(topic__in=topics)
    return page(form, "/v1/events", rows, lambda row: row.body)


def event_get(form: Form, event: str) -> dict:
    row = StripeEvent.objects.filter(uid=event).first()
    if row is None:
        raise no_such("event", event)
    return row.body
