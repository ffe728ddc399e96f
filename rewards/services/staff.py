"""What staff decide. Each is a function of the database that checks who asks and writes it down (sql/, core/staff.py)."""

from datetime import date

from core.errors import ValidationError
from core.staff import call
from rewards.services.appeals import LONGEST, readable


def hold(*, week: str, staff_id: int, reason: str) -> None:
    """Keep a closed week from being distributed, or stop it on its way, until it is released."""
    call("rewards_hold", [week, reason], staff_id=staff_id)


def release(*, week: str, staff_id: int, reason: str) -> None:
    """The week was looked at: it goes out with the next beat."""
    call("rewards_release", [week, reason], staff_id=staff_id)


def mark_ineligible(*, person: str, weeks: int, told: str, staff_id: int, reason: str) -> date:
    """Leave a person out from the first week that is not closed, and tell them why; the Monday from which they count again."""
    until: date = call("rewards_mark_ineligible", [person, weeks, told.strip(), reason], staff_id=staff_id)
    return until


def lift_ineligibility(*, mark: int, staff_id: int, reason: str) -> None:
    call("rewards_lift_ineligibility", [mark, reason], staff_id=staff_id)


def reverse_reward(*, week: str, person: str, staff_id: int, reason: str) -> int:
    """Take one reward back into the pool by the ledger's reversal; its cents. Raises Conflict when the wallet lacks them."""
    return int(call("rewards_reverse", [week, person, reason], staff_id=staff_id))


def answer_appeal(*, appeal: str, answer: str, staff_id: int, reason: str) -> None:
    """What the person reads, once and for good. Raises ValidationError where there is nothing to read."""
    said = readable(answer)
    if not said:
        raise ValidationError(fields={"answer": f"Answer in up to {LONGEST} characters that can be read."})
    call("rewards_answer_appeal", [appeal, said, reason], staff_id=staff_id)


def change_settings(
    *, in_force_from: date, operations_share: int, min_age_days: int, path_length: int, circle_hours: int, review_hours: int,
    strategy: str, staff_id: int, reason: str,
) -> None:  # fmt: skip
    """Other rules for weeks that begin on a later day. `operations_share` in hundredths of a percent."""
    values = [in_force_from, operations_share, min_age_days, path_length, circle_hours, review_hours, strategy]
    call("rewards_change_settings", [*values, reason], staff_id=staff_id)
