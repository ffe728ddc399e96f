"""What is looked after between a person's visits: their logins, whose account it is, and whom to tell when a vendor is back."""

from django.db import models
from django.db.models import Q

from banking.models.base import PersonsRow
from banking.models.links import BankAccount, BankItem


class ItemWatch(PersonsRow):
    """When Plaid is next asked about a login. Not every bank tells when its customer withdraws the permission."""

    item = models.OneToOneField(BankItem, on_delete=models.PROTECT, related_name="watch")
    due_at = models.DateTimeField()
    # Its person is logging in again right now, as far as we know: Plaid sends no message when they are done.
    relinking_until = models.DateTimeField(null=True)
    # The bank will end the login then, unless its person logs in again before.
    relink_by = models.DateField(null=True)

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="banking_watch_due")]


class BankIdentity(PersonsRow):
    """How well the bank's account holder fits our person: Plaid's scores from 0 to 100, null where the bank tells nothing."""

    account = models.OneToOneField(BankAccount, on_delete=models.PROTECT, related_name="identity")
    name_score = models.SmallIntegerField(null=True)
    phone_score = models.SmallIntegerField(null=True)
    due_at = models.DateTimeField(null=True)
    asked_at = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(default=0, db_default=0)
    outcome = models.TextField(default="", db_default="")  # Plaid's code where it gave no scores

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(Q(name_score=None) | Q(name_score__range=(0, 100)))
                & (Q(phone_score=None) | Q(phone_score__range=(0, 100))),
                name="banking_identity_scores",
            )
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="banking_identity_due")]


class OutageNotice(PersonsRow):
    """Somebody wants to be told when a vendor is back. One at a time per person; what was told stays as history."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        SENT = "sent"
        UNKNOWN = "unknown"  # the message may have been sent, so it is not sent again
        FAILED = "failed"

    OPEN = (State.WAITING, State.SENDING)

    provider = models.TextField()
    state = models.TextField(choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "provider"], condition=Q(state__in=["waiting", "sending"]), name="banking_notice_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "sending", "sent", "unknown", "failed"]), name="banking_notice_state"
            ),
        ]
        indexes = [
            models.Index(
                fields=["provider", "due_at"], condition=Q(state__in=["waiting", "sending"]), name="banking_notice_due"
            )
        ]
