"""Logins at banks, looked after: broken, repaired, withdrawn.

Plaid tells of most of it, and not of everything: some banks do not say when their customer withdraws the permission, and
nobody says when a person has logged in again. So each login is asked about once a day, and often while its person is
at it. A withdrawn permission is believed where it is told, because it only takes something away; that a login works
again is believed when Plaid shows it, and never of a withdrawn one without a message or its person's own log-in.

An account works when its login does and its rails take it: both are looked at before one is healed.
"""

import logging
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from banking import plaid, rails
from banking.models import BankAccount, BankItem, ItemWatch, LinkSession
from banking.nacha import codes
from banking.services import secrets as sealed
from banking.services import sources
from banking.services.defaults import settle_default
from core.actor import SYSTEM, actor
from core.outbox import emit
from core.resilience import ProviderRejected
from wallets import services as wallets

log = logging.getLogger("paya.banking")
Status, Item = BankAccount.Status, BankItem.Status
DAILY = timedelta(days=1)
RELINK_TAKES = timedelta(minutes=30)  # an update-mode token's life
RELINK_LOOK = timedelta(seconds=5 if settings.SANDBOX else 60)
VISITS = 3  # of a person who begins again and again, the last ones are looked at
NOTICE = timedelta(days=7)  # PENDING_DISCONNECT comes so long before (RAILS, section 2)
# Messages of Plaid's that are a reason to look; others change nothing for us (see docs/rails.md).
LOOK = {"ITEM.ERROR", "ITEM.LOGIN_REPAIRED", "ITEM.USER_PERMISSION_REVOKED", "ITEM.USER_ACCOUNT_REVOKED"}
SOON = {"ITEM.PENDING_DISCONNECT", "ITEM.PENDING_EXPIRATION"}
NEW_NUMBERS = {"AUTH.DEFAULT_UPDATE"}


def _moment() -> datetime:
    """Real time, whatever time the demo loader plays: logins are looked after in the present."""
    return datetime.now(UTC)


# ------------------------------------------------------------------------------------------------ when to look
def watch(item: BankItem) -> None:
    """Have a new login looked after from tomorrow on; in the transaction of its person."""
    ItemWatch.objects.get_or_create(item=item, defaults={"user_id": item.user_id, "due_at": _moment() + DAILY})


def expect_relink(item: BankItem) -> None:
    """Its person is logging in again somewhere: look often, for as long as that may take."""
    moment = _moment()
    with actor(item.user_id):
        watch(item)
        ItemWatch.objects.filter(item=item).update(due_at=moment + RELINK_LOOK, relinking_until=moment + RELINK_TAKES)


def due(*, limit: int = 50) -> list[int]:
    """Logins to look at now; each is due again soon while its person is at it, or else tomorrow."""
    moment = _moment()
    with actor(SYSTEM):
        rows = list(ItemWatch.objects.filter(due_at__lte=moment).order_by("due_at")[:limit])
        for row in rows:
            at_it = row.relinking_until is not None and row.relinking_until > moment
            ItemWatch.objects.filter(pk=row.pk).update(due_at=moment + (RELINK_LOOK if at_it else DAILY))
    return [row.item_id for row in rows]


# ------------------------------------------------------------------------------------------------ looking
def heard_of(*, topic: str, item_id: str, account_id: str = "") -> bool:
    """Plaid says that something is up with a login; False when it is none of ours, or nothing to us. Raises ProviderDown."""
    with actor(SYSTEM):
        item = BankItem.objects.filter(item_id=item_id, access_token__isnull=False).first()
    if item is None or topic not in LOOK | SOON | NEW_NUMBERS:
        return False
    if topic in SOON:
        with actor(SYSTEM):
            watch(item)
            ItemWatch.objects.filter(item=item).update(relink_by=(_moment() + NOTICE).date())
            _tell(item.accounts.filter(status=Status.ACTIVE), "bank_relink_soon")
    elif topic in NEW_NUMBERS:
        _renew_numbers(item)
    else:
        look_at(
            item,
            acting=SYSTEM,
            repaired=topic == "ITEM.LOGIN_REPAIRED",
            withdrawn=topic == "ITEM.USER_PERMISSION_REVOKED",
            withdrawn_account=account_id if topic == "ITEM.USER_ACCOUNT_REVOKED" else "",
        )
    return True


def check(*, item: int) -> None:
    """The daily look at a login; one that has no account left is given up. Raises ProviderDown, ProviderRejected."""
    with actor(SYSTEM):
        row = BankItem.objects.select_related("watch").filter(pk=item, access_token__isnull=False).first()
        if row is None or row.status == Item.REMOVED:
            return
        left = row.accounts.filter(~Q(status=Status.REMOVED) | Q(close_due_at__isnull=False)).exists()
        token = sealed.access_token(row)
        at_it = row.watch.relinking_until is not None and row.watch.relinking_until > _moment()
    if left:
        look_at(row, acting=SYSTEM, repaired=at_it and _logged_in_again(row))
        return
    # Its accounts were removed, or linked anew under another login: nobody needs Plaid to keep this one.
    plaid.remove_item(token)
    with actor(SYSTEM):
        BankItem.objects.filter(pk=row.pk).update(status=Item.REMOVED)


