"""How much one person may ask of staff within 24 hours: counted in the database, one request of theirs after the other."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection

from bench.campaigns.ground import ground
from compliance.services import support
from core.actor import actor
from core.errors import RateLimited
from core.keyring import forget_cached_keys
from payments import services as payments
from tests.conftest import Database
from tests.helpers import Api, assert_problem, at_once
from tests.payments.people import browser, person
from tests.support.test_appeals import denied
from tests.support.test_disputes import reported
from tests.support.test_tickets import written

Ask = Callable[[int], object]


def tickets(database: Database, one: Any, count: int) -> Ask:
    return lambda n: written(database, one, subject=f"Number {n}")


def messages(database: Database, one: Any, count: int) -> Ask:
    """Into several conversations, each of which is locked for itself."""
    mine = [written(database, one, subject=f"Number {n}") for n in range(4)]
    return lambda n: support.reply_ticket(user_id=one.id, ticket=mine[n % 4], message=f"And {n}")


def disputes(database: Database, one: Any, count: int) -> Ask:
    theo = person(database)
    made = [
        payments.pay(payer_id=one.id, to=theo.username, amount=1, note="", visibility="private", key=None).body["id"]
        for _ in range(count)
    ]
    return lambda n: reported(one, made[n])


def appeals(database: Database, one: Any, count: int) -> Ask:
    theo = person(database)
    things = [denied(database, one, theo) for _ in range(count)]
    return lambda n: support.appeal(user_id=one.id, about=things[n], message="Why?")


# What is asked, how often in a day (of messages four are the first words of conversations), and where it is kept.
CAPS: dict[str, tuple[Callable[[Database, Any, int], Ask], int, str]] = {
    "tickets": (tickets, 5, "compliance_ticket.created_at"),
    "messages": (messages, 50 - 4, "compliance_ticketmessage.at"),
    "disputes": (disputes, 10, "compliance_dispute.reported_at"),
    "appeals": (appeals, 5, "compliance_appeal.created_at"),
}
every_cap = pytest.mark.parametrize("what", CAPS)


def refused(answers: list[Any]) -> int:
    odd = [answer for answer in answers if isinstance(answer, Exception) and not isinstance(answer, RateLimited)]
    assert odd == []
    return sum(isinstance(answer, RateLimited) for answer in answers)


@every_cap
def test_many_at_once_do_not_pass_it_and_a_day_later_there_is_room(database: Database, what: str) -> None:
    make, cap, place = CAPS[what]
    maya, theo = person(database, 1_000), person(database, 1_000)
    ask = make(database, maya, cap + 5)
    for n in range(cap - 3):
        ask(n)
    assert refused(at_once(6, lambda n: ask(cap - 3 + n))) == 3
    with pytest.raises(RateLimited) as error:
        ask(cap + 4)
    assert error.value.retry_after
    make(database, theo, 1)(0)  # another has their own
    table, column = place.split(".")
    database.as_superuser("set session_replication_role = replica")
    try:
        database.as_superuser(f"update {table} set {column} = {column} - interval '25 hours' where user_id = %s", [maya.id])
    finally:
        database.as_superuser("set session_replication_role = origin")
    ask(cap + 4)


@every_cap
def test_the_same_again_costs_nothing(database: Database, what: str) -> None:
    """A second click, or an answer that was lost, at once or when the day is used up."""
    make, cap, _ = CAPS[what]
    maya = person(database, 1_000)
    ask = make(database, maya, cap + 1)
    assert refused(at_once(4, lambda _: ask(0))) == 0
    for n in range(1, cap):
        ask(n)
    if what == "messages":
        return  # what was said before the last words is said anew
    ask(0)
    with pytest.raises(RateLimited):
        ask(cap)


def test_the_api_and_the_page_say_so(database: Database) -> None:
    maya = person(database, 1_000)
    ask = disputes(database, maya, 11)
    for n in range(10):
        ask(n)
    newest = "select public_id from payments_payment where payer_id = %s order by id desc limit 1"
    body = {"about": database.as_superuser(newest, [maya.id])[0][0], "kind": "other", "message": "One more"}
    answer = Api().post("/v1/disputes", body, person=maya)
    assert_problem(answer, 429, "rate_limited")
    assert int(answer.headers["Retry-After"]) > 0
    page = browser(maya).post("/disputes/new", body)
    assert page.status_code == 429 and "One more" in page.content.decode() and "until tomorrow" in page.content.decode()


@pytest.mark.parametrize("table", ["compliance_ticket", "compliance_ticketmessage", "compliance_dispute", "compliance_appeal"])
def test_there_is_no_way_past_the_functions_that_count(database: Database, table: str) -> None:
    maya = person(database)
    with actor(maya.id), connection.cursor() as cursor, pytest.raises(DatabaseError, match="permission denied"):
        cursor.execute(f"insert into {table} (user_id) values (%s)", [maya.id])


# ------------------------------------------------------------------------------------------------ controls
_SLOW = "PERFORM pg_sleep(0.3);"
UNLOCKED = [
    ("compliance_asking", r"PERFORM pg_advisory_xact_lock[^;]*;", ""),
    ("compliance_write_ticket", r"(INSERT INTO compliance_ticket )", rf"{_SLOW} \1"),
    ("compliance_reply_ticket", r"(INSERT INTO compliance_ticketmessage )", rf"{_SLOW} \1"),
    ("compliance_report_dispute", r"(INSERT INTO compliance_dispute )", rf"{_SLOW} \1"),
    ("compliance_make_appeal", r"(INSERT INTO compliance_appeal )", rf"{_SLOW} \1"),
]


@pytest.fixture
def unlocked(database: Database) -> Iterator[Database]:
    """Where a person's requests do not wait for each other, and there is time between counting and writing."""
    with ground("web", changes=UNLOCKED) as clone:
        yield clone
    forget_cached_keys()
    database.become("web")


def test_without_a_persons_lock_many_at_once_pass_every_cap(unlocked: Database) -> None:
    for what, (make, cap, _) in CAPS.items():
        maya = person(unlocked, 1_000)
        ask, room = make(unlocked, maya, cap + 3), cap
        if what == "messages":  # more than there are connections for
            unlocked.as_superuser(
                "insert into compliance_ticketmessage (ticket_id, user_id, body, at) select id, user_id, n::text, now()"
                " from compliance_ticket, generate_series(1, %s) n where user_id = %s and subject = 'Number 0'",
                [cap - 1, maya.id],
            )
            room = 1
        assert refused(at_once(room + 3, ask)) == 0, what
