"""Linking and removing banks: Plaid knows the login, Dwolla may debit the account, and we keep their ids.

Each step is recorded before the next begins, so that a link that broke off goes on where it stopped when the same
public token comes again. No transaction is open while a vendor is asked.
"""

import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from banking import plaid, rails
from banking.errors import BankUnavailable, LinkFailed, TransfersOpen
from banking.models import BankAccount, BankItem, BankTransfer, LinkSession, RailCustomer
from banking.services import secrets as sealed
from core.actor import SYSTEM, actor
from core.clock import now
from core.errors import IdempotencyInProgress, NotFound, ValidationError
from core.outbox import emit
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown
from users.models import Profile, User
from wallets import services as wallets

log = logging.getLogger("paya.banking")
RAIL = "dwolla"
CLAIM = timedelta(seconds=60)
KINDS = ("checking", "savings")
Status = BankAccount.Status


@contextmanager
def _vendors() -> Iterator[None]:
    """What a vendor's failure means to the person who is linking a bank."""
    try:
        yield
    except (ProviderDown, ProviderUnknown) as error:
        log.warning("bank_link_down", extra={"cause": str(error)})
        raise BankUnavailable(retry_after=15) from error
    except ProviderRejected as error:
        log.info("bank_link_refused", extra={"code": error.code})
        raise LinkFailed from error


# ------------------------------------------------------------------------------------------------ before the bank
def link_token(*, user_public_id: str) -> plaid.LinkToken:
    """A token with which a client opens Plaid's Link. Raises BankUnavailable."""
    with _vendors():
        return plaid.create_link_token(user_public_id=user_public_id, return_to=None)


def begin_hosted_link(*, user_id: int, user_public_id: str) -> str:
    """The address of Plaid's hosted page for this person. Raises BankUnavailable."""
    state = secrets.token_urlsafe(24)
    with _vendors():
        token = plaid.create_link_token(
            user_public_id=user_public_id, return_to=f"{settings.PUBLIC_URL}/banks/linked?state={state}"
        )
    if not token.hosted_url:
        raise BankUnavailable
    with actor(user_id):
        LinkSession.objects.create(
            user_id=user_id,
            state=state,
            link_token=sealed.seal_link_token(user_id, state, token.token),
            expires_at=token.expires_at,
        )
    return token.hosted_url


def finish_hosted_link(*, user_id: int, state: str) -> list[BankAccount]:
    """The accounts that the person chose on the hosted page; empty when they left it. The same visit may be
    finished again. Raises NotFound for a state that is not this person's, LinkFailed, BankUnavailable.
    """
    with actor(user_id):
        session = LinkSession.objects.filter(user_id=user_id, state=state).first()
        if session is None:
            raise NotFound
        token = sealed.link_token_of(session)
    with _vendors():
        linked = plaid.linked_by(token)
    if linked is None:
        return []
    accounts = _link(user_id=user_id, public_token=linked.public_token, account_ids=linked.account_ids or None)
    with actor(user_id):
        LinkSession.objects.filter(pk=session.pk, done_at=None).update(done_at=now())
    return accounts


# ------------------------------------------------------------------------------------------------ linking
def link_account(*, user_id: int, public_token: str, account_id: str | None = None) -> BankAccount:
    """Link one account of a login: the named one, or the only or first checking account.

    The same token again gives the same account. Raises LinkFailed (a token that is used, expired or none; no such
    account), BankUnavailable, IdempotencyInProgress.
    """
    return _link(user_id=user_id, public_token=public_token, account_ids=[account_id] if account_id else None)[0]


def _link(*, user_id: int, public_token: str, account_ids: Sequence[str] | None) -> list[BankAccount]:
    item = _claim_item(user_id, public_token)
    try:
        with _vendors():
            token = _access(item, public_token)
            found, institution_id = plaid.accounts(token)
            _name_institution(item, institution_id)
            chosen = _choose(found, account_ids)
            customer = _customer(user_id)
            return [_link_one(item, token, customer, each) for each in chosen]
    finally:
        with actor(user_id):
            BankItem.objects.filter(pk=item.pk).update(claimed_until=None)


