"""The trail, who looked at what, and who is on the staff."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from console import services
from console.admin.actions import Action, Form, ShownOnce, may
from console.admin.base import ReadOnly, code, plain, to, when
from console.models import Member, PersonView, TrailEntry
from console.services import ROLES
from console.site import site
from core.errors import ValidationError


class ForAuditors(ReadOnly):
    """Pages of the trail: for the roles that may `trail.view`. The database shows nobody else a row."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and may(request, "trail.view")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def narrowed_to(self, person: Any) -> dict[str, str]:
        return {"q": person.pk}

    @display(description="When (UTC)", ordering="id")
    def when_(self, row: Any) -> str:
        return when(row.at)


@admin.register(TrailEntry, site=site)
class TrailAdmin(ForAuditors):
    list_display = ("number", "when_", "staff", "what_", "reason_")
    list_display_links = ("number",)
    list_filter = ("kind", "action")
    search_fields = ("subject",)
    search_help_text = "id of what it was done to, request id, or e-mail of who did it"
    ordering = ("-id",)
    sections_of_page = (
        (None, ("number", "when_", "staff", "action", "what", "subject_", "reason", "request_")),
        ("Changes", ("before_", "after_", "changes")),
        ("In the chain", ("hash_", "block_height")),
    )

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        return (queryset.filter(Q(subject=term) | Q(staff=term) | Q(request_id=term)) if term else queryset), False

    @display(description="Entry", ordering="id")
    def number(self, row: TrailEntry) -> str:
        return f"#{row.pk}"

    @display(description="What, and to what")
    def what_(self, row: TrailEntry) -> str:
        return format_html('<div class="console-cell">{}<br>{} {}</div>', row.what, code(row.action), code(row.subject))

    @display(description="Reason")
    def reason_(self, row: TrailEntry) -> str:
        return format_html('<div class="console-cell">{}</div>', plain(row.reason))

    @display(description="Done to")
    def subject_(self, row: TrailEntry) -> str:
        return code(row.subject)

    @display(description="Request")
    def request_(self, row: TrailEntry) -> str:
        return code(row.request_id)

    @display(description="Before")
    def before_(self, row: TrailEntry) -> str:
        return _values(row.before)

    @display(description="After")
    def after_(self, row: TrailEntry) -> str:
        return _values(row.after)

    @display(description="What it changed")
    def changes(self, row: TrailEntry) -> str:
        if row.of_action:
            return to("trailentry", row.of_action, f"part of #{row.of_action}")
        parts = TrailEntry.objects.filter(of_action=row.pk).order_by("id")[:50]
        lines = ((to("trailentry", it.pk, f"{it.what} {it.subject}"), _values(it.before), _values(it.after)) for it in parts)
        return format_html_join("", "<div>{}: {} → {}</div>", lines) or "nothing that is watched"

    @display(description="Hash")
    def hash_(self, row: TrailEntry) -> str:
        return code(row.hash)


def _values(values: dict[str, Any] | None) -> str:
    return plain(", ".join(f"{name} {value}" for name, value in (values or {}).items()))


@admin.register(PersonView, site=site)
class PersonViewAdmin(ForAuditors):
    list_display = ("when_", "staff", "kind", "subject_", "request_")
    list_display_links = ("when_",)
    list_filter = ("kind",)
    search_fields = ("subject",)
    search_help_text = "id of what was looked at, or e-mail of who looked"
    ordering = ("-id",)
    sections_of_page = ((None, ("when_", "staff", "kind", "subject_", "request_")),)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        return (queryset.filter(Q(subject=term) | Q(staff=term)) if term else queryset), False

    @display(description="Looked at")
    def subject_(self, row: PersonView) -> str:
        return code(row.subject)

    @display(description="Request")
    def request_(self, row: PersonView) -> str:
        return code(row.request_id)


# ------------------------------------------------------------------------------------------------ the staff
def _roles() -> forms.MultipleChoiceField:
    choices = [(role, role) for role in ROLES]
    return forms.MultipleChoiceField(label="Roles", choices=choices, required=False, widget=forms.CheckboxSelectMultiple)


LINK = "You get a link to hand to them, by a way on which you know that it is them. It is good once, for a day."


def _link(words: str, token: str) -> ShownOnce:
    return ShownOnce(words, reverse("admin:join", args=[token]))


