"""What is done beside the staff's site, again and again."""

import logging

from celery import shared_task

from console import trail
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
