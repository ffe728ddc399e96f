"""Review cases and what makes them: flags, their rules, hits of the sanctions list, and the list's changes.

The queue is for the keyboard (console/static/console/queue.js): j and k, Enter, and a letter for what is done most. Its keys are
written on the page, and all of it works without a script, too.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from compliance.models import Case as Cases
from compliance.models import Label, Outcome, SanctionsSetting
from compliance.services import cases, flags, sanctions
from console import queries, services
from console.admin.actions import Action, Form, Moving
from console.admin.base import OfPerson, ReadOnly, link, list_url, person_link, plain, to, when
from console.admin.held import Deny, Release, score_lines
from console.models import Case, CaseNote, CaseVerdict, Flag, FlagRule, Hit, HitLifting, ListRun, Person
from console.site import site
from core import clock
from core.errors import ValidationError
from core.money import format_usd
from core.staff import viewed

PRIORITY_LABELS = {"High": "danger", "Usual": "info", "Low": "success"}
STATE_LABELS = {"open": "warning", "cleared": "success", "confirmed": "danger", "gone": "info"}
CASE_LABELS = {"open": "warning", "closed": "success"}
# Closed by what is decided about them, and by nothing else (compliance/sql/0001_cases.sql).
DECIDED_ELSEWHERE = ("held_payment", "held_transfer", "sanctions", "document", "dispute", "withdrawal")


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
class QueueFilter(admin.SimpleListFilter):
    """Open ones unless something else is asked for: these are queues."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        first, *others = super().choices(changelist)
        yield {**first, "display": "Open"}
        yield from others


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


class Whose(admin.SimpleListFilter):
    title, parameter_name = "whose", "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("mine", "Mine"), ("nobody", "Nobody's"), ("others", "Others'")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        if self.value() == "mine":
            return queryset.filter(assignee_id=request.user.pk)
        if self.value() == "nobody":
            return queryset.filter(assignee_id=None)
        return queryset.exclude(assignee_id=None).exclude(assignee_id=request.user.pk) if self.value() == "others" else queryset


class KindOfCase(admin.SimpleListFilter):
    title, parameter_name = "kind", "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(queries.case_kinds())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Case]) -> QuerySet[Case]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


class Keyed(ReadOnly):
    """A list and pages that are worked through by keys. Who opens a page is kept: each is about a person."""

    list_before_template = "console/queue.html"
    views_are_kept = False  # it does so itself

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> HttpResponse:
        row: Model | None = context.get("original")
        if row is not None:
            viewed(str(self.opts.model_name), str(row.pk))
        return super().render_change_form(request, context, *args, **kwargs)


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


# ------------------------------------------------------------------------------------------------ flags
def usernames_of(raised: Iterable[Flag]) -> dict[int, str]:
    """The names of all whom these flags speak of, in one query."""
    ids = {user for flag in raised for user in (flag.other_id, flag.detail.get("to"), *flag.detail.get("people", [])) if user}
    return {person.user_id: str(person) for person in Person.objects.filter(user_id__in=ids)}


def in_words(flag: Flag, names: dict[int, str]) -> str:
    """What a flag says, in a sentence. Of a private payment's amount it knows nothing."""
    d = flag.detail

    def name(user: Any) -> str:
        return names.get(user, "somebody")

    def cents(key: str) -> str:
        return format_usd(d[key]) if key in d else "a private amount"

    sentences = {
        "many_senders": lambda: f"Paid by {d['senders']} different people within the time, {cents('cents')} in all.",
        "repeat_recipient": lambda: (
            f"{d['payments']} payments to {name(flag.other_id)} within the time, {cents('cents')} in all."
        ),
        "load_sent_on": lambda: (
            f"{cents('sent')} to {name(d['to'])}, whose account is younger than a week, {d['minutes']:.0f} minutes after a load"
            f" of {format_usd(d['loaded'])}."
        ),
        "circle": lambda: f"{' → '.join(name(user) for user in [*d['people'], d['people'][0]])}; {cents('cents')} came back.",
        "habit": lambda: f"{cents('sent')} at once. Their usual payment was {format_usd(d['usual'])}, of {d['payments']}.",
        "private_only": lambda: f"{d['payments']} payments, all of them private.",
    }
    try:
        return sentences[flag.rule]()
    except (KeyError, TypeError, IndexError):
        return ", ".join(f"{said} {value}" for said, value in lines_of(d))


class RuleOfFlag(admin.SimpleListFilter):
    title, parameter_name = "rule", "rule"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(FlagRule.objects.order_by("title").values_list("id", "title"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Flag]) -> QuerySet[Flag]:
        return queryset.filter(rule=self.value()) if self.value() else queryset


