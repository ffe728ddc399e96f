"""What custodians say beside what we say, as the site shows it."""

from django.db import models

from banking.reconciliation.rules import KINDS
from console.models.shown import Shown
from core.money import format_usd
from ledger.chart import RESERVES


class Reconciliation(Shown):
    """A custodian's day: what the ledger, our transfers and the custodian say."""

    id = models.BigIntegerField(primary_key=True)
    custodian = models.TextField(choices=[(name, name) for name in RESERVES])
    on = models.DateField("day")
    current = models.BooleanField("the day's last")
    result = models.TextField(choices=[(s, s) for s in ("clean", "accepted", "breaks", "unknown")])
    ran_at = models.DateTimeField("ran")
    ledger = models.BigIntegerField()
    ours = models.BigIntegerField()
    held = models.BigIntegerField(null=True)
    in_transit = models.BigIntegerField()
    items = models.JSONField()
    items_count = models.IntegerField()
    pending = models.JSONField()
    compared = models.BigIntegerField()
    breaks = models.IntegerField()
    breaks_cents = models.BigIntegerField()
    accepted = models.IntegerField()
    accepted_cents = models.BigIntegerField()
    cause = models.TextField()
    statement_id = models.BigIntegerField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_reconciliation"

    def __str__(self) -> str:
        return f"{self.custodian} on {self.on:%d %b %Y}"


class Break(Shown):
    """Something on which ledger, transfers and custodian do not agree."""

    id = models.TextField(primary_key=True)
    number = models.BigIntegerField()
    custodian = models.TextField(choices=[(name, name) for name in RESERVES])
    subject = models.TextField()
    kind = models.TextField(choices=[(kind, kind.replace("_", " ")) for kind in KINDS])
    cents = models.BigIntegerField("difference")
    state = models.TextField(choices=[(s, s) for s in ("open", "resolved", "vanished")])
    facts = models.JSONField()
    first_on = models.DateField("since")
    last_on = models.DateField("last seen")
    first_seen_at = models.DateTimeField("found")
    closed_at = models.DateTimeField("closed", null=True)
    times_opened = models.SmallIntegerField()
    assignee = models.TextField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_break"

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ').capitalize()} at {self.custodian}"


class Statement(Shown):
    """What a custodian said, from its API or in a file."""

    id = models.BigIntegerField(primary_key=True)
    custodian = models.TextField(choices=[(name, name) for name in RESERVES])
    origin = models.TextField(choices=[("rail", "rail"), ("file", "file")])
    name = models.TextField()
    account = models.TextField()
    currency = models.TextField()
    as_of = models.DateField("of", null=True)
    opening = models.BigIntegerField(null=True)
    closing = models.BigIntegerField(null=True)
    faults = models.JSONField()
    taken_at = models.DateTimeField("taken")
    lines = models.BigIntegerField("new lines")

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_statement"

    def __str__(self) -> str:
        return f"Statement of {self.custodian}"


class StatementLine(Shown):
    """One line, or one more step of a line that was known."""

    id = models.BigIntegerField(primary_key=True)
    statement_id = models.BigIntegerField()
    custodian = models.TextField(choices=[(name, name) for name in RESERVES])
    entry = models.TextField()
    state = models.TextField(choices=[(s, s) for s in ("pending", "posted", "failed", "cancelled", "gone")])
    kind = models.TextField(
        choices=[(s, s) for s in ("transfer", "return", "fee", "interest", "capital", "credit", "debit")]
    )  # fmt: skip
    amount = models.BigIntegerField()
    effect = models.BigIntegerField()
    currency = models.TextField()
    on = models.DateField("custodian's day", null=True)
    key = models.UUIDField()
    transfer = models.TextField()
    reference = models.TextField()
    text = models.TextField()
    seen_at = models.DateTimeField("seen")
    bank_transfer = models.TextField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_statementline"
        verbose_name, verbose_name_plural = "statement line", "statement lines"

    def __str__(self) -> str:
        return f"{self.kind.capitalize()} of {format_usd(self.amount)}"
