"""What is looked at all the time, because everybody relies on it."""

import logging

from celery import shared_task

from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown
from transparency import services
from transparency.queries import figures
from transparency.statistics import days, export, health

log = logging.getLogger("paya.transparency")


@shared_task
def watch_reserve() -> None:
    """Say it in the log, where alarms listen, as long as the reserve does not cover what is required."""
    now = figures()
    if now["reserve"] < now["required"]:
        short = now["required"] - now["reserve"]
        log.error("reserve_shortfall", extra={"reserve": now["reserve"], "required": now["required"], "short": short})


@shared_task
def compute_statistics() -> None:
    days.catch_up()


@shared_task
def sample_health() -> None:
    health.sample()


@shared_task
def attest_daily() -> None:
    """Today's attestation, unless it is there; and whatever an earlier run left unfinished. Harmless to run twice."""
    services.attest_daily()
    services.prune()


@shared_task
def carry_out_wishes() -> None:
    """What staff asked for, and old days' trees that somebody wants a proof from."""
    services.carry_out_wishes()


@shared_task
def export_events() -> None:
    try:
        export.export()
    except (ProviderDown, ProviderUnknown) as error:
        log.warning("export_later", extra={"cause": str(error)})  # nothing is lost: it goes on from where it was
    except ProviderRejected as error:
        log.error("export_refused", extra={"code": error.code})
