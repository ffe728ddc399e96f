from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from banking.reconciliation import queries as reconciliation
from core import clock
from transparency import queries, status


@require_safe
def transparency(request: HttpRequest) -> HttpResponse:
    figures = queries.figures()
    last = reconciliation.last()
    shown = {
        **figures, "active_users": None, "last_reconciliation": last.ran_at if last else None,
        "last_result": last.result if last else "", "accepted": last.accepted if last else 0,
    }  # fmt: skip
    return render(request, "transparency/transparency.html", shown)


@require_safe
def service_status(request: HttpRequest) -> HttpResponse:
    lines = status.lines()
    well = all(line.health.status == "operational" for line in lines)
    return render(request, "transparency/status.html", {"lines": lines, "well": well, "as_of": clock.now()})
