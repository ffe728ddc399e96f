"""Weekly rewards: the review of a week, single rewards, who is left out, appeals, and the rules."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from compliance.services.freezes import told_of
from console import queries
from console.admin.actions import Action, Form
from console.admin.base import OfPerson, ReadOnly, code, link, list_url, money, person_link, plain, to, when
from console.admin.fields import told_field
from console.models import Appeal, Ineligible, Person, Reward, RewardRun, RewardSetting
from console.site import site
from core import clock
from core.errors import ValidationError
from core.money import format_usd
from rewards import services, words
from rewards.models import Setting
from rewards.strategies import STRATEGIES

STATE_LABELS = {
    "waits for review": "warning", "held": "danger", "going out": "info", "paid": "success", "paid, some owed": "warning",
}  # fmt: skip
STATUS_LABELS = {"paid": "success", "owed": "danger", "reversed": "warning", "listed": "info"}


# --------------------------------------------------------------------------------------------------------- weeks
class Hold(Action):
    name, title = "hold", "Hold"
    acts = "rewards.hold"

    def offered(self, row: RewardRun) -> bool:
        return row.state in ("closed", "distributing") and not row.held

    def preview(self, row: RewardRun, given: Any) -> list[str]:
        going = row.state == "distributing"
        what = "What has gone out stays out; the rest" if going else f"The {format_usd(row.rewards)} of {row.id}"
        return [f"{what} waits until somebody releases it. People see that our staff are looking at the week."]

    def do(self, row: RewardRun, given: Any, *, staff_id: int, reason: str) -> str:
        services.hold(week=row.pk, staff_id=staff_id, reason=reason)
        return "Held."


class Release(Action):
    name, title = "release", "Release"
    acts = "rewards.release"
    reauthenticate = True

    def offered(self, row: RewardRun) -> bool:
        return row.state in ("closed", "distributing") and (row.held or row.distribute_at > clock.now())

    def preview(self, row: RewardRun, given: Any) -> list[str]:
        return [f"{format_usd(row.rewards)} go to {row.active} people within minutes."]

    def do(self, row: RewardRun, given: Any, *, staff_id: int, reason: str) -> str:
        services.release(week=row.pk, staff_id=staff_id, reason=reason)
        return "Released. It goes out within minutes."


def _people(pairs: list[list[int]], show: Any) -> str:
    """[[user, figure], ...] as links to the people with their figures."""
    found = {person.user_id: person for person in Person.objects.filter(user_id__in=[user for user, _ in pairs])}
    lines = ((person_link(found[user].pk, found[user].username), show(figure)) for user, figure in pairs if user in found)
    return format_html_join("", "<div>{} · {}</div>", lines) or "nobody"


@admin.register(RewardRun, site=site)
class RewardRunAdmin(ReadOnly):
    list_display = ("week", "state_", "brought", "operations_", "pool_", "active", "each", "stays_", "goes_out")
    list_display_links = ("week",)
    list_filter = ("state", "held")
    ordering = ("-starts_on",)
    staff_actions = (Hold, Release)
    sections_of_page = (
        (None, ("week", "state_", "closed", "goes_out", "people", "rules")),
        ("What it brought", ("revenue_", "costs_", "carried_in_", "brought", "operations_", "to_pool_", "carried_out_")),
        ("What is shared", ("was_there_", "pool_", "active", "rewards_", "stays_", "owed_")),
        ("To look at before it goes out", ("compared", "reasons", "new_accounts", "largest", "circles")),
        ("More", ("digest_", "postings")),
    )

    def narrowed_to(self, person: Person) -> dict[str, str]:
        return {}

    @display(description="Week", ordering="starts_on")
    def week(self, row: RewardRun) -> str:
        return format_html("{} <span class='console-hint'>{}</span>", row.pk, when(row.starts_on))

    @display(description="State", ordering="state", label=STATE_LABELS)
    def state_(self, row: RewardRun) -> str:
        if row.held and row.state in ("closed", "distributing"):
            return "held"
        done = "paid, some owed" if row.owed else "paid"
        return {"closed": "waits for review", "distributing": "going out"}.get(row.state, done)

    @display(description="Closed (UTC)")
    def closed(self, row: RewardRun) -> str:
        return when(row.closed_at)

    @display(description="Goes out (UTC)", ordering="distribute_at")
    def goes_out(self, row: RewardRun) -> str:
        return when(row.distributed_at or row.distribute_at)

    @display(description="People")
    def people(self, row: RewardRun) -> str:
        return link(list_url("reward", week__exact=row.pk), f"{row.payers} who paid somebody, {row.active} of them active")

    @display(description="Rules")
    def rules(self, row: RewardRun) -> str:
        return to("rewardsetting", row.setting_id, "in force when the week began")

    @display(description="Revenue")
    def revenue_(self, row: RewardRun) -> str:
        return money(row.revenue)

    @display(description="Rail costs")
    def costs_(self, row: RewardRun) -> str:
        return money(row.costs)

    @display(description="Carried in")
    def carried_in_(self, row: RewardRun) -> str:
        return money(row.carried_in)

    @display(description="Brought", ordering="net")
    def brought(self, row: RewardRun) -> str:
        return money(row.net)

    @display(description="Operations", ordering="operations")
    def operations_(self, row: RewardRun) -> str:
        return money(row.operations)

    @display(description="To the pool")
    def to_pool_(self, row: RewardRun) -> str:
        return money(row.to_pool)

    @display(description="Carried out")
    def carried_out_(self, row: RewardRun) -> str:
        return money(row.carried_out)

    @display(description="Was there")
    def was_there_(self, row: RewardRun) -> str:
        return money(row.was_there)

    @display(description="Pool", ordering="pool")
    def pool_(self, row: RewardRun) -> str:
        return money(row.pool)

    @display(description="Each")
    def each(self, row: RewardRun) -> str:
        return money(row.rewards // row.active if row.active else 0)

    @display(description="All rewards")
    def rewards_(self, row: RewardRun) -> str:
        return money(row.rewards)

    @display(description="Stays", ordering="stays")
    def stays_(self, row: RewardRun) -> str:
        return money(row.stays)

    @display(description="Owed")
    def owed_(self, row: RewardRun) -> str:
        return money(row.owed)

    @display(description="Than the week before")
    def compared(self, row: RewardRun) -> str:
        before = row.outliers.get("active_before")
        if before is None:
            return "the first week"
        more = row.active - before
        was = format_usd(row.outliers["rewards_before"])
        return f"{abs(more)} {'more' if more >= 0 else 'fewer'} active people; {was} were shared then"

    @display(description="Who paid")
    def reasons(self, row: RewardRun) -> str:
        labels = dict(Reward._meta.get_field("reason").flatchoices)
        counts = sorted(row.outliers.get("reasons", {}).items(), key=lambda item: -item[1])
        return format_html_join("", "<div>{}: {}</div>", ((labels.get(name, name), count) for name, count in counts)) or "nobody"

    @display(description="Accounts of the last two weeks")
    def new_accounts(self, row: RewardRun) -> str:
        return f"{row.outliers.get('new_accounts', 0)} of them get a share"

    @display(description="Largest")
    def largest(self, row: RewardRun) -> str:
        largest = row.outliers.get("largest", [])
        if largest and largest[0][1] * row.active == row.rewards:
            return f"{format_usd(largest[0][1])} for everybody"
        return _people(largest, format_usd)

    @display(description="Payments in circles")
    def circles(self, row: RewardRun) -> str:
        return _people(row.outliers.get("circles", []), lambda count: f"{count} that led back")

    @display(description="Hash of the list")
    def digest_(self, row: RewardRun) -> str:
        return code(row.digest)

    @display(description="Postings of the close")
    def postings(self, row: RewardRun) -> str:
        return link(list_url("transfer", q=str(row.reference)), "in the journal")


# --------------------------------------------------------------------------------------------------------- rewards
class Reverse(Action):
    name, title = "reverse", "Reverse"
    acts = "rewards.reverse"
    reauthenticate = True

    def offered(self, row: Reward) -> bool:
        return row.status == "paid"

    def preview(self, row: Reward, given: Any) -> list[str]:
        return [f"{format_usd(row.amount)} go from @{row.username} back into the pool, and are shared with the next week."]

    def do(self, row: Reward, given: Any, *, staff_id: int, reason: str) -> str:
        cents = services.reverse_reward(week=row.week, person=row.person_id, staff_id=staff_id, reason=reason)
        return f"{format_usd(cents)} are back in the pool."


@admin.register(Reward, site=site)
class RewardAdmin(ReadOnly):
    list_display = ("week", "person", "amount_", "status_", "reason", "payments_")
    list_display_links = ("week",)
    list_filter = ("reason", OfPerson)
    search_help_text = "@username, whole phone, or a week such as 2026-W46"
    search_fields = ("week",)
    ordering = ("-run", "-user_id")
    staff_actions = (Reverse,)
    sections_of_page = (
        (None, ("week", "person", "amount_", "status_", "why", "payments_")),
        ("More", ("run_", "journal")),
    )

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """By week and person, which have indexes; their text together has none."""
        week, _, person = object_id.partition(":")
        return self.get_queryset(request).filter(week=week, person_id=person).first()

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Reward], search_term: str) -> tuple[Any, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        if person := queries.person(term):
            return queryset.filter(user_id=person.user_id), False
        return queryset.filter(week=term.upper()), False

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "week__exact" or super().lookup_allowed(lookup, value, request)

    @display(description="Person")
    def person(self, row: Reward) -> str:
        return person_link(row.person_id, row.username)

    @display(description="Amount", ordering="amount")
    def amount_(self, row: Reward) -> str:
        return money(row.amount)

    @display(description="Status", label=STATUS_LABELS)
    def status_(self, row: Reward) -> str:
        return row.status

    @display(description="Why")
    def why(self, row: Reward) -> str:
        return row.get_reason_display()

    @display(description="Payments")
    def payments_(self, row: Reward) -> str:
        return f"{row.payments}, of which {row.counted} count"

    @display(description="The week")
    def run_(self, row: Reward) -> str:
        return to("rewardrun", row.week)

    @display(description="Posting")
    def journal(self, row: Reward) -> str:
        return to("transfer", row.transfer, "in the journal") if row.status in ("paid", "reversed") else "none"


# --------------------------------------------------------------------------------------------------------- left out
class MarkIneligible(Action):
    """On a person's page."""

    name, title = "ineligible", "Leave out of rewards"
    acts = "rewards.ineligible"

    class form(Form):
        weeks = forms.IntegerField(label="For how many weeks", min_value=1, max_value=520, initial=4)
        told = told_field(example="For example: Most of your payments went in a circle between the same few people.")

    def preview(self, row: Person, given: Any) -> list[str]:
        weeks = given["weeks"]
        return [
            f"@{row.username} gets no share of the next {f'{weeks} weeks' if weeks > 1 else 'week'} to be closed.",
            f"They read: “{told_of(given['told'])}”, until when it holds, and how to have us look again.",
        ]

    def do(self, row: Person, given: Any, *, staff_id: int, reason: str) -> str:
        until = services.mark_ineligible(person=row.pk, **given, staff_id=staff_id, reason=reason)
        return f"Left out. They count again from {until:%d %b %Y}."


