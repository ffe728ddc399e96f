"""Getting codes to phones: claim, commit, call, record. No transaction is open while a provider is called.

A code that may have been sent is never sent again by itself; its person can ask for it.
"""

import logging
from datetime import timedelta

from django.db.models import F, QuerySet
from django.db.models.functions import Now

from core import keyring
from core.actor import SYSTEM, actor
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown
from users import sealed, sms
from users.models import Challenge

log = logging.getLogger("paya.sms")

BATCH = 100
LONGEST_BACKOFF = 60
# Longer than the calls of all providers in a row can take: whoever claimed it will not record it any more.
STUCK = timedelta(minutes=2)
# Budgets look back a day; nothing of a challenge is needed after that.
KEPT = timedelta(days=2)


def send_code(*, challenge_id: int) -> None:
    """Send the SMS of a challenge if it is due; twice at a time or again later, it is sent once."""
    claimed = _claim(challenge_id)
    if claimed is None:
        return
    try:
        phone, code = _open(claimed, sealed.CHALLENGE_PHONE), _open(claimed, sealed.CHALLENGE_CODE)
        provider = sms.deliver(to=phone, body=sms.text(code, claimed.purpose), reference=claimed.public_id)
    except ProviderDown:
        _record(claimed, Challenge.QUEUED)
    except ProviderUnknown:
        _record(claimed, Challenge.UNKNOWN)
    except ProviderRejected as error:
        _record(claimed, Challenge.FAILED, cause=error.code)
    else:
        _record(claimed, Challenge.SENT, provider=provider)


def sweep_codes(*, waiting: timedelta = timedelta(0)) -> list[int]:
    """Put away what time has overtaken; the challenges that have been due for so long and that no message woke up.

    Any number may run at a time.
    """
    with actor(SYSTEM):
        rows = Challenge.objects
        rows.filter(sms_state=Challenge.SENDING, claimed_at__lt=Now() - STUCK).update(sms_state=Challenge.UNKNOWN)
        over = rows.filter(expires_at__lt=Now())
        over.filter(sms_state=Challenge.QUEUED).update(sms_state=Challenge.FAILED)
        over.filter(code_cipher__isnull=False).update(code_cipher=None)
        rows.filter(created_at__lt=Now() - KEPT).delete()
        return list(_due(rows.filter(due_at__lte=Now() - waiting)).order_by("due_at").values_list("id", flat=True)[:BATCH])


def _due(rows: QuerySet[Challenge]) -> QuerySet[Challenge]:
    return rows.filter(sms_state=Challenge.QUEUED, due_at__lte=Now(), expires_at__gt=Now(), code_cipher__isnull=False)


def _claim(challenge_id: int) -> Challenge | None:
    """Take the challenge out of the queue, committed before anybody is called; None when it is not due."""
    with actor(SYSTEM):
        taken = _due(Challenge.objects.filter(id=challenge_id)).update(
            sms_state=Challenge.SENDING, claimed_at=Now(), attempts=F("attempts") + 1
        )
        return Challenge.objects.get(id=challenge_id) if taken else None


def _record(challenge: Challenge, state: str, *, provider: str = "", cause: str = "") -> None:
    """Only if the claim is still ours: a sweeper may have given it up as unknown."""
    values: dict[str, object] = {"sms_state": state}
    if state == Challenge.QUEUED:
        values["due_at"] = Now() + timedelta(seconds=min(LONGEST_BACKOFF, 2**challenge.attempts))
    if state == Challenge.SENT:
        values |= {"sent_at": Now(), "provider": provider}
    with actor(SYSTEM):
        Challenge.objects.filter(id=challenge.id, sms_state=Challenge.SENDING, attempts=challenge.attempts).update(**values)
    log.info("sms", extra={"challenge": challenge.id, "event": state, "provider": provider, "cause": cause})


def _open(challenge: Challenge, field: str) -> str:
    blob = challenge.phone_cipher if field == sealed.CHALLENGE_PHONE else challenge.code_cipher
    return keyring.decrypt_system(sealed.OTP, field, challenge.public_id, bytes(blob or b""))
