"""Loads and redemptions, their timelines, and which rail serves which of them."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from banking.models.base import PersonsRow, core_now
from banking.models.links import BankAccount


class BankTransfer(PersonsRow):
    """A load (bank to wallet) or a redemption (wallet to bank).

    `rail_key` is our idempotency key and correlation id at the rail, written before the first call: asking again
    always asks for the same transfer. Every ledger reference is derived from it. `due_at` says when somebody must
    look at the row again, whatever became of the message that should have woken them.
    """

    class Kind(models.TextChoices):
        LOAD = "load"
        REDEMPTION = "redemption"

    class Status(models.TextChoices):
        REQUESTED = "requested"
        QUEUED = "queued"
        SUBMITTED = "submitted"
        UNKNOWN = "unknown"
        PENDING = "pending"
        SETTLED = "settled"
        FAILED = "failed"
        CANCELLED = "cancelled"
        RETURNED = "returned"

    OPEN = (Status.REQUESTED, Status.QUEUED, Status.SUBMITTED, Status.UNKNOWN, Status.PENDING)

    class Cancel(models.TextChoices):
        NO = "no"
        ASKED = "asked"
        REFUSED = "refused"  # the rail says that it is too late

    class Review(models.TextChoices):
        NONE = ""
        WAITING = "waiting"  # set aside for its score: no rail hears of it until staff have released it
        RELEASED = "released"
        REFUSED = "refused"

    public_id = models.TextField(unique=True)
    bank_account = models.ForeignKey(BankAccount, on_delete=models.PROTECT, related_name="transfers")
    kind = models.TextField(choices=Kind.choices)
    amount = models.BigIntegerField()
    rail = models.TextField()  # chosen when it is asked for, and never another
    status = models.TextField(choices=Status.choices, default=Status.REQUESTED)
    rail_key = models.UUIDField(unique=True, default=uuid.uuid4)
    external_id = models.TextField(unique=True, null=True)
    expected_on = models.DateField()
    due_at = models.DateTimeField(null=True)
    woken_at = models.DateTimeField(null=True)  # when a sweep last sent a message for it
    attempts = models.SmallIntegerField(default=0)
    failure_code = models.TextField(default="")
    cancel = models.TextField(choices=Cancel.choices, default=Cancel.NO, db_default=Cancel.NO)
    review = models.TextField(choices=Review.choices, default=Review.NONE, db_default=Review.NONE)
    settled_at = models.DateTimeField(null=True)
    # A load that bounced for want of money may be presented again, twice at most (RAILS, section 5).
    represents = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="presented_again", db_index=False)
    presentment = models.SmallIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(cancel__in=["no", "asked", "refused"]), name="banking_transfer_cancel"),
            models.CheckConstraint(
                condition=Q(represents=None, presentment=0) | Q(represents__isnull=False, presentment__in=[1, 2]),
                name="banking_presented_twice_again",
            ),
            models.UniqueConstraint(fields=["represents", "presentment"], name="banking_presented_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="banking_transfer_amount"),
            models.CheckConstraint(condition=Q(kind__in=["load", "redemption"]), name="banking_transfer_kind"),
        ]
        indexes = [
            models.Index(fields=["user", "kind", "-id"], name="banking_transfer_user"),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="banking_transfer_due"),
        ]

    @property
    def is_load(self) -> bool:
        return self.kind == self.Kind.LOAD


class TransferMove(models.Model):
    """The timeline of a transfer: append-only, one row per status."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    transfer = models.ForeignKey(BankTransfer, on_delete=models.PROTECT, related_name="moves")
    status = models.TextField(choices=BankTransfer.Status.choices)
    at = models.DateTimeField(db_default=core_now(), editable=False)
    cause = models.TextField()
    evidence = models.JSONField(default=dict)


class RailChoice(models.Model):
    """Which rail serves the transfers of a kind from then on: the newest row counts, the others are history."""

    kind = models.TextField(choices=BankTransfer.Kind.choices)
    rail = models.TextField()
    chosen_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    at = models.DateTimeField(db_default=core_now(), editable=False)

    class Meta:
        indexes = [models.Index(fields=["kind", "-id"], name="banking_choice_of_kind")]


class LegalMove(models.Model):
    """Which status may follow which; read by a trigger on every change."""

    pk = models.CompositePrimaryKey("from_status", "to_status")
    from_status = models.TextField()
    to_status = models.TextField()
