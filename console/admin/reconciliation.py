"""What custodians said, what came of comparing it with our books, and what staff do about the differences."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from banking.reconciliation import services
from banking.reconciliation.rules import KINDS
from banking.services import corrections
from console import queries
from console.admin.actions import Action, Form
from console.admin.base import ReadOnly, code, link, list_url, money, page_url, plain, to, when
from console.admin.rails import as_json
from console.models import Break, Person, Reconciliation, Statement, StatementLine, Transfer
from console.site import site
from core.clock import now
from core.errors import ValidationError
from core.money import format_usd
from ledger.chart import RESERVES
from users import usernames


# --------------------------------------------------------------------------------------------------------- actions
class Assign(Action):
    name, title = "assign", "Give it to somebody"
    acts = "break.assign"

    class form(Form):
        staff = forms.EmailField(label="E-mail of the member of staff")

    def offered(self, row: Break) -> bool:
        return row.state == "open"

    def preview(self, row: Break, given: Mapping[str, Any]) -> Sequence[str]:
        return [f"{given['staff']} will be the one who looks into it."]

    def do(self, row: Break, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        services.assign_break(break_id=row.pk, to=given["staff"], staff_id=staff_id, reason=reason)
        return f"It is {given['staff']}'s to look into."


class Resolve(Action):
    name, title = "resolve", "Resolve"
    acts = "break.resolve"
    hint = "The reason says what it was and what was done about it. No money moves."

    def offered(self, row: Break) -> bool:
        return row.state == "open" and not waits_in_suspense(row)

    def preview(self, row: Break, given: Mapping[str, Any]) -> Sequence[str]:
        return [
            f"This break of {format_usd(row.cents)} is closed. As long as it is not booked, ledger and custodian do not agree:"
            " the day's result, and the public page, then say that staff have accepted it.",
            "It comes back when something about it changes.",
        ]

    def do(self, row: Break, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        services.resolve_break(break_id=row.pk, staff_id=staff_id, reason=reason)
        return "Resolved."


class GiveToOwner(Action):
    name, title = "give", "Ask to give the money to its owner"
    acts = "correction.ask"
    reauthenticate = True
    hint = "For money that arrived and whose owner was found. It goes once somebody else of the staff has approved it."

    class form(Form):
        username = forms.CharField(label="@username of the owner", max_length=40)

    def offered(self, row: Break) -> bool:
        return row.state == "open" and waits_in_suspense(row)

    def preview(self, row: Break, given: Mapping[str, Any]) -> Sequence[str]:
        owner = Person.objects.filter(username=usernames.normalise(given["username"])).first()
        if owner is None:
            raise ValidationError(fields={"username": "Nobody goes by this name."})
        return [
            f"{format_usd(row.facts['there'])} go from suspense to the wallet of {owner} ({owner.display_name}),",
            "once somebody else of the staff has approved it under Corrections. They can spend it then.",
        ]

    def do(self, row: Break, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        username = usernames.normalise(given["username"])
        made = corrections.ask_about_line(break_id=row.pk, owner=username, staff_id=staff_id, reason=reason)
        return f"Correction {made} for @{username} waits for approval."


class BookAsCost(Action):
    name, title = "book", "Ask to book it as a cost"
    acts = "correction.ask"
    reauthenticate = True
    hint = "For what the custodian took and will not give back, such as its own fee. Somebody else of the staff approves it."

    def offered(self, row: Break) -> bool:
        return row.state in ("open", "resolved") and row.kind == "unknown_debit" and bool(row.cents)

    def preview(self, row: Break, given: Mapping[str, Any]) -> Sequence[str]:
        return [
            f"{format_usd(row.cents)} go from the reserve of {row.custodian} to rail costs,",
            "once somebody else of the staff has approved it under Corrections. Ledger and custodian then agree on it.",
        ]

    def do(self, row: Break, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        made = corrections.ask_about_line(break_id=row.pk, owner=None, staff_id=staff_id, reason=reason)
        return f"Correction {made} waits for approval."


class ReconcileNow(Action):
    name, title = "reconcile", "Compare now"
    acts = "reconcile"

    class form(Form):
        custodian = forms.ChoiceField(choices=[(name, name.capitalize()) for name in RESERVES])

    def preview(self, row: None, given: Mapping[str, Any]) -> Sequence[str]:
        return [
            f"{given['custodian'].capitalize()} is asked what it holds, and its lines are compared with ours.",
            "Fees, interest and unknown credits that are on its statement are booked.",
            "The result takes some seconds to appear, and supersedes today's earlier one, which is kept.",
        ]

    def do(self, row: None, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        services.wish(custodian=given["custodian"], staff_id=staff_id, reason=reason)
        return "Asked for. The result will be here in a few seconds."


def waits_in_suspense(row: Break) -> bool:
    """Money that was booked as nobody's: only its owner ends that."""
    return row.kind == "unknown_credit" and row.facts.get("ledger") == row.facts.get("there")


