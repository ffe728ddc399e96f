"""Paying on pages: the form, its fragments, the receipt, and the public feed."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from compliance.origin import origin_of
from core import clock, idempotency
from core.actor import actor
from core.api import has_control, is_visible, page_params
from core.errors import IdempotencyKeyReused, PayaError, ValidationError
from core.money import MAX_AMOUNT, format_usd, parse_usd
from core.pages import form_errors, login_required, session_of
from payments import queries, services
from payments.api import NOTE_MAX
from payments.errors import NotHeld
from payments.models import Visibility
from users.models import Profile
from users.queries import default_visibility, profile_by_username, search
from wallets import queries as wallets


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def pay(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _form(request, {"to": request.GET.get("to", "")[:30], "amount": request.GET.get("amount", "")[:15]}, {})
    values = {name: request.POST.get(name, "") for name in ("to", "amount", "note", "visibility", "key")}
    try:
        checked = _checked(values)
        session = session_of(request)
        answer = services.pay(payer_id=session.user_id, origin=origin_of(request, session), **checked)
    except IdempotencyKeyReused as error:
        # Back from the receipt, changed and sent again: that is a second payment, so it is asked about.
        again = {"__all__": "You have already sent this form. To make another payment, press the button again."}
        return _form(request, {**values, "key": ""}, again, status=error.status)
    except PayaError as error:
        return _form(request, values, form_errors(error), status=error.status)
    # The receipt is a page of its own: reloading it, or coming back to it, pays nothing.
    return redirect(f"/payments/{answer.body['id']}?paid=1")


def _checked(values: dict[str, str]) -> dict[str, Any]:
    """The form's shape: sentences for what is no amount, no note or no choice. Decisions are the service's."""
    problems: dict[str, str] = {}
    amount = parse_usd(values["amount"])
    if amount is None:
        problems["amount"] = "Type an amount like 25 or 25.75."
    elif not 0 < amount <= MAX_AMOUNT:
        problems["amount"] = "The amount must be above zero." if amount == 0 else "That is more than we can move."
    to = values["to"].strip().removeprefix("@")
    if not to:
        problems["to"] = "Whom do you want to pay? Type their @username."
    note = values["note"].strip()
    if len(note) > NOTE_MAX:
        problems["note"] = f"A note has at most {NOTE_MAX} characters; this one has {len(note)}."
    elif has_control(note) or (note and not is_visible(note)):
        problems["note"] = "The note holds characters that cannot be shown."
    if values["visibility"] not in Visibility.values:
        problems["visibility"] = "Choose who sees it."
    if problems:
        raise ValidationError(fields=problems)
    key = idempotency.check_key(values["key"])
    return {"to": to[:30], "amount": amount, "note": note, "visibility": values["visibility"], "key": key}


def _form(request: HttpRequest, values: dict[str, str], errors: dict[str, str], status: int = 200) -> HttpResponse:
    user_id = session_of(request).user_id
    with actor(user_id):
        held = wallets.wallet(user_id)
        default = default_visibility(user_id=user_id)
        payee = _payee(user_id, values["to"]) if values["to"] else {}
    values = {**values, "visibility": values.get("visibility") or default or ""}
    # A refused payment keeps its key: had it gone through after all, the second try replays it.
    context = {"values": values, "errors": errors, "held": held, "key": values.get("key") or uuid4().hex, **payee}
    return render(request, "payments/pay.html", context, status=status)


def _payee(user_id: int, typed: str) -> dict[str, Any]:
    profile = profile_by_username(username=typed)
    if profile is None:
        return {"payee": None, "error": "Nobody here has that @username." if typed.strip("@ ") else ""}
    if profile.user_id == user_id:
        return {"payee": None, "error": "That is you."}
    if not queries.may_be_paid(profile.user_id):
        return {"payee": None, "error": f"@{profile.username} cannot be paid at the moment."}
    return {
        "payee": {"username": profile.username, "display_name": profile.display_name},
        "never_paid": not queries.has_paid(user_id, profile.user_id),
        "joined_words": _joined(profile),
    }


def _joined(profile: Profile) -> str:
    days = (clock.now() - profile.created_at).days
    if days < 1:
        return "Joined today"
    if days < 60:
        return f"Joined {days} day{'' if days == 1 else 's'} ago"
    return f"Joined in {profile.created_at.astimezone(UTC):%B %Y}"


@require_safe
@login_required
def payee(request: HttpRequest) -> HttpResponse:
    user_id = session_of(request).user_id
    with actor(user_id):
        context = _payee(user_id, request.GET.get("to", "")[:30])
    return render(request, "payments/_payee.html", context)


@require_safe
@login_required
def people(request: HttpRequest) -> HttpResponse:
    user_id = session_of(request).user_id
    query = request.GET.get("q", "").strip().removeprefix("@")[:20]
    with actor(user_id):
        found = [profile for profile in search(prefix=query, limit=6) if profile.user_id != user_id] if query else []
    shown = [{"username": profile.username, "display_name": profile.display_name} for profile in found]
    return render(request, "payments/_people.html", {"people": shown})


@require_safe
@login_required
def detail(request: HttpRequest, payment: str) -> HttpResponse:
    user_id = session_of(request).user_id
    with actor(user_id):
        row = queries.payment(user_id, payment)
        # What went back has changed no balance, and is in no feed.
        went = row.status not in ("denied", "cancelled")
        balance = queries.balance_after(user_id, row) if went else None
    outgoing = row.payer_id == user_id
    # `paid=1` congratulates for some minutes only, so that an old link does not look like a new payment.
    fresh = (clock.now() - row.created_at).total_seconds() < 600
    context = {
        "payment": row.as_json() | {"created_at": row.created_at},
        "direction": "out" if outgoing else "in",
        "just_now": outgoing and fresh and request.GET.get("paid") == "1",
        "balance_after": balance,
        "went": went,
        "can_make_private": went and row.visibility == Visibility.PUBLIC,
    }
    return render(request, "payments/detail.html", context)


@require_POST
@login_required
def make_private(request: HttpRequest, payment: str) -> HttpResponse:
    services.make_private(user_id=session_of(request).user_id, payment=payment)
    return redirect(f"/payments/{payment}")


@require_POST
@login_required
def cancel(request: HttpRequest, payment: str) -> HttpResponse:
    with suppress(NotHeld):  # its page says what became of it
        services.cancel_held(user_id=session_of(request).user_id, payment=payment)
    return redirect(f"/payments/{payment}")


@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    before, limit = page_params(request.GET)
    page = queries.feed_page(before=before, limit=limit)
    return render(request, "payments/feed.html", {**page, "feed": with_times(page["feed"])})


def with_times(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Feed items with times that templates can format."""
    return [item | {"created_at": datetime.fromisoformat(item["created_at"])} for item in items]


def words(user_id: int, kind: str, ref: str) -> dict[str, str] | None:
    """What a person is told, live, about a payment of theirs."""
    row = queries.payment(user_id, ref)
    if kind == "payment_denied":
        return {"text": f"A payment of {format_usd(row.amount)} did not go through.", "url": f"/payments/{ref}"}
    if kind == "payment_cancelled":
        return {"text": f"A payment of {format_usd(row.amount)} was cancelled.", "url": f"/payments/{ref}"}
    if kind == "payment_received":
        note = f": {row.note}" if row.note else ""
        return {"text": f"{row.sender['display_name']} paid you {format_usd(row.amount)}{note}", "url": f"/payments/{ref}"}
    return None
