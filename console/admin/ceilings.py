"""How much of people's money one member of staff may ask for, or approve, in a day; and how much of it is used."""

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from banking.services import corrections
from console import queries
from console.admin.actions import Action, Form
from console.admin.base import ReadOnly, money, when
from console.admin.fields import Dollars
from console.models import Ceiling, CeilingHistory, Person
from console.site import site
from core import clock
from core.errors import ValidationError
from core.money import format_usd


def _figure(cents: int | None) -> str:
    return "nothing" if not cents else f"{format_usd(cents)} a day"


class SetCeiling(Action):
    name, title = "change", "Change"
    acts = "ceiling.set"
    reauthenticate = True
    hint = "Nobody sets the ceiling of a role of their own. To take back a change that is staged, stage what holds now."

    class form(Form):
        amount = Dollars(label="A day, for each member", least=0)
        at = forms.DateTimeField(
            label="From when on (UTC)", required=False, help_text="Like 2026-12-01 08:00; empty: from now on"
        )

    def initial(self, row: Ceiling) -> dict[str, Any]:
        return {"amount": row.cents or 0}

    def preview(self, row: Ceiling, given: Any) -> list[str]:
        at, members = given["at"], queries.ceiling_use(row)
        if at is not None and at < clock.now():
            raise ValidationError(fields={"at": "A ceiling takes effect now or later, not in the past."})
        then = f"from {at:%-d %b %Y %H:%M} UTC on" if at else "from now on"
        told = [
            f"{row}: {_figure(given['amount'])} instead of {_figure(row.cents)}, {then}.",
            f"{len(members)} {'member has' if len(members) == 1 else 'members have'} this role. What they used today counts.",
        ]
        over = [one.staff for one in members if one.used > given["amount"]]
        if over and not at:
            told.append(f"Used up for today: {', '.join(over)}.")
        if row.next_at is not None:
            staged = f"{_figure(row.next_cents)} from {row.next_at:%-d %b %Y %H:%M} UTC on"
            told.append(f"Staged already: {staged}; that stays.")
        return told

    def do(self, row: Ceiling, given: Any, *, staff_id: int, reason: str) -> str:
        corrections.set_ceiling(
            role=row.role, action=row.action, cents=given["amount"], at=given["at"], staff_id=staff_id, reason=reason
        )
        return "Staged." if given["at"] else "It holds from now on."


@admin.register(Ceiling, site=site)
class CeilingAdmin(ReadOnly):
    list_display = ("what", "role", "now", "used", "since_", "staged")
    list_display_links = ("what",)
    ordering = ("action", "role")
    staff_actions = (SetCeiling,)
    sections_of_page = (
        (None, ("what", "role", "now", "since_", "why", "staged")),
        ("Used today (UTC)", ("members",)),
        ("All that ever held", ("history",)),
    )

    def narrowed_to(self, person: Person) -> dict[str, str]:
        return {}

    @display(description="For", ordering="action")
    def what(self, row: Ceiling) -> str:
        return str(row.get_action_display())

    @display(description="A day, for each member", ordering="cents")
    def now(self, row: Ceiling) -> str:
        return money(row.cents) if row.cents else "nothing"

    @display(description="Most used today")
    def used(self, row: Ceiling) -> str:
        most = next(iter(queries.ceiling_use(row)), None)
        if most is None:
            return "nobody has this role"
        return format_html("<span>{} by {}</span>", money(most.used), most.staff) if most.used else "–"

    @display(description="Since (UTC)", ordering="since")
    def since_(self, row: Ceiling) -> str:
        return when(row.since)

    @display(description="Why")
    def why(self, row: Ceiling) -> str:
        return " · ".join(filter(None, (row.reason, row.staff))) or "–"

    @display(description="Staged", ordering="next_at")
    def staged(self, row: Ceiling) -> str:
        return format_html("<span>{} from {} on</span>", _figure(row.next_cents), when(row.next_at)) if row.next_at else "–"

    @display(description="By whom")
    def members(self, row: Ceiling) -> str:
        lines = ((one.staff, money(one.used), _figure(row.cents)) for one in queries.ceiling_use(row))
        return format_html_join("", "<div>{}: {} of {}</div>", lines) or "Nobody has this role."

    @display(description="History")
    def history(self, row: Ceiling) -> str:
        rows = CeilingHistory.objects.filter(ceiling_id=row.pk).order_by("-effective_at", "-id")[:50]
        lines = (
            (when(one.effective_at), _figure(one.cents), " · ".join(filter(None, (one.reason, one.staff)))) for one in rows
        )
        return format_html_join("", "<div>{}: {} <span class=\"console-hint\">{}</span></div>", lines) or "–"
