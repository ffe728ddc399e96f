"""The weekly share on pages: the running week, each past one with how it came about, an appeal, a yearly statement."""

import csv
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from core import clock
from core.actor import actor
from core.api import encode_cursor, page_params
from core.errors import PayaError
from core.pages import form_errors, login_required, session_of
from rewards import queries, services, words
from rewards.api import CAVEAT
from rewards.queries import PersonsWeek
from rewards.services.appeals import LONGEST
from rewards.weeks import Week

PAGE = 12


@require_safe
@login_required
def rewards(request: HttpRequest) -> HttpResponse:
    user_id = session_of(request).user_id
    before, _ = page_params(request.GET)
    with actor(user_id):
        weeks = queries.persons_weeks(user_id, before=before, limit=PAGE)
        now = queries.persons_estimate(user_id)
        years = queries.years(user_id)
        awaited = queries.awaited()
    context = {
        "weeks": weeks[:PAGE],
        "next_cursor": encode_cursor(weeks[PAGE - 1].run.starts_on.toordinal()) if len(weeks) > PAGE else None,
        "now": now,
        "awaited": awaited,
        "caveat": CAVEAT,
        "years": years,
        "rules": [words.who_is_active(now.setting), words.how_it_is_divided(now.setting), words.when_it_is_paid(now.setting)],
    }
    return render(request, "rewards/rewards.html", context)


@require_safe
@login_required
def week(request: HttpRequest, week: str) -> HttpResponse:
    user_id = session_of(request).user_id
    with actor(user_id):
        found = queries.persons_week(user_id, Week.parse(week))
    return _week(request, found, {}, {})


def _week(
    request: HttpRequest, found: PersonsWeek, values: dict[str, str], errors: dict[str, str], status: int = 200
) -> HttpResponse:
    setting = found.setting
    context = {
        "found": found,
        "run": found.run,
        "share": words.percent(setting.operations_share),
        "equal": setting.strategy == "equal",
        "rules": [words.who_is_active(setting), words.how_it_is_divided(setting), words.when_it_is_paid(setting)],
        "values": values,
        "errors": errors,
        "longest": LONGEST,
    }
    return render(request, "rewards/week.html", context, status=status)


@require_POST
@login_required
def appeal(request: HttpRequest, week: str) -> HttpResponse:
    user_id = session_of(request).user_id
    message = request.POST.get("message", "")
    of = Week.parse(week)
    try:
        services.appeal(user_id=user_id, week=of, message=message)
    except PayaError as error:
        if error.status == 404:
            raise
        with actor(user_id):
            found = queries.persons_week(user_id, of)
        return _week(request, found, {"message": message}, form_errors(error), status=error.status)
    messages.success(request, "Sent. Our staff will look at it, and the answer will stand here.")
    return redirect(f"/rewards/{of}")


@require_safe
@login_required
def statement(request: HttpRequest, year: int) -> HttpResponse:
    weeks = _year(request, year)
    total = sum(week.amount for week in weeks if week.status == "paid")
    return render(request, "rewards/statement.html", {"year": year, "weeks": weeks, "total": total, "today": clock.now().date()})


@require_safe
@login_required
def statement_csv(request: HttpRequest, year: int) -> HttpResponse:
    """The same year for a spreadsheet: dollars with two places, dates as ISO writes them."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="paya-rewards-{year:04d}.csv"'
    writer = csv.writer(response)
    writer.writerow(["week", "from", "to", "status", "usd", "payments", "payments counted", "why"])
    for row in _year(request, year):
        dollars = f"{row.amount // 100}.{row.amount % 100:02d}"
        days = [row.run.starts_on.isoformat(), row.run.when.sunday.isoformat()]
        writer.writerow([row.run.week, *days, row.status, dollars, row.payments, row.counted, row.why])
    return response


def _year(request: HttpRequest, year: int) -> list[PersonsWeek]:
    user_id = session_of(request).user_id
    with actor(user_id):
        weeks: list[Any] = queries.persons_year(user_id, year)
    if not weeks:
        raise Http404
    return weeks
