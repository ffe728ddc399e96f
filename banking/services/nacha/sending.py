"""A written file into the bank's drop, exactly once.

The file has one name for ever and is put there only where no file of that name is. What was put and not recorded is found
again by its name and compared: the same bytes were sent by us before a crash, other bytes are somebody else's.
"""

import hashlib
import logging
from datetime import timedelta

from django.conf import settings

from banking.models import NachaFile
from banking.nacha import validate
from banking.nacha.errors import InvalidFile
from banking.rails.drop import drop, reaching
from banking.services.nacha import secrets
from core.actor import SYSTEM, actor
from core.clock import now

log = logging.getLogger("paya.banking")
Status = NachaFile.Status


class NameTaken(Exception):
    """Another file lies in the drop under our file's name. Ours is not sent before somebody has looked."""


class Altered(Exception):
    """The file is not what was written, or has a fault. It is not sent before somebody has looked."""


def send_written() -> list[str]:
    """Send what is written and not sent, oldest first; the names.

    Raises ProviderDown and ProviderUnknown at once; NameTaken and Altered of one file once the others are sent.
    """
    with actor(SYSTEM):
        waiting = list(NachaFile.objects.filter(status=Status.WRITTEN).order_by("pk").values_list("pk", flat=True))
    sent: list[str] = []
    held: list[NameTaken | Altered] = []
    for file_id in waiting:
        try:
            sent += filter(None, [send(file_id=file_id)])
        except (NameTaken, Altered) as problem:
            held.append(problem)
    if held:
        raise held[0]
    return sent


def send(*, file_id: int) -> str | None:
    """Send one file; None when it was sent before. Repeats and races harmlessly; raises as `send_written` does."""
    with actor(SYSTEM):
        file = NachaFile.objects.get(pk=file_id)
        if file.status != Status.WRITTEN:
            return None
        content = secrets.file_content(file)
    _unaltered(file, content)
    with reaching():
        if not drop().put(file.name, content) and drop().sent(file.name) != content:
            log.error("nacha_file_name_taken", extra={"file": file.public_id})
            raise NameTaken(file.name)
    with actor(SYSTEM):
        NachaFile.objects.filter(pk=file_id, status=Status.WRITTEN).update(status=Status.SENT, sent_at=now())
    log.info("nacha_file_sent", extra={"file": file.public_id})
    return file.name


def _unaltered(file: NachaFile, content: bytes) -> None:
    """What leaves is what was written, and once more without a fault. Raises Altered."""
    try:
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise Altered(f"{file.public_id} is not what was written")
        validate.check(content.decode("ascii"))
    except (InvalidFile, Altered) as fault:
        log.error("nacha_file_altered", extra={"file": file.public_id})
        raise Altered(str(fault)) from fault


def miss_answers() -> int:
    """Raise, once for each, what was sent and has no acknowledgement after its time; how many."""
    moment = now()
    latest = moment - timedelta(hours=settings.ODFI_ACKNOWLEDGED_WITHIN_HOURS)
    with actor(SYSTEM):
        missed = NachaFile.objects.filter(status=Status.SENT, sent_at__lt=latest, missed_at=None)
        for file in missed:
            log.error("nacha_file_unanswered", extra={"file": file.public_id})
        return missed.update(missed_at=moment)
