"""What follows the journal at a distance."""

import logging
from datetime import timedelta

from celery import shared_task

from core import clock
from ledger import sealer
from ledger.cuts import OlderTransactionsOpen

log = logging.getLogger("paya.ledger")
WAIT = 5.0  # seconds for which one of the worker's processes may stand still: the next one is soon
BEHIND = timedelta(seconds=40)  # a clock that is put right by less than this has no row appear before a cut


@shared_task  # type: ignore[untyped-decorator]
def seal_journal() -> None:
    try:
        sealer.seal(clock.now() - BEHIND, timeout=WAIT)
    except OlderTransactionsOpen as error:
        log.warning("seal_later", extra={"cause": str(error)})  # nothing is lost: the next one seals it all
