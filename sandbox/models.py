"""Everything the sandbox remembers. Money is integer cents; `*_on` are days of the bank's own calendar,
`*_at` are moments."""

import uuid

from django.db import models


def new_uid() -> str:
    """A public id as Dwolla makes them."""
    return str(uuid.uuid4())


class Bank(models.Model):
    """The one row with the state of the world: the bank's calendar, how webhooks are sent, Plaid's key."""

    today = models.DateField()
    webhook_mode = models.CharField(max_length=10, default="on")
    account_uid = models.CharField(max_length=36, default=new_uid)  # Dwolla's Master Account
    plaid_key_id = models.CharField(max_length=36, default=new_uid)
    plaid_key_pem = models.TextField()
    plaid_key_created_at = models.DateTimeField(auto_now_add=True)
    fee_cents = models.BigIntegerField(default=0)  # what Dwolla takes for a transfer that is processed
    interest_bp = models.IntegerField(default=0)  # what a year brings on Dwolla's balance, in hundredths of a percent

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_bank")]


class Fault(models.Model):
    """A failure that a test asked for: the next `times_left` requests of a vendor to `path` go wrong."""

    vendor = models.CharField(max_length=10)
    path = models.CharField(max_length=200, blank=True)
    mode = models.CharField(max_length=12)
    seconds = models.FloatField(default=0)
    times_left = models.PositiveIntegerField()


# --- Twilio ------------------------------------------------------------------------------------------------

class Sms(models.Model):
    sid = models.CharField(max_length=34, unique=True)
    account_sid = models.CharField(max_length=64)
    to = models.CharField(max_length=20, db_index=True)
    sender = models.CharField(max_length=64)
    body = models.TextField()
    sent_at = models.DateTimeField(auto_now_add=True)


# --- Plaid -------------------------------------------------------------------------------------------------

class Item(models.Model):
    """A login at a bank, with its accounts. Made together with the public token."""

    uid = models.CharField(max_length=40, unique=True)
    institution_id = models.CharField(max_length=20)
    access_token = models.CharField(max_length=80, unique=True, null=True)
    webhook = models.CharField(max_length=500, blank=True)
    products = models.JSONField(default=list)
    owner_name = models.CharField(max_length=120, blank=True)
    owner_phone = models.CharField(max_length=20, blank=True)
    login_required = models.BooleanField(default=False)
    revoked = models.BooleanField(default=False)  # its person has withdrawn the permission, at the bank
    removed = models.BooleanField(default=False)
    last_webhook = models.CharField(max_length=40, blank=True)
    last_webhook_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)


class LinkToken(models.Model):
    token = models.CharField(max_length=80, unique=True)
    request = models.JSONField()
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)


class LinkSession(models.Model):
    """One visit of a person to the hosted page."""

    uid = models.CharField(max_length=36, unique=True, default=new_uid)
    link_token = models.ForeignKey(LinkToken, models.CASCADE, related_name="sessions")
    outcome = models.CharField(max_length=10, blank=True)  # success, exit
    error = models.CharField(max_length=60, blank=True)  # the code with which it was left
    public_token = models.ForeignKey("PublicToken", models.CASCADE, null=True)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)


class OauthVisit(models.Model):
    """A person's way over the bank's own site; its id comes back with them."""

    uid = models.CharField(max_length=36, unique=True, default=new_uid)
    link_token = models.ForeignKey(LinkToken, models.CASCADE)
    institution_id = models.CharField(max_length=20)
    granted = models.BooleanField(null=True)


class PublicToken(models.Model):
    token = models.CharField(max_length=80, unique=True)
    item = models.ForeignKey(Item, models.CASCADE)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class BankAccount(models.Model):
    """An account at some bank: the customers' own, and the operators' own."""

    uid = models.CharField(max_length=40, unique=True)
    item = models.ForeignKey(Item, models.CASCADE, null=True, related_name="accounts")
    name = models.CharField(max_length=100)
    official_name = models.CharField(max_length=120)
    bank_name = models.CharField(max_length=80)
    subtype = models.CharField(max_length=20)
    routing = models.CharField(max_length=9)
    number = models.CharField(max_length=17)
    balance = models.BigIntegerField()
    revoked = models.BooleanField(default=False)  # no longer shared by its person

    class Meta:
        indexes = [models.Index(fields=["routing", "number"], name="bank_account_number")]

    @property
    def mask(self) -> str:
        return self.number[-4:]


class ProcessorToken(models.Model):
    token = models.CharField(max_length=80, unique=True)
    account = models.ForeignKey(BankAccount, models.CASCADE)
    processor = models.CharField(max_length=40)


# --- Dwolla ------------------------------------------------------------------------------------------------

class DwollaToken(models.Model):
    token = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()


