"""What transfers cost in files together, beside what each would have cost in a file of its own."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Sum

from banking.models import NachaFile
from banking.nacha.optimise import Shipment
from banking.services.nacha import terms
from core.actor import SYSTEM, actor


@dataclass(frozen=True)
class Cost:
    """Cents, for some entries."""

    entries: int
    files: int
    cost: int
    unbatched: int

    @property
    def each(self) -> str:
        """Per entry, in cents with one decimal."""
        return _each(self.cost, self.entries)

    @property
    def each_unbatched(self) -> str:
        return _each(self.unbatched, self.entries)


def _each(cents: int, entries: int) -> str:
    tenths = round(cents * 10 / entries) if entries else 0
    return f"{tenths // 10}.{tenths % 10}"


def of_files(*, since: date) -> Cost:
    """Of the files written since a day."""
    with actor(SYSTEM):
        rows = NachaFile.objects.filter(day__gte=since)
        sums = rows.aggregate(entries=Sum("entries"), cost=Sum("cost"), unbatched=Sum("unbatched_cost"))
        return Cost(sums["entries"] or 0, rows.count(), sums["cost"] or 0, sums["unbatched"] or 0)


def of_plan(shipments: list[Shipment]) -> Cost:
    fees = terms.fees()
    entries, same_day = sum(each.entries for each in shipments), sum(each.same_day for each in shipments)
    cost = sum(each.cost(fees) for each in shipments)
    return Cost(entries, len(shipments), cost, fees.unbatched(entries=entries, same_day=same_day))
