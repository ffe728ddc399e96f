"""The sanctions list, who was compared with it, and what came of it (sql/0006_sanctions.sql)."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from compliance.models.cases import Case, core_now, user_key


class SanctionsRun(models.Model):
    """A change of the list, of the scores, or of how names are read, and how far everybody was looked up since.

    `through` is the last person who was; `people` how many, `hits` what was found.
    """

    class Cause(models.TextChoices):
        IMPORT = "import", "Another list"
        SETTING = "setting", "Other scores"
        READING = "reading", "Names are read otherwise"

    cause = models.TextField(choices=Cause.choices)
    entries = models.IntegerField(db_default=0)
    added = models.IntegerField(db_default=0)
    changed = models.IntegerField(db_default=0)
    removed = models.IntegerField(db_default=0)
    through = models.BigIntegerField(db_default=0)
    people = models.BigIntegerField(db_default=0)
    hits = models.IntegerField(db_default=0)
    started_at = models.DateTimeField(db_default=core_now())
    finished_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)


class SanctionsEntry(models.Model):
    """One entry of the list under its number there. `key` changes when its names or its kind do; `digest` with anything."""

    number = models.BigIntegerField(primary_key=True)
    kind = models.TextField()
    name = models.TextField()
    aliases = ArrayField(models.TextField(), db_default=[])
    program = models.TextField(db_default="")
    title = models.TextField(db_default="")
    remarks = models.TextField(db_default="")
    places = ArrayField(models.TextField(), db_default=[])
    key = models.TextField()
    digest = models.TextField()
    changed_in = models.ForeignKey(SanctionsRun, on_delete=models.PROTECT, related_name="+")
    removed_in = models.ForeignKey(SanctionsRun, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)


class SanctionsSetting(models.Model):
    """From what score (of 100) on a name is a hit, and from what on a strong one. Rows are only ever added; the newest counts."""

    threshold = models.SmallIntegerField()
    strong = models.SmallIntegerField()
    reason = models.TextField()
    chosen_by = user_key(null=True)
    created_at = models.DateTimeField(db_default=core_now(), editable=False)


class NameCheck(models.Model):
    """A person's name, to be looked up in the list: due until `checked_at` is set, and meanwhile claimed by who is at it."""

    user = models.OneToOneField("users.User", on_delete=models.PROTECT, primary_key=True, related_name="+")
    asked_at = models.DateTimeField(db_default=core_now())
    checked_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["asked_at"], name="compliance_namecheck_due", condition=Q(checked_at=None))]


class SanctionsHit(models.Model):
    """Somebody's name is like an entry's. Decided once: the same person and entry under the same names never come again.

    `name_key` stands for what the person was called (a keyed hash; without the key in the rows of before), `entry_key` for
    what the entry was; `legal_name` tells that it was found in a legal name, which is kept elsewhere and encrypted; else
    `name` is the display name that was compared. `gone` is one whose entry left the list, or whose score is none any more.
    """

    class State(models.TextChoices):
        OPEN = "open"
        CLEARED = "cleared"
        CONFIRMED = "confirmed"
        GONE = "gone"

    public_id = models.TextField(unique=True)
    user = user_key()
    entry = models.ForeignKey(SanctionsEntry, on_delete=models.PROTECT, related_name="+")
    listed = models.TextField()
    score = models.SmallIntegerField()
    strong = models.BooleanField(db_default=False)
    name_key = models.TextField()
    entry_key = models.TextField()
    legal_name = models.BooleanField(db_default=False)
    name = models.TextField(db_default="")
    state = models.TextField(choices=State.choices, db_default="open")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, related_name="+")
    found_at = models.DateTimeField(db_default=core_now(), editable=False)
    decided_by = user_key(null=True)
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "entry", "name_key", "entry_key"], name="compliance_sanctionshit_once"),
            models.CheckConstraint(
                name="compliance_sanctionshit_state", condition=Q(state__in=["open", "cleared", "confirmed", "gone"])
            ),
        ]


class HitLifting(models.Model):
    """That a confirmed hit was a mistake: one of the staff says so, another decides (sql/0014_second_looks.sql)."""

    hit = models.ForeignKey(SanctionsHit, on_delete=models.PROTECT, related_name="+", db_index=False)
    user = user_key()
    asked_by = user_key()
    asked_at = models.DateTimeField(db_default=core_now(), editable=False)
    decided_by = user_key(null=True)
    decided_at = models.DateTimeField(null=True)
    approved = models.BooleanField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hit"], name="compliance_hitlifting_waits", condition=Q(decided_at=None)),
            models.CheckConstraint(name="compliance_hitlifting_two", condition=Q(decided_by=None) | ~Q(decided_by=F("asked_by"))),
            models.CheckConstraint(
                name="compliance_hitlifting_decided",
                condition=Q(approved=None, decided_by=None, decided_at=None)
                | Q(approved__isnull=False, decided_by__isnull=False, decided_at__isnull=False),
            ),
        ]
