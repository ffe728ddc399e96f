"""What changes weeks and rewards: closing, distributing, asking staff, and what staff decide."""

from rewards.services.appeals import appeal
from rewards.services.closing import close_due, close_through, estimate
from rewards.services.distributing import advance, distribute, distribute_ready
from rewards.services.staff import (
    answer_appeal,
    change_settings,
    hold,
    lift_ineligibility,
    mark_ineligible,
    release,
    reverse_reward,
)

__all__ = [
    "advance", "answer_appeal", "appeal", "change_settings", "close_due", "close_through", "distribute", "distribute_ready",
    "estimate", "hold", "lift_ineligibility", "mark_ineligible", "release", "reverse_reward",
]  # fmt: skip
