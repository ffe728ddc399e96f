"""What follows when a transfer comes back: for the bank account, for the person, and for who restricted them.

What each code means stands in one table (banking/nacha/codes.py), with its sources. The money itself has been moved
by then (banking/services/transfers/outcomes.py): undone before settlement, clawed back after it.
"""

import logging

from banking.models import BankAccount, BankTransfer, Return
from banking.nacha import codes
from banking.services.defaults import settle_default
from core.actor import SYSTEM, actor
from core.clock import now
from core.outbox import emit
from core.staff import call, reason_of
from wallets import services as wallets
from wallets.services import Freeze, Guarded

log = logging.getLogger("paya.banking")
# What the person reads. It also marks a freeze as ours: one that staff set for another reason is left alone.
RESTRICTED = (
    "Your bank says that a load was not authorized, or that the account cannot be used. We are looking into it, and"
    " write to you here. You can still receive money."
)


def came_back(transfer: BankTransfer, *, code: str, late: bool, owed: int = 0) -> None:
    """Record a return and do what its code asks for; in the transaction of the return, under the person's guard."""
    known = codes.RETURNS.get(code)
    restricts = known is not None and known.person is codes.Person.RESTRICT
    Return.objects.create(
        user_id=transfer.user_id, transfer=transfer, code=code, late=late, owed=owed, restricts=restricts
    )
    if not code and not transfer.is_load:
        # Stripe gives no reason for a push that its bank did not take: the bank is used again once it is linked again.
        failed = BankAccount.objects.filter(pk=transfer.bank_account_id, status=BankAccount.Status.ACTIVE)
        failed.update(status=BankAccount.Status.RELINK, broken_by=transfer.rail)
    if known is None:
        log.warning("return_code_unknown", extra={"transfer": transfer.public_id, "code": code})
        return
    _bank_account(transfer.bank_account_id, known, user_id=transfer.user_id)
    if restricts:
        _restrict(wallets.guard(user_id=transfer.user_id))


def _bank_account(account_id: int, known: codes.ReturnCode, *, user_id: int) -> None:
    account = BankAccount.objects.filter(pk=account_id)
    there = account.exclude(status=BankAccount.Status.REMOVED)
    if known.bank is codes.Bank.RELINK:
        # Only another number helps, and so no login that works again heals it (upkeep), and no rail.
        there.update(broken_by=known.code)
        there.exclude(status=BankAccount.Status.REVOKED).update(status=BankAccount.Status.RELINK)
    elif known.bank is codes.Bank.REMOVE:
        # After some codes nobody may link it again; after others the person may, once their bank has put it right.
        blocked = known.code if known.person is codes.Person.RESTRICT else ""
        if blocked:
            account.update(blocked_by=blocked)  # even where its owner has removed it before
        gone = {"status": BankAccount.Status.REMOVED, "is_default": False, "close_due_at": now()}
        if there.update(**gone):
            settle_default(user_id)
            emit("bank_account.closing", account=account_id)


def _restrict(held: Guarded) -> None:
    if held.frozen == Freeze.NONE:
        wallets.set_frozen(user_id=held.user_id, level=Freeze.SENDING, reason=RESTRICTED)
        emit("wallet.changed", user=held.user_id, kind="frozen", ref="")


# ------------------------------------------------------------------------------------------------ lifting it again
def lift_restriction(*, return_id: int, staff_id: int, reason: str) -> None:
    """Staff have looked into a return. Raises NotFound; Conflict when it restricts nobody any more."""
    call("banking_lift_restriction", [return_id, reason_of(reason)], staff_id=staff_id)


def lifted(*, limit: int = 100) -> list[int]:
    """Returns whose restriction staff have lifted, and whose wallets have yet to follow."""
    with actor(SYSTEM):
        rows = Return.objects.filter(due_at__lte=now()).order_by("due_at")
        return list(rows.values_list("pk", flat=True)[:limit])


def release(*, return_id: int) -> None:
    """Thaw the wallet once nothing restricts its person any more; a freeze for another reason stays. Repeats harmlessly."""
    with actor(SYSTEM):
        row = Return.objects.get(pk=return_id)
        held = wallets.guard(user_id=row.user_id)
        still = Return.objects.filter(user_id=row.user_id, restricts=True, lifted_at=None).exists()
        if not still and held.frozen and held.frozen_reason == RESTRICTED:
            wallets.set_frozen(user_id=row.user_id, level=Freeze.NONE, reason="")
            emit("wallet.changed", user=row.user_id, kind="unfrozen", ref="")
        Return.objects.filter(pk=return_id).update(due_at=None)
