"""Reads: the rules in force, closed weeks, and what a person sees of them. A person's rows need `with actor(...)`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from core import clock
from core.money import format_usd
from rewards import words
from rewards.errors import NoSuchWeek
from rewards.models import Appeal, Estimate, EstimatedPerson, Ineligibility, Reward, Run, Setting
from rewards.weeks import Week
from users.models import User
from wallets import queries as wallets


def setting_for(week: Week) -> Setting:
    """The rules by which a week is closed: the newest of those in force when it begins."""
    rows = Setting.objects.raw("select * from rewards_setting_for(%s)", [week.monday])
    return next(iter(rows))


def last_run() -> Run | None:
    """The newest week that was closed."""
    return Run.objects.filter(digest__isnull=False).order_by("-starts_on").first()


def last_paid() -> Run | None:
    """The newest week whose rewards are out."""
    return Run.objects.filter(state__in=[Run.State.DISTRIBUTED, Run.State.ANNOUNCED]).order_by("-starts_on").first()


def awaited() -> tuple[Week, datetime] | None:
    """The oldest week that is over and not closed, and when it can be; None where there is none."""
    run = last_run()
    week = Week(run.starts_on).next if run else None
    if week is None or clock.now() < week.end:
        return None
    return week, can_be_closed_at(week)


def can_be_closed_at(week: Week) -> datetime:
    """When the last payment of the week has had its time to lead back to its payer; before that nobody can tell."""
    return week.end + timedelta(hours=setting_for(week).circle_hours)


def active_people() -> int | None:
    """How many were active in the newest closed week; None before the first close."""
    run = last_run()
    return run.active if run else None


def estimate() -> Estimate | None:
    """The running week as it was when it was last worked out; None when that was never, or is a week ago."""
    return Estimate.objects.filter(week=Week.of(clock.now()).name).first()


# ------------------------------------------------------------------------------------------------ a person's
@dataclass(frozen=True)
class PersonsWeek:
    """What a closed week gave a person, and why. `status` is paid, in_review, on_its_way, owed, reversed or nothing."""

    run: Run
    setting: Setting
    status: str
    amount: int
    reason: str
    payments: int
    counted: int
    appeal: Appeal | None

    @property
    def why(self) -> str:
        """In words, where it gave nothing or was taken back; empty where it gave something."""
        if self.status == "reversed":
            return "Our staff took it back. You can ask them why."
        return "" if self.amount else words.why_nothing(self.reason, self.setting)


def _status(run: Run, reward: Reward | None) -> str:
    if reward is None or reward.amount == 0:
        return "nothing"
    if reward.reversed_at:
        return "reversed"
    if reward.user_id <= run.posted_through:
        return "owed" if reward.owed_since and not reward.settled_at else "paid"
    return "in_review" if run.state == Run.State.CLOSED or run.held else "on_its_way"


def _persons(user_id: int, runs: list[Run]) -> list[PersonsWeek]:
    rewards = {row.run_id: row for row in Reward.objects.filter(user_id=user_id, run_id__in=[run.pk for run in runs])}
    appeals = {row.week: row for row in Appeal.objects.filter(user_id=user_id, week__in=[run.week for run in runs])}
    found = []
    for run in runs:
        row = rewards.get(run.pk)
        found.append(
            PersonsWeek(
                run, run.setting, _status(run, row), row.amount if row else 0, row.reason if row else "no_payment",
                row.payments if row else 0, row.counted if row else 0, appeals.get(run.week),
            )
        )  # fmt: skip
    return found


def _runs_of(user_id: int) -> Any:
    """The closed weeks at whose end this person was here. Raises NoActor outside `with actor(...)`."""
    joined = User.objects.values_list("created_at", flat=True).get(pk=user_id)
    first = Week.of(joined).monday
    return Run.objects.filter(digest__isnull=False, starts_on__gte=first).select_related("setting").order_by("-starts_on")


def persons_weeks(user_id: int, *, before: int | None = None, limit: int = 20) -> list[PersonsWeek]:
    """The newest closed weeks below a day (as an ordinal), newest first, one more than `limit`."""
    runs = _runs_of(user_id)
    if before is not None:
        runs = runs.filter(starts_on__lt=date.fromordinal(max(1, min(before, date.max.toordinal()))))
    return _persons(user_id, list(runs[: limit + 1]))


def persons_week(user_id: int, week: Week) -> PersonsWeek:
    """One closed week. Raises NoSuchWeek for one that is not closed, or before this person was here."""
    run = _runs_of(user_id).filter(week=week.name).first()
    if run is None:
        raise NoSuchWeek
    return _persons(user_id, [run])[0]


def persons_year(user_id: int, year: int) -> list[PersonsWeek]:
    """The weeks of an ISO year, oldest first: what the yearly statement lists."""
    runs = _runs_of(user_id).filter(week__startswith=f"{year:04d}-W").order_by("starts_on")
    return _persons(user_id, list(runs))


def years(user_id: int) -> list[int]:
    """The years that there is a statement of, newest first."""
    return sorted({int(week[:4]) for week in _runs_of(user_id).values_list("week", flat=True)}, reverse=True)


@dataclass(frozen=True)
class PersonsEstimate:
    """The running week as it stands for a person: what it may give them, and what is missing where it would give nothing."""

    week: Week
    setting: Setting
    as_of: datetime | None
    pool: int
    active: int
    counts: bool
    share: int
    missing: str


def persons_estimate(user_id: int) -> PersonsEstimate:
    """An estimate, and never more: the week goes on, and so does what others do in it."""
    week = Week.of(clock.now())
    setting, now = setting_for(week), estimate()
    pool, active = (now.pool, now.active) if now else (0, 0)
    counts = now is not None and EstimatedPerson.objects.filter(user_id=user_id, week=week.name).exists()
    missing = "" if counts else _missing(user_id, week, setting)
    return PersonsEstimate(
        week, setting, now.as_of if now else None, pool, active, counts, pool // active if counts and active else 0, missing
    )


def _missing(user_id: int, week: Week, setting: Setting) -> str:
    """What keeps somebody from counting in the running week, as far as it can be told before it is over."""
    R = Reward.Reason
    age = week.end - User.objects.values_list("created_at", flat=True).get(pk=user_id)
    if age.days < setting.min_age_days:
        return f"Your account will be less than {setting.min_age_days} days old when this week ends. Next week it may count."
    if wallets.wallet(user_id).frozen:
        return "Your account is frozen at the moment."
    left_out = Ineligibility.objects.filter(user_id=user_id, since__lte=week.monday, until__gt=week.monday, lifted_at=None)
    if left_out.exists():
        return words.why_nothing(R.INELIGIBLE, setting)
    return "No payment of yours counts yet this week. One to another person is enough, if it does not lead straight back to you."


# ------------------------------------------------------------------------------------------------ for other rooms
def references(transfers: Iterable[UUID]) -> dict[UUID, str]:
    """Which weeks belong to these postings (the actor's own only): "week_2026-W46"."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select rewards_reference(u.reference, r.user_id), u.week from rewards_reward r join rewards_run u on u.id = r.run_id"
            " where r.user_id = core_actor() and rewards_reference(u.reference, r.user_id) = any(%s::uuid[])",
            [[str(transfer) for transfer in transfers]],
        )
        return {UUID(str(transfer)): f"week_{week}" for transfer, week in cursor.fetchall()}


def words_for(user_id: int, kind: str, ref: str) -> dict[str, str] | None:
    """What the person's open pages say when a reward arrives, goes back, or an appeal is answered; ref is the week."""
    url = f"/rewards/{ref}"
    if kind == "appeal_answered":
        return {"text": "Our staff have answered you about your reward.", "url": url}
    reward = Reward.objects.filter(Q(run_id__in=Run.objects.filter(week=ref).values("pk")), user_id=user_id).first()
    if reward is None:
        return None
    if kind == "reward_reversed":
        return {"text": f"Your share of {format_usd(reward.amount)} was taken back.", "url": url}
    return {"text": f"Your weekly share has arrived: {format_usd(reward.amount)}.", "url": url}
