"""What limits say about a movement: pure functions of the figures that were read under the payer's guard.

Whether a *payment* passes one is decided in the database, where the money moves (compliance/sql/0016_stamp.sql).
"""

from dataclasses import dataclass
from datetime import datetime

from compliance.models import UNITS, LimitName
from core.calendar import moment_in_words, next_minute
from core.errors import LimitExceeded
from core.money import format_usd


@dataclass(frozen=True)
class Limit:
    """One limit of a person now: cents, payments, people or days. `limit` None: there is none.

    `resets_at` is when the next place frees; `beyond` is what a redemption may take without touching the limit.
    """

    name: LimitName
    tier: int
    limit: int | None
    used: int
    resets_at: datetime | None
    beyond: int = 0

    @property
    def remaining(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.used)

    @property
    def unit(self) -> str:
        return UNITS[self.name]


# Which limits a load and a redemption are held against, in this order.
OF_LOADS = (LimitName.LOADS_WHILE_NEW, LimitName.LOADS_PER_WEEK)
OF_REDEMPTIONS = (LimitName.DAYS_BEFORE_REDEEMING, LimitName.UNSEASONED_REDEEMABLE)


def exceeded_by_load(limits: dict[LimitName, Limit], amount: int) -> Limit | None:
    for name in OF_LOADS:
        one = limits.get(name)
        if one is not None and one.remaining is not None and amount > one.remaining:
            return one
    return None


def exceeded_by_redemption(limits: dict[LimitName, Limit], amount: int) -> Limit | None:
    """Money that no bank can take back any more goes first; only the rest counts against the limit of fresh loads."""
    waiting = limits.get(LimitName.DAYS_BEFORE_REDEEMING)
    if waiting is not None and waiting.limit is not None:
        return waiting
    fresh = limits.get(LimitName.UNSEASONED_REDEEMABLE)
    if fresh is not None and fresh.remaining is not None and amount > fresh.remaining + fresh.beyond:
        return fresh
    return None


def refusal(one: Limit) -> LimitExceeded:
    """Which limit it is and when there is room again, in words and for programs."""
    return LimitExceeded(
        _words(one),
        limit=one.name.value,
        maximum=one.limit,
        used=one.used,
        remaining=one.remaining,
        resets_at=_iso(one.resets_at),
        fields={"amount": _words(one)} if one.unit == "cents" else None,
    )


def _words(one: Limit) -> str:
    limit = one.limit or 0
    money = format_usd(limit)
    left = format_usd(one.remaining or 0)
    again = f" The next one is possible {_when(one.resets_at)}." if one.resets_at else ""
    more = f" More is possible {_when(one.resets_at)}." if one.resets_at else ""
    match one.name:
        case LimitName.PER_TRANSFER:
            return f"One payment can be up to {money}."
        case LimitName.SENDS_PER_HOUR:
            return f"You can make {limit} payments in an hour.{again}"
        case LimitName.SENDS_PER_DAY:
            return f"You can make {limit} payments in a day.{again}"
        case LimitName.RECIPIENTS_PER_DAY:
            return f"You can pay {limit} different people in a day.{again}"
        case LimitName.LOADS_WHILE_NEW:
            return f"In the first days of an account you can load up to {money}; {left} of it is left.{more}"
        case LimitName.LOADS_PER_WEEK:
            return f"You can load up to {money} in a week; {left} of it is left.{more}"
        case LimitName.DAYS_BEFORE_REDEEMING:
            return f"You can redeem once your account is {limit} days old, {_when(one.resets_at)}." if one.resets_at else ""
        case LimitName.UNSEASONED_REDEEMABLE:
            able = format_usd((one.remaining or 0) + one.beyond)
            return (
                f"For 60 days after a load your bank can still take it back, so of such money you can redeem up to {money}. "
                f"You can redeem {able} now.{more}"
            )
    raise ValueError(one.name)


def _when(moment: datetime | None) -> str:
    if moment is None:
        return "later"
    return f"from {moment_in_words(next_minute(moment))} on"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
