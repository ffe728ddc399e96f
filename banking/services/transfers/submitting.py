"""Handing a transfer to its rail, finding out whether an earlier try did, and taking it back before it has left."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from banking import rails
from banking.models import BankTransfer
from banking.rails.port import Rail, ReserveShort
from banking.services import funds, sources
from banking.services.transfers.moves import Cancel, Status, alarm, locked, move, note, tell
from banking.services.transfers.outcomes import apply, refresh, to_pending, undo
from core.actor import SYSTEM, actor, read_as
from core.clock import now
from core.resilience import ProviderBusy, ProviderDown, ProviderRejected, ProviderUnknown
from wallets import services as wallets

log = logging.getLogger("paya.banking")
# The call was made, or is being made, and what came of it is not recorded yet.
AT_THE_RAIL = (Status.SUBMITTED, Status.UNKNOWN)
UNSENT = (Status.REQUESTED, Status.QUEUED)
LEASE = timedelta(seconds=120)  # longer than all of a worker's calls for one transfer together
FIRST_RETRY, LAST_RETRY = timedelta(seconds=2), timedelta(minutes=10)
BUSY_RETRY = timedelta(seconds=30)  # Dwolla counts for five minutes (RAILS, section 1): asking at once only adds to it


@dataclass(frozen=True)
class Work:
    """What the calls for one transfer need, read before them so that no transaction is open meanwhile."""

    transfer_id: int
    user_id: int
    account_id: int
    rail: Rail
    is_load: bool
    key: UUID
    amount: int
    in_doubt: bool


def submit(*, transfer_id: int) -> None:
    """Hand a transfer to its rail, or find out whether an earlier try did, or take it back when its person wants that.

    Repeats and races harmlessly.
    """
    if _wanted_back(transfer_id):
        return
    work = _claim(transfer_id)
    if work is None:
        return
    try:
        bank, customer = sources.at_rail(account_id=work.account_id, rail=work.rail.name, user_id=work.user_id)
    except (ProviderDown, ProviderUnknown) as error:
        # The transfer itself has not been asked for in this try.
        _later(work, Status.UNKNOWN if work.in_doubt else Status.QUEUED, cause=str(error))
    except ProviderRejected as error:
        if work.in_doubt:
            _later(work, Status.UNKNOWN, cause=error.code)
        else:
            _refused(work, error.code)
    else:
        if work.is_load and not work.in_doubt and (objection := funds.objection(account_id=work.account_id, amount=work.amount)):
            _refused(work, objection)
        else:
            _hand_over(work, bank, customer)


def _hand_over(work: Work, bank: str, customer: str) -> None:
    try:
        found = work.rail.find(key=work.key, customer=customer) if work.in_doubt else None
    except (ProviderDown, ProviderUnknown, ProviderRejected) as error:
        _later(work, Status.UNKNOWN, cause=str(error))
        return
    if found is None:
        _create(work, bank)
    else:
        apply(work.transfer_id, work.user_id, found, cause="found at the rail")


def _create(work: Work, bank: str) -> None:
    """Ask the rail for the transfer, for the first time or with the same key again, and record what it says."""
    create = work.rail.create_pull if work.is_load else work.rail.create_push
    try:
        external_id = create(key=work.key, bank=bank, amount=work.amount)
    except ProviderUnknown as error:
        _later(work, Status.UNKNOWN, cause=str(error))
    except ProviderDown as error:
        # An earlier call of doubtful outcome may still arrive: only a first try may go back to the queue.
        least = BUSY_RETRY if isinstance(error, ProviderBusy) else FIRST_RETRY
        _later(work, Status.UNKNOWN if work.in_doubt else Status.QUEUED, cause=str(error), first=least)
    except ReserveShort as error:
        # Our own want of money there, and not the person's fault: it waits, and somebody has to move some.
        log.error("reserve_short", extra={"rail": work.rail.name, "transfer": work.transfer_id})
        _later(work, Status.UNKNOWN if work.in_doubt else Status.QUEUED, cause=error.code)
    except ProviderRejected as error:
        _refused(work, error.code)
    else:
        _accepted(work, external_id)


def _claim(transfer_id: int) -> Work | None:
    """Take a due transfer for a lease's length; None when it is not due or somebody else has it."""
    moment = now()
    with actor(SYSTEM):
        due = BankTransfer.objects.select_for_update(of=("self",), skip_locked=True)
        transfer = due.filter(pk=transfer_id, due_at__lte=moment).first()
        if transfer is None or transfer.status not in UNSENT + AT_THE_RAIL or transfer.review == BankTransfer.Review.WAITING:
            return None
        lease: dict[str, Any] = {"due_at": moment + LEASE, "attempts": transfer.attempts + 1}
        if transfer.status in UNSENT:
            move(transfer, Status.SUBMITTED, cause="worker", **lease)
        elif transfer.status == Status.SUBMITTED:
            # Its worker vanished between the call and the record.
            move(transfer, Status.UNKNOWN, cause="no record of the call", **lease)
        else:
            BankTransfer.objects.filter(pk=transfer.pk).update(**lease)
        return Work(
            transfer_id=transfer.pk,
            user_id=transfer.user_id,
            account_id=transfer.bank_account_id,
            rail=rails.rail(transfer.rail),
            is_load=transfer.is_load,
            key=transfer.rail_key,
            amount=transfer.amount,
            in_doubt=transfer.status == Status.UNKNOWN,
        )


