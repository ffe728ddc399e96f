"""What time has ended is put away: once a day is enough, and twice does no harm."""

import logging
from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models.functions import Now

from core import ratelimit
from core.actor import SYSTEM, actor
from users.models import Device, RefreshToken

log = logging.getLogger("paya.users")

BATCH = 1000
# An expired token is as good as an unknown one; it is kept a little, for whoever looks into a complaint.
KEPT = timedelta(days=7)


def prune() -> None:
    """Delete expired page sessions, refresh tokens and counts, and end devices that can no longer come back."""
    sessions, _ = Session.objects.filter(expire_date__lt=Now()).delete()
    tokens = _delete_tokens()
    ratelimit.forget()
    with actor(SYSTEM):
        devices = Device.objects.filter(revoked_at=None, last_seen_at__lt=Now() - _longest()).update(revoked_at=Now())
    log.info("pruned", extra={"event": f"{sessions} sessions, {tokens} tokens, {devices} devices"})


def _delete_tokens() -> int:
    """By families, whose tokens expire together: a chain is never cut in its middle."""
    done = 0
    while True:
        with actor(SYSTEM):
            expired = RefreshToken.objects.filter(expires_at__lt=Now() - KEPT).order_by("expires_at")
            families = set(expired.values_list("device_id", flat=True)[:BATCH])
            if not families:
                return done
            done += RefreshToken.objects.filter(device_id__in=families, expires_at__lt=Now() - KEPT)._raw_delete("default")


def _longest() -> timedelta:
    """Whatever a device holds, a session or tokens, is over this long after it was last seen."""
    return timedelta(seconds=max(settings.SESSION_COOKIE_AGE, settings.JWT_REFRESH_SECONDS)) + timedelta(days=1)