class Lift(Action):
    name, title = "lift", "Let them count again"
    acts = "rewards.eligible"

    def offered(self, row: Ineligible) -> bool:
        return row.lifted_at is None

    def preview(self, row: Ineligible, given: Any) -> list[str]:
        return [f"@{row.username} counts again from the next week that is closed. Closed weeks stay as they are."]

    def do(self, row: Ineligible, given: Any, *, staff_id: int, reason: str) -> str:
        services.lift_ineligibility(mark=row.pk, staff_id=staff_id, reason=reason)
        return "Lifted."


@admin.register(Ineligible, site=site)
class IneligibleAdmin(ReadOnly):
    list_display = ("person", "from_", "until_", "reason", "staff", "lifted")
    list_display_links = ("from_",)
    list_filter = (OfPerson,)
    ordering = ("-id",)
    staff_actions = (Lift,)
    sections_of_page = ((None, ("person", "from_", "until_", "reason", "staff", "marked", "lifted")),)

    @display(description="Person")
    def person(self, row: Ineligible) -> str:
        return person_link(row.person_id, row.username)

    @display(description="From the week of", ordering="since")
    def from_(self, row: Ineligible) -> str:
        return when(row.since)

    @display(description="Counts again from", ordering="until")
    def until_(self, row: Ineligible) -> str:
        return when(row.until)

    @display(description="Marked (UTC)")
    def marked(self, row: Ineligible) -> str:
        return when(row.created_at)

    @display(description="Lifted (UTC)")
    def lifted(self, row: Ineligible) -> str:
        return when(row.lifted_at)


