"""The public page: live figures, charts over time with the tables behind them, and the same as CSV."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from core import clock
from core.cached import cached
from core.errors import NotFound
from rewards import queries as rewards
from rewards import words
from rewards.weeks import Week
from transparency import dashboard, status
from transparency.api import span


@dataclass(frozen=True)
class Chart:
    """Lines or bars of one picture, and the words beside it."""

    name: str
    title: str
    words: str
    drawn: str  # lines or bars
    series: tuple[str, ...]


CHARTS = (
    Chart("reserve", "Reserve and tokens", "What lies in banks, against the tokens that people hold.", "lines",
          ("reserve", "circulation")),
    Chart("flow", "Loaded and redeemed", "Dollars that came in from people's banks, and went back to them.", "bars",
          ("loads", "redemptions")),
    Chart("payments", "Payments", "How often people paid each other. Never how much.", "bars", ("payments",)),
    Chart("rewards", "Shared with people", "The people's share of what the network earned.", "bars", ("rewards",)),
)  # fmt: skip


def _figures() -> dict[str, Any]:
    """The live figures as the templates take them: times as times."""
    figures = dashboard.live()
    moments = {name: datetime.fromisoformat(at) for name, at in figures["as_of"].items() if at}
    last = figures["last_reconciliation"]
    return figures | {"as_of": moments, "last_reconciliation": datetime.fromisoformat(last) if last else None}


def _charts(name: str) -> dict[str, Any]:
    found = dashboard.of_range(name)
    size, steps = dashboard.steps(found)
    drawn = [
        {"chart": chart, "series": [dashboard.SERIES[one] for one in chart.series],
         "rows": [(step.day, [step.values[one] for one in chart.series]) for step in steps]}
        for chart in CHARTS
    ]  # fmt: skip
    return {
        "charts": drawn, "size": size, "range": name, "ranges": dashboard.RANGES,
        "computed_at": datetime.fromisoformat(found.as_of) if found.as_of else None, "first": found.first, "last": found.last,
    }  # fmt: skip


# The two parts of the page that move are the same for everybody: each is written once for all who look at the time.
def _live_part() -> str:
    return str(cached("transparency:part:live", seconds=dashboard.LIVE_SECONDS, make=lambda: _written("_live", _figures())))


def _charts_part(name: str) -> str:
    if name not in dashboard.RANGES:
        raise NotFound
    part = f"transparency:part:{name}"
    return str(cached(part, seconds=dashboard.SERIES_SECONDS, make=lambda: _written("_charts", _charts(name))))


def _written(template: str, context: dict[str, Any]) -> str:
    return render_to_string(f"transparency/{template}.html", context)


@require_safe
def transparency(request: HttpRequest) -> HttpResponse:
    setting = rewards.setting_for(Week.of(clock.now()))
    attested = dashboard.attested()
    shown = {
        # What our own templates made, which has been escaped there.
        "live": mark_safe(_live_part()),  # noqa: S308  # nosemgrep: text-marked-as-safe
        "charts": mark_safe(_charts_part(request.GET.get("range", "30"))),  # noqa: S308  # nosemgrep: text-marked-as-safe
        "who_is_active": words.who_is_active(setting), "how_divided": words.how_it_is_divided(setting),
        "attested": attested | {"on": date.fromisoformat(attested["on"])} if attested else None,
    }  # fmt: skip
    return render(request, "transparency/transparency.html", shown)


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The live figures alone, which the page fetches every few seconds."""
    return HttpResponse(_live_part())


@require_safe
def charts(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_charts_part(request.GET.get("range", "30")))


@require_safe
def figures_csv(request: HttpRequest) -> HttpResponse:
    """Every figure of the page, with its time; amounts in cents."""
    figures = dashboard.live()
    reward = figures["last_reward"] or {}
    shown = [
        *(("cents", name, figures[name], name) for name in ("reserve", "circulation", "required", "pool")),
        ("cents", "pool_so_far", figures["pool_so_far"], "pool_so_far"),
        ("percent", "ratio", figures["ratio"], "ratio"),
        ("people", "active_users", figures["active_users"], "active_users"),
        ("week", "last_reward_week", reward.get("week"), "last_reward"),
        ("cents", "last_reward", reward.get("amount"), "last_reward"),
        ("people", "last_reward_people", reward.get("people"), "last_reward"),
        ("count", "payments_today", figures["payments_today"], "payments_today"),
        ("result", "reconciliation", figures["reconciliation"], "reconciliation"),
        ("cents", "reconciliation_accepted", figures["accepted"], "reconciliation"),
        ("status", "service", figures["service"], "service"),
        *(("status", f"service: {one['service']}", one["status"], "service") for one in figures["services"]),
    ]
    rows = ((name, value, unit, figures["as_of"].get(at)) for unit, name, value, at in shown)
    return _csv("paya-figures.csv", ("figure", "value", "unit", "as_of"), rows)


@require_safe
def days_csv(request: HttpRequest) -> HttpResponse:
    """Every series by day: of a range as on the page, or from a day to a day. Amounts in cents."""
    name = request.GET.get("range")
    if name is not None and name not in dashboard.RANGES:
        raise NotFound
    found = dashboard.of_range(name) if name else dashboard.days(*span(request.GET))
    return _csv("paya-days.csv", ("day", *dashboard.SERIES), ((day, *values) for day, values in found.rows))


def _csv(name: str, head: Iterable[str], rows: Iterable[Iterable[Any]]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    writer.writerow(head)
    writer.writerows(rows)
    return response


@require_safe
def service_status(request: HttpRequest) -> HttpResponse:
    lines = status.lines()
    well = all(line.health.status == "operational" for line in lines)
    return render(request, "transparency/status.html", {"lines": lines, "well": well, "as_of": clock.now()})
