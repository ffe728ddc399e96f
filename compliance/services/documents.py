"""Identity documents: handed in by their person, looked at by staff (sql/0004_tiers.sql).

What lies in the store is written between two transactions: first the row, then the file, then the row again. A crash or a store
that is down in between leaves a document that has yet to arrive: the same file again goes on with it, and what nobody sends again
is swept away.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import connection

from compliance.documents import contents, sealed
from compliance.documents import store as stored
from compliance.models import Document
from core.actor import SYSTEM, actor
from core.clock import now
from core.errors import LimitExceeded, NotFound, ServiceUnavailable, ValidationError
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown
from core.staff import call
from wallets import services as wallets

log = logging.getLogger("paya.compliance")
Kind, Status = Document.Kind, Document.Status
PER_DAY = 5  # of one person
ABANDONED_AFTER = timedelta(hours=6)
WORDS_SHORTEST, WORDS_LONGEST = 10, 500


def upload(*, user_id: int, kind: str, data: bytes) -> Document:
    """Hand in a document; the same file again is the same document.

    Raises ValidationError (a kind that is none, a file that is not kept: which, and what to do), LimitExceeded (five a day), and
    ServiceUnavailable where it could not be kept: sending the same again goes on with it.
    """
    if kind not in Kind.values:
        raise ValidationError(fields={"kind": "Choose what it is."})
    digest = sealed.digest(data)
    document = _found(user_id, digest)
    if document is not None and document.status != Status.STORING:
        return document
    try:
        clean = contents.cleaned(data)
    except contents.Refused as refusal:
        raise ValidationError(fields={"file": refusal.words}) from refusal
    document, key = _begin(user_id, kind, digest, clean)
    if document.status == Status.STORING:
        _keep(document, key, clean.data)
    with actor(user_id), connection.cursor() as cursor:
        cursor.execute("select compliance_document_stored(%s)", [document.public_id])
        return Document.objects.get(pk=document.pk)


def _found(user_id: int, digest: bytes) -> Document | None:
    with actor(user_id):
        mine = Document.objects.filter(user_id=user_id, digest_index=digest)
        return mine.exclude(status__in=[Status.REFUSED, Status.ABANDONED]).first()


def _begin(user_id: int, kind: str, digest: bytes, clean: contents.Clean) -> tuple[Document, bytes]:
    """Its row, and the key that it is sealed with. Under the guard: of two at once the second finds the first."""
    with actor(user_id):
        wallets.guard(user_id=user_id)
        document = _found(user_id, digest)
        if document is None:
            _room_for_one_more(user_id)
            key = stored.new_key()
            document = Document(
                user_id=user_id, kind=kind, media_type=clean.media_type, pages=clean.pages, size=len(clean.data),
                digest_index=digest,
            )
            columns = ("public_id", "user_id", "kind", "media_type", "pages", "size", "digest_index", "content_key")
            document.content_key = sealed.seal_content_key(user_id, document.public_id, key)
            marks = ", ".join(["%s"] * len(columns))
            with connection.cursor() as cursor:
                # Not by the ORM: it would also name the columns that the web's role may not write.
                cursor.execute(
                    f"insert into compliance_document ({', '.join(columns)}) values ({marks}) returning id, status, created_at",
                    [getattr(document, column) for column in columns],
                )
                document.pk, document.status, document.created_at = cursor.fetchone()
            return document, key
        return document, sealed.content_key(user_id, document.public_id, document.content_key)


def _room_for_one_more(user_id: int) -> None:
    lately = Document.objects.filter(user_id=user_id, created_at__gt=now() - timedelta(days=1)).order_by("created_at")
    times = list(lately.values_list("created_at", flat=True))
    if len(times) >= PER_DAY:
        frees = times[-PER_DAY] + timedelta(days=1)
        raise LimitExceeded(
            f"You can send {PER_DAY} documents a day. The next one from {frees:%d %B, %H:%M} UTC on.",
            limit="documents_per_day", resets_at=frees.isoformat(),
        )  # fmt: skip


def _keep(document: Document, key: bytes, data: bytes) -> None:
    try:
        stored.store().put(document.public_id, stored.seal(key, document.public_id, data))
    except (ProviderDown, ProviderUnknown, ProviderRejected) as error:
        log.warning("document_not_kept", extra={"cause": str(error)})
        raise ServiceUnavailable(
            "Your document could not be kept just now. Please send it again in a minute.", retry_after=60
        ) from error


def documents_of(*, user_id: int, limit: int = 50, before: int | None = None) -> list[Document]:
    """A person's documents, the latest first; those that never arrived are left out."""
    with actor(user_id):
        rows = Document.objects.filter(user_id=user_id).exclude(status__in=[Status.ABANDONED, Status.STORING])
        if before is not None:
            rows = rows.filter(pk__lt=before)
        return list(rows.order_by("-id")[:limit])


