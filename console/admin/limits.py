"""What staff set: limits by tier with their dates, somebody's tier, and which version of the score counts."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import connection
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from compliance.models import UNITS, LimitName, Tier
from compliance.scoring import SIGNALS, WEIGHTS
from compliance.services import settings as changes
from compliance.services import tiers
from compliance.services.freezes import told_of
from console.admin.actions import Action, Form, Moving
from console.admin.base import OfPerson, ReadOnly, person_link, plain, when
from console.admin.fields import TOLD, Dollars, told_field
from console.models import LimitHistory, LimitShown, Person, Scoring, TierMove
from console.site import site
from core import clock
from core.errors import ValidationError
from core.money import format_usd

NO_LIMIT = "no limit"


def figure(name: str, value: int | None) -> str:
    """A limit in words: "$1,000.00", "10 payments"."""
    unit = UNITS[LimitName(name)]
    if value is None:
        return NO_LIMIT
    return format_usd(value) if unit == "cents" else f"{value} {unit}"


def people_of(tier: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("select console_people_of_tier(%s)", [tier])
        return int(cursor.fetchone()[0] or 0)


# ------------------------------------------------------------------------------------------------------------ limits
class ChangeLimit(Action):
    name, title = "change", "Change"
    hint = "To take back a change that is staged, stage what is in force now for the same moment."
    acts = "limit.set"
    reauthenticate = True

    def asks(self, row: LimitShown) -> type[forms.Form]:
        unit = UNITS[LimitName(row.name)]
        field: forms.Field = forms.IntegerField(label=f"Limit, {unit}", min_value=0, max_value=10**6, required=False)
        if unit == "cents":
            field = Dollars(label="Limit in dollars", least=0, required=False)

        class Asked(Form):
            none = forms.BooleanField(label="No limit at all", required=False)
            at = forms.DateTimeField(
                label="From when on (UTC)", required=False, help_text="Like 2026-12-01 08:00; empty: from now on"
            )

        return type("Asked", (Asked,), {"value": field, "field_order": ["value", "none", "at"]})

    def initial(self, row: LimitShown) -> dict[str, Any]:
        return {"value": row.value, "none": row.value is None}

    def preview(self, row: LimitShown, given: Any) -> list[str]:
        at, value = given["at"], self._value(given)
        if at is not None and at < clock.now():
            raise ValidationError(fields={"at": "A limit takes effect now or later, not in the past."})
        then = f"from {at:%-d %b %Y %H:%M} UTC on" if at else "from now on"
        count = people_of(row.tier)
        told = [
            f"{row}: {figure(row.name, value)} instead of {figure(row.name, row.value)}, {then}.",
            Moving(f"It holds for {count} {'person' if count == 1 else 'people'}."),
            "It holds from their next movement on. What they did before counts.",
            *turned_round(row, value),
        ]
        if row.next_at is not None:
            staged = figure(row.name, row.next_value)
            told.append(f"Staged already: {staged} from {row.next_at:%-d %b %Y %H:%M} UTC on; that stays.")
        return told

    def _value(self, given: Any) -> int | None:
        if given["none"]:
            return None
        if given["value"] is None:
            raise ValidationError(fields={"value": "Fill in a limit, or say below that there is to be none."})
        return int(given["value"])

    def do(self, row: LimitShown, given: Any, *, staff_id: int, reason: str) -> str:
        at = given["at"] or clock.now()
        changes.set_limit(name=row.name, tier=row.tier, value=self._value(given), at=at, staff_id=staff_id, reason=reason)
        return "Staged." if given["at"] else "It holds from now on."


def turned_round(row: LimitShown, value: int | None) -> list[str]:
    """Where whoever has proved more would be allowed less: tiers are there to raise limits."""
    days = UNITS[LimitName(row.name)] == "days"  # of these, less is more

    def allows(one: int | None) -> float:
        return float("inf") if one is None else -one if days else one

    said = []
    for other in LimitShown.objects.filter(name=row.name).exclude(tier=row.tier).order_by("tier"):
        higher, lower = (value, other.value) if row.tier > other.tier else (other.value, value)
        if allows(higher) < allows(lower):
            what = figure(other.name, other.value)
            said.append(f"Tier {other.get_tier_display().lower()} has {what}: whoever has proved more is allowed less.")
    return said


@admin.register(LimitShown, site=site)
class LimitAdmin(ReadOnly):
    list_display = ("title", "tier_", "now", "since_", "staged")
    list_display_links = ("title",)
    list_filter = ("tier", "name")
    ordering = ("name", "tier")
    staff_actions = (ChangeLimit,)
    sections_of_page = ((None, ("title", "tier_", "now", "since_", "why", "staged")), ("All that ever held", ("history",)))

    def narrowed_to(self, person: Person) -> dict[str, str]:
        return {}

    @display(description="Limit", ordering="name")
    def title(self, row: LimitShown) -> str:
        return str(row.get_name_display())

    @display(description="Tier", ordering="tier")
    def tier_(self, row: LimitShown) -> str:
        return str(row.get_tier_display())

    @display(description="In force")
    def now(self, row: LimitShown) -> str:
        return figure(row.name, row.value) if row.since else "not yet"

    @display(description="Since (UTC)", ordering="since")
    def since_(self, row: LimitShown) -> str:
        return when(row.since)

    @display(description="Why")
    def why(self, row: LimitShown) -> str:
        return " · ".join(filter(None, (row.reason, row.staff)))

    @display(description="Staged", ordering="next_at")
    def staged(self, row: LimitShown) -> str:
        if row.next_at is None:
            return "–"
        return format_html("<span>{} from {} on</span>", figure(row.name, row.next_value), when(row.next_at))

    @display(description="History")
    def history(self, row: LimitShown) -> str:
        rows = LimitHistory.objects.filter(limit_id=row.pk).order_by("-effective_at", "-id")[:50]
        lines = (
            (when(one.effective_at), figure(row.name, one.value), " · ".join(filter(None, (one.reason, one.staff))))
            for one in rows
        )
        return format_html_join("", "<div>{}: {} <span class=\"console-hint\">{}</span></div>", lines)


# ------------------------------------------------------------------------------------------------------------- tiers
class SetTier(Action):
    """On a person's page: raise or lower them."""

    name, title = "tier", "Change the tier"
    hint = "Lowered, no bank raises them again by itself. They are told, and can appeal."
    acts = "tier.set"

    class form(Form):
        tier = forms.TypedChoiceField(label="Tier", choices=Tier.choices, coerce=int)
        told = told_field(
            required=False, help_text=f"{TOLD} Only needed where you lower them.",
            example="For example: The bank account that showed who you are is not linked to your account any more.",
        )  # fmt: skip

    def preview(self, row: Person, given: Any) -> list[str]:
        now = tiers.tier_now(user_id=row.user_id)
        if now == given["tier"]:
            raise ValidationError(fields={"tier": f"They are at this tier: {Tier(now).label.lower()}."})
        moved = f"{row}: tier {Tier(given['tier']).label.lower()} instead of {now.label.lower()}."
        if given["tier"] > now:
            return [moved, "Their limits rise at once, and they are told."]
        return [moved, "Their limits fall at once.", f"They read: “{told_of(given['told'])}”, and how to appeal."]

    def do(self, row: Person, given: Any, *, staff_id: int, reason: str) -> str:
        tiers.set_tier(person=row.pk, **given, staff_id=staff_id, reason=reason)
        return "Their tier is changed, and they are told."


