"""Webhooks of all vendors: queued in the transaction of what they tell, sent by one thread, retried until taken.

A delivery counts when the receiver answers 2xx within ten seconds. Up to ten go out at once, so their order is
not kept, as with the real vendors. What was not delivered is sent again after a restart.
"""

import base64
import hashlib
import hmac
import json
import logging
import queue
import threading
import time
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

import jwt
import requests
from django.conf import settings
from django.db import close_old_connections, transaction
from django.utils import timezone

from sandbox import chaos
from sandbox.models import Bank, Customer, Delivery, Event, Subscription, Transfer, new_uid
from sandbox.stripe.signing import signature as stripe_signature

log = logging.getLogger(__name__)

MODES = ("on", "paused", "duplicate", "reverse", "discard")
RETRY_SECONDS = (1, 2, 5, 15, 60, 300, 900, 3600)
TIMEOUT_SECONDS = 10
PARALLEL = 10

_wake = threading.Event()
_outbox: queue.SimpleQueue[int] = queue.SimpleQueue()
_in_flight: set[int] = set()
_in_flight_lock = threading.Lock()


# --- queueing ----------------------------------------------------------------------------------------------

def publish(
    *, topic: str, resource: str, at: datetime, customer: Customer | None = None, transfer: Transfer | None = None
) -> None:
    """Record one Dwolla event and queue it for every subscription. `resource` is a path below /dwolla."""
    event = Event.objects.create(
        topic=topic,
        resource=resource,
        customer_uid=customer.uid if customer else "",
        correlation_id=transfer.correlation_id if transfer else "",
        created_at=at,
    )
    subscriptions = list(Subscription.objects.all())
    if not subscriptions:
        return
    body = json.dumps(event_body(event, Bank.objects.only("account_uid").get().account_uid))
    for subscription in subscriptions:
        queue_delivery(
            vendor="dwolla", url=subscription.url, body=body, topic=topic, event=event, subscription=subscription,
            state="skipped" if subscription.paused else "pending",
        )


def queue_delivery(
    *, vendor: str, url: str, body: str, topic: str, signing: str = "", event: Event | None = None,
    subscription: Subscription | None = None, state: str = "pending",
) -> Delivery:
    """Put one webhook in the queue; it leaves once the surrounding transaction has committed."""
    delivery = Delivery.objects.create(
        vendor=vendor, url=url, body=body, topic=topic, signing=signing, event=event, subscription=subscription,
        state=state, due_at=timezone.now(),
    )
    transaction.on_commit(_wake.set)
    return delivery


def event_body(event: Event, account_uid: str) -> dict:
    """A Dwolla event as the API and the webhook show it; it carries both spellings of its time."""
    base = f"{settings.SANDBOX_URL}/dwolla"
    stamp = iso(event.created_at)
    links = {
        "self": {"href": f"{base}/events/{event.uid}"},
        "account": {"href": f"{base}/accounts/{account_uid}"},
        "resource": {"href": f"{base}{event.resource}"},
    }
    if event.customer_uid:
        links["customer"] = {"href": f"{base}/customers/{event.customer_uid}"}
    body = {
        "id": event.uid, "resourceId": event.resource.rsplit("/", 1)[-1], "topic": event.topic,
        "timestamp": stamp, "created": stamp, "_links": links,
    }
    if event.correlation_id:
        body["correlationId"] = event.correlation_id
    return body


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


# --- control -----------------------------------------------------------------------------------------------

def set_mode(mode: str) -> dict:
    """Switch how webhooks are sent. `discard` drops what is queued, as if delivered, and switches back on."""
    with transaction.atomic():
        discarded = 0
        if mode == "discard":
            waiting = Delivery.objects.filter(state="pending")
            discarded = waiting.update(state="delivered")
            mode = "on"
        Bank.objects.update(webhook_mode=mode)
        if mode != "paused":
            Delivery.objects.filter(state="pending").update(due_at=timezone.now())
    _wake.set()
    return {"mode": mode, "discarded": discarded, "pending": Delivery.objects.filter(state="pending").count()}


def replay(last: int) -> int:
    """Send the last deliveries again, whatever became of them."""
    with transaction.atomic():
        ids = list(Delivery.objects.order_by("-id").values_list("id", flat=True)[:last])
        Delivery.objects.filter(id__in=ids).update(state="pending", tries=0, due_at=timezone.now())
    _wake.set()
    return len(ids)


def retry(delivery: Delivery) -> None:
    """Send one delivery again now."""
    Delivery.objects.filter(pk=delivery.pk).update(state="pending", due_at=timezone.now())
    _wake.set()


def newest_id() -> int:
    return Delivery.objects.order_by("-id").values_list("id", flat=True).first() or 0


def wait_for_first_attempts(after_id: int, seconds: float = 5.0) -> dict[str, int]:
    """Give what was queued after `after_id` its first attempt, then tell how much of it was taken."""
    queued = Delivery.objects.filter(id__gt=after_id)
    deadline = time.monotonic() + seconds
    _wake.set()
    while time.monotonic() < deadline:
        if Bank.objects.filter(webhook_mode="paused").exists():
            break
        if not queued.filter(state="pending", tries=0).exists():
            break
        time.sleep(0.02)
    return {
        "delivered": queued.filter(state="delivered").count(),
        "pending": queued.filter(state="pending").count(),
    }


# --- sending -----------------------------------------------------------------------------------------------

