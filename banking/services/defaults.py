"""The bank that is chosen when a person says nothing else: their first, or the one that they have made it."""

from banking.models import BankAccount
from core.actor import actor
from core.errors import NotFound
from wallets import services as wallets

Status = BankAccount.Status


def choose_default(*, user_id: int, bank_account: str) -> BankAccount:
    """Make one of the person's banks their default. Raises NotFound."""
    with actor(user_id):
        wallets.guard(user_id=user_id)
        mine = BankAccount.objects.filter(user_id=user_id).exclude(status=Status.REMOVED)
        account = mine.select_related("item").filter(public_id=bank_account).first()
        if account is None:
            raise NotFound
        if not account.is_default:
            mine.filter(is_default=True).update(is_default=False)
            BankAccount.objects.filter(pk=account.pk).update(is_default=True)
            account.is_default = True
    return account


def settle_default(user_id: int) -> None:
    """See to it that somebody with a usable bank has a default: the oldest. Under the guard, after a bank came or went."""
    mine = BankAccount.objects.filter(user_id=user_id)
    if mine.filter(is_default=True).exists():
        return
    oldest = mine.filter(status=Status.ACTIVE).order_by("pk").first()
    if oldest is not None:
        BankAccount.objects.filter(pk=oldest.pk).update(is_default=True)
