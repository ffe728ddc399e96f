"""What all pages share: nothing can be edited, search never puts a phone into an address, values become links."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from unfold.admin import ModelAdmin

from console import queries
from console.admin.actions import Acting
from console.models import Person, Wallet
from core.money import format_usd
from core.staff import viewed

COUNT_LIMIT = 10_000
LOOKUPS = frozenset({"", "exact", "in", "gt", "gte", "lt", "lte", "isnull", "isempty"})


class BoundedPaginator(Paginator):
    """Counts to ten thousand and no further: nobody turns that many pages, and a journal has millions."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Model] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[:COUNT_LIMIT].count()


class ReadOnly(Acting, ModelAdmin):
    """A list and a page for each row, to look at. What staff may do besides is an action (console/admin/actions.py)."""

    actions = ()
    list_per_page = 50
    list_filter_sheet = False
    list_fullwidth = True
    show_full_result_count = False
    paginator = BoundedPaginator
    compressed_fields = True
    sections_of_page: tuple[tuple[str | None, tuple[str, ...]], ...] = ()

    views_are_kept = True  # whether who opens a page about a person is written down here
    names_people = False  # of a list that names people without being about one in each row

    @property
    def is_about_people(self) -> bool:
        return self.names_people or bool({"person_id", "payer_id"} & {one.attname for one in self.opts.concrete_fields})

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> HttpResponse:
        row: Model | None = context.get("original")
        if row is not None and self.views_are_kept and self.is_about_people:
            viewed(str(self.opts.model_name), str(row.pk))
        return super().render_change_form(request, context, *args, **kwargs)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.admin_site.has_permission(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [(title, {"fields": fields}) for title, fields in self.sections_of_page]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [name for _, fields in self.sections_of_page for name in fields]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """What links and filters ask. Django would also take an expression for the database to match, or a year 99999."""
        return lookup.partition("__")[2] in LOOKUPS and super().lookup_allowed(lookup, value, request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The search box posts: what is a phone becomes a person, everything else a usual address of a list."""
        if request.method == "POST":
            return self._search(request)
        if queries.looks_like_phone(request.GET.get("q", "")):
            return redirect_to(self.list_url())  # whoever wrote it there: it is not kept there
        shown = super().changelist_view(request, {"title": self.opts.verbose_name_plural.capitalize(), **(extra_context or {})})
        if self.is_about_people and shown.status_code == 200:
            # What was searched for may be somebody's name: kept is whose list it was, or that it was everybody's.
            viewed(f"{self.opts.model_name}_list", OfPerson.asked(request) or "everybody")
        return shown

    def _search(self, request: HttpRequest) -> HttpResponse:
        term = request.POST.get("q", "").strip()[:200]
        kept = {name: str(value) for name, value in request.GET.items() if name not in ("q", "p", "of")}
        if not queries.looks_like_phone(term):
            return redirect_to(self.list_url(**kept, **({"q": term} if term else {})))
        person = queries.person_by_phone(term)
        if person is not None:
            viewed("phone", person.pk)
        if person is None:
            self.message_user(request, "Nobody has this phone number.", level="warning")
            return redirect_to(self.list_url(**kept))
        return redirect_to(self.list_url(**kept, **self.narrowed_to(person)))

    def narrowed_to(self, person: Person) -> dict[str, str]:
        """The parameters of the list that shows what is this person's."""
        return {"of": person.id}

    def list_url(self, **parameters: str) -> str:
        return list_url(str(self.opts.model_name), **parameters)


class OfPerson(admin.ListFilter):
    """`?of=usr_…`: only what is this person's. It appears beside the list when it is in use."""

    title = "person"
    parameter_name = "of"
    template = "admin/filter.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        given = params.pop(self.parameter_name, None)
        self.value: str = (given[-1] if isinstance(given, list) else given) or ""

    @staticmethod
    def asked(request: HttpRequest) -> str:
        """The public id of whoever a list is narrowed to, as far as it looks like one."""
        of = request.GET.get(OfPerson.parameter_name, "")
        return of if of.startswith("usr_") and len(of) <= 40 else ""

    def has_output(self) -> bool:
        return bool(self.value)

    def expected_parameters(self) -> list[str | None]:
        return [self.parameter_name]

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        yield {
            "selected": False,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": "Everybody",
        }
        yield {"selected": True, "query_string": changelist.get_query_string(), "display": self.words()}

    def words(self) -> str:
        person = Person.objects.filter(pk=self.value).first()
        return str(person or self.value)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        person = Person.objects.filter(pk=self.value).first()
        return self.rows_of(person, queryset) if person else queryset.none()

    def rows_of(self, person: Person, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(user_id=person.user_id)


# --------------------------------------------------------------------------------------------------------- values
def redirect_to(url: str) -> HttpResponse:
    return HttpResponseRedirect(url)


def page_url(model: str, key: Any) -> str:
    return reverse(f"admin:console_{model}_change", args=[key])


def list_url(model: str, **parameters: str) -> str:
    url = reverse(f"admin:console_{model}_changelist")
    return f"{url}?{urlencode(parameters)}" if parameters else url


def link(url: str, words: Any) -> str:
    return format_html('<a class="console-link" href="{}">{}</a>', url, words)


def to(model: str, key: Any, words: Any = None) -> str:
    """A link to a thing's page, or a dash where there is none."""
    return link(page_url(model, key), words or key) if key else "–"


def person_link(public_id: str | None, username: str | None) -> str:
    return to("person", public_id, f"@{username}" if username else None)


def money(cents: int | None, *, private: bool = False) -> str:
    if cents is None:
        return format_html('<span class="console-private">{}</span>', "private" if private else "–")
    return format_html('<span class="console-money">{}</span>', format_usd(cents))


def when(moment: datetime | date | None) -> str:
    """In UTC, like everything that a ledger says: "21 Nov 2026 08:43:07"."""
    if moment is None:
        return "–"
    pattern = "%d %b %Y %H:%M:%S" if isinstance(moment, datetime) else "%d %b %Y"
    return format_html('<span class="console-time">{}</span>', f"{moment:{pattern}}")


def code(value: Any) -> str:
    return format_html('<code class="console-code">{}</code>', value) if value not in (None, "") else "–"


def short(reference: Any) -> str:
    """A UUID as a list shows it; its page has the whole."""
    return format_html('<code class="console-code" title="{}">…{}</code>', reference, str(reference)[-12:])


def plain(value: Any) -> str:
    return value if value not in (None, "") else "–"


def wallet_of(person_user_id: int) -> Wallet | None:
    return Wallet.objects.filter(user_id=person_user_id).first()
