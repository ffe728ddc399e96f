"""What Stripe remembers. Money is integer cents; `*_on` are days of the bank's own calendar."""

import secrets
import string

from django.db import models

ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """An id as Stripe makes them: a prefix that tells the kind, and 24 letters and digits."""
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(24))}"


class StripeCustomer(models.Model):
    uid = models.CharField(max_length=40, unique=True)
    email = models.CharField(max_length=512, blank=True, db_index=True)
    name = models.CharField(max_length=256, blank=True)
    description = models.CharField(max_length=500, blank=True)
    metadata = models.JSONField(default=dict)
    deleted = models.BooleanField(default=False)
    created_at = models.DateTimeField()


class StripeToken(models.Model):
    """A bank account token, good for one use: from Plaid (then verified), or from bare numbers."""

    uid = models.CharField(max_length=40, unique=True)
    account = models.ForeignKey("sandbox.BankAccount", models.CASCADE)
    holder_name = models.CharField(max_length=256, blank=True)
    verified = models.BooleanField(default=False)
    used = models.BooleanField(default=False)
    created_at = models.DateTimeField()


class StripeBank(models.Model):
    """A bank account at Stripe, under one of its two names: `ba_` (made of a token) or `pm_` (of bare numbers)."""

    uid = models.CharField(max_length=40, unique=True)
    customer = models.ForeignKey(StripeCustomer, models.CASCADE, null=True, related_name="banks")
    account = models.ForeignKey("sandbox.BankAccount", models.CASCADE)
    holder_name = models.CharField(max_length=256, blank=True)
    email = models.CharField(max_length=512, blank=True)
    verified = models.BooleanField(default=False)
    deleted = models.BooleanField(default=False)
    blocked_code = models.CharField(max_length=3, blank=True)  # the ACH return that made Stripe block it
    metadata = models.JSONField(default=dict)
    created_at = models.DateTimeField()


class Move(models.Model):
    """What a debit and a payment out have in common."""

    uid = models.CharField(max_length=40, unique=True)
    bank = models.ForeignKey(StripeBank, models.CASCADE, null=True, related_name="%(class)ss")
    customer = models.ForeignKey(StripeCustomer, models.CASCADE, null=True, related_name="%(class)ss")
    cents = models.BigIntegerField()
    status = models.CharField(max_length=30)
    description = models.CharField(max_length=500, blank=True)
    metadata = models.JSONField(default=dict)
    begun_on = models.DateField(null=True)  # it can be taken back on that day of the bank's calendar, and not later
    due_on = models.DateField(null=True)  # the day on which the bank looks at it next; null: nothing to come
    returns_as = models.CharField(max_length=3, blank=True)  # the ACH return it is going to end with
    returns_late = models.BooleanField(default=False)
    failure_code = models.CharField(max_length=3, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        abstract = True


class StripeIntent(Move):
    """A PaymentIntent, with the charge, the mandate and the dispute that belong to it."""

    error_code = models.CharField(max_length=60, blank=True)
    charge_uid = models.CharField(max_length=40, blank=True, db_index=True)
    mandate_uid = models.CharField(max_length=40, blank=True)
    dispute_uid = models.CharField(max_length=40, blank=True, db_index=True)
    micro_deposit_tries = models.PositiveSmallIntegerField(default=0)
    cancellation_reason = models.CharField(max_length=40, blank=True)

    class Meta(Move.Meta):
        constraints = [models.CheckConstraint(condition=models.Q(cents__gt=0), name="intent_positive")]
        indexes = [models.Index(fields=["due_on"], condition=models.Q(due_on__isnull=False), name="intents_due")]


class StripeOutbound(Move):
    """A Treasury OutboundPayment."""

    class Meta(Move.Meta):
        constraints = [models.CheckConstraint(condition=models.Q(cents__gt=0), name="outbound_positive")]
        indexes = [models.Index(fields=["due_on"], condition=models.Q(due_on__isnull=False), name="outbounds_due")]


class StripeVault(models.Model):
    """The FinancialAccount: where charges are paid out to, and where payments to people leave from."""

    uid = models.CharField(max_length=40, unique=True)
    cash = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_vault")]


class StripeEntry(models.Model):
    """A balance transaction: what moved the payments balance, and what Stripe kept of it."""

    uid = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=30)  # payment, payment_failure_refund, adjustment, stripe_fee, payout
    cents = models.BigIntegerField()
    fee = models.BigIntegerField(default=0)
    source = models.CharField(max_length=40, db_index=True)
    pending = models.BooleanField(default=False)  # a debit that is still processing
    description = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["pending", "cents", "fee"], name="entries_summed_up")]


class StripeTransaction(models.Model):
    """A Treasury Transaction: what moved the FinancialAccount, and which flow moved it."""

    uid = models.CharField(max_length=40, unique=True)
    flow = models.CharField(max_length=40, db_index=True)
    flow_type = models.CharField(max_length=30)  # outbound_payment, received_credit
    cents = models.BigIntegerField()
    status = models.CharField(max_length=10)  # open, posted, void
    payout = models.CharField(max_length=40, blank=True)  # of a received credit: the payout that it is
    network = models.CharField(max_length=20, blank=True)
    description = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()


class StripeEndpoint(models.Model):
    """Where webhooks go. Several secrets sign at once while a new one is being rolled out."""

    uid = models.CharField(max_length=40, unique=True)
    url = models.CharField(max_length=500)
    secrets = models.JSONField(default=list)
    topics = models.JSONField(default=list)
    automatic = models.BooleanField(default=False)  # the product's own, made at the first start
    created_at = models.DateTimeField()


class StripeEvent(models.Model):
    uid = models.CharField(max_length=40, unique=True)
    topic = models.CharField(max_length=60)
    body = models.JSONField()
    created_at = models.DateTimeField()


class StripeAnswer(models.Model):
    """The answer that an Idempotency-Key stands for."""

    key = models.CharField(max_length=255, unique=True)
    fingerprint = models.CharField(max_length=64)  # of path and parameters
    status = models.PositiveSmallIntegerField()
    body = models.JSONField()
    request_uid = models.CharField(max_length=40)
    created_at = models.DateTimeField(auto_now_add=True)