# --------------------------------------------------------------------------------------------------------- appeals
class Answer(Action):
    name, title = "answer", "Answer"
    acts = "rewards.answer"
    hint = "The person reads the answer beside their week. The reason below stays with us."

    class form(Form):
        answer = forms.CharField(label="Answer", max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))

    def offered(self, row: Appeal) -> bool:
        return row.answered_at is None

    def preview(self, row: Appeal, given: Any) -> list[str]:
        return [f"@{row.username} reads: “{given['answer']}”"]

    def do(self, row: Appeal, given: Any, *, staff_id: int, reason: str) -> str:
        services.answer_appeal(appeal=row.pk, answer=given["answer"], staff_id=staff_id, reason=reason)
        return "Answered."


@admin.register(Appeal, site=site)
class AppealAdmin(ReadOnly):
    list_display = ("sent", "person", "week_", "message_", "answered")
    list_display_links = ("sent",)
    list_filter = (("answered_at", admin.EmptyFieldListFilter), OfPerson)
    ordering = ("-number",)
    staff_actions = (Answer,)
    sections_of_page = (
        (None, ("person", "week_", "sent", "message")),
        ("Answer", ("answer_", "answered", "staff")),
    )

    @display(description="Sent (UTC)", ordering="number")
    def sent(self, row: Appeal) -> str:
        return when(row.created_at)

    @display(description="Person")
    def person(self, row: Appeal) -> str:
        return person_link(row.person_id, row.username)

    @display(description="Week", ordering="week")
    def week_(self, row: Appeal) -> str:
        of = f"{row.week}:{row.person_id}"
        listed = Reward.objects.filter(week=row.week, person_id=row.person_id).exists()
        if listed:
            return to("reward", of, f"{row.week}, their reward")
        return format_html("{}, paid nobody", to("rewardrun", row.week))

    @display(description="What they say")
    def message_(self, row: Appeal) -> str:
        return row.message if len(row.message) <= 80 else f"{row.message[:79]}…"

    @display(description="Answer")
    def answer_(self, row: Appeal) -> str:
        return plain(row.answer)

    @display(description="Answered (UTC)", ordering="answered_at")
    def answered(self, row: Appeal) -> str:
        return when(row.answered_at)