def _later(work: Work, status: str, *, cause: str, first: timedelta = FIRST_RETRY) -> None:
    """Put a transfer back for another try, with growing pauses."""
    with actor(SYSTEM):
        transfer = locked(work.transfer_id)
        if transfer.status not in AT_THE_RAIL:
            return  # a webhook was faster than the answer that never came
        due_at = now() + min(LAST_RETRY, first * 2 ** min(transfer.attempts - 1, 12))
        if transfer.status in (status, Status.UNKNOWN):
            BankTransfer.objects.filter(pk=transfer.pk).update(due_at=due_at)
        else:
            move(transfer, status, cause=cause, due_at=due_at)


def _accepted(work: Work, external_id: str) -> None:
    with actor(SYSTEM):
        transfer = locked(work.transfer_id)
        if transfer.external_id == external_id:
            return  # the webhook told us first
        if transfer.external_id is not None:
            raise alarm(transfer, "the rail has two transfers under one key")
        if transfer.status not in AT_THE_RAIL:
            raise alarm(transfer, "the rail has a transfer that it refused")
        to_pending(transfer, external_id, cause="accepted by the rail")


def _refused(work: Work, code: str) -> None:
    with actor(SYSTEM):
        wallets.guard(user_id=work.user_id)
        transfer = locked(work.transfer_id)
        if transfer.status == Status.FAILED:
            return  # another worker heard the same, or a webhook told of what the rail keeps as failed
        if transfer.external_id is not None:
            raise alarm(transfer, "the rail refused a transfer that it has")
        if transfer.status not in AT_THE_RAIL:
            return
        undo(transfer, Status.FAILED, code=code, cause="refused by the rail")


# ------------------------------------------------------------------------------------------------ taking it back
def _wanted_back(transfer_id: int) -> bool:
    """Act on a person's wish to have a transfer back; False when there is none, or the rail must be asked first."""
    if not read_as(SYSTEM, "select 1 from banking_banktransfer where id = %s and cancel = %s", [transfer_id, Cancel.ASKED.value]):
        return False  # as nearly always, and found out in one round trip
    with actor(SYSTEM):
        transfer = BankTransfer.objects.get(pk=transfer_id)
    if transfer.status in AT_THE_RAIL:
        return False  # what may be at the rail is taken back there, once we know that it is
    if transfer.status in UNSENT:
        return _take_back_unsent(transfer)
    if transfer.status == Status.PENDING:
        _take_back_at_rail(transfer)
    return True


def _take_back_unsent(seen: BankTransfer) -> bool:
    with actor(SYSTEM):
        wallets.guard(user_id=seen.user_id)
        transfer = locked(seen.pk)
        if transfer.status not in UNSENT:
            return False
        undo(transfer, Status.CANCELLED, code="", cause="taken back before it was sent")
    return True


def _take_back_at_rail(transfer: BankTransfer) -> None:
    """Ask the rail; what it then shows decides. Raises ProviderDown, ProviderUnknown: it stays due."""
    try:
        rails.rail(transfer.rail).cancel(transfer=str(transfer.external_id))
    except ProviderRejected as error:
        refresh(transfer_id=transfer.pk)
        _too_late(transfer.pk, error.code)
    else:
        refresh(transfer_id=transfer.pk)


def _too_late(transfer_id: int, code: str) -> None:
    with actor(SYSTEM):
        transfer = locked(transfer_id)
        if transfer.status == Status.PENDING and transfer.cancel == Cancel.ASKED:
            BankTransfer.objects.filter(pk=transfer.pk).update(cancel=Cancel.REFUSED)
            note(transfer, cause="the rail says that it is too late", evidence={"cancel": Cancel.REFUSED, "code": code})
            tell(transfer, "cancel_refused")
