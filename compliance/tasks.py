"""What beat and the relay wake up. Everything is found from rows, so that once too often, or late, is harmless."""

import logging

from celery import shared_task

from compliance.services import flags
from ledger.cuts import OlderTransactionsOpen

log = logging.getLogger("paya.compliance")


@shared_task
def look_at_movements() -> None:
    """Raise flags about what moved since the last look."""
    try:
        flags.look()
    except OlderTransactionsOpen as error:
        log.info("flags_later", extra={"cause": str(error)})


@shared_task
def screen_names() -> None:
    """Compare new names with the sanctions list, and everybody with what changed in it."""
    from compliance.services import sanctions  # what compares names is of no use to the other processes

    sanctions.screen()


@shared_task
def sweep_documents() -> None:
    """Give up uploads that never arrived, and remove what need not be kept any longer."""
    from compliance.services import documents

    documents.sweep()
