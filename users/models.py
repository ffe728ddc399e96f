"""People, what everybody may see of them, their devices and tokens, and one-time codes.

What is true of every row is a constraint here, or a trigger or policy in sql/0001_users.sql. Phones and codes
are encrypted (core/keyring); a phone is found by its blind index.
"""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Func, Q

USERNAME_PATTERN = r"^[a-z0-9_]{3,20}$"
NAME_MAX = 50


def database_time() -> Func:
    """The default of every time: the database's clock, or the time the demo loader was given."""
    return Func(function="core_now", output_field=models.DateTimeField())


def real_time() -> Func:
    """The default where no given time is believed: codes are for people who are there now."""
    return Func(function="clock_timestamp", output_field=models.DateTimeField())


class UserManager(BaseUserManager["User"]):
    def create_superuser(self, email: str, password: str, **extra: Any) -> "User":
        """A first member of staff, for `manage.py createsuperuser`; people sign up by phone."""
        from core.ids import new_id

        user = self.model(public_id=new_id("usr"), kind=User.STAFF, email=email.lower(), is_superuser=True, **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """Django's user: a person (found by phone, no password) or staff (email and password, no wallet)."""

    PERSON, STAFF = "person", "staff"
    PUBLIC, PRIVATE = "public", "private"
    VISIBILITIES: ClassVar = [(PUBLIC, "Public"), (PRIVATE, "Private")]

    id = models.BigAutoField(primary_key=True)
    public_id = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=6, choices=[(PERSON, "Person"), (STAFF, "Staff")])
    phone_index = models.BinaryField(unique=True, null=True, editable=False)
    phone_cipher = models.BinaryField(null=True, editable=False)
    email = models.EmailField(unique=True, null=True)
    is_active = models.BooleanField(default=True)
    # Null until the person has chosen: the welcome page pre-selects neither.
    default_visibility = models.CharField(max_length=7, choices=VISIBILITIES, null=True)
    created_at = models.DateTimeField(db_default=database_time())
    # When a person's data were erased; they are nobody since, and their row is what the ledger's accounts belong to.
    erased_at = models.DateTimeField(null=True)

    objects = UserManager()

    EMAIL_FIELD = USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="users_user_person_or_staff",
                condition=Q(
                    kind="person",
                    phone_index__isnull=False,
                    phone_cipher__isnull=False,
                    email__isnull=True,
                    password__startswith="!",
                    is_superuser=False,
                )
                | Q(
                    kind="person",
                    phone_index__isnull=True,
                    phone_cipher__isnull=True,
                    email__isnull=True,
                    password__startswith="!",
                    is_superuser=False,
                    is_active=False,
                    erased_at__isnull=False,
                )
                | Q(kind="staff", email__isnull=False, phone_index__isnull=True, phone_cipher__isnull=True),
            ),
            models.CheckConstraint(
                name="users_user_visibility",
                condition=Q(default_visibility__isnull=True) | Q(default_visibility__in=["public", "private"]),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_staff(self) -> bool:
        return self.kind == self.STAFF


class Profile(models.Model):
    """What everybody may see of a person. It exists from the welcome page on; the username never changes."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, primary_key=True, related_name="profile")
    # Collation C: byte order, so that the unique index also serves look-ups by prefix.
    username = models.CharField(max_length=20, unique=True, db_collation="C")
    display_name = models.CharField(max_length=NAME_MAX)
    created_at = models.DateTimeField(db_default=database_time())

    class Meta:
        constraints = [
            models.CheckConstraint(name="users_profile_username", condition=Q(username__regex=USERNAME_PATTERN)),
            models.CheckConstraint(name="users_profile_name", condition=Q(display_name__regex=r"\S")),
        ]

    def __str__(self) -> str:
        return f"@{self.username}"


class Device(models.Model):
    """What stands behind a page session or a family of tokens; revoking it ends either at once."""

    id = models.BigAutoField(primary_key=True)
    public_id = models.CharField(max_length=40, unique=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="devices")
    name = models.CharField(max_length=60)
    user_agent = models.CharField(max_length=200, blank=True)
    # Where it logged in from, truncated to the network (IPv4 /24, IPv6 /48).
    network = models.CharField(max_length=50, blank=True)
    created_at = models.DateTimeField(db_default=database_time())
    last_seen_at = models.DateTimeField(db_default=database_time())
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.public_id


class RefreshToken(models.Model):
    """One link of a family's chain. Only hashes are kept; a used token names the child that replaced it."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="tokens")
    parent = models.OneToOneField("self", on_delete=models.CASCADE, null=True, related_name="child")
    token_hash = models.BinaryField(unique=True)
    created_at = models.DateTimeField(db_default=database_time())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="users_refreshtoken_expires")]


