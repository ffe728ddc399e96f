"""How much is known of a person, what proved it, and the documents they sent (sql/0004_tiers.sql)."""

from django.db import models
from django.db.models import Q

from compliance.models.cases import core_now, user_key
from core.ids import new_id


def new_document_id() -> str:
    return new_id("doc")


class Document(models.Model):
    """A picture or PDF that shows who somebody is. What it holds lies elsewhere, sealed (compliance/documents/store.py).

    `digest_index` is a blind index of what was sent: the same file again is the same document. `size` is in bytes.
    """

    class Kind(models.TextChoices):
        PASSPORT = "passport", "Passport"
        DRIVING_LICENCE = "driving_licence", "Driver’s license"
        ID_CARD = "id_card", "ID card"
        RESIDENCE_PERMIT = "residence_permit", "Residence permit"

    class Status(models.TextChoices):
        STORING = "storing"
        WAITING = "waiting"
        ACCEPTED = "accepted"
        REFUSED = "refused"
        ABANDONED = "abandoned"  # it never arrived where it should be kept

    public_id = models.TextField(unique=True, default=new_document_id)
    user = user_key()
    kind = models.TextField(choices=Kind.choices)
    media_type = models.TextField()
    pages = models.SmallIntegerField()
    size = models.IntegerField()
    digest_index = models.BinaryField()
    content_key = models.BinaryField()  # of what is kept, under the person's data key
    status = models.TextField(choices=Status.choices, db_default="storing")
    created_at = models.DateTimeField(db_default=core_now(), editable=False)
    decided_at = models.DateTimeField(null=True)
    decided_by = user_key(null=True)
    words = models.TextField(db_default="")  # what the person was told where it was not accepted
    removed_at = models.DateTimeField(null=True)  # since then there is nothing to look at any more

    class Meta:
        indexes = [models.Index(fields=["user", "-id"], name="compliance_document_person")]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "digest_index"], name="compliance_document_once",
                condition=~Q(status__in=["refused", "abandoned"]),
            ),  # fmt: skip
            models.CheckConstraint(
                name="compliance_document_words",
                condition=Q(kind__in=["passport", "driving_licence", "id_card", "residence_permit"])
                & Q(media_type__in=["image/jpeg", "application/pdf"])
                & Q(status__in=["storing", "waiting", "accepted", "refused", "abandoned"])
                & Q(size__range=(1, 10 * 1024 * 1024)),
            ),
            models.CheckConstraint(
                name="compliance_document_decided",
                condition=Q(status__in=["accepted", "refused"], decided_at__isnull=False, decided_by__isnull=False)
                | Q(status__in=["storing", "waiting", "abandoned"], decided_at=None, decided_by=None),
            ),
        ]


class TierChange(models.Model):
    """Each change of somebody's tier and what caused it. Rows are only ever added.

    `evidence` names what was looked at: scores, which login, which document, when. Never a name or a phone.
    """

    class Cause(models.TextChoices):
        IDENTITY = "identity"
        DOCUMENT = "document"
        STAFF = "staff"

    user = user_key()
    before = models.SmallIntegerField()
    after = models.SmallIntegerField()
    cause = models.TextField(choices=Cause.choices)
    evidence = models.JSONField(db_default={})
    staff = user_key(null=True)
    reason = models.TextField(db_default="")
    at = models.DateTimeField(db_default=core_now(), editable=False)

    class Meta:
        indexes = [models.Index(fields=["user", "-id"], name="compliance_tier_person")]
        constraints = [
            models.CheckConstraint(
                name="compliance_tier_moves",
                condition=Q(before__range=(1, 3)) & Q(after__range=(1, 3)) & ~Q(before=models.F("after"))
                & Q(cause__in=["identity", "document", "staff"]),
            )
        ]  # fmt: skip
