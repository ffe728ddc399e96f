"""What is attested each day and what it takes to prove it, for ever where the design says so (sql/0002_attestations.sql).

An attestation's row is filled from left to right: frozen, built, signed, published, open. What is set stays as it is, so
that whoever goes on after a crash goes on with the same figures, and a day has one text.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q

from users.models import database_time


class Attestation(models.Model):
    """One day: what was frozen at one instant, the tree's root over it, and when proofs were opened."""

    epoch = models.BigIntegerField(primary_key=True)  # days from 1970-01-01 to the cut's day, in UTC
    instant = models.DateTimeField()  # everything that was posted before it is counted, and nothing else
    ledger_head = models.TextField()
    accounts = models.BigIntegerField()  # never published
    liabilities = models.BigIntegerField()
    receivable = models.BigIntegerField()
    reserve = models.BigIntegerField()
    reserve_asof = models.DateTimeField()
    evidence = models.TextField()  # what the custodians' statements say, in lines; its hash is published
    software = models.TextField()  # sha256 of the published verifier
    corrects = models.BigIntegerField(null=True)
    frozen_at = models.DateTimeField(db_default=database_time(), editable=False)
    depth = models.SmallIntegerField(null=True)
    root = models.TextField(null=True)
    built_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(liabilities__gte=0, receivable__gte=0, reserve__gte=0), name="transparency_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(root=None, depth=None, built_at=None)
                | Q(root__isnull=False, depth__isnull=False, built_at__isnull=False),
                name="transparency_built_whole",
            ),
            models.CheckConstraint(condition=Q(opened_at=None) | Q(root__isnull=False), name="transparency_open_when_built"),
        ]


class Snapshot(models.Model):
    """Who was owed what on a day: 12 bytes per account, sealed under the day's key. From it the tree is built again."""

    epoch = models.BigIntegerField(primary_key=True)
    sealed = models.BinaryField()


class DaySecret(models.Model):
    """The day's key, from which salts, splits and order are made; sealed by the keyring. To delete it unlinks the day."""

    epoch = models.BigIntegerField(unique=True)
    key_cipher = models.BinaryField()


class ChainEntry(models.Model):
    """One signed text of the chain: a day's attestation, or a change of the signing key. It names the one before it."""

    ATTESTATION, KEY = "attestation", "key"

    position = models.BigIntegerField(primary_key=True)  # from 0, without a gap
    kind = models.TextField(choices=[(ATTESTATION, "attestation"), (KEY, "key")])
    epoch = models.BigIntegerField()  # of an attestation; of a key, the day from which on it signs
    note = models.BinaryField()
    digest = models.TextField(unique=True)  # sha256 of the text
    previous = models.TextField(unique=True)
    checkpoint = models.BinaryField()  # the log up to here, signed
    signed_at = models.DateTimeField(db_default=database_time(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["epoch"], condition=Q(kind="attestation"), name="transparency_one_text_per_day"),
            models.CheckConstraint(condition=Q(kind__in=["attestation", "key"]), name="transparency_entry_kind"),
        ]


class Publication(models.Model):
    """An entry of the chain was put in a place where everybody can read it."""

    entry = models.ForeignKey(ChainEntry, on_delete=models.PROTECT, related_name="publications")
    channel = models.TextField()
    place = models.TextField()
    at = models.DateTimeField(db_default=database_time(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entry", "channel"], name="transparency_published_once")]


class SigningKey(models.Model):
    """A key that signs attestations, apart from all others; the newest signs. Retired ones stay, to be checked with."""

    name = models.TextField()
    public = models.BinaryField(unique=True)
    private_cipher = models.BinaryField()
    made_at = models.DateTimeField(db_default=database_time(), editable=False)


class Enrolment(models.Model):
    """A person has made a secret of their own for their leaf; the newest one counts from the next attestation on."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    public_id = models.TextField(unique=True)
    who = models.BinaryField()
    nonce_cipher = models.BinaryField()
    made_at = models.DateTimeField(db_default=database_time(), editable=False)

    class Meta:
        indexes = [models.Index(fields=["user", "-id"], name="transparency_enrolled")]


class Complaint(models.Model):
    """Somebody's proof did not hold. How many a day had is published with it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    epoch = models.BigIntegerField()
    step = models.TextField()
    expected = models.BigIntegerField(null=True)  # what the person says their balance was, in cents
    words = models.TextField(blank=True, default="")
    made_at = models.DateTimeField(db_default=database_time(), editable=False)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "epoch"], name="transparency_complained_once")]
        indexes = [models.Index(fields=["epoch"], name="transparency_complaints")]


class Wish(models.Model):
    """Somebody wants an attestation now, or an old day's tree once more; the worker does it."""

    ATTEST, REBUILD = "attest", "rebuild"

    kind = models.TextField(choices=[(ATTEST, "attest"), (REBUILD, "rebuild")])
    epoch = models.BigIntegerField(null=True)
    asked_at = models.DateTimeField(db_default=database_time(), editable=False)
    done_at = models.DateTimeField(null=True)
    outcome = models.TextField(default="", db_default="")

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(done_at=None), name="transparency_wish_open")]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "epoch"], condition=Q(done_at=None, epoch__isnull=False), name="transparency_wished_once"
            )
        ]
