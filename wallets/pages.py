"""Activity: everything that moved this wallet, newest first."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from core import live
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
_PATHS = {"pay": "/payments/", "ld": "/loads/", "rd": "/redemptions/"}


def row_context(row: ActivityRow) -> dict[str, Any]:
    reference = row.reference
    kind = {"ld": "load", "rd": "redemption"}.get(reference.split("_")[0], "payment") if reference else "other"
    return {
        "title": row.display_name or TITLES.get(row.kind, "Transfer"),
        "subtitle": f"@{row.username}" if row.username else "",
        "amount": row.amount,
        "balance_after": row.balance_after,
        "created_at": row.posted_at,
        "url": _PATHS[reference.split("_")[0]] + reference if reference else None,
        "kind": kind,
    }


@require_safe
@login_required
def activity(request: HttpRequest) -> HttpResponse:
    user_id = session_of(request).user_id
    before, limit = page_params(request.GET)
    with actor(user_id):
        rows = queries.activity(user_id, before=before, limit=limit)
    more = encode_cursor(rows[limit - 1].version) if len(rows) > limit else None
    context = {"rows": [row_context(row) for row in rows[:limit]], "next_cursor": more}
    return render(request, "wallets/activity.html", context)


@require_POST
@login_required
def live_ticket(request: HttpRequest) -> HttpResponse:
    """The page's way to a ticket for /ws/me/: the session cookie and CSRF instead of a bearer token."""
    return JsonResponse({"ticket": live.issue_ticket(session_of(request))})
