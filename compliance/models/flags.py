"""What was noticed about people's movements, and the rules by which (sql/0006_flags.sql)."""

from django.db import models

from compliance.models.cases import Case, core_now, user_key


class FlagRule(models.Model):
    """One rule: how much it weighs (0-100), from what number on it speaks, and within how many minutes."""

    rule = models.TextField(primary_key=True)
    title = models.TextField()
    weight = models.SmallIntegerField()
    threshold = models.IntegerField()
    minutes = models.IntegerField()
    active = models.BooleanField(db_default=True)
    changed_at = models.DateTimeField(null=True)
    changed_by = user_key(null=True)


class Flag(models.Model):
    """One rule about one person, once per window. `detail` explains it: counts, cents and user ids, no names.

    `transfer` is the movement in the journal that it was raised at, `other` who else it is about; `weight` is the rule's then.
    """

    public_id = models.TextField(unique=True)
    user = user_key()
    rule = models.TextField()
    bucket = models.TextField()
    weight = models.SmallIntegerField()
    detail = models.JSONField()
    transfer = models.UUIDField(null=True)
    other = user_key(null=True)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=core_now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "rule", "bucket"], name="compliance_flag_once")]
