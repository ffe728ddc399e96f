"""Review cases: their queue, their page, and what staff do to them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from compliance.models import Case as Cases
from compliance.models import Label, Outcome
from compliance.services import cases, sanctions
from console import queries
from console.admin.actions import Action, Form
from console.admin.base import OfPerson, link, list_url, person_link, to, when
from console.admin.flags import in_words, usernames_of
from console.admin.held import Deny, Release, score_lines
from console.admin.queue import PRIORITY_LABELS, Keyed, QueueFilter, Whose, due, lasting, lines_of, thing
from console.models import Case, CaseNote, CaseVerdict, Flag, Hit
from console.site import site
from core import clock

CASE_LABELS = {"open": "warning", "closed": "success"}
# Closed by what is decided about them, and by nothing else (compliance/sql/0001_cases.sql).
DECIDED_ELSEWHERE = ("held_payment", "held_transfer", "sanctions", "document", "dispute", "withdrawal")


# ------------------------------------------------------------------------------------------------ what is done to a case
class _Open(Action):
    def offered(self, row: Case) -> bool:
        return row.status == "open"


class Take(_Open):
    name, title = "take", "Take"
    acts = "case.take"

    def offered(self, row: Case) -> bool:
        return super().offered(row) and row.assignee_id is None

    def preview(self, row: Case, given: Any) -> list[str]:
        return [f"{row} will be yours to look into."]

    def do(self, row: Case, given: Any, *, staff_id: int, reason: str) -> str:
        cases.take(case=row.pk, staff_id=staff_id, reason=reason)
        return "It is yours."


class Assign(_Open):
    name, title = "assign", "Assign"
    acts = "case.assign"

    class form(Form):
        staff = forms.EmailField(label="To whom", help_text="The e-mail with which they log in.")

    def preview(self, row: Case, given: Any) -> list[str]:
        had = f" instead of {row.assignee}" if row.assignee else ""
        return [f"{row} will be {given['staff']}'s to look into{had}."]

    def do(self, row: Case, given: Any, *, staff_id: int, reason: str) -> str:
        cases.assign(case=row.pk, to=given["staff"], staff_id=staff_id, reason=reason)
        return "Assigned."


class Prioritise(_Open):
    name, title = "prioritise", "Priority"
    acts = "case.prioritise"

    class form(Form):
        priority = forms.TypedChoiceField(label="Priority", choices=Cases.Priority.choices, coerce=int)

    def preview(self, row: Case, given: Any) -> list[str]:
        return [f"{row} has the priority {Cases.Priority(given['priority']).label.lower()}."]

    def do(self, row: Case, given: Any, *, staff_id: int, reason: str) -> str:
        cases.prioritise(case=row.pk, priority=given["priority"], staff_id=staff_id, reason=reason)
        return "Noted."


class Note(Action):
    name, title = "note", "Write a note"
    hint = "What you write as the reason below is the note."
    acts = "case.note"

    def preview(self, row: Case, given: Any) -> list[str]:
        return ["It stands on the page of this case with your name, until its person is erased. They do not see it."]

    def do(self, row: Case, given: Any, *, staff_id: int, reason: str) -> str:
        cases.note(case=row.pk, note=reason, staff_id=staff_id)
        return "Written."


class Close(_Open):
    name, title = "close", "Close"
    hint = "The label is kept with what was measured at the time: a model can be trained on it later."
    acts = "case.close"

    class form(Form):
        outcome = forms.ChoiceField(label="What was done", choices=Outcome.choices)
        label = forms.ChoiceField(label="What it turned out to be", choices=Label.choices, initial=Label.UNCLEAR)
        result = forms.CharField(label="What was found", min_length=10, max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))

    def offered(self, row: Case) -> bool:
        return super().offered(row) and row.kind not in DECIDED_ELSEWHERE

    def preview(self, row: Case, given: Any) -> list[str]:
        return [
            f"{row} is closed: {Outcome(given['outcome']).label.lower()}, {Label(given['label']).label.lower()}.",
            "Closing it moves no money and lifts no freeze.",
        ]

    def do(self, row: Case, given: Any, *, staff_id: int, reason: str) -> str:
        cases.close(case=row.pk, **given, staff_id=staff_id, reason=reason)
        return "Closed."


class Reopen(Action):
    name, title = "reopen", "Open again"
    acts = "case.reopen"

    def offered(self, row: Case) -> bool:
        return row.status == "closed" and row.kind not in DECIDED_ELSEWHERE

    def preview(self, row: Case, given: Any) -> list[str]:
        return ["It is in the queue again. What it was closed with stays on record."]

    def do(self, row: Case, given: Any, *, staff_id: int, reason: str) -> str:
        cases.reopen(case=row.pk, staff_id=staff_id, reason=reason)
        return "Open again."


class ClearAll(_Open):
    name, title = "clear", "Clear all hits"
    acts = "hit.clear"

    def offered(self, row: Case) -> bool:
        return super().offered(row) and row.kind == "sanctions"

    def preview(self, row: Case, given: Any) -> list[str]:
        return [f"{hit.whose} is not “{hit.listed}” (score {hit.score})." for hit in _open_hits(row)] + [
            "They never come up together again under these names. The case is closed, and @"
            f"{row.username} may send again if this is what kept them from it."
        ]

    def do(self, row: Case, given: Any, *, staff_id: int, reason: str) -> str:
        return f"Cleared: {sanctions.clear_case(case=row.pk, staff_id=staff_id, reason=reason)}."


def _open_hits(row: Case) -> list[Hit]:
    return list(Hit.objects.filter(case_id=row.pk, state="open").order_by("-score"))


# ------------------------------------------------------------------------------------------------ the queue


# ------------------------------------------------------------------------------------------------ the queue
class CaseState(QueueFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("late", "Late"), ("closed", "Closed"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        if self.value() == "all":
            return queryset
        if self.value() == "late":
            return queryset.filter(status="open", due_at__lt=clock.now())
        return queryset.filter(status="closed" if self.value() == "closed" else "open")


class KindOfCase(admin.SimpleListFilter):
    title, parameter_name = "kind", "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(queries.case_kinds())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Case, site=site)
class CaseAdmin(Keyed):
    list_display = ("what", "person", "priority_", "age", "due_", "assignee_", "state", "summary_")
    list_display_links = ("what",)
    list_filter = (CaseState, KindOfCase, "priority", Whose, OfPerson)
    search_fields = ("id", "about")
    search_help_text = "@username, whole phone, id of a case or of what it is about"
    ordering = ("priority", "due_at", "number")
    staff_actions = (Take, Note, Close, Release, Deny, ClearAll, Assign, Prioritise, Reopen)
    sections_of_page = (
        (None, ("said", "person", "about_", "priority_", "state", "assignee_", "opened", "due_")),
        ("What was measured", ("signals_", "flags_", "hits_")),
        ("What was decided", ("verdicts",)),
        ("More about the person", ("others", "letters")),
        ("Notes", ("notes",)),
    )

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Case], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        if term and (person := queries.person(term)):
            return queryset.filter(user_id=person.user_id), False
        return super().get_search_results(request, queryset, term)

    @display(description="Kind", ordering="kind")
    def what(self, row: Case) -> str:
        return row.kind_title

    @display(description="Person")
    def person(self, row: Case) -> str:
        return person_link(row.person_id, row.username)

    @display(description="Priority", ordering="priority", label=PRIORITY_LABELS)
    def priority_(self, row: Case) -> str:
        return row.get_priority_display()

    @display(description="Age", ordering="created_at")
    def age(self, row: Case) -> str:
        return format_html('<span class="console-time">{}</span>', lasting((row.closed_at or clock.now()) - row.created_at))

    @display(description="Due", ordering="due_at")
    def due_(self, row: Case) -> str:
        return due(row.due_at) if row.status == "open" else "–"

    @display(description="Whose", ordering="assignee")
    def assignee_(self, row: Case) -> str:
        return row.assignee or "nobody's"

    @display(description="State", ordering="status", label=CASE_LABELS)
    def state(self, row: Case) -> str:
        return row.status

    @display(description="About")
    def summary_(self, row: Case) -> str:
        return row.said if len(row.said) <= 80 else f"{row.said[:79]}…"

    @display(description="Summary")
    def said(self, row: Case) -> str:
        return row.said

    @display(description="It is about")
    def about_(self, row: Case) -> str:
        return thing(row.about)

    @display(description="Opened (UTC)")
    def opened(self, row: Case) -> str:
        return when(row.created_at)

    @display(description="Signals")
    def signals_(self, row: Case) -> str:
        """What other rooms put there, and what was said beside it."""
        measured = row.signals if isinstance(row.signals, dict) else {"signals": row.signals}
        if (score := score_lines(measured)) is not None:
            return render_to_string("console/case_signals.html", {"lines": [*score, *lines_of(row.detail)]})
        shown = {**row.detail, **measured}
        return render_to_string("console/case_signals.html", {"lines": list(lines_of(shown))})

    @display(description="Flags")
    def flags_(self, row: Case) -> str:
        raised = list(Flag.objects.filter(case_id=row.pk).order_by("number"))
        names = usernames_of(raised)
        lines = ((to("flag", one.pk, one.title), when(one.at), in_words(one, names)) for one in raised)
        return format_html_join("", "<p>{} {}<br>{}</p>", lines) or "–"

    @display(description="Hits of the sanctions list")
    def hits_(self, row: Case) -> str:
        found = Hit.objects.filter(case_id=row.pk).order_by("-score")
        lines = ((to("hit", hit.pk, hit.listed), hit.score, hit.state, hit.found_in) for hit in found)
        return format_html_join("", "<p>{} (score {}, {}, in the {})</p>", lines) or "–"

    @display(description="Verdicts")
    def verdicts(self, row: Case) -> str:
        told = CaseVerdict.objects.filter(case_id=row.pk).order_by("id")
        return render_to_string("console/case_verdicts.html", {"verdicts": told})

    @display(description="Their other cases and flags")
    def others(self, row: Case) -> str:
        count = Case.objects.filter(user_id=row.user_id).exclude(pk=row.pk).count()
        raised = Flag.objects.filter(user_id=row.user_id).count()
        return format_html(
            "{} · {} · {}", link(list_url("case", of=row.person_id, state="all"), f"{count} other cases"),
            link(list_url("flag", of=row.person_id), f"{raised} flags"), link(list_url("transfer", of=row.person_id), "journal"),
        )  # fmt: skip

    @display(description="What they were told")
    def letters(self, row: Case) -> str:
        return render_to_string("console/case_letters.html", {"letters": queries.letters(row.user_id)})

    @display(description="Notes")
    def notes(self, row: Case) -> str:
        return render_to_string("console/case_notes.html", {"notes": CaseNote.objects.filter(case_id=row.pk).order_by("id")})