@admin.register(Flag, site=site)
class FlagAdmin(Keyed):
    list_display = ("raised", "title", "person", "weight", "words", "case")
    list_display_links = ("raised",)
    list_filter = (RuleOfFlag, OfPerson)
    search_fields = ("id",)
    search_help_text = "@username or whole phone"
    ordering = ("-number",)
    sections_of_page = ((None, ("title", "person", "words", "weight", "at_", "raised", "movement", "case")),)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Flag], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        if term and (person := queries.person(term)):
            return queryset.filter(user_id=person.user_id), False
        return super().get_search_results(request, queryset, term)

    @display(description="Raised (UTC)", ordering="number")
    def raised(self, row: Flag) -> str:
        return when(row.created_at)

    @display(description="Moved (UTC)")
    def at_(self, row: Flag) -> str:
        return when(row.at)

    @display(description="Person")
    def person(self, row: Flag) -> str:
        return person_link(row.person_id, row.username)

    @display(description="What was noticed")
    def words(self, row: Flag) -> str:
        return in_words(row, usernames_of([row]))

    @display(description="Movement")
    def movement(self, row: Flag) -> str:
        return to("transfer", row.transfer, "in the journal")

    @display(description="Case")
    def case(self, row: Flag) -> str:
        return to("case", row.case_id, row.case_status) if row.case_id else "only counted"


class ChangeRule(Action):
    name, title = "change", "Change"
    hint = "For movements from now on; what was flagged stays as it was."
    acts = "flagrule.change"

    class form(Form):
        weight = forms.IntegerField(label="Weight", min_value=0, max_value=100, help_text="From 100 in all on, a case is opened.")
        threshold = forms.IntegerField(label="From what number on", min_value=1, max_value=100_000)
        minutes = forms.IntegerField(label="Within how many minutes", min_value=1, max_value=525_600)
        active = forms.BooleanField(label="On", required=False)

    def initial(self, row: FlagRule) -> dict[str, Any]:
        return {name: getattr(row, name) for name in ("weight", "threshold", "minutes", "active")}

    def preview(self, row: FlagRule, given: Any) -> list[str]:
        if row.pk == "private_only" and given["weight"] > 30:
            raise ValidationError(fields={"weight": "Private payments are no reason for a case: at most 30."})
        on = f"weighs {given['weight']}, from {given['threshold']} on, within {given['minutes']} minutes"
        return [f"“{row.title}” {on if given['active'] else 'is off'}."]

    def do(self, row: FlagRule, given: Any, *, staff_id: int, reason: str) -> str:
        flags.change_rule(rule=row.pk, **given, staff_id=staff_id, reason=reason)
        return "Noted."


@admin.register(FlagRule, site=site)
class FlagRuleAdmin(ReadOnly):
    list_display = ("title", "weight", "threshold", "minutes", "active", "lately", "changed")
    ordering = ("-weight", "title")
    staff_actions = (ChangeRule,)
    sections_of_page = ((None, ("title", "weight", "threshold", "minutes", "active", "lately", "changed")),)

    def narrowed_to(self, person: Person) -> dict[str, str]:
        return {}

    @display(description="Changed (UTC)")
    def changed(self, row: FlagRule) -> str:
        return format_html("{} {}", when(row.changed_at), row.staff or "") if row.changed_at else "never"


# ------------------------------------------------------------------------------------------------ the sanctions list
class _OpenHit(Action):
    def offered(self, row: Hit) -> bool:
        return row.state == "open"


class Clear(_OpenHit):
    name, title = "clear", "Not this one"
    acts = "hit.clear"

    def preview(self, row: Hit, given: Any) -> list[str]:
        now = [f"They have changed their name since, to {row.renamed}: that one is looked up by itself."] if row.renamed else []
        return [
            f"{row.whose} (@{row.username}) is not “{row.listed}”.",
            *now,
            "They never come up together again unless one of the two goes by another name. With the last open hit the case is"
            " closed, and what kept the person from sending ends.",
        ]

    def do(self, row: Hit, given: Any, *, staff_id: int, reason: str) -> str:
        sanctions.clear_hit(hit=row.pk, staff_id=staff_id, reason=reason)
        return "Cleared for good."


