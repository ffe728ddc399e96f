"""Loads and redemptions, and what vendors told us about them."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from unfold.decorators import display

from console import queries
from console.admin.base import OfPerson, ReadOnly, code, link, list_url, money, person_link, plain, when
from console.admin.held import Deny, Release
from console.models import BankTransfer, InboxEvent, Transfer
from console.site import site

STATUS_LABELS = {
    "requested": "info", "queued": "warning", "submitted": "info", "unknown": "danger", "pending": "info",
    "settled": "success", "failed": "danger", "cancelled": "default", "returned": "danger",
}  # fmt: skip


@admin.register(BankTransfer, site=site)
class BankTransferAdmin(ReadOnly):
    list_display = ("asked", "person", "kind", "amount_", "state", "expected", "returned_with", "public_id")
    list_display_links = ("asked", "public_id")
    list_filter = ("kind", "status", "review", "rail", OfPerson)
    staff_actions = (Release, Deny)
    search_fields = ("id",)
    search_help_text = "@username, id, rail's id or whole phone"
    ordering = ("-number",)
    sections_of_page = (
        (None, ("person", "kind", "amount_", "state", "asked", "expected", "public_id")),
        ("At the rail", ("rail", "bank_", "external", "key", "returned_with", "attempts", "due")),
        ("Timeline", ("timeline",)),
        ("More", ("journal",)),
    )

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[BankTransfer], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = queries.find(term)
        if isinstance(found, Transfer):
            return (queryset.filter(rail_key=found.group_id) if found.group_id else queryset.none()), False
        if person := queries.person(term):
            return queryset.filter(user_id=person.user_id), False
        return queryset.filter(Q(pk=term) | Q(external_id=term)), False

    @display(description="Asked for (UTC)", ordering="number")
    def asked(self, row: BankTransfer) -> str:
        return when(row.created_at)

    @display(description="Person")
    def person(self, row: BankTransfer) -> str:
        return person_link(row.person_id, row.username)

    @display(description="Amount", ordering="amount")
    def amount_(self, row: BankTransfer) -> str:
        return money(row.amount)

    @display(description="Status", ordering="status", label=STATUS_LABELS)
    def state(self, row: BankTransfer) -> str:
        return row.status

    @display(description="Expected", ordering="expected_on")
    def expected(self, row: BankTransfer) -> str:
        return when(row.expected_on)

    @display(description="Return code", ordering="failure_code")
    def returned_with(self, row: BankTransfer) -> str:
        return plain(row.failure_code)

    @display(description="Bank account")
    def bank_(self, row: BankTransfer) -> str:
        return row.bank

    @display(description="Id")
    def public_id(self, row: BankTransfer) -> str:
        return code(row.id)

    @display(description="Id at the rail")
    def external(self, row: BankTransfer) -> str:
        return code(row.external_id)

    @display(description="Our key at the rail")
    def key(self, row: BankTransfer) -> str:
        return code(row.rail_key)

    @display(description="Looked at again (UTC)")
    def due(self, row: BankTransfer) -> str:
        return when(row.due_at)

    @display(description="Step by step")
    def timeline(self, row: BankTransfer) -> str:
        moves = [
            {**move, "at": when(move["at"]), "label": STATUS_LABELS.get(move["status"]), "evidence": as_json(move["evidence"])}
            for move in queries.timeline(row.number)
        ]
        return render_to_string("console/timeline.html", {"moves": moves})

    @display(description="Journal")
    def journal(self, row: BankTransfer) -> str:
        return link(list_url("transfer", q=row.id), "what it posted")


def as_json(value: Any) -> str:
    """Evidence as it is stored, or nothing where there is none."""
    value = json.loads(value) if isinstance(value, str) else value
    return json.dumps(value, indent=2, ensure_ascii=False) if value else ""


@admin.register(InboxEvent, site=site)
class InboxEventAdmin(ReadOnly):
    list_display = ("received", "provider", "topic", "done", "tries", "outcome_", "event")
    list_display_links = ("received", "topic")
    list_filter = ("provider", ("processed_at", admin.EmptyFieldListFilter))
    search_fields = ("event_id", "topic")
    search_help_text = "event or topic"
    ordering = ("-id",)
    sections_of_page = ((None, ("provider", "topic", "event", "received", "done", "outcome_", "tries", "due")),)

    def narrowed_to(self, person: Any) -> dict[str, str]:
        return {}  # an event names nobody

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[InboxEvent], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        return (queryset.filter(Q(event_id=term) | Q(topic__icontains=term)) if term else queryset), False

    @display(description="Received (UTC)", ordering="received_at")
    def received(self, row: InboxEvent) -> str:
        return when(row.received_at)

    @display(description="Processed (UTC)", ordering="processed_at")
    def done(self, row: InboxEvent) -> str:
        return when(row.processed_at)

    @display(description="Tries")
    def tries(self, row: InboxEvent) -> int:
        return row.attempts

    @display(description="Outcome")
    def outcome_(self, row: InboxEvent) -> str:
        return plain(row.outcome)

    @display(description="Event")
    def event(self, row: InboxEvent) -> str:
        return code(row.event_id)

    @display(description="Looked at again (UTC)")
    def due(self, row: InboxEvent) -> str:
        return when(row.due_at)
