"""People and their wallets."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html_join
from unfold.decorators import display

from console import queries
from console.admin.base import OfPerson, ReadOnly, code, link, list_url, money, person_link, plain, to, when
from console.admin.limits import SetTier
from console.admin.rewards import MarkIneligible
from console.models import Person, Wallet
from console.site import site
from users import usernames

FROZEN_LABELS = {"open": "success", "no sending": "warning", "no sending, no receiving": "danger"}


def state_of(frozen: int | None) -> str:
    return dict(Wallet.STATES).get(frozen or 0, "open")


@admin.register(Person, site=site)
class PersonAdmin(ReadOnly):
    list_display = ("who", "display_name", "balance", "state", "account", "since", "public_id")
    list_filter = ("is_active", "default_visibility", OfPerson)
    search_fields = ("username",)
    search_help_text = "@username, name, id or whole phone"
    ordering = ("-user_id",)
    staff_actions = (MarkIneligible, SetTier)
    sections_of_page = (
        (None, ("who", "name", "public_id", "phone", "account", "visibility", "since")),
        ("Money", ("wallet", "balance", "state", "banks", "stopped")),
        ("What they did", ("payments", "bank_transfers", "rewards", "journal")),
    )

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Person], search_term: str) -> tuple[Any, bool]:
        if not (term := search_term.strip()):
            return queryset, False
        if person := queries.person(term):
            return queryset.filter(pk=person.pk), False
        name = usernames.normalise(term)
        return queryset.filter(Q(username__startswith=name) | Q(display_name__icontains=term)), False

    @display(description="Person", ordering="username")
    def who(self, row: Person) -> str:
        return f"@{row.username}" if row.username else "no @username yet"

    @display(description="Name")
    def name(self, row: Person) -> str:
        return plain(row.display_name)

    @display(description="Id")
    def public_id(self, row: Person) -> str:
        return code(row.id)

    @display(description="Phone")
    def phone(self, row: Person) -> str:
        return queries.phone_hint(row) or "erased"

    @display(description="Account", label={"active": "success", "closed": "danger"})
    def account(self, row: Person) -> str:
        return "active" if row.is_active else "closed"

    @display(description="Pays by default")
    def visibility(self, row: Person) -> str:
        return row.get_default_visibility_display() if row.default_visibility else "has not chosen"

    @display(description="Since (UTC)", ordering="created_at")
    def since(self, row: Person) -> str:
        return when(row.created_at)

    @display(description="Wallet")
    def wallet(self, row: Person) -> str:
        return to("wallet", row.wallet_id)

    @display(description="Available", ordering="available")
    def balance(self, row: Person) -> str:
        return money(row.available)

    @display(description="Wallet's state", ordering="frozen", label=FROZEN_LABELS)
    def state(self, row: Person) -> str:
        return state_of(row.frozen)

    @display(description="Bank accounts")
    def banks(self, row: Person) -> str:
        return render_to_string("console/banks.html", {"accounts": queries.bank_accounts(row.user_id)})

    @display(description="Stopped at")
    def stopped(self, row: Person) -> str:
        return plain(", ".join(queries.stopped_at(row.user_id)))

    @display(description="Payments")
    def payments(self, row: Person) -> str:
        return link(list_url("payment", of=row.id), "made and received")

    @display(description="Bank transfers")
    def bank_transfers(self, row: Person) -> str:
        return link(list_url("banktransfer", of=row.id), "loads and redemptions")

    @display(description="Rewards")
    def rewards(self, row: Person) -> str:
        lists = (("reward", "week by week"), ("ineligible", "left out"), ("appeal", "appeals"))
        return format_html_join(" · ", "{}", ((link(list_url(model, of=row.id), said),) for model, said in lists))

    @display(description="Journal")
    def journal(self, row: Person) -> str:
        return link(list_url("transfer", of=row.id), "every posting of their accounts")


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