def _claim_item(user_id: int, public_token: str) -> BankItem:
    """The item of this token, new or begun earlier, and ours to work on for a while."""
    moment, index = now(), sealed.token_index(public_token)
    with actor(user_id):
        item = _item(user_id, index)
        free = BankItem.objects.filter(pk=item.pk).filter(Q(claimed_until=None) | Q(claimed_until__lt=moment))
        if free.update(claimed_until=moment + CLAIM) != 1:
            raise IdempotencyInProgress("This bank is being linked right now. Try again in a moment.", retry_after=2)
    if item.status == BankItem.Status.REMOVED:
        raise LinkFailed("This link was removed. Please start again.")
    return item


def _item(user_id: int, index: bytes) -> BankItem:
    rows = BankItem.objects.filter(user_id=user_id, token_index=index)
    if item := rows.first():
        return item
    try:
        with transaction.atomic():
            return BankItem.objects.create(user_id=user_id, token_index=index)
    except IntegrityError:
        return rows.get()


def _access(item: BankItem, public_token: str) -> str:
    """The item's access token; the public one is exchanged for it exactly once."""
    with actor(item.user_id):
        item.refresh_from_db(fields=["access_token"])
        if item.access_token is not None:
            return sealed.access_token(item)
    token, item_id = plaid.exchange(public_token)
    with actor(item.user_id):
        item.access_token = sealed.seal_access_token(item, token)
        BankItem.objects.filter(pk=item.pk).update(access_token=item.access_token, item_id=item_id)
    return token


def _name_institution(item: BankItem, institution_id: str) -> None:
    if item.institution:
        return
    name = plaid.institution_name(institution_id) if institution_id else ""
    item.institution, item.status = name or "Your bank", BankItem.Status.ACTIVE
    with actor(item.user_id):
        BankItem.objects.filter(pk=item.pk).update(
            institution=item.institution, institution_id=institution_id, status=item.status
        )


def _choose(found: Sequence[plaid.PlaidAccount], account_ids: Sequence[str] | None) -> list[plaid.PlaidAccount]:
    usable = [account for account in found if account.kind in KINDS]
    if account_ids is not None:
        chosen = [account for account in usable if account.account_id in account_ids]
        if len(chosen) < len(set(account_ids)):
            raise ValidationError(fields={"account_id": "That login has no such checking or savings account."})
        return chosen
    if len(usable) == 1:
        return usable
    checking = [account for account in usable if account.kind == "checking"]
    if not checking:
        raise LinkFailed("That login has no checking account.")
    return checking[:1]


def _customer(user_id: int) -> str:
    """The person's id at the rail, made there on the first bank."""
    with actor(user_id):
        row = RailCustomer.objects.filter(user_id=user_id, rail=RAIL).first()
        if row is not None:
            return sealed.customer_id(row)
        public_id = User.objects.values_list("public_id", flat=True).get(pk=user_id)
        profile = Profile.objects.filter(user_id=user_id).first()
    customer = rails.rail(RAIL).create_customer(
        public_id=public_id, display_name=(profile.display_name if profile else "") or "PaYa member"
    )
    with actor(user_id):
        # Two first banks at a time: the rail gave both the same id.
        RailCustomer.objects.bulk_create(
            [RailCustomer(user_id=user_id, rail=RAIL, customer=sealed.seal_customer(user_id, RAIL, customer))],
            ignore_conflicts=True,
        )
    return customer


def _link_one(item: BankItem, token: str, customer: str, chosen: plaid.PlaidAccount) -> BankAccount:
    with actor(item.user_id):
        linked = item.accounts.filter(account_id=chosen.account_id).exclude(status=Status.REMOVED).first()
    if linked is not None and linked.status == Status.ACTIVE:
        linked.item = item
        return linked
    source = rails.rail(RAIL).add_bank(
        customer=customer,
        processor_token=plaid.processor_token(token, chosen.account_id),
        kind=chosen.kind,
        name=chosen.name or item.institution,
    )
    return _record(item, chosen, source)


def _record(item: BankItem, chosen: plaid.PlaidAccount, source: str) -> BankAccount:
    """The account as a row; one that this person linked before (the rail knows it) is taken up again."""
    user_id, index = item.user_id, sealed.source_index(source)
    seen = {
        "item": item, "account_id": chosen.account_id, "name": chosen.name[:120], "mask": chosen.mask[:8],
        "kind": chosen.kind, "status": Status.ACTIVE,
    }  # fmt: skip
    with actor(user_id):
        wallets.guard(user_id=user_id)
        earlier = BankAccount.objects.filter(user_id=user_id, source_index=index).first()
        if earlier is not None:
            BankAccount.objects.filter(pk=earlier.pk).update(**seen, close_due_at=None)
            return BankAccount.objects.select_related("item").get(pk=earlier.pk)
        account = BankAccount(user_id=user_id, source_index=index, **seen)
        account.funding_source = sealed.seal_funding_source(user_id, account.public_id, source)
        account.save(force_insert=True)
    return account


