"""Copies of one's data, accounts that are being closed, legal holds, and how long things are kept (sql/0001_privacy.sql)."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Func, Q

from users.models import User


def core_now() -> Func:
    return Func(function="core_now", output_field=models.DateTimeField())


class Export(models.Model):
    """A copy of what PaYa keeps about a person, made by the worker.

    The file is encrypted under a key of its own, which is sealed in `content_key` under the person's data key. `due_at` says when
    somebody has to look at the row again: to make it, or to remove the file.
    """

    class Status(models.TextChoices):
        REQUESTED = "requested"
        RUNNING = "running"
        READY = "ready"
        EXPIRED = "expired"
        FAILED = "failed"

    UNDER_WAY = (Status.REQUESTED, Status.RUNNING)

    public_id = models.TextField(unique=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    status = models.TextField(choices=Status.choices, db_default=Status.REQUESTED)
    progress = models.SmallIntegerField(db_default=0)  # percent
    attempts = models.SmallIntegerField(db_default=0)
    asked_at = models.DateTimeField(db_default=core_now())
    due_at = models.DateTimeField(null=True)
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    size = models.BigIntegerField(null=True)
    content_key = models.BinaryField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="privacy_export_status", condition=Q(status__in=["requested", "running", "ready", "expired", "failed"])
            ),
            models.CheckConstraint(name="privacy_export_progress", condition=Q(progress__gte=0, progress__lte=100)),
            models.UniqueConstraint(
                fields=["user"], condition=Q(status__in=["requested", "running"]), name="privacy_export_one_at_a_time"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="privacy_export_user"),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="privacy_export_due"),
        ]


class Closing(models.Model):
    """An account that its person closes: open (locked, and waiting for what `waits_for` names), closed, erased; or cancelled."""

    class State(models.TextChoices):
        OPEN = "open"
        CANCELLED = "cancelled"
        CLOSED = "closed"
        ERASED = "erased"

    public_id = models.TextField(unique=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.TextField(choices=State.choices, db_default=State.OPEN)
    waits_for = ArrayField(models.TextField(), db_default=[])
    frozen = models.SmallIntegerField(db_default=0)  # what the wallet would be if it were not closing
    frozen_reason = models.TextField(db_default="")
    swept = models.BigIntegerField(db_default=0)  # cents that were sent to the bank, returned ones included
    aside = models.BigIntegerField(db_default=0)  # cents that no rail carries, in suspense in the person's name
    asked_at = models.DateTimeField(db_default=core_now())
    due_at = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(db_default=0)
    cancelled_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    erase_after = models.DateTimeField(null=True)  # as the clocks stood when somebody last looked
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="privacy_closing_state",
                condition=Q(state="open", closed_at=None, erased_at=None, cancelled_at=None)
                | Q(state="cancelled", closed_at=None, erased_at=None, cancelled_at__isnull=False)
                | Q(state="closed", closed_at__isnull=False, erased_at=None, cancelled_at=None)
                | Q(state="erased", closed_at__isnull=False, erased_at__isnull=False, cancelled_at=None),
            ),
            models.UniqueConstraint(fields=["user"], condition=~Q(state="cancelled"), name="privacy_closing_once"),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="privacy_closing_user"),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="privacy_closing_due"),
        ]


class LegalHold(models.Model):
    """Staff keep a person's data from being erased, while a court or an authority may still ask for them."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.TextField()
    placed_at = models.DateTimeField(db_default=core_now())
    placed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(lifted_at=None), name="privacy_legalhold_once"),
            models.CheckConstraint(
                name="privacy_legalhold_lifted",
                condition=Q(lifted_at=None, lifted_by=None) | Q(lifted_at__isnull=False, lifted_by__isnull=False),
            ),
        ]


class Retention(models.Model):
    """How many days something is kept, from a moment on; the newest row in force counts. `chosen_by` is null for the defaults."""

    name = models.TextField()
    days = models.IntegerField()
    effective_at = models.DateTimeField(db_default=core_now())
    reason = models.TextField()
    chosen_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False, null=True)
    created_at = models.DateTimeField(db_default=core_now())

    class Meta:
        indexes = [models.Index(fields=["name", "-effective_at", "-id"], name="privacy_retention_newest")]


class RetentionRun(models.Model):
    """When the job last went through something, and how many rows have gone since the beginning."""

    name = models.TextField(primary_key=True)
    ran_at = models.DateTimeField(db_default=core_now())
    removed = models.BigIntegerField(db_default=0)
