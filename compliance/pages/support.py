"""Help: conversations with staff, an appeal against a decision, a report of something wrong. All of it without a script."""

from datetime import date, datetime, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from compliance import support
from compliance.models import Dispute
from compliance.models.support import BODY_LONGEST, SUBJECT_LONGEST
from compliance.services import support as services
from core.actor import actor
from core.calendar import EASTERN
from core.errors import NotFound, PayaError, ValidationError
from core.money import parse_usd
from core.pages import form_errors, login_required, session_of
from wallets.queries import wallet
from wallets.services import Freeze

SHOWN = 50
_THINGS = {"pay": "/payments/", "ld": "/loads/", "rd": "/redemptions/", "let": "/messages/", "dsp": "/disputes/"}
_NAMES = {
    "pay": "a payment",
    "ld": "a load",
    "rd": "a redemption",
    "let": "a message from us",
    "dsp": "a report of yours",
    "": "your account",
}

_REPORTED = ("pay", "ld", "rd")


def _kind(about: str) -> str:
    """What sort of thing a public id names, by its prefix; "" for none."""
    return about.partition("_")[0]


def _thing(about: str) -> dict[str, str]:
    """What something is about, in words and as an address."""
    prefix = _kind(about)
    path = _THINGS.get(prefix)
    return {"about": about, "words": _NAMES.get(prefix, "something of yours"), "url": path + about if path else ""}


def _last_day(moment: datetime) -> date:
    """The last day of a clock that ends at this moment, where the banks are."""
    return (moment - timedelta(seconds=1)).astimezone(EASTERN).date()


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def help_page(request: HttpRequest) -> HttpResponse:
    """What is going on with us, and a form to write."""
    user_id = session_of(request).user_id
    values = {name: request.POST.get(name, "") for name in ("subject", "message", "about")}
    if request.method != "POST":
        values["about"] = request.GET.get("about", "")[:60]
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            ticket = services.write_ticket(user_id=user_id, **values)
        except PayaError as error:
            if error.status == 404:
                raise
            errors, status = form_errors(error), error.status
        else:
            messages.success(request, "Sent. Our staff answer here, and you get a message.")
            return redirect(f"/help/{ticket.public_id}")
    with actor(user_id):
        context = {
            "tickets": support.tickets(user_id, limit=SHOWN)[:SHOWN],
            "appeals": support.appeals(user_id, limit=SHOWN)[:SHOWN],
            "disputes": [(row, support.shown_status(row)) for row in support.disputes(user_id, limit=SHOWN)[:SHOWN]],
        }
    context |= {
        "values": values,
        "errors": errors,
        "thing": _thing(values["about"]),
        "longest": BODY_LONGEST,
        "title_longest": SUBJECT_LONGEST,
    }
    return render(request, "compliance/help.html", context, status=status if errors else 200)


@require_safe
@login_required
def ticket(request: HttpRequest, ticket: str) -> HttpResponse:
    return _ticket(request, ticket, {}, {}, 200)


def _ticket(request: HttpRequest, public_id: str, values: dict[str, str], errors: dict[str, str], status: int) -> HttpResponse:
    user_id = session_of(request).user_id
    with actor(user_id):
        row = support.ticket(user_id, public_id)
        said = list(support.messages(row))
    context = {
        "ticket": row,
        "said": said,
        "thing": _thing(row.about),
        "values": values,
        "errors": errors,
        "longest": BODY_LONGEST,
    }
    return render(request, "compliance/ticket.html", context, status=status)


@require_POST
@login_required
def reply(request: HttpRequest, ticket: str) -> HttpResponse:
    message = request.POST.get("message", "")
    try:
        services.reply_ticket(user_id=session_of(request).user_id, ticket=ticket, message=message)
    except PayaError as error:
        if error.status == 404:
            raise
        return _ticket(request, ticket, {"message": message}, form_errors(error), error.status)
    return redirect(f"/help/{ticket}#latest")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def appeal(request: HttpRequest) -> HttpResponse:
    """Ask that somebody else looks again; the banner of a frozen account and letters lead here."""
    user_id = session_of(request).user_id
    about = (request.POST if request.method == "POST" else request.GET).get("about", "")[:60]
    if about and _kind(about) not in _THINGS:
        raise NotFound
    message, status = request.POST.get("message", ""), 200
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            services.appeal(user_id=user_id, about=about, message=message)
        except PayaError as error:
            errors, status = form_errors(error), error.status
            if error.status == 404:
                errors = {"__all__": "There is no decision of ours about this. Write to us under Help instead."}
        else:
            messages.success(
                request, "Sent. Somebody who had no part in the decision looks at it, and the answer comes as a message."
            )
            return redirect(f"/appeal?about={about}" if about else "/appeal")
    with actor(user_id):
        made = [row for row in support.appeals(user_id, limit=SHOWN) if row.about == about]
        nothing = not about and wallet(user_id).frozen == Freeze.NONE
    for row in made:
        row.due_on = _last_day(row.due_at)  # type: ignore[attr-defined]
    context = {
        "made": made,
        "waiting": any(row.status == "open" for row in made),
        "nothing": nothing,
        "thing": _thing(about),
        "message": message,
        "errors": errors,
        "longest": BODY_LONGEST,
    }
    return render(request, "compliance/appeal.html", context, status=status)


def _amount(typed: str) -> int | None:
    """Cents of what was typed; None for all of it. Raises ValidationError."""
    if not typed.strip():
        return None
    amount = parse_usd(typed)
    if amount is None:
        raise ValidationError(fields={"amount": "Type an amount like 25 or 25.75, or nothing for all of it."})
    return amount


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def report(request: HttpRequest) -> HttpResponse:
    """“Something is wrong with this”: a form for a payment, load or redemption, unless it was reported already."""
    user_id = session_of(request).user_id
    given = request.POST if request.method == "POST" else request.GET
    values = {name: given.get(name, "") for name in ("about", "kind", "amount", "message")}
    values["about"] = values["about"][:60]
    if _kind(values["about"]) not in _REPORTED:
        raise NotFound
    errors: dict[str, str] = {}
    status = 200
    if request.method == "POST":
        try:
            amount = _amount(values["amount"])
            row = services.report(
                user_id=user_id, about=values["about"], kind=values["kind"], message=values["message"], amount=amount
            )
            messages.success(request, "Reported. The dates below say by when we decide.")
            return redirect(f"/disputes/{row.public_id}")
        except PayaError as error:
            if error.status == 404:
                raise
            errors, status = form_errors(error), error.status
    with actor(user_id):
        known = support.dispute_about(user_id, values["about"])
    if known is not None and not errors:
        return redirect(f"/disputes/{known.public_id}")
    context = {
        "values": values,
        "errors": errors,
        "thing": _thing(values["about"]),
        "kinds": Dispute.Kind.choices,
        "longest": BODY_LONGEST,
    }
    return render(request, "compliance/report.html", context, status=status)


@require_safe
@login_required
def dispute(request: HttpRequest, dispute: str) -> HttpResponse:
    user_id = session_of(request).user_id
    with actor(user_id):
        row = support.dispute(user_id, dispute)
    context = {
        "dispute": row,
        "thing": _thing(row.about),
        "status": support.shown_status(row),
        "decide_on": _last_day(row.decide_by),
        "finish_on": _last_day(row.final_by),
    }
    return render(request, "compliance/dispute.html", context)
