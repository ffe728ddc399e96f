"""Limits, tiers, scores and what was measured at each movement (sql/0003_screening.sql)."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from compliance.models.cases import core_now, user_key


class Tier(models.IntegerChoices):
    """How well we know somebody; each tier has limits of its own."""

    PHONE = 1, "Phone"
    IDENTITY = 2, "Identity"
    DOCUMENTS = 3, "Documents"


class LimitName(models.TextChoices):
    """Every limit there is. Counts, cents or days, as `UNITS` says."""

    SENDS_PER_HOUR = "sends_per_hour", "Payments in an hour"
    SENDS_PER_DAY = "sends_per_day", "Payments in a day"
    PER_TRANSFER = "per_transfer", "One payment"
    RECIPIENTS_PER_DAY = "recipients_per_day", "Different people in a day"
    LOADS_PER_WEEK = "loads_per_week", "Loads in a week"
    LOADS_WHILE_NEW = "loads_while_new", "Loads in your first days"
    NEW_FOR_DAYS = "new_for_days", "Days for which an account is new"
    DAYS_BEFORE_REDEEMING = "days_before_redeeming", "Days before the first redemption"
    UNSEASONED_REDEEMABLE = "unseasoned_redeemable", "Redemptions from fresh loads"


UNITS = {
    LimitName.SENDS_PER_HOUR: "payments", LimitName.SENDS_PER_DAY: "payments", LimitName.PER_TRANSFER: "cents",
    LimitName.RECIPIENTS_PER_DAY: "people", LimitName.LOADS_PER_WEEK: "cents", LimitName.LOADS_WHILE_NEW: "cents",
    LimitName.NEW_FOR_DAYS: "days", LimitName.DAYS_BEFORE_REDEEMING: "days", LimitName.UNSEASONED_REDEEMABLE: "cents",
}  # fmt: skip


class Limit(models.Model):
    """A limit of a tier from a moment on; the newest that has begun counts, the others are history. NULL: there is none."""

    name = models.TextField(choices=LimitName.choices)
    tier = models.SmallIntegerField(choices=Tier.choices)
    value = models.BigIntegerField(null=True)
    effective_at = models.DateTimeField()
    reason = models.TextField()
    set_by = user_key(null=True)
    created_at = models.DateTimeField(db_default=core_now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(name="compliance_limit_value", condition=Q(value=None) | Q(value__gte=0)),
            models.CheckConstraint(
                name="compliance_limit_known", condition=Q(name__in=LimitName.values, tier__in=Tier.values)
            ),
        ]
        indexes = [models.Index(fields=["name", "tier", "-effective_at", "-id"], name="compliance_limit_in_force")]


class Standing(models.Model):
    """The tier of a person; whoever has no row is in the first."""

    user = models.OneToOneField("users.User", primary_key=True, on_delete=models.PROTECT, related_name="+")
    tier = models.SmallIntegerField(choices=Tier.choices)
    reason = models.TextField()
    since = models.DateTimeField(db_default=core_now(), editable=False)

    class Meta:
        constraints = [models.CheckConstraint(name="compliance_standing_tier", condition=Q(tier__in=Tier.values))]


class ScoreVersion(models.Model):
    """A way to score a movement: signals with weights, or a scorer by name. Never changed once made, but for its state.

    Exactly one is active and decides; a shadow one is computed and kept beside it, and decides nothing.
    """

    class State(models.TextChoices):
        SHADOW = "shadow"
        ACTIVE = "active"
        RETIRED = "retired"

    name = models.TextField(unique=True)
    scorer = models.TextField(db_default="weights")
    weights = models.JSONField()
    hold_at = models.SmallIntegerField()
    deny_at = models.SmallIntegerField()
    state = models.TextField(choices=State.choices, db_default="shadow")
    reason = models.TextField()
    made_by = user_key(null=True)
    created_at = models.DateTimeField(db_default=core_now(), editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="compliance_score_thresholds",
                condition=Q(hold_at__gte=1, hold_at__lte=models.F("deny_at"), deny_at__lte=1001),
            ),
            models.CheckConstraint(name="compliance_score_state", condition=Q(state__in=["shadow", "active", "retired"])),
            models.UniqueConstraint(fields=["state"], name="compliance_score_one_active", condition=Q(state="active")),
        ]


class Assessment(models.Model):
    """What was measured at a movement: its score line by line, and what each shadow version would have said.

    `reference` is the posting of a payment, the rail key of a load or redemption, or a number of its own where nothing
    moved. Kept for labels that come later (Verdict.signals names the same), and never shown to the person.
    """

    class Decision(models.TextChoices):
        PASSED = "passed"
        HELD = "held"
        DENIED = "denied"

    reference = models.UUIDField(primary_key=True)
    # Without constraints: checked at each payment, they would lock two people's rows that the payment does not need.
    user = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    payee = models.ForeignKey(
        "users.User", on_delete=models.PROTECT, null=True, related_name="+", db_index=False, db_constraint=False
    )
    kind = models.TextField()
    amount = models.BigIntegerField()
    decision = models.TextField(choices=Decision.choices)
    score = models.SmallIntegerField()
    version = models.ForeignKey(ScoreVersion, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    signals = models.JSONField()
    shadow = models.JSONField(db_default={})
    at = models.DateTimeField(db_default=core_now(), editable=False)

    class Meta:
        indexes = [BrinIndex(fields=["at"], name="compliance_assessment_at", autosummarize=True)]


class Contact(models.Model):
    """That somebody has paid somebody before; written with their first payment."""

    pk = models.CompositePrimaryKey("user_id", "payee_id")
    user = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    payee = models.ForeignKey("users.User", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    first_at = models.DateTimeField(db_default=core_now(), editable=False)
