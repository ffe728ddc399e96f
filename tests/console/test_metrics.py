"""The operators' page of measures: what it shows is what the days and cohorts say, to staff alone."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from core import metrics as core_metrics
from tests.conftest import Database
from tests.console.conftest import Desk
from transparency.statistics import measures

TODAY = datetime.now(UTC).date()
DAY = {
    "sign_ups": 3, "active": 10, "active_7": 20, "active_30": 40, "active_before": 50, "churned": 5, "payments": 4,
    "payments_public": 1, "volume": 10_00, "loads": 1, "loaded": 50_00, "returned": 1_00, "redemptions": 1, "redeemed": 9_00,
    "rewards": 2, "rewarded": 6_00, "pool": 1_00, "reserve": 0, "circulation": 0, "required": 0,
}  # fmt: skip
# Of each measure that is worked out from others: what the day above comes to.
WORKED_OUT = {
    "churn": 1000, "average": 2_50, "payments_private": 3, "loads": 49_00, "net_flow": 40_00, "p50": 25, "p95": 250,
    "errors": 100, "queued": 7, "outbox_lag": 900, "pool": 100_00, "active_30": 40, "volume": 10_00,
}  # fmt: skip


@pytest.fixture
def days(database: Database) -> None:
    database.as_superuser(
        f"insert into transparency_day (day, computed_at, {', '.join(DAY)})"
        f" select current_date - n, now(), {', '.join(str(value) for value in DAY.values())} from generate_series(0, 99) n"
    )
    latency = [0] * (len(core_metrics.BUCKETS) + 1)
    latency[core_metrics.bucket_of(0.02)], latency[core_metrics.bucket_of(0.2)] = 90, 10
    database.as_superuser(
        "insert into transparency_healthday (day, requests, errors, latency, queued, outbox_lag)"
        " select current_date - n, 100, 1, %s, 7, 900 from generate_series(0, 99) n", [latency]
    )  # fmt: skip
    monday = TODAY - timedelta(days=TODAY.weekday())
    for age, active in ((0, 21), (1, 7)):
        database.as_superuser(
            "insert into transparency_cohort values (%s, %s, %s)",
            [monday - timedelta(weeks=2), monday - timedelta(weeks=2 - age), active],
        )


def test_every_measure_is_there_by_day_with_its_table(desk: Desk, days: None):
    page = desk.get("/admin/metrics/").content.decode()
    assert page.count("data-chart=") == len(measures.CHARTS) == page.count("data-plot")
    assert page.count("<tbody>") == len(measures.CHARTS) + 1
    assert page.count('<time datetime="') == 90 * len(measures.CHARTS)
    for words in ("10.00 %", "$2.50", "25 ms", "250 ms", "1.00 %", "900 ms", "$49.00"):
        assert words in page, words
    assert desk.get("/admin/metrics/", range="30").content.decode().count('<time datetime="') == 30 * len(measures.CHARTS)
    assert desk.get("/admin/metrics/", range="7").status_code == 404
    assert "/admin/metrics/" in desk.get("/admin/").content.decode()  # the way there
    rows = list(csv.DictReader(io.StringIO(desk.get("/admin/metrics.csv").content.decode())))
    assert len(rows) == 100 and rows[-1]["day"] == str(TODAY)
    assert {name: int(rows[-1][name]) for name in WORKED_OUT} == WORKED_OUT


def test_days_of_nothing_are_gaps_and_no_zeros(desk: Desk, database: Database):
    zeros = {**dict.fromkeys(DAY, 0)}
    database.as_superuser(
        f"insert into transparency_day (day, computed_at, {', '.join(zeros)})"
        f" values (current_date, now(), {', '.join(str(value) for value in zeros.values())})"
    )
    [row] = csv.DictReader(io.StringIO(desk.get("/admin/metrics.csv").content.decode()))
    gaps = {name for name, value in row.items() if value == ""}
    assert gaps == {"churn", "average", "p50", "p95", "errors", "queued", "outbox_lag"}
    assert 'data-value=""' in desk.get("/admin/metrics/").content.decode()


def test_cohorts_show_how_many_stay(desk: Desk, days: None):
    cohort = measures.cohorts(TODAY)[2]
    assert (cohort.people, cohort.kept) == (21, [10_000, 3_333, 0])
    assert measures.cohorts(TODAY)[-1].people > 0  # weeks before anybody came are no cohorts
    assert "33.33 %" in desk.get("/admin/metrics/").content.decode()


def test_how_it_is_just_now_and_without_redis(desk: Desk, days: None, monkeypatch: Any):
    assert "Outbox lag now" in desk.get("/admin/metrics/").content.decode()

    def no_redis() -> Any:
        raise redis.ConnectionError

    monkeypatch.setattr(core_metrics, "client", no_redis)
    answer = desk.get("/admin/metrics/")
    assert answer.status_code == 200 and "Redis does not answer" in answer.content.decode()


def test_nobody_outside_sees_any_of_it(outside: Desk, days: None):
    for path in ("/admin/metrics/", "/admin/metrics.csv"):
        answer = outside.get(path)
        assert answer.status_code == 302 and answer["Location"].startswith("/admin/login/")
