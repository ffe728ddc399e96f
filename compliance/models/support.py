"""What people ask of us: tickets, appeals against a decision, and disputes with their clocks (sql/0005_*.sql)."""

from django.db import models
from django.db.models import F, Q

from compliance.models.cases import Case, core_now, user_key

SUBJECT_LONGEST, BODY_LONGEST, RESULT_LONGEST = 120, 4000, 2000


class Ticket(models.Model):
    """A conversation with staff. `waiting_since` is since when it waits for us; only while it is open."""

    class Status(models.TextChoices):
        OPEN = "open", "Waits for us"
        WAITING = "waiting", "Waits for the person"
        SOLVED = "solved"

    public_id = models.TextField(unique=True)
    user = user_key()
    subject = models.TextField()
    about = models.TextField(db_default="")
    status = models.TextField(choices=Status.choices, db_default="open")
    priority = models.SmallIntegerField(choices=Case.Priority.choices, db_default=2)
    assignee = user_key(null=True)
    created_at = models.DateTimeField(db_default=core_now(), editable=False)
    updated_at = models.DateTimeField(db_default=core_now(), editable=False)
    waiting_since = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["priority", "waiting_since"], name="compliance_ticket_queue", condition=Q(status="open")),
            models.Index(fields=["user", "-id"], name="compliance_ticket_person"),
        ]
        constraints = [
            models.CheckConstraint(
                name="compliance_ticket_waits",
                condition=Q(status="open", waiting_since__isnull=False) | Q(status__in=["waiting", "solved"], waiting_since=None),
            ),
            models.CheckConstraint(name="compliance_ticket_priority", condition=Q(priority__in=[1, 2, 3])),
        ]


