"""The outbox, what staff did, and who looked at what."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from unfold.decorators import display

from console import queries
from console.admin.base import ReadOnly, code, link, page_url, to, when
from console.models import BankTransfer, OutboxRow, Payment, Person, StaffAction, StaffLook, Wallet
from console.site import site

_MODELS = (Payment, BankTransfer, Person, Wallet)


@admin.register(OutboxRow, site=site)
class OutboxAdmin(ReadOnly):
    list_display = ("written", "topic", "ids", "place", "state")
    list_display_links = ("written", "topic")
    list_filter = (("position", admin.EmptyFieldListFilter), ("failed_at", admin.EmptyFieldListFilter))
    search_fields = ("topic",)
    search_help_text = "topic, payment's or bank transfer's id"
    ordering = ("-id",)
    sections_of_page = ((None, ("topic", "state", "written", "place", "failed")), ("Payload", ("ids", "things")))

    def narrowed_to(self, person: Any) -> dict[str, str]:
        return {}  # rows name people by numbers that are nobody's to search by

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[OutboxRow], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if term.startswith(("pay_", "ld_", "rd_")):
            keys = ("payment", "ref", "transfer")
            rows = queryset.none()
            for key in keys:
                rows = rows | queryset.filter(**{f"payload__{key}": term})
            return rows, False
        return queryset.filter(topic__startswith=term), False

    @display(description="Written (UTC)", ordering="id")
    def written(self, row: OutboxRow) -> str:
        return when(row.created_at)

    @display(description="Position", ordering="position")
    def place(self, row: OutboxRow) -> str:
        return f"#{row.position}" if row.position else "–"

    @display(description="State", label={"published": "success", "waiting": "warning", "failed": "danger"})
    def state(self, row: OutboxRow) -> str:
        if row.failed_at:
            return "failed"
        return "published" if row.position else "waiting"

    @display(description="Failed (UTC)")
    def failed(self, row: OutboxRow) -> str:
        return when(row.failed_at)

    @display(description="Ids")
    def ids(self, row: OutboxRow) -> str:
        return code(json.dumps(row.payload, ensure_ascii=False))

    @display(description="Things")
    def things(self, row: OutboxRow) -> str:
        found = [queries.find(value) for value in row.payload.values() if isinstance(value, str)]
        links = ((link(page_url(str(thing._meta.model_name), thing.pk), thing),) for thing in found if isinstance(thing, _MODELS))
        return format_html_join("", "<div>{}</div>", links) or "–"


@admin.register(StaffLook, site=site)
class StaffLookAdmin(ReadOnly):
    list_display = ("when_", "staff", "payment_", "reason")
    list_display_links = ("when_",)
    search_fields = ("payment",)
    search_help_text = "payment's id"
    ordering = ("-at",)
    sections_of_page = ((None, ("when_", "staff", "payment_", "reason")),)

    def narrowed_to(self, person: Any) -> dict[str, str]:
        return {}

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[StaffLook], search_term: str) -> tuple[Any, bool]:
        return (queryset.filter(payment=search_term.strip()) if search_term.strip() else queryset), False

    @display(description="When (UTC)", ordering="at")
    def when_(self, row: StaffLook) -> str:
        return when(row.at)

    @display(description="Payment")
    def payment_(self, row: StaffLook) -> str:
        return to("payment", row.payment)


@admin.register(StaffAction, site=site)
class StaffActionAdmin(ReadOnly):
    list_display = ("when_", "staff", "what", "reason", "subject_")
    list_display_links = ("when_",)
    list_filter = ("action",)
    search_fields = ("subject", "staff")
    search_help_text = "id of what it was done to, or e-mail of who did it"
    ordering = ("-id",)
    sections_of_page = ((None, ("when_", "staff", "action", "what", "reason", "subject_")),)

    def narrowed_to(self, person: Any) -> dict[str, str]:
        return {"q": person.pk}

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[StaffAction], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        return (queryset.filter(Q(subject=term) | Q(staff=term)) if term else queryset), False

    @display(description="When (UTC)", ordering="id")
    def when_(self, row: StaffAction) -> str:
        return when(row.at)

    @display(description="Done to")
    def subject_(self, row: StaffAction) -> str:
        found = queries.find(row.subject)
        return link(page_url(str(found._meta.model_name), found.pk), row.subject) if found else code(row.subject)
