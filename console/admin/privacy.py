"""Accounts that are closed, legal holds, and how long things are kept."""

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.contrib import admin
from unfold.decorators import display

from console.admin.actions import Action, Form
from console.admin.base import OfPerson, ReadOnly, money, person_link, plain, when
from console.models import Closing, LegalHold, Person, Retention
from console.site import site
from core import clock
from core.errors import ValidationError
from privacy.services import retention
from privacy.services.closing import WAITS

STATE_LABELS = {"Open": "info", "Cancelled": "warning", "Closed": "success", "Erased": "success"}


# ------------------------------------------------------------------------------------------------ closed accounts
@admin.register(Closing, site=site)
class ClosingAdmin(ReadOnly):
    list_display = ("who", "state_", "asked", "waits", "swept_", "closed", "erased")
    list_display_links = ("who",)
    list_filter = ("state", OfPerson)
    ordering = ("-asked_at",)
    sections_of_page = (
        (None, ("who", "state_", "asked", "waits", "swept_", "aside_", "closed", "erase_after_", "erased")),
    )

    @display(description="Person")
    def who(self, row: Closing) -> str:
        return person_link(row.person_id, row.username)

    @display(description="State", ordering="state", label=STATE_LABELS)
    def state_(self, row: Closing) -> str:
        return str(row.get_state_display())

    @display(description="Asked (UTC)", ordering="asked_at")
    def asked(self, row: Closing) -> str:
        return when(row.asked_at)

    @display(description="Waits for")
    def waits(self, row: Closing) -> str:
        return " ".join(WAITS.get(one, one) for one in row.waits_for) or "–"

    @display(description="Sent to the bank")
    def swept_(self, row: Closing) -> str:
        return money(row.swept)

    @display(description="Kept in their name")
    def aside_(self, row: Closing) -> str:
        return money(row.aside)

    @display(description="Closed (UTC)", ordering="closed_at")
    def closed(self, row: Closing) -> str:
        return when(row.closed_at)

    @display(description="Erased not before (UTC)")
    def erase_after_(self, row: Closing) -> str:
        return when(row.erase_after)

    @display(description="Erased (UTC)", ordering="erased_at")
    def erased(self, row: Closing) -> str:
        return when(row.erased_at)


# ------------------------------------------------------------------------------------------------ legal holds
class PlaceHold(Action):
    name, title = "place", "Keep a person's data"
    acts = "legal_hold.place"
    hint = "While a court or an authority may still ask for them. The person is not told, and may close the account all the same."

    class form(Form):
        person = forms.CharField(label="@username or public id", max_length=60)

    def _person(self, given: Any) -> Person:
        term = given["person"].strip().removeprefix("@")
        found = Person.objects.filter(pk=term).first() or Person.objects.filter(username=term.lower()).first()
        if found is None:
            raise ValidationError(fields={"person": "There is no such person."})
        return found

    def preview(self, row: Any, given: Any) -> list[str]:
        return [f"{self._person(given)} is not erased until somebody lifts the hold, however long ago the account was closed."]

    def do(self, row: Any, given: Any, *, staff_id: int, reason: str) -> str:
        retention.place_hold(person=self._person(given).pk, staff_id=staff_id, reason=reason)
        return "Their data are kept."


class LiftHold(Action):
    name, title = "lift", "Lift it"
    acts = "legal_hold.lift"

    def offered(self, row: LegalHold) -> bool:
        return row.lifted_at is None

    def preview(self, row: LegalHold, given: Any) -> list[str]:
        return [f"@{row.username} is erased when the account is closed and the periods are over; that may be within minutes."]

    def do(self, row: LegalHold, given: Any, *, staff_id: int, reason: str) -> str:
        retention.lift_hold(hold=row.pk, staff_id=staff_id, reason=reason)
        return "Lifted."


@admin.register(LegalHold, site=site)
class LegalHoldAdmin(ReadOnly):
    list_display = ("who", "placed", "staff", "reason", "lifted")
    list_display_links = ("placed",)
    list_filter = (OfPerson,)
    ordering = ("-placed_at",)
    list_actions = (PlaceHold,)
    staff_actions = (LiftHold,)
    sections_of_page = ((None, ("who", "placed", "staff", "reason", "lifted", "lifted_by_")),)

    @display(description="Person")
    def who(self, row: LegalHold) -> str:
        return person_link(row.person_id, row.username)

    @display(description="Placed (UTC)", ordering="placed_at")
    def placed(self, row: LegalHold) -> str:
        return when(row.placed_at)

    @display(description="Lifted (UTC)", ordering="lifted_at")
    def lifted(self, row: LegalHold) -> str:
        return when(row.lifted_at)

    @display(description="By")
    def lifted_by_(self, row: LegalHold) -> str:
        return plain(row.lifted_by)


# ------------------------------------------------------------------------------------------------ periods
class SetRetention(Action):
    name, title = "set", "Another period from a day on"
    acts = "retention.set"
    reauthenticate = True
    hint = "What is older than its time is removed by a job each hour, for good. A longer period brings nothing back."

    class form(Form):
        name = forms.ChoiceField(label="What", choices=[(period.name, period.title) for period in retention.PERIODS])
        days = forms.IntegerField(label="Days", min_value=0, max_value=36525)
        begins = forms.DateField(label="From", widget=forms.DateInput(attrs={"type": "date"}))

    def preview(self, row: Any, given: Any) -> list[str]:
        if given["begins"] < clock.now().date():
            raise ValidationError(fields={"begins": "It cannot begin in the past."})
        period = next(one for one in retention.PERIODS if one.name == given["name"])
        now = Retention.objects.filter(name=period.name, in_force=True).first()
        before = f" instead of {now.days}" if now else ""
        return [f"{period.title}: {given['days']} days{before} after {period.begins}, from {given['begins']:%d %b %Y} on."]

    def do(self, row: Any, given: Any, *, staff_id: int, reason: str) -> str:
        begins = max(datetime.combine(given["begins"], time.min, UTC), clock.now())
        retention.set_retention(name=given["name"], days=given["days"], begins=begins, staff_id=staff_id, reason=reason)
        return "Noted."


@admin.register(Retention, site=site)
class RetentionAdmin(ReadOnly):
    list_display = ("what", "days", "in_force", "from_", "ran", "removed", "staff")
    list_display_links = ("what",)
    list_filter = ("in_force", "name")
    ordering = ("name", "-effective_at", "-id")
    list_actions = (SetRetention,)
    sections_of_page = ((None, ("what", "days", "in_force", "from_", "reason", "staff", "ran", "removed")),)

    def narrowed_to(self, person: Person) -> dict[str, str]:
        return {}

    @display(description="What", ordering="name")
    def what(self, row: Retention) -> str:
        return str(row.get_name_display())

    @display(description="In force from (UTC)", ordering="effective_at")
    def from_(self, row: Retention) -> str:
        return when(row.effective_at)

    @display(description="Job ran (UTC)")
    def ran(self, row: Retention) -> str:
        return when(row.ran_at)
