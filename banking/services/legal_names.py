"""Legal names against the sanctions list: those that people gave to have a bank confirm them, whatever the bank answered.

They are encrypted, and the list is kept in a room below: so this one opens them, in the job that compares, and hands them down.
Each row knows the newest change of the list that its name was compared after; whatever is behind that is due. A name that was
just given was never compared, so it comes first, and a new list makes everybody's due, in chunks that go on wherever somebody
was killed.
"""

import logging
import time
from datetime import timedelta

from django.db.models import Q

from banking.models import IdentityCheck
from banking.services import secrets as sealed
from compliance.services import sanctions
from core.actor import SYSTEM, actor
from core.clock import now
from core.keyring import DecryptionFailed

log = logging.getLogger("paya.banking")
AT_ONCE = 100
LEASE = timedelta(minutes=1)


def screen(*, seconds: float = 20.0) -> int:
    """Compare the names that are due; how many. Repeats and races harmlessly: names are claimed, and a hit is one row."""
    until = time.monotonic() + seconds
    done = 0
    while time.monotonic() < until:
        with actor(SYSTEM):
            newest = sanctions.newest_run()  # before the list is read: what changes later makes the names due again
            checks = _claim(newest)
        if not checks:
            break
        for check in checks:
            _compare(check, newest)
        done += len(checks)
    return done


def _claim(newest: int) -> list[IdentityCheck]:
    moment = now()
    free = Q(claimed_until=None) | Q(claimed_until__lt=moment)
    rows = IdentityCheck.objects.filter(free, screened_in__lt=newest).order_by("screened_in", "id")
    checks = list(rows.select_for_update(skip_locked=True)[:AT_ONCE])
    IdentityCheck.objects.filter(pk__in=[check.pk for check in checks]).update(claimed_until=moment + LEASE)
    return checks


def _compare(check: IdentityCheck, newest: int) -> None:
    """In no transaction: nobody who pays waits for it."""
    try:
        name = sealed.legal_name_of(check)
    except DecryptionFailed:  # they were erased meanwhile; anything else is for whoever reads the log, and holds up nobody else
        log.error("legal_name_unreadable", extra={"user": check.user_id})
    else:
        sanctions.look_up_legal_name(user_id=check.user_id, name=name, since=check.screened_in)
    with actor(SYSTEM):
        IdentityCheck.objects.filter(pk=check.pk).update(screened_in=newest, claimed_until=None)
