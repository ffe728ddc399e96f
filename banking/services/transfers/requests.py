"""What a person asks for: a load, a redemption, and to have one of them back."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from django.db import connection

from banking import rails
from banking.errors import BankTransfersStopped, TooLateToCancel
from banking.models import BankAccount, BankTransfer, RailCustomer, TransferMove
from banking.services.routing import chosen_rail
from banking.services.transfers.moves import Cancel, Kind, Status, note, posting, tell
from banking.show import transfer_body
from compliance.movement import MovementKind, Origin
from compliance.services import screening
from core import idempotency
from core.actor import actor
from core.calendar import EASTERN, add_business_days
from core.clock import now
from core.errors import InsufficientFunds, NotFound, ValidationError
from core.ids import new_id, new_reference
from core.money import MAX_AMOUNT, format_usd
from core.outbox import emit
from wallets import services as wallets
from wallets.errors import OwesMoney, frozen_error

PREFIX = {Kind.LOAD: "ld", Kind.REDEMPTION: "rd"}


NOWHERE = Origin()


def request_load(
    *, user_id: int, amount: int, bank_account: str, key: str | None, origin: Origin = NOWHERE
) -> idempotency.Answer:
    """Ask for `amount` cents from a linked bank; it may be spent once it has settled.

    Raises ValidationError, NotFound (no such bank of this person), AccountFrozen, BankTransfersStopped, LimitExceeded,
    Refused (for its score), and what idempotency raises.
    """
    return _request(Kind.LOAD, user_id=user_id, amount=amount, bank_account=bank_account, key=key, origin=origin)


def request_redemption(
    *, user_id: int, amount: int, bank_account: str, key: str | None, origin: Origin = NOWHERE
) -> idempotency.Answer:
    """Send `amount` cents to a linked bank. The tokens are burned now, in this transaction.

    Raises as `request_load` does, and InsufficientFunds, and OwesMoney while the person owes the network.
    """
    return _request(Kind.REDEMPTION, user_id=user_id, amount=amount, bank_account=bank_account, key=key, origin=origin)


def _request(
    kind: BankTransfer.Kind, *, user_id: int, amount: int, bank_account: str, key: str | None, origin: Origin
) -> idempotency.Answer:
    if not 0 < amount <= MAX_AMOUNT:
        raise ValidationError(fields={"amount": "The amount must be above zero, and not absurdly large."})
    asked = idempotency.fingerprint(kind.value, {"amount": amount, "bank_account": bank_account})
    with screening.keeping_denials(), actor(user_id):
        held = wallets.guard(user_id=user_id)

        def effect() -> tuple[int, Mapping[str, Any]]:
            if held.frozen:
                raise frozen_error(held.frozen, held.frozen_reason)
            if kind == Kind.REDEMPTION and held.owed > 0:
                raise OwesMoney(held.owed)
            account = usable(user_id, bank_account)
            rail = rail_for(kind, amount, user_id)
            if kind == Kind.REDEMPTION and amount > held.available:
                message = f"You have {format_usd(held.available)}."
                raise InsufficientFunds(message, available=held.available, fields={"amount": message})
            transfer = begin_screened(
                kind, user_id=user_id, amount=amount, account=account, rail=rail, available=held.available, origin=origin
            )
            return 201, transfer_body(transfer, list(transfer.moves.order_by("id")))

        return idempotency.once(user_id=user_id, key=key, request=asked, effect=effect)


def begin_screened(
    kind: BankTransfer.Kind, *, user_id: int, amount: int, account: BankAccount, rail: str, available: int, origin: Origin,
    **columns: Any,
) -> BankTransfer:  # fmt: skip
    """Screen a transfer and begin it, under the guard and inside `screening.keeping_denials()`.

    Raises LimitExceeded, and Denied for its score.
    """
    verdict = screening.screen_bank_transfer(
        kind=MovementKind(kind.value), user_id=user_id, amount=amount, available=available, origin=origin
    )
    waits = verdict.decision == screening.Decision.HELD
    transfer = begin(kind, user_id=user_id, amount=amount, account=account, rail=rail, waits=waits, **columns)
    _keep(transfer, verdict)
    return transfer


def _keep(transfer: BankTransfer, verdict: screening.Verdict) -> None:
    """What was measured, beside the transfer; for one that waits also its case, and a letter to the person."""
    with connection.cursor() as cursor:
        cursor.execute("select banking_screened(%s, %s, %s)", [transfer.user_id, transfer.pk, verdict.as_json()])


def rail_for(kind: BankTransfer.Kind, amount: int, user_id: int) -> str:
    """The rail that serves a new transfer of this kind; it stays with it."""
    rail = chosen_rail(kind)
    check_served(rail, amount, user_id)
    return rail


def check_served(rail: str, amount: int, user_id: int) -> None:
    """Whether a rail takes this amount from this person. Raises BankTransfersStopped, ValidationError."""
    if RailCustomer.objects.filter(user_id=user_id, rail=rail, stopped=True).exists():
        raise BankTransfersStopped
    if amount < (minimum := rails.rail(rail).terms.minimum):
        raise ValidationError(fields={"amount": f"The smallest amount for now is {format_usd(minimum)}."})


def expected_on(kind: BankTransfer.Kind, rail: str | None = None) -> date:
    """The day by which a transfer asked for now arrives; by the rail of that kind unless another is named."""
    terms = rails.rail(rail or chosen_rail(kind)).terms
    days = terms.load_days if kind == Kind.LOAD else terms.redemption_days
    return add_business_days(now().astimezone(EASTERN).date(), days)


def usable(user_id: int, public_id: str) -> BankAccount:
    rows = BankAccount.objects.select_related("item").filter(user_id=user_id, public_id=public_id)
    account = rows.exclude(status=BankAccount.Status.REMOVED).first()
    if account is None:
        raise NotFound("There is no such bank account of yours.")
    if account.status != BankAccount.Status.ACTIVE:
        raise ValidationError(fields={"bank_account": "Your bank wants you to link this account again."})
    return account


def begin(
    kind: BankTransfer.Kind,
    *,
    user_id: int,
    amount: int,
    account: BankAccount,
    rail: str,
    waits: bool = False,
    burn: Callable[..., None] = wallets.burn,
    **columns: Any,
) -> BankTransfer:
    """The transfer as a row, what is on its way, the burned tokens, and the event that wakes the worker; under the guard.

    One that `waits` for a review is nobody's to hand to a rail until staff have released it. `burn` is how a redemption takes the
    tokens: the usual way, or one that passes a freeze.
    """
    moment = now()
    transfer = BankTransfer.objects.create(
        user_id=user_id,
        public_id=new_id(PREFIX[kind], at=moment.timestamp()),
        bank_account=account,
        kind=kind,
        amount=amount,
        rail=rail,
        rail_key=new_reference(),
        expected_on=expected_on(kind, rail),
        due_at=None if waits else moment,
        review=BankTransfer.Review.WAITING if waits else BankTransfer.Review.NONE,
        **columns,
    )
    TransferMove.objects.create(user_id=user_id, transfer=transfer, status=Status.REQUESTED, cause="person")
    if waits:
        note(transfer, cause="screening", evidence={"review": "waiting"})
    if kind == Kind.LOAD:
        wallets.add_pending(user_id=user_id, pending_in=amount)
    else:
        burn(user_id=user_id, amount=amount, **posting(transfer, "burn"))
        wallets.add_pending(user_id=user_id, pending_out=amount)
    if not waits:
        emit("bank_transfer.due", transfer=transfer.pk)
    tell(transfer, "requested")
    return transfer


def request_cancel(*, user_id: int, kind: BankTransfer.Kind, public_id: str) -> None:
    """Ask for a transfer back. The worker takes it back, or the rail says that it has left; again, nothing changes.

    Raises NotFound, and TooLateToCancel once it has arrived, failed or been refused.
    """
    with actor(user_id):
        wallets.guard(user_id=user_id)
        transfer = BankTransfer.objects.filter(user_id=user_id, kind=kind, public_id=public_id).first()
        if transfer is None:
            raise NotFound
        asked_already = transfer.cancel == Cancel.ASKED and transfer.status in BankTransfer.OPEN
        if transfer.status == Status.CANCELLED or asked_already:
            return
        with connection.cursor() as cursor:
            cursor.execute("select banking_ask_to_cancel(%s, %s)", [user_id, transfer.pk])
            if not cursor.fetchone()[0]:
                raise TooLateToCancel
        transfer.refresh_from_db()
        note(transfer, cause="person", evidence={"cancel": Cancel.ASKED})
        emit("bank_transfer.due", transfer=transfer.pk)
        tell(transfer, "cancel_asked")
