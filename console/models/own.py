"""What the staff's site keeps of its own: how staff get in, and what they did."""

import time
from typing import Any

from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.db.models import Func
from django_otp.models import Device
from django_otp.oath import TOTP

from console.sealed import SECRET
from core import keyring
from users.models import User


def real_time() -> Func:
    return Func(function="clock_timestamp", output_field=models.DateTimeField())


def step_of(secret: bytes, code: str, *, after: int) -> int | None:
    """The half minute whose code this is, if it is one of about now and comes after that one."""
    if not (code.isascii() and code.isdigit() and len(code) == 6):
        return None
    totp = TOTP(secret)
    totp.time = time.time()
    return totp.t() if totp.verify(int(code), Authenticator.TOLERANCE, after + 1) else None


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
        step = step_of(self.key(), token, after=self.last_step)
        # Of two requests with one code, one finds the row as it was.
        return step is not None and bool(Authenticator.objects.filter(pk=self.pk, last_step__lt=step).update(last_step=step))

    def key(self) -> bytes:
        """The shared secret; needs its owner as actor."""
        return bytes.fromhex(keyring.decrypt_for(self.user_id, SECRET, self.user.public_id, self.secret))


class SecurityKey(Device):
    """A member of staff's security key (WebAuthn): what tells it from others, and nothing secret. console/keys.py checks it."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    credential_id = models.BinaryField(unique=True)
    public_key = models.BinaryField()
    sign_count = models.BigIntegerField(default=0)  # rises with each use, of keys that count
    created_at = models.DateTimeField(db_default=real_time())
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()


class Invitation(models.Model):
    """The link by which a new member, or one whose authenticator was taken away, enrols: good once, for a day. Its hash."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, primary_key=True, related_name="+")
    digest = models.BinaryField(unique=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    expires_at = models.DateTimeField()

    class Meta:
        default_permissions = ()


class KeyChallenge(models.Model):
    """What a security key was asked to sign, until it is used or two minutes old. `bound`: for whom and what, as a hash."""

    challenge = models.BinaryField(primary_key=True)
    bound = models.BinaryField()
    at = models.DateTimeField(db_default=real_time(), db_index=True)

    class Meta:
        default_permissions = ()


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


class ActionRecord(models.Model):
    """Each change by a member of staff. Written by the database's functions for staff alone (sql/0002_actions.sql)."""

    staff = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    action = models.TextField()
    subject = models.TextField()  # the public id of what it was done to
    what = models.TextField()
    reason = models.TextField()
    at = models.DateTimeField(db_default=real_time())

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["subject", "-id"], name="console_action_subject")]
