"""What is done beside the staff's site, again and again."""

import logging

from celery import shared_task

from console import late, trail
from transparency.errors import ChannelFailed, PublishedOtherwise

log = logging.getLogger("paya.console")


@shared_task
def anchor_trail() -> None:
    """Put the head of the trail outside. Harmless to run twice; what fails is tried again with the next beat."""
    try:
        trail.anchor()
    except ChannelFailed as error:
        log.warning("trail_anchor_later", extra={"cause": str(error)})
    except (trail.Altered, PublishedOtherwise) as error:
        log.error("trail_altered", extra={"cause": str(error)})  # an alarm listens: docs/runbooks/trail.md


@shared_task
def say_what_is_late() -> None:
    """Once an hour for as long as it is so. Alarms listen: docs/runbooks/held.md, docs/runbooks/dispute.md."""
    for one in late.late():
        if one.late:
            log.error("held_late" if one.what == "held" else "dispute_clock_late", extra={"kind": one.kind, "count": one.late})
