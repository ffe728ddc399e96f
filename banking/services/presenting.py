"""Presenting a load again that the bank did not cover: the same amount, from the same account, twice at most.

Nacha allows it for R01 and R09, within 180 days, as the same entry described RETRY PYMT (RAILS, section 5). Here the
person asks for it: a bank account that was empty is not debited behind its owner's back.
"""

from datetime import timedelta

from banking.errors import NotPresentable
from banking.models import BankAccount, BankTransfer
from banking.nacha import codes
from banking.services.transfers.moves import Kind, Status
from banking.services.transfers.requests import NOWHERE, begin_screened, check_served
from compliance.movement import Origin
from compliance.services import screening
from core.actor import actor
from core.clock import now
from core.errors import NotFound
from wallets import services as wallets
from wallets.errors import frozen_error

TIMES, WITHIN = 2, timedelta(days=180)


def may_present_again(load: BankTransfer) -> bool:
    """Whether a load that came back may be asked for once more; needs its bank account, and its person as actor."""
    return _presentable(load) and _presented_after(load) is None


def _presented_after(load: BankTransfer) -> BankTransfer | None:
    first = load.represents_id or load.pk
    return BankTransfer.objects.filter(represents_id=first, presentment=load.presentment + 1).first()


def _presentable(load: BankTransfer) -> bool:
    known = codes.RETURNS.get(load.failure_code)
    return (
        load.is_load
        and load.status in (Status.FAILED, Status.RETURNED)
        and known is not None
        and known.represent
        and load.presentment < TIMES
        and load.created_at > now() - WITHIN
        and load.bank_account.status == BankAccount.Status.ACTIVE
    )


def present_again(*, user_id: int, public_id: str, origin: Origin = NOWHERE) -> BankTransfer:
    """The next presentment of a load that the bank did not cover; a second click lands on the same one.

    Raises NotFound, AccountFrozen, BankTransfersStopped, LimitExceeded, Refused and ValidationError as a new load does, and
    NotPresentable for another reason, a third time, or after half a year.
    """
    with screening.keeping_denials(), actor(user_id):
        held = wallets.guard(user_id=user_id)
        loads = BankTransfer.objects.select_related("bank_account")
        load = loads.filter(user_id=user_id, kind=Kind.LOAD, public_id=public_id).first()
        if load is None:
            raise NotFound
        if (made := _presented_after(load)) is not None:
            return made
        if held.frozen:
            raise frozen_error(held.frozen, held.frozen_reason)
        if not _presentable(load):
            raise NotPresentable
        check_served(load.rail, load.amount, user_id)
        # It goes by the rail of the first: there it is the same entry once more.
        return begin_screened(
            Kind.LOAD, user_id=user_id, amount=load.amount, account=load.bank_account, rail=load.rail,
            available=held.available, origin=origin,
            represents_id=load.represents_id or load.pk, presentment=load.presentment + 1,
        )  # fmt: skip
