"""People and their wallets."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from unfold.decorators import display

from console import person, queries
from console.admin.actions import may
from console.admin.base import OfPerson, ReadOnly, code, link, list_url, money, person_link, plain, when
from console.admin.corrections import AdjustPerson
from console.admin.freezes import AskReview, FreezePerson, LiftFreeze, StartWithdrawal, WriteNote
from console.admin.limits import SetTier
from console.admin.rewards import MarkIneligible
from console.models import Person, Wallet
from console.site import site
from core.errors import ValidationError
from core.staff import viewed
from users import usernames

FROZEN_LABELS = {"open": "success", "no sending": "warning", "no sending, no receiving": "danger"}


def state_of(frozen: int | None) -> str:
    return dict(Wallet.STATES).get(frozen or 0, "open")


@admin.register(Person, site=site)
class PersonAdmin(ReadOnly):
    """People, and each on one page that has all that support needs (console/person.py, templates/console/person.html)."""

    names_people = True

    list_display = ("who", "display_name", "balance", "state", "account", "since", "public_id")
    list_filter = ("is_active", "frozen", "default_visibility", OfPerson)
    search_fields = ("username",)
    search_help_text = "@username, name, id, payment, last four digits of a bank account, or whole phone"
    ordering = ("-user_id",)
    staff_actions = (FreezePerson, AskReview, WriteNote, StartWithdrawal, AdjustPerson, MarkIneligible, SetTier)
    change_form_template = "console/person.html"

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Person], search_term: str) -> tuple[Any, bool]:
        if not (term := search_term.strip()):
            return queryset, False
        if (people := queries.people_of(term)) is not None:
            return queryset.filter(user_id__in=people), False
        name = usernames.normalise(term)
        return queryset.filter(Q(username__startswith=name) | Q(display_name__icontains=term)), False

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> HttpResponse:
        row: Person = context["original"]
        viewed("person", row.pk)
        try:
            context |= person.page(row, cursor=request.GET.get("cursor", ""))
            context["may_lift"] = may(request, LiftFreeze.acts)
        except ValidationError as error:
            raise Http404 from error
        context["state"] = state_of(row.frozen)
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description="Person", ordering="username")
    def who(self, row: Person) -> str:
        return f"@{row.username}" if row.username else "no @username yet"

    @display(description="Id")
    def public_id(self, row: Person) -> str:
        return code(row.id)

    @display(description="Account", label={"active": "success", "closed": "danger"})
    def account(self, row: Person) -> str:
        return "active" if row.is_active else "closed"

    @display(description="Since (UTC)", ordering="created_at")
    def since(self, row: Person) -> str:
        return when(row.created_at)

    @display(description="Available", ordering="available")
    def balance(self, row: Person) -> str:
        return money(row.available)

    @display(description="Wallet's state", ordering="frozen", label=FROZEN_LABELS)
    def state(self, row: Person) -> str:
        return state_of(row.frozen)


@admin.register(Wallet, site=site)
class WalletAdmin(ReadOnly):
    list_display = ("who", "available_", "held_", "owed_", "coming", "leaving", "state", "since")
    list_filter = ("frozen", OfPerson)
    search_fields = ("username",)
    search_help_text = "@username, id or whole phone"
    ordering = ("-user_id",)
    sections_of_page = (
        (None, ("person", "public_id", "since")),
        ("Balances in the ledger", ("available_", "held_", "owed_")),
        ("On its way", ("coming", "leaving")),
        ("State", ("state", "reason")),
        ("More", ("journal", "bank_transfers", "accounts")),
    )

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Wallet], search_term: str) -> tuple[Any, bool]:
        if not (term := search_term.strip()):
            return queryset, False
        if person := queries.person(term):
            return queryset.filter(user_id=person.user_id), False
        return queryset.filter(username__startswith=usernames.normalise(term)), False

    @display(description="Wallet of", ordering="username")
    def who(self, row: Wallet) -> str:
        return f"@{row.username}" if row.username else row.id

    @display(description="Person")
    def person(self, row: Wallet) -> str:
        return person_link(row.person_id, row.username)

    @display(description="Id")
    def public_id(self, row: Wallet) -> str:
        return code(row.id)

    @display(description="Available", ordering="available")
    def available_(self, row: Wallet) -> str:
        return money(row.available)

    @display(description="Held", ordering="held")
    def held_(self, row: Wallet) -> str:
        return money(row.held)

    @display(description="Owed to PaYa", ordering="owed")
    def owed_(self, row: Wallet) -> str:
        return money(row.owed)

    @display(description="Coming in", ordering="pending_in")
    def coming(self, row: Wallet) -> str:
        return money(row.pending_in)

    @display(description="Going out", ordering="pending_out")
    def leaving(self, row: Wallet) -> str:
        return money(row.pending_out)

    @display(description="State", ordering="frozen", label=FROZEN_LABELS)
    def state(self, row: Wallet) -> str:
        return state_of(row.frozen)

    @display(description="Reason told to the person")
    def reason(self, row: Wallet) -> str:
        return plain(row.frozen_reason)

    @display(description="Since (UTC)", ordering="created_at")
    def since(self, row: Wallet) -> str:
        return when(row.created_at)

    @display(description="Journal")
    def journal(self, row: Wallet) -> str:
        return link(list_url("transfer", of=row.person_id), "every posting of these accounts")

    @display(description="Bank transfers")
    def bank_transfers(self, row: Wallet) -> str:
        return link(list_url("banktransfer", of=row.person_id), "loads and redemptions")

    @display(description="Ledger accounts")
    def accounts(self, row: Wallet) -> str:
        return code(f"{row.account} wallet · {row.hold_account} hold · {row.receivable_account} receivable")
