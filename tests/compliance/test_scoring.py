"""The score of a movement: line by line, the same for the same facts, by the version that is asked for."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance import scoring
from compliance.movement import Movement, MovementKind
from compliance.scoring import SIGNALS, Line, Score, Seen, Version, by_weights, register_scorer
from compliance.services import screening

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)
MOVED = Movement(MovementKind.PAYMENT, 1, 2, 50_00, AT, "public")
CALM = Seen(
    MOVED, device_since=AT - timedelta(days=90), country="US", paid_before=True, payer_since=AT - timedelta(days=300),
    payee_since=AT - timedelta(days=300), available=1_000_00, sent_hour=0, per_hour=10, per_transfer=1_000_00,
)  # fmt: skip
FULL: dict[str, dict[str, Any]] = {
    "new_device": {"device_since": AT},
    "foreign_address": {"country": "NG"},
    "never_paid": {"paid_before": False},
    "payer_new": {"payer_since": AT},
    "payee_new": {"payee_since": AT},
    "most_of_balance": {"available": 50_00},
    "velocity": {"sent_hour": 9},
    "large_amount": {"per_transfer": 50_00},
}
EVEN = dict.fromkeys(SIGNALS, 100)


@pytest.fixture(autouse=True)
def new_devices(settings: Any) -> None:
    settings.NEW_DEVICE_HOURS = 24
    settings.ADDRESS_REGIONS = ["US"]


def test_nothing_odd_scores_nothing() -> None:
    assert by_weights(CALM, EVEN) == Score(0, ())


def test_every_signal_is_tried() -> None:
    assert set(FULL) == set(SIGNALS)


@pytest.mark.parametrize("name", FULL)
def test_each_signal_speaks_alone_with_its_weight_and_says_why(name: str) -> None:
    found = by_weights(replace(CALM, **FULL[name]), EVEN)
    assert found.value == 100
    [line] = found.lines
    assert (line.signal, line.strength, line.points) == (name, 1, 100) and line.why


def test_what_is_not_known_speaks_neither_way() -> None:
    assert by_weights(Seen(MOVED), EVEN).value == 0
    assert by_weights(replace(CALM, country=None), EVEN).value == 0  # an address that belongs to no country


def test_in_the_sandbox_no_device_is_new(settings: Any) -> None:
    settings.NEW_DEVICE_HOURS = 0
    assert by_weights(replace(CALM, device_since=AT), EVEN).value == 0


@pytest.mark.parametrize(("days", "points"), [(0, 100), (3.5, 50), (7, 0), (20, 0)])
def test_an_account_gets_older_by_and_by(days: float, points: int) -> None:
    assert by_weights(replace(CALM, payer_since=AT - timedelta(days=days)), EVEN).value == points


@pytest.mark.parametrize(("available", "points"), [(50_00, 100), (66_67, 50), (100_00, 0), (1_000_00, 0)])
def test_the_share_of_the_balance_rises_from_half_on(available: int, points: int) -> None:
    assert by_weights(replace(CALM, available=available), EVEN).value == points


def test_a_score_ends_at_a_thousand_and_lines_add_up_below() -> None:
    everything: dict[str, Any] = {}
    for known in FULL.values():
        everything |= known
    assert by_weights(replace(CALM, **everything), dict.fromkeys(SIGNALS, 400)).value == 1000
    found = by_weights(replace(CALM, **everything), EVEN)
    assert found.value == sum(line.points for line in found.lines) == 800


@given(
    weights=st.dictionaries(st.sampled_from(sorted(SIGNALS)), st.integers(0, 1000)),
    amount=st.integers(1, 10**11), available=st.none() | st.integers(0, 10**11), sent=st.none() | st.integers(0, 1000),
    per_hour=st.none() | st.integers(0, 1000), per_transfer=st.none() | st.integers(0, 10**11),
    age=st.none() | st.timedeltas(timedelta(days=-3), timedelta(days=4000)), paid=st.none() | st.booleans(),
)  # fmt: skip
def test_whatever_is_known_gives_a_whole_score(
    weights: dict[str, int], amount: int, available: int | None, sent: int | None, per_hour: int | None,
    per_transfer: int | None, age: timedelta | None, paid: bool | None,
) -> None:  # fmt: skip
    since = None if age is None else AT - age
    seen = Seen(
        replace(MOVED, amount=amount), device_since=since, country="XX", paid_before=paid, payer_since=since, payee_since=since,
        available=available, sent_hour=sent, per_hour=per_hour, per_transfer=per_transfer,
    )  # fmt: skip
    found = by_weights(seen, weights)
    assert 0 <= found.value <= 1000 and found == by_weights(seen, weights)
    assert all(0 <= line.strength <= 1 and line.points > 0 for line in found.lines)


# ---------------------------------------------------------------------------------------------------------- versions
def versions(monkeypatch: pytest.MonkeyPatch, *known: Version) -> list[int]:
    by_id = {one.id: one for one in known}
    monkeypatch.setattr(scoring, "_version", by_id.__getitem__)
    return [one.id for one in known]


def version(number: int, weights: dict[str, Any], hold_at: int = 650, deny_at: int = 900, scorer: str = "weights") -> Version:
    return Version(number, f"v{number}", scorer, weights, hold_at, deny_at)


@pytest.mark.parametrize(("points", "decision"), [(649, "passed"), (650, "held"), (899, "held"), (900, "denied")])
def test_thresholds(monkeypatch: pytest.MonkeyPatch, points: int, decision: str) -> None:
    ids = versions(monkeypatch, version(1, {"never_paid": points}))
    verdict = screening._verdict(replace(CALM, paid_before=False), ids)
    assert (verdict.decision, verdict.record["score"], verdict.record["version"]) == (decision, points, 1)


def test_the_shadow_is_kept_and_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shadow = version(2, {"never_paid": 1000}), version(3, {"never_paid": 10}, scorer="nobody's")
    ids = versions(monkeypatch, version(1, {}), *shadow)
    verdict = screening._verdict(replace(CALM, paid_before=False), ids)
    assert (verdict.decision, verdict.record["shadow"]) == ("passed", {"v2": 1000})


def test_an_active_version_that_cannot_be_computed_lets_nothing_through(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LookupError):
        screening._verdict(CALM, versions(monkeypatch, version(1, {}, scorer="nobody's")))


def test_another_scorer_by_the_same_port(monkeypatch: pytest.MonkeyPatch) -> None:
    def even_cents(seen: Seen, weights: Mapping[str, Any]) -> Score:
        points = weights["even"] if seen.movement.amount % 2 == 0 else 0
        return Score(points, (Line("even", 1, points, "an even amount"),))

    monkeypatch.setattr(scoring, "_scorers", dict(scoring._scorers))
    register_scorer("even", even_cents)
    verdict = screening._verdict(CALM, versions(monkeypatch, version(1, {"even": 700}, scorer="even")))
    assert verdict.decision == "held" and verdict.record["signals"] == [["even", 1, 700, "an even amount"]]
