"""Which rail serves what, and what came back."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from banking import rails
from banking.models import BankTransfer as Transfers
from banking.nacha.codes import RETURNS
from banking.services import returns, routing
from console import queries
from console.admin.actions import Action, Form, Moving
from console.admin.base import OfPerson, ReadOnly, link, money, page_url, person_link, plain, when
from console.models import RailChoice, Return
from console.site import site
from core.money import format_usd
from ledger.queries import trial_balance


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
            *([Moving(covered)] if given["kind"] == Transfers.Kind.REDEMPTION else []),
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
