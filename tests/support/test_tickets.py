"""Conversations with staff: both sides, caps, second clicks, what belongs to somebody else, and what stays."""

from typing import Any

import psycopg2
import pytest

from compliance.services import support
from core.errors import Conflict, NotFound, RateLimited, ValidationError
from tests.conftest import Database
from tests.helpers import Api, assert_problem, at_once
from tests.payments.people import browser, person

REASON = "Looked into it, case 12"


def letters(database: Database, somebody: Any) -> list[tuple[str, str]]:
    return database.as_superuser("select kind, title from compliance_letter where user_id = %s order by id", [somebody.id])


def written(database: Database, somebody: Any, **changes: Any) -> str:
    given = {"subject": "Where is my load?", "message": "It should be here.\n\n\nIs it?", **changes}
    return support.write_ticket(user_id=somebody.id, **given).public_id


def test_a_conversation_from_the_first_word_to_the_end_and_on(database: Database, ada: int) -> None:
    maya = person(database)
    made = Api().post("/v1/tickets", {"subject": "Where is my load?", "message": " Hello \n\n\n\nIs it here? "}, person=maya)
    assert made.status_code == 201
    ticket = made.json()["id"]
    assert [(m["from"], m["body"]) for m in made.json()["messages"]] == [("you", "Hello\n\nIs it here?")]
    assert made.json()["status"] == "open"
    with database.role("staff"):
        support.give(thing=ticket, staff_id=ada, reason=REASON)
        support.answer_ticket(ticket=ticket, message="It <b>is</b>.", solved=False, staff_id=ada, reason=REASON)
        with pytest.raises(Conflict):  # the second click
            support.answer_ticket(ticket=ticket, message="It <b>is</b>.", solved=False, staff_id=ada, reason=REASON)
    assert letters(database, maya) == [("ticket", "We have answered: Where is my load?")]
    seen = Api().get(f"/v1/tickets/{ticket}", person=maya).json()
    assert (seen["status"], [m["from"] for m in seen["messages"]]) == ("waiting", ["you", "staff"])
    page = browser(maya).get(f"/help/{ticket}").content.decode()
    assert "It &lt;b&gt;is&lt;/b&gt;." in page and "<b>is</b>" not in page
    with database.role("staff"):
        support.solve_ticket(ticket=ticket, staff_id=ada, reason=REASON)
    again = Api().post(f"/v1/tickets/{ticket}/reply", {"message": "One more thing"}, person=maya)
    assert again.json()["status"] == "open"
    assert len(Api().post(f"/v1/tickets/{ticket}/reply", {"message": "One more thing"}, person=maya).json()["messages"]) == 3
    listed = Api().get("/v1/tickets?limit=1", person=maya).json()
    assert [row["id"] for row in listed["data"]] == [ticket] and listed["next_cursor"] is None


def test_what_was_written_stays(database: Database) -> None:
    maya = person(database)
    ticket = written(database, maya)
    for tampering in (
        "update compliance_ticketmessage set body = 'x'", "delete from compliance_ticketmessage",
        "truncate compliance_ticketmessage",
        "delete from compliance_ticket", "update compliance_ticket set subject = 'x'",
    ):  # fmt: skip
        with pytest.raises(psycopg2.Error, match="refused"):
            database.as_superuser(tampering)
    assert ticket


def test_the_same_words_at_once_are_one_conversation(database: Database) -> None:
    maya = person(database)
    assert len(set(at_once(8, lambda _: written(database, maya)))) == 1
    assert database.as_superuser("select count(*) from compliance_ticketmessage where user_id = %s", [maya.id]) == [(1,)]


def test_five_new_ones_a_day_however_many_at_once(database: Database) -> None:
    maya = person(database)

    def one(number: int) -> str:
        try:
            return written(database, maya, subject=f"Number {number}")
        except RateLimited:
            return "refused"

    answers = at_once(9, one)
    assert answers.count("refused") == 4
    answer = Api().post("/v1/tickets", {"subject": "More", "message": "More"}, person=maya)
    assert_problem(answer, 429, "rate_limited")
    assert "Retry-After" in answer.headers
    page = browser(maya).post("/help", {"subject": "More", "message": "More of it"})
    assert page.status_code == 429 and "More of it" in page.content.decode() and "until tomorrow" in page.content.decode()


@pytest.mark.parametrize(
    "bad",
    [
        {"subject": ""}, {"subject": "a\nb"}, {"subject": "x" * 121}, {"message": " \n "}, {"message": "x" * 4001},
        {"message": "\u202eevil"}, {"message": "a\x00b"}, {"message": "\u2800"}, {"subject": "\u200b"},
    ],
)  # fmt: skip
def test_bad_input_is_refused_and_nothing_is_lost(database: Database, bad: dict[str, str]) -> None:
    maya = person(database)
    with pytest.raises(ValidationError) as refused:
        written(database, maya, **bad)
    assert set(refused.value.fields) == set(bad)
    form = {"subject": "Fine", "message": "Fine", **bad}
    assert_problem(Api().post("/v1/tickets", form, person=maya), 400, "validation_error")
    page = browser(maya).post("/help", form)
    assert page.status_code == 400 and "Your conversations" not in page.content.decode()


def test_somebody_elses_is_not_there(database: Database) -> None:
    maya, theo = person(database), person(database)
    ticket = written(database, maya)
    for call in (
        Api().get(f"/v1/tickets/{ticket}", person=theo), Api().post(f"/v1/tickets/{ticket}/reply", {"message": "x"}, person=theo),
        browser(theo).get(f"/help/{ticket}"), browser(theo).post(f"/help/{ticket}/reply", {"message": "x"}),
    ):  # fmt: skip
        assert call.status_code == 404
    with pytest.raises(NotFound):
        written(database, theo, about=ticket)
    assert Api().get("/v1/tickets", person=theo).json()["data"] == []
