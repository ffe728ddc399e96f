"""Weeks and their rewards, as the site shows them."""

from django.db import models

from console.models.shown import Shown
from core.money import format_usd
from rewards.models import Reward as Rewards
from rewards.models import Run
from rewards.strategies import STRATEGIES

_STRATEGIES = [(strategy.name, strategy.title) for strategy in STRATEGIES.values()]


class RewardRun(Shown):
    """A closed week with its totals."""

    id = models.TextField(primary_key=True)
    number = models.BigIntegerField()
    starts_on = models.DateField("week from")
    state = models.TextField(choices=Run.State.choices)
    held = models.BooleanField()
    closed_at = models.DateTimeField("closed")
    distribute_at = models.DateTimeField("goes out")
    distributed_at = models.DateTimeField(null=True)
    revenue = models.BigIntegerField()
    costs = models.BigIntegerField()
    carried_in = models.BigIntegerField()
    net = models.BigIntegerField()
    operations = models.BigIntegerField()
    to_pool = models.BigIntegerField()
    was_there = models.BigIntegerField()
    pool = models.BigIntegerField()
    payers = models.BigIntegerField()
    active = models.BigIntegerField()
    rewards = models.BigIntegerField()
    stays = models.BigIntegerField()
    carried_out = models.BigIntegerField()
    outliers = models.JSONField()
    digest = models.TextField()
    reference = models.UUIDField()
    setting_id = models.BigIntegerField()
    owed = models.BigIntegerField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_rewardrun"
        verbose_name, verbose_name_plural = "week", "weekly rewards"

    def __str__(self) -> str:
        return f"Week {self.id}"


class Reward(Shown):
    """What a week gave somebody who paid in it. Its key is the week and the person: "2026-W46:usr_…"."""

    STATUSES = ("listed", "paid", "owed", "reversed", "nothing")

    id = models.TextField(primary_key=True)
    run = models.BigIntegerField()
    week = models.TextField()
    user_id = models.BigIntegerField()
    person_id = models.TextField()
    username = models.TextField(null=True)
    amount = models.BigIntegerField()
    reason = models.TextField(choices=Rewards.Reason.choices)
    payments = models.BigIntegerField()
    counted = models.BigIntegerField()
    status = models.TextField()
    transfer = models.UUIDField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_reward"

    def __str__(self) -> str:
        return f"{format_usd(self.amount)} to @{self.username} for {self.week}"


class Ineligible(Shown):
    """A person whom staff have left out for some weeks."""

    id = models.BigIntegerField(primary_key=True)
    user_id = models.BigIntegerField()
    person_id = models.TextField()
    username = models.TextField(null=True)
    since = models.DateField()
    until = models.DateField("counts again from")
    reason = models.TextField()
    staff = models.TextField(null=True)
    created_at = models.DateTimeField("marked")
    lifted_at = models.DateTimeField("lifted", null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_ineligible"
        verbose_name, verbose_name_plural = "ineligible person", "ineligible people"

    def __str__(self) -> str:
        return f"@{self.username} until {self.until:%d %b %Y}"


class Appeal(Shown):
    """What somebody says about their week."""

    id = models.TextField(primary_key=True)
    number = models.BigIntegerField()
    user_id = models.BigIntegerField()
    person_id = models.TextField()
    username = models.TextField(null=True)
    week = models.TextField()
    message = models.TextField()
    created_at = models.DateTimeField("sent")
    answer = models.TextField(null=True)
    answered_at = models.DateTimeField("answered", null=True)
    staff = models.TextField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_appeal"

    def __str__(self) -> str:
        return f"@{self.username} about {self.week}"


class RewardSetting(Shown):
    """The rules for weeks that begin on a day or later."""

    id = models.BigIntegerField(primary_key=True)
    in_force_from = models.DateField("in force from")
    operations_share = models.IntegerField()
    min_age_days = models.IntegerField()
    path_length = models.SmallIntegerField()
    circle_hours = models.IntegerField()
    review_hours = models.IntegerField()
    strategy = models.TextField(choices=_STRATEGIES)
    reason = models.TextField()
    staff = models.TextField(null=True)
    created_at = models.DateTimeField("decided")

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_rewardsetting"
        verbose_name, verbose_name_plural = "rules", "rules of the rewards"

    def __str__(self) -> str:
        return f"Rules from {self.in_force_from:%d %b %Y}"
