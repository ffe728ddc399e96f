"""What became of a transfer at its rail. News only makes us look: what the rail shows then is what counts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from banking import rails
from banking.models import BankTransfer
from banking.rails.port import RailStatus, RailTransfer
from banking.services.returns import came_back
from banking.services.transfers.moves import (
    FIRST_LATE_POLL,
    FIRST_POLL,
    Cancel,
    Status,
    alarm,
    locked,
    move,
    no_longer_pending,
    posting,
    tell,
)  # fmt: skip
from core.actor import SYSTEM, actor
from core.clock import now
from core.errors import InsufficientFunds
from core.ids import derived_reference
from ledger import services as ledger
from ledger.errors import AccountClosed
from wallets import services as wallets

OVER = (Status.FAILED, Status.CANCELLED)


def refresh(*, transfer_id: int) -> None:
    """Ask the rail what became of a transfer and act on it; repeats harmlessly. Raises ProviderDown, AmountMismatch."""
    with actor(SYSTEM):
        transfer = BankTransfer.objects.filter(pk=transfer_id, external_id__isnull=False).first()
    if transfer is None:
        return
    shown = rails.rail(transfer.rail).status(transfer=str(transfer.external_id))
    apply(transfer.pk, transfer.user_id, shown, cause="asked the rail")


# The statuses of ours that hold what a message says already.
HELD: dict[RailStatus, tuple[str, ...]] = {
    "pending": (Status.PENDING, Status.SETTLED, Status.FAILED, Status.CANCELLED, Status.RETURNED),
    "processed": (Status.SETTLED, Status.RETURNED),
    "failed": (Status.FAILED, Status.RETURNED),
    "cancelled": (Status.CANCELLED,),
}


def statuses(external_ids: Sequence[str]) -> dict[tuple[str, str], str]:
    """Of our own records of these transfers, by rail and id there. For a caller's transaction as SYSTEM."""
    rows = BankTransfer.objects.filter(external_id__in=external_ids).values_list("rail", "external_id", "status")
    return {(rail, str(external_id)): status for rail, external_id, status in rows} if external_ids else {}


def heard_of(*, rail: str, external_id: str, key: UUID | None) -> bool:
    """News of a transfer at the rail, known by its id there or by our key; False when it is none of ours (yet).

    What the news says is not believed: the transfer is fetched.
    """
    with actor(SYSTEM):
        ours = BankTransfer.objects.filter(rail=rail)
        transfer = ours.filter(external_id=external_id).first()
        if transfer is None and key is not None:
            transfer = ours.filter(rail_key=key).first()
    if transfer is None:
        return False
    apply(transfer.pk, transfer.user_id, rails.rail(rail).status(transfer=external_id), cause="webhook")
    return True


def apply(transfer_id: int, user_id: int, shown: RailTransfer, *, cause: str) -> None:
    """Bring our row up to what the rail shows. Older or repeated news changes nothing, whatever their order."""
    with actor(SYSTEM):
        wallets.guard(user_id=user_id)
        transfer = locked(transfer_id)
        _check(transfer, shown)
        if transfer.external_id is None and transfer.status in OVER:
            return  # refused, and the rail keeps what it refused as a failed one (Stripe does)
        if transfer.external_id is None:
            to_pending(transfer, shown.id, cause=cause)
        evidence = {"rail_status": shown.status, "failure": shown.failure_code}
        match (transfer.status, shown.status):
            case (Status.PENDING, "processed"):
                _settle(transfer, cause=cause, evidence=evidence)
            case (Status.PENDING, "failed"):
                undo(transfer, Status.FAILED, code=shown.failure_code, cause=cause, evidence=evidence)
            case (Status.PENDING, "cancelled"):
                undo(transfer, Status.CANCELLED, code="", cause=cause, evidence=evidence)
            case (Status.SETTLED, "failed"):
                _take_back(transfer, code=shown.failure_code, cause=cause, evidence=evidence)
            case _:
                pass


def to_pending(transfer: BankTransfer, external_id: str, *, cause: str) -> None:
    if transfer.status in (Status.REQUESTED, Status.QUEUED):
        move(transfer, Status.SUBMITTED, cause=cause)
    move(
        transfer, Status.PENDING, cause=cause, evidence={"external_id": external_id},
        external_id=external_id, due_at=_next_look(transfer), attempts=0,
    )  # fmt: skip


