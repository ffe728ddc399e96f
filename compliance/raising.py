"""A person's limits as they may see them: each with how much is used, when it frees, and how to raise it."""

from dataclasses import dataclass
from datetime import datetime

from compliance import queries
from compliance.limits import Limit
from compliance.models import Limit as LimitRow
from compliance.models import LimitName, Tier
from compliance.services.tiers import tier_of
from core.actor import actor
from core.calendar import next_minute
from core.clock import now


@dataclass(frozen=True)
class Way:
    """What raises a tier: in words, and the page on which it is done."""

    words: str
    url: str


WAYS = {
    Tier.PHONE: Way("Let your bank confirm who you are.", "/identity"),
    Tier.IDENTITY: Way("Send an identity document.", "/identity/documents"),
}
# Of these more is not better, or no tier changes them.
_NOT_RAISED = {LimitName.DAYS_BEFORE_REDEEMING, LimitName.NEW_FOR_DAYS}


@dataclass(frozen=True)
class Shown:
    """A limit, and what the next tier would make of it: None where that changes nothing (or there is no next tier)."""

    now: Limit
    next_limit: int | None
    way: Way | None

    @property
    def title(self) -> str:
        return str(self.now.name.label)

    @property
    def frees_at(self) -> datetime | None:
        """When there is room for more than now, as it is told."""
        return next_minute(self.now.resets_at) if self.now.resets_at else None

    @property
    def is_free(self) -> bool:
        """Whether there is room for more."""
        return self.now.remaining is None or self.now.remaining > 0


def limits_shown(*, user_id: int) -> tuple[Tier, list[Shown]]:
    """The person's tier, and every limit that applies to them now."""
    tier = tier_of(user_id=user_id)
    with actor(user_id):
        limits = queries.limits_of(user_id)
        higher = _in_force(tier + 1) if tier in WAYS else {}
    return tier, [_shown(one, tier, higher) for one in limits if one.limit is not None]


def _in_force(tier: int) -> dict[str, int | None]:
    rows = LimitRow.objects.filter(tier=tier, effective_at__lte=now())
    newest = rows.order_by("name", "-effective_at", "-id").distinct("name")
    return dict(newest.values_list("name", "value"))


def _shown(one: Limit, tier: Tier, higher: dict[str, int | None]) -> Shown:
    then = higher.get(one.name)
    if one.name in _NOT_RAISED or then is None or one.limit is None or then <= one.limit:
        return Shown(one, None, None)
    return Shown(one, then, WAYS[tier])
