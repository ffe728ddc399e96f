"""Review cases, what staff note on them, and what they decide (sql/0001_cases.sql)."""

from django.conf import settings
from django.db import models
from django.db.models import Func, Q


def core_now() -> Func:
    return Func(function="core_now", output_field=models.DateTimeField())


def user_key(null: bool = False) -> "models.ForeignKey[models.Model, models.Model]":
    return models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=null, related_name="+", db_index=False)


class Outcome(models.TextChoices):
    """What was done about it."""

    NO_ACTION = "no_action"
    WATCHED = "watched"
    RESTRICTED = "restricted"
    RELEASED = "released"
    DENIED = "denied"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"
    CLEARED = "cleared"
    CONFIRMED = "confirmed"
    REPORTED = "reported"


class Label(models.TextChoices):
    """What it turned out to be: what a model can be trained on later."""

    LEGITIMATE = "legitimate"
    FALSE_POSITIVE = "false_positive"
    FRAUD = "fraud"
    SCAM = "scam", "Scam (the person was deceived)"
    MULE = "mule", "Money mule"
    TAKEOVER = "takeover", "Account takeover"
    ABUSE = "abuse"
    SANCTIONED = "sanctioned"
    UNCLEAR = "unclear"


class Case(models.Model):
    """Something about a person that staff have to look at. `priority` 1 is high, 3 low.

    `about` is the public id of what it is about, or empty where it is about the person. `signals` is what was measured when it
    was opened; `outcome`, `label` and `result` are those of the last close, of which `Verdict` keeps all.
    """

    class Status(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"

    class Priority(models.IntegerChoices):
        HIGH = 1
        USUAL = 2
        LOW = 3

    public_id = models.TextField(unique=True)
    user = user_key()
    kind = models.TextField()
    about = models.TextField(db_default="")
    summary = models.TextField()
    detail = models.JSONField(db_default={})
    priority = models.SmallIntegerField(choices=Priority.choices, db_default=2)
    status = models.TextField(choices=Status.choices, db_default="open")
    assignee = user_key(null=True)
    outcome = models.TextField(null=True, choices=Outcome.choices)
    label = models.TextField(null=True, choices=Label.choices)
    result = models.TextField(null=True)
    signals = models.JSONField(db_default={})
    created_at = models.DateTimeField(db_default=core_now(), editable=False)
    due_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = user_key(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["priority", "due_at"], name="compliance_case_queue", condition=Q(status="open")),
            models.Index(fields=["user", "-id"], name="compliance_case_person"),
        ]
        constraints = [
            # One open case about one thing, however many causes and workers.
            models.UniqueConstraint(fields=["user", "kind", "about"], name="compliance_case_open", condition=Q(status="open")),
            models.CheckConstraint(name="compliance_case_priority", condition=Q(priority__in=[1, 2, 3])),
            models.CheckConstraint(
                name="compliance_case_ended",
                condition=Q(status="open", outcome=None, label=None, result=None, closed_at=None, closed_by=None)
                | Q(
                    status="closed", outcome__in=Outcome.values, label__in=Label.values,
                    result__isnull=False, closed_at__isnull=False,
                ),  # fmt: skip
            ),
        ]


class Verdict(models.Model):
    """What a case was closed with, each time, beside the signals of its time. Rows are only ever added."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="+")
    user = user_key()
    kind = models.TextField()
    outcome = models.TextField(choices=Outcome.choices)
    label = models.TextField(choices=Label.choices)
    result = models.TextField()
    signals = models.JSONField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(db_default=core_now(), editable=False)
    staff = user_key(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="compliance_verdict_words", condition=Q(outcome__in=Outcome.values, label__in=Label.values)
            )
        ]


class CaseNote(models.Model):
    """What a member of staff wrote on a case."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="+", db_index=False)
    user = user_key()
    staff = user_key()
    note = models.TextField()
    at = models.DateTimeField(db_default=core_now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint("case", "staff", Func("note", function="md5"), name="compliance_casenote_once"),
        ]
