"""The commands and the tasks: what operators and beat run, and what they print."""

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from core.clock import at_time
from rewards import tasks
from rewards.models import Run
from rewards.services import closing
from tests.conftest import Database, cloned_database
from tests.rewards.network import END, WEEK, at, earn, pay_all, people


@pytest.fixture
def database(django_db_blocker: Any) -> Iterator[Database]:
    with cloned_database() as clone, django_db_blocker.unblock():
        yield clone


@pytest.fixture(autouse=True)
def as_web(database: Database) -> None:
    database.become("demo")


@pytest.fixture
def town(database: Database) -> list[int]:
    who = people(database, 3, since=WEEK.start - timedelta(days=9), money=100)
    earn(database, at(0), 100_00)
    pay_all(database, [(who[0], who[2], at(1)), (who[1], who[2], at(2))])
    return who


def run(*arguments: str) -> tuple[list[dict[str, Any]], str]:
    out, err = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    return [json.loads(line) for line in out.getvalue().splitlines()], err.getvalue()


def test_an_operator_closes_until_a_week_and_pays_it_without_waiting(town: list[int]) -> None:
    with at_time(END + timedelta(hours=24)):
        closed, _ = run("close_week", "--week", WEEK.name)
        assert [line["week"] for line in closed] == ["2026-W44", "2026-W45", "2026-W46"]
        assert (closed[-1]["revenue"], closed[-1]["active"], closed[-1]["rewards"]) == (100_00, 2, 70_00)
        again, _ = run("close_week", "--week", WEEK.name)
        assert again == closed[-1:]
        nothing, said = run("close_week")
        assert (nothing, said) == ([], "Every week that is over is closed.\n")
        paid, _ = run("distribute_rewards")
        assert [(line["week"], line["state"]) for line in paid] == [
            (name, "announced") for name in ("2026-W44", "2026-W45", "2026-W46")
        ]
        assert run("distribute_rewards") == ([], "There is nothing to pay.\n")


@pytest.mark.parametrize(
    ("week", "why"),
    [("2026-W47", "can be closed from"), ("tomorrow", "named like 2026-W46"), ("2020-W01", "before everything that ever moved")],
)
def test_what_cannot_be_closed_is_refused_in_words(town: list[int], week: str, why: str) -> None:
    with at_time(END + timedelta(hours=25)), pytest.raises(CommandError, match=why):
        call_command("close_week", "--week", week)


def test_beat_does_all_of_it_by_itself(database: Database, town: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    with at_time(END + timedelta(days=3)):  # what was missed is closed, and waits for its review
        tasks.advance()
    run = Run.objects.get(week=WEEK.name)
    assert (run.state, run.rewards) == ("closed", 70_00)
    with at_time(run.distribute_at):
        tasks.advance()
        tasks.estimate()
    run.refresh_from_db()
    assert run.state == "announced"
    raw = database.connect("demo")
    raw.autocommit = False
    with raw.cursor() as cursor:
        cursor.execute("select ledger_post(gen_random_uuid(), 14::smallint, 1, 8, 1)")
        monkeypatch.setattr(closing, "PATIENCE", 0.05)
        with at_time(run.distribute_at + timedelta(days=21)):
            tasks.advance()  # an older transaction is open: it comes again in a minute
    raw.close()
    assert not Run.objects.filter(week=WEEK.next.name).exists()
