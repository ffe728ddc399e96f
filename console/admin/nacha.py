"""Direct NACHA files: what we sent, what the bank sent, and what of it nobody could act upon."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html_join
from unfold.decorators import display

from banking.nacha.model import Direction
from banking.nacha.windows import reversal_deadline
from banking.services.nacha import orders
from banking.services.nacha.report import Cost
from console import nacha
from console.admin.actions import Action, Form
from console.admin.base import OfPerson, ReadOnly, code, link, list_url, money, plain, to, when
from console.models import NachaBatch, NachaChange, NachaEntry, NachaFile, NachaIncoming, NachaLine, NachaReceiver
from console.site import site
from core.errors import NotFound, ValidationError
from core.money import format_usd

FILE_LABELS = {"written": "warning", "sent": "info", "acknowledged": "success", "rejected": "danger"}
ENTRY_LABELS = {
    "queued": "info", "filed": "info", "acknowledged": "info", "settled": "success", "returned": "danger", "refused": "danger",
    "cancelled": "warning",
}  # fmt: skip


class Whole:
    """A page with a file that is opened with a reason: account numbers are in it."""

    change_form_outer_after_template = "console/nacha_open.html"

    def get_urls(self) -> list[Any]:
        name = f"console_{self.opts.model_name}_open"  # type: ignore[attr-defined]
        opened = path("<str:key>/open/", self.admin_site.admin_view(self.open), name=name)  # type: ignore[attr-defined]
        return [opened, *super().get_urls()]  # type: ignore[misc]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> HttpResponse:
        context["open_url"] = reverse(f"admin:console_{self.opts.model_name}_open", args=[context["original"].pk])  # type: ignore[attr-defined]
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc]

    def open(self, request: HttpRequest, key: str) -> HttpResponse:
        """The file, for somebody who said why. Written down each time."""
        if request.method != "POST":
            raise PermissionDenied
        reason = request.POST.get("reason", "")
        try:
            opened = nacha.open_file(file=key, staff_id=int(request.user.pk or 0), reason=reason)
        except NotFound as missing:
            raise Http404 from missing
        except ValidationError as refusal:
            request.method = "GET"  # the page itself is only looked at
            shown = {"reason": reason, "reason_error": refusal.fields["reason"]}
            return self.changeform_view(request, key, "", shown)  # type: ignore[attr-defined]
        answer = HttpResponse(opened.content, content_type="application/octet-stream")
        answer.headers["Content-Disposition"] = f'attachment; filename="{_safe(opened.name)}"'
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _safe(name: str) -> str:
    """A name that a bank chose, as part of a header."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in name)[:100]


class Nobodys(ReadOnly):
    """A list that is about nobody in particular."""

    def narrowed_to(self, person: Any) -> dict[str, str]:
        return {}


