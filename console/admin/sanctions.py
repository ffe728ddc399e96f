"""Hits of the sanctions list, what staff decide about them, and the list's changes."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from compliance.models import SanctionsSetting
from compliance.services import sanctions
from console import queries, services
from console.admin.actions import Action, Form, Moving
from console.admin.base import OfPerson, ReadOnly, person_link, plain, to, when
from console.admin.queue import Keyed, QueueFilter
from console.models import Hit, HitLifting, ListRun, Person
from console.site import site
from core.errors import ValidationError

STATE_LABELS = {"open": "warning", "cleared": "success", "confirmed": "danger", "gone": "info"}


class _OpenHit(Action):
    def offered(self, row: Hit) -> bool:
        return row.state == "open"


class Clear(_OpenHit):
    name, title = "clear", "Not this one"
    acts = "hit.clear"

    def preview(self, row: Hit, given: Any) -> list[str]:
        now = [f"They have changed their name since, to {row.renamed}: that one is looked up by itself."] if row.renamed else []
        return [
            f"{row.whose} (@{row.username}) is not “{row.listed}”.",
            *now,
            "They never come up together again unless one of the two goes by another name. With the last open hit the case is"
            " closed, and what kept the person from sending ends.",
        ]

    def do(self, row: Hit, given: Any, *, staff_id: int, reason: str) -> str:
        sanctions.clear_hit(hit=row.pk, staff_id=staff_id, reason=reason)
        return "Cleared for good."


class Confirm(_OpenHit):
    name, title = "confirm", "It is them"
    acts = "hit.confirm"
    reauthenticate = True
    hint = "The law asks for a report to OFAC within 10 business days of blocking property (31 CFR 501.603)."

    def preview(self, row: Hit, given: Any) -> list[str]:
        return [
            f"{row.whose} (@{row.username}) is “{row.listed}”, entry {row.entry}.",
            "Nothing leaves or enters their wallet any more, and they are told that their money is blocked by law.",
            "The case is closed as confirmed when no other hit is open.",
            "If this was a mistake, it takes two of you to take it back.",
        ]

    def do(self, row: Hit, given: Any, *, staff_id: int, reason: str) -> str:
        sanctions.confirm_hit(hit=row.pk, staff_id=staff_id, reason=reason)
        return "Confirmed."


class AskLifting(Action):
    name, title = "lift", "It is not them after all"
    acts = "hit.lift"
    hint = "One of the staff asks, another decides. A report to OFAC that has been made has to be corrected there as well."

    def offered(self, row: Hit) -> bool:
        return row.state == "confirmed" and _lifting(row) is None

    def preview(self, row: Hit, given: Any) -> list[str]:
        return [
            f"You say that {row.whose} (@{row.username}) is not “{row.listed}”: it waits for somebody else of the staff.",
            "Until then their money stays blocked, and they are told nothing.",
        ]

    def do(self, row: Hit, given: Any, *, staff_id: int, reason: str) -> str:
        sanctions.ask_lifting(hit=row.pk, staff_id=staff_id, reason=reason)
        return "It waits for somebody else's approval."


class _Lifting(Action):
    """For whoever did not ask."""

    reauthenticate = True
    approve = False

    def offered(self, row: Hit) -> bool:
        asked = _lifting(row) if row.state == "confirmed" else None
        return asked is not None and not services.is_actor(asked.asked_by)

    def do(self, row: Hit, given: Any, *, staff_id: int, reason: str) -> str:
        sanctions.decide_lifting(hit=row.pk, approve=self.approve, staff_id=staff_id, reason=reason)
        return "Taken back, and told." if self.approve else "Refused. It stays confirmed."


class ApproveLifting(_Lifting):
    name, title, approve = "approve", "Approve: it is not them", True
    acts = "hit.approve"

    def preview(self, row: Hit, given: Any) -> list[str]:
        return [
            f"{row.whose} (@{row.username}) is not “{row.listed}”, entry {row.entry}, although it was confirmed.",
            "What blocked their money ends; another hit, a freeze or a return that restricts them stays. They are told.",
            "The two never come up together again unless one of them goes by another name.",
        ]


class RefuseLifting(_Lifting):
    name, title = "refuse", "Refuse: it is them"
    acts = "hit.refuse"

    def preview(self, row: Hit, given: Any) -> list[str]:
        return [f"It stays confirmed that {row.whose} is “{row.listed}”. The person is told nothing."]


def _lifting(row: Hit) -> HitLifting | None:
    """What waits for a second member of staff."""
    return HitLifting.objects.filter(hit_id=row.pk, decided_at=None).first()


class HitState(QueueFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("cleared", "Cleared"), ("confirmed", "Confirmed"), ("lifting", "To be taken back"), ("gone", "Gone from the list"),
            ("all", "All"),
        ]  # fmt: skip

    def queryset(self, request: HttpRequest, queryset: QuerySet[Hit]) -> QuerySet[Hit]:
        if self.value() == "lifting":
            return queryset.filter(pk__in=HitLifting.objects.filter(decided_at=None).values("hit_id"))
        return queryset if self.value() == "all" else queryset.filter(state=self.value() or "open")


@admin.register(Hit, site=site)
class HitAdmin(Keyed):
    list_display = ("whose_", "listed", "score", "strong", "person", "found", "state_", "case")
    list_filter = (HitState, "strong", "legal_name", OfPerson)
    search_fields = ("listed", "display_name", "compared")
    search_help_text = "name, @username or whole phone"
    ordering = ("-strong", "-score", "number")
    staff_actions = (Clear, Confirm, AskLifting, ApproveLifting, RefuseLifting)
    sections_of_page = (
        (
            None,
            (
                "whose_", "renamed_", "legal_names_", "legal_name", "person", "score", "strong", "state_", "case", "found",
                "decided", "liftings",
            ),
        ),
        ("The entry", ("listed", "entry", "name", "kind", "aliases_", "program", "title_", "places_", "remarks_", "removed")),
    )

    @display(description="Name that was compared", ordering="display_name")
    def whose_(self, row: Hit) -> str:
        return row.whose

    @display(description="What they call themselves now")
    def renamed_(self, row: Hit) -> str:
        return row.renamed or "the same"

    @display(description="Legal names that they gave")
    def legal_names_(self, row: Hit) -> str:
        found = queries.legal_names("select check_id, legal_name from console_legal_names(%s)", row.pk, row.user_id)
        return format_html_join("", "<div>{}</div>", ((one,) for one in found)) or "–"

    @display(description="Person")
    def person(self, row: Hit) -> str:
        return person_link(row.person_id, row.username)

    @display(description="Found (UTC)", ordering="number")
    def found(self, row: Hit) -> str:
        return when(row.found_at)

    @display(description="State", ordering="state", label=STATE_LABELS)
    def state_(self, row: Hit) -> str:
        return row.state

    @display(description="Case")
    def case(self, row: Hit) -> str:
        return to("case", row.case_id, "its case")

    @display(description="Decided (UTC)")
    def decided(self, row: Hit) -> str:
        return format_html("{} {}: {}", when(row.decided_at), row.staff or "", row.reason) if row.decided_at else "–"

    @display(description="Taken back")
    def liftings(self, row: Hit) -> str:
        answers = {None: "waits for somebody else", True: "approved by", False: "refused by"}
        lines = (
            (when(one.asked_at), one.asked_by, answers[one.approved], one.decided_by or "")
            for one in HitLifting.objects.filter(hit_id=row.pk).order_by("id")
        )
        return format_html_join("", "<div>{} asked by {}: {} {}</div>", lines) or "–"

    @display(description="Aliases")
    def aliases_(self, row: Hit) -> str:
        return format_html_join("", "<div>{}</div>", ((one,) for one in row.aliases)) or "–"

    @display(description="Addresses")
    def places_(self, row: Hit) -> str:
        return format_html_join("", "<div>{}</div>", ((one,) for one in row.places)) or "–"

    @display(description="Title")
    def title_(self, row: Hit) -> str:
        return plain(row.title)

    @display(description="Remarks")
    def remarks_(self, row: Hit) -> str:
        return plain(row.remarks)


class ChangeScores(Action):
    name, title = "change", "Other scores"
    hint = "How much a name must be like a listed one (100: the same). Everybody is looked up again, in the background."
    acts = "sanctions.settings"
    reauthenticate = True

    class form(Form):
        threshold = forms.IntegerField(label="A hit from", min_value=70, max_value=100)
        strong = forms.IntegerField(
            label="A strong hit from", min_value=70, max_value=101,
            help_text="The person cannot send until staff have looked. 101: never.",
        )  # fmt: skip

    def initial(self, row: Any) -> dict[str, Any]:
        newest = SanctionsSetting.objects.order_by("-id").only("threshold", "strong")[0]
        return {"threshold": newest.threshold, "strong": newest.strong}

    def preview(self, row: Any, given: Any) -> list[str]:
        if given["strong"] < given["threshold"]:
            raise ValidationError(fields={"strong": "A strong hit is a hit: not below the other."})
        strong = f"from {given['strong']} on they cannot send until somebody has looked"
        if given["strong"] > 100:
            strong = "nobody is kept from sending"
        waiting = Hit.objects.filter(state="open")
        ends = waiting.filter(score__lt=given["threshold"]).count()
        stops = waiting.filter(strong=False, score__gte=given["strong"]).count()
        frees = waiting.filter(strong=True, score__lt=given["strong"]).count() if ends < waiting.count() else 0
        return [
            f"A name that is like a listed one with {given['threshold']} or more opens a case; {strong}.",
            Moving(f"Of the hits that are open, {stops} become strong, {frees} stop being strong, and {ends} end."),
            "Everybody is looked up again: how many more there will be is not known before.",
        ]

    def do(self, row: Any, given: Any, *, staff_id: int, reason: str) -> str:
        sanctions.change_setting(**given, staff_id=staff_id, reason=reason)
        return "Noted. Everybody is being looked up again."


@admin.register(ListRun, site=site)
class ListRunAdmin(ReadOnly):
    list_display = ("began", "cause", "entries", "added", "changed", "removed", "progress", "hits")
    list_display_links = ("began",)
    list_filter = ("cause",)
    ordering = ("-id",)
    list_actions = (ChangeScores,)
    sections_of_page = ((None, ("began", "cause", "entries", "added", "changed", "removed", "progress", "hits", "done")),)

    def narrowed_to(self, person: Person) -> dict[str, str]:
        return {}

    @display(description="Began (UTC)", ordering="id")
    def began(self, row: ListRun) -> str:
        return when(row.started_at)

    @display(description="Done (UTC)")
    def done(self, row: ListRun) -> str:
        return when(row.finished_at)

    @display(description="People looked up")
    def progress(self, row: ListRun) -> str:
        return f"all {row.people}" if row.finished_at else f"{row.people} of {row.everybody} so far"
