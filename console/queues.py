"""All that waits for staff on one page, whichever room it comes from: how many, how old the oldest is, and what is late."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from console.models import (
    Appeal,
    Break,
    Case,
    Correction,
    Dispute,
    Hit,
    HitLifting,
    PersonAppeal,
    ProofComplaint,
    Return,
    Ticket,
)
from core import clock


@dataclass(frozen=True)
class Queue:
    """`late` is None where nothing of it has a day by which it has to be done; `mine` where it is nobody's in particular."""

    name: str
    url: str
    count: int
    oldest: datetime | None
    late: int | None
    mine: int | None
    hint: str = ""


def _queue(
    name: str,
    rows: QuerySet[Any],
    query: str = "",
    *,
    since: str = "created_at",
    due: str = "",
    whose: int | None = None,
    hint: str = "",
) -> Queue:
    asked: dict[str, Any] = {"count": Count("pk"), "oldest": Min(since)}
    if due:
        asked["late"] = Count("pk", filter=Q(**{f"{due}__lt": clock.now()}))
    if whose is not None:
        asked["mine"] = Count("pk", filter=Q(assignee_id=whose))
    found = rows.aggregate(**asked)
    url = reverse(f"admin:console_{rows.model._meta.model_name}_changelist") + (f"?{query}" if query else "")
    return Queue(name, url, found["count"], found["oldest"], found.get("late"), found.get("mine"), hint)


def queues(staff_id: int) -> list[Queue]:
    """What the law's clocks run for first, then what keeps people's money, then the rest."""
    cases = Case.objects.filter(status="open")
    others = cases.exclude(kind__in=["held_payment", "held_transfer", "sanctions", "document", "dispute", "withdrawal"])
    disputes = Dispute.objects.exclude(status="closed")

    def of_kind(name: str, kind: str, hint: str = "") -> Queue:
        return _queue(name, cases.filter(kind=kind), f"kind={kind}", due="due_at", whose=staff_id, hint=hint)

    return [
        _queue(
            "Disputes", disputes, since="reported_at", due="due_at", whose=staff_id, hint="late: the law’s next day has passed"
        ),
        _queue("Disputes that wait for a second of us", disputes.exclude(waits=None), since="reported_at", due="due_at"),
        _queue("Appeals against decisions", PersonAppeal.objects.filter(status="open"), due="due_at", whose=staff_id),
        of_kind("Held payments", "held_payment"),
        of_kind("Held loads and redemptions", "held_transfer"),
        of_kind("Withdrawals from frozen accounts", "withdrawal"),
        _queue("Sanctions hits", Hit.objects.filter(state="open"), since="found_at"),
        _queue("Confirmed hits to be taken back", _to_take_back(), "state=lifting", since="decided_at"),
        of_kind("Documents", "document"),
        _queue("Other cases", others, due="due_at", whose=staff_id, hint="flags, what staff asked for, closings"),
        _queue("Tickets", Ticket.objects.filter(status="open"), since="waiting_since", due="due_at", whose=staff_id),
        _queue("Appeals about weekly rewards", Appeal.objects.filter(answered_at=None), "answered_at__isempty=1"),
        _queue(
            "Returns that restrict somebody",
            Return.objects.filter(restricts=True, lifted_at=None),
            "restricts__exact=1",
            since="at",
        ),
        _queue(
            "Breaks between ledger and custodians", Break.objects.filter(state="open"), "state__exact=open", since="first_seen_at"
        ),
        _queue(
            "Corrections and adjustments that wait for approval",
            Correction.objects.filter(decided_at=None),
            "approved__isnull=True",
            since="asked_at",
        ),
        _queue(
            "Reports about proofs", ProofComplaint.objects.filter(answered_at=None), "answered_at__isempty=1", since="made_at"
        ),
    ]


def _to_take_back() -> QuerySet[Hit]:
    return Hit.objects.filter(pk__in=HitLifting.objects.filter(decided_at=None).values("hit_id"))


def page(request: HttpRequest, site_context: dict[str, Any]) -> HttpResponse:
    found = queues(int(request.user.pk or 0))
    context = {"title": "Queues", "queues": found, "late": sum(one.late or 0 for one in found), "now": clock.now()}
    return TemplateResponse(request, "console/queues.html", site_context | context)
