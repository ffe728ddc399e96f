"""Bank transfers, what vendors said, rails, returns and corrections, as the site shows them."""

from django.db import models

from console.models.shown import Shown
from core.money import format_usd


class BankTransfer(Shown):
    STATUSES = ["requested", "queued", "submitted", "unknown", "pending", "settled", "failed", "cancelled", "returned"]

    id = models.TextField(primary_key=True)
    number = models.BigIntegerField()
    user_id = models.BigIntegerField()
    person_id = models.TextField()
    username = models.TextField(null=True)
    kind = models.TextField(choices=[("load", "load"), ("redemption", "redemption")])
    amount = models.BigIntegerField()
    rail = models.TextField()
    status = models.TextField(choices=[(s, s) for s in STATUSES])
    rail_key = models.UUIDField()
    external_id = models.TextField(null=True)
    expected_on = models.DateField("expected")
    due_at = models.DateTimeField(null=True)
    attempts = models.SmallIntegerField()
    failure_code = models.TextField("return code")
    bank_account_id = models.TextField()
    bank = models.TextField()
    created_at = models.DateTimeField("asked for")
    review = models.TextField(choices=[("", "none"), ("waiting", "waiting"), ("released", "released"), ("refused", "refused")])

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_banktransfer"

    def __str__(self) -> str:
        return f"{self.kind.capitalize()} of {format_usd(self.amount)} for @{self.username}"


class InboxEvent(Shown):
    """What a vendor told us, without what it said: the content is not believed and not shown."""

    id = models.BigIntegerField(primary_key=True)
    provider = models.TextField()
    event_id = models.TextField("event")
    topic = models.TextField()
    received_at = models.DateTimeField("received")
    due_at = models.DateTimeField(null=True)
    processed_at = models.DateTimeField("processed", null=True)
    attempts = models.SmallIntegerField()
    outcome = models.TextField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_inboxevent"

    def __str__(self) -> str:
        return f"{self.provider}: {self.topic}"


class RailChoice(Shown):
    """Which rail serves new transfers of a kind, and since when; the newest of a kind counts."""

    id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField("when")
    kind = models.TextField(choices=[("load", "load"), ("redemption", "redemption")])
    rail = models.TextField()
    staff = models.TextField()
    reason = models.TextField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_railchoice"

    def __str__(self) -> str:
        return f"{self.kind.capitalize()}s by {self.rail}"


class Return(Shown):
    """A load or redemption that came back, and what followed."""

    id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField("when")
    user_id = models.BigIntegerField()
    person_id = models.TextField()
    username = models.TextField(null=True)
    transfer_id = models.TextField()
    kind = models.TextField(choices=[("load", "load"), ("redemption", "redemption")])
    rail = models.TextField()
    amount = models.BigIntegerField()
    code = models.TextField()
    late = models.BooleanField("after it had settled")
    owed = models.BigIntegerField()
    restricts = models.BooleanField("restricted the person")
    lifted_at = models.DateTimeField("lifted", null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_return"

    def __str__(self) -> str:
        return f"{self.code or 'Return'} of {format_usd(self.amount)} from @{self.username}"


class Correction(Shown):
    """A posting that takes two of the staff: of the operators' own money, or of what only a statement shows."""

    id = models.BigIntegerField(primary_key=True)
    kind = models.TextField(
        choices=[
            ("write_off", "write-off"), ("loss_reserve", "loss reserve"), ("rail_cost", "cost of a custodian"),
            ("suspense_found", "suspense to its owner"), ("adjustment_credit", "adjustment: to a person"),
            ("adjustment_debit", "adjustment: from a person"), ("adjustments_capital", "capital to adjustments"),
            ("adjustments_operations", "operations to adjustments"),
        ]
    )  # fmt: skip
    user_id = models.BigIntegerField(null=True)
    person_id = models.TextField(null=True)
    username = models.TextField(null=True)
    amount = models.BigIntegerField()
    asked_by = models.TextField()
    asked_at = models.DateTimeField("asked for")
    decided_by = models.TextField(null=True)
    decided_at = models.DateTimeField("decided", null=True)
    approved = models.BooleanField(null=True)
    posted_at = models.DateTimeField("posted", null=True)
    refused = models.TextField()
    of_break = models.TextField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_correction"

    def __str__(self) -> str:
        return f"{self.get_kind_display().capitalize()} of {format_usd(self.amount)}"


class Vendor(Shown):
    """Whom we call over the network. How it is doing is in Redis, where all processes see it (core/resilience)."""

    name = models.TextField(primary_key=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_vendor"

    def __str__(self) -> str:
        return self.name


class Ceiling(Shown):
    """How much of people's money a member with this role may ask for, or approve, in a day."""

    id = models.TextField(primary_key=True)
    role = models.TextField()
    action = models.TextField(
        choices=[("correction.ask", "Asking for corrections"), ("correction.decide", "Approving corrections")]
    )
    cents = models.BigIntegerField(null=True)
    since = models.DateTimeField(null=True)
    staff = models.TextField(null=True)
    reason = models.TextField(null=True)
    next_cents = models.BigIntegerField(null=True)
    next_at = models.DateTimeField(null=True)

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_ceiling"
        verbose_name, verbose_name_plural = "daily ceiling", "daily ceilings"

    def __str__(self) -> str:
        return f"{self.get_action_display()}, {self.role}"


class CeilingHistory(Shown):
    """Each ceiling that ever held."""

    id = models.BigIntegerField(primary_key=True)
    ceiling_id = models.TextField()
    cents = models.BigIntegerField()
    effective_at = models.DateTimeField()
    staff = models.TextField(null=True)
    reason = models.TextField()

    class Meta(Shown.Meta):
        abstract = False
        db_table = "console_ceilinghistory"
