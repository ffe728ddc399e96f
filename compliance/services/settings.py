"""What staff set, with a reason and a date of effect: limits, and which version of the score counts (sql/0003_screening.sql)."""

import json
from collections.abc import Mapping
from datetime import datetime

from core.staff import call


def set_limit(*, name: str, tier: int, value: int | None, at: datetime, staff_id: int, reason: str) -> None:
    """A limit from a moment on (cents, counts or days as its name says; None: there is none). Raises Conflict for the past.

    A change that was staged for that moment is replaced: staff take one back by staging what is in force.
    """
    call("compliance_set_limit", [name, tier, value, at, reason], staff_id=staff_id)


def make_version(
    *, name: str, weights: Mapping[str, int], hold_at: int, deny_at: int, staff_id: int, reason: str
) -> None:
    """Another version of the score, in the shadow, where it counts for nothing. Raises Conflict for a name that is taken."""
    call("compliance_make_version", [name, json.dumps(dict(weights)), hold_at, deny_at, reason], staff_id=staff_id)


def switch_version(*, name: str, state: str, staff_id: int, reason: str) -> None:
    """Have a version count ("active", which retires the one before), run in the "shadow", or end ("retired")."""
    call("compliance_switch_version", [name, state, reason], staff_id=staff_id)
