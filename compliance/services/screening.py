"""Screening a movement in the transaction that would move it, under the payer's guard: limits first, then the score.

The figures come from the database in the room's own call (`payments_begin`, `compliance_before_bank_transfer`). Whether a payment
passes a limit is decided there, by `compliance_look_at_payment`, whose stamp the second half of the payment asks for; the score,
and what follows for loads and redemptions, is decided here and in limits.py and scoring.py, without another round trip.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from compliance import queries, scoring
from compliance.limits import exceeded_by_load, exceeded_by_redemption, refusal
from compliance.models import Assessment, LimitName
from compliance.movement import Movement, MovementKind, Origin
from core.actor import actor
from core.errors import Forbidden, PayaError
from core.ids import new_reference

log = logging.getLogger("paya.compliance")
Decision = Assessment.Decision


class Refused(Forbidden):
    """Refused for its score. Says nothing of why: whoever knows the rules can walk around them."""

    code, title = "not_possible", "We cannot do this for you"
    detail = "We could not do this. If you think that is wrong, write to us under Help."


@dataclass(frozen=True)
class PaymentFigures:
    """What `payments_begin` read for the score, in its order; the limits in cents and payments, None where there is none."""

    per_hour: int | None
    per_transfer: int | None
    sends_hour: int
    paid_before: bool
    device_since: datetime | None
    payer_since: datetime | None
    payee_since: datetime | None
    versions: Sequence[int]
    at: datetime


@dataclass(frozen=True)
class Verdict:
    """What is to become of a movement, and the measurement that is kept with it."""

    decision: str
    record: dict[str, Any]

    def as_json(self) -> str:
        return json.dumps({**self.record, "decision": self.decision})


def over_limit(user_id: int, name: str) -> PayaError:
    """The refusal for a limit, with how much is used and when there is room again; in the same transaction, under the guard."""
    return refusal(queries.limits_by_name(user_id)[LimitName(name)])


def score_payment(figures: PaymentFigures, movement: Movement, origin: Origin, available: int) -> Verdict:
    verdict = _verdict(
        scoring.Seen(
            movement, device_since=figures.device_since, country=origin.country or None, paid_before=figures.paid_before,
            payer_since=figures.payer_since, payee_since=figures.payee_since, available=available,
            sent_hour=figures.sends_hour, per_hour=figures.per_hour, per_transfer=figures.per_transfer,
        ),
        figures.versions,
    )  # fmt: skip
    verdict.record["paid_before"] = figures.paid_before
    return verdict


def screen_bank_transfer(*, kind: MovementKind, user_id: int, amount: int, available: int, origin: Origin) -> Verdict:
    """Limits and score of a load or a redemption, inside `with actor(user_id)` under the guard.

    Raises LimitExceeded, and Denied for its score.
    """
    limits = queries.limits_by_name(user_id)
    over = exceeded_by_load(limits, amount) if kind == MovementKind.LOAD else exceeded_by_redemption(limits, amount)
    if over is not None:
        raise refusal(over)
    with connection.cursor() as cursor:
        cursor.execute(
            "select device_since, user_since, versions, at from compliance_before_bank_transfer(%s, %s)",
            [user_id, origin.device_id],
        )
        device_since, since, versions, at = cursor.fetchone()
    movement = Movement(kind, user_id, None, amount, at)
    seen = scoring.Seen(
        movement, device_since=device_since, country=origin.country or None, payer_since=since,
        available=available if kind == MovementKind.REDEMPTION else None,
    )  # fmt: skip
    verdict = _verdict(seen, versions)
    if verdict.decision == Decision.DENIED:
        raise Denied(movement, verdict)
    return verdict


def _verdict(seen: scoring.Seen, versions: Sequence[int]) -> Verdict:
    """The active version decides; the others are computed for comparison, and none of them can stop a payment by failing."""
    decided: tuple[str, dict[str, Any]] | None = None
    shadow: dict[str, int] = {}
    active = active_version(versions)
    for number in versions:
        by = scoring.version(number)
        try:
            found = scoring.score(seen, by)
        except Exception:
            if number == active:
                raise
            log.exception("shadow_score_failed", extra={"version": by.name})
            continue
        if number == active:
            decision = (
                Decision.DENIED if found.value >= by.deny_at else Decision.HELD if found.value >= by.hold_at else Decision.PASSED
            )
            lines = [[one.signal, one.strength, one.points, one.why] for one in found.lines]
            decided = decision, {"score": found.value, "version": by.id, "signals": lines}
        else:
            shadow[by.name] = found.value
    if decided is None:
        raise LookupError("no version of the score is active")
    return Verdict(decided[0], {**decided[1], "shadow": shadow})


def active_version(versions: Sequence[int]) -> int:
    """Of the versions that count or run in the shadow, the first is the active one: that is how the database hands them over."""
    return versions[0]


class Denied(Exception):
    """A movement that is refused for its score, on its way out of the transaction that would have moved it."""

    def __init__(self, movement: Movement, verdict: Verdict) -> None:
        self.movement, self.verdict = movement, verdict


@contextmanager
def keeping_denials() -> Iterator[None]:
    """Around the transaction of a movement: of one that is denied nothing stays but its record, and the person hears Refused."""
    try:
        yield
    except Denied as denied:
        record_denied(movement=denied.movement, verdict=denied.verdict)
        raise Refused from None


def record_denied(*, movement: Movement, verdict: Verdict) -> UUID:
    """Keep what a refused movement looked like, and open a case; its own transaction, because nothing else happened."""
    reference = new_reference()
    with actor(movement.payer), connection.cursor() as cursor:
        cursor.execute(
            "select compliance_denied(%s, %s, %s, %s, %s, %s)",
            [movement.payer, movement.payee, movement.kind.value, movement.amount, reference, verdict.as_json()],
        )
    return reference
