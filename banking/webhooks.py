"""Where vendors tell us things. Verified on the raw bytes, stored once, answered; acted upon afterwards.

Of each message only ids and its topic are kept: some carry tokens or a phone number, which have no place here.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from twilio.request_validator import RequestValidator

from banking import plaid, rails
from banking.services import missed
from banking.services.inbox import Event, receive
from banking.services.missed import text as _text
from core.errors import Forbidden, NotFound, ServiceUnavailable, ValidationError
from core.resilience import ProviderDown, ProviderUnknown

Verify = Callable[[HttpRequest], Event]


class WrongSignature(Forbidden):
    code, title = "wrong_signature", "This is not signed by the vendor"
    detail = "The signature does not belong to this body."


def _endpoint(verify: Verify) -> Callable[[HttpRequest], HttpResponse]:
    @csrf_exempt
    @require_POST
    def view(request: HttpRequest) -> HttpResponse:
        receive(verify(request))
        return HttpResponse(status=202)

    return view


def _dwolla(request: HttpRequest) -> Event:
    if not settings.DWOLLA_WEBHOOK_SECRET:
        raise NotFound
    if not rails.dwolla().verify_webhook(body=request.body, headers=request.headers):
        raise WrongSignature
    event = missed.read(_json(request.body))
    if event is None:
        raise ValidationError(fields={"id": "An event has an id and a topic."})
    return event


def _plaid(request: HttpRequest) -> Event:
    if not settings.PLAID_CLIENT_ID:
        raise NotFound
    try:
        claims = plaid.verify_webhook(body=request.body, headers=request.headers)
    except (ProviderDown, ProviderUnknown) as error:
        raise ServiceUnavailable(retry_after=30) from error  # the key could not be fetched: Plaid sends it again
    if claims is None:
        raise WrongSignature
    body = _json(request.body)
    # Plaid's messages have no id; the same content signed at another time may be news.
    event_id = hashlib.sha256(request.body).hexdigest() + f":{claims['iat']}"
    topic = f"{_required(body, 'webhook_type')}.{_required(body, 'webhook_code')}"
    return Event("plaid", event_id, topic, {"item_id": _text(body, "item_id"), "account_id": _text(body, "account_id")})


def _twilio(request: HttpRequest) -> Event:
    if not settings.TWILIO_AUTH_TOKEN:
        raise NotFound
    params = request.POST.dict()
    url = settings.PUBLIC_URL + request.get_full_path()
    signature = request.headers.get("X-Twilio-Signature", "")
    if not RequestValidator(settings.TWILIO_AUTH_TOKEN).validate(url, params, signature):
        raise WrongSignature
    sid, status = _required(params, "MessageSid"), _required(params, "MessageStatus")
    return Event("twilio", f"{sid}:{status}", f"message.{status}", {"message_sid": sid, "error": _text(params, "ErrorCode")})


def _stripe(request: HttpRequest) -> Event:
    if not settings.STRIPE_SECRET_KEY or not settings.STRIPE_WEBHOOK_SECRETS:
        raise NotFound
    if not rails.rail("stripe").verify_webhook(body=request.body, headers=request.headers):
        raise WrongSignature
    from banking.rails.stripe import subject_of  # slow to import, and there now

    body = _json(request.body)
    subject = dict(zip(("resource_id", "correlation_id"), subject_of(body), strict=True))
    content = {name: _text(subject, name) for name in subject}
    return Event("stripe", _required(body, "id"), _required(body, "type"), content)


def _json(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ValidationError("The body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise ValidationError("The body must be a JSON object.")
    return body


def _required(body: dict[str, Any], name: str) -> str:
    value = _text(body, name)
    if not value:
        raise ValidationError(fields={name: "This is missing."})
    return value


dwolla, plaid_, twilio, stripe_ = _endpoint(_dwolla), _endpoint(_plaid), _endpoint(_twilio), _endpoint(_stripe)
