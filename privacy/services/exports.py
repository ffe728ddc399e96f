"""A copy of what PaYa keeps about a person: asked for by them, made by the worker, encrypted, gone after a day.

The row is the state; a message only wakes somebody up, and a sweep finds what no message woke. Whoever is killed in the middle
leaves a row that is due again in some minutes, and it is made anew: nothing of it was shown before it is ready.
"""

import logging
import os
from datetime import timedelta

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core import signing
from django.db import IntegrityError, connection, transaction

from core import keyring
from core.actor import SYSTEM, actor
from core.clock import now
from core.errors import NotFound
from core.ids import new_id
from core.outbox import emit
from privacy import collect, store
from privacy.errors import EnoughCopies
from privacy.models import Export

log = logging.getLogger("paya.privacy")

GOOD_FOR = timedelta(hours=24)
A_DAY = 3
CLAIM = timedelta(minutes=5)  # longer than a section takes; renewed with each
TRIES = 5
CONTENT_KEY = "privacy_export.content_key"
_SALT = "privacy.export"
Status = Export.Status

keyring.register(keyring.Column("privacy_export", "content_key", CONTENT_KEY))


# ------------------------------------------------------------------------------------------------ what a person asks for
def ask(*, user_id: int) -> Export:
    """Ask for a copy; while one is being made it is that one. Raises EnoughCopies after three within a day."""
    try:
        with actor(user_id):
            running = _under_way(user_id)
            if running is not None:
                return running
            _check_cap(user_id)
            public_id, moment = new_id("exp"), now()
            # In words of our own: the other columns are not this role's to write.
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(
                    "insert into privacy_export (public_id, user_id, due_at) values (%s, %s, %s)", [public_id, user_id, moment]
                )
            export = Export.objects.get(public_id=public_id)
            emit("export.due", export=export.pk)
            return export
    except IntegrityError:  # the same wish, twice at a time
        with actor(user_id):
            running = _under_way(user_id)
        if running is None:
            raise
        return running


def _under_way(user_id: int) -> Export | None:
    return Export.objects.filter(user_id=user_id, status__in=Export.UNDER_WAY).first()


def _check_cap(user_id: int) -> None:
    lately = Export.objects.filter(user_id=user_id, asked_at__gt=now() - timedelta(days=1)).exclude(status=Status.FAILED)
    times = list(lately.order_by("asked_at").values_list("asked_at", flat=True))
    if len(times) >= A_DAY:
        frees = times[len(times) - A_DAY] + timedelta(days=1)
        raise EnoughCopies(retry_after=max(1, int((frees - now()).total_seconds())))


def export_of(*, user_id: int, public_id: str) -> Export:
    """One copy of this person's. Raises NotFound for somebody else's."""
    with actor(user_id):
        found = Export.objects.filter(user_id=user_id, public_id=public_id).first()
    if found is None:
        raise NotFound
    return found


def newest(*, user_id: int) -> Export | None:
    """The copy that was asked for last."""
    with actor(user_id):
        return Export.objects.filter(user_id=user_id).order_by("-id").first()


def token_for(export: Export) -> str | None:
    """What the address of the file carries besides its id: signed, of one person, over with the file. None without a file."""
    if export.status != Status.READY or export.expires_at is None or export.expires_at <= now():
        return None
    return signing.dumps([export.public_id, export.user_id], salt=_SALT, compress=True)


def read(*, user_id: int, public_id: str, token: str) -> bytes:
    """The file. Raises NotFound for whatever is not in order: another's, another token, expired, gone."""
    export = export_of(user_id=user_id, public_id=public_id)
    try:
        signed = signing.loads(token, salt=_SALT, max_age=GOOD_FOR)
    except signing.BadSignature as error:
        raise NotFound from error
    if signed != [public_id, user_id] or token_for(export) is None or export.content_key is None:
        raise NotFound
    sealed = store.get(public_id)
    if sealed is None:
        raise NotFound
    with actor(user_id):
        key = bytes.fromhex(keyring.decrypt_for(user_id, CONTENT_KEY, public_id, export.content_key))
    return AESGCM(key).decrypt(sealed[:12], sealed[12:], public_id.encode())


# ------------------------------------------------------------------------------------------------ what the worker does
def due(*, limit: int = 100) -> list[int]:
    """Copies that are to be made, or whose file is to go; each is due again in a minute."""
    moment = now()
    with actor(SYSTEM):
        return list(Export.objects.filter(due_at__lte=moment).order_by("due_at").values_list("pk", flat=True)[:limit])


def go_on(*, export_id: int) -> None:
    """Make a copy that is due, or remove one that has expired. Twice at a time it is done once; again, nothing happens."""
    with actor(SYSTEM):
        export = Export.objects.filter(pk=export_id, due_at__lte=now()).first()
    if export is None:
        return
    if export.status == Status.READY:
        _expire(export)
    elif _claim(export):
        _make(export)


def _claim(export: Export) -> bool:
    """Ours to make for a while, if it is due still; given up after TRIES."""
    moment = now()
    with actor(SYSTEM):
        rows = Export.objects.filter(pk=export.pk, due_at=export.due_at, status__in=Export.UNDER_WAY)
        if export.attempts >= TRIES:
            rows.update(status=Status.FAILED, due_at=None)
            log.error("export_failed", extra={"export": export.public_id})
            return False
        return rows.update(status=Status.RUNNING, progress=0, attempts=export.attempts + 1, due_at=moment + CLAIM) == 1


def _make(export: Export) -> None:
    sections: dict[str, list[collect.Line]] = {}
    for done, section in enumerate(collect.SECTIONS, start=1):
        sections[section.name] = section.lines(export.user_id)
        _progress(export, min(99, 100 * done // len(collect.SECTIONS)))
    content = collect.packed(sections)
    key = os.urandom(32)
    nonce = os.urandom(12)
    store.put(export.public_id, nonce + AESGCM(key).encrypt(nonce, content, export.public_id.encode()))
    with actor(SYSTEM):
        moment = now()
        sealed = keyring.encrypt_for(export.user_id, CONTENT_KEY, export.public_id, key.hex())
        rows = Export.objects.filter(pk=export.pk, status=Status.RUNNING)
        expires = moment + GOOD_FOR
        rows.update(
            status=Status.READY, progress=100, ready_at=moment, expires_at=expires, due_at=expires, size=len(content),
            content_key=sealed,
        )  # fmt: skip
        emit("wallet.changed", user=export.user_id, kind="export_ready", ref=export.public_id)


def _progress(export: Export, percent: int) -> None:
    with actor(SYSTEM):
        Export.objects.filter(pk=export.pk, status=Status.RUNNING).update(progress=percent, due_at=now() + CLAIM)


def _expire(export: Export) -> None:
    """The file first: a row that says expired must not leave one behind."""
    store.remove(export.public_id)
    with actor(SYSTEM):
        Export.objects.filter(pk=export.pk, status=Status.READY).update(status=Status.EXPIRED, due_at=None, content_key=None)
