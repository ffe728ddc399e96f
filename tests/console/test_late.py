"""What somebody is woken for: money held too long, and days of the law in disputes that passed unmet."""

import logging
from typing import Any

import pytest
from django.test import Client, override_settings

from compliance.services import support
from console import late, tasks
from tests.conftest import Database
from tests.console.conftest import World
from tests.console.test_held import held as held  # a fixture

# What is said about a case or a dispute stays, for the database's owner as well: these tests move its times past that.
PAST_TRIGGERS = "set local session_replication_role = replica; "


def counted(what: str) -> dict[str, int]:
    return {one.kind: one.late for one in late.late() if one.what == what}


def test_what_is_held_for_too_long_is_counted_and_said(held: str, database: Database, settings: Any, caplog: Any) -> None:
    assert counted("held") == {"held_payment": 0, "held_transfer": 0}
    ago = "update compliance_case set created_at = now() - interval '25 hours' where about = %s"
    database.as_superuser(PAST_TRIGGERS + ago, [held])
    assert counted("held") == {"held_payment": 1, "held_transfer": 0}
    ages = {gauge.name: gauge.values for gauge in late.gauges()}["paya_held_oldest_seconds"]
    assert ages["held_payment"] >= 25 * 3600
    assert ages["held_transfer"] == 0
    with caplog.at_level(logging.ERROR), database.role("worker"):
        tasks.say_what_is_late()
    assert [(said.message, said.kind, said.count) for said in caplog.records] == [("held_late", "held_payment", 1)]
    settings.HELD_LATE_HOURS = 26
    assert counted("held") == {"held_payment": 0, "held_transfer": 0}


def test_each_day_of_the_law_that_passed_unmet_is_counted(world: World, database: Database) -> None:
    with database.role("web"):
        dispute = support.report(user_id=world.maya.id, about=world.public, kind="unauthorized", message="Not me").public_id
    none = dict.fromkeys(("correct", "decide", "finish", "result"), 0)
    assert counted("clock") == none

    def put(what: str) -> dict[str, int]:
        database.as_superuser(f"{PAST_TRIGGERS}update compliance_dispute set {what} where public_id = %s", [dispute])
        return counted("clock")

    assert put("decide_by = now() - interval '1 hour'") == none | {"decide": 1}
    with override_settings(METRICS_TOKEN="t"):
        said = Client().get("/metrics", headers={"Authorization": "Bearer t"}).content.decode()
    assert 'paya_dispute_clock_late{clock="decide"} 1.0' in said
    assert 'paya_held_late{kind="held_payment"} 0.0' in said
    assert put("extended_at = now()") == none
    assert put("final_by = now() - interval '1 hour'") == none | {"finish": 1}
    assert put("decided_at = now(), result_by = now() - interval '1 hour'") == none | {"result": 1}
    assert put("correct_by = now() - interval '1 hour', result_at = now()") == none | {"correct": 1}


@pytest.mark.parametrize("role", ["staff", "auditor"])
def test_others_have_no_use_for_it(database: Database, role: str) -> None:
    from django.db import DatabaseError

    with database.role(role), pytest.raises(DatabaseError, match="permission denied"):
        late.late()
