"""What only the sandbox has, below `/sandbox/`: the phone's messages, the bank's calendar, failures on demand."""

import re
from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from sandbox import bank, chaos, faults, house, webhooks
from sandbox.calendar import is_business_day
from sandbox.http import BadJson, read_json
from sandbox.models import Bank, Customer, Delivery, FundingSource, Item, Sms, Transfer
from sandbox.odfi import settling as odfi_settling
from sandbox.odfi.models import OdfiEntry
from sandbox.plaid import hooks
from sandbox.stripe import balance as stripe_balance
from sandbox.stripe import statement as stripe_statement
from sandbox.stripe.models import StripeIntent, StripeOutbound

FARTHEST_DAYS = 1000


class BadControl(Exception):
    """A control request that cannot be meant so; its text tells why."""


def control(view: Callable[..., dict]) -> Callable[..., HttpResponse]:
    """A POST with a JSON object; what is wrong with it is answered in words."""

    @csrf_exempt
    @wraps(view)
    def wrapped(request: HttpRequest, **kwargs: str) -> HttpResponse:
        if request.method != "POST":
            return JsonResponse({"error": "POST it"}, status=405, headers={"Allow": "POST"})
        try:
            return JsonResponse(view(read_json(request), **kwargs))
        except BadJson as error:
            return JsonResponse({"error": f"not a JSON object: {error}"}, status=400)
        except BadControl as error:
            return JsonResponse({"error": str(error)}, status=400)

    return wrapped


def _whole(body: dict, name: str, default: int | None, most: int) -> int:
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise BadControl(f"{name} must be a whole number from 0 to {most}")
    return value


def normal_phone(text: str) -> str:
    """A phone as Twilio stores it: `+` in a query string arrives as a space, so it is put back."""
    digits = re.sub(r"[^0-9]", "", text)
    return f"+{digits}" if digits else ""


def sms(request: HttpRequest) -> HttpResponse:
    """The messages sent to one phone, oldest first."""
    phone = normal_phone(request.GET.get("phone", ""))
    rows = Sms.objects.filter(to=phone).order_by("id")
    return JsonResponse({"messages": [
        {"to": row.to, "body": row.body, "sent_at": row.sent_at.isoformat()} for row in rows
    ]})


def healthz(request: HttpRequest) -> HttpResponse:
    Bank.objects.values_list("pk").get()
    return JsonResponse({"status": "ok"})


def bank_state(request: HttpRequest) -> HttpResponse:
    """The day, the Master Account's balance in cents, and how much there is of everything."""
    state = Bank.objects.get()
    by_status = dict(Transfer.objects.values_list("status").annotate(Count("id")))
    deliveries = dict(Delivery.objects.values_list("state").annotate(Count("id")))
    return JsonResponse({
        "date": state.today.isoformat(), "business_day": is_business_day(state.today),
        "master_balance": bank.master_balance().balance, "currency": "USD",
        "transfers": {name: by_status.get(name, 0) for name in ("pending", "processed", "failed", "cancelled")},
        "customers": Customer.objects.count(),
        "funding_sources": FundingSource.objects.filter(kind="bank", removed=False).count(),
        "stripe": stripe_balance.summary(),
        "odfi": {"balance": odfi_settling.balance(), "entries": OdfiEntry.objects.count()},
        "webhooks": {"mode": state.webhook_mode, **{
            name: deliveries.get(name, 0) for name in ("pending", "delivered", "failed", "skipped")
        }},
    })


@control
def bank_advance(body: dict) -> dict:
    return bank.advance(_whole(body, "business_days", 1, FARTHEST_DAYS))


@control
def bank_date(body: dict) -> dict:
    try:
        target = date.fromisoformat(body.get("date", ""))
    except (TypeError, ValueError) as error:
        raise BadControl("date must be YYYY-MM-DD") from error
    if not 2000 <= target.year <= 2100:
        raise BadControl("date must be within this century")
    if not bank.may_move_to(target):
        raise BadControl("the calendar goes back only while nothing has been transferred")
    return bank.move_to(target)


@control
def bank_book(body: dict) -> dict:
    """What moves Dwolla's balance without anybody of ours."""
    kind, text = body.get("kind"), body.get("text", "")
    if kind not in house.KINDS:
        raise BadControl(f"kind must be one of {', '.join(house.KINDS)}")
    if not isinstance(text, str) or len(text) > 100:
        raise BadControl("text must be a string")
    cents = _whole(body, "cents", None, 10**12)
    if not cents:
        raise BadControl("cents must be more than 0")
    with transaction.atomic():
        return {"transfer": house.book(kind, cents, text=text).uid, "master_balance": bank.master_balance().balance}


@control
def bank_terms(body: dict) -> dict:
    """What Dwolla takes for each transfer and pays on the balance, from now on."""
    terms = {"fee_cents": _whole(body, "fee_cents", 0, 100_00), "interest_bp": _whole(body, "interest_bp", 0, 10_000)}
    Bank.objects.update(**terms)
    return terms


