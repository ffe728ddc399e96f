"""Freezes of people and withdrawals out of frozen accounts, and what staff do to a person on their page."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from unfold.decorators import display

from compliance.services import freezes
from console import queries, services
from console.admin.actions import Action, Form, Moving
from console.admin.base import OfPerson, ReadOnly, code, money, person_link, plain, to, when
from console.admin.fields import Dollars, told_field
from console.models import Freeze, Person, Withdrawal
from console.site import site
from core.errors import ValidationError
from core.money import format_usd
from wallets.services import Freeze as Level

LEVEL_LABELS = {"no sending": "warning", "no sending, no receiving": "danger"}
STATUS_LABELS = {
    "asked": "warning", "approved": "info", "sent": "success", "denied": "danger", "failed": "danger", "cancelled": "info",
}  # fmt: skip


def _name(row: Any) -> str:
    return f"@{row.username}" if row.username else str(row.person_id if hasattr(row, "person_id") else row.id)


# ------------------------------------------------------------------------------------------------ on a person's page
class FreezePerson(Action):
    name, title = "freeze", "Freeze"
    acts = "freeze.set"

    class form(Form):
        level = forms.TypedChoiceField(label="What is stopped", coerce=int, choices=Freeze.LEVELS)
        told = told_field()

    def offered(self, row: Person) -> bool:
        return row.is_active and row.wallet_id is not None

    def preview(self, row: Person, given: Mapping[str, Any]) -> list[str]:
        stops = {
            1: "cannot pay, load or redeem from this moment on. They can still be paid",
            2: "cannot pay, load or redeem from this moment on, and nobody can pay them",
        }[given["level"]]
        return [
            f"{_name(row)} {stops}. Settled loads, weekly shares and what comes back still arrive.",
            Moving(f"Their balance of {format_usd(row.available or 0)} stays theirs."),
            "What they asked for before goes its way.",
            f"They read, in a message and on their home: “{freezes.told_of(given['told'])}”",
            "Beside it stands how to appeal and how to withdraw.",
        ]

    def do(self, row: Person, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        freezes.freeze_person(person=row.pk, level=Level(given["level"]), told=given["told"], staff_id=staff_id, reason=reason)
        return "Frozen, and told."


class AskReview(Action):
    name, title = "review", "Flag for review"
    acts = "person.review"

    class form(Form):
        summary = forms.CharField(label="What should be looked at", min_length=10, max_length=200)
        priority = forms.TypedChoiceField(coerce=int, choices=[(1, "High"), (2, "Usual"), (3, "Low")], initial=2)

    def preview(self, row: Person, given: Mapping[str, Any]) -> list[str]:
        priority = {1: "high", 2: "usual", 3: "low"}[given["priority"]]
        return [
            f"A case of {priority} priority about {_name(row)} goes into the queue.",
            "The person is not told, and can do all as before.",
        ]

    def do(self, row: Person, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        case = freezes.ask_review(
            person=row.pk, summary=given["summary"], priority=given["priority"], staff_id=staff_id, reason=reason
        )
        return f"Case {case} is open."


class WriteNote(Action):
    name, title = "note", "Write a note"
    hint = "What you write as the reason below is the note."
    acts = "person.note"

    def preview(self, row: Person, given: Mapping[str, Any]) -> list[str]:
        return [f"It stands on the page of {_name(row)} with your name, until they are erased. They do not see it."]

    def do(self, row: Person, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        freezes.note_person(person=row.pk, note=reason, staff_id=staff_id)
        return "Written."


class StartWithdrawal(Action):
    """For somebody who cannot ask by themselves; it is approved like their own."""

    name, title = "withdraw", "Begin a withdrawal"
    acts = "withdrawal.start"

    def offered(self, row: Person) -> bool:
        return bool(row.frozen and row.available)

    def asks(self, row: Person) -> type[forms.Form]:
        banks = [
            (bank["id"], f"{bank['institution']} {bank['name']} ••{bank['mask']}")
            for bank in queries.bank_accounts(row.user_id)
            if bank["status"] == "active"
        ]

        class Asked(Form):
            amount = Dollars(label="Amount in dollars")
            bank_account = forms.ChoiceField(label="To which of their banks", choices=banks)

        return Asked

    def preview(self, row: Person, given: Mapping[str, Any]) -> list[str]:
        amount = given["amount"]
        if amount > (row.available or 0):
            raise ValidationError(fields={"amount": f"An amount up to {format_usd(row.available or 0)}, such as 25.50."})
        return [
            f"{format_usd(amount)} wait for approval, to go to {_name(row)}'s own bank.",
            Moving(f"Their balance is {format_usd(row.available or 0)}."),
            "The person is told, and can take it back until it is approved. Nothing moves before that.",
        ]

    def do(self, row: Person, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        freezes.start_withdrawal(
            person=row.pk, amount=given["amount"], bank_account=given["bank_account"], staff_id=staff_id, reason=reason
        )
        return "It waits for approval."


# ------------------------------------------------------------------------------------------------ freezes
class LiftFreeze(Action):
    name, title = "lift", "Lift this freeze"
    acts = "freeze.lift"

    def offered(self, row: Freeze) -> bool:
        return row.ended_at is None

    def preview(self, row: Freeze, given: Mapping[str, Any]) -> list[str]:
        others = Freeze.objects.filter(user_id=row.user_id, ended_at=None).exclude(pk=row.pk).count()
        return [
            f"This freeze of {_name(row)} ends: {row.get_level_display()}.",
            f"Other freezes in force: {others}. A return or a hit of the sanctions list that restricts them goes on doing so.",
            "They are told what they can do now.",
        ]

    def do(self, row: Freeze, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        now = freezes.unfreeze_person(freeze=row.pk, staff_id=staff_id, reason=reason)
        return "Lifted." if now is Level.NONE else "Lifted. Something else still restricts this person."


@admin.register(Freeze, site=site)
class FreezeAdmin(ReadOnly):
    list_display = ("what", "person", "since", "by", "ended")
    list_display_links = ("what",)
    list_filter = ("level", "kind", ("ended_at", admin.EmptyFieldListFilter), OfPerson)
    search_fields = ("username",)
    search_help_text = "@username, id or whole phone"
    ordering = ("-number",)
    staff_actions = (LiftFreeze,)
    sections_of_page = (
        (None, ("person", "what", "public_id")),
        ("Told to the person", ("reason",)),
        ("From and to", ("since", "by", "ended", "ended_by_")),
    )

    @display(description="Person")
    def person(self, row: Freeze) -> str:
        return person_link(row.person_id, row.username)

    @display(description="What is stopped", ordering="level", label=LEVEL_LABELS)
    def what(self, row: Freeze) -> str:
        return row.get_level_display()

    @display(description="Id")
    def public_id(self, row: Freeze) -> str:
        return code(row.id)

    @display(description="Since (UTC)", ordering="number")
    def since(self, row: Freeze) -> str:
        return when(row.at)

    @display(description="By")
    def by(self, row: Freeze) -> str:
        return row.staff or "manage.py freeze_wallet"

    @display(description="Ended (UTC)", ordering="ended_at")
    def ended(self, row: Freeze) -> str:
        return when(row.ended_at) if row.ended_at else "in force"

    @display(description="Ended by")
    def ended_by_(self, row: Freeze) -> str:
        return plain(row.ended_by)


# ------------------------------------------------------------------------------------------------ withdrawals
class _Waiting(Action):
    def offered(self, row: Withdrawal) -> bool:
        return row.status == "asked"


class Approve(_Waiting):
    name, title = "approve", "Approve"
    acts = "withdrawal.approve"
    reauthenticate = True

    def offered(self, row: Withdrawal) -> bool:
        """Whoever began it in the person's name is not the second to look at it."""
        return super().offered(row) and not services.is_actor(row.started_by)

    def preview(self, row: Withdrawal, given: Mapping[str, Any]) -> list[str]:
        held = Person.objects.get(pk=row.person_id)
        if not held.frozen:
            raise ValidationError("This account is not frozen any more: its person redeems as usual.")
        if row.amount > (held.available or 0):
            raise ValidationError(f"The balance of {format_usd(held.available or 0)} does not reach that far any more.")
        return [
            f"{format_usd(row.amount)} leave {_name(row)}'s frozen account for their own bank, {row.bank or 'removed by now'}.",
            Moving(f"{format_usd((held.available or 0) - row.amount)} stay."),
            "The account stays frozen.",
            "It is a redemption like any other from then on; limits and scores are not asked again. They are told.",
        ]

    def do(self, row: Withdrawal, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        freezes.approve_withdrawal(withdrawal=row.pk, staff_id=staff_id, reason=reason)
        return "Approved. It goes out within seconds."


class DenyWithdrawal(_Waiting):
    name, title = "deny", "Deny"
    acts = "withdrawal.deny"

    class form(Form):
        told = told_field()

    def preview(self, row: Withdrawal, given: Mapping[str, Any]) -> list[str]:
        told = freezes.told_of(given["told"])
        return [
            f"{format_usd(row.amount)} stay in {_name(row)}'s account.",
            f"They read: “{told}” They can ask again, or appeal.",
        ]

    def do(self, row: Withdrawal, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        freezes.deny_withdrawal(withdrawal=row.pk, told=given["told"], staff_id=staff_id, reason=reason)
        return "Denied, and told."


@admin.register(Withdrawal, site=site)
class WithdrawalAdmin(ReadOnly):
    list_display = ("amount_", "person", "state", "asked", "bank")
    list_display_links = ("amount_",)
    list_filter = ("status", OfPerson)
    search_fields = ("username",)
    search_help_text = "@username, id or whole phone"
    ordering = ("-number",)
    staff_actions = (Approve, DenyWithdrawal)
    sections_of_page = (
        (None, ("person", "amount_", "state", "bank", "public_id")),
        ("From and to", ("asked", "started", "decided", "decided_by_", "redemption", "told_")),
    )

    @display(description="Person")
    def person(self, row: Withdrawal) -> str:
        return person_link(row.person_id, row.username)

    @display(description="Amount", ordering="amount")
    def amount_(self, row: Withdrawal) -> str:
        return money(row.amount)

    @display(description="State", ordering="status", label=STATUS_LABELS)
    def state(self, row: Withdrawal) -> str:
        return row.status

    @display(description="Id")
    def public_id(self, row: Withdrawal) -> str:
        return code(row.id)

    @display(description="Asked (UTC)", ordering="number")
    def asked(self, row: Withdrawal) -> str:
        return when(row.asked_at)

    @display(description="Asked by")
    def started(self, row: Withdrawal) -> str:
        return row.started_by or "the person"

    @display(description="Decided (UTC)")
    def decided(self, row: Withdrawal) -> str:
        return when(row.decided_at)

    @display(description="Decided by")
    def decided_by_(self, row: Withdrawal) -> str:
        return plain(row.decided_by)

    @display(description="Redemption")
    def redemption(self, row: Withdrawal) -> str:
        return to("banktransfer", row.transfer)

    @display(description="Told to the person")
    def told_(self, row: Withdrawal) -> str:
        return plain(row.told)
