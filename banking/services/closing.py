"""What becomes of a person's banks when they close their account. Called by the worker, as SYSTEM, under the person's guard."""

from datetime import timedelta

from django.db.models import Sum

from banking import rails
from banking.models import BankAccount, BankTransfer, RailCustomer
from banking.services.routing import chosen_rail
from banking.services.transfers.requests import begin
from core.clock import now
from core.outbox import emit
from wallets import services as wallets

UNSEASONED_FOR = timedelta(days=60)  # so long may a bank take a load back


def minimum() -> int:
    """The smallest amount, in cents, that the rail for redemptions carries now."""
    return int(rails.rail(chosen_rail(BankTransfer.Kind.REDEMPTION)).terms.minimum)


def usable_account(user_id: int) -> BankAccount | None:
    """The bank that what is left goes to: the default one, or the oldest of those that work; None while a rail stopped them."""
    rail = chosen_rail(BankTransfer.Kind.REDEMPTION)
    if RailCustomer.objects.filter(user_id=user_id, rail=rail, stopped=True).exists():
        return None
    accounts = BankAccount.objects.select_related("item").filter(user_id=user_id, status=BankAccount.Status.ACTIVE)
    return accounts.order_by("-is_default", "id").first()


def under_way(user_id: int) -> set[str]:
    """What is on its way between the person and their banks: of "load" and "redemption"."""
    rows = BankTransfer.objects.filter(user_id=user_id, status__in=BankTransfer.OPEN)
    return set(rows.values_list("kind", flat=True))


def unseasoned(user_id: int) -> int:
    """Cents of settled loads that their bank may still take back."""
    loads = BankTransfer.objects.filter(
        user_id=user_id, kind=BankTransfer.Kind.LOAD, status=BankTransfer.Status.SETTLED, settled_at__gt=now() - UNSEASONED_FOR
    )
    return int(loads.aggregate(sum=Sum("amount"))["sum"] or 0)


def send_rest(*, user_id: int, amount: int, account: BankAccount) -> BankTransfer:
    """Send what is left to the bank: a redemption that passes the closing's lock."""
    rail = chosen_rail(BankTransfer.Kind.REDEMPTION)
    return begin(
        BankTransfer.Kind.REDEMPTION, user_id=user_id, amount=amount, account=account, rail=rail, burn=wallets.burn_closing
    )


def forget_banks(user_id: int) -> None:
    """Remove all banks of the person; the vendors are told of each."""
    rows = BankAccount.objects.filter(user_id=user_id).exclude(status=BankAccount.Status.REMOVED)
    ids = list(rows.values_list("pk", flat=True))
    BankAccount.objects.filter(pk__in=ids).update(status=BankAccount.Status.REMOVED, is_default=False, close_due_at=now())
    for account in ids:
        emit("bank_account.closing", account=account)


def telling_vendors(user_id: int) -> bool:
    """Whether a vendor has yet to hear of a removed bank."""
    return BankAccount.objects.filter(user_id=user_id, close_due_at__isnull=False).exists()


def last_settled(user_id: int) -> BankTransfer | None:
    """The transfer that settled last: from then on its bank's time to take it back runs."""
    return BankTransfer.objects.filter(user_id=user_id, settled_at__isnull=False).order_by("-settled_at").first()
