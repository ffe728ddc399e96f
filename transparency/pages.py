from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from transparency import queries


@require_safe
def transparency(request: HttpRequest) -> HttpResponse:
    figures = queries.figures()
    return render(request, "transparency/transparency.html", {**figures, "active_users": None, "last_reconciliation": None})
