"""Which rail serves what, what came back, and what two of the staff put right."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError as FormError
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from banking import rails
from banking.models import BankTransfer as Transfers
from banking.nacha.codes import RETURNS
from banking.services import corrections, returns, routing
from console import queries
from console.admin.actions import Action, Form
from console.admin.base import OfPerson, ReadOnly, link, money, page_url, person_link, plain, when
from console.models import Correction, RailChoice, Return, Wallet
from console.site import site
from core.errors import ValidationError
from core.money import format_usd, parse_usd
from ledger.queries import trial_balance


class Dollars(forms.CharField):
    """An amount as people write it, in cents."""

    def __init__(self, *args: Any, least: int = 1, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.least = least

    def clean(self, value: Any) -> int:
        cents = parse_usd(super().clean(value))
        if cents is None or cents < self.least:
            raise FormError("Enter an amount such as 25 or 25.50.")
        return cents


# ------------------------------------------------------------------------------------------------ rails
class ChooseRail(Action):
    name, title = "choose", "Choose a rail"
    acts = "rail.choose"
    reauthenticate = True
    hint = "New transfers go by it from then on. Those under way stay on theirs."

    class form(Form):
        kind = forms.ChoiceField(label="For", choices=[(kind.value, f"{kind.value}s") for kind in Transfers.Kind])
        rail = forms.ChoiceField(label="Rail")

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.fields["rail"].choices = [(name, name) for name in rails.available()]  # type: ignore[attr-defined]

    def preview(self, row: Any, given: Any) -> list[str]:
        terms = rails.rail(given["rail"]).terms
        days = terms.load_days if given["kind"] == Transfers.Kind.LOAD else terms.redemption_days
        held = -{name: balance for name, _, _, balance in trial_balance()}[f"reserve:{given['rail']}"]
        covered = f"{given['rail']} holds {format_usd(held)} for us. Redemptions beyond that wait until money is moved there."
        return [
            f"New {given['kind']}s go by {given['rail']} instead of {routing.chosen_rail(given['kind'])}.",
            f"They take about {days} business day{'s' if days > 1 else ''}.",
            f"One of $100.00 costs us {format_usd(terms.cost(100_00))}.",
            *([covered] if given["kind"] == Transfers.Kind.REDEMPTION else []),
        ]

    def do(self, row: Any, given: Any, *, staff_id: int, reason: str) -> str:
        routing.choose_rail(kind=given["kind"], rail=given["rail"], staff_id=staff_id, reason=reason)
        return f"New {given['kind']}s go by {given['rail']}."


@admin.register(RailChoice, site=site)
class RailChoiceAdmin(ReadOnly):
    list_display = ("since", "kind", "rail", "staff", "reason")
    list_display_links = ("since", "kind")
    list_filter = ("kind",)
    ordering = ("-id",)
    list_actions = (ChooseRail,)
    sections_of_page = ((None, ("kind", "rail", "since", "staff", "reason")),)

    def narrowed_to(self, person: Any) -> dict[str, str]:
        return {}

    @display(description="Since (UTC)", ordering="id")
    def since(self, row: RailChoice) -> str:
        return when(row.at)


# ------------------------------------------------------------------------------------------------ returns
class Lift(Action):
    name, title = "lift", "Lift the restriction"
    acts = "return.lift"

    def offered(self, row: Return) -> bool:
        return row.restricts and row.lifted_at is None

    def preview(self, row: Return, given: Any) -> list[str]:
        said = [f"@{row.username} may pay, load and redeem again, unless another return or freeze stands against it."]
        if stopped := queries.stopped_at(row.user_id):
            said.append(f"Loads and redemptions stay stopped by {', '.join(stopped)} until it serves them again.")
        return said

    def do(self, row: Return, given: Any, *, staff_id: int, reason: str) -> str:
        returns.lift_restriction(return_id=row.pk, staff_id=staff_id, reason=reason)
        return "Lifted. The account is free within seconds."


@admin.register(Return, site=site)
class ReturnAdmin(ReadOnly):
    list_display = ("came", "person", "kind", "amount_", "code_", "late", "owed_", "restriction", "transfer")
    list_display_links = ("came",)
    list_filter = ("code", "rail", "late", "restricts", OfPerson)
    search_fields = ("transfer_id",)
    search_help_text = "@username, transfer's id, return code or whole phone"
    ordering = ("-id",)
    staff_actions = (Lift,)
    sections_of_page = (
        (None, ("person", "kind", "amount_", "code_", "late", "came", "rail")),
        ("What followed", ("owed_", "restriction", "transfer")),
    )

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Return], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if person := queries.person(term):
            return queryset.filter(user_id=person.user_id), False
        return queryset.filter(Q(transfer_id=term) | Q(code=term.upper())), False

    @display(description="Came back (UTC)", ordering="id")
    def came(self, row: Return) -> str:
        return when(row.at)

    @display(description="Person")
    def person(self, row: Return) -> str:
        return person_link(row.person_id, row.username)

    @display(description="Amount", ordering="amount")
    def amount_(self, row: Return) -> str:
        return money(row.amount)

    @display(description="Code", ordering="code")
    def code_(self, row: Return) -> str:
        known = RETURNS.get(row.code)
        return f"{row.code} {known.title}" if known else plain(row.code)

    @display(description="Owed since", ordering="owed")
    def owed_(self, row: Return) -> str:
        return money(row.owed) if row.owed else "–"

    @display(description="Restriction", label={"restricted": "danger", "lifted": "success"})
    def restriction(self, row: Return) -> str:
        if not row.restricts:
            return "none"
        return "lifted" if row.lifted_at else "restricted"

    @display(description="Transfer")
    def transfer(self, row: Return) -> str:
        return link(page_url("banktransfer", row.transfer_id), row.transfer_id)


# ------------------------------------------------------------------------------------------------ corrections
class WriteOff(Action):
    name, title = "write-off", "Ask for a write-off"
    acts = "correction.ask"
    reauthenticate = True
    hint = "It takes what a person owes out of the loss reserve, once somebody else of the staff has approved it."

    class form(Form):
        person = forms.CharField(label="Person", max_length=60, help_text="@username, id or whole phone")
        amount = Dollars(label="Amount")

    def preview(self, row: Any, given: Any) -> list[str]:
        person = queries.person(given["person"])
        if person is None:
            raise ValidationError(fields={"person": "Nobody goes by that."})
        said = [f"A write-off of {format_usd(given['amount'])} for {person} waits for somebody else's approval."]
        held = Wallet.objects.filter(person_id=person.pk, available__gt=0).first()
        if held is not None:
            had, owed = format_usd(held.available), format_usd(held.owed)
            said.append(f"Their wallet holds {had} of the {owed} owed: only what is owed beyond that can be written off.")
        return said

    def do(self, row: Any, given: Any, *, staff_id: int, reason: str) -> str:
        person = queries.person(given["person"])
        who = person.pk if person else ""
        made = corrections.ask(kind="write_off", amount=given["amount"], person=who, staff_id=staff_id, reason=reason)
        return f"Correction {made} waits for approval."


class FundLossReserve(Action):
    name, title = "fund", "Ask for money for the loss reserve"
    acts = "correction.ask"
    reauthenticate = True
    hint = "From capital to the loss reserve, once somebody else of the staff has approved it."

    class form(Form):
        amount = Dollars(label="Amount")

    def preview(self, row: Any, given: Any) -> list[str]:
        return [f"{format_usd(given['amount'])} of capital for the loss reserve wait for somebody else's approval."]

    def do(self, row: Any, given: Any, *, staff_id: int, reason: str) -> str:
        made = corrections.ask(kind="loss_reserve", amount=given["amount"], person=None, staff_id=staff_id, reason=reason)
        return f"Correction {made} waits for approval."


class Adjust(Action):
    name, title = "adjust", "Ask for an adjustment"
    acts = "correction.ask"
    reauthenticate = True
    hint = "Money between a person's wallet and the adjustments account, once somebody else of the staff has approved it."

    class form(Form):
        person = forms.CharField(label="Person", max_length=60, help_text="@username, id or whole phone")
        way = forms.ChoiceField(
            label="Way", choices=[("adjustment_credit", "to the person"), ("adjustment_debit", "from the person")]
        )
        amount = Dollars(label="Amount")

    def preview(self, row: Any, given: Any) -> list[str]:
        person = queries.person(given["person"])
        if person is None:
            raise ValidationError(fields={"person": "Nobody goes by that."})
        adds = given["way"] == "adjustment_credit"
        there = {name: balance for name, _, _, balance in trial_balance()}["adjustments"]
        way = "from adjustments to the wallet" if adds else "out of the wallet"
        said = [f"{format_usd(given['amount'])} {way} of {person}: it waits for somebody else's approval."]
        if adds and there < given["amount"]:
            said.append(f"The adjustments account holds {format_usd(there)}: it has to be filled first, or this is refused.")
        return [*said, "The person is told when it is posted."]

    def do(self, row: Any, given: Any, *, staff_id: int, reason: str) -> str:
        person = queries.person(given["person"])
        who = person.pk if person else ""
        made = corrections.ask(kind=given["way"], amount=given["amount"], person=who, staff_id=staff_id, reason=reason)
        return f"Correction {made} waits for approval."


class FundAdjustments(Action):
    name, title = "fund-adjustments", "Ask for money for adjustments"
    acts = "correction.ask"
    reauthenticate = True
    hint = "To the adjustments account, once somebody else of the staff has approved it."

    class form(Form):
        source = forms.ChoiceField(
            label="From", choices=[("adjustments_operations", "operations"), ("adjustments_capital", "capital")]
        )
        amount = Dollars(label="Amount")

    def preview(self, row: Any, given: Any) -> list[str]:
        source = given["source"].removeprefix("adjustments_")
        return [f"{format_usd(given['amount'])} of {source} for adjustments wait for somebody else's approval."]

    def do(self, row: Any, given: Any, *, staff_id: int, reason: str) -> str:
        made = corrections.ask(kind=given["source"], amount=given["amount"], person=None, staff_id=staff_id, reason=reason)
        return f"Correction {made} waits for approval."


class Approve(Action):
    name, title, approve = "approve", "Approve", True
    acts = "correction.decide"
    reauthenticate = True

    def offered(self, row: Correction) -> bool:
        return row.decided_at is None

    def preview(self, row: Correction, given: Any) -> list[str]:
        what = f"{row}{f' @{row.username}' if row.username else ''} that {row.asked_by} asked for"
        return [f"{what} is posted within seconds." if self.approve else f"{what} is refused for good."]

    def do(self, row: Correction, given: Any, *, staff_id: int, reason: str) -> str:
        corrections.decide(correction=row.pk, approve=self.approve, staff_id=staff_id, reason=reason)
        return "Approved. It is posted within seconds, or says here why it could not be." if self.approve else "Refused."


class Refuse(Approve):
    name, title, approve = "refuse", "Refuse", False


CORRECTION_LABELS = {
    "waits for approval": "warning", "approved": "info", "posted": "success", "refused": "default", "not possible": "danger",
}  # fmt: skip


@admin.register(Correction, site=site)
class CorrectionAdmin(ReadOnly):
    list_display = ("asked", "kind", "amount_", "person", "asked_by", "decided_by", "state")
    list_display_links = ("asked", "kind")
    list_filter = ("kind", "approved")
    ordering = ("-id",)
    list_actions = (WriteOff, Adjust, FundLossReserve, FundAdjustments)
    staff_actions = (Approve, Refuse)
    sections_of_page = (
        (None, ("kind", "amount_", "person", "break_", "state", "refused")),
        ("By whom", ("asked_by", "asked", "decided_by", "decided", "posted")),
    )

    def narrowed_to(self, person: Any) -> dict[str, str]:
        return {}

    @display(description="Asked for (UTC)", ordering="id")
    def asked(self, row: Correction) -> str:
        return when(row.asked_at)

    @display(description="Decided (UTC)")
    def decided(self, row: Correction) -> str:
        return when(row.decided_at)

    @display(description="Posted (UTC)")
    def posted(self, row: Correction) -> str:
        return when(row.posted_at)

    @display(description="Amount", ordering="amount")
    def amount_(self, row: Correction) -> str:
        return money(row.amount)

    @display(description="Person")
    def person(self, row: Correction) -> str:
        return person_link(row.person_id, row.username) if row.person_id else "–"

    @display(description="Break")
    def break_(self, row: Correction) -> str:
        return link(page_url("break", row.of_break), row.of_break) if row.of_break else "–"

    @display(description="State", label=CORRECTION_LABELS)
    def state(self, row: Correction) -> str:
        if row.posted_at:
            return "posted"
        if row.refused:
            return "not possible"
        return {None: "waits for approval", True: "approved", False: "refused"}[row.approved]