class Customer(models.Model):
    uid = models.CharField(max_length=36, unique=True, default=new_uid)
    first_name = models.CharField(max_length=100)
    last_name = models.CharField(max_length=100)
    business_name = models.CharField(max_length=100, blank=True)
    email = models.CharField(max_length=254, unique=True)
    type = models.CharField(max_length=20)
    status = models.CharField(max_length=20)
    correlation_id = models.CharField(max_length=255, blank=True, db_index=True)
    created_at = models.DateTimeField()


class Exchange(models.Model):
    """Dwolla's handle on a bank account that Plaid vouches for."""

    uid = models.CharField(max_length=36, unique=True, default=new_uid)
    customer = models.ForeignKey(Customer, models.CASCADE)
    account = models.ForeignKey(BankAccount, models.CASCADE)
    token = models.CharField(max_length=80)
    created_at = models.DateTimeField()


class FundingSource(models.Model):
    """A bank account or a Dwolla balance; without a customer it belongs to the Master Account."""

    uid = models.CharField(max_length=36, unique=True, default=new_uid)
    customer = models.ForeignKey(Customer, models.CASCADE, null=True, related_name="funding_sources")
    kind = models.CharField(max_length=10)  # bank, balance
    name = models.CharField(max_length=100)
    account = models.ForeignKey(BankAccount, models.CASCADE, null=True)
    verified = models.BooleanField(default=True)
    removed = models.BooleanField(default=False)
    micro_deposits = models.CharField(max_length=10, blank=True)  # pending, processed, failed, completed
    micro_deposit_tries = models.PositiveSmallIntegerField(default=0)
    balance = models.BigIntegerField(default=0)  # of kind balance; a bank's is with its account
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(
            condition=models.Q(kind="balance", account=None) | models.Q(kind="bank", account__isnull=False),
            name="a_bank_has_an_account",
        )]

    @property
    def bank_account(self) -> BankAccount:
        """The account of a funding source of kind bank."""
        assert self.account is not None
        return self.account


class Transfer(models.Model):
    uid = models.CharField(max_length=36, unique=True, default=new_uid)
    source = models.ForeignKey(FundingSource, models.CASCADE, related_name="outgoing")
    destination = models.ForeignKey(FundingSource, models.CASCADE, related_name="incoming")
    cents = models.BigIntegerField()
    status = models.CharField(max_length=10, default="pending")
    correlation_id = models.CharField(max_length=255, blank=True, db_index=True)
    metadata = models.JSONField(default=dict)
    clearing = models.JSONField(null=True)
    due_on = models.DateField(null=True)  # the day on which the bank looks at it next; null: nothing to come
    returns_as = models.CharField(max_length=3, blank=True)  # the ACH return it is going to end with
    returns_late = models.BooleanField(default=False)
    failure_code = models.CharField(max_length=3, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(cents__gt=0), name="transfer_positive")]
        indexes = [models.Index(fields=["due_on"], condition=models.Q(due_on__isnull=False), name="transfers_due")]


class IdempotencyKey(models.Model):
    key = models.CharField(max_length=255, unique=True)
    fingerprint = models.CharField(max_length=64)  # of path and body
    location = models.CharField(max_length=300)
    created_at = models.DateTimeField(auto_now_add=True)


class Event(models.Model):
    uid = models.CharField(max_length=36, unique=True, default=new_uid)
    topic = models.CharField(max_length=60)
    resource = models.CharField(max_length=200)  # path below /dwolla
    customer_uid = models.CharField(max_length=36, blank=True)
    correlation_id = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField()


class Subscription(models.Model):
    uid = models.CharField(max_length=36, unique=True, default=new_uid)
    url = models.CharField(max_length=500)
    secret = models.CharField(max_length=200)
    paused = models.BooleanField(default=False)
    automatic = models.BooleanField(default=False)  # the product's own, made at the first start
    created_at = models.DateTimeField(auto_now_add=True)


# --- Webhooks of all vendors -------------------------------------------------------------------------------

class Delivery(models.Model):
    """One webhook on its way. The body is fixed when the event happens; the signature is made when sending."""

    uid = models.CharField(max_length=36, unique=True, default=new_uid)
    vendor = models.CharField(max_length=10)
    url = models.CharField(max_length=500)
    body = models.TextField()
    topic = models.CharField(max_length=60)
    event = models.ForeignKey(Event, models.CASCADE, null=True)
    subscription = models.ForeignKey(Subscription, models.CASCADE, null=True)
    signing = models.CharField(max_length=200, blank=True)  # the secret half, where the vendor signs with one
    state = models.CharField(max_length=10, default="pending")  # pending, delivered, failed, skipped
    tries = models.PositiveSmallIntegerField(default=0)
    attempts = models.JSONField(default=list)
    due_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        # SQLite takes no partial index for a state that comes as a parameter.
        indexes = [models.Index(fields=["state", "id"], name="deliveries_by_state")]


# --- Stripe, and the bank of the files --------------------------------------------------------------------

import sandbox.odfi.models  # noqa: E402
import sandbox.stripe.models  # noqa: E402, F401 - Django finds an app's models through this module
