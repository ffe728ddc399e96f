"""What staff may do, one class each: it says what it will do, asks for a reason, and calls one service.

    class Assign(Action):
        name, title = "assign", "Assign"                    # last part of its address; the words on its button
        acts = "break.assign"                               # what the database calls it: roles that may not do it see no button
        reauthenticate = True                               # for what moves money: their code or key of these five minutes

        class form(Form):                                   # what it has to know besides the reason; may be left out
            staff = forms.EmailField(label="To whom")

        def offered(self, row): return row.state == "open"  # whether its button is there at all
        def preview(self, row, given): return [f"{row} will be {given['staff']}'s to look into."]
        def do(self, row, given, *, staff_id, reason):      # one service; the answer is said to whoever did it
            services.assign_break(break_id=row.pk, to=given["staff"], staff_id=staff_id, reason=reason)
            return "Assigned."

    @admin.register(Break, site=site)
    class BreakAdmin(ReadOnly):
        staff_actions = (Assign,)                           # buttons on a row's page; `list_actions` for the list's

The service calls `core.staff.call("banking_assign_break", [...], staff_id=staff_id)`: a function of the database that
begins with `PERFORM console_acted('break.assign', p_break, 'what it does, in words', p_reason);`, is SECURITY DEFINER
with a pinned search_path, is owned by paya_engine, and whose EXECUTE is granted to paya_staff by name. That writes the
record (who, when, why), which the row's page and "What staff did" show; raise PY123 for what is not there and PY124
with a sentence for what is not possible now. It all runs in the request's one transaction: never call a rail from
here, write the row that the worker finds due.

What was shown is what is done: the form carries a digest of it, and where things have changed meanwhile it is shown
anew and not done. A figure that moves by itself is no part of that: `Moving("Their wallet holds $5.00 now.")`.
"""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.cache import add_never_cache_headers

from console.middleware import FRESH
from console.models import StaffAction
from core.errors import PayaError, ValidationError
from core.staff import REASON_LONGEST, REASON_SHORTEST, WHY, allowed, reason_of

Form = forms.Form


class Moving(str):
    """A sentence of a preview whose figure moves by itself while somebody reads it (a balance, how many there are).

    It is shown, and what is confirmed does not depend on it: otherwise whoever is paid every second could not be frozen.
    """

    __slots__ = ()


@dataclass(frozen=True)
class ShownOnce:
    """What `do` answers where it made a link that nobody can look up again: the next page has it, and no message or table."""

    words: str
    path: str


class Action:
    """One thing that staff may do to a row, or from a list to no row in particular (`row` is None then)."""

    name: str
    title: str
    acts = ""  # its name in console_permission; without one nobody may do it
    reauthenticate = False  # whether who does it must have proved who they are within the last minutes
    hint = ""  # a sentence above the form, for what is not obvious
    form: type[forms.Form] = Form

    def offered(self, row: Any) -> bool:
        """Whether it is possible as things stand; asked again before it is done."""
        return True

    def preview(self, row: Any, given: Mapping[str, Any]) -> Sequence[str]:
        """What it will do, in sentences, from what was filled in. Raises ValidationError where that cannot be done."""
        raise TypeError(f"{type(self).__name__} does not say what it will do")

    def do(self, row: Any, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str | ShownOnce:
        """Do it by calling one service; the answer is said to whoever did it."""
        raise TypeError(f"{type(self).__name__} does nothing")

    def initial(self, row: Any) -> Mapping[str, Any]:
        """What the form begins with: for a change, what holds now."""
        return {}

    def asks(self, row: Any) -> type[forms.Form]:
        """The form of what it has to know; override where the choices depend on the row."""
        return self.form


def may(request: HttpRequest, acts: str) -> bool:
    """Whether one of the roles of whoever asks may do this. The database asks anew when it is done."""
    if not hasattr(request, "staff_may"):
        request.staff_may = allowed()  # type: ignore[attr-defined]
    return acts in request.staff_may  # type: ignore[attr-defined]


class _Reason(forms.Form):
    reason = forms.CharField(
        label="Reason", min_length=REASON_SHORTEST, max_length=REASON_LONGEST,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "For example the number of the support case"}),
        help_text="Kept for good with your name and the time, also when the person’s data are erased: name nobody.",
        error_messages={"required": WHY, "min_length": WHY, "max_length": WHY},
    )  # fmt: skip

    def clean_reason(self) -> str:
        try:
            return reason_of(self.cleaned_data["reason"])
        except ValidationError as refusal:
            raise forms.ValidationError(refusal.fields["reason"]) from refusal