# --------------------------------------------------------------------------------------------------------- rules
FARTHEST_DAYS = 3660  # ten years ahead somebody has mistyped
_PLAIN = ("in_force_from", "min_age_days", "path_length", "circle_hours", "review_hours", "strategy")


class ChangeRules(Action):
    name, title = "change", "Other rules from a day on"
    acts = "rewards.settings"
    hint = "For weeks that begin on that day or later. Weeks that have begun or are closed keep the rules they began with."

    class form(Form):
        in_force_from = forms.DateField(label="For weeks from", widget=forms.DateInput(attrs={"type": "date"}))
        percent = forms.DecimalField(label="Operators' share, percent", min_value=0, max_value=100, decimal_places=2)
        min_age_days = forms.IntegerField(label="Age of an account at the week's end, days", min_value=0, max_value=366)
        path_length = forms.TypedChoiceField(
            label="Longest way back, payments", choices=[(n, n) for n in (1, 2, 3)], coerce=int
        )
        circle_hours = forms.IntegerField(label="Time for the way back, hours", min_value=1, max_value=168)
        review_hours = forms.IntegerField(label="Time for review, hours", min_value=0, max_value=168)
        strategy = forms.ChoiceField(label="Shared", choices=[(s.name, s.title) for s in STRATEGIES.values()])

    def initial(self, row: Any) -> dict[str, Any]:
        """The rules as they will be, so that one of them can be changed."""
        newest = Setting.objects.order_by("-in_force_from", "-id")[0]
        monday = clock.now().date() + timedelta(days=7 - clock.now().weekday())
        return {
            **{name: getattr(newest, name) for name in _PLAIN},
            "in_force_from": max(monday, newest.in_force_from),
            "percent": newest.operations_share / 100,
        }

    def _setting(self, given: Any) -> Setting:
        return Setting(operations_share=int(given["percent"] * 100), **{name: given[name] for name in _PLAIN})

    def preview(self, row: Any, given: Any) -> list[str]:
        if given["in_force_from"] <= clock.now().date():
            late = "Rules are changed for weeks that have not begun: choose a later day."
            raise ValidationError(fields={"in_force_from": late})
        if given["in_force_from"] > clock.now().date() + timedelta(days=FARTHEST_DAYS):
            raise ValidationError(fields={"in_force_from": "That is too far ahead."})
        monday: date = given["in_force_from"] + timedelta(days=-given["in_force_from"].weekday() % 7)
        rules = self._setting(given)
        return [
            f"From the week of {monday:%d %b %Y} on, the public pages say and the closes do this:",
            words.who_is_active(rules), words.how_it_is_divided(rules), words.when_it_is_paid(rules),
        ]  # fmt: skip

    def do(self, row: Any, given: Any, *, staff_id: int, reason: str) -> str:
        rules = self._setting(given)
        values = {name: getattr(rules, name) for name in ("operations_share", *_PLAIN)}
        services.change_settings(**values, staff_id=staff_id, reason=reason)
        return "Noted. It is in force from that day on."


