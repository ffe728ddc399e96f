"""Linking and removing banks: Plaid knows the login, Dwolla may debit the account, and we keep their ids.

Each step is recorded before the next begins, so that a link that broke off goes on where it stopped when the same
public token comes again. No transaction is open while a vendor is asked.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet

from banking import plaid, rails
from banking.errors import BankTransfersStopped, LinkFailed, TransfersOpen
from banking.models import BankAccount, BankItem, BankSource, BankTransfer, RailCustomer
from banking.services import identity, routing, sources, upkeep
from banking.services import secrets as sealed
from banking.services.defaults import settle_default
from banking.services.vendors import in_words
from core.actor import SYSTEM, actor
from core.clock import now
from core.errors import IdempotencyInProgress, NotFound, ValidationError
from core.outbox import emit
from core.resilience import ProviderRejected
from wallets import services as wallets
from wallets.errors import frozen_error

log = logging.getLogger("paya.banking")
CLAIM = timedelta(seconds=60)
BARRED = "This account cannot be used with PaYa. Please write to us: we find out why."
KINDS = ("checking", "savings")
Status = BankAccount.Status


# ------------------------------------------------------------------------------------------------ linking
def link_account(*, user_id: int, public_token: str, account_id: str | None = None) -> BankAccount:
    """Link one account of a login: the named one, or the only or first checking account.

    The same token again gives the same account. Raises LinkFailed (a token that is used, expired or none; no such
    account), AccountFrozen, BankTransfersStopped, BankUnavailable, IdempotencyInProgress.
    """
    return link(user_id=user_id, public_token=public_token, account_ids=[account_id] if account_id else None)[0]


def link(*, user_id: int, public_token: str, account_ids: Sequence[str] | None) -> list[BankAccount]:
    """Link these accounts of a login; raises as `link_account` does."""
    with actor(user_id):
        check_may_link(user_id)
    item = _claim_item(user_id, public_token)
    try:
        with in_words():
            token = _access(item, public_token)
            found, institution_id = plaid.accounts(token)
            _name_institution(item, institution_id)
            chosen = _choose(found, account_ids)
            return [_link_one(item, token, each) for each in chosen]
    finally:
        with actor(user_id):
            BankItem.objects.filter(pk=item.pk).update(claimed_until=None)


def check_may_link(user_id: int) -> None:
    """Who may not load is told so before a bank is linked. Raises AccountFrozen, BankTransfersStopped; as the person."""
    held = wallets.state_from("wallets_read", user_id)
    if held.frozen:
        raise frozen_error(held.frozen, held.frozen_reason)
    if RailCustomer.objects.filter(user_id=user_id, rail__in=routing.chosen_rails(), stopped=True).exists():
        raise BankTransfersStopped


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
        upkeep.watch(item)
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


def _link_one(item: BankItem, token: str, chosen: plaid.PlaidAccount) -> BankAccount:
    with actor(item.user_id):
        linked = item.accounts.filter(account_id=chosen.account_id).exclude(status=Status.REMOVED).first()
        chosen_rails = routing.chosen_rails()
    if linked is not None and linked.status == Status.ACTIVE:
        linked.item = item
        return linked
    numbers = sealed.numbers_index(plaid.credential(token, chosen.account_id, wanted="numbers"))
    with actor(item.user_id):
        _refuse_barred(numbers)
    known: dict[str, str] = {}
    for rail in chosen_rails:
        customer = sources.customer_at(rail, user_id=item.user_id, acting=item.user_id)
        name = chosen.name or item.institution
        known[rail] = sources.add(rail, customer, token, chosen.account_id, kind=chosen.kind, name=name)
    return _record(item, chosen, known, numbers)


def _refuse_barred(numbers: bytes) -> None:
    """Raises LinkFailed for an account whose bank denied us, whoever had linked it."""
    with connection.cursor() as cursor:
        cursor.execute("select banking_barred(%s)", [numbers])
        if cursor.fetchone()[0]:
            raise LinkFailed(BARRED, next="tell_us")


def _record(item: BankItem, chosen: plaid.PlaidAccount, known: Mapping[str, str], numbers: bytes) -> BankAccount:
    """The account as a row; one that this person linked before (a rail knows it) is taken up again."""
    user_id = item.user_id
    seen = {
        "item": item, "account_id": chosen.account_id, "name": chosen.name[:120], "mask": chosen.mask[:8],
        "kind": chosen.kind, "status": Status.ACTIVE, "broken_by": "",
        "numbers_index": numbers,
    }  # fmt: skip
    with actor(user_id):
        wallets.guard(user_id=user_id)
        earlier = (sources.earlier_account(user_id, rail, source) for rail, source in known.items())
        account = next((each for each in earlier if each is not None), None)
        if account is not None and account.blocked_by:
            raise LinkFailed(BARRED, next="tell_us")
        _refuse_barred(numbers)  # again: a return may have come while the rails were asked
        if account is None:
            account = BankAccount.objects.create(user_id=user_id, **seen)
        else:
            BankAccount.objects.filter(pk=account.pk).update(**seen, close_due_at=None)
        for rail, source in known.items():
            sources.record(account, rail, source)
        settle_default(user_id)
        identity.ask_for(account)
        return BankAccount.objects.select_related("item").get(pk=account.pk)


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
        BankAccount.objects.filter(pk=account.pk).update(status=Status.REMOVED, is_default=False, close_due_at=now())
        settle_default(user_id)
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
        known = {row.rail: sealed.source_id(row) for row in account.sources.all()}
        last = not account.item.accounts.exclude(status=Status.REMOVED).exists()
        token = sealed.access_token(account.item) if last and account.item.status != BankItem.Status.REMOVED else None
    for rail, source in known.items():
        try:
            rails.rail(rail).remove_bank(bank=source)
        except ProviderRejected as error:
            log.warning("bank_removal_refused", extra={"rail": rail, "code": error.code})
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
def sources_at(*, rail: str, user_id: int) -> list[str]:
    """The ids of a person's banks at a rail."""
    with actor(SYSTEM):
        rows = BankSource.objects.filter(rail=rail, user_id=user_id).exclude(account__status=Status.REMOVED)
        return [sealed.source_id(row) for row in rows]


def check_bank(*, rail: str, source: str) -> bool:
    """Ask a rail whether a bank account is still usable; False when it is none of ours. Raises ProviderDown."""
    ours = Q(sources__rail=rail, sources__source_index=sealed.source_index(rail, source))
    with actor(SYSTEM):
        found = list(BankAccount.objects.filter(ours).values_list("pk", flat=True))
    if not found:
        return False
    try:
        usable = rails.rail(rail).bank_usable(bank=source)
    except ProviderRejected:
        usable = False
    with actor(SYSTEM):
        rows = BankAccount.objects.filter(pk__in=found)
        if usable:
            _rail_heals(rows.filter(status=Status.RELINK, broken_by=rail))
        else:
            rows.filter(status=Status.ACTIVE).update(status=Status.RELINK, broken_by=rail)
    return True


def _rail_heals(rows: QuerySet[BankAccount]) -> None:
    """What this rail broke it may heal; an account whose login broke meanwhile waits for that."""
    rows.filter(item__status=BankItem.Status.ACTIVE).update(status=Status.ACTIVE, broken_by="")
    rows.exclude(item__status=BankItem.Status.ACTIVE).update(broken_by="")