# ---------------------------------------------------------------------------------------------------------- breaks
class Age(admin.SimpleListFilter):
    """How long a break has been there."""

    title = "age"
    parameter_name = "age"
    STEPS = (
        ("today", "since today", 0, 0),
        ("week", "1 to 7 days", 1, 7),
        ("month", "8 to 30 days", 8, 30),
        ("older", "older", 31, 36500),
    )

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterator[tuple[str, str]]:
        yield from ((name, words) for name, words, _, _ in self.STEPS)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        for name, _, youngest, oldest in self.STEPS:
            if self.value() == name:
                today = now().date()
                return queryset.filter(first_on__range=(today - timedelta(days=oldest), today - timedelta(days=youngest)))
        return queryset


class Assignee(admin.SimpleListFilter):
    title = "who looks into it"
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterator[tuple[str, str]]:
        yield "me", "me"
        yield "nobody", "nobody yet"
        yield "somebody", "somebody"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "me":
                return queryset.filter(assignee=getattr(request.user, "email", ""))
            case "nobody":
                return queryset.filter(assignee=None)
            case "somebody":
                return queryset.exclude(assignee=None)
        return queryset


class NobodysRows(ReadOnly):
    """Rows that name no person: a phone in the search box leads nowhere."""

    def narrowed_to(self, person: Any) -> dict[str, str]:
        return {}


@admin.register(Break, site=site)
class BreakAdmin(NobodysRows):
    staff_actions = (Assign, GiveToOwner, BookAsCost, Resolve)
    list_display = ("what", "about", "difference", "custodian", "age", "assignee_", "state_")
    list_display_links = ("what",)
    list_filter = ("state", "custodian", "kind", Age, Assignee)
    search_fields = ("subject",)
    search_help_text = "id of a break, bank transfer, line or journal row"
    ordering = ("-number",)
    sections_of_page = (
        (None, ("what", "means", "about", "difference", "custodian", "state_", "assignee_")),
        ("What each side says", ("sides",)),
        ("When", ("age", "found_", "last_", "closed_", "times")),
    )

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Break], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        return (queryset.filter(subject=term) | queryset.filter(pk=term) if term else queryset), False

    @display(description="Break", ordering="kind")
    def what(self, row: Break) -> str:
        return row.kind.replace("_", " ").capitalize()

    @display(description="Meaning")
    def means(self, row: Break) -> str:
        return KINDS.get(row.kind, "–")

    @display(description="About")
    def about(self, row: Break) -> str:
        found = queries.find(row.subject)
        if found is not None:
            return link(page_url(str(found._meta.model_name), found.pk), row.subject)
        line = StatementLine.objects.filter(custodian=row.custodian, entry=row.subject).order_by("-id").first()
        return to("statementline", line.pk, code(row.subject)) if line else code(row.subject)

    @display(description="Difference", ordering="cents")
    def difference(self, row: Break) -> str:
        return money(row.cents)

    @display(description="Age", ordering="first_on")
    def age(self, row: Break) -> str:
        days = ((row.closed_at.date() if row.closed_at else now().date()) - row.first_on).days
        return "today" if days == 0 else f"{days} day{'s' if days > 1 else ''}"

    @display(description="Looked into by", ordering="assignee")
    def assignee_(self, row: Break) -> str:
        return plain(row.assignee)

    @display(description="State", ordering="state", label={"open": "danger", "resolved": "success", "vanished": "default"})
    def state_(self, row: Break) -> str:
        return row.state

    @display(description="Ledger, custodian and our transfer")
    def sides(self, row: Break) -> str:
        facts = row.facts
        amounts = ("ledger", "there", "said", "amount", "balance", "lines", "held")
        cents = {name: format_usd(facts[name]) for name in amounts if isinstance(facts.get(name), int)}
        words = {
            "ledger": "in the ledger", "there": "at the custodian", "said": "its line says", "amount": "our transfer says",
            "balance": "its balance", "lines": "its lines together", "status": "our transfer is", "line": "its line",
            "line_kind": "kind of line", "posting": "journal row", "entries": "lines", "faults": "unreadable", "of": "file",
        }  # fmt: skip
        shown = (
            (words.get(name, name), cents.get(name) or (as_json(v) if isinstance(v, list) else v)) for name, v in facts.items()
        )
        return format_html_join("", "<div>{}: <b>{}</b></div>", shown) or "–"

    @display(description="Found (UTC)")
    def found_(self, row: Break) -> str:
        return when(row.first_seen_at)

    @display(description="Last seen")
    def last_(self, row: Break) -> str:
        return when(row.last_on)

    @display(description="Closed (UTC)")
    def closed_(self, row: Break) -> str:
        return when(row.closed_at)

    @display(description="Times opened")
    def times(self, row: Break) -> int:
        return row.times_opened


