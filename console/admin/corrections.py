"""What two of the staff put right: one asks, another approves, the worker posts (banking/services/corrections.py)."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from unfold.decorators import display

from banking.services import corrections
from console import queries, services
from console.admin.actions import Action, Form, Moving
from console.admin.base import ReadOnly, link, money, page_url, person_link, when
from console.admin.fields import Dollars
from console.models import Correction, Person, Wallet
from console.site import site
from core.errors import ValidationError
from core.money import format_usd
from ledger.queries import trial_balance

# Which account of ours each comes out of. A debit comes out of the person's wallet.
OUT_OF = {
    "write_off": "loss_reserve", "loss_reserve": "capital", "adjustment_credit": "adjustments",
    "adjustments_capital": "capital", "adjustments_operations": "operations",
}  # fmt: skip


def cover(kind: str, amount: int, person_id: str | None) -> list[Moving]:
    """What there is of what it comes out of, at this moment; it is looked at once more where it is posted."""
    if kind == "adjustment_debit":
        there = Wallet.objects.filter(person_id=person_id).values_list("available", flat=True).first() or 0
        what = "Their wallet holds"
    elif kind in OUT_OF:
        there = {name: balance for name, _, _, balance in trial_balance()}[OUT_OF[kind]]
        what = f"The account {OUT_OF[kind].replace('_', ' ')} holds"
    else:  # what a statement shows is not ours to choose
        return []
    short = "" if there >= amount else ": that is not enough, and as it stands it is not posted"
    return [Moving(f"{what} {format_usd(there)} now{short}.")]


# ------------------------------------------------------------------------------------------------ asking
class _Ask(Action):
    acts = "correction.ask"
    reauthenticate = True
    of_kind = ""  # what is asked for, where the form leaves no choice

    def kind(self, given: Mapping[str, Any]) -> str:
        return self.of_kind

    def who(self, row: Any, given: Mapping[str, Any]) -> Person | None:
        """Whose money it is; None where it is the operators' own."""
        return None

    def do(self, row: Any, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        person = self.who(row, given)
        made = corrections.ask(
            kind=self.kind(given), amount=given["amount"], person=person.pk if person else None, staff_id=staff_id, reason=reason
        )
        return f"Correction {made} waits for approval."

    def covered(self, row: Any, given: Mapping[str, Any]) -> list[Moving]:
        person = self.who(row, given)
        return cover(self.kind(given), given["amount"], person.pk if person else None)


def _found(given: Mapping[str, Any]) -> Person:
    person = queries.person(given["person"])
    if person is None:
        raise ValidationError(fields={"person": "Nobody goes by that."})
    return person


class WriteOff(_Ask):
    name, title, of_kind = "write-off", "Ask for a write-off", "write_off"
    hint = "It takes what a person owes out of the loss reserve, once somebody else of the staff has approved it."

    class form(Form):
        person = forms.CharField(label="Person", max_length=60, help_text="@username, id or whole phone")
        amount = Dollars(label="Amount")

    def who(self, row: Any, given: Mapping[str, Any]) -> Person:
        return _found(given)

    def preview(self, row: Any, given: Mapping[str, Any]) -> list[str]:
        person = self.who(row, given)
        said = [f"A write-off of {format_usd(given['amount'])} for {person} waits for somebody else's approval."]
        held = Wallet.objects.filter(person_id=person.pk, available__gt=0).first()
        if held is not None:
            had, owed = format_usd(held.available), format_usd(held.owed)
            said.append(Moving(f"Their wallet holds {had} of the {owed} owed: only what is owed beyond that can be written off."))
        return [*said, *self.covered(row, given)]


class Adjust(_Ask):
    name, title = "adjust", "Ask for an adjustment"
    hint = "Money between a person's wallet and the adjustments account, once somebody else of the staff has approved it."

    class form(Form):
        person = forms.CharField(label="Person", max_length=60, help_text="@username, id or whole phone")
        way = forms.ChoiceField(
            label="Way", choices=[("adjustment_credit", "to the person"), ("adjustment_debit", "from the person")]
        )
        amount = Dollars(label="Amount")

    def kind(self, given: Mapping[str, Any]) -> str:
        return str(given["way"])

    def who(self, row: Any, given: Mapping[str, Any]) -> Person:
        return _found(given)

    def preview(self, row: Any, given: Mapping[str, Any]) -> list[str]:
        adds = self.kind(given) == "adjustment_credit"
        way = "from adjustments to the wallet" if adds else "out of the wallet"
        return [
            f"{format_usd(given['amount'])} {way} of {self.who(row, given)}: it waits for somebody else's approval.",
            *self.covered(row, given),
            "The person is told when it is posted.",
        ]


class AdjustPerson(Adjust):
    """The same on a person's page, where it is clear who is meant."""

    class form(Form):
        way, amount = Adjust.form.base_fields["way"], Adjust.form.base_fields["amount"]

    def offered(self, row: Person) -> bool:
        return row.is_active and row.wallet_id is not None

    def who(self, row: Person, given: Mapping[str, Any]) -> Person:
        return row


class FundLossReserve(_Ask):
    name, title, of_kind = "fund", "Ask for money for the loss reserve", "loss_reserve"
    hint = "From capital to the loss reserve, once somebody else of the staff has approved it."

    class form(Form):
        amount = Dollars(label="Amount")

    def preview(self, row: Any, given: Mapping[str, Any]) -> list[str]:
        asked = f"{format_usd(given['amount'])} of capital for the loss reserve wait for somebody else's approval."
        return [asked, *self.covered(row, given)]


class FundAdjustments(_Ask):
    name, title = "fund-adjustments", "Ask for money for adjustments"
    hint = "To the adjustments account, once somebody else of the staff has approved it."

    class form(Form):
        source = forms.ChoiceField(
            label="From", choices=[("adjustments_operations", "operations"), ("adjustments_capital", "capital")]
        )
        amount = Dollars(label="Amount")

    def kind(self, given: Mapping[str, Any]) -> str:
        return str(given["source"])

    def preview(self, row: Any, given: Mapping[str, Any]) -> list[str]:
        source = given["source"].removeprefix("adjustments_")
        asked = f"{format_usd(given['amount'])} of {source} for adjustments wait for somebody else's approval."
        return [asked, *self.covered(row, given)]


# ------------------------------------------------------------------------------------------------ deciding
class _Decide(Action):
    acts = "correction.decide"
    reauthenticate = True

    def offered(self, row: Correction) -> bool:
        return row.decided_at is None and not services.is_actor(row.asked_by)


def _what(row: Correction) -> str:
    return f"{row}{f' @{row.username}' if row.username else ''} that {row.asked_by} asked for"


class Approve(_Decide):
    name, title = "approve", "Approve"

    def preview(self, row: Correction, given: Mapping[str, Any]) -> list[str]:
        return [f"{_what(row)} is posted within seconds.", *cover(row.kind, row.amount, row.person_id)]

    def do(self, row: Correction, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        corrections.decide(correction=row.pk, approve=True, staff_id=staff_id, reason=reason)
        return "Approved. It is posted within seconds, or says here why it could not be."


class Refuse(_Decide):
    name, title = "refuse", "Refuse"

    def preview(self, row: Correction, given: Mapping[str, Any]) -> list[str]:
        return [f"{_what(row)} is refused for good."]

    def do(self, row: Correction, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        corrections.decide(correction=row.pk, approve=False, staff_id=staff_id, reason=reason)
        return "Refused."


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