# ------------------------------------------------------------------------------------------------ what we sent
class Again(Action):
    name, title = "again", "Send its transfers again"
    acts = "nacha.after_rejection"
    reauthenticate = True
    hint = "After the bank has said why, and that has been mended: see the runbook for a rejected file."

    def offered(self, row: Any) -> bool:
        return row.status == "rejected" and _left(row) > 0

    def preview(self, row: Any, given: Mapping[str, Any]) -> Sequence[str]:
        return [f"{_left(row)} transfers of {row.name} go into the next file, under new trace numbers."]

    def do(self, row: Any, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        moved = nacha.after_rejection(file=row.pk, again=True, staff_id=staff_id, reason=reason)
        return f"{moved} transfers wait for the next file."


class GiveUp(Again):
    name, title = "give-up", "Give its transfers up"

    def preview(self, row: Any, given: Mapping[str, Any]) -> Sequence[str]:
        return [f"{_left(row)} transfers of {row.name} fail. What was to be paid out is in the wallets again."]

    def do(self, row: Any, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        moved = nacha.after_rejection(file=row.pk, again=False, staff_id=staff_id, reason=reason)
        return f"{moved} transfers have failed."


def _left(row: NachaFile) -> int:
    return NachaEntry.objects.filter(file=row.pk, status="filed").count()


@admin.register(NachaFile, site=site)
class NachaFileAdmin(Whole, Nobodys):
    staff_actions = (Again, GiveUp)
    list_before_template = "console/nacha_cost.html"
    list_display = ("name", "state", "entries", "debits_", "credits_", "cut_off", "sent", "each")
    list_filter = ("status",)
    search_fields = ("name",)
    search_help_text = "name, id or SHA-256"
    ordering = ("-number",)
    sections_of_page = (
        (None, ("name", "state", "rejected_because", "entries", "same_day", "debits_", "credits_", "parts")),
        ("On its way", ("written", "cut_off", "sent", "answered")),
        ("Cost", ("cost_", "alone", "each")),
        ("More", ("public_id", "sha256", "size", "rows")),
    )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"cost": nacha.cost(), "days": nacha.DAYS, **(extra_context or {})})

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[NachaFile], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        return (queryset.filter(Q(name=term) | Q(pk=term) | Q(sha256=term)) if term else queryset), False

    @display(description="Status", ordering="status", label=FILE_LABELS)
    def state(self, row: NachaFile) -> str:
        return row.status

    @display(description="Rejected because")
    def rejected_because(self, row: NachaFile) -> str:
        return plain(row.reason)

    @display(description="Taken from banks", ordering="debits")
    def debits_(self, row: NachaFile) -> str:
        return money(row.debits)

    @display(description="Paid to banks", ordering="credits")
    def credits_(self, row: NachaFile) -> str:
        return money(row.credits)

    @display(description="Cut-off (UTC)", ordering="sent_by")
    def cut_off(self, row: NachaFile) -> str:
        return when(row.sent_by)

    @display(description="Written (UTC)")
    def written(self, row: NachaFile) -> str:
        return when(row.written_at)

    @display(description="Sent (UTC)", ordering="sent_at")
    def sent(self, row: NachaFile) -> str:
        return when(row.sent_at)

    @display(description="Answered (UTC)")
    def answered(self, row: NachaFile) -> str:
        return when(row.answered_at) if row.answered_at or not row.missed_at else "not yet, and late"

    @display(description="Our bank's fees")
    def cost_(self, row: NachaFile) -> str:
        return money(row.cost)

    @display(description="In files of their own")
    def alone(self, row: NachaFile) -> str:
        return money(row.unbatched_cost)

    @display(description="Cents per transfer")
    def each(self, row: NachaFile) -> str:
        of = Cost(row.entries, 1, row.cost, row.unbatched_cost)
        return f"{of.each} (alone {of.each_unbatched})"

    @display(description="Batches")
    def parts(self, row: NachaFile) -> str:
        rows = NachaBatch.objects.filter(file=row.pk).order_by("number")
        return format_html_join("", "<div>{}</div>", ((to("nachabatch", each.pk, each),) for each in rows)) or "–"

    @display(description="Transfers in it")
    def rows(self, row: NachaFile) -> str:
        return link(list_url("nachaentry", q=row.pk), "its entries")

    @display(description="Id")
    def public_id(self, row: NachaFile) -> str:
        return code(row.pk)


@admin.register(NachaBatch, site=site)
class NachaBatchAdmin(Nobodys):
    list_display = (
        "of_file", "number", "sec", "direction", "description", "effective", "same_day", "settles", "entries", "amount_",
    )  # fmt: skip
    list_display_links = ("number",)
    list_filter = ("direction", "same_day")
    search_fields = ("file_name",)
    search_help_text = "name or id of a file"
    ordering = ("-id",)
    sections_of_page = (
        (None, ("of_file", "number", "sec", "direction", "description", "entries", "amount_")),
        ("When", ("effective", "same_day", "settles")),
    )

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[NachaBatch], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        return (queryset.filter(Q(file_name=term) | Q(file=term)) if term else queryset), False

    @display(description="File")
    def of_file(self, row: NachaBatch) -> str:
        return to("nachafile", row.file, row.file_name)

    @display(description="Effective", ordering="effective_on")
    def effective(self, row: NachaBatch) -> str:
        return when(row.effective_on)

    @display(description="Settles, the bank says", ordering="settles_on")
    def settles(self, row: NachaBatch) -> str:
        return when(row.settles_on)

    @display(description="Amount", ordering="amount")
    def amount_(self, row: NachaBatch) -> str:
        return money(row.amount)