RESULT_LABELS = {"clean": "success", "accepted": "warning", "breaks": "danger", "unknown": "warning"}


@admin.register(Reconciliation, site=site)
class ReconciliationAdmin(NobodysRows):
    list_actions = (ReconcileNow,)
    list_display = ("day", "custodian", "result_", "ledger_", "held_", "transit", "breaks_", "accepted_", "ran")
    list_display_links = ("day",)
    list_filter = ("custodian", "result", "current")
    ordering = ("-id",)
    sections_of_page = (
        (None, ("day", "custodian", "result_", "cause_", "ran", "current_")),
        ("The three sides", ("ledger_", "ours_", "held_", "transit", "breaks_", "accepted_", "compared_")),
        ("On its way", ("items_", "pending_")),
        ("More", ("statement_", "open_breaks")),
    )

    @display(description="Day", ordering="on")
    def day(self, row: Reconciliation) -> str:
        return when(row.on)

    @display(description="Result", ordering="result", label=RESULT_LABELS)
    def result_(self, row: Reconciliation) -> str:
        return row.result

    @display(description="Why not")
    def cause_(self, row: Reconciliation) -> str:
        return plain(row.cause)

    @display(description="Ran (UTC)", ordering="ran_at")
    def ran(self, row: Reconciliation) -> str:
        return when(row.ran_at)

    @display(description="The day's last", boolean=True)
    def current_(self, row: Reconciliation) -> bool:
        return row.current

    @display(description="Ledger's reserve")
    def ledger_(self, row: Reconciliation) -> str:
        return money(row.ledger)

    @display(description="Our settled transfers")
    def ours_(self, row: Reconciliation) -> str:
        return money(row.ours)

    @display(description="Custodian holds")
    def held_(self, row: Reconciliation) -> str:
        return money(row.held)

    @display(description="In transit")
    def transit(self, row: Reconciliation) -> str:
        return format_html("{} <span class='console-hint'>{}</span>", money(row.in_transit), f"{row.items_count} items")

    @display(description="Breaks")
    def breaks_(self, row: Reconciliation) -> str:
        return (
            format_html("{} <span class='console-hint'>{}</span>", row.breaks, money(row.breaks_cents)) if row.breaks else "none"
        )

    @display(description="Accepted, not booked")
    def accepted_(self, row: Reconciliation) -> str:
        return money(row.accepted_cents) if row.accepted else "none"

    @display(description="Compared")
    def compared_(self, row: Reconciliation) -> str:
        return f"{row.compared} transfers and lines"

    @display(description="Items in transit")
    def items_(self, row: Reconciliation) -> str:
        shown = ((subject, money(cents), status or "not a transfer") for subject, cents, status in row.items)
        return format_html_join("", "<div>{} · {} · {}</div>", shown) or "none"

    @display(description="Not booked by anybody yet")
    def pending_(self, row: Reconciliation) -> str:
        p = row.pending
        if not p:
            return "–"
        loads, redemptions = format_usd(p["loads_cents"]), format_usd(p["redemptions_cents"])
        return f"{p['loads']} loads of {loads}, {p['redemptions']} redemptions of {redemptions}"

    @display(description="Statement")
    def statement_(self, row: Reconciliation) -> str:
        return to("statement", row.statement_id, "what the custodian said")

    @display(description="Open breaks")
    def open_breaks(self, row: Reconciliation) -> str:
        return link(list_url("break", state__exact="open", custodian__exact=row.custodian), "those of this custodian")


