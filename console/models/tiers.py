"""Documents, tiers, limits and versions of the score, as the site shows them."""

from django.db import models

from compliance.models import Document as Documents
from compliance.models import LimitName, ScoreVersion, Tier, TierChange
from console.models.shown import Shown


class Document(Shown):
    """An identity document; what it holds is opened by its own address alone."""

    id = models.TextField(primary_key=True)
    number = models.BigIntegerField()
    user_id = models.BigIntegerField()
    person_id = models.TextField()
    username = models.TextField(null=True)
    display_name = models.TextField(null=True)
    kind = models.TextField(choices=Documents.Kind.choices)
    media_type = models.TextField()
    pages = models.SmallIntegerField()
    size = models.IntegerField()
    status = models.TextField(choices=Documents.Status.choices)
    created_at = models.DateTimeField("sent")
    decided_at = models.DateTimeField("decided", null=True)
    staff = models.TextField(null=True)
    words = models.TextField()
    removed_at = models.DateTimeField(null=True)
    tier = models.SmallIntegerField(choices=Tier.choices)
    case_id = models.TextField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_document"
        verbose_name, verbose_name_plural = "identity document", "identity documents"

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of @{self.username}" if self.username else self.get_kind_display()


class TierMove(Shown):
    """Somebody's tier changed."""

    id = models.BigIntegerField(primary_key=True)
    user_id = models.BigIntegerField()
    person_id = models.TextField()
    username = models.TextField(null=True)
    before = models.SmallIntegerField("from", choices=Tier.choices)
    after = models.SmallIntegerField("to", choices=Tier.choices)
    cause = models.TextField(choices=TierChange.Cause.choices)
    evidence = models.JSONField()
    staff = models.TextField(null=True)
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_tierchange"
        verbose_name, verbose_name_plural = "change of a tier", "tiers"

    def __str__(self) -> str:
        return f"@{self.username}: {self.get_after_display()}"


class LimitShown(Shown):
    """A limit of a tier: what is in force, and what is staged."""

    id = models.TextField(primary_key=True)
    name = models.TextField(choices=LimitName.choices)
    tier = models.SmallIntegerField(choices=Tier.choices)
    value = models.BigIntegerField(null=True)
    since = models.DateTimeField(null=True)
    staff = models.TextField(null=True)
    reason = models.TextField(null=True)
    next_value = models.BigIntegerField(null=True)
    next_at = models.DateTimeField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_limit"
        verbose_name, verbose_name_plural = "limit", "limits"

    def __str__(self) -> str:
        return f"{self.get_name_display()}, tier {self.get_tier_display().lower()}"


class LimitHistory(Shown):
    id = models.BigIntegerField(primary_key=True)
    limit_id = models.TextField()
    value = models.BigIntegerField(null=True)
    effective_at = models.DateTimeField()
    staff = models.TextField(null=True)
    reason = models.TextField()
    created_at = models.DateTimeField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_limithistory"


class Scoring(Shown):
    """A version of the score."""

    id = models.TextField(primary_key=True)
    number = models.BigIntegerField()
    scorer = models.TextField()
    weights = models.JSONField()
    hold_at = models.SmallIntegerField("holds from")
    deny_at = models.SmallIntegerField("refuses from")
    state = models.TextField(choices=ScoreVersion.State.choices)
    reason = models.TextField()
    staff = models.TextField(null=True)
    created_at = models.DateTimeField("made")

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_scoreversion"
        verbose_name, verbose_name_plural = "version of the score", "versions of the score"

    def __str__(self) -> str:
        return self.id
