"""A person's bank accounts at the rails: each rail knows an account under an id of its own.

An account is made known to a rail when it is linked or, where staff chose another rail since, when the first transfer
needs it. No transaction is open while a vendor is asked, and all of it may be repeated.
"""

from django.db import IntegrityError, transaction

from banking import plaid, rails
from banking.models import BankAccount, BankSource, RailCustomer
from banking.services import secrets as sealed
from core.actor import SYSTEM, actor
from users.models import Profile, User


def at_rail(*, account_id: int, rail: str, user_id: int) -> tuple[str, str]:
    """The ids of an account and of its owner at a rail, made known there now if need be.

    For workers. Raises ProviderDown, ProviderUnknown, ProviderRejected (the login no longer works, or the account is none
    that the rail takes).
    """
    with actor(SYSTEM):
        known = BankSource.objects.filter(account_id=account_id, rail=rail).first()
        owner = RailCustomer.objects.filter(user_id=user_id, rail=rail).first()
        if known is not None and owner is not None:
            return sealed.source_id(known), sealed.customer_id(owner)
        account = BankAccount.objects.select_related("item").get(pk=account_id)
        token = sealed.access_token(account.item)
    customer = customer_at(rail, user_id=user_id, acting=SYSTEM)
    source = add(rail, customer, token, account.account_id, kind=account.kind, name=account.name or account.item.institution)
    with actor(SYSTEM):
        record(account, rail, source)
    return source, customer


def renew(account: BankAccount, rail: str, access_token: str, *, acting: int) -> None:
    """Make an account known to a rail again that has dropped it, or knows it by numbers that are over.

    Raises ProviderDown, ProviderUnknown, ProviderRejected.
    """
    customer = customer_at(rail, user_id=account.user_id, acting=acting)
    name = account.name or account.item.institution
    source = add(rail, customer, access_token, account.account_id, kind=account.kind, name=name)
    with actor(acting):
        row = BankSource.objects.get(account=account, rail=rail)
        index = sealed.source_index(rail, source)
        BankSource.objects.filter(pk=row.pk).update(source=sealed.seal_source(row, source), source_index=index)


def add(rail: str, customer: str, access_token: str, account_id: str, *, kind: str, name: str) -> str:
    """Make an account known to a rail, with what the rail wants of Plaid for it; its id there."""
    port = rails.rail(rail)
    credential = plaid.credential(access_token, account_id, wanted=port.credential)
    return port.add_bank(customer=customer, credential=credential, kind=kind, name=name)


def customer_at(rail: str, *, user_id: int, acting: int) -> str:
    """The person's id at a rail, made there on their first bank."""
    with actor(acting):
        row = RailCustomer.objects.filter(user_id=user_id, rail=rail).first()
        if row is not None:
            return sealed.customer_id(row)
        public_id = User.objects.values_list("public_id", flat=True).get(pk=user_id)
        profile = Profile.objects.filter(user_id=user_id).first()
    name = (profile.display_name if profile else "") or "PaYa member"
    customer = rails.rail(rail).create_customer(public_id=public_id, display_name=name)
    with actor(acting):
        # Two first banks at a time: the rail gave both the same id.
        sealed_id = sealed.seal_customer(user_id, rail, customer)
        RailCustomer.objects.bulk_create([RailCustomer(user_id=user_id, rail=rail, customer=sealed_id)], ignore_conflicts=True)
    return customer


def earlier_account(user_id: int, rail: str, source: str) -> BankAccount | None:
    """The account of this person that the rail knows under this id already."""
    found = BankSource.objects.filter(user_id=user_id, rail=rail, source_index=sealed.source_index(rail, source))
    known = found.select_related("account").first()
    return known.account if known else None


def take_over(*, limit: int = 200) -> int:
    """Make BankSources of the ids at Dwolla that earlier releases kept in the accounts; how many were there.

    For the worker's sweep: the release before this one may still be writing such ids while both run.
    """
    with actor(SYSTEM):
        accounts = BankAccount.objects.filter(funding_source__isnull=False).order_by("pk")[:limit]
        for account in accounts:
            with transaction.atomic():
                record(account, "dwolla", sealed.earlier_source_id(account))
                BankAccount.objects.filter(pk=account.pk).update(funding_source=None, source_index=None)
        return len(accounts)


def record(account: BankAccount, rail: str, source: str) -> None:
    """Keep an account's id at a rail. One that was linked before under another login is now this account's."""
    row = BankSource(user_id=account.user_id, account=account, rail=rail, source_index=sealed.source_index(rail, source))
    row.source = sealed.seal_source(row, source)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        BankSource.objects.filter(user_id=account.user_id, rail=rail, source_index=row.source_index).update(account=account)