class Challenge(models.Model):
    """One code, one challenge, one budget: the code, its tries, and the SMS that carry it.

    Sealed: the web role reaches it only through the functions in sql/0001_users.sql, so that no bug in a view
    can list phones or codes. `code_cipher` is there as long as the code may still have to be sent (again): it is
    wiped once it was used, tried out or has expired.
    """

    QUEUED, SENDING, SENT, UNKNOWN, FAILED = "queued", "sending", "sent", "unknown", "failed"

    class Purpose(models.TextChoices):
        LOG_IN = "log_in", "To log in"
        CLOSE = "close", "To close the account"

    id = models.BigAutoField(primary_key=True)
    public_id = models.CharField(max_length=40, unique=True)
    purpose = models.CharField(max_length=10, choices=Purpose.choices, db_default=Purpose.LOG_IN.value)
    phone_index = models.BinaryField()
    phone_cipher = models.BinaryField()
    code_hash = models.BinaryField()
    code_cipher = models.BinaryField(null=True)
    block_index = models.BinaryField()
    address_index = models.BinaryField()
    created_at = models.DateTimeField(db_default=real_time())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(db_default=0)
    # How often its SMS was asked for, and when last; a provider's outage adds attempts, not sends.
    sends = models.PositiveSmallIntegerField(db_default=1)
    asked_at = models.DateTimeField(db_default=real_time())
    sms_state = models.CharField(max_length=7, db_default=QUEUED)
    due_at = models.DateTimeField(db_default=real_time())
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(db_default=0)
    provider = models.CharField(max_length=20, blank=True, db_default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="users_challenge_sms_state",
                condition=Q(sms_state__in=["queued", "sending", "sent", "unknown", "failed"]),
            ),
            models.CheckConstraint(
                name="users_challenge_used_is_wiped",
                condition=Q(used_at__isnull=True) | Q(code_cipher__isnull=True),
            ),
            models.CheckConstraint(name="users_challenge_purpose", condition=Q(purpose__in=["log_in", "close"])),
        ]
        indexes = [
            models.Index(fields=["phone_index", "created_at"], name="users_challenge_phone"),
            models.Index(fields=["block_index", "created_at"], name="users_challenge_block"),
            models.Index(fields=["address_index", "created_at"], name="users_challenge_address"),
            models.Index(fields=["created_at"], name="users_challenge_created"),
            models.Index(
                fields=["due_at"],
                name="users_challenge_waiting",
                condition=Q(sms_state__in=["queued", "sending"]),
            ),
            models.Index(
                fields=["expires_at"],
                name="users_challenge_unwiped",
                condition=Q(code_cipher__isnull=False),
            ),
        ]


class Acceptance(models.Model):
    """That a person accepted a version of a document. Rows are only ever added."""

    class How(models.TextChoices):
        SIGN_UP = "sign_up", "At sign-up"
        AGAIN = "again", "When there was another version"

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    document = models.TextField(choices=[("terms", "Terms of service"), ("privacy", "Privacy notice")])
    version = models.TextField()
    digest = models.TextField()  # SHA-256 of the text that was accepted
    how = models.TextField(choices=How.choices)
    accepted_at = models.DateTimeField(db_default=database_time())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "document", "version"], name="users_acceptance_once"),
            models.CheckConstraint(name="users_acceptance_document", condition=Q(document__in=["terms", "privacy"])),
            models.CheckConstraint(name="users_acceptance_how", condition=Q(how__in=["sign_up", "again"])),
        ]


class FormerName(models.Model):
    """The blind index of a @username whose person was erased: it is never given to anybody else."""

    name_index = models.BinaryField(primary_key=True)