class TicketMessage(models.Model):
    """What one side wrote; `staff` is empty where it was the person. Rows are only ever added."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="messages")
    user = user_key()
    staff = user_key(null=True)
    body = models.TextField()
    at = models.DateTimeField(db_default=core_now(), editable=False)

    class Meta:
        indexes = [models.Index(fields=["user", "-id"], name="compliance_message_person")]


class Appeal(models.Model):
    """A person asks that somebody else looks at a decision again. `about` is its public id, empty for a frozen account."""

    class Status(models.TextChoices):
        OPEN = "open"
        ANSWERED = "answered"

    class Outcome(models.TextChoices):
        UPHELD = "upheld", "The decision stands"
        CHANGED = "changed", "The decision was changed"

    public_id = models.TextField(unique=True)
    user = user_key()
    against = models.TextField()
    about = models.TextField(db_default="")
    message = models.TextField()
    status = models.TextField(choices=Status.choices, db_default="open")
    priority = models.SmallIntegerField(choices=Case.Priority.choices, db_default=2)
    assignee = user_key(null=True)
    created_at = models.DateTimeField(db_default=core_now(), editable=False)
    due_at = models.DateTimeField()
    outcome = models.TextField(null=True, choices=Outcome.choices)
    answer = models.TextField(null=True)
    answered_by = user_key(null=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["priority", "due_at"], name="compliance_appeal_queue", condition=Q(status="open")),
            models.Index(fields=["user", "-id"], name="compliance_appeal_person"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["user", "about"], name="compliance_appeal_open", condition=Q(status="open")),
            models.CheckConstraint(
                name="compliance_appeal_answered",
                condition=Q(status="open", outcome=None, answer=None, answered_by=None, answered_at=None)
                | Q(
                    status="answered",
                    outcome__in=["upheld", "changed"],
                    answer__isnull=False,
                    answered_by__isnull=False,
                    answered_at__isnull=False,
                ),  # fmt: skip
            ),
        ]


class Dispute(models.Model):
    """A person reports a payment, load or redemption as not theirs or wrong (Reg E, 12 CFR 1005.11).

    Amounts are cents. `decide_by` is 10 business days after the report, 20 for a new account; with a provisional credit (or, for
    who has no checked identity, without) the investigation may go on until `final_by`, 45 days or 90. `credited` is what is in
    the wallet because of it. `result_by` and `correct_by` are 3 and 1 business days after the determination. `due_at` is
    the next of these clocks; nothing once it is closed.
    """

    class Kind(models.TextChoices):
        UNAUTHORIZED = "unauthorized", "I did not make this"
        WRONG_AMOUNT = "wrong_amount", "The amount is wrong"
        DUPLICATE = "duplicate", "It was made twice"
        NOT_ARRIVED = "not_arrived", "It did not arrive"
        OTHER = "other", "Something else"

    class Status(models.TextChoices):
        OPEN = "open", "We are looking into it"
        CREDITED = "credited", "Credited while we look into it"
        EXTENDED = "extended", "We need longer"
        DECIDED = "decided", "Decided, being put right"
        CLOSED = "closed"

    class Outcome(models.TextChoices):
        ERROR = "error", "It was an error"
        PARTLY = "partly", "It was partly an error"
        NO_ERROR = "no_error", "No error was found"

    public_id = models.TextField(unique=True)
    user = user_key()
    about = models.TextField()
    kind = models.TextField(choices=Kind.choices)
    amount = models.BigIntegerField()
    message = models.TextField()
    happened_at = models.DateTimeField()
    in_time = models.BooleanField()
    new_account = models.BooleanField()
    case = models.TextField()
    status = models.TextField(choices=Status.choices, db_default="open")
    priority = models.SmallIntegerField(choices=Case.Priority.choices, db_default=2)
    assignee = user_key(null=True)
    reported_at = models.DateTimeField(db_default=core_now(), editable=False)
    decide_by = models.DateTimeField()
    final_by = models.DateTimeField()
    credited = models.BigIntegerField(db_default=0)
    credited_at = models.DateTimeField(null=True)
    tell_by = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    extended_at = models.DateTimeField(null=True)
    outcome = models.TextField(null=True, choices=Outcome.choices)
    owed = models.BigIntegerField(null=True)
    result = models.TextField(null=True)
    decided_by = user_key(null=True)
    decided_at = models.DateTimeField(null=True)
    correct_by = models.DateTimeField(null=True)
    result_by = models.DateTimeField(null=True)
    result_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="compliance_dispute_queue", condition=~Q(status="closed")),
            models.Index(fields=["user", "-id"], name="compliance_dispute_person"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["user", "about"], name="compliance_dispute_once"),
            models.CheckConstraint(name="compliance_dispute_amount", condition=Q(amount__gt=0, credited__gte=0)),
            models.CheckConstraint(name="compliance_dispute_credit", condition=Q(credited__lte=F("amount"))),
            models.CheckConstraint(
                name="compliance_dispute_due",
                condition=Q(status="closed", due_at=None) | Q(~Q(status="closed"), due_at__isnull=False),
            ),
            models.CheckConstraint(
                name="compliance_dispute_result",
                condition=Q(status__in=["open", "credited", "extended"], outcome=None, owed=None, result=None, decided_by=None)
                | Q(
                    status__in=["decided", "closed"],
                    outcome__in=["error", "partly", "no_error"],
                    owed__gte=0,
                    owed__lte=F("amount"),
                    result__isnull=False,
                    decided_by__isnull=False,
                ),  # fmt: skip
            ),
        ]


class DisputeMoney(models.Model):
    """Money that a dispute moves: one member of staff asks, another approves. `amount` is cents, negative where it is taken back.

    `moved` is what went: what is taken back reaches only as far as the wallet. `reference` is that of the journal.
    """

    class Purpose(models.TextChoices):
        PROVISIONAL = "provisional", "Provisional credit"
        CORRECTION = "correction", "Result"

    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="+")
    user = user_key()
    purpose = models.TextField(choices=Purpose.choices)
    amount = models.BigIntegerField()
    reference = models.UUIDField(unique=True)
    asked_by = user_key()
    asked_at = models.DateTimeField(db_default=core_now(), editable=False)
    decided_by = user_key(null=True)
    decided_at = models.DateTimeField(null=True)
    approved = models.BooleanField(null=True)
    moved = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dispute"], name="compliance_disputemoney_waits", condition=Q(decided_at=None)),
            models.CheckConstraint(name="compliance_disputemoney_two", condition=~Q(asked_by=F("decided_by"))),
            models.CheckConstraint(name="compliance_disputemoney_amount", condition=~Q(amount=0)),
            models.CheckConstraint(
                name="compliance_disputemoney_decided",
                condition=Q(decided_by=None, decided_at=None, approved=None, moved=None)
                | Q(decided_by__isnull=False, decided_at__isnull=False, approved=False, moved=None)
                | Q(decided_by__isnull=False, decided_at__isnull=False, approved=True, moved__isnull=False),
            ),
            models.CheckConstraint(
                name="compliance_disputemoney_purpose",
                condition=Q(purpose="correction") | Q(purpose="provisional", amount__gt=0),
            ),
        ]


class Holiday(models.Model):
    """A weekday on which the Federal Reserve is closed, from core/calendar.py, so that the database counts business days too."""

    day = models.DateField(primary_key=True)
