"""Loads and redemptions: asked for by a person, carried out at the rail by the worker.

Nothing here calls a rail inside a transaction. The order is always: persist what is meant to happen under our own
key, commit, call, record. A call without an answer leaves the transfer *unknown*; it is then searched for at the
rail, and only made again, with the same key, when the rail has none. Tokens are minted when the rail says that
dollars arrived, and burned before dollars are asked to leave.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q

from banking import rails
from banking.errors import AmountMismatch
from banking.models import BankAccount, BankTransfer, RailCustomer, TransferMove
from banking.rails.port import Rail, RailTransfer
from banking.services.secrets import customer_id, funding_source_id
from banking.show import transfer_body
from core import idempotency
from core.actor import SYSTEM, actor
from core.calendar import EASTERN, add_business_days
from core.clock import now
from core.errors import AccountFrozen, NotFound, ValidationError
from core.ids import derived_reference, new_id, new_reference
from core.money import MAX_AMOUNT
from core.outbox import emit
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown
from ledger import services as ledger
from wallets import services as wallets
from wallets.errors import OwesMoney

log = logging.getLogger("paya.banking")
Kind, Status = BankTransfer.Kind, BankTransfer.Status

# What the ACH network needs, in business days (RAILS, section 1: bank to balance 3-4, balance to bank 1-2).
BUSINESS_DAYS = {Kind.LOAD: 3, Kind.REDEMPTION: 1}
PREFIX = {Kind.LOAD: "ld", Kind.REDEMPTION: "rd"}
# The call was made, or is being made, and what came of it is not recorded yet.
AT_THE_RAIL = (Status.SUBMITTED, Status.UNKNOWN)
LEASE = timedelta(seconds=120)  # longer than all of a worker's calls for one transfer together
# Webhooks bring the news; asking is the net below them. In the sandbox somebody is watching.
FIRST_POLL = timedelta(seconds=20 if settings.SANDBOX else 900)
LAST_POLL = timedelta(minutes=5 if settings.SANDBOX else 360)
FIRST_RETRY, LAST_RETRY = timedelta(seconds=2), timedelta(minutes=10)
# Sweeps look every few seconds, and a message may wait longer than that: only a lost one is worth sending again.
WAKE_AGAIN = timedelta(seconds=60)


# ------------------------------------------------------------------------------------------------ asked by a person
def request_load(*, user_id: int, amount: int, bank_account: str, key: str | None) -> idempotency.Answer:
    """Ask for `amount` cents from a linked bank; it may be spent once it has settled.

    Raises ValidationError, NotFound (no such bank of this person), AccountFrozen, and what idempotency raises.
    """
    return _request(Kind.LOAD, user_id=user_id, amount=amount, bank_account=bank_account, key=key)


def request_redemption(*, user_id: int, amount: int, bank_account: str, key: str | None) -> idempotency.Answer:
    """Send `amount` cents to a linked bank. The tokens are burned now, in this transaction.

    Raises as `request_load` does, and InsufficientFunds, and OwesMoney while the person owes the network.
    """
    return _request(Kind.REDEMPTION, user_id=user_id, amount=amount, bank_account=bank_account, key=key)


def _request(kind: BankTransfer.Kind, *, user_id: int, amount: int, bank_account: str, key: str | None) -> idempotency.Answer:
    if not 0 < amount <= MAX_AMOUNT:
        raise ValidationError(fields={"amount": "The amount must be above zero, and not absurdly large."})
    asked = idempotency.fingerprint(kind.value, {"amount": amount, "bank_account": bank_account})
    with actor(user_id):
        held = wallets.guard(user_id=user_id)

        def effect() -> tuple[int, Mapping[str, Any]]:
            if held.frozen:
                raise AccountFrozen(f"Your account is frozen: {held.frozen_reason}", reason=held.frozen_reason)
            if kind == Kind.REDEMPTION and held.owed > 0:
                raise OwesMoney(held.owed)
            transfer = _begin(kind, user_id=user_id, amount=amount, account=_usable(user_id, bank_account))
            return 201, transfer_body(transfer, list(transfer.moves.order_by("id")))

        return idempotency.once(user_id=user_id, key=key, request=asked, effect=effect)


def expected_on(kind: BankTransfer.Kind) -> date:
    """The day by which a transfer asked for now arrives."""
    return add_business_days(now().astimezone(EASTERN).date(), BUSINESS_DAYS[kind])


def _usable(user_id: int, public_id: str) -> BankAccount:
    rows = BankAccount.objects.select_related("item").filter(user_id=user_id, public_id=public_id)
    account = rows.exclude(status=BankAccount.Status.REMOVED).first()
    if account is None:
        raise NotFound("There is no such bank account of yours.")
    if account.status != BankAccount.Status.ACTIVE:
        raise ValidationError(fields={"bank_account": "Your bank wants you to link this account again."})
    return account


def _begin(kind: BankTransfer.Kind, *, user_id: int, amount: int, account: BankAccount) -> BankTransfer:
    """The transfer as a row, what is on its way, the burned tokens, and the event that wakes the worker."""
    moment = now()
    transfer = BankTransfer.objects.create(
        user_id=user_id,
        public_id=new_id(PREFIX[kind], at=moment.timestamp()),
        bank_account=account,
        kind=kind,
        amount=amount,
        rail_key=new_reference(),
        expected_on=expected_on(kind),
        due_at=moment,
    )
    TransferMove.objects.create(user_id=user_id, transfer=transfer, status=Status.REQUESTED, cause="person")
    if kind == Kind.LOAD:
        wallets.add_pending(user_id=user_id, pending_in=amount)
    else:
        wallets.burn(user_id=user_id, amount=amount, **_posting(transfer, "burn"))
        wallets.add_pending(user_id=user_id, pending_out=amount)
    emit("bank_transfer.due", transfer=transfer.pk)
    _tell(transfer, "requested")
    return transfer


def _posting(transfer: BankTransfer, step: str) -> dict[str, UUID]:
    """The reference of one step in the ledger, the same each time, and the group by which the journal finds us."""
    return {"reference": derived_reference(transfer.rail_key, step), "group": transfer.rail_key}


# ------------------------------------------------------------------------------------------------ moves
def move(transfer: BankTransfer, to: str, *, cause: str, evidence: Mapping[str, Any] | None = None, **columns: Any) -> None:
    """Give a locked transfer its next status and its timeline the row for it; the database refuses illegal moves."""
    BankTransfer.objects.filter(pk=transfer.pk).update(status=to, **columns)
    for name, value in {"status": to, **columns}.items():
        setattr(transfer, name, value)
    TransferMove.objects.create(
        user_id=transfer.user_id, transfer=transfer, status=to, cause=cause, evidence=dict(evidence or {})
    )
    log.info("bank_transfer", extra={"transfer": transfer.public_id, "status": to, "cause": cause})


def _locked(transfer_id: int) -> BankTransfer:
    return BankTransfer.objects.select_for_update(of=("self",)).get(pk=transfer_id)


# ------------------------------------------------------------------------------------------------ at the rail
@dataclass(frozen=True)
class Work:
    """What the calls for one transfer need, read before them so that no transaction is open meanwhile."""

    transfer_id: int
    user_id: int
    rail: Rail
    is_load: bool
    key: UUID
    amount: int
    bank: str
    customer: str
    in_doubt: bool


def submit(*, transfer_id: int) -> None:
    """Hand a transfer to its rail, or find out whether an earlier try did. Repeats and races harmlessly."""
    work = _claim(transfer_id)
    if work is None:
        return
    try:
        found = work.rail.find(key=work.key, customer=work.customer) if work.in_doubt else None
    except (ProviderDown, ProviderUnknown, ProviderRejected) as error:
        _later(work, Status.UNKNOWN, cause=str(error))
    else:
        if found is None:
            _create(work)
        else:
            _apply(work.transfer_id, work.user_id, found, cause="found at the rail")


def _create(work: Work) -> None:
    """Ask the rail for the transfer, for the first time or with the same key again, and record what it says."""
    create = work.rail.create_pull if work.is_load else work.rail.create_push
    try:
        external_id = create(key=work.key, bank=work.bank, amount=work.amount)
    except ProviderUnknown as error:
        _later(work, Status.UNKNOWN, cause=str(error))
    except ProviderDown as error:
        # An earlier call of doubtful outcome may still arrive: only a first try may go back to the queue.
        _later(work, Status.UNKNOWN if work.in_doubt else Status.QUEUED, cause=str(error))
    except ProviderRejected as error:
        _refused(work, error.code)
    else:
        _accepted(work, external_id)


def _claim(transfer_id: int) -> Work | None:
    """Take a due transfer for a lease's length; None when it is not due or somebody else has it."""
    moment = now()
    with actor(SYSTEM):
        due = BankTransfer.objects.select_for_update(of=("self",), skip_locked=True).select_related("bank_account")
        transfer = due.filter(pk=transfer_id, due_at__lte=moment).first()
        if transfer is None or transfer.status not in (Status.REQUESTED, Status.QUEUED, Status.SUBMITTED, Status.UNKNOWN):
            return None
        lease: dict[str, Any] = {"due_at": moment + LEASE, "attempts": transfer.attempts + 1}
        if transfer.status in (Status.REQUESTED, Status.QUEUED):
            move(transfer, Status.SUBMITTED, cause="worker", **lease)
        elif transfer.status == Status.SUBMITTED:
            # Its worker vanished between the call and the record.
            move(transfer, Status.UNKNOWN, cause="no record of the call", **lease)
        else:
            BankTransfer.objects.filter(pk=transfer.pk).update(**lease)
        customer = RailCustomer.objects.get(user_id=transfer.user_id, rail=transfer.rail)
        return Work(
            transfer_id=transfer.pk,
            user_id=transfer.user_id,
            rail=rails.rail(transfer.rail),
            is_load=transfer.is_load,
            key=transfer.rail_key,
            amount=transfer.amount,
            bank=funding_source_id(transfer.bank_account),
            customer=customer_id(customer),
            in_doubt=transfer.status == Status.UNKNOWN,
        )


