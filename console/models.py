"""What the staff's site shows, and how staff get in.

The site reads views (sql/0001_console.sql) and not the rooms' tables: a view says what staff may see of a thing, its
key is the public id, and the database itself leaves out what needs a reason first. None of them can be written.
"""

import time
from typing import Any

from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.db.models import Func
from django_otp.models import Device
from django_otp.oath import TOTP

from console.sealed import SECRET
from core import keyring
from core.money import format_usd
from users.models import User


def real_time() -> Func:
    return Func(function="clock_timestamp", output_field=models.DateTimeField())


# --------------------------------------------------------------------------------------------------- getting in
class Authenticator(Device):
    """A member of staff's authenticator app (TOTP: 6 digits, 30 s). Its secret is encrypted under their data key."""

    # One step either way: clocks of phones are off by less, and people are slow.
    TOLERANCE = 1

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="+")
    secret = models.BinaryField()
    last_step = models.BigIntegerField(default=-1)  # a code is good once

    class Meta:
        default_permissions = ()

    def verify_token(self, token: str) -> bool:
        """Whether this is a code of now that was not used before; remembers that it was."""
        if not (token.isascii() and token.isdigit() and len(token) == 6):
            return False
        totp = TOTP(self.key())
        totp.time = time.time()
        if not totp.verify(int(token), self.TOLERANCE, self.last_step + 1):
            return False
        step = totp.t()
        # Of two requests with one code, one finds the row as it was.
        return bool(Authenticator.objects.filter(pk=self.pk, last_step__lt=step).update(last_step=step))

    def key(self) -> bytes:
        """The shared secret; needs its owner as actor."""
        return bytes.fromhex(keyring.decrypt_for(self.user_id, SECRET, self.user.public_id, self.secret))


class LogInTry(models.Model):
    """Each try to log in, counted before it is judged. Blind indexes only: no e-mail, no address."""

    email_index = models.BinaryField()
    address_index = models.BinaryField()
    at = models.DateTimeField(db_default=real_time())
    succeeded = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["email_index", "at"], name="console_try_email"),
            models.Index(fields=["address_index", "at"], name="console_try_address"),
        ]


class StaffSession(AbstractBaseSession):
    """Sessions of staff, in a table that the public site's role can neither read nor write."""

    objects = BaseSessionManager()  # type: ignore[misc]

    class Meta:
        default_permissions = ()

    @classmethod
    def get_session_store_class(cls) -> Any:
        from console.sessions import SessionStore

        return SessionStore


# ------------------------------------------------------------------------------------------------- what is shown
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


class BankTransfer(Shown):
    STATUSES = ["requested", "queued", "submitted", "unknown", "pending", "settled", "failed", "cancelled", "returned"]

    id = models.TextField(primary_key=True)
    number = models.BigIntegerField()
    user_id = models.BigIntegerField()
    person_id = models.TextField()
    username = models.TextField(null=True)
    kind = models.TextField(choices=[("load", "load"), ("redemption", "redemption")])
    amount = models.BigIntegerField()
    rail = models.TextField()
    status = models.TextField(choices=[(s, s) for s in STATUSES])
    rail_key = models.UUIDField()
    external_id = models.TextField(null=True)
    expected_on = models.DateField("expected")
    due_at = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField()
    failure_code = models.TextField("return code")
    bank_account_id = models.TextField()
    bank = models.TextField()
    created_at = models.DateTimeField("asked for")

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_banktransfer"

    def __str__(self) -> str:
        return f"{self.kind.capitalize()} of {format_usd(self.amount)} for @{self.username}"


class InboxEvent(Shown):
    """What a vendor told us, without what it said: the content is not believed and not shown."""

    id = models.BigIntegerField(primary_key=True)
    provider = models.TextField()
    event_id = models.TextField("event")
    topic = models.TextField()
    received_at = models.DateTimeField("received")
    due_at = models.DateTimeField(null=True)
    processed_at = models.DateTimeField("processed", null=True)
    attempts = models.SmallIntegerField()
    outcome = models.TextField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_inboxevent"

    def __str__(self) -> str:
        return f"{self.provider}: {self.topic}"


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
