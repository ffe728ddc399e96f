"""Review cases, flags and the sanctions list, as the site shows them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from compliance.models import Case as Cases
from compliance.models import Dispute, Label, Outcome, SanctionsHit, SanctionsRun
from console.models.shown import Shown


class Case(Shown):
    """Something about a person that staff have to look at."""

    id = models.TextField(primary_key=True)
    number = models.BigIntegerField()
    user_id = models.BigIntegerField()
    person_id = models.TextField()
    username = models.TextField(null=True)
    kind = models.TextField()
    kind_title = models.TextField()
    about = models.TextField()
    summary = models.TextField()
    detail = models.JSONField()
    priority = models.SmallIntegerField(choices=Cases.Priority.choices)
    status = models.TextField(choices=Cases.Status.choices)
    assignee_id = models.BigIntegerField(null=True)
    assignee = models.TextField(null=True)
    outcome = models.TextField(null=True, choices=Outcome.choices)
    label = models.TextField(null=True, choices=Label.choices)
    result = models.TextField(null=True)
    signals = models.JSONField()
    created_at = models.DateTimeField("opened")
    due_at = models.DateTimeField("due")
    closed_at = models.DateTimeField("closed", null=True)
    closed_by = models.TextField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_case"

    def __str__(self) -> str:
        return f"{self.kind_title} of @{self.username}" if self.username else self.kind_title

    @property
    def said(self) -> str:
        """What it is about, in words: of a dispute those that the person chose, and not the code of them."""
        reported, _, code = self.summary.partition(": ")
        kinds = {kind.value.replace("_", " "): kind.label for kind in Dispute.Kind}
        return f"{reported}: {kinds[code]}" if self.kind == "dispute" and code in kinds else self.summary


class CaseNote(Shown):
    id = models.BigIntegerField(primary_key=True)
    case_id = models.TextField()
    note = models.TextField()
    at = models.DateTimeField()
    staff = models.TextField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_casenote"


class CaseVerdict(Shown):
    id = models.BigIntegerField(primary_key=True)
    case_id = models.TextField()
    outcome = models.TextField(choices=Outcome.choices)
    label = models.TextField(choices=Label.choices)
    result = models.TextField()
    closed_at = models.DateTimeField()
    staff = models.TextField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_verdict"


class Flag(Shown):
    """What one rule noticed about a person."""

    id = models.TextField(primary_key=True)
    number = models.BigIntegerField()
    user_id = models.BigIntegerField()
    person_id = models.TextField()
    username = models.TextField(null=True)
    rule = models.TextField()
    title = models.TextField()
    weight = models.SmallIntegerField()
    detail = models.JSONField()
    transfer = models.UUIDField(null=True)
    other_id = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    created_at = models.DateTimeField("raised")
    case_id = models.TextField(null=True)
    case_status = models.TextField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_flag"

    def __str__(self) -> str:
        return f"{self.title}: @{self.username}"


class FlagRule(Shown):
    id = models.TextField(primary_key=True)
    title = models.TextField()
    weight = models.SmallIntegerField()
    threshold = models.IntegerField("speaks from")
    minutes = models.IntegerField()
    active = models.BooleanField("on")
    changed_at = models.DateTimeField("changed", null=True)
    staff = models.TextField(null=True)
    lately = models.BigIntegerField("in 30 days")

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_flagrule"
        verbose_name, verbose_name_plural = "rule of flags", "rules of flags"

    def __str__(self) -> str:
        return self.title


class Hit(Shown):
    """Somebody's name is like an entry's of the sanctions list."""

    id = models.TextField(primary_key=True)
    number = models.BigIntegerField()
    user_id = models.BigIntegerField()
    person_id = models.TextField()
    username = models.TextField(null=True)
    display_name = models.TextField(null=True)
    listed = models.TextField()
    score = models.SmallIntegerField()
    strong = models.BooleanField()
    state = models.TextField(choices=SanctionsHit.State.choices)
    found_at = models.DateTimeField("found")
    decided_at = models.DateTimeField("decided", null=True)
    staff = models.TextField(null=True)
    reason = models.TextField()
    case_id = models.TextField(null=True)
    entry = models.BigIntegerField()
    name = models.TextField()
    kind = models.TextField()
    aliases = ArrayField(models.TextField())
    program = models.TextField()
    title = models.TextField()
    remarks = models.TextField()
    places = ArrayField(models.TextField())
    removed = models.BooleanField()
    legal_name = models.BooleanField("found in the legal name")
    compared = models.TextField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_sanctionshit"
        verbose_name, verbose_name_plural = "sanctions hit", "sanctions hits"

    def __str__(self) -> str:
        return f"{self.whose}, like {self.listed}"

    @property
    def found_in(self) -> str:
        return "legal name" if self.legal_name else "name here"

    @property
    def whose(self) -> str:
        """What was found to be like the entry, as it was then. The legal name itself stands only where somebody decides."""
        return f"Legal name of {self.display_name}" if self.legal_name else self.compared or str(self.display_name)

    @property
    def renamed(self) -> str:
        """What they call themselves now, where it is not what was compared."""
        return str(self.display_name) if self.compared not in ("", self.display_name) and not self.legal_name else ""


class HitLifting(Shown):
    """That a confirmed hit is to be taken back: who asked, and what became of it."""

    id = models.BigIntegerField(primary_key=True)
    hit_id = models.TextField()
    asked_by = models.TextField()
    asked_at = models.DateTimeField()
    decided_by = models.TextField(null=True)
    decided_at = models.DateTimeField(null=True)
    approved = models.BooleanField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_hitlifting"


class ListRun(Shown):
    """A change of the sanctions list or of its scores, and how far everybody was looked up since."""

    id = models.BigIntegerField(primary_key=True)
    cause = models.TextField(choices=SanctionsRun.Cause.choices)
    entries = models.IntegerField()
    added = models.IntegerField()
    changed = models.IntegerField()
    removed = models.IntegerField()
    people = models.BigIntegerField()
    hits = models.IntegerField()
    started_at = models.DateTimeField("began")
    finished_at = models.DateTimeField("done", null=True)
    everybody = models.BigIntegerField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_sanctionsrun"
        verbose_name, verbose_name_plural = "change of the sanctions list", "changes of the sanctions list"

    def __str__(self) -> str:
        return f"{self.get_cause_display()} of {self.started_at:%d %b %Y}"