# ------------------------------------------------------------------------------------------------ removing
def remove_account(*, user_id: int, bank_account: str) -> None:
    """Forget a bank: nothing can be asked of it from now on, and the vendors are told.

    Raises NotFound, and TransfersOpen while something is on its way from or to it.
    """
    with actor(user_id):
        wallets.guard(user_id=user_id)  # so that no transfer begins meanwhile
        account = BankAccount.objects.filter(user_id=user_id, public_id=bank_account).exclude(status=Status.REMOVED).first()
        if account is None:
            raise NotFound
        if account.transfers.filter(status__in=BankTransfer.OPEN).exists():
            raise TransfersOpen
        BankAccount.objects.filter(pk=account.pk).update(status=Status.REMOVED, close_due_at=now())
        emit("bank_account.closing", account=account.pk)


def close(*, account_id: int) -> None:
    """Tell the vendors of a removed account; again until they have heard it. Raises ProviderDown, ProviderUnknown."""
    with actor(SYSTEM):
        account = (
            BankAccount.objects.select_related("item")
            .filter(pk=account_id, status=Status.REMOVED, close_due_at__isnull=False)
            .first()
        )
        if account is None:
            return
        source = sealed.funding_source_id(account)
        last = not account.item.accounts.exclude(status=Status.REMOVED).exists()
        token = sealed.access_token(account.item) if last and account.item.status != BankItem.Status.REMOVED else None
    try:
        rails.rail(RAIL).remove_bank(bank=source)
    except ProviderRejected as error:
        log.warning("bank_removal_refused", extra={"code": error.code})
    if token is not None:
        plaid.remove_item(token)
    with actor(SYSTEM):
        if token is not None:
            BankItem.objects.filter(pk=account.item_id).update(status=BankItem.Status.REMOVED)
        BankAccount.objects.filter(pk=account.pk, status=Status.REMOVED).update(close_due_at=None)


def closing(*, limit: int = 100) -> list[int]:
    """Removed accounts of which the vendors have yet to be told; each is due again in a minute."""
    moment = now()
    with actor(SYSTEM):
        ids = list(BankAccount.objects.filter(close_due_at__lte=moment).values_list("pk", flat=True)[:limit])
        BankAccount.objects.filter(pk__in=ids, close_due_at__isnull=False).update(close_due_at=moment + timedelta(minutes=1))
    return ids


# ------------------------------------------------------------------------------------------------ news from the vendors
def check_item(*, item_id: str) -> bool:
    """Ask Plaid whether a login still works; False when it is none of ours. Raises ProviderDown."""
    with actor(SYSTEM):
        item = BankItem.objects.filter(item_id=item_id, access_token__isnull=False).first()
        if item is None:
            return False
        token = sealed.access_token(item)
    if item.status == BankItem.Status.REMOVED:
        return True
    usable = plaid.item_usable(token)
    with actor(SYSTEM):
        BankItem.objects.filter(pk=item.pk).exclude(status=BankItem.Status.REMOVED).update(
            status=BankItem.Status.ACTIVE if usable else BankItem.Status.RELINK
        )
        _set_usable(Q(item_id=item.pk), usable)
    return True


def check_bank(*, funding_source: str) -> bool:
    """Ask the rail whether a bank account is still usable; False when it is none of ours. Raises ProviderDown."""
    ours = Q(source_index=sealed.source_index(funding_source))
    with actor(SYSTEM):
        if not BankAccount.objects.filter(ours).exists():
            return False
    try:
        usable = rails.rail(RAIL).bank_usable(bank=funding_source)
    except ProviderRejected:
        usable = False
    with actor(SYSTEM):
        _set_usable(ours, usable)
    return True


def _set_usable(which: Q, usable: bool) -> None:
    rows = BankAccount.objects.filter(which).exclude(status=Status.REMOVED)
    rows.update(status=Status.ACTIVE if usable else Status.RELINK)
