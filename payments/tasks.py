"""What beat wakes up. Found from rows, so that once too often, or late, is harmless."""

import logging

from celery import shared_task

from payments import services

log = logging.getLogger("paya.payments")


@shared_task
def sweep_held() -> None:
    """Held payments that nobody decided about in time go back; those that are late for a decision are said in the log."""
    for payment in services.expire_held():
        log.error("held_payment_expired", extra={"payment": payment})
    if late := services.late_held():
        log.warning("held_payments_late", extra={"count": late})
