"""Tickets, appeals and disputes, as the site shows them."""

from django.db import models

from compliance.models import Appeal, Case
from compliance.models import Dispute as Disputes
from compliance.models import DisputeMoney as Money
from compliance.models import Ticket as Tickets
from console.models.shown import Shown


class OfPersonRow(Shown):
    """What every queue of people's own words has."""

    id = models.TextField(primary_key=True)
    number = models.BigIntegerField()
    user_id = models.BigIntegerField()
    person_id = models.TextField()
    username = models.TextField(null=True)
    about = models.TextField()
    priority = models.SmallIntegerField(choices=Case.Priority.choices)
    assignee_id = models.BigIntegerField(null=True)
    assignee = models.TextField(null=True)
    due_at = models.DateTimeField("due", null=True)

    class Meta(Shown.Meta):
        abstract = True

    @property
    def who(self) -> str:
        return f"@{self.username}" if self.username else self.person_id


class Ticket(OfPersonRow):
    subject = models.TextField()
    status = models.TextField(choices=Tickets.Status.choices)
    created_at = models.DateTimeField("written")
    updated_at = models.DateTimeField("last message")
    waiting_since = models.DateTimeField("waits since", null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_ticket"

    def __str__(self) -> str:
        return f"“{self.subject}” of {self.who}"


class TicketMessage(Shown):
    id = models.BigIntegerField(primary_key=True)
    ticket_id = models.TextField()
    body = models.TextField()
    at = models.DateTimeField()
    staff = models.TextField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_ticketmessage"


class PersonAppeal(OfPersonRow):
    """`mine` is whether who looks made the decision that it is about."""

    against = models.TextField()
    message = models.TextField()
    status = models.TextField(choices=Appeal.Status.choices)
    created_at = models.DateTimeField("made")
    outcome = models.TextField(null=True, choices=Appeal.Outcome.choices)
    answer = models.TextField(null=True)
    answered_at = models.DateTimeField("answered", null=True)
    staff = models.TextField(null=True)
    mine = models.BooleanField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_personappeal"
        verbose_name = "appeal against a decision"
        verbose_name_plural = "appeals against decisions"

    def __str__(self) -> str:
        return f"Appeal of {self.who}"


class Dispute(OfPersonRow):
    """`waits` is what a second member of staff has to approve or refuse."""

    kind = models.TextField(choices=Disputes.Kind.choices)
    amount = models.BigIntegerField()
    message = models.TextField()
    happened_at = models.DateTimeField()
    in_time = models.BooleanField()
    new_account = models.BooleanField()
    case_id = models.TextField()
    status = models.TextField(choices=Disputes.Status.choices)
    reported_at = models.DateTimeField("reported")
    decide_by = models.DateTimeField()
    final_by = models.DateTimeField()
    credited = models.BigIntegerField()
    credited_at = models.DateTimeField(null=True)
    tell_by = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    extended_at = models.DateTimeField(null=True)
    outcome = models.TextField(null=True, choices=Disputes.Outcome.choices)
    owed = models.BigIntegerField(null=True)
    result = models.TextField(null=True)
    decided_by = models.TextField(null=True)
    decided_at = models.DateTimeField(null=True)
    correct_by = models.DateTimeField(null=True)
    result_by = models.DateTimeField(null=True)
    result_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    tier = models.SmallIntegerField()
    waits = models.BigIntegerField(null=True)
    waits_purpose = models.TextField(null=True, choices=Money.Purpose.choices)
    waits_amount = models.BigIntegerField(null=True)
    waits_from = models.TextField(null=True)
    waits_from_id = models.BigIntegerField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_dispute"

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.who}"


class DisputeMoney(Shown):
    id = models.BigIntegerField(primary_key=True)
    dispute_id = models.TextField()
    purpose = models.TextField(choices=Money.Purpose.choices)
    amount = models.BigIntegerField()
    moved = models.BigIntegerField(null=True)
    approved = models.BooleanField(null=True)
    reference = models.UUIDField()
    asked_at = models.DateTimeField()
    asked_by = models.TextField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.TextField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_disputemoney"
