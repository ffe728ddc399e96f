"""The page of measures: charts over a range with their tables, cohorts, how it is just now, and all of it as CSV."""

import csv
from datetime import date, timedelta
from typing import Any

import redis
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from core import clock
from transparency.statistics import measures

RANGES = {"30": "30 days", "90": "90 days", "365": "A year"}


def page(request: HttpRequest, site_context: dict[str, Any]) -> HttpResponse:
    today = clock.now().date()
    name = request.GET.get("range", "90")
    if name not in RANGES:
        raise Http404
    found = measures.days(today - timedelta(days=int(name) - 1))
    charts = []
    for chart in measures.CHARTS:
        rows = [(day["day"], [one.of(day) for one in chart.measures]) for day in found]
        charts.append({"chart": chart, "series": chart.measures, "rows": rows})
    weeks = measures.cohorts(today)
    shown = {
        "title": "Metrics", "charts": charts, "size": "day", "range": name, "ranges": RANGES,
        "cohorts": weeks, "ages": range(len(weeks)), "now": _now(), "computed_at": found[-1]["computed_at"] if found else None,
    }  # fmt: skip
    return TemplateResponse(request, "console/metrics.html", site_context | shown)


def as_csv(request: HttpRequest) -> HttpResponse:
    """A row for each day there is; amounts in cents, shares in hundredths of a percent, times in milliseconds."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="paya-metrics.csv"'
    lines = [one for chart in measures.CHARTS for one in chart.measures]
    writer = csv.writer(response)
    writer.writerow(["day", *(one.name for one in lines)])
    for day in measures.days(date.min):
        writer.writerow([day["day"], *(one.of(day) for one in lines)])
    return response


def _now() -> measures.Now | None:
    try:
        return measures.now()
    except redis.RedisError:
        return None