class Confirm(_OpenHit):
    name, title = "confirm", "It is them"
    acts = "hit.confirm"
    reauthenticate = True
    hint = "The law asks for a report to OFAC within 10 business days of blocking property (31 CFR 501.603)."

    def preview(self, row: Hit, given: Any) -> list[str]:
        return [
            f"{row.whose} (@{row.username}) is “{row.listed}”, entry {row.entry}.",
            "Nothing leaves or enters their wallet any more, and they are told that their money is blocked by law.",
            "The case is closed as confirmed when no other hit is open.",
            "If this was a mistake, it takes two of you to take it back.",
        ]

    def do(self, row: Hit, given: Any, *, staff_id: int, reason: str) -> str:
        sanctions.confirm_hit(hit=row.pk, staff_id=staff_id, reason=reason)
        return "Confirmed."


class AskLifting(Action):
    name, title = "lift", "It is not them after all"
    acts = "hit.lift"
    hint = "One of the staff asks, another decides. A report to OFAC that has been made has to be corrected there as well."

    def offered(self, row: Hit) -> bool:
        return row.state == "confirmed" and _lifting(row) is None

    def preview(self, row: Hit, given: Any) -> list[str]:
        return [
            f"You say that {row.whose} (@{row.username}) is not “{row.listed}”: it waits for somebody else of the staff.",
            "Until then their money stays blocked, and they are told nothing.",
        ]

    def do(self, row: Hit, given: Any, *, staff_id: int, reason: str) -> str:
        sanctions.ask_lifting(hit=row.pk, staff_id=staff_id, reason=reason)
        return "It waits for somebody else's approval."


class _Lifting(Action):
    """For whoever did not ask."""

    reauthenticate = True
    approve = False

    def offered(self, row: Hit) -> bool:
        asked = _lifting(row) if row.state == "confirmed" else None
        return asked is not None and not services.is_actor(asked.asked_by)

    def do(self, row: Hit, given: Any, *, staff_id: int, reason: str) -> str:
        sanctions.decide_lifting(hit=row.pk, approve=self.approve, staff_id=staff_id, reason=reason)
        return "Taken back, and told." if self.approve else "Refused. It stays confirmed."


class ApproveLifting(_Lifting):
    name, title, approve = "approve", "Approve: it is not them", True
    acts = "hit.approve"

    def preview(self, row: Hit, given: Any) -> list[str]:
        return [
            f"{row.whose} (@{row.username}) is not “{row.listed}”, entry {row.entry}, although it was confirmed.",
            "What blocked their money ends; another hit, a freeze or a return that restricts them stays. They are told.",
            "The two never come up together again unless one of them goes by another name.",
        ]


class RefuseLifting(_Lifting):
    name, title = "refuse", "Refuse: it is them"
    acts = "hit.refuse"

    def preview(self, row: Hit, given: Any) -> list[str]:
        return [f"It stays confirmed that {row.whose} is “{row.listed}”. The person is told nothing."]


def _lifting(row: Hit) -> HitLifting | None:
    """What waits for a second member of staff."""
    return HitLifting.objects.filter(hit_id=row.pk, decided_at=None).first()


class HitState(QueueFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("cleared", "Cleared"), ("confirmed", "Confirmed"), ("lifting", "To be taken back"), ("gone", "Gone from the list"),
            ("all", "All"),
        ]  # fmt: skip

    def queryset(self, request: HttpRequest, queryset: QuerySet[Hit]) -> QuerySet[Hit]:
        if self.value() == "lifting":
            return queryset.filter(pk__in=HitLifting.objects.filter(decided_at=None).values("hit_id"))
        return queryset if self.value() == "all" else queryset.filter(state=self.value() or "open")


