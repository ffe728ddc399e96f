"""Reads of tickets, appeals and disputes for the person whose they are. Under their own `with actor(...)`."""

from collections.abc import Iterable
from typing import TypeVar

from django.db.models import Model, QuerySet

from compliance.models import Appeal, Dispute, Ticket, TicketMessage
from compliance.services.support import APPEAL, DISPUTE, TICKET
from core.errors import NotFound

Row = TypeVar("Row", bound=Model)


def tickets(user_id: int, *, before: int | None = None, limit: int = 20) -> list[Ticket]:
    return _page(Ticket.objects.filter(user_id=user_id).only(*TICKET), before, limit)


def appeals(user_id: int, *, before: int | None = None, limit: int = 20) -> list[Appeal]:
    return _page(Appeal.objects.filter(user_id=user_id).only(*APPEAL), before, limit)


def disputes(user_id: int, *, before: int | None = None, limit: int = 20) -> list[Dispute]:
    return _page(Dispute.objects.filter(user_id=user_id).only(*DISPUTE), before, limit)


def _page(rows: QuerySet[Row], before: int | None, limit: int) -> list[Row]:
    """Newest first, one more than asked for when there are more."""
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-pk")[: limit + 1])


def ticket(user_id: int, public_id: str) -> Ticket:
    return _one(Ticket.objects.filter(user_id=user_id, public_id=public_id).only(*TICKET))


def appeal(user_id: int, public_id: str) -> Appeal:
    return _one(Appeal.objects.filter(user_id=user_id, public_id=public_id).only(*APPEAL))


def dispute(user_id: int, public_id: str) -> Dispute:
    return _one(Dispute.objects.filter(user_id=user_id, public_id=public_id).only(*DISPUTE))


def shown_status(row: Dispute) -> str:
    """Where it stands for its person: what one of us decided may still be refused by the second, and is not told before."""
    if row.status != Dispute.Status.DECIDED:
        return str(row.status)
    return Dispute.Status.CREDITED if row.credited_at else Dispute.Status.OPEN


def dispute_about(user_id: int, about: str) -> Dispute | None:
    """The report about this thing of theirs, if there is one."""
    return Dispute.objects.filter(user_id=user_id, about=about).only(*DISPUTE).first()


def messages(row: Ticket) -> Iterable[TicketMessage]:
    """What was written, oldest first."""
    return row.messages.order_by("id").only("id", "ticket_id", "user_id", "staff_id", "body", "at")


def _one(rows: QuerySet[Row]) -> Row:
    """Raises NotFound for somebody else's, as for nobody's."""
    found = rows.first()
    if found is None:
        raise NotFound
    return found
