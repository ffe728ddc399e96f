"""How many of our debits came back within sixty days, beside what Nacha allows an originator (RAILS, section 5).

Unauthorised returns 0.5 %, administrative ones (R02-R04) 3 %, all together 15 %. Of debits: a credit that comes back
counts into none of them. R11 counts as unauthorised. Each rail originates for itself, so each has its own figures.
"""

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from django.db.models import Count

from banking.models import BankTransfer
from banking.nacha import codes
from core.clock import now

log = logging.getLogger("paya.banking")
WINDOW = timedelta(days=60)
LIMITS = {"unauthorised": Fraction(5, 1000), "administrative": Fraction(3, 100), "all": Fraction(15, 100)}
# Staff are warned before the limit is reached, while something can still be done about it.
WARN_FROM = Fraction(4, 5)


@dataclass(frozen=True)
class ReturnRate:
    """Of `sent` debits by a rail, how many came back for a reason of this class."""

    rail: str
    of: str
    returned: int
    sent: int

    @property
    def share(self) -> Fraction:
        return Fraction(self.returned, self.sent) if self.sent else Fraction(0)

    @property
    def limit(self) -> Fraction:
        return LIMITS[self.of]

    @property
    def state(self) -> str:
        """ "ok", "warning" near the limit, "over" above it."""
        if self.share > self.limit:
            return "over"
        return "warning" if self.share >= WARN_FROM * self.limit else "ok"

    @property
    def percent(self) -> str:
        return f"{float(self.share) * 100:.2f}\u00a0%"

    @property
    def limit_percent(self) -> str:
        return f"{float(self.limit) * 100:g}\u00a0%"


def return_rates() -> list[ReturnRate]:
    """Each rail's rates over the last sixty days; for staff and workers, as whom it is read."""
    sent: Counter[str] = Counter()
    came_back: Counter[tuple[str, str]] = Counter()
    debits = BankTransfer.objects.filter(
        kind=BankTransfer.Kind.LOAD, external_id__isnull=False, created_at__gt=now() - WINDOW
    ).exclude(status=BankTransfer.Status.CANCELLED)
    for rail, code, count in debits.values_list("rail", "failure_code").annotate(Count("pk")).order_by("rail", "failure_code"):
        sent[rail] += count
        if known := codes.RETURNS.get(code):
            came_back[rail, known.rate.value] += count
            came_back[rail, "all"] += count
    return [ReturnRate(rail, of, came_back[rail, of], sent[rail]) for rail in sorted(sent) for of in LIMITS]


def warn_of_return_rates() -> None:
    """Say it in the log, where alarms listen, when a rate is near its limit or above it."""
    for rate in return_rates():
        if rate.state != "ok":
            said = {"rail": rate.rail, "rate": rate.of, "status": rate.state, "share": rate.percent, "sent": rate.sent}
            log.error("return_rate", extra=said)
