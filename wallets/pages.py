"""Activity: everything that moved this wallet, newest first."""

from datetime import UTC, date, datetime, time
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from core import clock, live
from core.actor import actor
from core.api import encode_cursor, page_params
from core.pages import login_required, session_of
from ledger.chart import Kind
from wallets import queries
from wallets.queries import ActivityRow

# What a line says when there is no other person in it.
TITLES = {
    Kind.LOAD: "Loaded from your bank",
    Kind.LOAD_REPAYMENT: "Loaded from your bank",
    Kind.REDEMPTION: "Redeemed to your bank",
    Kind.REDEMPTION_APPROVED: "Redeemed to your bank",
    Kind.REDEMPTION_FAILED: "Redemption came back",
    Kind.LOAD_RETURNED: "Your bank took a load back",
    Kind.FEE: "Fee",
    Kind.HOLD: "Set aside",
    Kind.HOLD_RELEASED: "Released to you",
    Kind.REWARD: "Your weekly share",
    Kind.ADJUSTMENT_CREDIT: "Correction",
    Kind.ADJUSTMENT_DEBIT: "Correction",
    Kind.SUSPENSE_FOUND: "Found and credited",
    Kind.REVERSAL: "Reversed",
}
# What became of money that a payment had set aside; the line names whom it was for.
_OF_HOLDS = {Kind.HOLD: "set aside to be checked", Kind.HOLD_RELEASED: "came back"}
SHOWN = {"all": "All", "payments": "Payments", "bank": "Bank", "in": "Came in", "out": "Went out"}
_PATHS = {"pay": "/payments/", "ld": "/loads/", "rd": "/redemptions/"}


def _address(reference: str) -> str:
    """Where the thing behind a line is shown; a week goes by its bare name."""
    prefix, _, name = reference.partition("_")
    return f"/rewards/{name}" if prefix == "week" else _PATHS[prefix] + reference


def row_context(row: ActivityRow) -> dict[str, Any]:
    reference = row.reference
    kind = {"ld": "load", "rd": "redemption"}.get(reference.split("_")[0], "payment") if reference else "other"
    return {
        "title": row.display_name or TITLES.get(row.kind, "Transfer"),
        "subtitle": ", ".join(part for part in (f"@{row.username}", _OF_HOLDS.get(row.kind)) if part) if row.username else "",
        "amount": row.amount,
        "balance_after": row.balance_after,
        "created_at": row.posted_at,
        "url": _address(reference) if reference else None,
        "kind": kind,
    }


@require_safe
@login_required
def activity(request: HttpRequest) -> HttpResponse:
    user_id = session_of(request).user_id
    before, limit = page_params(request.GET)
    show = request.GET.get("show", "all")
    show = show if show in queries.FILTERS else "all"
    day = _day(request.GET.get("on", ""))
    with actor(user_id):
        rows = queries.activity(user_id, before=before, limit=limit, show=show)
        balance_then = None if day is None else queries.balance_at(user_id, datetime.combine(day, time.max, tzinfo=UTC))
    context = {
        "rows": [row_context(row) for row in rows[:limit]],
        "next_cursor": encode_cursor(rows[limit - 1].version) if len(rows) > limit else None,
        "show": show,
        "filters": SHOWN,
        "on": day,
        "today": clock.now().date(),
        "balance_then": balance_then,
    }
    return render(request, "wallets/activity.html", context)


def _day(text: str) -> date | None:
    """The day that was asked for; what is no day, or lies ahead, was not asked for."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day <= clock.now().date() else None


@require_POST
@login_required
def live_ticket(request: HttpRequest) -> HttpResponse:
    """The page's way to a ticket for /ws/me/: the session cookie and CSRF instead of a bearer token."""
    return JsonResponse({"ticket": live.issue_ticket(session_of(request))})
