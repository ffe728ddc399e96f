"""Accounts that are being closed, legal holds and periods of retention, as the site shows them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from console.models.shown import Shown
from privacy.models import Closing as Closings
from privacy.services.retention import PERIODS

_PERIODS = [(period.name, period.title) for period in PERIODS]


class Closing(Shown):
    """An account that its person closes, or has closed."""

    id = models.TextField(primary_key=True)
    user_id = models.BigIntegerField()
    person_id = models.TextField()
    username = models.TextField(null=True)
    state = models.TextField(choices=Closings.State.choices)
    waits_for = ArrayField(models.TextField())
    swept = models.BigIntegerField()
    aside = models.BigIntegerField()
    asked_at = models.DateTimeField("asked")
    cancelled_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField("closed", null=True)
    erase_after = models.DateTimeField("erased after", null=True)
    erased_at = models.DateTimeField("erased", null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_closing"
        verbose_name, verbose_name_plural = "closed account", "closed accounts"

    def __str__(self) -> str:
        return f"@{self.username} leaves" if self.username else self.id


class LegalHold(Shown):
    """A person whose data are kept for a court or an authority."""

    id = models.BigIntegerField(primary_key=True)
    user_id = models.BigIntegerField()
    person_id = models.TextField()
    username = models.TextField(null=True)
    reason = models.TextField()
    placed_at = models.DateTimeField("placed")
    staff = models.TextField(null=True)
    lifted_at = models.DateTimeField("lifted", null=True)
    lifted_by = models.TextField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_legalhold"
        verbose_name, verbose_name_plural = "legal hold", "legal holds"

    def __str__(self) -> str:
        return f"Hold on @{self.username}"


class Retention(Shown):
    """How long something is kept from a day on."""

    id = models.BigIntegerField(primary_key=True)
    name = models.TextField(choices=_PERIODS)
    days = models.IntegerField()
    effective_at = models.DateTimeField("in force from")
    reason = models.TextField()
    staff = models.TextField(null=True)
    created_at = models.DateTimeField("decided")
    in_force = models.BooleanField()
    ran_at = models.DateTimeField("job ran", null=True)
    removed = models.BigIntegerField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_retention"
        verbose_name, verbose_name_plural = "period of retention", "periods of retention"

    def __str__(self) -> str:
        return f"{self.get_name_display()}: {self.days} days"
