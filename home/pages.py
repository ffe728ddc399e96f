"""Pages that combine rooms: landing, home and settings. Nothing is decided here."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from banking.queries import has_bank, pending_for
from compliance.queries import unread_letters
from core.actor import actor
from core.errors import PayaError
from core.pages import form_errors, login_required, session_of
from payments.pages import with_times
from payments.queries import feed_page
from privacy.services.closing import closing_of
from transparency import dashboard
from users import services as users
from users.models import User
from users.queries import phone_hint
from wallets import queries as wallets
from wallets.api import balance_of
from wallets.services import Freeze


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """The landing page for strangers, home for people."""
    if request.person is not None:  # type: ignore[attr-defined]
        return home(request)
    page = feed_page(limit=12)
    return render(request, "home/landing.html", {**page, "feed": with_times(page["feed"]), "figures": dashboard.live()})


@login_required
def home(request: HttpRequest) -> HttpResponse:
    user_id = session_of(request).user_id
    with actor(user_id):
        wallet = wallets.wallet(user_id)
        pending = pending_for(user_id)
        linked = has_bank(user_id)
        unread = unread_letters(user_id)
        outstanding = users.outstanding_terms(user_id=user_id)
    page = feed_page(limit=20)
    context = {
        "wallet": balance_of(wallet),
        "frozen_reason": wallet.frozen_reason if wallet.frozen else "",
        "can_receive": wallet.frozen < Freeze.ALL,
        "closing": wallet.frozen > Freeze.NONE and closing_of(user_id=user_id) is not None,
        "owed": wallet.owed,
        "pending": pending,
        "unread": unread,
        "outstanding": outstanding,
        **page,
        "feed": with_times(page["feed"]),
        "next_step": _next_step(linked, wallet.available, bool(pending)),
    }
    return render(request, "home/home.html", context)


def _next_step(linked: bool, available: int, pending: bool) -> str | None:
    if available > 0 or pending:
        return None
    return "load" if linked else "link_bank"


@require_http_methods(["GET", "POST"])
@login_required
def settings(request: HttpRequest) -> HttpResponse:
    user_id = session_of(request).user_id
    errors: dict[str, str] = {}
    values: dict[str, Any] = {name: request.POST.get(name, "") for name in ("display_name", "default_visibility")}
    if request.method == "POST":
        try:
            users.update_profile(user_id=user_id, **values)
            messages.success(request, "Saved.")
            return redirect("/settings")
        except PayaError as error:
            errors = form_errors(error)
    with actor(user_id):
        user = User.objects.select_related("profile").get(pk=user_id)
        hint = phone_hint(user_id=user_id)
        unread = unread_letters(user_id)
    if request.method == "GET":
        values = {"display_name": user.profile.display_name, "default_visibility": user.default_visibility}
    context = {"values": values, "errors": errors, "phone_hint": hint, "unread": unread}
    return render(request, "home/settings.html", context, status=400 if errors else 200)
