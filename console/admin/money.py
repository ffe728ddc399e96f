"""The journal and payments."""

import uuid
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from console import queries, services
from console.admin.actions import may
from console.admin.base import OfPerson, ReadOnly, code, link, list_url, money, person_link, plain, short, to, wallet_of, when
from console.admin.held import Deny, Release
from console.models import BankTransfer, Payment, Person, StaffLook, Transfer
from console.site import site
from core.errors import ValidationError


def side(name: str | None, wallet: str | None, row: int) -> str:
    """An account of the journal, as a link to the wallet or to the system account's postings."""
    if wallet:
        return to("wallet", wallet, name)
    return link(list_url("transfer", account=name), name) if name else code(row)


class OfAccounts(OfPerson):
    """The journal of a person: all postings of their three accounts."""

    def rows_of(self, person: Person, rows: QuerySet[Any]) -> QuerySet[Any]:
        wallet = wallet_of(person.user_id)
        return on(queries.accounts_of(wallet), rows) if wallet else rows.none()


class OfSystemAccount(OfPerson):
    """`?account=capital`: the postings of a system account."""

    title = "account"
    parameter_name = "account"

    def words(self) -> str:
        return self.value.replace("_", " ")

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return on(queries.system_account_rows(self.value), queryset)


def on(accounts: list[int], rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(Q(debit_account__in=accounts) | Q(credit_account__in=accounts))


@admin.register(Transfer, site=site)
class TransferAdmin(ReadOnly):
    names_people = True
    list_display = ("when_", "what", "from_", "to_", "amount_", "belongs_to", "reference_")
    list_filter = (OfAccounts, OfSystemAccount)
    list_display_links = ("when_", "reference_")
    search_fields = ("id",)
    search_help_text = "reference, @username, id or whole phone"
    ordering = ("-posted_at",)
    sections_of_page = (
        (None, ("what", "amount_", "when_", "reference")),
        ("Debit", ("from_", "debit_after", "debit_version")),
        ("Credit", ("to_", "credit_after", "credit_version")),
        ("Belongs to", ("belongs_to", "group", "reversal_of", "reversed_by")),
    )

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Transfer], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = queries.find(term)
        if isinstance(found, Payment):
            return queryset.filter(Q(pk=found.transfer) | Q(reverses=found.transfer)), False
        if isinstance(found, BankTransfer):
            return queryset.filter(group_id=found.rail_key), False
        person = queries.person(term)
        if person and (wallet := wallet_of(person.user_id)):
            return on(queries.accounts_of(wallet), queryset), False
        try:
            reference = uuid.UUID(term)
        except ValueError:
            return queryset.none(), False
        return queryset.filter(Q(pk=reference) | Q(group_id=reference)), False

    @display(description="Posted (UTC)", ordering="posted_at")
    def when_(self, row: Transfer) -> str:
        return when(row.posted_at)

    @display(description="Kind")
    def what(self, row: Transfer) -> str:
        return row.kind.replace("_", " ")

    @display(description="From (debit)")
    def from_(self, row: Transfer) -> str:
        return side(row.debit_name, row.debit_wallet, row.debit_account)

    @display(description="To (credit)")
    def to_(self, row: Transfer) -> str:
        return side(row.credit_name, row.credit_wallet, row.credit_account)

    @display(description="Amount")
    def amount_(self, row: Transfer) -> str:
        return money(row.amount, private=row.is_private)

    @display(description="Balance after")
    def debit_after(self, row: Transfer) -> str:
        return money(row.debit_balance, private=row.is_private)

    @display(description="Balance after")
    def credit_after(self, row: Transfer) -> str:
        return money(row.credit_balance, private=row.is_private)

    @display(description="Belongs to")
    def belongs_to(self, row: Transfer) -> str:
        return to("payment", row.payment, "payment") if row.payment else to("banktransfer", row.bank_transfer, "bank transfer")

    @display(description="Reference")
    def reference(self, row: Transfer) -> str:
        return code(row.id)

    @display(description="Reference")
    def reference_(self, row: Transfer) -> str:
        return short(row.id)

    @display(description="Posted together with")
    def group(self, row: Transfer) -> str:
        return link(list_url("transfer", q=str(row.group_id)), row.group_id) if row.group_id else "–"

    @display(description="Reverses")
    def reversal_of(self, row: Transfer) -> str:
        return to("transfer", row.reverses)

    @display(description="Reversed by")
    def reversed_by(self, row: Transfer) -> str:
        return to("transfer", Transfer.objects.filter(reverses=row.pk).values_list("pk", flat=True).first())


