"""What the queues share: whose a thing is, how long it has waited, and that they are worked through by keys.

A queue is for the keyboard (console/static/console/queue.js): j and k, Enter, and a letter for what is done most. Its keys are
written on the page, and all of it works without a script, too.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from console import queries
from console.admin.base import ReadOnly, plain, to
from core import clock
from core.staff import viewed

PRIORITY_LABELS = {"High": "danger", "Usual": "info", "Low": "success"}


def lasting(span: timedelta) -> str:
    """As one says it: "12 min", "5 h", "3 d"."""
    minutes = int(abs(span.total_seconds()) // 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"


def due(at: datetime) -> str:
    left = at - clock.now()
    late = left < timedelta(0)
    words = f"{lasting(left)} late" if late else f"in {lasting(left)}"
    return format_html('<span class="console-time{}">{}</span>', " console-late" if late else "", words)


class QueueFilter(admin.SimpleListFilter):
    """Open ones unless something else is asked for: these are queues."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        first, *others = super().choices(changelist)
        yield {**first, "display": "Open"}
        yield from others


class Whose(admin.SimpleListFilter):
    title, parameter_name = "whose", "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("mine", "Mine"), ("nobody", "Nobody's"), ("others", "Others'")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "mine":
            return queryset.filter(assignee_id=request.user.pk)
        if self.value() == "nobody":
            return queryset.filter(assignee_id=None)
        return queryset.exclude(assignee_id=None).exclude(assignee_id=request.user.pk) if self.value() == "others" else queryset


class Keyed(ReadOnly):
    """A list and pages that are worked through by keys. Who opens a page is kept: each is about a person."""

    list_before_template = "console/queue.html"
    views_are_kept = False  # it does so itself

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> HttpResponse:
        row: Model | None = context.get("original")
        if row is not None:
            viewed(str(self.opts.model_name), str(row.pk))
        return super().render_change_form(request, context, *args, **kwargs)


def thing(public_id: str) -> str:
    """A link to whatever goes by this id, or the id."""
    found = queries.find(public_id) if public_id else None
    return to(str(found._meta.model_name), found.pk, str(found)) if isinstance(found, Model) else plain(public_id)


def lines_of(shown: Any, under: str = "") -> Iterator[tuple[str, str]]:
    """A nested value as lines of name and value."""
    pairs = shown.items() if isinstance(shown, dict) else enumerate(shown, 1)
    for name, value in pairs:
        said = f"{under} {name}".strip().replace("_", " ")
        if isinstance(value, dict | list):
            yield from lines_of(value, said)
        else:
            yield said, "–" if value in (None, "") else str(value)
