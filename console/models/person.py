"""What a person's page shows of freezes, notes, withdrawals and devices."""

from django.db import models

from console.models.shown import Shown
from core.money import format_usd


class Freeze(Shown):
    LEVELS = [(1, "no sending"), (2, "no sending, no receiving")]

    id = models.TextField(primary_key=True)
    number = models.BigIntegerField()
    user_id = models.BigIntegerField()
    person_id = models.TextField()
    username = models.TextField(null=True)
    kind = models.TextField(choices=[("staff", "by staff"), ("command", "by command")])
    level = models.SmallIntegerField(choices=LEVELS)
    reason = models.TextField("told to the person")
    at = models.DateTimeField("since")
    staff = models.TextField(null=True)
    ended_at = models.DateTimeField("ended", null=True)
    ended_by = models.TextField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_freeze"

    def __str__(self) -> str:
        return f"Freeze of @{self.username or self.person_id}"


class Withdrawal(Shown):
    STATUSES = ("asked", "approved", "sent", "denied", "cancelled", "failed")

    id = models.TextField(primary_key=True)
    number = models.BigIntegerField()
    user_id = models.BigIntegerField()
    person_id = models.TextField()
    username = models.TextField(null=True)
    amount = models.BigIntegerField()
    bank_account = models.TextField()
    status = models.TextField(choices=[(status, status) for status in STATUSES])
    transfer = models.TextField(null=True)
    told = models.TextField("told to the person")
    asked_at = models.DateTimeField("asked")
    decided_at = models.DateTimeField("decided", null=True)
    ended_at = models.DateTimeField("ended", null=True)
    started_by = models.TextField(null=True)
    decided_by = models.TextField(null=True)
    bank = models.TextField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_withdrawal"

    def __str__(self) -> str:
        return f"{format_usd(self.amount)} of @{self.username or self.person_id}"


class PersonNote(Shown):
    id = models.BigIntegerField(primary_key=True)
    user_id = models.BigIntegerField()
    note = models.TextField()
    at = models.DateTimeField()
    staff = models.TextField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_personnote"


class PersonDevice(Shown):
    id = models.TextField(primary_key=True)
    number = models.BigIntegerField()
    user_id = models.BigIntegerField()
    name = models.TextField()
    network = models.TextField()
    created_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_device"