class OfParty(OfPerson):
    def rows_of(self, person: Person, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(Q(payer_id=person.user_id) | Q(payee_id=person.user_id))


@admin.register(Payment, site=site)
class PaymentAdmin(ReadOnly):
    list_display = ("when_", "from_", "to_", "amount_", "note_", "visibility_", "state", "public_id")
    list_display_links = ("when_", "public_id")
    list_filter = ("visibility", "status", OfParty)
    search_fields = ("id",)
    search_help_text = "@username, id or whole phone"
    ordering = ("-number",)
    staff_actions = (Release, Deny)
    change_form_outer_after_template = "console/look.html"
    sections_of_page = (
        (None, ("from_", "to_", "amount_", "note_", "visibility_", "state", "when_", "public_id")),
        ("More", ("journal_row", "looks")),
    )

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Payment], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = queries.find(term)
        if isinstance(found, Transfer):
            return queryset.filter(transfer=found.reverses or found.pk), False
        if person := queries.person(term):
            return queryset.filter(Q(payer_id=person.user_id) | Q(payee_id=person.user_id)), False
        return queryset.filter(pk=term), False

    def get_urls(self) -> list[Any]:
        look = path("<str:key>/look/", self.admin_site.admin_view(self.look), name="console_payment_look")
        return [look, *super().get_urls()]

    def look(self, request: HttpRequest, key: str) -> HttpResponse:
        """The page of a private payment with all that is in it, for somebody who said why. Written down each time."""
        if request.method != "POST" or not may(request, "payment.look"):
            raise PermissionDenied
        if not Payment.objects.filter(pk=key).exists():
            raise Http404
        reason = request.POST.get("reason", "")
        shown: dict[str, Any] = {"reason": reason}
        try:
            seen = services.look_at_payment(staff_id=int(request.user.pk or 0), payment=key, reason=reason)
            request.seen = seen  # type: ignore[attr-defined]
        except ValidationError as refusal:
            shown["reason_error"] = refusal.fields["reason"]
        request.method = "GET"  # the page itself is the one that is only looked at
        return self.changeform_view(request, key, "", shown)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Payment | None:
        """With what was seen just now filled in."""
        payment = super().get_object(request, object_id, from_field)
        seen: services.Seen | None = getattr(request, "seen", None)
        if payment is not None and seen is not None:
            payment.amount, payment.note = seen.amount, seen.note
        return payment

    @display(description="When (UTC)", ordering="number")
    def when_(self, row: Payment) -> str:
        return when(row.created_at)

    @display(description="From")
    def from_(self, row: Payment) -> str:
        return person_link(row.payer, row.payer_name)

    @display(description="To")
    def to_(self, row: Payment) -> str:
        return person_link(row.payee, row.payee_name)

    @display(description="Amount")
    def amount_(self, row: Payment) -> str:
        return money(row.amount, private=True)

    @display(description="Note")
    def note_(self, row: Payment) -> str:
        return format_html('<span class="console-private">private</span>') if row.note is None else plain(row.note)

    @display(description="Visibility", ordering="visibility", label={"public": "info", "private": "warning"})
    def visibility_(self, row: Payment) -> str:
        return row.visibility

    @display(
        description="Status", ordering="status",
        label={"completed": "success", "held": "warning", "in review": "warning", "denied": "danger"},
    )  # fmt: skip
    def state(self, row: Payment) -> str:
        return row.status.replace("_", " ")

    @display(description="Id")
    def public_id(self, row: Payment) -> str:
        return code(row.id)

    @display(description="In the journal")
    def journal_row(self, row: Payment) -> str:
        return to("transfer", row.transfer)

    @display(description="Looked at by staff")
    def looks(self, row: Payment) -> str:
        looks = StaffLook.objects.filter(payment=row.pk).order_by("-at")[:20]
        return format_html_join("", "<div>{} · {} · “{}”</div>", ((when(v.at), v.staff, v.reason) for v in looks)) or "never"
