"""Tickets, appeals and disputes: their queues, for the keyboard as the cases are, and what staff do about them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from unfold.decorators import display

from compliance.models import Appeal
from compliance.models import Dispute as Disputes
from compliance.services import support
from console import queries, services
from console.admin.actions import Action, Form
from console.admin.base import OfPerson, code, money, person_link, plain, to, when
from console.admin.fields import Dollars
from console.admin.queue import PRIORITY_LABELS, Keyed, QueueFilter, Whose, due, lasting, thing
from console.models import Dispute, DisputeMoney, PersonAppeal, Ticket, TicketMessage
from console.site import site
from core import clock
from core.errors import ValidationError
from core.money import format_usd

STATUS_LABELS = {
    "Waits for us": "warning", "Waits for the person": "info", "Solved": "success", "Open": "warning", "Answered": "success",
    "We are looking into it": "warning", "Credited while we look into it": "info", "We need longer": "info",
    "Decided, being put right": "danger", "Closed": "success",
}  # fmt: skip
ENDED = ("solved", "answered", "closed")


# ------------------------------------------------------------------------------------------------ whose it is
class _Take(Action):
    name, title = "take", "Take"

    def offered(self, row: Any) -> bool:
        return row.assignee_id is None and row.status not in ENDED

    def preview(self, row: Any, given: Any) -> list[str]:
        return [f"{row} will be yours to look into."]

    def do(self, row: Any, given: Any, *, staff_id: int, reason: str) -> str:
        support.give(thing=row.pk, staff_id=staff_id, reason=reason)
        return "It is yours."


class _Assign(Action):
    name, title = "assign", "Assign"

    class form(Form):
        staff = forms.EmailField(label="To whom", help_text="The e-mail with which they log in.")

    def offered(self, row: Any) -> bool:
        return row.status not in ENDED

    def preview(self, row: Any, given: Any) -> list[str]:
        had = f" instead of {row.assignee}" if row.assignee else ""
        return [f"{row} will be {given['staff']}'s to look into{had}."]

    def do(self, row: Any, given: Any, *, staff_id: int, reason: str) -> str:
        support.give(thing=row.pk, to=given["staff"], staff_id=staff_id, reason=reason)
        return "Assigned."


class TakeTicket(_Take):
    acts = "ticket.take"


class AssignTicket(_Assign):
    acts = "ticket.assign"


class TakeAppeal(_Take):
    acts = "appeal.take"


class AssignAppeal(_Assign):
    acts = "appeal.assign"


class TakeDispute(_Take):
    acts = "dispute.take"


class AssignDispute(_Assign):
    acts = "dispute.assign"


# ------------------------------------------------------------------------------------------------ tickets
class AnswerTicket(Action):
    name, title = "answer", "Write to them"
    acts = "ticket.answer"
    hint = "The person reads what you write. The reason below is for us."

    class form(Form):
        message = forms.CharField(label="To the person", max_length=4000, widget=forms.Textarea(attrs={"rows": 6}))
        solved = forms.BooleanField(label="This solves it", required=False)

    def preview(self, row: Ticket, given: Any) -> list[str]:
        after = "The ticket is solved; if they write on, it is open again." if given["solved"] else "It then waits for them."
        return [f"@{row.username} reads: {given['message']}", "They get it as a message, too.", after]

    def do(self, row: Ticket, given: Any, *, staff_id: int, reason: str) -> str:
        support.answer_ticket(ticket=row.pk, **given, staff_id=staff_id, reason=reason)
        return "Sent."


class SolveTicket(Action):
    name, title = "close", "Close without a word"
    acts = "ticket.solve"

    def offered(self, row: Ticket) -> bool:
        return row.status != "solved"

    def preview(self, row: Ticket, given: Any) -> list[str]:
        return ["The ticket is solved. The person sees that, and is written nothing."]

    def do(self, row: Ticket, given: Any, *, staff_id: int, reason: str) -> str:
        support.solve_ticket(ticket=row.pk, staff_id=staff_id, reason=reason)
        return "Solved."


# ------------------------------------------------------------------------------------------------ appeals
class AnswerAppeal(Action):
    name, title = "answer", "Answer"
    acts = "appeal.answer"
    hint = "The answer is final here and the person reads it. Where the decision changes, undo it first: this undoes nothing."

    class form(Form):
        outcome = forms.ChoiceField(label="The decision", choices=Appeal.Outcome.choices)
        answer = forms.CharField(label="To the person", min_length=10, max_length=2000, widget=forms.Textarea(attrs={"rows": 5}))

    def offered(self, row: PersonAppeal) -> bool:
        return row.status == "open" and not row.mine

    def preview(self, row: PersonAppeal, given: Any) -> list[str]:
        return [f"{Appeal.Outcome(given['outcome']).label}.", f"@{row.username} is told: {given['answer']}"]

    def do(self, row: PersonAppeal, given: Any, *, staff_id: int, reason: str) -> str:
        support.answer_appeal(appeal=row.pk, **given, staff_id=staff_id, reason=reason)
        return "Answered."


# ------------------------------------------------------------------------------------------------ disputes
class Credit(Action):
    name, title = "credit", "Credit provisionally"
    acts = "dispute.credit"

    class form(Form):
        amount = Dollars(label="How much, in dollars")

    def offered(self, row: Dispute) -> bool:
        return row.status in ("open", "extended") and not row.waits

    def preview(self, row: Dispute, given: Any) -> list[str]:
        cents = given["amount"]
        if not 0 < cents <= row.amount:
            raise ValidationError(fields={"amount": f"At most what was reported: {format_usd(row.amount)}."})
        return [
            queries.became_of(row.user_id, row.about),
            f"Asks for a credit of {format_usd(cents)} to @{row.username} from our adjustments. Somebody else has to approve it.",
            "Once approved, the person is told, may use it, and the last day to decide is "
            f"{row.final_by:%d %b %Y} instead of {row.decide_by:%d %b %Y}.",
        ]

    def do(self, row: Dispute, given: Any, *, staff_id: int, reason: str) -> str:
        support.ask_credit(dispute=row.pk, amount=given["amount"], staff_id=staff_id, reason=reason)
        return "Asked for. Somebody else has to approve it."


class Extend(Action):
    name, title = "extend", "Take longer"
    acts = "dispute.extend"

    def offered(self, row: Dispute) -> bool:
        return row.status == "open" and row.tier == 1 and not row.waits

    def preview(self, row: Dispute, given: Any) -> list[str]:
        return [f"No identity was checked here, so no credit is owed meanwhile. @{row.username} is told that we finish by "
                f"{row.final_by:%d %b %Y}."]  # fmt: skip

    def do(self, row: Dispute, given: Any, *, staff_id: int, reason: str) -> str:
        support.extend(dispute=row.pk, staff_id=staff_id, reason=reason)
        return "Extended."


class Decide(Action):
    name, title = "decide", "Decide"
    acts = "dispute.decide"

    class form(Form):
        outcome = forms.ChoiceField(label="What we found", choices=Disputes.Outcome.choices)
        amount = Dollars(label="How much of it was an error, in dollars", least=0, initial="0")
        result = forms.CharField(
            label="The result, for the person", min_length=10, max_length=2000, widget=forms.Textarea(attrs={"rows": 5})
        )

    def offered(self, row: Dispute) -> bool:
        return row.status not in ("decided", "closed") and not row.waits

    def preview(self, row: Dispute, given: Any) -> list[str]:
        cents = given["amount"]
        fits = {"error": cents == row.amount, "no_error": cents == 0, "partly": 0 < cents < row.amount}
        if not fits[given["outcome"]]:
            raise ValidationError(fields={"amount": f"All of {format_usd(row.amount)}, a part of it, or 0, as the outcome says."})
        moves = cents - row.credited
        if moves > 0:
            what = f"{format_usd(moves)} go to the wallet once somebody else has approved it, within one business day."
        elif moves < 0:
            what = f"{format_usd(-moves)} are taken back, as far as the wallet reaches, once somebody else has approved it."
        else:
            what = "No money moves, and the dispute is closed at once."
        return [
            queries.became_of(row.user_id, row.about),
            f"{Disputes.Outcome(given['outcome']).label}: {format_usd(cents)}.",
            what,
            f"@{row.username} is told: {given['result']}",
        ]

    def do(self, row: Dispute, given: Any, *, staff_id: int, reason: str) -> str:
        cents = given["amount"]
        support.decide(
            dispute=row.pk, outcome=given["outcome"], amount=cents, result=given["result"], staff_id=staff_id, reason=reason
        )
        return "Decided."


class _Second(Action):
    def offered(self, row: Dispute) -> bool:
        return bool(row.waits) and not services.is_actor(row.waits_from)


class Approve(_Second):
    name, title = "approve", "Approve"
    acts = "dispute.approve"
    reauthenticate = True

    def preview(self, row: Dispute, given: Any) -> list[str]:
        cents = int(row.waits_amount or 0)
        way = f"{format_usd(cents)} go from our adjustments to the wallet of @{row.username}."
        if cents < 0:
            way = f"{format_usd(-cents)}, as far as the wallet reaches, go from @{row.username} to our adjustments."
        said = [queries.became_of(row.user_id, row.about), way, f"{row.waits_from} asked for it. The person is told."]
        return said + ([f"Result: {row.result}"] if row.result else [])

    def do(self, row: Dispute, given: Any, *, staff_id: int, reason: str) -> str:
        support.decide_money(dispute=row.pk, approve=True, staff_id=staff_id, reason=reason)
        return "Approved and posted."


class Refuse(_Second):
    name, title = "refuse", "Refuse"
    acts = "dispute.refuse"

    def preview(self, row: Dispute, given: Any) -> list[str]:
        return [f"Nothing moves, and the dispute goes on. {row.waits_from} reads why in what staff did."]

    def do(self, row: Dispute, given: Any, *, staff_id: int, reason: str) -> str:
        support.decide_money(dispute=row.pk, approve=False, staff_id=staff_id, reason=reason)
        return "Refused."


# ------------------------------------------------------------------------------------------------ the queues
class State(QueueFilter):
    """Open ones unless something else is asked for."""

    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("late", "Late"), ("ended", "Ended"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all":
            return queryset
        if self.value() == "ended":
            return queryset.filter(status__in=ENDED)
        there = queryset.exclude(status__in=ENDED)
        return there.filter(due_at__lt=clock.now()) if self.value() == "late" else there


class OfPeople(Keyed):
    """What the three queues share."""

    list_filter = (State, "status", "priority", Whose, OfPerson)
    search_fields = ("id", "about")
    search_help_text = "@username, whole phone, its id or that of what it is about"

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        if term and (person := queries.person(term)):
            return queryset.filter(user_id=person.user_id), False
        return super().get_search_results(request, queryset, term)

    @display(description="Person")
    def person(self, row: Any) -> str:
        return person_link(row.person_id, row.username)

    @display(description="Priority", ordering="priority", label=PRIORITY_LABELS)
    def priority_(self, row: Any) -> str:
        return str(row.get_priority_display())

    @display(description="Due", ordering="due_at")
    def due_(self, row: Any) -> str:
        return due(row.due_at) if row.due_at and row.status not in ENDED else "–"

    @display(description="Whose", ordering="assignee")
    def assignee_(self, row: Any) -> str:
        return row.assignee or "nobody's"

    @display(description="State", ordering="status", label=STATUS_LABELS)
    def state(self, row: Any) -> str:
        return str(row.get_status_display())

    @display(description="It is about")
    def about_(self, row: Any) -> str:
        return thing(row.about) if row.about else "their account"


def shortened(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"


@admin.register(Ticket, site=site)
class TicketAdmin(OfPeople):
    list_display = ("subject_", "person", "priority_", "age", "due_", "assignee_", "state")
    list_display_links = ("subject_",)
    ordering = ("priority", "waiting_since", "number")
    staff_actions = (AnswerTicket, TakeTicket, SolveTicket, AssignTicket)
    sections_of_page = (
        (None, ("subject", "person", "about_", "priority_", "state", "assignee_", "age", "due_", "last")),
        ("What was written", ("talk",)),
    )

    @display(description="Subject", ordering="subject")
    def subject_(self, row: Ticket) -> str:
        return shortened(row.subject)

    @display(description="Waits for us", ordering="waiting_since")
    def age(self, row: Ticket) -> str:
        return lasting(clock.now() - row.waiting_since) if row.waiting_since else "–"

    @display(description="Last message (UTC)", ordering="updated_at")
    def last(self, row: Ticket) -> str:
        return when(row.updated_at)

    @display(description="Messages")
    def talk(self, row: Ticket) -> str:
        said = TicketMessage.objects.filter(ticket_id=row.pk).order_by("id")
        return render_to_string("console/ticket_talk.html", {"said": said, "who": f"@{row.username}"})


@admin.register(PersonAppeal, site=site)
class PersonAppealAdmin(OfPeople):
    list_display = ("made", "person", "against_", "priority_", "due_", "assignee_", "state", "message_")
    list_display_links = ("made",)
    ordering = ("priority", "due_at", "number")
    staff_actions = (AnswerAppeal, TakeAppeal, AssignAppeal)
    sections_of_page = (
        (None, ("person", "against_", "about_", "message", "made", "priority_", "state", "assignee_", "due_", "eyes")),
        ("Answer", ("outcome_", "answer_", "answered", "staff_")),
    )

    @display(description="Made (UTC)", ordering="number")
    def made(self, row: PersonAppeal) -> str:
        return when(row.created_at)

    @display(description="Against", ordering="against")
    def against_(self, row: PersonAppeal) -> str:
        return f"a {row.against}"

    @display(description="What they say")
    def message_(self, row: PersonAppeal) -> str:
        return shortened(row.message)

    @display(description="Whose decision")
    def eyes(self, row: PersonAppeal) -> str:
        return "Yours: somebody else has to answer." if row.mine else "Not yours: you may answer."

    @display(description="The decision")
    def outcome_(self, row: PersonAppeal) -> str:
        return row.get_outcome_display() if row.outcome else "–"

    @display(description="Answer")
    def answer_(self, row: PersonAppeal) -> str:
        return plain(row.answer)

    @display(description="Answered (UTC)")
    def answered(self, row: PersonAppeal) -> str:
        return when(row.answered_at)

    @display(description="By")
    def staff_(self, row: PersonAppeal) -> str:
        return plain(row.staff)


@admin.register(Dispute, site=site)
class DisputeAdmin(OfPeople):
    list_display = ("what", "person", "amount_", "priority_", "due_", "assignee_", "state", "second")
    list_display_links = ("what",)
    ordering = ("due_at", "priority", "number")
    staff_actions = (Approve, Refuse, TakeDispute, Credit, Extend, Decide, AssignDispute)
    sections_of_page = (
        (None, ("what", "person", "about_", "became", "amount_", "message", "second")),
        ("In the queue", ("age", "priority_", "state", "assignee_", "case_")),
        ("Clocks (Reg E)", ("clocks",)),
        ("Result", ("outcome_", "result_", "decided")),
        ("Money", ("money_",)),
    )

    @display(description="What is wrong", ordering="kind")
    def what(self, row: Dispute) -> str:
        return str(row.get_kind_display())

    @display(description="What became of it")
    def became(self, row: Dispute) -> str:
        return queries.became_of(row.user_id, row.about)

    @display(description="Reported", ordering="amount")
    def amount_(self, row: Dispute) -> str:
        return money(row.amount)

    @display(description="Age", ordering="reported_at")
    def age(self, row: Dispute) -> str:
        return lasting((row.closed_at or clock.now()) - row.reported_at)

    @display(description="Waits for a second")
    def second(self, row: Dispute) -> str:
        return f"{format_usd(row.waits_amount)}, asked for by {row.waits_from}" if row.waits_amount else "–"

    @display(description="Case")
    def case_(self, row: Dispute) -> str:
        return to("case", row.case_id)

    @display(description="Clocks")
    def clocks(self, row: Dispute) -> str:
        return render_to_string("console/dispute_clocks.html", {"clocks": clocks_of(row), "row": row})

    @display(description="What we found")
    def outcome_(self, row: Dispute) -> str:
        return f"{row.get_outcome_display()}: {format_usd(row.owed or 0)}" if row.outcome else "–"

    @display(description="In writing")
    def result_(self, row: Dispute) -> str:
        return plain(row.result)

    @display(description="Decided")
    def decided(self, row: Dispute) -> str:
        return f"{row.decided_at:%d %b %Y %H:%M} by {row.decided_by}" if row.decided_at else "–"

    @display(description="What was asked for and moved")
    def money_(self, row: Dispute) -> str:
        asked = list(DisputeMoney.objects.filter(dispute_id=row.pk).order_by("id"))
        return render_to_string("console/dispute_money.html", {"asked": asked, "code": code})


def clocks_of(row: Dispute) -> list[dict[str, Any]]:
    """Each of the law's days with when it was met; `late` where it passed unmet, or was met after it."""
    days = "20 business days: the account was new" if row.new_account else "10 business days"
    first = [moment for moment in (row.credited_at, row.extended_at, row.decided_at) if moment]
    told = [
        (f"Decide or credit ({days})", row.decide_by, min(first, default=None)),
        (f"Finish ({'90' if row.new_account else '45'} days)", row.final_by, row.decided_at),
        ("Tell of the credit (2 business days)", row.tell_by, row.told_at),
        ("Correct (1 business day)", row.correct_by, row.closed_at),
        ("Result in writing (3 business days)", row.result_by, row.result_at),
    ]
    return [{"what": what, "by": by, "met": met, "late": (met or clock.now()) > by} for what, by, met in told if by]
