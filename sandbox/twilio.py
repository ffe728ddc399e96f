"""Twilio's Messages API, below `/twilio/2010-04-01/`. What is sent lands on the sandbox's phone."""

import re
import secrets
from collections.abc import Callable
from email.utils import format_datetime
from functools import wraps
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from sandbox import faults, webhooks
from sandbox.http import basic_credentials, known
from sandbox.models import Sms

LONGEST_BODY = 1600
# Twilio's own magic numbers, usable with test credentials.
MAGIC_TO = {
    "+15005550001": (400, 21211, "Invalid 'To' Phone Number: +15005550001"),
    "+15005550002": (400, 21612, "The 'To' phone number is not currently reachable via SMS."),
    "+15005550003": (400, 21408, "Permission to send an SMS has not been enabled for the region of the 'To' number."),
    "+15005550004": (400, 21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (400, 21614, "'To' number is not a valid mobile number"),
}
MAGIC_FROM = {
    "+15005550001": (400, 21212, "The 'From' number +15005550001 is not a valid phone number."),
    "+15005550007": (400, 21606, "The 'From' number is not a valid, SMS-capable Twilio number."),
    "+15005550008": (429, 21611, "This 'From' number has exceeded the maximum number of queued messages."),
}


class TwilioError(Exception):
    """An error as Twilio words it."""

    def __init__(self, status: int, code: int, message: str) -> None:
        self.status, self.code, self.message = status, code, message

    def response(self) -> JsonResponse:
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        body = {"code": self.code, "message": self.message, "more_info": more, "status": self.status}
        return JsonResponse(body, status=self.status)


def endpoint(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Credentials, asked-for failures, and errors in Twilio's shape."""

    @csrf_exempt
    @wraps(view)
    def wrapped(request: HttpRequest, account_sid: str = "", **kwargs: str) -> HttpResponse:
        fault = faults.take("twilio", request.path.removeprefix("/twilio"), request.method or "")
        if fault and fault.mode == "timeout":
            return faults.withhold_answer(request, fault.seconds)
        try:
            if fault and fault.mode == "500":
                raise TwilioError(500, 20500, "An internal server error has occurred")
            if fault and fault.mode == "429":
                raise TwilioError(429, 20429, "Too Many Requests")
            _authenticate(request, account_sid)
            response = view(request, account_sid, **kwargs)
        except TwilioError as error:
            return error.response()
        if fault and fault.mode == "drop_after":
            return faults.withhold_answer(request, fault.seconds)
        return response

    return wrapped


def _authenticate(request: HttpRequest, account_sid: str) -> None:
    pair = basic_credentials(request)
    if pair is None or not known(pair, settings.TWILIO_CREDENTIALS):
        raise TwilioError(401, 20003, "Authenticate")
    if account_sid and account_sid != pair[0]:
        raise TwilioError(404, 20404, f"The requested resource {request.path} was not found")


@endpoint
def messages(request: HttpRequest, account_sid: str) -> HttpResponse:
    """Send one (POST) or list the newest (GET)."""
    if request.method == "GET":
        rows = Sms.objects.filter(account_sid=account_sid)
        if to := request.GET.get("To"):
            rows = rows.filter(to=to)
        shown = [_shown(row) for row in rows.order_by("-id")[:50]]
        return JsonResponse({"messages": shown, "page": 0, "page_size": 50, "next_page_uri": None,
                             "uri": request.path.removeprefix("/twilio")})
    if request.method != "POST":
        raise TwilioError(405, 20004, "Method not allowed")
    return JsonResponse(_shown(_send(request, account_sid)), status=201)


@endpoint
def message(request: HttpRequest, account_sid: str, sid: str) -> HttpResponse:
    if request.method != "GET":
        raise TwilioError(405, 20004, "Method not allowed")
    row = Sms.objects.filter(sid=sid, account_sid=account_sid).first()
    if row is None:
        raise TwilioError(404, 20404, f"The requested resource {request.path} was not found")
    return JsonResponse(_shown(row, status="delivered"))


@endpoint
def account(request: HttpRequest, account_sid: str) -> HttpResponse:
    if request.method != "GET":
        raise TwilioError(405, 20004, "Method not allowed")
    return JsonResponse({
        "sid": account_sid, "friendly_name": "PaYa", "status": "active", "type": "Full",
        "owner_account_sid": account_sid, "uri": request.path.removeprefix("/twilio"),
    })  # fmt: skip


@endpoint
def nothing_here(request: HttpRequest, account_sid: str) -> HttpResponse:
    raise TwilioError(404, 20404, f"The requested resource {request.path} was not found")


def _send(request: HttpRequest, account_sid: str) -> Sms:
    form = request.POST
    to, body = form.get("To", "").strip(), form.get("Body", "")
    sender = (form.get("From") or form.get("MessagingServiceSid") or "").strip()
    if not to:
        raise TwilioError(400, 21604, "A 'To' phone number is required.")
    if not sender:
        raise TwilioError(400, 21603, "A 'From' phone number is required.")
    if not body:
        raise TwilioError(400, 21602, "Message body is required.")
    if len(body) > LONGEST_BODY:
        raise TwilioError(400, 21617, "The concatenated message body exceeds the 1600 character limit")
    if "\x00" in to + sender + body:
        raise TwilioError(400, 21602, "Message body is invalid.")
    if to in MAGIC_TO:
        raise TwilioError(*MAGIC_TO[to])
    if sender in MAGIC_FROM:
        raise TwilioError(*MAGIC_FROM[sender])
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", to):
        raise TwilioError(400, 21211, f"Invalid 'To' Phone Number: {to[:20]}")
    if len(sender) > 64:
        raise TwilioError(400, 21212, "The 'From' number is not a valid phone number.")
    with transaction.atomic():
        row = Sms.objects.create(
            sid="SM" + secrets.token_hex(16), account_sid=account_sid, to=to, sender=sender, body=body
        )
        _queue_status(row, form.get("StatusCallback", ""))
    return row


def _queue_status(row: Sms, url: str) -> None:
    """The signed callback that the message has arrived, where one was asked for."""
    if not url.startswith(("http://", "https://")) or len(url) > 500:
        return
    token = next((token for sid, token in settings.TWILIO_CREDENTIALS if sid == row.account_sid), "")
    fields = {"AccountSid": row.account_sid, "ApiVersion": "2010-04-01", "From": row.sender, "To": row.to,
              "MessageSid": row.sid, "MessageStatus": "delivered", "SmsSid": row.sid, "SmsStatus": "delivered"}
    webhooks.queue_delivery(
        vendor="twilio", url=url, body=urlencode(fields), topic="message.delivered", signing=token
    )


def _shown(row: Sms, status: str = "queued") -> dict:
    stamp = format_datetime(row.sent_at)
    uri = f"/2010-04-01/Accounts/{row.account_sid}/Messages/{row.sid}"
    service = row.sender if row.sender.startswith("MG") else None
    return {
        "sid": row.sid, "account_sid": row.account_sid, "api_version": "2010-04-01", "body": row.body,
        "to": row.to, "from": None if service else row.sender, "messaging_service_sid": service,
        "status": status, "direction": "outbound-api", "num_segments": str(len(row.body) // 153 + 1),
        "num_media": "0", "price": None, "price_unit": "USD", "error_code": None, "error_message": None,
        "date_created": stamp, "date_updated": stamp, "date_sent": stamp if status == "delivered" else None,
        "uri": f"{uri}.json", "subresource_uris": {"media": f"{uri}/Media.json"},
    }


urlpatterns = [
    path("2010-04-01/Accounts/<str:account_sid>.json", account),
    path("2010-04-01/Accounts/<str:account_sid>/Messages.json", messages),
    path("2010-04-01/Accounts/<str:account_sid>/Messages/<str:sid>.json", message),
    re_path(r"^", nothing_here),
]