def start_delivering() -> None:
    """Start the threads of this process, and give everything undelivered a new chance."""
    with transaction.atomic():
        undelivered = Delivery.objects.filter(state__in=("pending", "failed"))
        undelivered.update(state="pending", tries=0, due_at=timezone.now())
    threading.Thread(target=_dispatch, name="webhook-dispatch", daemon=True).start()
    for number in range(PARALLEL):
        threading.Thread(target=_send_from_outbox, name=f"webhook-send-{number}", daemon=True).start()


def _dispatch() -> None:
    while True:
        _wake.wait(timeout=0.5)
        _wake.clear()
        try:
            _dispatch_due()
        except Exception:
            log.exception("webhook dispatch failed")
            close_old_connections()
            time.sleep(1)


def _dispatch_due() -> None:
    mode = Bank.objects.values_list("webhook_mode", flat=True).get()
    if mode == "paused":
        return
    with _in_flight_lock:
        busy = set(_in_flight)
    due = Delivery.objects.filter(state="pending", due_at__lte=timezone.now()).order_by("id")
    ids = [pk for pk in due.values_list("id", flat=True)[:500] if pk not in busy]
    if mode == "reverse":  # one by one, or the order would be up to the threads
        for pk in reversed(ids):
            _send(pk, mode)
        return
    with _in_flight_lock:
        _in_flight.update(ids)
    for pk in ids:
        _outbox.put(pk)


def _send_from_outbox() -> None:
    while True:
        pk = _outbox.get()
        try:
            _send(pk, Bank.objects.values_list("webhook_mode", flat=True).get())
        except Exception:
            log.exception("webhook %s could not be sent", pk)
            close_old_connections()
            time.sleep(1)
        finally:
            with _in_flight_lock:
                _in_flight.discard(pk)


def _send(pk: int, mode: str) -> None:
    delivery = Delivery.objects.select_related("subscription").filter(pk=pk, state="pending").first()
    if delivery is None or mode == "paused":
        return
    weather, seconds = chaos.of_webhook(first_time=delivery.tries == 0)
    if weather == "lost":
        Delivery.objects.filter(pk=pk).update(state="delivered")
        return
    if weather == "late":
        Delivery.objects.filter(pk=pk).update(tries=1, due_at=timezone.now() + timedelta(seconds=seconds))
        return
    attempt, delivered = _post(delivery)
    if mode == "duplicate" or chaos.again():
        _post(delivery)
    was_due = delivery.due_at
    with transaction.atomic():
        delivery.refresh_from_db(fields=["state", "attempts", "tries", "due_at"])
        delivery.attempts = [*delivery.attempts, attempt][-10:]
        if delivery.due_at != was_due:
            pass  # asked for once more meanwhile: it goes out again, whatever became of this time
        elif delivered:
            delivery.state = "delivered"
        elif delivery.tries < len(RETRY_SECONDS):
            delivery.due_at = timezone.now() + timedelta(seconds=RETRY_SECONDS[delivery.tries])
        else:
            delivery.state = "failed"
        delivery.tries += 1
        delivery.save(update_fields=["attempts", "state", "due_at", "tries"])


_local = threading.local()


def _post(delivery: Delivery) -> tuple[dict, bool]:
    """One attempt over the wire: what Dwolla's API tells of it, and whether the receiver took it."""
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
        _local.session.trust_env = False
    body = delivery.body.encode()
    headers = {"User-Agent": "paya-sandbox", **_signature_headers(delivery, body)}
    request = {"timestamp": iso(timezone.now()), "url": delivery.url, "body": delivery.body,
               "headers": [{"name": name, "value": value} for name, value in headers.items()]}
    response: dict = {}
    delivered = False
    try:
        answer = _local.session.post(
            delivery.url, data=body, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False
        )
        delivered = 200 <= answer.status_code < 300
        response = {"timestamp": iso(timezone.now()), "statusCode": answer.status_code, "headers": [],
                    "body": answer.text[:500]}
    except (requests.RequestException, UnicodeError) as error:
        log.debug("webhook %s: %s", delivery.uid, error)
    return {"id": new_uid(), "request": request, "response": response}, delivered


def _signature_headers(delivery: Delivery, body: bytes) -> dict[str, str]:
    if delivery.vendor == "dwolla":
        secret = delivery.subscription.secret if delivery.subscription else ""
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return {"Content-Type": "application/json", "X-Dwolla-Topic": delivery.topic,
                "X-Request-Signature-SHA-256": digest}
    if delivery.vendor == "plaid":
        return {"Content-Type": "application/json", "Plaid-Verification": _plaid_jwt(body)}
    if delivery.vendor == "stripe":
        return {"Content-Type": "application/json; charset=utf-8",
                "Stripe-Signature": stripe_signature(delivery.signing, body)}
    pairs = sorted(parse_qsl(delivery.body, keep_blank_values=True))
    signed = delivery.url + "".join(name + value for name, value in pairs)
    code = base64.b64encode(hmac.new(delivery.signing.encode(), signed.encode(), hashlib.sha1).digest())
    return {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "X-Twilio-Signature": code.decode()}


def _plaid_jwt(body: bytes) -> str:
    bank = Bank.objects.get()
    claims = {"iat": int(time.time()), "request_body_sha256": hashlib.sha256(body).hexdigest()}
    return jwt.encode(claims, bank.plaid_key_pem, algorithm="ES256", headers={"kid": bank.plaid_key_id})
