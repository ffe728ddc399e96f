from django.db import models
from django.db.models.functions import Now

from users.models import User


class Visibility(models.TextChoices):
    PUBLIC = "public"
    PRIVATE = "private"


class Payment(models.Model):
    """Money from one person to another, seen by its two parties. Written by the functions in payments/sql alone.

    Those functions read both people's wallets, whose own keys hold the people: a foreign key here, checked at each
    commit by locking two rows of people that everybody else is locking too, would say nothing new.
    """

    public_id = models.TextField()
    payer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    payee = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    amount = models.BigIntegerField()
    note = models.TextField(db_default="")
    visibility = models.TextField(choices=Visibility.choices)
    status = models.TextField()
    transfer = models.UUIDField(unique=True)
    created_at = models.DateTimeField(db_default=Now())
    decided_at = models.DateTimeField(null=True)  # when a payment that was held was released, denied or cancelled

    class Meta:
        constraints = [
            # Not unique=True: Django would add a second index for LIKE to it, which nobody asks.
            models.UniqueConstraint(fields=["public_id"], name="payment_public_id"),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(condition=~models.Q(payer=models.F("payee")), name="payment_between_two"),
            models.CheckConstraint(
                condition=models.Q(visibility__in=["public", "private"]), name="payment_visibility"
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["completed", "held", "in_review", "denied", "cancelled"]),
                name="payment_status",
            ),
        ]
        indexes = [
            models.Index(fields=["payer", "-id"], name="payment_payer"),
            models.Index(fields=["payee", "-id"], name="payment_payee"),
            models.Index(fields=["id"], name="payment_in_review", condition=models.Q(status="in_review")),
        ]


class FeedItem(models.Model):
    """What everybody may see of a public payment. There is no amount here that could leak.

    `position` is the relay's; a payment that became private keeps its row, emptied, so that whoever was away
    learns that it is gone.
    """

    position = models.BigIntegerField(primary_key=True)
    payment = models.TextField()
    payer = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    payee = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    note = models.TextField()
    created_at = models.DateTimeField()
    removed = models.BigIntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["payment"], name="feeditem_payment")]
        indexes = [
            models.Index(fields=["-position"], name="feeditem_shown", condition=models.Q(removed__isnull=True)),
            models.Index(fields=["removed"], name="feeditem_removed", condition=models.Q(removed__isnull=False)),
        ]


class StaffView(models.Model):
    """Each look of staff at a private payment: who, at what, why, when. Never changed, never deleted."""

    staff_id = models.BigIntegerField()
    payment = models.TextField()
    reason = models.TextField()
    at = models.DateTimeField(db_default=Now())
