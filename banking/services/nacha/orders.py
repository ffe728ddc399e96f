"""Prenotes and reversals that staff want: asked for with a reason, carried out by the worker, who has the account numbers."""

from datetime import date

from banking.models import NachaOrder
from banking.nacha import windows
from banking.nacha.model import Direction
from banking.services.nacha import entries
from core import staff
from core.actor import SYSTEM, actor
from core.calendar import EASTERN
from core.clock import now
from core.resilience import ProviderRejected

WORDS = {
    "NoSuchBank": "The account was removed meanwhile.",
    "NotReversible": "Meanwhile it came back, or the bank has not taken it yet.",
    "TooLateToReverse": "The five banking days after its settlement are over.",
}


def ask_prenote(*, receiver: str, direction: Direction, staff_id: int, reason: str) -> int:
    """Have an account asked for, without money. Raises NotFound, Conflict."""
    return int(staff.call("banking_nacha_order_prenote", [receiver, direction, staff.reason_of(reason)], staff_id=staff_id))


def ask_reversal(*, entry: str, staff_id: int, reason: str) -> int:
    """Have an entry taken back that was a mistake. Raises NotFound, Conflict."""
    return int(staff.call("banking_nacha_order_reversal", [entry, staff.reason_of(reason)], staff_id=staff_id))


def in_time(settles_on: date) -> bool:
    """Whether a reversal still reaches the bank in the five banking days that Nacha gives."""
    return now().astimezone(EASTERN).date() <= windows.reversal_deadline(settles_on)


def due(*, limit: int = 100) -> list[int]:
    with actor(SYSTEM):
        return list(NachaOrder.objects.filter(due_at__lte=now()).order_by("due_at").values_list("pk", flat=True)[:limit])


def carry_out(*, order: int) -> None:
    """Make the entry, which has its own key; or keep why not. Repeats and races harmlessly."""
    with actor(SYSTEM):
        row = NachaOrder.objects.select_related("receiver", "original").filter(pk=order, due_at__isnull=False).first()
    if row is None:
        return
    try:
        if row.original is not None:
            made = entries.reverse(entry=row.original.public_id)
        else:
            made = entries.prenote(key=row.key, bank=row.receiver.public_id, direction=Direction(row.direction))
    except ProviderRejected as refusal:
        outcome: dict[str, object] = {"refused": WORDS.get(refusal.code, f"It cannot be written ({refusal.code}).")}
    else:
        outcome = {"entry": made}
    with actor(SYSTEM):
        NachaOrder.objects.filter(pk=order, due_at__isnull=False).update(due_at=None, **outcome)
