"""The rules in words, made from the settings that they are kept by: the same sentences on every page and in the API."""

from decimal import Decimal

from rewards.models import Reward, Setting
from rewards.strategies import STRATEGIES

_NUMBERS = {1: "one", 2: "two", 3: "three"}


def percent(share: int) -> str:
    """Hundredths of a percent as people read them: 3000 is "30 %", 1250 is "12.5 %"."""
    return f"{(Decimal(share) / 100).normalize():f} %"


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _further(setting: Setting) -> str:
    return f"{_NUMBERS[setting.path_length]} further payment{'s' if setting.path_length > 1 else ''}"


def who_is_active(setting: Setting) -> str:
    """The definition, as the transparency page states it; what keeps it is rewards_payers and rewards_judged (sql/)."""
    return (
        "Whoever has a verified phone and an account that is at least "
        f"{_many(setting.min_age_days, 'day')} old when the week ends, is not frozen and was not left out by our staff, and made "
        "at least one payment in the week that counts. A payment counts when it goes to another person from whom no path of at "
        f"most {_further(setting)}, of any amount, leads back "
        f"to the payer within {_many(setting.circle_hours, 'hour')}. Public and private payments count alike."
    )


def how_it_is_divided(setting: Setting) -> str:
    return (
        "What a week brought is revenue less what the banks and rails cost us, from Monday 00:00 to Monday 00:00 UTC. "
        f"{percent(setting.operations_share)} of it pays for running PaYa. The rest goes into the pool, which is shared among "
        f"everybody who was active, {STRATEGIES[setting.strategy].words}. A week that cost more than it brought pays nobody, and "
        "the next one makes up for it."
    )


def when_it_is_paid(setting: Setting) -> str:
    return (
        f"A week is closed {_many(setting.circle_hours, 'hour')} after it ends, when it can be seen which payments went in a "
        f"circle. Our staff may look at the result for {_many(setting.review_hours, 'hour')}; then the money goes out by itself."
    )


def why_nothing(reason: str, setting: Setting) -> str:
    """Why a week gave somebody nothing, to that person."""
    R = Reward.Reason
    words: dict[str, str] = {
        "no_payment": "You paid nobody in this week. One payment to another person is enough.",
        R.UNVERIFIED: "Your phone number was not verified, or your account was closed.",
        R.TOO_YOUNG: f"Your account was less than {_many(setting.min_age_days, 'day')} old when the week ended.",
        R.FROZEN: "Your account was frozen when the week was closed.",
        R.INELIGIBLE: "Our staff have left your account out of the rewards for a while. You can ask them why.",
        R.CIRCULAR: (
            f"Each of your payments led back to you within {_many(setting.circle_hours, 'hour')}, over at most "
            f"{_further(setting)}. Such payments do not count."
        ),
        R.ACTIVE: "You were active, and the pool was too small: your share came to less than a cent. It stays in the pool.",
    }
    return words[reason]