@control
def bank_spoil(body: dict) -> dict:
    """Make Dwolla's or Stripe's books wrong on purpose, for tests of what compares them with ours."""
    what, uid = body.get("what"), body.get("transfer", "")
    if StripeIntent.objects.filter(uid=str(uid)).exists() or StripeOutbound.objects.filter(uid=str(uid)).exists():
        if what not in stripe_statement.MISMATCHES:
            raise BadControl(f"what must be one of {', '.join(stripe_statement.MISMATCHES)}")
        stripe_statement.spoil(str(what), str(uid))
        return {"what": what, "transfer": uid}
    if what not in house.MISMATCHES:
        raise BadControl(f"what must be one of {', '.join(house.MISMATCHES)}")
    if what != "balance" and not Transfer.objects.filter(uid=str(uid)).exists():
        raise BadControl("there is no such transfer")
    house.spoil(str(what), str(uid))
    return {"what": what, "transfer": uid}


@control
def fail(body: dict, vendor: str) -> dict:
    if "mode" not in body:
        raise BadControl("mode is required; null takes the vendor's failures back")
    mode = body["mode"]
    if mode is not None and mode not in faults.MODES:
        raise BadControl(f"mode must be null or one of {', '.join(faults.MODES)}")
    at, seconds = body.get("path", ""), body.get("seconds")
    if not isinstance(at, str) or len(at) > 200:
        raise BadControl("path must be a string")
    if seconds is not None and (not isinstance(seconds, int | float) or not 0 <= seconds <= faults.LONGEST):
        raise BadControl(f"seconds must be a number from 0 to {faults.LONGEST:.0f}")
    times = _whole(body, "times", 1, 1_000_000)
    faults.ask(vendor=vendor, mode=mode, path=at, times=times, seconds=seconds)
    return {"vendor": vendor, "mode": mode, "path": at, "times": times}


@control
def odfi_answers(body: dict) -> dict:
    mode = body.get("mode", "")
    if mode not in (None, "reject", "silent"):
        raise BadControl("mode must be null, reject or silent")
    times = _whole(body, "times", 1, 1_000_000)
    faults.ask(vendor="odfi", mode=mode, path="", times=times, seconds=None)
    return {"mode": mode, "times": times}


@control
def odfi_forget(body: dict) -> dict:
    """The bank of the files opens an empty account for us: nothing sent, nothing held, nothing on its way back."""
    odfi_settling.forget()
    return {"balance": odfi_settling.balance()}


@csrf_exempt
def weather(request: HttpRequest) -> HttpResponse:
    """What goes wrong by itself and how often: shown by a GET, set by a POST; what is not named is nothing."""
    return JsonResponse(chaos.shown()) if request.method == "GET" else _set_weather(request)


@control
def _set_weather(body: dict) -> dict:
    if set(body) - set(chaos.NAMES) or any(isinstance(each, bool) or not isinstance(each, int | float) for each in body.values()):
        raise BadControl(f"rates are numbers, and called {', '.join(chaos.NAMES)}")
    try:
        chaos.set_rates(chaos.Rates(**body) if body else chaos.CALM)
    except ValueError as error:
        raise BadControl(str(error)) from error
    return dict(chaos.shown())


@control
def plaid_login(body: dict) -> dict:
    """Let something happen to the newest login that has an account with these last four digits."""
    mask, code = body.get("mask"), body.get("code")
    if not isinstance(mask, str) or code not in hooks.WEBHOOK_TYPES:
        raise BadControl(f"mask must be a string, and code one of {', '.join(hooks.WEBHOOK_TYPES)}")
    with transaction.atomic():
        item = Item.objects.filter(accounts__number__endswith=mask, removed=False).order_by("-id").first() if mask else None
        if item is None:
            raise BadControl("there is no such login")
        hooks.fire(item, code, hooks.WEBHOOK_TYPES[code])
    return {"code": code}


@control
def webhook_mode(body: dict) -> dict:
    mode: Any = body.get("mode")
    if mode not in webhooks.MODES:
        raise BadControl(f"mode must be one of {', '.join(webhooks.MODES)}")
    return webhooks.set_mode(mode)


@control
def webhook_replay(body: dict) -> dict:
    return {"replayed": webhooks.replay(_whole(body, "last", None, 100_000))}


@csrf_exempt
def nothing_here(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"error": "no such control"}, status=404)


urlpatterns = [
    path("healthz", healthz),
    path("sms", sms),
    path("bank", bank_state),
    path("bank/advance", bank_advance),
    path("bank/date", bank_date),
    path("bank/book", bank_book),
    path("bank/terms", bank_terms),
    path("bank/spoil", bank_spoil),
    re_path(r"^(?P<vendor>dwolla|plaid|stripe|twilio)/fail$", fail),
    path("odfi/answers", odfi_answers),
    path("odfi/forget", odfi_forget),
    path("chaos", weather),
    path("plaid/logins", plaid_login),
    path("webhooks", webhook_mode),
    path("webhooks/replay", webhook_replay),
    re_path(r"^", nothing_here),
]