class AddMember(Action):
    name, title = "add", "Add somebody"
    acts = "staff.add"
    reauthenticate = True
    hint = "They choose a password and enrol an authenticator by themselves. You answer for who it is: one account for each."

    class form(Form):
        email = forms.EmailField(label="E-mail", max_length=254)
        roles = _roles()

    def preview(self, row: None, given: Any) -> list[str]:
        email = services.email_of_new(given["email"])
        if not given["roles"]:
            raise ValidationError(fields={"roles": "Please choose at least one role."})
        return [f"{email} joins the staff with these roles: {', '.join(given['roles'])}.", LINK]

    def do(self, row: None, given: Any, *, staff_id: int, reason: str) -> ShownOnce:
        token = services.add_member(email=given["email"], roles=given["roles"], staff_id=staff_id, reason=reason)
        return _link(f"{given['email'].lower()} is on the staff, and comes in by this link.", token)


class ResetMember(Action):
    name, title = "reset", "Reset the authenticator"
    acts = "staff.reset"
    reauthenticate = True
    hint = "For whoever has lost phone or keys, or has no link any more. Nobody does it to themself or to whoever let them in."

    def offered(self, row: Member) -> bool:
        return row.is_active

    def preview(self, row: Member, given: Any) -> list[str]:
        if row.is_new:
            return [f"{row.email} has not joined yet: an earlier link is not good any more.", LINK]
        keys = f" and {row.keys} security key{'' if row.keys == 1 else 's'}" if row.keys else ""
        return [
            f"The authenticator{keys} of {row.email} open nothing any more. They are out with their next click.",
            f"{LINK} It takes their password as well.",
        ]

    def do(self, row: Member, given: Any, *, staff_id: int, reason: str) -> ShownOnce:
        token = services.reset_member(member=row.pk, staff_id=staff_id, reason=reason)
        return _link(f"{row.email} enrols by this link.", token)


class SetRoles(Action):
    name, title = "roles", "Change roles"
    acts = "staff.roles"
    reauthenticate = True
    hint = "All the roles that they have from then on. Nobody changes their own, nor gives one to whoever let them in."

    class form(Form):
        roles = _roles()

    def initial(self, row: Member) -> dict[str, Any]:
        return {"roles": row.roles.split(", ") if row.roles else []}

    def preview(self, row: Member, given: Any) -> list[str]:
        said = ", ".join(given["roles"]) or "none: they see the site and do nothing"
        return [f"{row.email} has these roles at once: {said}.", f"Until now: {row.roles or 'none'}."]

    def do(self, row: Member, given: Any, *, staff_id: int, reason: str) -> str:
        services.set_roles(member=row.pk, roles=given["roles"], staff_id=staff_id, reason=reason)
        return "Changed."


class Deactivate(Action):
    name, title, active = "deactivate", "Deactivate", False
    acts = "staff.deactivate"
    reauthenticate = True

    def offered(self, row: Member) -> bool:
        return row.is_active is not self.active

    def preview(self, row: Member, given: Any) -> list[str]:
        return [f"{row.email} may come in again." if self.active else f"{row.email} is out with their next click."]

    def do(self, row: Member, given: Any, *, staff_id: int, reason: str) -> str:
        services.set_active(member=row.pk, active=self.active, staff_id=staff_id, reason=reason)
        return "Done."


class Activate(Deactivate):
    name, title, active = "activate", "Let in again", True
    acts = "staff.activate"


_STATES = {"active": "success", "waits for their link": "info", "link has ended": "warning", "deactivated": "danger"}


@admin.register(Member, site=site)
class MemberAdmin(ReadOnly):
    list_display = ("email", "roles_", "state", "since", "acted")
    list_display_links = ("email",)
    list_filter = ("is_active",)
    search_fields = ("email",)
    search_help_text = "e-mail"
    ordering = ("email",)
    staff_actions = (SetRoles, ResetMember, Deactivate, Activate)
    list_actions = (AddMember,)
    sections_of_page = ((None, ("email", "roles_", "state", "factors", "since", "acted")),)

    def narrowed_to(self, person: Any) -> dict[str, str]:
        return {}

    @display(description="Roles")
    def roles_(self, row: Member) -> str:
        return plain(row.roles)

    @display(description="State", label=_STATES)
    def state(self, row: Member) -> str:
        if not row.is_active:
            return "deactivated"
        return "active" if row.enrolled else "waits for their link" if row.link_until else "link has ended"

    @display(description="Comes in with")
    def factors(self, row: Member) -> str:
        keys = f"{row.keys} security key{'' if row.keys == 1 else 's'}" if row.keys else ""
        link = format_html("a link until {}", when(row.link_until)) if row.link_until else ""
        has = ["password" if not row.is_new else "", "authenticator" if row.enrolled else "", keys, link]
        return format_html_join(", ", "{}", ([one] for one in has if one)) or "nothing"

    @display(description="Since (UTC)", ordering="created_at")
    def since(self, row: Member) -> str:
        return when(row.created_at)

    @display(description="Last action (UTC)", ordering="acted_at")
    def acted(self, row: Member) -> str:
        return when(row.acted_at)
