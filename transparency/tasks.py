"""What is looked at all the time, because everybody relies on it."""

import logging

from celery import shared_task

from transparency.queries import figures
from transparency.statistics import days, health

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