def document_of(*, user_id: int, document: str) -> Document:
    """Raises NotFound for what is not there, or somebody else's."""
    with actor(user_id):
        row = Document.objects.filter(user_id=user_id, public_id=document).exclude(status=Status.ABANDONED).first()
    if row is None:
        raise NotFound
    return row


def opened(*, user_id: int, document: str, content_key: bytes | memoryview) -> bytes:
    """What a document holds, for staff who may look at it. Raises ServiceUnavailable while it cannot be had, and NotFound."""
    try:
        blob = stored.store().get(document)
    except stored.Gone as error:
        raise NotFound("What it held is not kept any more.") from error
    except (ProviderDown, ProviderUnknown, ProviderRejected) as error:
        raise ServiceUnavailable("The document cannot be fetched right now. Please try again in a minute.") from error
    return stored.unseal(sealed.content_key(user_id, document, content_key), document, blob)


# ---------------------------------------------------------------------------------------------------- what staff do
def accept(*, document: str, staff_id: int, reason: str) -> None:
    """It shows who they are: tier documents, and a letter.

    Raises Conflict where it does not wait any more, or this member of staff has not opened it; NotFound.
    """
    call("compliance_decide_document", [document, True, "", reason], staff_id=staff_id)


def opened_by_me(*, document: str) -> bool:
    """Whether the member of staff who acts has opened the file of this document."""
    with connection.cursor() as cursor:
        cursor.execute("select compliance_opened_document(%s)", [document])
        return bool(cursor.fetchone()[0])


def refuse(*, document: str, words: str, staff_id: int, reason: str) -> None:
    """It is not accepted: `words` say to the person why and what to do. Raises as `accept` does."""
    said = " ".join(words.split())
    if not WORDS_SHORTEST <= len(said) <= WORDS_LONGEST:
        problem = f"Tell the person why, in {WORDS_SHORTEST} to {WORDS_LONGEST} characters."
        raise ValidationError(fields={"words": problem})
    call("compliance_decide_document", [document, False, said, reason], staff_id=staff_id)


# -------------------------------------------------------------------------------------------------------- upkeep
def sweep(*, limit: int = 100) -> int:
    """Give up what never arrived, and remove what need not be kept any longer; how many. Again, nothing happens.

    A document that was not accepted is kept for PAYA_DOCUMENTS_KEEP_REFUSED_DAYS, in case its person objects. The file goes
    first: where that fails, the row is found again.
    """
    moment = now()
    refused_before = moment - timedelta(days=settings.DOCUMENTS_KEEP_REFUSED_DAYS)
    with actor(SYSTEM):
        rows = Document.objects.filter(removed_at=None)
        late = rows.filter(status=Status.STORING, created_at__lt=moment - ABANDONED_AFTER)
        old = rows.filter(status=Status.REFUSED, decided_at__lt=refused_before)
        due = [*late[:limit], *old[:limit]]
    done = 0
    for row in due:
        try:
            stored.store().remove(row.public_id)
        except (ProviderDown, ProviderUnknown, ProviderRejected) as error:
            log.info("document_sweep_later", extra={"cause": str(error)})
            break
        with actor(SYSTEM):
            mine = Document.objects.filter(pk=row.pk, status=row.status, removed_at=None)
            changed = {"status": Status.ABANDONED} if row.status == Status.STORING else {}
            done += mine.update(removed_at=moment, **changed)
    return done


def forget(*, user_id: int) -> None:
    """Remove what a person's documents hold, for whoever erases the person (as SYSTEM's job, outside of any transaction).

    Their rows, with who decided what, stay. Raises ProviderDown, ProviderUnknown or ProviderRejected; what is left is removed by
    calling it again.
    """
    with actor(SYSTEM):
        rows = list(Document.objects.filter(user_id=user_id, removed_at=None).exclude(status=Status.ABANDONED))
    for row in rows:
        stored.store().remove(row.public_id)
        with actor(SYSTEM):
            Document.objects.filter(pk=row.pk).update(removed_at=now())
