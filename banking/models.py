"""Rows of the banking room. What must be true of every row is kept by the database (sql/0001_banking.sql)."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Func, Q

from core.ids import new_id


def core_now() -> Func:
    """The database's own time; the demo loader alone may give it another (core/sql)."""
    return Func(function="core_now", output_field=models.DateTimeField())


def new_item_id() -> str:
    return new_id("itm")


def new_account_id() -> str:
    return new_id("ba")


class PersonsRow(models.Model):
    """A row that belongs to a person, with the time at which it was made."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=core_now(), editable=False)

    class Meta:
        abstract = True


class LinkSession(PersonsRow):
    """One visit to Plaid's hosted page; `state` comes back with the person and must be theirs."""

    state = models.TextField(unique=True)
    link_token = models.BinaryField()
    expires_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)


class BankItem(PersonsRow):
    """A login at a bank, as Plaid calls it. Written before its public token is exchanged, which works only once."""

    class Status(models.TextChoices):
        LINKING = "linking"
        ACTIVE = "active"
        RELINK = "relink"
        REMOVED = "removed"

    public_id = models.TextField(unique=True, default=new_item_id)
    token_index = models.BinaryField()  # blind index of the public token: the same one lands on the same row
    item_id = models.TextField(unique=True, null=True)
    access_token = models.BinaryField(null=True)
    institution_id = models.TextField(default="")
    institution = models.TextField(default="")
    status = models.TextField(choices=Status.choices, default=Status.LINKING)
    claimed_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "token_index"], name="banking_item_once")]


class BankAccount(PersonsRow):
    """An account that the person may load from and redeem to."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        RELINK = "relink"
        REMOVED = "removed"

    public_id = models.TextField(unique=True, default=new_account_id)
    item = models.ForeignKey(BankItem, on_delete=models.PROTECT, related_name="accounts")
    account_id = models.TextField()
    name = models.TextField()
    mask = models.TextField()
    kind = models.TextField(choices=[("checking", "checking"), ("savings", "savings")])
    funding_source = models.BinaryField()  # its id at the rail
    source_index = models.BinaryField()
    status = models.TextField(choices=Status.choices, default=Status.ACTIVE)
    close_due_at = models.DateTimeField(null=True)  # removed here, and still to be told to the vendors

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "source_index"], name="banking_source_once"),
            models.CheckConstraint(condition=Q(kind__in=["checking", "savings"]), name="banking_account_kind"),
            models.CheckConstraint(condition=Q(status__in=["active", "relink", "removed"]), name="banking_account_status"),
        ]
        indexes = [
            models.Index(fields=["close_due_at"], condition=Q(close_due_at__isnull=False), name="banking_close_due"),
        ]


class RailCustomer(PersonsRow):
    """The person as a rail knows them."""

    rail = models.TextField(default="dwolla")
    customer = models.BinaryField()  # their id at the rail

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "rail"], name="banking_customer_once")]


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

    public_id = models.TextField(unique=True)
    bank_account = models.ForeignKey(BankAccount, on_delete=models.PROTECT, related_name="transfers")
    kind = models.TextField(choices=Kind.choices)
    amount = models.BigIntegerField()
    rail = models.TextField(default="dwolla")
    status = models.TextField(choices=Status.choices, default=Status.REQUESTED)
    rail_key = models.UUIDField(unique=True, default=uuid.uuid4)
    external_id = models.TextField(unique=True, null=True)
    expected_on = models.DateField()
    due_at = models.DateTimeField(null=True)
    woken_at = models.DateTimeField(null=True)  # when a sweep last sent a message for it
    attempts = models.SmallIntegerField(default=0)
    failure_code = models.TextField(default="")

    class Meta:
        constraints = [
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


class LegalMove(models.Model):
    """Which status may follow which; read by a trigger on every change."""

    pk = models.CompositePrimaryKey("from_status", "to_status")
    from_status = models.TextField()
    to_status = models.TextField()


class InboxEvent(models.Model):
    """A signed message of a vendor, stored before anything is made of it."""

    provider = models.TextField()
    event_id = models.TextField()
    topic = models.TextField()
    body = models.TextField()
    received_at = models.DateTimeField(db_default=core_now(), editable=False)
    due_at = models.DateTimeField(null=True, db_default=core_now())
    woken_at = models.DateTimeField(null=True)  # when a sweep last sent a message for it
    processed_at = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField(default=0, db_default=0)
    outcome = models.TextField(default="", db_default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="banking_inbox_once")]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="banking_inbox_due")]