def _later(work: Work, status: str, *, cause: str) -> None:
    """Put a transfer back for another try, with growing pauses."""
    with actor(SYSTEM):
        transfer = _locked(work.transfer_id)
        if transfer.status not in AT_THE_RAIL:
            return  # a webhook was faster than the answer that never came
        due_at = now() + min(LAST_RETRY, FIRST_RETRY * 2 ** min(transfer.attempts - 1, 12))
        if transfer.status in (status, Status.UNKNOWN):
            BankTransfer.objects.filter(pk=transfer.pk).update(due_at=due_at)
        else:
            move(transfer, status, cause=cause, due_at=due_at)


def _accepted(work: Work, external_id: str) -> None:
    with actor(SYSTEM):
        transfer = _locked(work.transfer_id)
        if transfer.external_id == external_id:
            return  # the webhook told us first
        if transfer.external_id is not None:
            raise _alarm(transfer, "the rail has two transfers under one key")
        if transfer.status not in AT_THE_RAIL:
            raise _alarm(transfer, "the rail has a transfer that it refused")
        _to_pending(transfer, external_id, cause="accepted by the rail")


def _to_pending(transfer: BankTransfer, external_id: str, *, cause: str) -> None:
    if transfer.status in (Status.REQUESTED, Status.QUEUED):
        move(transfer, Status.SUBMITTED, cause=cause)
    move(
        transfer, Status.PENDING, cause=cause, evidence={"external_id": external_id},
        external_id=external_id, due_at=now() + FIRST_POLL, attempts=0,
    )  # fmt: skip


