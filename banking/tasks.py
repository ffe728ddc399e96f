"""Wake-ups. Each message names a row that carries its own state and due time; the sweeps find what no message woke."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from celery import shared_task

from banking.services import accounts, inbox, transfers
from core.errors import IdempotencyInProgress
from core.resilience import ProviderDown, ProviderUnknown

log = logging.getLogger("paya.banking")


@contextmanager
def _or_later(task: str) -> Iterator[None]:
    """A vendor that is down or a wallet that is busy is no news: the row stays due and is swept up again."""
    try:
        yield
    except (ProviderDown, ProviderUnknown, IdempotencyInProgress) as error:
        log.info("bank_task_later", extra={"task": task, "cause": str(error)})


@shared_task
def submit_transfer(transfer_id: int) -> None:
    with _or_later("submit_transfer"):
        transfers.submit(transfer_id=transfer_id)


@shared_task
def refresh_transfer(transfer_id: int) -> None:
    with _or_later("refresh_transfer"):
        transfers.refresh(transfer_id=transfer_id)


@shared_task
def process_inbox(event_id: int) -> None:
    with _or_later("process_inbox"):
        inbox.process(event_id=event_id)


@shared_task
def close_account(account_id: int) -> None:
    with _or_later("close_account"):
        accounts.close(account_id=account_id)


@shared_task
def sweep_transfers() -> None:
    """Wake the transfers that are due, and the removed banks of which the vendors have yet to hear."""
    to_submit, to_ask = transfers.due()
    for transfer_id in to_submit:
        submit_transfer.delay(transfer_id)
    for transfer_id in to_ask:
        refresh_transfer.delay(transfer_id)
    for account_id in accounts.closing():
        close_account.delay(account_id)


@shared_task
def sweep_inbox() -> None:
    for event_id in inbox.due():
        process_inbox.delay(event_id)