def look_at(
    item: BankItem, *, acting: int, repaired: bool = False, withdrawn: bool = False, withdrawn_account: str = ""
) -> None:
    """Ask Plaid how a login stands and act on it. `repaired`: its person has logged in again, or Plaid says so.

    Raises ProviderDown, and ProviderRejected where the refusal is none of the login's.
    """
    with actor(acting):
        token = sealed.access_token(item)
    login = plaid.login(token)
    if login.state == "works" and not withdrawn:
        _works(item, login, token, acting=acting, repaired=repaired, withdrawn_account=withdrawn_account)
        return
    fails(item, acting=acting, gone=withdrawn or login.state == "gone")


def fails(item: BankItem, *, acting: int, gone: bool) -> None:
    """A login works no longer: its person has to log in again, or (`gone`) has withdrawn the permission."""
    with actor(acting):
        wallets.guard(user_id=item.user_id)
        open_items = BankItem.objects.filter(pk=item.pk).exclude(status=Item.REMOVED)
        hit = BankAccount.objects.filter(item_id=item.pk, status__in=[Status.ACTIVE, Status.RELINK])
        if gone:
            open_items.update(status=Item.REVOKED)
            _strike(hit, Status.REVOKED)
        else:
            open_items.exclude(status=Item.REVOKED).update(status=Item.RELINK)
            _strike(hit.filter(status=Status.ACTIVE), Status.RELINK)


def _logged_in_again(item: BankItem) -> bool:
    """Whether one of its person's visits of the last half hour came to a good end. Raises ProviderDown, ProviderRejected."""
    with actor(SYSTEM):
        mine = LinkSession.objects.filter(user_id=item.user_id, repairs__in=item.accounts.values("public_id"))
        tokens = [sealed.link_token_of(each) for each in mine.filter(expires_at__gt=_moment()).order_by("-pk")[:VISITS]]
    return any(plaid.visit(token).succeeded for token in tokens)


def wrong_number(account: BankAccount) -> bool:
    """Whether a transfer came back because the bank knows no such account: logging in again changes nothing about that."""
    return account.broken_by in codes.RETURNS


def _works(
    item: BankItem, login: plaid.Login, token: str, *, acting: int, repaired: bool, withdrawn_account: str
) -> None:
    with actor(acting):
        item.refresh_from_db(fields=["status"])
        if item.status == Item.REMOVED or (item.status == Item.REVOKED and not repaired):
            return
        shown = Q(account_id__in=login.account_ids) if login.account_ids is not None else Q()
        lost = Q(account_id=withdrawn_account) | (~shown if login.account_ids is not None else Q(pk=None))
        mine = list(BankAccount.objects.filter(item_id=item.pk).exclude(status=Status.REMOVED).order_by("pk"))
        lost_ids = set(BankAccount.objects.filter(lost, item_id=item.pk).values_list("pk", flat=True))
    # An account whose rail has dropped it is not healed by a login that never broke, and a wrong number by no login at all.
    heals = repaired or item.status != Item.ACTIVE
    broken = [each for each in mine if each.status != Status.ACTIVE and each.pk not in lost_ids and not wrong_number(each)]
    healed = [each.pk for each in broken if heals and _rails_take(each, token, acting=acting)]
    with actor(acting):
        wallets.guard(user_id=item.user_id)
        if BankItem.objects.filter(pk=item.pk).exclude(status=Item.REMOVED).update(status=Item.ACTIVE) != 1:
            return
        still = BankAccount.objects.filter(item_id=item.pk, status__in=[Status.ACTIVE, Status.RELINK])
        _strike(still.filter(pk__in=lost_ids), Status.REVOKED)
        BankAccount.objects.filter(pk__in=healed).exclude(status=Status.REMOVED).update(status=Status.ACTIVE, broken_by="")
        if repaired:
            ItemWatch.objects.filter(item=item).update(relink_by=None)
        if healed:
            ItemWatch.objects.filter(item=item).update(relinking_until=None)
        settle_default(item.user_id)


def _rails_take(account: BankAccount, token: str, *, acting: int) -> bool:
    """Whether every rail that knows the account still takes it; one that dropped it, or may have old numbers, is told anew."""
    with actor(acting):
        known = {row.rail: sealed.source_id(row) for row in account.sources.all()}
    for rail, source in known.items():
        try:
            if rail not in rails.available():
                continue
            port = rails.rail(rail)
            if port.credential == "numbers" or not port.bank_usable(bank=source):
                sources.renew(account, rail, token, acting=acting)
        except ProviderRejected as error:
            log.info("bank_not_healed", extra={"account": account.public_id, "rail": rail, "code": error.code})
            return False
    return True


def _strike(rows: QuerySet[BankAccount], status: str) -> None:
    """Accounts can no longer be used, and their person is told; transfers under way still end as they do."""
    _tell(rows, "bank_revoked" if status == Status.REVOKED else "bank_relink")
    rows.update(status=status)


def _tell(rows: QuerySet[BankAccount], kind: str) -> None:
    for user_id, public_id in rows.values_list("user_id", "public_id"):
        emit("wallet.changed", user=user_id, kind=kind, ref=public_id)


def _renew_numbers(item: BankItem) -> None:
    """The bank has given an account new numbers: rails that know it by its numbers are told."""
    with actor(SYSTEM):
        token = sealed.access_token(item)
        accounts = list(item.accounts.filter(status=Status.ACTIVE).prefetch_related("sources"))
    for account in accounts:
        for row in account.sources.all():
            if row.rail in rails.available() and rails.rail(row.rail).credential == "numbers":
                sources.renew(account, row.rail, token, acting=SYSTEM)
