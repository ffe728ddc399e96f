"""Direct NACHA files: who is paid or debited, entries, batches and files, and what the bank sent back.

What must be true of them is kept by the database (sql/): an entry is in at most one file, trace numbers
ascend and never repeat, and a file that was sent is neither changed nor sent again.
"""

from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q

from banking.models.base import PersonsRow, core_now
from banking.nacha.model import Account, Direction, Sec
from core.ids import new_id


def new_receiver_id() -> str:
    return new_id("nr")


def new_entry_id() -> str:
    return new_id("ach")


def new_file_id() -> str:
    return new_id("nf")


def new_incoming_id() -> str:
    return new_id("ni")


class NachaReceiver(PersonsRow):
    """A person's bank account as our files name it. A notification of change corrects it for later entries."""

    public_id = models.TextField(unique=True, default=new_receiver_id)
    linked_index = models.BinaryField()  # blind index of the numbers as they were linked
    routing = models.TextField()
    account = models.BinaryField()
    kind = models.TextField(choices=[(kind.value, kind.value) for kind in Account])
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "linked_index"], name="banking_nacha_receiver_once")]


class NachaCounter(models.Model):
    """What was last handed out under the first eight digits of our bank's routing number. Never goes down."""

    odfi = models.TextField(primary_key=True)
    trace = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(trace__gte=0, trace__lte=9_999_999), name="banking_nacha_traces")]


class NachaFile(models.Model):
    """A file as it was written and checked. `content` is encrypted; what it is, `sha256` says."""

    class Status(models.TextChoices):
        WRITTEN = "written"
        SENT = "sent"
        ACKNOWLEDGED = "acknowledged"
        REJECTED = "rejected"

    public_id = models.TextField(unique=True, default=new_file_id)
    odfi = models.TextField()
    name = models.TextField(unique=True)
    day = models.DateField()
    modifier = models.TextField()
    content = models.BinaryField()
    sha256 = models.TextField(unique=True)
    size = models.IntegerField()
    entries = models.IntegerField()
    batches = models.IntegerField()
    same_day = models.IntegerField()  # entries
    debits = models.BigIntegerField()
    credits = models.BigIntegerField()
    cost = models.BigIntegerField()  # cents, by our bank's fees
    unbatched_cost = models.BigIntegerField()
    sent_by = models.DateTimeField()  # the cut-off that it was written for
    status = models.TextField(choices=Status.choices, default=Status.WRITTEN)
    written_at = models.DateTimeField(db_default=core_now(), editable=False)
    sent_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    missed_at = models.DateTimeField(null=True)  # when its acknowledgement was missed
    reason = models.TextField(default="", db_default="")  # of a rejection

    class Meta:
        constraints = [models.UniqueConstraint(fields=["odfi", "day", "modifier"], name="banking_nacha_file_modifier")]


class NachaBatch(models.Model):
    file = models.ForeignKey(NachaFile, on_delete=models.PROTECT, related_name="parts")
    number = models.IntegerField()
    sec = models.TextField(choices=[(sec.value, sec.value) for sec in Sec])
    direction = models.TextField(choices=[(direction.value, direction.value) for direction in Direction])
    description = models.TextField()
    effective_on = models.DateField()
    same_day = models.BooleanField()
    entries = models.IntegerField()
    amount = models.BigIntegerField()  # cents
    settles_on = models.DateField(null=True)  # as the bank said

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="banking_nacha_batch_number")]


