"""What a person sees of their weeks: in the API and on pages, with the reason in words; and that they can ask."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from core.actor import actor
from core.clock import at_time
from rewards import queries, services
from tests.conftest import Database, PersonForTest, cloned_database
from tests.helpers import Api, assert_problem
from tests.payments.people import browser
from tests.rewards.network import END, WEEK, at, earn, pay_all, people


@pytest.fixture(scope="module")
def database(django_db_blocker: Any) -> Iterator[Database]:
    from core.keyring import forget_cached_keys

    forget_cached_keys()
    with cloned_database() as clone, django_db_blocker.unblock():
        clone.become("web")
        yield clone
    forget_cached_keys()


@pytest.fixture(scope="module")
def town(database: Database) -> dict[str, PersonForTest]:
    """Ann was active, Bob paid nobody, Cyd's payments went in circles, Dee came after the week."""
    from django.db import transaction

    from tests.helpers import open_session
    from users import services as users

    made = {}
    database.become("demo")
    for number, name in enumerate(["ann", "bob", "cyd", "dee"]):
        with at_time(WEEK.start - timedelta(days=20) if name != "dee" else END + timedelta(days=1)):
            phone = f"+1303555{number:04d}"
            with transaction.atomic():
                user_id = users.sign_up(phone=phone).id
            users.welcome(user_id=user_id, username=name, display_name=name.title(), default_visibility="public")
        made[name] = PersonForTest(user_id, name, phone, open_session(user_id))
    others = people(database, 2, since=WEEK.start - timedelta(days=20), money=100)
    earn(database, at(0), 100_01)
    earn(database, at(1), -10_00)
    ann, cyd = made["ann"].id, made["cyd"].id
    pay_all(
        database,
        [(ann, others[0], at(1)), (ann, others[1], at(2)), (cyd, others[0], at(3)), (others[0], cyd, at(3, 14)),
         (others[1], ann, at(6))],
    )  # fmt: skip
    with at_time(END + timedelta(hours=24)):
        services.close_through(WEEK)
    with at_time(END + timedelta(hours=48)):
        services.advance()
    services.estimate()
    database.become("web")
    return made


def test_the_api_says_what_a_week_brought_and_every_figure_of_how(town: dict[str, PersonForTest]) -> None:
    answer = Api().get("/v1/rewards?limit=2", person=town["ann"])
    assert answer.status_code == 200, answer.content
    document = answer.json()
    assert [row["week"] for row in document["data"]] == ["2026-W46", "2026-W45"]
    mine = document["data"][0]
    assert (mine["status"], mine["amount"], mine["reason"], mine["why"]) == ("paid", 21_00, "active", "")
    assert (mine["payments"], mine["payments_counted"]) == (2, 2)
    assert (mine["starts_on"], mine["ends_on"]) == ("2026-11-09", "2026-11-15")
    how = mine["how"]
    assert (how["revenue"], how["costs"], how["net"]) == (100_01, 10_00, 90_01)
    assert (how["operations"], how["operations_percent"], how["to_pool"]) == (27_00, "30 %", 63_01)
    assert (how["active"], how["rewards"], how["stays"]) == (3, 63_00, 1)
    assert len(how["digest"]) == 64
    older = Api().get(f"/v1/rewards?cursor={document['next_cursor']}", person=town["ann"]).json()
    assert older["data"][0]["week"] == "2026-W44"
    assert document["estimate"]["week"] == older["estimate"]["week"]
    assert document["estimate"]["caveat"].startswith("An estimate")
    one = Api().get("/v1/rewards/2026-W46", person=town["ann"]).json()
    assert one == mine


@pytest.mark.parametrize(
    ("who", "reason", "words"),
    [("bob", "no_payment", "You paid nobody in this week"), ("cyd", "circular", "led back to you within 24 hours")],
)
def test_why_somebody_got_nothing_is_said_in_words(town: dict[str, PersonForTest], who: str, reason: str, words: str) -> None:
    answer = Api().get("/v1/rewards/2026-W46", person=town[who]).json()
    assert (answer["status"], answer["amount"], answer["reason"]) == ("nothing", 0, reason)
    assert words in answer["why"]
    page = browser(town[who]).get("/rewards/2026-W46").content.decode()
    assert words in page
    assert "Nothing this time." in page


@pytest.mark.parametrize("week", ["2026-W47", "2026-W99", "nonsense", "2019-W01"])
def test_a_week_that_is_not_closed_or_is_none_is_not_found(town: dict[str, PersonForTest], week: str) -> None:
    assert_problem(Api().get(f"/v1/rewards/{week}", person=town["ann"]), 404, "not_found")
    assert_problem(Api().post(f"/v1/rewards/{week}/appeal", {"message": "why"}, person=town["ann"]), 404, "not_found")


