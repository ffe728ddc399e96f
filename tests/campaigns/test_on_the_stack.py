"""Short campaigns on the suite's own running stack."""

from typing import Any

import pytest

from bench.campaigns import fuzz, rails
from bench.campaigns.rails.controls import control_on_a_clone
from bench.campaigns.report import Report
from tests.campaigns.test_campaigns import SEED
from tests.stack import Stack


def test_bad_input_is_refused_in_words(stack: Stack) -> None:
    """On the suite's own stack; tests/contract lets Schemathesis loose on it."""
    report = Report("fuzz", short=True, seed=int(SEED))
    fuzz.attack(report, stack.running, stack, short=True, seed=int(SEED), size=None, schemathesis_seconds=0)
    assert report.broken == []
    assert report.finish() == 0


@pytest.mark.timeout(300)
def test_bad_weather_at_the_rails_doubles_and_loses_nothing(stack: Stack, django_db_blocker: Any) -> None:
    """On the suite's own stack. What takes a stack with failpoints or files of its own: bin/campaign rails."""
    report = Report("rails", short=True, seed=int(SEED))
    rails.on_a_running_stack(report, stack.running)
    with django_db_blocker.unblock():
        control_on_a_clone(report)
    assert report.broken == []
    assert report.finish() == 0