class Reverse(Action):
    name, title = "reverse", "Reverse it"
    acts = "nacha.reverse"
    reauthenticate = True
    hint = "For a mistake of ours: a wrong amount, a wrong account, the same twice. Nacha allows it for nothing else."

    def offered(self, row: Any) -> bool:
        return bool(row.reversible and row.settles_on and orders.in_time(row.settles_on))

    def preview(self, row: Any, given: Mapping[str, Any]) -> Sequence[str]:
        amount = format_usd(row.amount)
        if row.direction == "debit":
            moves = f"{amount} go back to the bank account, in the next file."
            then = "Once that has arrived the load counts as returned: out of the wallet as far as it reaches, the rest is owed."
        else:
            moves = f"{amount} are taken from the bank account again, in the next file."
            then = "Once that has arrived the redemption counts as returned: its tokens are in the wallet again."
        last = reversal_deadline(row.settles_on)
        return [moves, f"It has to be with the bank by {last:%d %b %Y}, and can come back itself.", then]

    def do(self, row: Any, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        orders.ask_reversal(entry=row.pk, staff_id=staff_id, reason=reason)
        return "Its reversal goes out with the next file."


class Prenote(Action):
    name, title = "prenote", "Send a prenote"
    acts = "nacha.prenote"
    hint = "Asks the bank whether the account is there. No money moves; what is wrong comes back within some banking days."

    class form(Form):
        direction = forms.ChoiceField(label="As", choices=[("debit", "a load (debit)"), ("credit", "a redemption (credit)")])

    def offered(self, row: Any) -> bool:
        return row.removed_at is None and row.prenote != "asked for"

    def preview(self, row: Any, given: Mapping[str, Any]) -> Sequence[str]:
        return [f"A {given['direction']} of $0.00 to {row} goes out with the next file.",
                "A return, or what the bank wants corrected, is then seen with its entry."]  # fmt: skip

    def do(self, row: Any, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        orders.ask_prenote(receiver=row.pk, direction=Direction(given["direction"]), staff_id=staff_id, reason=reason)
        return "The prenote goes out with the next file."


@admin.register(NachaReceiver, site=site)
class NachaReceiverAdmin(ReadOnly):
    staff_actions = (Prenote,)
    list_display = ("public_id", "routing", "kind", "since", "removed", "prenote_")
    list_display_links = ("public_id",)
    list_filter = ("kind", ("removed_at", admin.EmptyFieldListFilter), OfPerson)
    search_fields = ("id",)
    search_help_text = "id"
    ordering = ("-number",)
    sections_of_page = ((None, ("public_id", "routing", "kind", "since", "removed", "prenote_", "entries")),)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[NachaReceiver], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        return (queryset.filter(pk=term) if term else queryset), False

    @display(description="Account", ordering="number")
    def public_id(self, row: NachaReceiver) -> str:
        return code(row.pk)

    @display(description="Since (UTC)", ordering="number")
    def since(self, row: NachaReceiver) -> str:
        return when(row.created_at)

    @display(description="Removed (UTC)", ordering="removed_at")
    def removed(self, row: NachaReceiver) -> str:
        return when(row.removed_at)

    @display(description="Last prenote")
    def prenote_(self, row: NachaReceiver) -> str:
        return _entry_or_words(row.prenote)

    @display(description="Entries")
    def entries(self, row: NachaReceiver) -> str:
        return link(list_url("nachaentry", q=row.pk), "to and from it")


def _entry_or_words(text: str | None) -> str:
    return to("nachaentry", text) if text and text.startswith("ach_") else plain(text or "")


@admin.register(NachaEntry, site=site)
class NachaEntryAdmin(ReadOnly):
    staff_actions = (Reverse,)
    list_display = ("public_id", "state", "purpose", "direction", "amount_", "promised", "trace_", "returned_with", "of_transfer")
    list_display_links = ("public_id",)
    list_filter = ("status", "direction", "purpose", OfPerson)
    search_fields = ("id",)
    search_help_text = "id, trace, or id of its file, transfer or account"
    ordering = ("-number",)
    sections_of_page = (
        (None, ("of_transfer", "state", "purpose", "direction", "amount_", "sec", "of_account", "routing", "kind", "public_id")),
        ("On its way", ("handed_over", "promised", "of_file", "trace_", "settles", "proven_by", "settled")),
        ("Came back", ("returned_with", "returned", "untimely")),
        ("Reversal", ("reverses", "reversed_by")),
    )

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[NachaEntry], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        wanted = Q(pk=term) | Q(trace=term) | Q(file=term) | Q(transfer=term) | Q(receiver=term)
        return (queryset.filter(wanted) if term else queryset), False

    @display(description="Entry", ordering="number")
    def public_id(self, row: NachaEntry) -> str:
        return code(row.pk)

    @display(description="Status", ordering="status", label=ENTRY_LABELS)
    def state(self, row: NachaEntry) -> str:
        return row.status

    @display(description="Amount", ordering="amount")
    def amount_(self, row: NachaEntry) -> str:
        return money(row.amount)

    @display(description="Promised", ordering="promised_on")
    def promised(self, row: NachaEntry) -> str:
        return when(row.promised_on)

    @display(description="Trace")
    def trace_(self, row: NachaEntry) -> str:
        return code(row.trace)

    @display(description="Return code", ordering="return_code")
    def returned_with(self, row: NachaEntry) -> str:
        return plain(row.return_code)

    @display(description="Transfer")
    def of_transfer(self, row: NachaEntry) -> str:
        return to("banktransfer", row.transfer)

    @display(description="File")
    def of_file(self, row: NachaEntry) -> str:
        return to("nachafile", row.file)

    @display(description="Account")
    def of_account(self, row: NachaEntry) -> str:
        return to("nachareceiver", row.receiver)

    @display(description="Settles")
    def settles(self, row: NachaEntry) -> str:
        return when(row.settles_on)

    @display(description="Follows")
    def reverses(self, row: NachaEntry) -> str:
        return to("nachaentry", row.original)

    @display(description="Taken back by")
    def reversed_by(self, row: NachaEntry) -> str:
        return _entry_or_words(row.reversal)

    @display(description="Handed over (UTC)")
    def handed_over(self, row: NachaEntry) -> str:
        return when(row.created_at)

    @display(description="Proven by the statement of")
    def proven_by(self, row: NachaEntry) -> str:
        return when(row.arrives_on)

    @display(description="Settled (UTC)")
    def settled(self, row: NachaEntry) -> str:
        return when(row.settled_at)

    @display(description="Returned (UTC)")
    def returned(self, row: NachaEntry) -> str:
        return when(row.returned_at)


# ------------------------------------------------------------------------------------------------ what the bank sent
@admin.register(NachaIncoming, site=site)
class NachaIncomingAdmin(Whole, Nobodys):
    list_display = ("received", "name", "kind", "read", "understood", "quarantined", "size")
    list_display_links = ("received", "name")
    list_filter = ("kind", ("processed_at", admin.EmptyFieldListFilter))
    search_fields = ("name",)
    search_help_text = "name, id or SHA-256"
    ordering = ("-number",)
    sections_of_page = (
        (None, ("name", "kind", "received", "read", "understood", "quarantined", "lines")),
        ("More", ("sha256", "size")),
    )

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[NachaIncoming], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        return (queryset.filter(Q(name=term) | Q(pk=term) | Q(sha256=term)) if term else queryset), False

    @display(description="Received (UTC)", ordering="number")
    def received(self, row: NachaIncoming) -> str:
        return when(row.received_at)

    @display(description="Read (UTC)", ordering="processed_at")
    def read(self, row: NachaIncoming) -> str:
        return when(row.processed_at)

    @display(description="Quarantined lines")
    def lines(self, row: NachaIncoming) -> str:
        return link(list_url("nachaline", q=row.pk), "which nobody acted upon") if row.quarantined else "none"


class Resolve(Action):
    name, title = "resolve", "Resolve"
    acts = "nacha.resolve"
    hint = "Once it has been dealt with. Say how."

    def offered(self, row: Any) -> bool:
        return row.resolved_at is None

    def preview(self, row: Any, given: Mapping[str, Any]) -> Sequence[str]:
        return [f"{row} no longer waits for anybody. Nothing else changes."]

    def do(self, row: Any, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        nacha.resolve(line=row.pk, staff_id=staff_id, reason=reason)
        return "Resolved."


@admin.register(NachaLine, site=site)
class NachaLineAdmin(Nobodys):
    staff_actions = (Resolve,)
    list_display = ("when_", "of_file", "line", "reason", "resolved")
    list_display_links = ("when_", "line")
    list_filter = (("resolved_at", admin.EmptyFieldListFilter),)
    search_fields = ("file_name",)
    search_help_text = "name or id of the bank's file"
    ordering = ("-id",)
    sections_of_page = ((None, ("of_file", "line", "position", "reason", "when_", "resolved")),)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[NachaLine], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        return (queryset.filter(Q(file_name=term) | Q(incoming=term)) if term else queryset), False

    @display(description="When (UTC)", ordering="id")
    def when_(self, row: NachaLine) -> str:
        return when(row.at)

    @display(description="File")
    def of_file(self, row: NachaLine) -> str:
        return to("nachaincoming", row.incoming, row.file_name)

    @display(description="Resolved (UTC)", ordering="resolved_at")
    def resolved(self, row: NachaLine) -> str:
        return when(row.resolved_at)


@admin.register(NachaChange, site=site)
class NachaChangeAdmin(ReadOnly):
    list_display = ("when_", "code_", "corrected", "due", "of_entry", "of_file")
    list_display_links = ("when_",)
    list_filter = ("code", OfPerson)
    search_fields = ("code",)
    search_help_text = "code or entry"
    ordering = ("-id",)
    sections_of_page = ((None, ("when_", "code_", "corrected", "due", "of_entry", "of_file")),)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[NachaChange], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        return (queryset.filter(Q(code=term) | Q(entry=term)) if term else queryset), False

    @display(description="When (UTC)", ordering="id")
    def when_(self, row: NachaChange) -> str:
        return when(row.created_at)

    @display(description="Code", ordering="code")
    def code_(self, row: NachaChange) -> str:
        return code(row.code)

    @display(description="Corrected")
    def corrected(self, row: NachaChange) -> str:
        return row.fields or "nothing of the account"

    @display(description="Had to be applied by", ordering="due_on")
    def due(self, row: NachaChange) -> str:
        return when(row.due_on)

    @display(description="Entry")
    def of_entry(self, row: NachaChange) -> str:
        return to("nachaentry", row.entry)

    @display(description="File")
    def of_file(self, row: NachaChange) -> str:
        return to("nachaincoming", row.incoming, "the bank's file")
