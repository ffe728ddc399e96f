"""What staff do about direct NACHA files, and what they cost."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Sum

from banking.services.nacha import secrets
from banking.services.nacha.report import Cost
from console.models import NachaFile, NachaIncoming
from core import staff
from core.clock import now

DAYS = 30


@dataclass(frozen=True)
class Opened:
    name: str
    content: bytes


def open_file(*, file: str, staff_id: int, reason: str) -> Opened:
    """A whole file, ours or the bank's, with the record of who opened it and why. Raises ValidationError, NotFound."""
    sealed = staff.call("banking_nacha_open", [file, staff.reason_of(reason)], staff_id=staff_id)
    if ours := NachaFile.objects.filter(pk=file).first():
        return Opened(ours.name, secrets.open_file(file, sealed))
    return Opened(NachaIncoming.objects.get(pk=file).name, secrets.open_incoming(file, sealed))


def resolve(*, line: int, staff_id: int, reason: str) -> None:
    """Somebody has dealt with a quarantined line. Raises NotFound, Conflict."""
    staff.call("banking_nacha_resolve", [line, reason], staff_id=staff_id)


def after_rejection(*, file: str, again: bool, staff_id: int, reason: str) -> int:
    """Queue the entries of a rejected file again, or give them up; how many. Raises NotFound, Conflict."""
    return int(staff.call("banking_nacha_after_rejection", [file, again, reason], staff_id=staff_id))


def cost() -> Cost:
    """What transfers cost in the last days, together and alone."""
    rows = NachaFile.objects.filter(day__gte=(now() - timedelta(days=DAYS)).date())
    sums = rows.aggregate(files=Count("pk"), entries=Sum("entries"), cost=Sum("cost"), unbatched=Sum("unbatched_cost"))
    return Cost(sums["entries"] or 0, sums["files"], sums["cost"] or 0, sums["unbatched"] or 0)
