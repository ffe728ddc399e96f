"""What beat wakes up. Everything is found from rows, so that three beats, or one that comes late, do what one does."""

import logging

from celery import shared_task

from ledger.cuts import OlderTransactionsOpen
from rewards import services
from rewards.errors import ListAltered

log = logging.getLogger("paya.rewards")


@shared_task
def advance() -> None:
    """Close the weeks that are over, pay those that were looked at or have waited long enough."""
    try:
        services.close_due()
    except OlderTransactionsOpen as error:
        log.info("week_later", extra={"cause": str(error)})
    try:
        services.advance()
    except ListAltered:
        log.error("rewards_held_by_itself")


@shared_task
def estimate() -> None:
    services.estimate()
