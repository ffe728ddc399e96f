"""Freezes, what staff note about a person, and withdrawals out of a frozen account (sql/0002_freezes.sql)."""

from django.db import models
from django.db.models import Q

from compliance.models.cases import core_now, user_key


class Freeze(models.Model):
    """One reason for which a person's own acts are stopped, from `at` to `ended_at`. The wallet shows the strictest in force.

    `level` is 1 (no sending) or 2 (no sending, no receiving); `reason` is what the person reads. Of a freeze by `manage.py
    freeze_wallet` there is no member of staff.
    """

    class Kind(models.TextChoices):
        STAFF = "staff"
        COMMAND = "command"

    public_id = models.TextField(unique=True)
    user = user_key()
    kind = models.TextField(choices=Kind.choices)
    level = models.SmallIntegerField()
    reason = models.TextField()
    staff = user_key(null=True)
    at = models.DateTimeField(db_default=core_now(), editable=False)
    ended_at = models.DateTimeField(null=True)
    ended_by = user_key(null=True)

    class Meta:
        indexes = [models.Index(fields=["user", "-id"], name="compliance_freeze_person")]
        constraints = [
            # The same once: of two who freeze a person in the same way, the second finds that it is done.
            models.UniqueConstraint(
                fields=["user", "kind", "level"], name="compliance_freeze_once", condition=Q(ended_at=None)
            ),
            models.CheckConstraint(
                name="compliance_freeze_whole",
                condition=Q(level__in=[1, 2], kind__in=["staff", "command"])
                & (Q(kind="command") | Q(staff__isnull=False))
                & (Q(ended_by=None) | Q(ended_at__isnull=False)),
            ),
        ]


class PersonNote(models.Model):
    """What a member of staff wrote about a person, for the others. Rows are only ever added."""

    user = user_key()
    staff = user_key()
    note = models.TextField()
    at = models.DateTimeField(db_default=core_now(), editable=False)

    class Meta:
        indexes = [models.Index(fields=["user", "-id"], name="compliance_note_person")]


class Withdrawal(models.Model):
    """Money that a frozen person wants to have at their bank. `amount` in cents; `transfer` is the redemption it became.

    Asked by the person or by staff, approved or denied by staff; sent by the worker, or failed where it could not go any more.
    """

    class Status(models.TextChoices):
        ASKED = "asked"
        APPROVED = "approved"
        SENT = "sent"
        DENIED = "denied"
        CANCELLED = "cancelled"
        FAILED = "failed"

    OPEN = (Status.ASKED, Status.APPROVED)

    public_id = models.TextField(unique=True)
    user = user_key()
    amount = models.BigIntegerField()
    bank_account = models.TextField()
    status = models.TextField(choices=Status.choices, db_default="asked")
    transfer = models.TextField(null=True)
    told = models.TextField(db_default="")
    started_by = user_key(null=True)
    decided_by = user_key(null=True)
    asked_at = models.DateTimeField(db_default=core_now(), editable=False)
    decided_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "-id"], name="compliance_withdrawal_person"),
            models.Index(fields=["id"], name="compliance_withdrawal_due", condition=Q(status="approved")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["user"], name="compliance_withdrawal_open", condition=Q(status__in=["asked", "approved"])
            ),
            models.CheckConstraint(
                name="compliance_withdrawal_whole",
                condition=Q(amount__gt=0, status__in=["asked", "approved", "sent", "denied", "cancelled", "failed"])
                & (~Q(status__in=["approved", "sent"]) | Q(decided_by__isnull=False))
                & (~Q(status="sent") | Q(transfer__isnull=False)),
            ),
        ]
