"""Weeks, what came of each, and who gets what. The figures of a closed week are never changed (sql/0001_rewards.sql)."""

from django.conf import settings
from django.db import models
from django.db.models import Func, Q

from rewards.strategies import STRATEGIES
from rewards.weeks import Week


def core_now() -> Func:
    return Func(function="core_now", output_field=models.DateTimeField())


class Setting(models.Model):
    """How weeks are closed that begin on `in_force_from` or later, until a later row. Rows are only ever added."""

    in_force_from = models.DateField()
    operations_share = models.IntegerField()  # hundredths of a percent of what a week brought
    min_age_days = models.IntegerField()
    path_length = models.SmallIntegerField()
    circle_hours = models.IntegerField()
    review_hours = models.IntegerField()
    strategy = models.TextField(choices=[(s.name, s.title) for s in STRATEGIES.values()])
    reason = models.TextField()
    chosen_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=core_now(), editable=False)


class Run(models.Model):
    """One week: closed, reviewed, distributed, announced. Amounts in cents.

    `revenue_mark` and `costs_mark` are all that revenue and rail costs ever took in until the week's end; the next week counts
    from there, so that nothing is counted twice or not at all, whatever a clock did. `posted_through` is the last person whose
    reward the distribution has gone past.
    """

    class State(models.TextChoices):
        CLOSED = "closed"
        DISTRIBUTING = "distributing"
        DISTRIBUTED = "distributed"
        ANNOUNCED = "announced"

    week = models.TextField()
    starts_on = models.DateField()
    reference = models.UUIDField()
    setting = models.ForeignKey(Setting, on_delete=models.PROTECT, related_name="+")
    state = models.TextField(choices=State.choices, db_default="closed")
    held = models.BooleanField(db_default=False)
    closed_at = models.DateTimeField(db_default=core_now(), editable=False)
    distribute_at = models.DateTimeField()
    distributed_at = models.DateTimeField(null=True)
    announced_at = models.DateTimeField(null=True)
    revenue_mark = models.BigIntegerField(db_default=0)
    costs_mark = models.BigIntegerField(db_default=0)
    costs_cleared = models.BigIntegerField(db_default=0)
    revenue = models.BigIntegerField(db_default=0)
    costs = models.BigIntegerField(db_default=0)
    carried_in = models.BigIntegerField(db_default=0)
    net = models.BigIntegerField(db_default=0)
    operations = models.BigIntegerField(db_default=0)
    to_pool = models.BigIntegerField(db_default=0)
    was_there = models.BigIntegerField(db_default=0)
    pool = models.BigIntegerField(db_default=0)
    payers = models.BigIntegerField(db_default=0)
    active = models.BigIntegerField(db_default=0)
    rewards = models.BigIntegerField(db_default=0)
    stays = models.BigIntegerField(db_default=0)
    carried_out = models.BigIntegerField(db_default=0)
    outliers = models.JSONField(default=dict, db_default={})
    digest = models.TextField(null=True)
    posted_through = models.BigIntegerField(db_default=0)

    class Meta:
        # The whole of it: a week is closed once, however many try.
        constraints = [models.UniqueConstraint(fields=["week"], name="rewards_run_week")]

    @property
    def when(self) -> Week:
        return Week(self.starts_on)


class Reward(models.Model):
    """A person who paid somebody in a week, and what the week gave them; `amount` is 0 where it gave nothing.

    The payment is found in the journal under `rewards_reference(run, person)`. Only the exceptions are written here later: what
    could not be credited is owed until it is settled, and what was reversed.
    """

    class Reason(models.TextChoices):
        ACTIVE = "active"
        UNVERIFIED = "unverified"
        TOO_YOUNG = "too_young"
        FROZEN = "frozen"
        INELIGIBLE = "ineligible"
        CIRCULAR = "circular"

    pk = models.CompositePrimaryKey("run_id", "user_id")
    # No foreign keys in the database: a million checks of rows that are never deleted, in the minute that counts.
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    account = models.BigIntegerField()
    payments = models.BigIntegerField()
    counted = models.BigIntegerField()
    weight = models.BigIntegerField()
    amount = models.BigIntegerField()
    reason = models.TextField(choices=Reason.choices)
    owed_since = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    reversed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "-run"], name="rewards_reward_person"),
            models.Index(
                fields=["run"], name="rewards_reward_owed", condition=Q(owed_since__isnull=False, settled_at__isnull=True)
            ),
        ]


class Ineligibility(models.Model):
    """A person whom staff have left out for some weeks, and why. `until` is the Monday from which they count again."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    since = models.DateField()
    until = models.DateField()
    reason = models.TextField()
    marked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=core_now(), editable=False)
    lifted_at = models.DateTimeField(null=True)


class Appeal(models.Model):
    """What a person says about a week, once a week, and what staff answered."""

    public_id = models.TextField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    week = models.TextField()
    message = models.TextField()
    created_at = models.DateTimeField(db_default=core_now(), editable=False)
    answer = models.TextField(null=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["public_id"], name="rewards_appeal_public_id"),
            models.UniqueConstraint(fields=["user", "week"], name="rewards_appeal_once"),
            models.CheckConstraint(
                condition=Q(answer__isnull=True, answered_at__isnull=True) | Q(answer__isnull=False, answered_at__isnull=False),
                name="rewards_appeal_answered",
            ),
        ]


class Estimate(models.Model):
    """The running week as it stands, worked out anew every few minutes. Nothing is paid by it."""

    week = models.TextField(primary_key=True)
    as_of = models.DateTimeField()
    revenue = models.BigIntegerField()
    costs = models.BigIntegerField()
    net = models.BigIntegerField()
    operations = models.BigIntegerField()
    pool = models.BigIntegerField()
    active = models.BigIntegerField()


class EstimatedPerson(models.Model):
    """Who would be active if the running week had ended when it was last looked at."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, primary_key=True, related_name="+", db_constraint=False
    )
    week = models.TextField()
