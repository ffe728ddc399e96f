"""The public figures: what they say and when it was so, for everybody and from anywhere; series, tables, CSV."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core import clock
from tests.conftest import Database
from tests.helpers import Api, assert_problem, forget_figures
from tests.one_database import as_web as as_web
from tests.one_database import database as database
from transparency import dashboard
from transparency.statistics import days

TODAY = datetime.now(UTC).date()
FIGURES = {"reserve", "circulation", "required", "ratio", "pool", "pool_so_far", "active_users", "last_reward", "payments_today"}


@pytest.fixture(autouse=True)
def fresh(database: Database) -> None:
    forget_figures()


@pytest.fixture(scope="module")
def past(database: Database) -> None:
    """Four hundred days of figures, as if they had been computed: the n-th day, counted back from today, is of n."""
    columns = "sign_ups, active, active_7, active_30, active_before, churned, payments_public, volume, loads, redemptions"
    database.as_superuser(
        f"insert into transparency_day (day, payments, loaded, returned, redeemed, rewards, rewarded, pool, reserve, circulation,"
        f" required, computed_at, {columns})"
        " select current_date - n, n, 1000 + n, 1, 100, 1, 7, 0, 10, 9, 9, now(), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0"
        " from generate_series(0, 399) n"
    )


def test_every_figure_is_there_with_its_time(database: Database, make_person: Any, api: Api):
    ann = make_person("ann", 12_34)
    make_person("bob")
    api.post("/v1/payments", {"to": "bob", "amount": 100, "visibility": "public"}, person=ann, key="k")
    forget_figures()
    before = clock.now()
    answer = api.get("/v1/transparency").json()
    assert (answer["reserve"], answer["circulation"], answer["required"], answer["ratio"]) == (12_34, 12_34, 12_34, 1.0)
    assert answer["payments_today"] == 1
    assert (answer["reconciliation"], answer["last_reconciliation"], answer["last_reward"]) == (None, None, None)
    assert answer["service"] in ("operational", "degraded", "down")
    assert answer["as_of"].keys() == FIGURES | {"reconciliation", "service"}
    for figure in ("reserve", "circulation", "required", "ratio", "pool", "payments_today", "service"):
        assert abs(datetime.fromisoformat(answer["as_of"][figure]) - before) < timedelta(seconds=30), figure
    # Kept for a moment, the time stays that of the reading.
    api.post("/v1/payments", {"to": "bob", "amount": 100, "visibility": "public"}, person=ann, key="l")
    assert api.get("/v1/transparency").json() == answer


def test_anybody_may_show_it_and_caches_may_keep_it(database: Database, api: Api):
    for path in ("/v1/transparency", "/v1/transparency/series?name=payments", "/transparency/live", "/transparency/days.csv"):
        answer = api.get(path)
        assert answer.status_code == 200, path
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert answer["Cache-Control"].startswith("public, max-age="), path
        assert answer.get("Vary", "Accept-Encoding") == "Accept-Encoding", path  # the same for everybody
        again = api.request("GET", path, **{"If-None-Match": answer["ETag"]})
        assert (again.status_code, again.content) == (304, b""), path
        assert again["Access-Control-Allow-Origin"] == "*"
        assert not answer.cookies
    refused = api.get("/v1/transparency/series?name=nothing")
    assert refused["Access-Control-Allow-Origin"] == "*" and "public" not in refused.get("Cache-Control", "")


def test_a_series_is_days_and_values(database: Database, past: None, api: Api):
    answer = api.get(f"/v1/transparency/series?name=payments&from={TODAY - timedelta(days=2)}&to={TODAY}").json()
    assert answer["data"] == [[str(TODAY - timedelta(days=n)), n] for n in (2, 1, 0)]
    assert (answer["name"], answer["unit"], answer["kind"]) == ("payments", "count", "flow")
    assert (answer["from"], answer["to"]) == (str(TODAY - timedelta(days=2)), str(TODAY))
    assert datetime.fromisoformat(answer["as_of"]) <= clock.now()
    month = api.get("/v1/transparency/series?name=reserve").json()
    assert len(month["data"]) == 30 and month["data"][-1] == [str(TODAY), 4000] and month["data"][-2][1] == 3990
    net = api.get(f"/v1/transparency/series?name=net_flow&from={TODAY}").json()
    assert net["data"] == [[str(TODAY), 1000 - 1 - 100]]
    assert api.get("/v1/transparency/series?name=pool&from=2001-01-01&to=2001-02-01").json()["data"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "name"), ("name=volume", "name"), ("name=active", "name"), ("name=pool&from=yesterday", "from"),
        ("name=pool&to=2026-02-30", "to"), ("name=pool&from=20261101", "from"), ("name=pool&from=2026-1-1", "from"),
        ("name=pool&from=2026-02-01&to=2026-01-01", "to"), ("name=pool&from=0001-01-01", "from"),
        ("name=pool&to=٢٠٢٦-٠١-٠١", "to"),
    ],
)  # fmt: skip
def test_a_question_that_is_none_is_refused(database: Database, api: Api, query: str, field: str):
    problem = assert_problem(api.get(f"/v1/transparency/series?{query}"), 400, "validation_error")
    assert field in problem["errors"]


def test_the_first_day_of_all_is_no_error(database: Database, api: Api):
    assert api.get("/v1/transparency/series?name=pool&to=0001-01-01").json()["data"] == []


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_everything_shown_is_there_as_csv(database: Database, past: None, api: Api):
    figures = {row["figure"]: row for row in rows_of(api.get("/transparency/figures.csv").content.decode())}
    assert figures.keys() >= FIGURES - {"last_reward"} | {"last_reward", "last_reward_week", "reconciliation", "service"}
    shown = api.get("/v1/transparency").json()
    assert figures["reserve"]["value"] == str(shown["reserve"]) and figures["reserve"]["as_of"] == shown["as_of"]["reserve"]
    by_range = rows_of(api.get("/transparency/days.csv?range=all").content.decode())
    assert len(by_range) == 400 and by_range[0].keys() == {"day", *dashboard.SERIES}
    assert (by_range[-1]["day"], by_range[-1]["payments"], by_range[-1]["reserve"]) == (str(TODAY), "0", "4000")
    assert len(rows_of(api.get(f"/transparency/days.csv?from={TODAY}&to={TODAY}").content.decode())) == 1
    assert api.get("/transparency/days.csv?range=31").status_code == 404


def test_the_page_shows_charts_with_their_tables(database: Database, past: None, api: Api):
    page = api.get("/transparency").content.decode()
    assert page.count("data-chart=") == 4 and page.count("<tbody>") == 4
    assert page.count('<time datetime="') == 4 * 30
    assert 'data-value="1028"' in page and "$10.28" in page  # twenty-nine days ago, loaded less what came back
    for name, points in (("90", 90), ("365", 53), ("all", 58)):
        part = api.get(f"/transparency/charts?range={name}").content.decode()
        body = part[part.index("<tbody>"):part.index("</tbody>")]
        assert body.count("<tr>") in (points, points - 1, points + 1), name
    assert api.get("/transparency?range=7").status_code == 404
    live = api.get("/transparency/live").content.decode()
    assert live.count("As of") >= 4 and "html" not in live[:20]


def test_weeks_and_months_hold_what_their_days_hold(database: Database, past: None):
    found = dashboard.of_range("all")
    size, steps = dashboard.steps(found)
    assert size == "week"
    assert sum(step.values["payments"] for step in steps) == sum(range(400))
    assert steps[-1].values["reserve"] == 4000 and all(step.day.weekday() == 0 for step in steps)
    assert dashboard.steps(dashboard.of_range("90"))[0] == "day"


def test_without_any_figures_the_page_says_so(database: Database, api: Api):
    kept = database.as_superuser("select count(*) from transparency_day")[0][0]
    database.as_superuser("create table saved as table transparency_day; delete from transparency_day")
    forget_figures()
    try:
        assert "There is nothing to show yet" in api.get("/transparency/charts").content.decode()
        with database.role("worker"):
            days.catch_up()
        forget_figures()
        assert "There is nothing to show yet" not in api.get("/transparency/charts").content.decode()
    finally:
        database.as_superuser("delete from transparency_day; insert into transparency_day table saved; drop table saved")
    assert database.as_superuser("select count(*) from transparency_day")[0][0] == kept
