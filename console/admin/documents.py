"""Identity documents: the queue, the look at one (each is recorded), and whether it is accepted."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html
from unfold.decorators import display

from compliance.services import documents
from console import queries
from console.admin.actions import Action, Form
from console.admin.base import OfPerson, ReadOnly, person_link, plain, to, when
from console.models import Document
from console.site import site
from core.errors import ValidationError
from core.keyring import DecryptionFailed
from core.staff import allowed

STATUS_LABELS = {"waiting": "warning", "accepted": "success", "refused": "danger"}
# What people are told most; each says what to do.
REFUSALS = [
    ("The picture is too blurred or too dark to be read. Take it again in daylight, without a flash.", "Not readable"),
    ("Not all of the document is on the picture. Take it so that all four corners are on it.", "Cut off"),
    ("The document has expired. Send one that is still valid.", "Expired"),
    ("The name on the document is not the name of this account. Send a document of your own.", "Another name"),
    ("This is not a document that we can accept. Send a passport, a driver’s license or an ID card.", "Not one of these"),
]


class _Waiting(Action):
    def offered(self, row: Document) -> bool:
        return row.status == "waiting"


class Accept(_Waiting):
    name, title = "accept", "Accept"
    hint = "You have opened it: the name on it is this person’s, and it has not expired."
    acts = "document.accept"

    def preview(self, row: Document, given: Any) -> list[str]:
        if not documents.opened_by_me(document=row.pk):
            raise ValidationError("You have not opened this document yet. Look at it on its page, then accept it.")
        return [
            f"{row}: accepted. Their tier is documents from now on, with its limits.",
            "They are told so, and the case is closed.",
        ]

    def do(self, row: Document, given: Any, *, staff_id: int, reason: str) -> str:
        documents.accept(document=row.pk, staff_id=staff_id, reason=reason)
        return "Accepted. Their limits are those of the tier documents."


class Refuse(_Waiting):
    name, title = "refuse", "Do not accept"
    hint = "The person reads what you choose, or write. Your reason below stays with us."
    acts = "document.refuse"

    class form(Form):
        words = forms.ChoiceField(label="What is wrong with it", choices=[("", "In words of my own"), *REFUSALS], required=False)
        own = forms.CharField(
            label="In words of my own", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3})
        )

    def preview(self, row: Document, given: Any) -> list[str]:
        if not said(given):
            raise ValidationError(fields={"words": "Choose what is wrong with it, or write it in words of your own."})
        return [f"{row}: not accepted. The limits stay as they are.", f"They are told: “{said(given)}”", "The case is closed."]

    def do(self, row: Document, given: Any, *, staff_id: int, reason: str) -> str:
        documents.refuse(document=row.pk, words=said(given), staff_id=staff_id, reason=reason)
        return "Not accepted. They have been told why."


def said(given: Any) -> str:
    return " ".join(str(given["own"] or given["words"]).split())


@admin.register(Document, site=site)
class DocumentAdmin(ReadOnly):
    list_display = ("what", "person", "name_here", "tier_", "status_", "sent")
    list_display_links = ("what",)
    list_filter = ("status", "kind", OfPerson)
    search_fields = ("id",)
    search_help_text = "its id, doc_…"
    ordering = ("number",)
    staff_actions = (Accept, Refuse)
    sections_of_page = (
        (None, ("what", "person", "name_here", "legal_name", "tier_", "status_", "look")),
        ("The file", ("sent", "media_type", "pages", "kilobytes")),
        ("Decided", ("decided", "told", "case")),
    )

    def get_urls(self) -> list[Any]:
        here = path("<str:key>/file/", self.admin_site.admin_view(self.file), name="console_document_file")
        return [here, *super().get_urls()]

    def file(self, request: HttpRequest, key: str) -> HttpResponse:
        """What it holds, to this member of staff alone; the database writes down that they looked."""
        if request.method != "GET":  # anything else shows nothing, and would count as a look
            raise Http404
        if "document.look" not in allowed():
            raise PermissionDenied
        with connection.cursor() as cursor:
            cursor.execute("select user_id, media_type, content_key from console_open_document(%s)", [key])
            found = cursor.fetchone()
        if found is None:
            raise Http404
        user_id, media_type, content_key = found
        try:
            data = documents.opened(user_id=user_id, document=key, content_key=content_key)
        except DecryptionFailed as error:  # its person was erased
            raise Http404 from error
        response = HttpResponse(data, content_type=media_type)
        # A picture is shown, whatever is in it does nothing; a PDF is for the member of staff's own viewer.
        way, end = ("inline", "jpg") if media_type == "image/jpeg" else ("attachment", "pdf")
        response["Content-Disposition"] = f'{way}; filename="{key}.{end}"'
        response["Content-Security-Policy"] = "default-src 'none'; img-src 'self'; sandbox"
        response["X-Content-Type-Options"] = "nosniff"
        response["Cache-Control"] = "no-store"
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        response["Referrer-Policy"] = "no-referrer"
        return response

    def narrowed_to(self, person: Any) -> dict[str, str]:
        return {"of": person.id}

    @display(description="What it is", ordering="kind")
    def what(self, row: Document) -> str:
        return str(row.get_kind_display())

    @display(description="Person", ordering="username")
    def person(self, row: Document) -> str:
        return person_link(row.person_id, row.username)

    @display(description="Name on PaYa", ordering="display_name")
    def name_here(self, row: Document) -> str:
        return plain(row.display_name)

    @display(description="Legal name that they typed")
    def legal_name(self, row: Document) -> str:
        question = "select check_id, legal_name from console_legal_name(%s)"
        return ", ".join(queries.legal_names(question, row.pk, row.user_id)) or "–"

    @display(description="Tier", ordering="tier")
    def tier_(self, row: Document) -> str:
        return str(row.get_tier_display())

    @display(description="State", ordering="status", label=STATUS_LABELS)
    def status_(self, row: Document) -> str:
        return row.status

    @display(description="Look at it")
    def look(self, row: Document) -> str:
        if row.removed_at:
            return format_html("removed {}", when(row.removed_at))
        url = reverse("admin:console_document_file", args=[row.pk])
        words = "Open the document" if row.media_type == "image/jpeg" else "Download the PDF"
        anchor = '<a class="console-link" href="{}" target="_blank" rel="noopener">{}</a> (it is recorded that you did)'
        return format_html(anchor, url, words)

    @display(description="Sent (UTC)", ordering="created_at")
    def sent(self, row: Document) -> str:
        return when(row.created_at)

    @display(description="Size")
    def kilobytes(self, row: Document) -> str:
        return f"{-(-row.size // 1024)} kB"

    @display(description="Decided (UTC)")
    def decided(self, row: Document) -> str:
        return format_html("{} {}", when(row.decided_at), row.staff or "") if row.decided_at else "–"

    @display(description="They were told")
    def told(self, row: Document) -> str:
        return plain(row.words)

    @display(description="Case")
    def case(self, row: Document) -> str:
        return to("case", row.case_id, "its case")