def _refused(work: Work, code: str) -> None:
    with actor(SYSTEM):
        wallets.guard(user_id=work.user_id)
        transfer = _locked(work.transfer_id)
        if transfer.external_id is not None:
            raise _alarm(transfer, "the rail refused a transfer that it has")
        if transfer.status not in AT_THE_RAIL:
            return  # another worker heard the same
        _undo(transfer, Status.FAILED, code=code, cause="refused by the rail")


# ------------------------------------------------------------------------------------------------ what became of it
def refresh(*, transfer_id: int) -> None:
    """Ask the rail what became of a transfer and act on it; repeats harmlessly. Raises ProviderDown, AmountMismatch."""
    with actor(SYSTEM):
        transfer = BankTransfer.objects.filter(pk=transfer_id, external_id__isnull=False).first()
    if transfer is None:
        return
    shown = rails.rail(transfer.rail).status(transfer=str(transfer.external_id))
    _apply(transfer.pk, transfer.user_id, shown, cause="asked the rail")


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
    _apply(transfer.pk, transfer.user_id, rails.rail(rail).status(transfer=external_id), cause="webhook")
    return True


def _apply(transfer_id: int, user_id: int, shown: RailTransfer, *, cause: str) -> None:
    """Bring our row up to what the rail shows. Older or repeated news changes nothing, whatever their order."""
    with actor(SYSTEM):
        wallets.guard(user_id=user_id)
        transfer = _locked(transfer_id)
        _check(transfer, shown)
        if transfer.external_id is None:
            _to_pending(transfer, shown.id, cause=cause)
        evidence = {"rail_status": shown.status, "failure": shown.failure_code}
        match (transfer.status, shown.status):
            case (Status.PENDING, "processed"):
                _settle(transfer, cause=cause, evidence=evidence)
            case (Status.PENDING, "failed"):
                _undo(transfer, Status.FAILED, code=shown.failure_code, cause=cause, evidence=evidence)
            case (Status.PENDING, "cancelled"):
                _undo(transfer, Status.CANCELLED, code="", cause=cause, evidence=evidence)
            case (Status.SETTLED, "failed"):
                _take_back(transfer, code=shown.failure_code, cause=cause, evidence=evidence)
            case _:
                pass