@admin.register(TierMove, site=site)
class TierMoveAdmin(ReadOnly):
    list_display = ("when_", "person", "from_", "to_", "cause", "by")
    list_display_links = ("when_",)
    list_filter = ("cause", "after", OfPerson)
    ordering = ("-id",)
    sections_of_page = ((None, ("when_", "person", "from_", "to_", "cause", "by", "why", "proof")),)

    @display(description="When (UTC)", ordering="id")
    def when_(self, row: TierMove) -> str:
        return when(row.at)

    @display(description="Person", ordering="username")
    def person(self, row: TierMove) -> str:
        return person_link(row.person_id, row.username)

    @display(description="From", ordering="before")
    def from_(self, row: TierMove) -> str:
        return str(row.get_before_display())

    @display(description="To", ordering="after")
    def to_(self, row: TierMove) -> str:
        return str(row.get_after_display())

    @display(description="By")
    def by(self, row: TierMove) -> str:
        return plain(row.staff)

    @display(description="Why")
    def why(self, row: TierMove) -> str:
        return plain(row.reason)

    @display(description="Evidence")
    def proof(self, row: TierMove) -> str:
        lines = ((name.replace("_", " "), value) for name, value in sorted(row.evidence.items()))
        return format_html_join("", "<div>{}: {}</div>", lines) or "–"


# ------------------------------------------------------------------------------------------------------------ scores
class _Switch(Action):
    acts = "score.switch"
    state = ""

    def offered(self, row: Scoring) -> bool:
        return row.state not in (self.state, "active")

    def do(self, row: Scoring, given: Any, *, staff_id: int, reason: str) -> str:
        changes.switch_version(name=row.pk, state=self.state, staff_id=staff_id, reason=reason)
        return "Noted."


