"""How risky a movement looks, from 0 to 1000, line by line (docs/compliance.md).

A version names what decides it: signals with weights, or a scorer of another kind that was registered under a name (a model, a
vendor). Exactly one version is active; those in the shadow are computed beside it, kept, and decide nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol

from django.conf import settings

from compliance.models import ScoreVersion
from compliance.movement import Movement

HIGHEST = 1000
WEIGHTS = "weights"
# From what share of a limit or a balance on a signal begins to speak, and when it speaks in full.
NEW_ACCOUNT = timedelta(days=7)
MOST, ALL = 0.5, 1.0


@dataclass(frozen=True)
class Seen:
    """What is known about a movement when it is scored; None where it is not known, which speaks neither way."""

    movement: Movement
    device_since: datetime | None = None
    country: str | None = None
    paid_before: bool | None = None
    payer_since: datetime | None = None
    payee_since: datetime | None = None
    available: int | None = None
    sent_hour: int | None = None
    per_hour: int | None = None
    per_transfer: int | None = None


@dataclass(frozen=True)
class Line:
    """One signal of a score: how strongly it spoke (0 to 1), what it added, and why, for staff."""

    signal: str
    strength: float
    points: int
    why: str


@dataclass(frozen=True)
class Score:
    value: int
    lines: tuple[Line, ...]


class Scorer(Protocol):
    """The port for other scorers: the same facts in, points and reasons out. Called under the payer's guard, so without I/O."""

    def __call__(self, seen: Seen, weights: Mapping[str, Any]) -> Score: ...


_scorers: dict[str, Scorer] = {}


def register_scorer(name: str, scorer: Scorer) -> None:
    """Make a scorer known by the name that versions call it by."""
    _scorers[name] = scorer


@dataclass(frozen=True)
class Version:
    """A version as it was made; `active` decides, the others are in the shadow."""

    id: int
    name: str
    scorer: str
    weights: dict[str, Any]
    hold_at: int
    deny_at: int


@lru_cache(maxsize=64)
def _version(pk: int) -> Version:
    """Everything about a version but its state never changes, so a process reads it once."""
    row = ScoreVersion.objects.get(pk=pk)
    return Version(row.pk, row.name, row.scorer, row.weights, row.hold_at, row.deny_at)


def version(pk: int) -> Version:
    return _version(pk)


def score(seen: Seen, by: Version) -> Score:
    """The score by one version. Raises LookupError for a scorer that this process does not know."""
    if by.scorer not in _scorers:
        raise LookupError(f"no scorer is called {by.scorer}")
    return _scorers[by.scorer](seen, by.weights)


# ------------------------------------------------------------------------------------------------------------ signals
def _rising(value: float, begins: float, full: float) -> float:
    return min(1.0, max(0.0, (value - begins) / (full - begins)))


def _new_device(seen: Seen) -> tuple[float, str]:
    hold = timedelta(hours=settings.NEW_DEVICE_HOURS)
    if seen.device_since is None or not hold:
        return 0, ""
    age = seen.movement.at - seen.device_since
    return (1, f"logged in on this device {_ago(age)}") if age < hold else (0, "")


def _foreign_address(seen: Seen) -> tuple[float, str]:
    if not seen.country or seen.country in settings.ADDRESS_REGIONS:
        return 0, ""
    return 1, f"the address is in {seen.country}, the phone is not"


def _never_paid(seen: Seen) -> tuple[float, str]:
    return (1, "never paid them before") if seen.paid_before is False else (0, "")


def _young(since: datetime | None, at: datetime, who: str) -> tuple[float, str]:
    if since is None:
        return 0, ""
    age = at - since
    strength = 1 - _rising(age / NEW_ACCOUNT, 0, 1)
    return strength, f"{who} signed up {_ago(age)}"


def _payer_new(seen: Seen) -> tuple[float, str]:
    return _young(seen.payer_since, seen.movement.at, "the person")


def _payee_new(seen: Seen) -> tuple[float, str]:
    return _young(seen.payee_since, seen.movement.at, "the recipient")


def _most_of_balance(seen: Seen) -> tuple[float, str]:
    if not seen.available:
        return 0, ""
    share = seen.movement.amount / seen.available
    return _rising(share, MOST, ALL), f"{share:.0%} of what they have"


def _velocity(seen: Seen) -> tuple[float, str]:
    if not seen.per_hour or seen.sent_hour is None:
        return 0, ""
    share = (seen.sent_hour + 1) / seen.per_hour
    return _rising(share, MOST, ALL), f"payment {seen.sent_hour + 1} of {seen.per_hour} in an hour"


def _large_amount(seen: Seen) -> tuple[float, str]:
    if not seen.per_transfer:
        return 0, ""
    share = seen.movement.amount / seen.per_transfer
    return _rising(share, MOST, ALL), f"{share:.0%} of the most in one payment"


SIGNALS = {
    "new_device": _new_device, "foreign_address": _foreign_address, "never_paid": _never_paid, "payer_new": _payer_new,
    "payee_new": _payee_new, "most_of_balance": _most_of_balance, "velocity": _velocity, "large_amount": _large_amount,
}  # fmt: skip


def by_weights(seen: Seen, weights: Mapping[str, Any]) -> Score:
    """The sum of each signal's strength times its weight, at most 1000. A weight without a signal here adds nothing."""
    lines = []
    for name, weight in weights.items():
        if (signal := SIGNALS.get(name)) is None:
            continue
        strength, why = signal(seen)
        if points := round(strength * weight):
            lines.append(Line(name, round(strength, 2), points, why))
    return Score(min(HIGHEST, sum(line.points for line in lines)), tuple(lines))


register_scorer(WEIGHTS, by_weights)


def _ago(age: timedelta) -> str:
    hours = max(0, int(age.total_seconds() // 3600))
    return f"{hours} h ago" if hours < 48 else f"{hours // 24} days ago"
