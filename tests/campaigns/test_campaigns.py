"""The campaigns' short versions, control runs included (docs/robustness.md has the long ones)."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SEED = "20261121"


def figures_of(name: str, *more: str) -> dict[str, Any]:
    """What a short campaign found. It is a process of its own, as from bin/campaign, on the servers of this run."""
    command = [sys.executable, "-m", "paya.local", "campaign", name, "--short", "--seed", SEED, *more]
    done = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-3000:]
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert figures["broken"] == []
    assert figures["control_failed"] is True
    return figures


def test_the_ledger_does_what_a_plain_one_does() -> None:
    figures = figures_of("ledger-model")
    assert figures["differences"] == 0
    assert figures["steps"] >= 300


def test_of_many_callers_at_once_one_wins() -> None:
    figures = figures_of("races")
    assert figures["whole_balance_not_exactly_one_winner"] == 0
    assert figures["opposite_payments"] > 0


@pytest.mark.timeout(300)
def test_killed_processes_lose_nothing() -> None:
    figures = figures_of("crash")
    assert figures["kills"] == 5
    assert figures["acknowledged"] > 0
    assert figures["acknowledged_and_not_there"] == figures["there_more_than_once"] == 0


def test_damaged_nacha_files_are_read_or_quarantined() -> None:
    figures = figures_of("nacha-fuzz")
    assert figures["mutated"] >= 3_000
    assert figures["crashes"] == figures["unaccounted"] == figures["disagreements"] == 0


def test_whoever_pays_the_rewards_is_killed_and_everybody_gets_one() -> None:
    figures = figures_of("rewards")
    assert figures["kills"] >= 6
    assert figures["people_with_another_sum_than_they_must_have"] == 0
    assert figures["rewards_of_one_person_for_one_week_at_most"] == 1


def test_nobody_is_answered_with_somebody_elses_row() -> None:
    figures = figures_of("isolation")
    assert figures["requests"] == figures["requests_without_conditions"] == 300
    assert figures["statements_that_lost_a_condition"] > 100
    assert figures["frames_over_sockets"] > 20
    assert figures["tasks_between_them"] > 0 < figures["commands_between_them"]