class Activate(_Switch):
    name, title, state = "activate", "Have it count", "active"
    reauthenticate = True

    def preview(self, row: Scoring, given: Any) -> list[str]:
        return [f"From the next movement on {row} decides; the version that counts now is retired.", Moving(effect(row.pk))]


class Retire(_Switch):
    name, title, state = "retire", "Retire", "retired"

    def preview(self, row: Scoring, given: Any) -> list[str]:
        return [f"{row} is not computed any more.", Moving(effect(row.pk))]


class Shadow(_Switch):
    name, title, state = "shadow", "Run in the shadow", "shadow"

    def preview(self, row: Scoring, given: Any) -> list[str]:
        return [f"{row} is computed beside the one that counts, kept for comparison, and decides nothing."]


def effect(name: str) -> str:
    """What the version would have done lately, beside what was done."""
    with connection.cursor() as cursor:
        cursor.execute("select console_version_effect(%s)", [name])
        seen, holds, denies, held, denied = cursor.fetchone()[0]
    if not seen:
        return "It has not run in the shadow within a week: nothing tells what it would do."
    return (
        f"Of {seen} movements within a week it would have held {holds} and refused {denies}; "
        f"the versions that counted held {held} and refused {denied}."
    )


class MakeVersion(Action):
    name, title = "make", "Make a version"
    hint = "It runs in the shadow, where it counts for nothing, until somebody has it count. A score goes from 0 to 1000."
    acts = "score.make"

    def asks(self, row: Any) -> type[forms.Form]:
        """A field for each signal; they begin with what counts now."""
        active = Scoring.objects.filter(state="active", scorer=WEIGHTS).first()

        class Asked(Form):
            label = forms.SlugField(label="Name", max_length=40)
            hold_at = forms.IntegerField(
                label="Holds from", min_value=1, max_value=1001, initial=active.hold_at if active else None
            )
            deny_at = forms.IntegerField(
                label="Refuses from", min_value=1, max_value=1001, initial=active.deny_at if active else None
            )

        weights = active.weights if active else {}
        return type("Asked", (Asked,), {
            name: forms.IntegerField(
                label=f"Weight of: {name.replace('_', ' ')}", min_value=0, max_value=1000, initial=weights.get(name, 0)
            )
            for name in SIGNALS
        })  # fmt: skip

    def preview(self, row: Any, given: Any) -> list[str]:
        if given["hold_at"] > given["deny_at"]:
            raise ValidationError(fields={"hold_at": "It holds below where it refuses."})
        weights = _weights(given)
        if not weights:
            raise ValidationError(fields={next(iter(SIGNALS)): "Some signal has to weigh something."})
        most = sum(weights.values())
        return [
            f"{given['label']} runs in the shadow. It holds from {given['hold_at']} and refuses from {given['deny_at']} on.",
            ", ".join(f"{name.replace('_', ' ')} {points}" for name, points in weights.items()) + ".",
            f"All signals together are {most}{', so a score never gets there' if most < given['hold_at'] else ''}.",
        ]

    def do(self, row: Any, given: Any, *, staff_id: int, reason: str) -> str:
        changes.make_version(
            name=given["label"], weights=_weights(given), hold_at=given["hold_at"], deny_at=given["deny_at"], staff_id=staff_id,
            reason=reason,
        )  # fmt: skip
        return "Made. It runs in the shadow."


def _weights(given: Any) -> dict[str, int]:
    return {name: given[name] for name in SIGNALS if given[name]}


@admin.register(Scoring, site=site)
class ScoringAdmin(ReadOnly):
    list_display = ("version", "state_", "hold_at", "deny_at", "made")
    list_display_links = ("version",)
    list_filter = ("state",)
    ordering = ("-number",)
    staff_actions = (Activate, Shadow, Retire)
    list_actions = (MakeVersion,)
    sections_of_page = ((None, ("version", "state_", "hold_at", "deny_at", "scorer", "lines", "made", "why")),)

    def narrowed_to(self, person: Person) -> dict[str, str]:
        return {}

    @display(description="Version", ordering="number")
    def version(self, row: Scoring) -> str:
        return row.pk

    @display(description="State", ordering="state", label={"active": "success", "shadow": "info", "retired": "warning"})
    def state_(self, row: Scoring) -> str:
        return row.state

    @display(description="Weights")
    def lines(self, row: Scoring) -> str:
        return format_html_join("", "<div>{}: {}</div>", sorted(row.weights.items())) or "–"

    @display(description="Made (UTC)", ordering="created_at")
    def made(self, row: Scoring) -> str:
        return when(row.created_at)

    @display(description="Why")
    def why(self, row: Scoring) -> str:
        return " · ".join(filter(None, (row.reason, row.staff)))
