"""Direct NACHA files as the staff's site shows them (sql/0004_nacha.sql): no account number, no content."""

from django.db import models

from console.models.shown import Shown


class NachaFile(Shown):
    STATUSES = ["written", "sent", "acknowledged", "rejected"]

    id = models.TextField(primary_key=True)
    number = models.BigIntegerField()
    name = models.TextField()
    day = models.DateField()
    modifier = models.TextField()
    sha256 = models.TextField("SHA-256")
    size = models.IntegerField("bytes")
    entries = models.IntegerField()
    batches = models.IntegerField()
    same_day = models.IntegerField("same-day entries")
    debits = models.BigIntegerField()
    credits = models.BigIntegerField()
    cost = models.BigIntegerField()
    unbatched_cost = models.BigIntegerField()
    sent_by = models.DateTimeField("cut-off")
    status = models.TextField(choices=[(s, s) for s in STATUSES])
    written_at = models.DateTimeField("written")
    sent_at = models.DateTimeField("sent", null=True)
    answered_at = models.DateTimeField("answered", null=True)
    missed_at = models.DateTimeField(null=True)
    reason = models.TextField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_nachafile"
        verbose_name, verbose_name_plural = "NACHA file", "NACHA files"

    def __str__(self) -> str:
        return self.name


class NachaBatch(Shown):
    id = models.BigIntegerField(primary_key=True)
    file = models.TextField()
    file_name = models.TextField()
    number = models.IntegerField()
    sec = models.TextField()
    direction = models.TextField(choices=[("debit", "debit"), ("credit", "credit")])
    description = models.TextField()
    effective_on = models.DateField("effective")
    same_day = models.BooleanField()
    settles_on = models.DateField("settles", null=True)
    entries = models.IntegerField()
    amount = models.BigIntegerField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_nachabatch"
        verbose_name, verbose_name_plural = "NACHA batch", "NACHA batches"

    def __str__(self) -> str:
        return f"Batch {self.number} of {self.file_name}"


class NachaEntry(Shown):
    STATUSES = ["queued", "filed", "acknowledged", "settled", "returned", "cancelled", "refused"]

    id = models.TextField(primary_key=True)
    number = models.BigIntegerField()
    user_id = models.BigIntegerField()
    purpose = models.TextField(choices=[(p, p) for p in ("transfer", "prenote", "reversal", "retry")])
    sec = models.TextField()
    direction = models.TextField(choices=[("debit", "debit"), ("credit", "credit")])
    amount = models.BigIntegerField()
    routing = models.TextField()
    kind = models.TextField()
    promised_on = models.DateField("promised")
    same_day = models.BooleanField()
    status = models.TextField(choices=[(s, s) for s in STATUSES])
    trace = models.TextField(null=True)
    arrives_on = models.DateField("proven by the statement of", null=True)
    settled_at = models.DateTimeField("settled", null=True)
    return_code = models.TextField()
    returned_at = models.DateTimeField("returned", null=True)
    created_at = models.DateTimeField("handed over")
    batch_id = models.BigIntegerField(null=True)
    file = models.TextField(null=True)
    transfer = models.TextField(null=True)
    untimely = models.BooleanField(null=True)
    receiver = models.TextField("account")
    original = models.TextField(null=True)
    settles_on = models.DateField("settles", null=True)
    reversal = models.TextField(null=True)  # the entry that takes it back, or what became of the wish for one
    reversible = models.BooleanField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_nachaentry"
        verbose_name, verbose_name_plural = "NACHA entry", "NACHA entries"

    def __str__(self) -> str:
        return self.id


class NachaReceiver(Shown):
    """A person's account as our files name it, without its number."""

    id = models.TextField(primary_key=True)
    number = models.BigIntegerField()
    user_id = models.BigIntegerField()
    routing = models.TextField()
    kind = models.TextField(choices=[(k, k) for k in ("checking", "savings")])
    created_at = models.DateTimeField("since")
    removed_at = models.DateTimeField("removed", null=True)
    prenote = models.TextField(null=True)  # the entry of the newest, or what became of the wish for one

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_nachareceiver"
        verbose_name, verbose_name_plural = "account in our files", "accounts in our files"

    def __str__(self) -> str:
        return self.id


class NachaIncoming(Shown):
    id = models.TextField(primary_key=True)
    number = models.BigIntegerField()
    name = models.TextField()
    kind = models.TextField(choices=[(k, k) for k in ("nacha", "acknowledgement", "statement")])
    sha256 = models.TextField("SHA-256")
    size = models.IntegerField("bytes")
    received_at = models.DateTimeField("received")
    processed_at = models.DateTimeField("read", null=True)
    understood = models.IntegerField()
    quarantined = models.IntegerField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_nachaincoming"
        verbose_name, verbose_name_plural = "file from the bank", "files from the bank"

    def __str__(self) -> str:
        return self.name


class NachaLine(Shown):
    """A line of the bank's that nobody acted upon. What it says is opened with its file."""

    id = models.BigIntegerField(primary_key=True)
    incoming = models.TextField()
    file_name = models.TextField()
    line = models.IntegerField()
    position = models.IntegerField()
    reason = models.TextField()
    at = models.DateTimeField("when")
    resolved_at = models.DateTimeField("resolved", null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_nachaline"
        verbose_name, verbose_name_plural = "quarantined line", "quarantined lines"

    def __str__(self) -> str:
        return f"Line {self.line} of {self.file_name}"


class NachaChange(Shown):
    id = models.BigIntegerField(primary_key=True)
    user_id = models.BigIntegerField()
    code = models.TextField()
    fields = models.TextField("corrected")
    due_on = models.DateField("due")
    created_at = models.DateTimeField("when")
    entry = models.TextField()
    incoming = models.TextField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_nachachange"
        verbose_name, verbose_name_plural = "notification of change", "notifications of change"

    def __str__(self) -> str:
        return f"{self.code} about {self.entry}"
