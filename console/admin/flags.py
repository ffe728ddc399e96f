"""Flags, and the rules by which they are raised."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.decorators import display

from compliance.services import flags
from console import queries
from console.admin.actions import Action, Form
from console.admin.base import OfPerson, ReadOnly, person_link, to, when
from console.admin.queue import Keyed, lines_of
from console.models import Flag, FlagRule, Person
from console.site import site
from core.errors import ValidationError
from core.money import format_usd


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
