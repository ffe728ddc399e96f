"""What came back, and what staff put right with the operators' own money."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from banking.models.base import PersonsRow, core_now
from banking.models.transfers import BankTransfer


class Return(PersonsRow):
    """A transfer that came back, and what followed from its code (banking/nacha/codes.py). One per transfer.

    `restricts` says that the person's account waits for staff since; it does until `lifted_at`, and the worker makes the
    wallet follow (`due_at`).
    """

    transfer = models.OneToOneField(BankTransfer, on_delete=models.PROTECT, related_name="came_back")
    code = models.TextField()
    late = models.BooleanField()  # after it had settled
    owed = models.BigIntegerField(default=0)  # cents of it that the person no longer had
    restricts = models.BooleanField(default=False)
    lifted_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(owed__gte=0) & (Q(owed=0) | Q(late=True)), name="banking_owed_when_late"),
            models.CheckConstraint(condition=Q(lifted_at=None) | Q(restricts=True), name="banking_lifted_what_restricts"),
        ]
        indexes = [
            models.Index(fields=["user"], condition=Q(restricts=True, lifted_at=None), name="banking_restricted"),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="banking_return_due"),
            models.Index(fields=["created_at"], name="banking_return_time"),
        ]


class Correction(models.Model):
    """A posting that takes two of the staff, one who asks and another who approves: of the operators' own money, or of
    what only a statement shows (`of_break` is about the line `line_key`).

    The worker posts it under `reference`, once; or says in `refused` why it could not be.
    """

    class Kind(models.TextChoices):
        WRITE_OFF = "write_off"  # loss reserve to what a person owes
        LOSS_RESERVE = "loss_reserve"  # capital to loss reserve
        RAIL_COST = "rail_cost"  # rail costs to the reserve: what a custodian took
        SUSPENSE_FOUND = "suspense_found"  # suspense to the wallet of its owner
        ADJUSTMENT_CREDIT = "adjustment_credit"  # adjustments to a person's wallet
        ADJUSTMENT_DEBIT = "adjustment_debit"  # a person's wallet to adjustments
        ADJUSTMENTS_CAPITAL = "adjustments_capital"  # capital to adjustments
        ADJUSTMENTS_OPERATIONS = "adjustments_operations"  # operations to adjustments

    kind = models.TextField(choices=Kind.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    amount = models.BigIntegerField()
    reference = models.UUIDField(unique=True, default=uuid.uuid4)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(db_default=core_now(), editable=False)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField(null=True)
    approved = models.BooleanField(null=True)
    approved_digest = models.BinaryField(null=True)  # of what was approved: nothing else is posted (sql/0024_adjustments.sql)
    due_at = models.DateTimeField(null=True)
    posted_at = models.DateTimeField(null=True)
    refused = models.TextField(default="", db_default="")
    of_break = models.TextField(null=True)
    line_key = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="banking_correction_amount"),
            models.CheckConstraint(
                condition=Q(kind__in=["write_off", "adjustment_credit", "adjustment_debit"], user__isnull=False, line_key=None)
                | Q(kind__in=["loss_reserve", "adjustments_capital", "adjustments_operations"], user=None, line_key=None)
                | Q(kind="rail_cost", user=None, line_key__isnull=False, of_break__isnull=False)
                | Q(kind="suspense_found", user__isnull=False, line_key__isnull=False, of_break__isnull=False),
                name="banking_correction_kind",
            ),
            models.CheckConstraint(condition=Q(decided_by=None) | ~Q(decided_by=F("asked_by")), name="banking_two_of_the_staff"),
            models.CheckConstraint(
                condition=Q(decided_by=None, approved=None) | Q(decided_by__isnull=False, approved__isnull=False),
                name="banking_correction_decided",
            ),
            models.CheckConstraint(
                condition=Q(posted_at=None) | Q(approved=True, approved__isnull=False), name="banking_posted_when_approved"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="banking_correction_due")]
