"""Things that go wrong by themselves, at set rates, until the rates are set to nothing again.

`faults` fails the next requests that a test names; this is weather: each request and each webhook has its chance. The
rates live in memory, so that a restarted sandbox is a calm one.
"""

import random
from dataclasses import asdict, dataclass, fields

from sandbox.models import Fault

LONGEST_SECONDS = 30.0


@dataclass(frozen=True)
class Rates:
    """Of all requests to a vendor, and of all webhooks, the part that goes so. What is left goes well."""

    error: float = 0.0  # 500, and nothing was done
    busy: float = 0.0  # 429, and nothing was done
    hang: float = 0.0  # no answer for `seconds`, and nothing was done
    drop: float = 0.0  # done, and no answer
    lost: float = 0.0  # a webhook that counts as delivered and never leaves
    late: float = 0.0  # one that waits up to `seconds`, and is overtaken by others
    twice: float = 0.0  # one that comes twice
    seconds: float = 1.0


CALM = Rates()
_dice = random.SystemRandom()
NAMES = tuple(field.name for field in fields(Rates))
_rates = CALM


def set_rates(rates: Rates) -> None:
    """Raises ValueError where the rates are none."""
    shares = [value for name, value in asdict(rates).items() if name != "seconds"]
    if not all(0 <= share <= 1 for share in shares) or not 0 <= rates.seconds <= LONGEST_SECONDS:
        raise ValueError(f"rates are from 0 to 1, and seconds from 0 to {LONGEST_SECONDS:.0f}")
    if rates.error + rates.busy + rates.hang + rates.drop > 1 or rates.lost + rates.late > 1:
        raise ValueError("what can go wrong adds up to more than everything")
    global _rates
    _rates = rates


def shown() -> dict[str, float]:
    return asdict(_rates)


def of_request(vendor: str) -> Fault | None:
    """What goes wrong with this request, if something does. Texts to people are left alone."""
    rates = _rates
    if rates is CALM or vendor not in ("dwolla", "stripe", "plaid"):
        return None
    chance = _dice.random()
    for mode, share in (("500", rates.error), ("429", rates.busy), ("timeout", rates.hang), ("drop_after", rates.drop)):
        if chance < share:
            return Fault(vendor=vendor, mode=mode, path="", times_left=0, seconds=rates.seconds if mode == "timeout" else 0)
        chance -= share
    return None


def of_webhook(first_time: bool) -> tuple[str, float]:
    """("lost" | "late" | "", seconds to wait): a late one is late once."""
    rates, chance = _rates, _dice.random()
    if chance < rates.lost:
        return "lost", 0.0
    if first_time and chance < rates.lost + rates.late:
        return "late", _dice.uniform(0, rates.seconds)
    return "", 0.0


def again() -> bool:
    """Whether a webhook that was sent is sent once more."""
    return _dice.random() < _rates.twice