@admin.register(Hit, site=site)
class HitAdmin(Keyed):
    list_display = ("whose_", "listed", "score", "strong", "person", "found", "state_", "case")
    list_filter = (HitState, "strong", "legal_name", OfPerson)
    search_fields = ("listed", "display_name", "compared")
    search_help_text = "name, @username or whole phone"
    ordering = ("-strong", "-score", "number")
    staff_actions = (Clear, Confirm, AskLifting, ApproveLifting, RefuseLifting)
    sections_of_page = (
        (
            None,
            (
                "whose_", "renamed_", "legal_names_", "legal_name", "person", "score", "strong", "state_", "case", "found",
                "decided", "liftings",
            ),
        ),
        ("The entry", ("listed", "entry", "name", "kind", "aliases_", "program", "title_", "places_", "remarks_", "removed")),
    )

    @display(description="Name that was compared", ordering="display_name")
    def whose_(self, row: Hit) -> str:
        return row.whose

    @display(description="What they call themselves now")
    def renamed_(self, row: Hit) -> str:
        return row.renamed or "the same"

    @display(description="Legal names that they gave")
    def legal_names_(self, row: Hit) -> str:
        found = queries.legal_names("select check_id, legal_name from console_legal_names(%s)", row.pk, row.user_id)
        return format_html_join("", "<div>{}</div>", ((one,) for one in found)) or "–"

    @display(description="Person")
    def person(self, row: Hit) -> str:
        return person_link(row.person_id, row.username)

    @display(description="Found (UTC)", ordering="number")
    def found(self, row: Hit) -> str:
        return when(row.found_at)

    @display(description="State", ordering="state", label=STATE_LABELS)
    def state_(self, row: Hit) -> str:
        return row.state

    @display(description="Case")
    def case(self, row: Hit) -> str:
        return to("case", row.case_id, "its case")

    @display(description="Decided (UTC)")
    def decided(self, row: Hit) -> str:
        return format_html("{} {}: {}", when(row.decided_at), row.staff or "", row.reason) if row.decided_at else "–"

    @display(description="Taken back")
    def liftings(self, row: Hit) -> str:
        answers = {None: "waits for somebody else", True: "approved by", False: "refused by"}
        lines = (
            (when(one.asked_at), one.asked_by, answers[one.approved], one.decided_by or "")
            for one in HitLifting.objects.filter(hit_id=row.pk).order_by("id")
        )
        return format_html_join("", "<div>{} asked by {}: {} {}</div>", lines) or "–"

    @display(description="Aliases")
    def aliases_(self, row: Hit) -> str:
        return format_html_join("", "<div>{}</div>", ((one,) for one in row.aliases)) or "–"

    @display(description="Addresses")
    def places_(self, row: Hit) -> str:
        return format_html_join("", "<div>{}</div>", ((one,) for one in row.places)) or "–"

    @display(description="Title")
    def title_(self, row: Hit) -> str:
        return plain(row.title)

    @display(description="Remarks")
    def remarks_(self, row: Hit) -> str:
        return plain(row.remarks)


class ChangeScores(Action):
    name, title = "change", "Other scores"
    hint = "How much a name must be like a listed one (100: the same). Everybody is looked up again, in the background."
    acts = "sanctions.settings"
    reauthenticate = True

    class form(Form):
        threshold = forms.IntegerField(label="A hit from", min_value=70, max_value=100)
        strong = forms.IntegerField(
            label="A strong hit from", min_value=70, max_value=101,
            help_text="The person cannot send until staff have looked. 101: never.",
        )  # fmt: skip

    def initial(self, row: Any) -> dict[str, Any]:
        newest = SanctionsSetting.objects.order_by("-id").only("threshold", "strong")[0]
        return {"threshold": newest.threshold, "strong": newest.strong}

    def preview(self, row: Any, given: Any) -> list[str]:
        if given["strong"] < given["threshold"]:
            raise ValidationError(fields={"strong": "A strong hit is a hit: not below the other."})
        strong = f"from {given['strong']} on they cannot send until somebody has looked"
        if given["strong"] > 100:
            strong = "nobody is kept from sending"
        waiting = Hit.objects.filter(state="open")
        ends = waiting.filter(score__lt=given["threshold"]).count()
        stops = waiting.filter(strong=False, score__gte=given["strong"]).count()
        frees = waiting.filter(strong=True, score__lt=given["strong"]).count() if ends < waiting.count() else 0
        return [
            f"A name that is like a listed one with {given['threshold']} or more opens a case; {strong}.",
            Moving(f"Of the hits that are open, {stops} become strong, {frees} stop being strong, and {ends} end."),
            "Everybody is looked up again: how many more there will be is not known before.",
        ]

    def do(self, row: Any, given: Any, *, staff_id: int, reason: str) -> str:
        sanctions.change_setting(**given, staff_id=staff_id, reason=reason)
        return "Noted. Everybody is being looked up again."


@admin.register(ListRun, site=site)
class ListRunAdmin(ReadOnly):
    list_display = ("began", "cause", "entries", "added", "changed", "removed", "progress", "hits")
    list_display_links = ("began",)
    list_filter = ("cause",)
    ordering = ("-id",)
    list_actions = (ChangeScores,)
    sections_of_page = ((None, ("began", "cause", "entries", "added", "changed", "removed", "progress", "hits", "done")),)

    def narrowed_to(self, person: Person) -> dict[str, str]:
        return {}

    @display(description="Began (UTC)", ordering="id")
    def began(self, row: ListRun) -> str:
        return when(row.started_at)

    @display(description="Done (UTC)")
    def done(self, row: ListRun) -> str:
        return when(row.finished_at)

    @display(description="People looked up")
    def progress(self, row: ListRun) -> str:
        return f"all {row.people}" if row.finished_at else f"{row.people} of {row.everybody} so far"

