"""Wake-ups. Each message names a row that carries its own state and due time; the sweeps find what no message woke."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from celery import Task, shared_task

from banking import rails
from banking.nacha.errors import InvalidFile
from banking.reconciliation import services as reconciliation
from banking.return_rates import warn_of_return_rates
from banking.services import (
    accounts,
    corrections,
    identity,
    identity_checks,
    inbox,
    missed,
    notices,
    returns,
    reviews,
    sources,
    transfers,
    upkeep,
    withdrawals,
)
from banking.services.nacha import files, incoming, orders, sending
from compliance.services.freezes import approved_withdrawals
from core.actor import SYSTEM, actor
from core.errors import IdempotencyInProgress
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown

log = logging.getLogger("paya.banking")


@contextmanager
def _or_later(task: str) -> Iterator[None]:
    """A vendor that is down or a wallet that is busy is no news: the row stays due and is swept up again."""
    try:
        yield
    except (ProviderDown, ProviderUnknown, IdempotencyInProgress) as error:
        log.info("bank_task_later", extra={"task": task, "cause": str(error)})


# Messages of vendors that one task goes through: most of them tell nothing new, and those take one look together.
AT_ONCE = 20


def in_batches(rows: Sequence[int]) -> list[Sequence[int]]:
    return [rows[start:start + AT_ONCE] for start in range(0, len(rows), AT_ONCE)]


def wake(task: Task, rows: Iterable[int | Sequence[int]], **options: Any) -> None:
    """A message for each row that is swept up until it is worked on. Nobody needs it any more once a sweep has sent another:
    with a backlog of minutes the queue would fill with copies."""
    for row in rows:
        task.apply_async([row], expires=transfers.WAKE_AGAIN.total_seconds(), **options)


@shared_task
def sweep_held() -> None:
    """Transfers that wait for a review which nobody decided in time are cancelled, and said in the log."""
    for transfer in reviews.expire():
        log.error("held_transfer_expired", extra={"transfer": transfer})


@shared_task
def submit_transfer(transfer_id: int) -> None:
    with _or_later("submit_transfer"):
        transfers.submit(transfer_id=transfer_id)


@shared_task
def refresh_transfer(transfer_id: int) -> None:
    with _or_later("refresh_transfer"):
        transfers.refresh(transfer_id=transfer_id)


@shared_task
def process_inbox(event_ids: list[int]) -> None:
    for event_id in inbox.news(event_ids=event_ids):
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
    wake(submit_transfer, to_submit)
    for transfer_id in to_ask:
        refresh_transfer.delay(transfer_id)  # one for each time at which it is asked about, and that may be hours away
    wake(close_account, accounts.closing())


@shared_task
def watch_return_rates() -> None:
    with actor(SYSTEM):
        warn_of_return_rates()


@shared_task
def sweep_decisions() -> None:
    """What staff have decided and the books or a wallet have yet to follow."""
    for correction in corrections.due():
        with _or_later("sweep_decisions"):
            corrections.carry_out(correction=correction)
    for order in orders.due():
        with _or_later("sweep_decisions"):
            orders.carry_out(order=order)
    for return_id in returns.lifted():
        with _or_later("sweep_decisions"):
            returns.release(return_id=return_id)
    for withdrawal in approved_withdrawals():
        with _or_later("sweep_decisions"):
            withdrawals.carry_out(withdrawal=withdrawal)


@shared_task
def catch_up() -> None:
    """Find out whether Dwolla still tells us things, and fetch what it could not tell."""
    with _or_later("catch_up"):
        missed.catch_up()


@shared_task
def sweep_inbox() -> None:
    wake(process_inbox, in_batches(inbox.due()))


@shared_task
def write_files() -> None:
    """Write the NACHA files whose cut-off is near and put what is written into the bank's drop."""
    if "odfi" not in rails.available():
        return
    try:
        with suppress(InvalidFile):  # logged where it was found; what was written before goes out all the same
            files.write_due()
    except files.NoMoreFiles as problem:
        log.error("nacha_no_more_files", extra={"cause": str(problem)})
    with _or_later("write_files"), suppress(sending.NameTaken, sending.Altered):
        sending.send_written()
    sending.miss_answers()


@shared_task
def collect_from_bank() -> None:
    """Take in what the bank has put into the drop, and wake the transfers it is about."""
    if "odfi" in rails.available():
        with _or_later("collect_from_bank"):
            rails.ping_odfi()  # which also finds out whether it can be written to, long before a file has to go
            incoming.collect()


@shared_task
def reconcile_daily() -> None:
    """Each custodian's day, once: a result that is there already is not made again."""
    with _or_later("reconcile_daily"):
        reconciliation.daily()


@shared_task
def reconcile_wished() -> None:
    with _or_later("reconcile_wished"):
        reconciliation.wished()


@shared_task
def check_login(item: int) -> None:
    with _or_later("check_login"):
        try:
            upkeep.check(item=item)
        except ProviderRejected as error:
            # Refused for a reason that is not the login's: whoever reads the log has to see to it, and tomorrow is a day.
            log.error("bank_check_refused", extra={"code": error.code})


@shared_task
def match_identity(account: int) -> None:
    with _or_later("match_identity"):
        identity.match(account_id=account)


@shared_task
def ask_identity(check: int) -> None:
    with _or_later("ask_identity"):
        identity_checks.ask(check_id=check)


@shared_task
def screen_legal_names() -> None:
    """Compare legal names with the sanctions list: new ones, and everybody's when the list has changed."""
    from banking.services import legal_names  # what compares names is of no use to the other processes

    legal_names.screen()


@shared_task
def tell_notice(notice: int) -> None:
    with _or_later("tell_notice"):
        notices.tell(notice_id=notice)


@shared_task
def sweep_banks() -> None:
    """Logins to look at, account holders to ask for, and people to tell that a vendor is back."""
    sources.take_over()
    for item in upkeep.due():
        check_login.delay(item)
    wake(match_identity, identity.due())
    wake(ask_identity, identity_checks.due())
    wake(tell_notice, notices.due())