def _next_look(transfer: BankTransfer) -> datetime:
    """At once where its person wants it back: that is asked of the rail now."""
    return now() if transfer.cancel == Cancel.ASKED else now() + FIRST_POLL


def _check(transfer: BankTransfer, shown: RailTransfer) -> None:
    if transfer.external_id not in (None, shown.id):
        raise alarm(transfer, "the rail has two transfers under one key")
    if shown.key != str(transfer.rail_key):
        raise alarm(transfer, "the rail shows another key")
    if (shown.amount, shown.currency) != (transfer.amount, "USD"):
        raise alarm(transfer, "the rail shows another amount")
    if transfer.external_id is None and transfer.status in OVER and shown.status in ("pending", "processed"):
        raise alarm(transfer, "the rail has a transfer that it refused")


def _settle(transfer: BankTransfer, *, cause: str, evidence: Mapping[str, Any]) -> None:
    amount, custodian = transfer.amount, transfer.rail
    no_longer_pending(transfer)
    if transfer.is_load:
        evidence = {**evidence, **_credit(transfer)}
    else:
        wallets.settle_redemption(amount=amount, custodian=custodian, **posting(transfer, "settle"))
    move(transfer, Status.SETTLED, cause=cause, evidence=evidence, **_watched())
    tell(transfer, "settled")


def _credit(transfer: BankTransfer) -> dict[str, Any]:
    """Mint a load; what became of it, where it did not all go to the wallet. A closed wallet's waits in suspense."""
    amount, custodian = transfer.amount, transfer.rail
    try:
        with transaction.atomic():
            repaid = wallets.mint(user_id=transfer.user_id, amount=amount, custodian=custodian, **posting(transfer, "mint"))
    except AccountClosed:
        wallets.suspend_load(amount=amount, custodian=custodian, **posting(transfer, "suspend"))
        return {"suspended": True}
    return {"repaid": repaid} if repaid else {}


def _watched() -> dict[str, Any]:
    """A settled transfer may come back for weeks, and news of that may get lost: it stays due."""
    return {"settled_at": now(), "due_at": now() + FIRST_LATE_POLL, "attempts": 0}


def undo(transfer: BankTransfer, to: str, *, code: str, cause: str, evidence: Mapping[str, Any] | None = None) -> None:
    """It never settled: nothing is on its way any more, and a redemption's tokens are back."""
    no_longer_pending(transfer)
    if not transfer.is_load:
        wallets.return_tokens(user_id=transfer.user_id, amount=transfer.amount, **posting(transfer, "return"))
    move(transfer, to, cause=cause, evidence={"code": code, **(evidence or {})}, failure_code=code, due_at=None)
    if to == Status.FAILED and transfer.external_id is not None:
        came_back(transfer, code=code, late=False)
    tell(transfer, to)


def _take_back(transfer: BankTransfer, *, code: str, cause: str, evidence: Mapping[str, Any]) -> None:
    """It came back after it had settled: a load is clawed back; a redemption's dollars are in the reserve again."""
    user_id, amount, owed = transfer.user_id, transfer.amount, 0
    if transfer.is_load:
        owed = _claw_back(transfer)
        evidence = {**evidence, "owed": owed} if owed else evidence
    else:
        settled, unsettled = (derived_reference(transfer.rail_key, step) for step in ("settle", "unsettle"))
        ledger.reverse(reference=unsettled, original=settled)
        wallets.return_tokens(user_id=user_id, amount=amount, **posting(transfer, "return"))
    move(transfer, Status.RETURNED, cause=cause, evidence=evidence, failure_code=code, due_at=None)
    came_back(transfer, code=code, late=True, owed=owed)
    tell(transfer, "returned")


def _claw_back(transfer: BankTransfer) -> int:
    """Take a returned load back from where it went; the cents that the person owes since."""
    if transfer.moves.filter(status=Status.SETTLED, evidence__suspended=True).exists():
        suspended, taken = (derived_reference(transfer.rail_key, step) for step in ("suspend", "unsuspend"))
        try:
            ledger.reverse(reference=taken, original=suspended)
        except InsufficientFunds:
            pass  # its owner was found meanwhile, and owes it
        else:
            return 0
    return wallets.claw_back(
        user_id=transfer.user_id, amount=transfer.amount, custodian=transfer.rail, **posting(transfer, "clawback")
    )