class Acting:
    """What gives an admin page its actions: addresses, buttons, and the page that asks and shows."""

    staff_actions: tuple[type[Action], ...] = ()
    list_actions: tuple[type[Action], ...] = ()
    change_form_outer_before_template = "console/actions.html"
    list_before_template = "console/list_actions.html"

    def get_urls(self) -> list[Any]:
        name = f"console_{self.opts.model_name}_do"  # type: ignore[attr-defined]
        wrap = self.admin_site.admin_view  # type: ignore[attr-defined]
        return [
            path("do/<slug:action>/", wrap(self.act), name=f"{name}_here"),
            path("<path:key>/do/<slug:action>/", wrap(self.act), name=name),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        shown = {"buttons": self._buttons(request, self.list_actions, None), **(extra_context or {})}
        return super().changelist_view(request, shown)  # type: ignore[misc]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> HttpResponse:
        row: Model | None = context.get("original")
        if row is not None:
            context["buttons"] = self._buttons(request, self.staff_actions, row)
            context["staff_did"] = StaffAction.objects.filter(subject=str(row.pk)).order_by("-id")[:20]
        return super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc]

    def _buttons(self, request: HttpRequest, actions: tuple[type[Action], ...], row: Model | None) -> list[tuple[str, str]]:
        mine = [action for action in actions if may(request, action.acts)]
        return [(self._url(action.name, row), action.title) for action in mine if action().offered(row)]

    def _url(self, action: str, row: Model | None) -> str:
        base = f"admin:console_{self.opts.model_name}_do"  # type: ignore[attr-defined]
        return reverse(base, args=[row.pk, action]) if row is not None else reverse(f"{base}_here", args=[action])

    def act(self, request: HttpRequest, action: str, key: str | None = None) -> HttpResponse:
        """Ask, show, do. Nothing is done by a GET, nor before what it will do was on the page."""
        known = {known.name: known for known in (self.list_actions if key is None else self.staff_actions)}
        if action in known and not may(request, known[action].acts):
            raise PermissionDenied
        row = self.get_object(request, key) if key is not None else None  # type: ignore[attr-defined]
        if action not in known or (key is not None and row is None):
            raise Http404
        chosen = known[action]()
        if chosen.reauthenticate and request.session.get(FRESH, 0) < time.time() - settings.STAFF_FRESH_SECONDS:
            return HttpResponseRedirect(f"{reverse('admin:again')}?{urlencode({'next': request.path})}")
        name = self.opts.model_name  # type: ignore[attr-defined]
        back = reverse(f"admin:console_{name}_change", args=[key]) if row else reverse(f"admin:console_{name}_changelist")
        if not chosen.offered(row):
            messages.warning(request, f"“{chosen.title}” is not possible as things stand.")
            return HttpResponseRedirect(back)
        asked = chosen.asks(row)
        form_of = type("Asked", (_Reason, asked), {"field_order": [*asked.base_fields, "reason"]})
        form = form_of(request.POST or None, initial=chosen.initial(row))
        needs_more = bool(asked.base_fields)
        will_do: Sequence[str] = ()
        digest = ""
        problem = ""
        try:
            if form.is_valid() or not needs_more:
                given = {n: v for n, v in getattr(form, "cleaned_data", {}).items() if n != "reason"}
                will_do = chosen.preview(row, given)
                digest = _digest(action, key, given, will_do)
            if form.is_valid() and request.POST.get("shown") == digest:
                reason = form.cleaned_data["reason"]
                said = chosen.do(row, given, staff_id=int(request.user.pk or 0), reason=reason)
                if isinstance(said, ShownOnce):
                    return self._once(request, chosen, said, back)
                messages.success(request, said)
                return HttpResponseRedirect(back)
            if form.is_valid() and request.POST.get("shown"):
                problem = "This is not what it was a moment ago. Please look at it again."
        except PayaError as refusal:
            will_do, digest = (), ""
            if form.is_bound:
                for field, words in refusal.fields.items():
                    form.add_error(field if field in form.fields else None, words)
            problem = "" if form.errors else " ".join(refusal.fields.values()) or refusal.detail
        reads = form.is_bound and bool(digest)  # whoever has written reads what it will do, the others begin to write
        if not reads:
            _focus(form)
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "opts": self.opts,  # type: ignore[attr-defined]
            "title": chosen.title, "action": chosen, "row": row, "form": form, "will_do": will_do, "digest": digest,
            "back": back, "problem": problem, "confirms": bool(digest), "reads": reads,
        }  # fmt: skip
        return TemplateResponse(request, "console/act.html", context, status=400 if form.errors or problem else 200)


    def _once(self, request: HttpRequest, chosen: Action, said: ShownOnce, back: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "opts": self.opts,  # type: ignore[attr-defined]
            "title": chosen.title, "said": said.words, "link": request.build_absolute_uri(said.path), "back": back,
        }  # fmt: skip
        answer = TemplateResponse(request, "console/once.html", context)
        add_never_cache_headers(answer)
        return answer


def _focus(form: forms.Form) -> None:
    """For the keyboard: whoever opens the page writes at once, in the first field, or the first with something wrong."""
    wrong = [name for name in form.errors if name in form.fields] if form.is_bound else []
    form.fields[next(iter(wrong), next(iter(form.fields)))].widget.attrs["autofocus"] = True


def _digest(action: str, key: str | None, given: Mapping[str, Any], will_do: Sequence[str]) -> str:
    stays = [sentence for sentence in will_do if not isinstance(sentence, Moving)]
    text = json.dumps([action, key, sorted((name, str(value)) for name, value in given.items()), stays])
    return hashlib.sha256(text.encode()).hexdigest()
