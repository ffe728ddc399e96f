"""Vendors: how each is doing, held or not; and in local runs the weather of their stand-ins."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from console import vendors
from console.admin.actions import Action, Form
from console.admin.base import ReadOnly, when
from console.models import Vendor
from console.site import site
from core import resilience

STANDINGS = {"operational": "success", "degraded": "warning", "down": "danger", "held by staff": "danger"}
MODES = {"500": "answer 500", "429": "answer 429", "timeout": "hang, and do nothing", "drop_after": "do it, and never answer"}
WEBHOOKS = {"on": "sent", "paused": "kept back", "duplicate": "sent twice", "reverse": "sent newest first", "discard": "dropped"}
RATES = {
    "error": "Requests answered 500", "busy": "Requests answered 429", "hang": "Requests that hang",
    "drop": "Requests carried out and never answered", "lost": "Webhooks lost", "late": "Webhooks late",
    "twice": "Webhooks sent twice",
}  # fmt: skip


# ------------------------------------------------------------------------------------------------ breakers
class Hold(Action):
    name, title = "hold", "Hold calls"
    acts = "vendor.hold"
    hint = "For what a vendor's answers do not show. A vendor that fails is left alone without this."

    def offered(self, row: Any) -> bool:
        return not resilience.is_held(row.pk)

    def preview(self, row: Any, given: Mapping[str, Any]) -> list[str]:
        return [f"No process asks anything of {row.pk} any more, until somebody lets calls through again.",
                "What would have gone there is accepted and waits; /status says that it is down."]  # fmt: skip

    def do(self, row: Any, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        vendors.set_held(vendor=row.pk, held=True, staff_id=staff_id, reason=reason)
        return f"Nothing is asked of {row.pk} now."


class Release(Hold):
    name, title = "release", "Let calls through"
    acts = "vendor.release"
    hint = ""

    def offered(self, row: Any) -> bool:
        return resilience.health(row.pk).status != "operational"

    def preview(self, row: Any, given: Mapping[str, Any]) -> list[str]:
        return [f"{row.pk} is asked again at once, its failures forgotten. If it still fails, it rests again after five of them."]

    def do(self, row: Any, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        vendors.set_held(vendor=row.pk, held=False, staff_id=staff_id, reason=reason)
        return f"{row.pk} is asked again."


# ------------------------------------------------------------------------------------------------ the sandbox
class Tell(Action):
    """Something that the sandbox is told; there are none of these in production."""

    acts = "sandbox"
    path = ""

    def offered(self, row: Any) -> bool:
        return bool(settings.SANDBOX)

    def body(self, row: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        return dict(given)

    def says(self, row: Any, given: Mapping[str, Any]) -> str:
        return self.title

    def preview(self, row: Any, given: Mapping[str, Any]) -> list[str]:
        return [self.says(row, given)]

    def do(self, row: Any, given: Mapping[str, Any], *, staff_id: int, reason: str) -> str:
        said = self.says(row, given)
        path = self.path.format(vendor=row.pk if row else "")
        vendors.tell_sandbox(path, self.body(row, given), what=said, staff_id=staff_id, reason=reason)
        return said


class TellVendor(Tell):
    path = "{vendor}/fail"

    def offered(self, row: Any) -> bool:
        return super().offered(row) and row.pk in ("dwolla", "plaid", "stripe", "twilio")


class Fail(TellVendor):
    name, title = "fail", "Sandbox: let it fail"

    class form(Form):
        mode = forms.ChoiceField(label="The next requests", choices=list(MODES.items()))
        times = forms.IntegerField(label="How many", min_value=1, max_value=100_000, initial=5)

    def body(self, row: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        return {**given, "path": ""}

    def says(self, row: Any, given: Mapping[str, Any]) -> str:
        return f"The next {given['times']} requests to the sandbox's {row.pk}: {MODES[given['mode']]}."


class Recover(TellVendor):
    name, title = "recover", "Sandbox: let it work"

    def body(self, row: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        return {"mode": None}

    def says(self, row: Any, given: Mapping[str, Any]) -> str:
        return f"The sandbox's {row.pk} fails no more."


class Webhooks(Tell):
    name, title, path = "webhooks", "Sandbox: webhooks", "webhooks"

    class form(Form):
        mode = forms.ChoiceField(label="They are", choices=list(WEBHOOKS.items()))

    def says(self, row: Any, given: Mapping[str, Any]) -> str:
        return f"The sandbox's webhooks are {WEBHOOKS[given['mode']]}."


class Advance(Tell):
    name, title, path = "advance", "Sandbox: advance the calendar", "bank/advance"

    class form(Form):
        business_days = forms.IntegerField(label="Business days", min_value=1, max_value=60, initial=1)

    def says(self, row: Any, given: Mapping[str, Any]) -> str:
        return f"The sandbox's bank goes on by {given['business_days']} business days, and settles what is due."


class Weather(Tell):
    name, title, path = "chaos", "Sandbox: weather", "chaos"
    hint = "What goes wrong by itself, in percent of all requests and webhooks. All zero clears it."
    form = type("form", (Form,), {
        name: forms.IntegerField(label=label, min_value=0, max_value=100, initial=0) for name, label in RATES.items()
    })  # fmt: skip

    def body(self, row: Any, given: Mapping[str, Any]) -> dict[str, Any]:
        return {name: share / 100 for name, share in given.items() if share}

    def says(self, row: Any, given: Mapping[str, Any]) -> str:
        bad = [f"{RATES[name].lower()} {share} %" for name, share in given.items() if share]
        return f"The sandbox's weather: {', '.join(bad) or 'nothing goes wrong by itself'}."


# ------------------------------------------------------------------------------------------------ the page
@admin.register(Vendor, site=site)
class VendorAdmin(ReadOnly):
    list_display = ("name", "standing", "since", "failed")
    ordering = ("name",)
    staff_actions = (Hold, Release, Fail, Recover)
    list_actions = (Advance, Webhooks, Weather)
    sections_of_page = ((None, ("name", "standing", "since", "failed")),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Vendor]:
        """Those that are set up."""
        return super().get_queryset(request).filter(pk__in=resilience.probed())

    def narrowed_to(self, person: Any) -> dict[str, str]:
        return {}

    @display(description="State", label=STANDINGS)
    def standing(self, row: Vendor) -> str:
        return "held by staff" if resilience.is_held(row.pk) else resilience.health(row.pk).status

    @display(description="Since (UTC)")
    def since(self, row: Vendor) -> str:
        return when(resilience.health(row.pk).since)

    @display(description="Failures in a row")
    def failed(self, row: Vendor) -> int:
        return resilience.failures(row.pk)
