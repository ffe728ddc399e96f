"""People, their money and what staff did, as the site shows them."""

from django.db import models

from core.money import format_usd
from users.models import User


class Shown(models.Model):
    """A row of one of the views."""

    class Meta:
        abstract = True
        managed = False
        default_permissions = ()


class Person(Shown):
    id = models.TextField(primary_key=True)
    user_id = models.BigIntegerField()
    username = models.TextField(null=True)
    display_name = models.TextField(null=True)
    is_active = models.BooleanField()
    default_visibility = models.TextField(null=True, choices=User.VISIBILITIES)
    created_at = models.DateTimeField("since")
    wallet_id = models.TextField(null=True)
    available = models.BigIntegerField(null=True)
    frozen = models.SmallIntegerField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_person"
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return f"@{self.username}" if self.username else self.id


class Wallet(Shown):
    OPEN, NO_SENDING, NEITHER = 0, 1, 2
    STATES = [(OPEN, "open"), (NO_SENDING, "no sending"), (NEITHER, "no sending, no receiving")]

    id = models.TextField(primary_key=True)
    user_id = models.BigIntegerField()
    person_id = models.TextField()
    username = models.TextField(null=True)
    display_name = models.TextField(null=True)
    available = models.BigIntegerField()
    held = models.BigIntegerField()
    owed = models.BigIntegerField()
    pending_in = models.BigIntegerField()
    pending_out = models.BigIntegerField()
    frozen = models.SmallIntegerField("state", choices=STATES)
    frozen_reason = models.TextField()
    account = models.BigIntegerField()
    hold_account = models.BigIntegerField()
    receivable_account = models.BigIntegerField()
    created_at = models.DateTimeField("since")

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_wallet"

    def __str__(self) -> str:
        return f"Wallet of @{self.username}" if self.username else self.id


class Transfer(Shown):
    """A row of the journal. Of a private payment's row the amount and the balances are NULL."""

    id = models.UUIDField(primary_key=True)
    kind = models.TextField()
    amount = models.BigIntegerField(null=True)
    debit_account = models.BigIntegerField()
    debit_name = models.TextField(null=True)
    debit_wallet = models.TextField(null=True)
    debit_version = models.BigIntegerField()
    debit_balance = models.BigIntegerField(null=True)
    credit_account = models.BigIntegerField()
    credit_name = models.TextField(null=True)
    credit_wallet = models.TextField(null=True)
    credit_version = models.BigIntegerField()
    credit_balance = models.BigIntegerField(null=True)
    posted_at = models.DateTimeField("posted")
    group_id = models.UUIDField(null=True)
    reverses = models.UUIDField(null=True)
    payment = models.TextField(null=True)
    bank_transfer = models.TextField(null=True)
    is_private = models.BooleanField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_transfer"
        verbose_name, verbose_name_plural = "journal row", "journal rows"

    def __str__(self) -> str:
        amount = "a private amount" if self.amount is None else format_usd(self.amount)
        return f"{self.kind.replace('_', ' ').capitalize()} of {amount}"


class Payment(Shown):
    """A payment. Amount and note of a private one are NULL here, and shown by `console.services.look_at_payment`."""

    id = models.TextField(primary_key=True)
    number = models.BigIntegerField()
    payer_id = models.BigIntegerField()
    payer = models.TextField()
    payer_name = models.TextField(null=True)
    payee_id = models.BigIntegerField()
    payee = models.TextField()
    payee_name = models.TextField(null=True)
    amount = models.BigIntegerField(null=True)
    note = models.TextField(null=True)
    visibility = models.TextField(choices=[("public", "public"), ("private", "private")])
    status = models.TextField(
        choices=[(s, s.replace("_", " ")) for s in ("completed", "held", "in_review", "denied", "cancelled")]
    )
    transfer = models.UUIDField()
    created_at = models.DateTimeField("when")

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_payment"

    def __str__(self) -> str:
        return f"@{self.payer_name} paid @{self.payee_name}"


class StaffLook(Shown):
    """Each time that a member of staff looked at a private payment."""

    id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField("when")
    staff = models.TextField()
    payment = models.TextField()
    reason = models.TextField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_stafflook"
        verbose_name, verbose_name_plural = "look at a private payment", "looks at private payments"

    def __str__(self) -> str:
        return f"{self.staff} looked at {self.payment}"


class StaffAction(Shown):
    """Each change that a member of staff made."""

    id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField("when")
    staff = models.TextField()
    action = models.TextField()
    subject = models.TextField()
    what = models.TextField()
    reason = models.TextField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_staffaction"
        verbose_name, verbose_name_plural = "action of staff", "actions of staff"

    def __str__(self) -> str:
        return f"{self.staff}: {self.action}"


class OutboxRow(Shown):
    """What is to happen outside the database; ids only."""

    id = models.BigIntegerField(primary_key=True)
    topic = models.TextField()
    payload = models.JSONField()
    created_at = models.DateTimeField("written")
    position = models.BigIntegerField(null=True)
    failed_at = models.DateTimeField("failed", null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "core_outbox"
        verbose_name_plural = "outbox"

    def __str__(self) -> str:
        return f"{self.topic} #{self.id}"
