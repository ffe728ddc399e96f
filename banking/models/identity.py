"""Asking a bank whether its account holder is the person, by the legal name that they typed (Plaid's Identity Match)."""

from django.db import models
from django.db.models import Q

from banking.models.base import PersonsRow
from banking.models.links import BankAccount
from core.ids import new_id


def new_check_id() -> str:
    return new_id("idc")


class IdentityCheck(PersonsRow):
    """One question to one bank. Scores are Plaid's, 0 to 100, null where the bank tells nothing.

    `legal_name` is encrypted under the person's key; `name_index` finds the same question when it is asked again.
    `screened_in` is the newest change of the sanctions list that the name was compared after (0: never), `claimed_until`
    for how long somebody is at it.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        MATCHED = "matched"
        NOT_MATCHED = "not_matched"
        NOT_TOLD = "not_told"  # the bank does not say whose account it is
        UNREACHABLE = "unreachable"  # the login does not work (any more), or nobody answered for days

    public_id = models.TextField(unique=True, default=new_check_id)
    account = models.ForeignKey(BankAccount, on_delete=models.PROTECT, related_name="identity_checks")
    legal_name = models.BinaryField()
    name_index = models.BinaryField()
    status = models.TextField(choices=Status.choices, default=Status.WAITING, db_default=Status.WAITING)
    name_score = models.SmallIntegerField(null=True)
    phone_score = models.SmallIntegerField(null=True)
    outcome = models.TextField(default="", db_default="")  # Plaid's code where it gave no scores
    attempts = models.SmallIntegerField(default=0, db_default=0)
    due_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    screened_in = models.BigIntegerField(db_default=0)
    claimed_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="banking_check_due"),
            models.Index(fields=["screened_in", "id"], name="banking_check_screened"),
            models.Index(fields=["user", "-id"], name="banking_check_person"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(status="waiting"), name="banking_check_one_at_a_time"),
            models.CheckConstraint(
                name="banking_check_scores",
                condition=(Q(name_score=None) | Q(name_score__range=(0, 100)))
                & (Q(phone_score=None) | Q(phone_score__range=(0, 100))),
            ),
            models.CheckConstraint(
                name="banking_check_answered",
                condition=Q(status="waiting", answered_at=None, due_at__isnull=False)
                | Q(
                    status__in=["matched", "not_matched", "not_told", "unreachable"],
                    answered_at__isnull=False, due_at=None,
                ),
            ),
        ]  # fmt: skip
