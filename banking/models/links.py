"""A person's banks: the login as Plaid knows it, its accounts, and each account as the rails know it."""

from django.db import models
from django.db.models import Q

from banking.models.base import PersonsRow
from core.ids import new_id


def new_item_id() -> str:
    return new_id("itm")


def new_account_id() -> str:
    return new_id("ba")


def new_source_id() -> str:
    return new_id("src")


class LinkSession(PersonsRow):
    """One visit to Plaid's hosted page; `state` comes back with the person and must be theirs."""

    state = models.TextField(unique=True)
    link_token = models.BinaryField()
    # The page itself, whose address holds the token: where a person goes on who comes back from their bank's site.
    hosted_url = models.BinaryField(null=True)
    repairs = models.TextField(null=True)  # public id of the account whose login is repaired; null where one is linked
    expires_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)


class BankItem(PersonsRow):
    """A login at a bank, as Plaid calls it. Written before its public token is exchanged, which works only once."""

    class Status(models.TextChoices):
        LINKING = "linking"
        ACTIVE = "active"
        RELINK = "relink"
        REVOKED = "revoked"  # its person has withdrawn the permission, at Plaid or at the bank
        REMOVED = "removed"

    public_id = models.TextField(unique=True, default=new_item_id)
    token_index = models.BinaryField()  # blind index of the public token: the same one lands on the same row
    item_id = models.TextField(unique=True, null=True)
    access_token = models.BinaryField(null=True)
    institution_id = models.TextField(default="")
    institution = models.TextField(default="")
    status = models.TextField(choices=Status.choices, default=Status.LINKING)
    claimed_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "token_index"], name="banking_item_once")]


class BankAccount(PersonsRow):
    """An account that the person may load from and redeem to."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        RELINK = "relink"
        REVOKED = "revoked"
        REMOVED = "removed"

    public_id = models.TextField(unique=True, default=new_account_id)
    item = models.ForeignKey(BankItem, on_delete=models.PROTECT, related_name="accounts")
    account_id = models.TextField()
    name = models.TextField()
    mask = models.TextField()
    kind = models.TextField(choices=[("checking", "checking"), ("savings", "savings")])
    # Where the release before this one keeps the account's id at Dwolla, until `sources.take_over` has made it a BankSource.
    funding_source = models.BinaryField(null=True)
    source_index = models.BinaryField(null=True)
    numbers_index = models.BinaryField(null=True)  # blind index of routing and account number; null of older rows
    is_default = models.BooleanField(default=False, db_default=False)
    status = models.TextField(choices=Status.choices, default=Status.ACTIVE)
    # What an unusable account waits for: the rail of this name, or other numbers after this return code. Else, its login.
    broken_by = models.TextField(default="", db_default="")
    blocked_by = models.TextField(default="", db_default="")  # the return code after which it may not be linked again
    close_due_at = models.DateTimeField(null=True)  # removed here, and still to be told to the vendors

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "source_index"], name="banking_source_once"),
            models.UniqueConstraint(fields=["user"], condition=Q(is_default=True), name="banking_one_default"),
            models.CheckConstraint(condition=Q(is_default=False) | ~Q(status="removed"), name="banking_default_is_there"),
            models.CheckConstraint(condition=Q(kind__in=["checking", "savings"]), name="banking_account_kind"),
            models.CheckConstraint(
                condition=Q(status__in=["active", "relink", "revoked", "removed"]), name="banking_account_status"
            ),
        ]
        indexes = [
            models.Index(fields=["close_due_at"], condition=Q(close_due_at__isnull=False), name="banking_close_due"),
            models.Index(fields=["id"], condition=Q(funding_source__isnull=False), name="banking_to_take_over"),
            models.Index(
                fields=["numbers_index"],
                condition=Q(numbers_index__isnull=False) & ~Q(blocked_by=""),
                name="banking_barred_numbers",
            ),
        ]


class BankSource(PersonsRow):
    """A bank account as one rail knows it: there it is debited and credited under this id."""

    public_id = models.TextField(unique=True, default=new_source_id)
    account = models.ForeignKey(BankAccount, on_delete=models.PROTECT, related_name="sources")
    rail = models.TextField()
    source = models.BinaryField()  # its id at the rail
    source_index = models.BinaryField()  # under which it is found by that id

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "rail"], name="banking_source_per_rail"),
            models.UniqueConstraint(fields=["user", "rail", "source_index"], name="banking_source_of_one"),
        ]
        indexes = [models.Index(fields=["source_index"], name="banking_source_index")]


class RailCustomer(PersonsRow):
    """The person as a rail knows them."""

    rail = models.TextField()
    customer = models.BinaryField()  # their id at the rail
    stopped = models.BooleanField(default=False, db_default=False)  # the rail serves them no longer

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "rail"], name="banking_customer_once")]
