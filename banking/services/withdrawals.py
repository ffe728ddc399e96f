"""Money out of a frozen account: the person asks (or staff in their name), staff approve, the worker sends it.

What is approved becomes a redemption like any other, except for how its tokens are burned: by the ledger's kind for approved
redemptions, which passes a freeze (compliance/sql/0002_freezes.sql).
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from banking.models import BankAccount
from banking.services.transfers.moves import Kind
from banking.services.transfers.requests import begin, rail_for, usable
from banking.show import stamp_of
from compliance.models import Withdrawal
from compliance.services import freezes
from core import idempotency
from core.actor import SYSTEM, actor
from core.errors import InsufficientFunds, NotFound, PayaError, ValidationError
from core.money import MAX_AMOUNT, format_usd
from wallets import services as wallets

_SHOWN = ("public_id", "amount", "bank_account", "status", "transfer", "told", "asked_at", "decided_at", "ended_at")


def ask(*, user_id: int, amount: int, bank_account: str, key: str | None) -> idempotency.Answer:
    """Ask for `amount` cents to be sent to one's bank although one is frozen.

    Raises ValidationError, NotFound (no such bank of this person), InsufficientFunds, and Conflict where one is waiting already,
    the account is not frozen, something is owed, or the law forbids it.
    """
    if not 0 < amount <= MAX_AMOUNT:
        raise ValidationError(fields={"amount": "The amount must be above zero, and not absurdly large."})
    asked = idempotency.fingerprint("withdrawal", {"amount": amount, "bank_account": bank_account})
    with actor(user_id):
        held = wallets.guard(user_id=user_id)

        def effect() -> tuple[int, Mapping[str, Any]]:
            usable(user_id, bank_account)
            if amount > held.available:
                message = f"You have {format_usd(held.available)}."
                raise InsufficientFunds(message, available=held.available, fields={"amount": message})
            made = freezes.ask_withdrawal(user_id=user_id, amount=amount, bank_account=bank_account)
            return 201, body(_one(user_id, made))

        return idempotency.once(user_id=user_id, key=key, request=asked, effect=effect)


def cancel(*, user_id: int, withdrawal: str) -> dict[str, Any]:
    """Take it back while it waits: what it is then. Raises NotFound; Conflict once staff have decided."""
    with actor(user_id):
        freezes.cancel_withdrawal(user_id=user_id, withdrawal=withdrawal)
        return body(_one(user_id, withdrawal))


def _one(user_id: int, public_id: str) -> dict[str, Any]:
    row = Withdrawal.objects.filter(user_id=user_id, public_id=public_id).values("pk", *_SHOWN).first()
    if row is None:
        raise NotFound
    return dict(row)


def of_person(user_id: int, *, before: int | None = None, limit: int = 20) -> list[dict[str, Any]]:
    """A person's withdrawals, newest first, one more than `limit`. As the person."""
    rows = Withdrawal.objects.filter(user_id=user_id, pk__lt=before or 2**63 - 1).order_by("-pk")
    return [dict(row) for row in rows.values("pk", *_SHOWN)[: limit + 1]]


def body(row: Mapping[str, Any]) -> dict[str, Any]:
    """One as the API shows it; of who decided nothing."""
    return {
        "id": row["public_id"], "amount": row["amount"], "currency": "USD", "bank_account": row["bank_account"],
        "status": row["status"], "redemption": row["transfer"], "reason": row["told"], "created_at": stamp_of(row["asked_at"]),
    }  # fmt: skip


def carry_out(*, withdrawal: str) -> None:
    """Make the redemption of an approved withdrawal, once; where it is not possible any more, tell the person why.

    Raises IdempotencyInProgress while the wallet is busy: it is swept up again.
    """
    with actor(SYSTEM):
        row = Withdrawal.objects.get(public_id=withdrawal)
        wallets.guard(user_id=row.user_id)
        row.refresh_from_db()
        if row.status != Withdrawal.Status.APPROVED:
            return
        try:
            account, rail = _way_out(row)
        except PayaError as refusal:
            why = " ".join(refusal.fields.values()) or refusal.detail
            freezes.withdrawal_ended(withdrawal=withdrawal, transfer=None, told=why)
            return
        burn = partial(freezes.burn_withdrawal, withdrawal=withdrawal)
        transfer = begin(Kind.REDEMPTION, user_id=row.user_id, amount=row.amount, account=account, rail=rail, burn=burn)
        freezes.withdrawal_ended(withdrawal=withdrawal, transfer=transfer.public_id)


def _way_out(row: Withdrawal) -> tuple[BankAccount, str]:
    """The bank and the rail, with all that may have changed since it was asked for."""
    freezes.check_withdrawal(withdrawal=row.public_id)
    return usable(row.user_id, row.bank_account), rail_for(Kind.REDEMPTION, row.amount, row.user_id)
