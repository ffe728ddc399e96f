"""Wake-ups. Rows carry their own state and due time; the sweep finds what no message woke."""

import logging

from celery import shared_task

from core.errors import IdempotencyInProgress
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown
from privacy.services import closing, exports, retention

log = logging.getLogger("paya.privacy")
WAKE_AGAIN = 20  # seconds


@shared_task
def make_export(export_id: int) -> None:
    """Make a copy, or remove an expired one."""
    try:
        exports.go_on(export_id=export_id)
    except (ProviderDown, ProviderUnknown, ProviderRejected) as error:
        log.warning("export_later", extra={"cause": str(error)})


@shared_task
def sweep() -> None:
    """Go on with what is due."""
    for export_id in exports.due():
        make_export.apply_async([export_id], expires=WAKE_AGAIN)
    for closing_id in closing.due():
        try:
            closing.advance(closing_id=closing_id)
        except IdempotencyInProgress:
            log.info("closing_later", extra={"closing": closing_id})


@shared_task
def prune() -> None:
    """Remove what is older than its time."""
    retention.prune()
