"""The figures of the public page: each with its time, read from the replica where there is one, and kept for a moment."""

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection

from banking.reconciliation import queries as reconciliation
from core import clock
from core.cached import cached
from core.errors import ValidationError
from core.replica import as_of, read
from rewards import queries as rewards
from transparency import archive, queries, status
from transparency.errors import NotAttested

LIVE_SECONDS = 2
SERIES_SECONDS = 20
LONGEST = 3660  # days of one question

Figures = dict[str, Any]


# ---------------------------------------------------------------------------------------------------- live figures
def live() -> Figures:
    """Everything that the page and GET /v1/transparency show of now; times as ISO texts under `as_of`."""
    figures: Figures = cached("transparency", seconds=LIVE_SECONDS, make=lambda: read(_live))
    return figures


def _live() -> Figures:
    ledger = queries.figures()
    at = as_of().isoformat()
    with connection.cursor() as cursor:
        cursor.execute("select transparency_payments_today()")
        payments = int(cursor.fetchone()[0])
    last = reconciliation.last()
    services = [
        {"name": line.health.name, "service": line.service.name, "status": line.health.status} for line in status.lines()
    ]
    paid, so_far = rewards.last_paid(), rewards.estimate()
    closed = rewards.last_run()
    worst = next((s for s in ("down", "degraded") if any(one["status"] == s for one in services)), "operational")
    return {
        "reserve": ledger["reserve"], "circulation": ledger["circulation"], "required": ledger["required"],
        "ratio": ledger["ratio"], "pool": ledger["pool"],
        "payments_today": payments,
        "pool_so_far": so_far.pool if so_far else None,
        "active_users": closed.active if closed else None,
        "last_reward": {"week": paid.week, "amount": paid.rewards, "people": paid.active} if paid else None,
        "last_reconciliation": last.ran_at.isoformat() if last else None,
        "reconciliation": last.result if last else None, "accepted": last.accepted if last else 0,
        "service": worst, "services": services,
        "as_of": dict.fromkeys(("reserve", "circulation", "required", "ratio", "pool", "payments_today"), at)
        | {
            "pool_so_far": so_far.as_of.isoformat() if so_far else None,
            "active_users": closed.closed_at.isoformat() if closed else None,
            "last_reward": paid.distributed_at.isoformat() if paid and paid.distributed_at else None,
            "reconciliation": last.ran_at.isoformat() if last else None, "service": clock.now().isoformat(),
        },
    }  # fmt: skip


def attested() -> Figures | None:
    """The newest attestation's day and code, to compare with anybody; None before the first one."""
    newest: Figures | None = cached("transparency:attested", seconds=SERIES_SECONDS, make=lambda: read(_attested))
    return newest


def _attested() -> Figures | None:
    try:
        newest = archive.latest()
    except NotAttested:
        return None
    return {"on": newest.on.isoformat(), "code": newest.code, "root": newest.figure("root")}


# --------------------------------------------------------------------------------------------------------- series
@dataclass(frozen=True)
class Series:
    """A line over days. A level stands at the end of its day; a flow is what came over the day."""

    name: str
    title: str
    unit: str  # cents or count
    kind: str  # level or flow


SERIES = {
    series.name: series
    for series in (
        Series("reserve", "Reserve", "cents", "level"),
        Series("circulation", "Circulation", "cents", "level"),
        Series("required", "Owed", "cents", "level"),
        Series("loads", "Loaded", "cents", "flow"),
        Series("redemptions", "Redeemed", "cents", "flow"),
        Series("net_flow", "Net", "cents", "flow"),
        Series("payments", "Payments", "count", "flow"),
        Series("rewards", "Rewards", "cents", "flow"),
        Series("pool", "Pool", "cents", "level"),
    )
}
_SERIES = """
    select day, sum(reserve) over w, sum(circulation) over w, sum(required) over w,
           loaded - returned, redeemed, loaded - returned - redeemed, payments, rewarded, sum(pool) over w, computed_at
    from transparency_day window w as (order by day) order by day
"""


@dataclass(frozen=True)
class Days:
    """The days of a question, oldest first: each a date and its values in the order of SERIES."""

    first: date
    last: date
    as_of: str | None
    rows: list[tuple[date, list[int]]]

    def of(self, name: str) -> list[tuple[date, int]]:
        place = list(SERIES).index(name)
        return [(day, values[place]) for day, values in self.rows]


def days(first: date, last: date) -> Days:
    """Every day of the span that there are figures of. Raises ValidationError for a span that is none."""
    if last < first:
        raise ValidationError(fields={"to": "This is before the first day."})
    if (last - first).days >= LONGEST:
        raise ValidationError(fields={"from": f"At most {LONGEST} days at a time."})
    stored = cached("transparency:days", seconds=SERIES_SECONDS, make=lambda: read(_days))
    rows = [(day, values) for text, values in stored["rows"] if first <= (day := date.fromisoformat(text)) <= last]
    return Days(first, last, stored["as_of"], rows)


def _days() -> Figures:
    with connection.cursor() as cursor:
        cursor.execute(_SERIES)
        rows = cursor.fetchall()
    return {
        "as_of": max(row[-1] for row in rows).isoformat() if rows else None,
        "rows": [[row[0].isoformat(), [int(value) for value in row[1:-1]]] for row in rows],
    }


# --------------------------------------------------------------------------------------------------------- ranges
RANGES = {"30": "30 days", "90": "90 days", "365": "A year", "all": "Everything"}


def of_range(name: str) -> Days:
    """The days of one of RANGES, until today."""
    last = clock.now().date()
    return days(last - timedelta(days=(LONGEST if name == "all" else int(name)) - 1), last)


@dataclass(frozen=True)
class Step:
    """A point of a chart: a day, a week or a month, named by its first day, with its values by series."""

    day: date
    values: dict[str, int]


def steps(found: Days) -> tuple[str, list[Step]]:
    """Days, or weeks or months where days would be too many to look at, and which of the three."""
    size = "day" if len(found.rows) <= 120 else "week" if len(found.rows) <= 800 else "month"
    grouped: dict[date, list[list[int]]] = {}
    for day, values in found.rows:
        first = {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}[size]
        grouped.setdefault(first, []).append(values)
    return size, [Step(first, _together(rows)) for first, rows in grouped.items()]


def _together(rows: list[list[int]]) -> dict[str, int]:
    return {
        name: rows[-1][place] if series.kind == "level" else sum(row[place] for row in rows)
        for place, (name, series) in enumerate(SERIES.items())
    }


def described() -> list[dict[str, str]]:
    return [asdict(series) for series in SERIES.values()]
