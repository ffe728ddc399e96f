"""What operators look at: every measure by day, how those who signed up stay, and how the service does just now."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection

from core import metrics

Day = dict[str, Any]


@dataclass(frozen=True)
class Measure:
    """A line over days; `of` takes it from a day's row, None where there is none."""

    name: str
    title: str
    unit: str  # cents, count, percent (hundredths of one), ms
    of: Callable[[Day], int | None]


@dataclass(frozen=True)
class Chart:
    title: str
    words: str
    drawn: str  # lines or bars
    measures: tuple[Measure, ...]


def _column(name: str, title: str, unit: str = "count") -> Measure:
    return Measure(name, title, unit, lambda day: None if day[name] is None else int(day[name]))


def _share(part: int | None, whole: int | None) -> int | None:
    return round(10_000 * part / whole) if part is not None and whole else None


def _latency(share: float) -> Callable[[Day], int | None]:
    def found(day: Day) -> int | None:
        seconds = metrics.quantile(day["latency"], share) if day["latency"] else None
        return None if seconds is None else round(seconds * 1000)

    return found


CHARTS = (
    Chart("Active people", "Who paid, redeemed, or had a load settle: on the day, in 7 days, in 30 days.", "lines", (
        _column("active", "DAU"), _column("active_7", "WAU"), _column("active_30", "MAU"))),
    Chart("Sign-ups", "New people.", "bars", (_column("sign_ups", "Sign-ups"),)),
    Chart("Churn", "Of those active in the 30 days before the last 30, who was not active since.", "lines", (
        Measure("churn", "Churn", "percent", lambda day: _share(day["churned"], day["active_before"])),)),
    Chart("Volume", "What people paid each other.", "bars", (_column("volume", "Volume", "cents"),)),
    Chart("Average payment", "Volume by payments.", "lines", (
        Measure("average", "Average", "cents", lambda day: day["volume"] // day["payments"] if day["payments"] else None),)),
    Chart("Payments, public and private", "As they are now: one that is made private later is private.", "lines", (
        _column("payments_public", "Public"),
        Measure("payments_private", "Private", "count", lambda day: day["payments"] - day["payments_public"]))),
    Chart("Loaded and redeemed", "Settled loads less what banks took back; redemptions less those that failed.", "bars", (
        Measure("loads", "Loaded", "cents", lambda day: day["loaded"] - day["returned"]),
        _column("redeemed", "Redeemed", "cents"))),
    Chart("Net flow", "Loaded less redeemed.", "bars", (
        Measure("net_flow", "Net", "cents", lambda day: day["loaded"] - day["returned"] - day["redeemed"]),)),
    Chart("Pool", "What the rewards pool held at the end of the day.", "lines", (_column("pool", "Pool", "cents"),)),
    Chart("Rewards", "What was paid out of it.", "bars", (_column("rewarded", "Rewards", "cents"),)),
    Chart("API latency", "Half, and all but five of a hundred requests, were answered within this.", "lines", (
        Measure("p50", "p50", "ms", _latency(0.5)), Measure("p95", "p95", "ms", _latency(0.95)))),
    Chart("Errors", "Requests that were answered with 5xx.", "lines", (
        Measure("errors", "Errors", "percent", lambda day: _share(day["errors"], day["requests"])),)),
    Chart("Queues", "The most messages that waited in any minute.", "lines", (_column("queued", "Messages"),)),
    Chart("Outbox lag", "How old the oldest unpublished event was, at worst.", "lines", (_column("outbox_lag", "Lag", "ms"),)),
)  # fmt: skip

_DAYS = """
    select d.day, d.sign_ups, d.active, d.active_7, d.active_30, d.active_before, d.churned, d.payments, d.payments_public,
           d.volume, d.loaded, d.returned, d.redeemed, d.rewarded, d.pool_then as pool, d.computed_at,
           h.requests, h.errors, h.latency, h.queued, h.outbox_lag
    from (select *, sum(pool) over (order by day) as pool_then from transparency_day) d
    left join transparency_healthday h using (day) where d.day >= %s order by d.day
"""


def days(since: date) -> list[Day]:
    """Every day from `since` on, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, [since])
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@dataclass(frozen=True)
class Cohort:
    """Who signed up in a week, and the share of them (hundredths of a percent) that was active in it and in each later week."""

    week: date
    people: int
    kept: list[int | None]


def cohorts(last: date, weeks: int = 12) -> list[Cohort]:
    """The cohorts of the last weeks, newest first, from the first in which anybody signed up. The newest week is not over."""
    newest = last - timedelta(days=last.weekday())
    first = newest - timedelta(weeks=weeks - 1)
    with connection.cursor() as cursor:
        cursor.execute(
            "select date_trunc('week', day)::date, sum(sign_ups) from transparency_day where day >= %s group by 1", [first]
        )
        people = dict(cursor.fetchall())
        cursor.execute("select cohort, week, active from transparency_cohort where cohort >= %s", [first])
        active = {(cohort, week): count for cohort, week, count in cursor.fetchall()}
    found = []
    for number in range(weeks):
        week = newest - timedelta(weeks=number)
        size = int(people.get(week, 0))
        later = [week + timedelta(weeks=age) for age in range(number + 1)]
        found.append(Cohort(week, size, [_share(active.get((week, then), 0), size) for then in later]))
    while found and not found[-1].people:
        found.pop()
    return found


@dataclass(frozen=True)
class Now:
    queues: dict[str, int]
    outbox_lag: int  # milliseconds


def now() -> Now:
    return Now(metrics.queued(), metrics.outbox_lag())
