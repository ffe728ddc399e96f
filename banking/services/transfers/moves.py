"""The timeline of a transfer: each step with its time, its cause and the rail's evidence."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from banking.errors import AmountMismatch
from banking.models import BankTransfer, TransferMove
from core.ids import derived_reference
from core.outbox import emit
from wallets import services as wallets

log = logging.getLogger("paya.banking")
Kind, Status, Cancel = BankTransfer.Kind, BankTransfer.Status, BankTransfer.Cancel

# Webhooks bring the news; asking is the net below them. In the sandbox somebody is watching.
FIRST_POLL = timedelta(seconds=20 if settings.SANDBOX else 900)
LAST_POLL = timedelta(minutes=5 if settings.SANDBOX else 360)
# What has settled can come back: sixty days for the person's bank to say so, and some for it to reach us.
FIRST_LATE_POLL = timedelta(minutes=5 if settings.SANDBOX else 6 * 60)
LAST_LATE_POLL = timedelta(minutes=30 if settings.SANDBOX else 24 * 60)
RETURNS_FOR = timedelta(days=65)


def move(transfer: BankTransfer, to: str, *, cause: str, evidence: Mapping[str, Any] | None = None, **columns: Any) -> None:
    """Give a locked transfer its next status and its timeline the row for it; the database refuses illegal moves."""
    BankTransfer.objects.filter(pk=transfer.pk).update(status=to, **columns)
    for name, value in {"status": to, **columns}.items():
        setattr(transfer, name, value)
    note(transfer, cause=cause, evidence=evidence)
    log.info("bank_transfer", extra={"transfer": transfer.public_id, "status": to, "cause": cause})


def note(transfer: BankTransfer, *, cause: str, evidence: Mapping[str, Any] | None = None) -> None:
    """A row of the timeline for what happened while the status stayed."""
    TransferMove.objects.create(
        user_id=transfer.user_id, transfer=transfer, status=transfer.status, cause=cause, evidence=dict(evidence or {})
    )


def locked(transfer_id: int) -> BankTransfer:
    return BankTransfer.objects.select_for_update(of=("self",)).get(pk=transfer_id)


def posting(transfer: BankTransfer, step: str) -> dict[str, UUID]:
    """The reference of one step in the ledger, the same each time, and the group by which the journal finds us."""
    return {"reference": derived_reference(transfer.rail_key, step), "group": transfer.rail_key}


def no_longer_pending(transfer: BankTransfer) -> None:
    direction = "pending_in" if transfer.is_load else "pending_out"
    wallets.add_pending(user_id=transfer.user_id, **{direction: -transfer.amount})


def tell(transfer: BankTransfer, what: str) -> None:
    emit("wallet.changed", user=transfer.user_id, kind=f"{transfer.kind}_{what}", ref=transfer.public_id)


def alarm(transfer: BankTransfer, cause: str) -> AmountMismatch:
    log.error("bank_transfer_mismatch", extra={"transfer": transfer.public_id, "cause": cause})
    return AmountMismatch(f"{transfer.public_id}: {cause}")