def test_a_week_that_is_over_and_not_closed_is_on_the_page(town: dict[str, PersonForTest]) -> None:
    """Without it the newest week would be nowhere from Monday until its close."""

    def shown(moment: datetime) -> str:
        with at_time(moment):
            return browser(town["ann"]).get("/rewards").content.decode()

    assert "is over" not in shown(END + timedelta(days=6))
    over = shown(END + timedelta(days=7, hours=1))
    assert "Week 47 is over" in over
    assert "2026-11-24T00:00:00" in over


def test_weeks_before_somebody_came_are_not_theirs(town: dict[str, PersonForTest]) -> None:
    assert Api().get("/v1/rewards", person=town["dee"]).json()["data"] == []
    assert_problem(Api().get("/v1/rewards/2026-W46", person=town["dee"]), 404, "not_found")
    assert "No week yet" in browser(town["dee"]).get("/rewards").content.decode()


def test_an_appeal_is_made_once_a_week_and_stands_on_the_page(database: Database, town: dict[str, PersonForTest]) -> None:
    path = "/v1/rewards/2026-W46/appeal"
    for wrong in ["", "  \n ", "x" * 1001]:
        assert_problem(Api().post(path, {"message": wrong}, person=town["bob"]), 400, "validation_error")
    made = Api().post(path, {"message": "I paid Ann in cash."}, person=town["bob"])
    assert (made.status_code, made.json()["answer"]) == (201, None)
    again = Api().post(path, {"message": "I paid Ann in cash."}, person=town["bob"])
    assert (again.status_code, again.json()) == (201, made.json())
    assert_problem(Api().post(path, {"message": "And something else."}, person=town["bob"]), 409, "appealed_before")
    assert Api().get("/v1/rewards/2026-W46", person=town["bob"]).json()["appeal"]["id"] == made.json()["id"]
    assert Api().get("/v1/rewards/2026-W46", person=town["ann"]).json()["appeal"] is None
    form = browser(town["cyd"])
    assert form.post("/rewards/2026-W46/appeal", {"message": " "}).status_code == 400
    assert form.post("/rewards/2026-W46/appeal", {"message": "We split a <b>rent</b>."})["Location"] == "/rewards/2026-W46"
    page = form.get("/rewards/2026-W46").content.decode()
    assert "We split a &lt;b&gt;rent&lt;/b&gt;." in page
    assert "Our staff have it." in page


def test_the_pages_show_the_past_the_figures_and_a_year_for_a_spreadsheet(town: dict[str, PersonForTest]) -> None:
    client: Client = browser(town["ann"])
    page = client.get("/rewards").content.decode()
    assert "This week so far" in page
    assert "Week 46" in page
    assert "$21.00" in page
    week = client.get("/rewards/2026-W46").content.decode()
    for figure in ["$100.01", "$10.00", "$90.01", "$27.00", "$63.01", "$63.00", "$0.01", "30 %"]:
        assert figure in week, figure
    assert "at least one payment in the week that counts" in week
    year = client.get("/rewards/year/2026").content.decode()
    assert "Paid: <b>$21.00</b>" in year
    csv = client.get("/rewards/year/2026/rewards.csv")
    assert csv["Content-Type"].startswith("text/csv")
    assert "2026-W46,2026-11-09,2026-11-15,paid,21.00,2,2,\r\n" in csv.content.decode()
    assert client.get("/rewards/year/2025").status_code == 404


def test_a_week_in_review_says_until_when_and_pays_nothing_yet(database: Database, town: dict[str, PersonForTest]) -> None:
    def become(state: str, through: int) -> None:
        database.as_superuser(
            "set session_replication_role = replica; update rewards_run set state = %s, posted_through = %s"
            " where week = '2026-W46'; set session_replication_role = origin", [state, through],
        )  # fmt: skip

    become("closed", 0)
    try:
        answer = Api().get("/v1/rewards/2026-W46", person=town["ann"]).json()
        assert (answer["status"], answer["amount"]) == ("in_review", 21_00)
        assert "In review until" in browser(town["ann"]).get("/rewards/2026-W46").content.decode()
    finally:
        become("announced", 1_000_000)


def test_open_pages_say_what_arrived_went_back_or_was_answered(database: Database, town: dict[str, PersonForTest]) -> None:
    ann, dee = town["ann"].id, town["dee"].id
    with actor(ann):
        said = queries.words_for(ann, "reward", WEEK.name)
        assert said == {"text": "Your weekly share has arrived: $21.00.", "url": "/rewards/2026-W46"}
        assert (queries.words_for(ann, "reward_reversed", WEEK.name) or {})["text"] == "Your share of $21.00 was taken back."
        assert (queries.words_for(ann, "appeal_answered", WEEK.name) or {})["url"] == "/rewards/2026-W46"
    with actor(dee):
        assert queries.words_for(dee, "reward", WEEK.name) is None