@admin.register(Statement, site=site)
class StatementAdmin(NobodysRows):
    list_display = ("taken", "custodian", "origin", "name_", "of", "closing_", "lines", "faults_")
    list_display_links = ("taken",)
    list_filter = ("custodian", "origin")
    ordering = ("-id",)
    sections_of_page = (
        (None, ("custodian", "origin", "name_", "account_", "currency", "of", "taken")),
        ("Balance", ("opening_", "closing_")),
        ("Lines", ("lines", "its_lines", "unreadable")),
    )

    @display(description="Taken (UTC)", ordering="id")
    def taken(self, row: Statement) -> str:
        return when(row.taken_at)

    @display(description="File")
    def name_(self, row: Statement) -> str:
        return plain(row.name)

    @display(description="Account")
    def account_(self, row: Statement) -> str:
        return plain(row.account)

    @display(description="Of", ordering="as_of")
    def of(self, row: Statement) -> str:
        return when(row.as_of)

    @display(description="Opening balance")
    def opening_(self, row: Statement) -> str:
        return money(row.opening)

    @display(description="Balance")
    def closing_(self, row: Statement) -> str:
        return money(row.closing)

    @display(description="Unreadable pieces")
    def faults_(self, row: Statement) -> int:
        return len(row.faults)

    @display(description="Its new lines")
    def its_lines(self, row: Statement) -> str:
        return link(list_url("statementline", statement_id__exact=str(row.pk)), f"{row.lines} lines")

    @display(description="Unreadable")
    def unreadable(self, row: Statement) -> str:
        return format_html_join("", "<div>{}: {} <code class='console-code'>{}</code></div>", row.faults) or "nothing"


@admin.register(StatementLine, site=site)
class StatementLineAdmin(NobodysRows):
    list_display = ("seen", "custodian", "kind", "amount_", "state_", "transfer_", "text_", "entry_")
    list_display_links = ("seen", "entry_")
    list_filter = ("custodian", "kind", "state")
    search_fields = ("entry",)
    search_help_text = "id of the line, of a bank transfer or at the custodian"
    ordering = ("-id",)
    sections_of_page = (
        (None, ("custodian", "kind", "amount_", "effect_", "state_", "currency", "day", "seen")),
        ("Whose", ("transfer_", "reference_", "text_", "entry_", "booked")),
        ("More", ("statement_",)),
    )

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return (lookup == "statement_id__exact" and str(value).isdigit()) or super().lookup_allowed(lookup, value, request)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[StatementLine], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        return queryset.filter(entry=term) | queryset.filter(transfer=term) | queryset.filter(bank_transfer=term), False

    @display(description="Seen (UTC)", ordering="id")
    def seen(self, row: StatementLine) -> str:
        return when(row.seen_at)

    @display(description="Amount", ordering="amount")
    def amount_(self, row: StatementLine) -> str:
        return money(row.amount)

    @display(description="Adds to the balance")
    def effect_(self, row: StatementLine) -> str:
        return money(row.effect)

    @display(description="State", ordering="state", label={"posted": "success", "pending": "info", "failed": "danger"})
    def state_(self, row: StatementLine) -> str:
        return row.state

    @display(description="Custodian's day")
    def day(self, row: StatementLine) -> str:
        return when(row.on)

    @display(description="Bank transfer")
    def transfer_(self, row: StatementLine) -> str:
        return to("banktransfer", row.bank_transfer)

    @display(description="Reference")
    def reference_(self, row: StatementLine) -> str:
        return code(row.reference)

    @display(description="Text")
    def text_(self, row: StatementLine) -> str:
        return plain(row.text)

    @display(description="Id at the custodian")
    def entry_(self, row: StatementLine) -> str:
        return code(row.entry)

    @display(description="Booked by itself")
    def booked(self, row: StatementLine) -> str:
        is_booked = Transfer.objects.filter(group_id=row.key).exists()
        return link(list_url("transfer", q=str(row.key)), "in the journal") if is_booked else "no"

    @display(description="Statement")
    def statement_(self, row: StatementLine) -> str:
        return to("statement", row.statement_id, "what it came with")