@admin.register(RewardSetting, site=site)
class RewardSettingAdmin(ReadOnly):
    list_display = (
        "from_", "share", "min_age_days", "path_length", "circle_hours", "review_hours", "strategy", "staff",
    )  # fmt: skip
    list_display_links = ("from_",)
    ordering = ("-in_force_from", "-id")
    list_actions = (ChangeRules,)
    sections_of_page = ((None, ("from_", "in_words", "staff", "reason", "decided")),)

    def narrowed_to(self, person: Person) -> dict[str, str]:
        return {}

    @display(description="For weeks from", ordering="in_force_from")
    def from_(self, row: RewardSetting) -> str:
        return when(row.in_force_from)

    @display(description="Operators' share", ordering="operations_share")
    def share(self, row: RewardSetting) -> str:
        return words.percent(row.operations_share)

    @display(description="In words, as everybody reads them")
    def in_words(self, row: RewardSetting) -> str:
        rules = Setting.objects.get(pk=row.pk)
        said = (words.who_is_active(rules), words.how_it_is_divided(rules), words.when_it_is_paid(rules))
        return format_html_join("", "<p>{}</p>", ((sentence,) for sentence in said))

    @display(description="Decided (UTC)")
    def decided(self, row: RewardSetting) -> str:
        return when(row.created_at)
