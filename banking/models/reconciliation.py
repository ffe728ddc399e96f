"""What custodians said, and what came of comparing it with our books. None of it is a person's row: it names ids only."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from banking.models.base import core_now


class Statement(models.Model):
    """What a custodian said at one time: from its API, or in a file that staff imported. History, never changed."""

    class Origin(models.TextChoices):
        RAIL = "rail"
        FILE = "file"

    custodian = models.TextField()
    origin = models.TextField(choices=Origin.choices)
    name = models.TextField(default="")  # the file's
    digest = models.TextField(null=True)  # of a file: the same one again is known
    account = models.TextField(default="")
    currency = models.TextField(default="USD")
    as_of = models.DateField(null=True)  # the custodian's date: evidence
    opening = models.BigIntegerField(null=True)
    closing = models.BigIntegerField(null=True)
    complete = models.BooleanField(default=False)  # has everything since the beginning
    faults = models.JSONField(default=list)
    taken_at = models.DateTimeField(db_default=core_now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["custodian", "digest", "account"], name="banking_statement_once"),
            models.CheckConstraint(condition=Q(origin__in=["rail", "file"]), name="banking_statement_origin"),
        ]
        indexes = [models.Index(fields=["custodian", "-id"], name="banking_statement_newest")]


class StatementLine(models.Model):
    """One line of a statement, or one more step of a line that we knew: what it adds to the custodian's balance.

    `entry` is the custodian's id of it; the same entry has a line for each state that we saw it in, and a `revision` for
    each time the custodian said otherwise than before, or no longer listed it (`gone`). `key` is made of custodian and
    entry: under it the line is booked, once, and found in the journal.
    """

    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="lines")
    custodian = models.TextField()
    entry = models.TextField()
    state = models.TextField()
    revision = models.SmallIntegerField(default=0, db_default=0)
    kind = models.TextField()
    amount = models.BigIntegerField()
    effect = models.BigIntegerField()
    currency = models.TextField(default="USD")
    on = models.DateField(null=True)  # the custodian's date: evidence
    key = models.UUIDField()
    transfer = models.TextField(default="")  # the custodian's id of the transfer it is about
    reference = models.TextField(default="")
    reference_key = models.UUIDField(null=True)  # the reference, where it can be one of our keys
    account_index = models.TextField(default="")  # blind index of the other side's account
    text = models.TextField(default="")
    seen_at = models.DateTimeField(db_default=core_now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["custodian", "entry", "state", "revision"], name="banking_line_revised_once"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "posted", "failed", "cancelled", "gone"]), name="banking_line_state"
            ),
        ]
        indexes = [
            models.Index(fields=["custodian", "seen_at"], name="banking_line_seen"),
            models.Index(fields=["key"], name="banking_line_key"),
            models.Index(fields=["custodian", "entry"], condition=Q(revision__gt=0), name="banking_line_revised"),
        ]


class Reconciliation(models.Model):
    """The result of one custodian's day. A later run of the day supersedes the earlier one, which is kept."""

    class Result(models.TextChoices):
        CLEAN = "clean"
        ACCEPTED = "accepted"  # nothing is open, and not all of what staff resolved is booked
        BREAKS = "breaks"
        UNKNOWN = "unknown"  # the custodian could not be asked

    custodian = models.TextField()
    on = models.DateField()
    current = models.BooleanField(default=True)
    result = models.TextField(choices=Result.choices)
    ran_at = models.DateTimeField(db_default=core_now(), editable=False)
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, null=True, related_name="+")
    ledger = models.BigIntegerField(default=0)  # the reserve account, in cents
    ours = models.BigIntegerField(default=0)  # our settled transfers
    held = models.BigIntegerField(null=True)  # what the custodian says it holds
    in_transit = models.BigIntegerField(default=0)  # how much of ledger - held is on its way
    items = models.JSONField(default=list)  # the items in transit, the largest first
    items_count = models.IntegerField(default=0)
    pending = models.JSONField(default=dict)  # loads and redemptions that nobody has booked yet
    compared = models.BigIntegerField(default=0)  # keys
    breaks = models.IntegerField(default=0)
    breaks_cents = models.BigIntegerField(default=0)
    accepted = models.IntegerField(default=0, db_default=0)  # differences that staff resolved and that are still there
    accepted_cents = models.BigIntegerField(default=0, db_default=0)  # whichever way each of them goes
    cause = models.TextField(default="")  # why it could not be asked

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["custodian", "on"], condition=Q(current=True), name="banking_reconciled_once"),
            models.CheckConstraint(
                condition=Q(result__in=["clean", "accepted", "breaks", "unknown"]), name="banking_reconciled_result"
            ),
        ]


class Break(models.Model):
    """Something on which the sides do not agree. The same one of the next day is the same row."""

    class State(models.TextChoices):
        OPEN = "open"
        RESOLVED = "resolved"  # by staff, with a reason
        VANISHED = "vanished"  # the sides came to agree

    public_id = models.TextField(unique=True)
    custodian = models.TextField()
    subject = models.TextField()  # a transfer's public id, a line's entry, or a journal reference
    kind = models.TextField()
    cents = models.BigIntegerField()  # ledger less custodian
    state = models.TextField(choices=State.choices, default=State.OPEN)
    facts = models.JSONField(default=dict)
    first_on = models.DateField()
    last_on = models.DateField()
    first_seen_at = models.DateTimeField(db_default=core_now(), editable=False)
    closed_at = models.DateTimeField(null=True)
    times_opened = models.SmallIntegerField(default=1)
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["custodian", "subject", "kind"], name="banking_break_once"),
            models.CheckConstraint(condition=Q(state__in=["open", "resolved", "vanished"]), name="banking_break_state"),
        ]
        indexes = [models.Index(fields=["state", "custodian"], name="banking_break_open")]


class ReconciliationWish(models.Model):
    """Staff want a custodian compared now; the worker does it."""

    custodian = models.TextField()
    asked_at = models.DateTimeField(db_default=core_now(), editable=False)
    done_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(done_at__isnull=True), name="banking_wish_open")]