class NachaEntry(PersonsRow):
    """One movement between us and a bank account, under our own key. Amounts are cents."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        FILED = "filed"
        ACKNOWLEDGED = "acknowledged"
        SETTLED = "settled"
        RETURNED = "returned"
        CANCELLED = "cancelled"
        REFUSED = "refused"  # in a file that the bank rejected, and given up

    class Purpose(models.TextChoices):
        TRANSFER = "transfer"
        PRENOTE = "prenote"
        REVERSAL = "reversal"
        RETRY = "retry"

    public_id = models.TextField(unique=True, default=new_entry_id)
    key = models.UUIDField(unique=True)
    receiver = models.ForeignKey(NachaReceiver, on_delete=models.PROTECT, related_name="entries")
    purpose = models.TextField(choices=Purpose.choices, default=Purpose.TRANSFER)
    original = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="followers")
    sec = models.TextField(choices=[(sec.value, sec.value) for sec in Sec])
    direction = models.TextField(choices=[(direction.value, direction.value) for direction in Direction])
    amount = models.BigIntegerField()
    routing = models.TextField()
    account = models.BinaryField()
    kind = models.TextField(choices=[(kind.value, kind.value) for kind in Account])
    promised_on = models.DateField()
    same_day = models.BooleanField(default=False)
    status = models.TextField(choices=Status.choices, default=Status.QUEUED)
    batch = models.ForeignKey(NachaBatch, on_delete=models.PROTECT, null=True, related_name="rows")
    trace = models.TextField(unique=True, null=True)
    arrives_on = models.DateField(null=True)  # the day whose statement proves that it arrived
    settled_at = models.DateTimeField(null=True)
    return_code = models.TextField(default="", db_default="")
    returned_at = models.DateTimeField(null=True)
    news = models.BooleanField(default=False, db_default=False)  # of which its transfer has not heard yet

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(purpose="prenote", amount=0) | (~Q(purpose="prenote") & Q(amount__gt=0)), name="banking_nacha_amount"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "cancelled"], batch=None, trace=None)
                | (~Q(status__in=["queued", "cancelled"]) & Q(batch__isnull=False, trace__isnull=False)),
                name="banking_nacha_filed",
            ),
        ]
        indexes = [
            models.Index(fields=["promised_on", "id"], condition=Q(status="queued"), name="banking_nacha_queue"),
            models.Index(fields=["arrives_on"], condition=Q(status="acknowledged"), name="banking_nacha_arriving"),
            models.Index(fields=["id"], condition=Q(news=True), name="banking_nacha_news"),
        ]


class NachaOrder(PersonsRow):
    """That staff want a prenote or a reversal sent. The worker makes the entry, or keeps why there is none."""

    class Kind(models.TextChoices):
        PRENOTE = "prenote"
        REVERSAL = "reversal"

    kind = models.TextField(choices=Kind.choices)
    key = models.UUIDField(unique=True, default=uuid4)  # of a prenote's entry
    receiver = models.ForeignKey(NachaReceiver, on_delete=models.PROTECT, related_name="+")
    direction = models.TextField(choices=[(direction.value, direction.value) for direction in Direction])
    original = models.ForeignKey(NachaEntry, on_delete=models.PROTECT, null=True, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    due_at = models.DateTimeField(null=True)
    entry = models.OneToOneField(NachaEntry, on_delete=models.PROTECT, null=True, related_name="+")
    refused = models.TextField(default="", db_default="")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="prenote", original=None) | Q(kind="reversal", original__isnull=False),
                name="banking_nacha_order_of",
            ),
            models.UniqueConstraint(
                fields=["original"], condition=Q(original__isnull=False, refused=""), name="banking_nacha_reversed_once"
            ),
            models.UniqueConstraint(
                fields=["receiver"], condition=Q(kind="prenote", due_at__isnull=False), name="banking_nacha_one_prenote"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="banking_nacha_orders")]


class NachaIncoming(models.Model):
    """A file that the bank sent, kept before anything is made of it; the same bytes again are the same row."""

    class Kind(models.TextChoices):
        NACHA = "nacha"
        ACKNOWLEDGEMENT = "acknowledgement"
        STATEMENT = "statement"

    public_id = models.TextField(unique=True, default=new_incoming_id)
    sha256 = models.TextField(unique=True)
    name = models.TextField()
    kind = models.TextField(choices=Kind.choices)
    content = models.BinaryField()
    size = models.IntegerField()
    received_at = models.DateTimeField(db_default=core_now(), editable=False)
    processed_at = models.DateTimeField(null=True)
    understood = models.IntegerField(default=0, db_default=0)
    quarantined = models.IntegerField(default=0, db_default=0)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(processed_at=None), name="banking_nacha_unread")]


class NachaQuarantine(models.Model):
    """A line that nobody may act upon until somebody has looked. The line itself is in the file, which is kept."""

    incoming = models.ForeignKey(NachaIncoming, on_delete=models.PROTECT, related_name="lines")
    line = models.IntegerField()
    position = models.IntegerField()  # of its first character in the line, from 1
    raw = models.BinaryField()
    reason = models.TextField()
    at = models.DateTimeField(db_default=core_now(), editable=False)
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incoming", "line", "position"], name="banking_nacha_quarantine_once")]


class NachaReturn(PersonsRow):
    """That an entry came back, as the bank said it."""

    entry = models.OneToOneField(NachaEntry, on_delete=models.PROTECT, related_name="came_back")
    incoming = models.ForeignKey(NachaIncoming, on_delete=models.PROTECT, related_name="+")
    line = models.IntegerField()
    code = models.TextField()
    after_settlement = models.BooleanField()
    untimely = models.BooleanField()  # later than the rules allow for its code: our bank may refuse it (R68)


class NachaChange(PersonsRow):
    """A notification of change: what the bank wants corrected, and when we did."""

    entry = models.ForeignKey(NachaEntry, on_delete=models.PROTECT, related_name="changes")
    incoming = models.ForeignKey(NachaIncoming, on_delete=models.PROTECT, related_name="+")
    line = models.IntegerField()
    code = models.TextField()
    fields = models.TextField()  # names of what was corrected; empty where nothing of ours was
    due_on = models.DateField()  # by when the rules want it applied

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incoming", "line"], name="banking_nacha_change_once")]


class NachaStatement(models.Model):
    """The balance of our account at the bank at the end of a day, by its own statement."""

    as_of = models.DateField(unique=True)
    incoming = models.ForeignKey(NachaIncoming, on_delete=models.PROTECT, related_name="+")
    closing = models.BigIntegerField()  # cents