def _check(transfer: BankTransfer, shown: RailTransfer) -> None:
    if transfer.external_id not in (None, shown.id):
        raise _alarm(transfer, "the rail has two transfers under one key")
    if shown.key != str(transfer.rail_key):
        raise _alarm(transfer, "the rail shows another key")
    if (shown.amount, shown.currency) != (transfer.amount, "USD"):
        raise _alarm(transfer, "the rail shows another amount")
    if transfer.external_id is None and transfer.status in (Status.FAILED, Status.CANCELLED):
        raise _alarm(transfer, "the rail has a transfer that it refused")


def _alarm(transfer: BankTransfer, cause: str) -> AmountMismatch:
    log.error("bank_transfer_mismatch", extra={"transfer": transfer.public_id, "cause": cause})
    return AmountMismatch(f"{transfer.public_id}: {cause}")


def _settle(transfer: BankTransfer, *, cause: str, evidence: Mapping[str, Any]) -> None:
    user_id, amount, custodian = transfer.user_id, transfer.amount, transfer.rail
    _no_longer_pending(transfer)
    if transfer.is_load:
        repaid = wallets.mint(user_id=user_id, amount=amount, custodian=custodian, **_posting(transfer, "mint"))
        evidence = {**evidence, "repaid": repaid} if repaid else evidence
    else:
        wallets.settle_redemption(amount=amount, custodian=custodian, **_posting(transfer, "settle"))
    move(transfer, Status.SETTLED, cause=cause, evidence=evidence, due_at=None)
    _tell(transfer, "settled")


def _undo(transfer: BankTransfer, to: str, *, code: str, cause: str, evidence: Mapping[str, Any] | None = None) -> None:
    """It never settled: nothing is on its way any more, and a redemption's tokens are back."""
    _no_longer_pending(transfer)
    if not transfer.is_load:
        wallets.return_tokens(user_id=transfer.user_id, amount=transfer.amount, **_posting(transfer, "return"))
    move(transfer, to, cause=cause, evidence={"code": code, **(evidence or {})}, failure_code=code, due_at=None)
    _tell(transfer, "failed")


def _take_back(transfer: BankTransfer, *, code: str, cause: str, evidence: Mapping[str, Any]) -> None:
    """It came back after it had settled: a load is clawed back; a redemption's dollars are in the reserve again."""
    user_id, amount = transfer.user_id, transfer.amount
    if transfer.is_load:
        owed = wallets.claw_back(user_id=user_id, amount=amount, custodian=transfer.rail, **_posting(transfer, "clawback"))
        evidence = {**evidence, "owed": owed} if owed else evidence
    else:
        settled, unsettled = (derived_reference(transfer.rail_key, step) for step in ("settle", "unsettle"))
        ledger.reverse(reference=unsettled, original=settled)
        wallets.return_tokens(user_id=user_id, amount=amount, **_posting(transfer, "return"))
    move(transfer, Status.RETURNED, cause=cause, evidence=evidence, failure_code=code, due_at=None)
    _tell(transfer, "returned")


def _no_longer_pending(transfer: BankTransfer) -> None:
    direction = "pending_in" if transfer.is_load else "pending_out"
    wallets.add_pending(user_id=transfer.user_id, **{direction: -transfer.amount})


def _tell(transfer: BankTransfer, what: str) -> None:
    emit("wallet.changed", user=transfer.user_id, kind=f"{transfer.kind}_{what}", ref=transfer.public_id)


# ------------------------------------------------------------------------------------------------ the net below it all
def to_wake(moment: datetime) -> Q:
    """Rows that are due and for which no message is on its way, as far as can be known."""
    unheard = Q(woken_at=None) | Q(woken_at__lt=F("due_at")) | Q(woken_at__lt=moment - WAKE_AGAIN)
    return Q(due_at__lte=moment) & unheard


def due(*, limit: int = 200) -> tuple[list[int], list[int]]:
    """Transfers whose time has come, to be woken now: those to submit, and those to ask about (their next poll is set)."""
    moment = now()
    with actor(SYSTEM):
        rows = list(BankTransfer.objects.filter(to_wake(moment)).order_by("due_at")[:limit])
        pending = [row.pk for row in rows if row.status == Status.PENDING]
        for row in rows:
            if row.status == Status.PENDING:
                BankTransfer.objects.filter(pk=row.pk, status=Status.PENDING).update(
                    due_at=_next_poll(moment, row.attempts), attempts=F("attempts") + 1
                )
        others = [row.pk for row in rows if row.status != Status.PENDING]
        BankTransfer.objects.filter(pk__in=others).update(woken_at=moment)
    return others, pending


def _next_poll(moment: datetime, attempts: int) -> datetime:
    return moment + min(LAST_POLL, FIRST_POLL * 2 ** min(attempts, 12))
