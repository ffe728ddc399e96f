"""The chain of signed texts: each names the one before it, and all of them are leaves of a log with a signed checkpoint."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import connection

from core.actor import SYSTEM, actor
from transparency.attesting import secrets
from transparency.models import ChainEntry, SigningKey
from transparency.proofs import log
from transparency.proofs.attestation import FIRST, digest
from transparency.proofs.note import ED25519, Signer, key_id, sign

_LOCK = 420_501  # class of this room's advisory locks: one entry is added after the other


@dataclass(frozen=True)
class KeyChange:
    """A new key signs from this day on. Signed by the old key and by the new one."""

    epoch: int
    old: str
    new: str
    previous: str

    def text(self) -> bytes:
        lines = [f"{settings.ATTESTATION_ORIGIN}/key/v1", f"epoch {self.epoch}", f"old {self.old}", f"new {self.new}"]
        return "".join(f"{line}\n" for line in [*lines, f"previous {self.previous}"]).encode("ascii")


def text_in(note: bytes | memoryview) -> bytes:
    """The text of a note of our own."""
    return bytes(note).rpartition(b"\n\n")[0] + b"\n"


def signer(at: datetime | None = None) -> Signer | None:
    """Who signs just now, or signed at a time; None before the first attestation."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select name, public, private_cipher from transparency_signing_key(coalesce(%s::timestamptz, 'infinity'))", [at]
        )
        row = cursor.fetchone()
    return None if row is None else Signer(row[0], secrets.open_signer(bytes(row[1]), row[2]))


def verifier_keys() -> list[str]:
    """All keys that ever signed, NAME+ID+KEY, the newest last."""
    with connection.cursor() as cursor:
        cursor.execute("select name, public from transparency_keys()")
        return [verifier_key(name, bytes(public)) for name, public in cursor.fetchall()]


def keys_since(at: datetime) -> list[str]:
    """The key that signed at a time, and those after it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select name, public from transparency_keys() where made_at >="
            " (select max(made_at) from transparency_keys() where made_at <= %s)", [at],
        )  # fmt: skip
        return [verifier_key(name, bytes(public)) for name, public in cursor.fetchall()]


def verifier_key(name: str, public: bytes) -> str:
    return f"{name}+{key_id(name, public).hex()}+{base64.b64encode(ED25519 + public).decode()}"


def name_and_public(key: str) -> tuple[str, bytes]:
    """What is in a NAME+ID+KEY. Raises ValueError."""
    name, _, coded = key.split("+", 2)
    public = base64.b64decode(coded, validate=True)
    if public[:1] != ED25519 or verifier_key(name, public[1:]) != key:
        raise ValueError("no key to verify with")
    return name, public[1:]


def first_signer() -> Signer:
    """Who signs just now, made where there is nobody yet."""
    with actor(SYSTEM):
        _one_after_the_other()
        return signer() or _new_signer()


def head() -> tuple[int, str]:
    """The position of the next entry, and what it has to name as previous. Needs SYSTEM."""
    last = ChainEntry.objects.order_by("-position").first()
    return (0, FIRST) if last is None else (last.position + 1, last.digest)


def append(*, kind: str, epoch: int, position: int, previous: str, text: bytes, signers: Sequence[Signer]) -> ChainEntry:
    """Sign a text and make it the chain's next entry; in the caller's transaction as SYSTEM, after `locked_head`."""
    leaves = [log.leaf_hash(text_in(note)) for note in ChainEntry.objects.order_by("position").values_list("note", flat=True)]
    checkpoint = sign(log.checkpoint(settings.ATTESTATION_ORIGIN, [*leaves, log.leaf_hash(text)]), *signers)
    return ChainEntry.objects.create(
        position=position, kind=kind, epoch=epoch, note=sign(text, *signers), digest=digest(text), previous=previous,
        checkpoint=checkpoint,
    )  # fmt: skip


def locked_head() -> tuple[int, str]:
    """The chain's end, which nobody else moves before this transaction is over."""
    _one_after_the_other()
    return head()


def change_key(*, epoch: int) -> ChainEntry:
    """A new key, signed for by the old one."""
    with actor(SYSTEM):
        position, previous = locked_head()
        old = signer() or _new_signer()
        new = _new_signer()
        entry = KeyChange(epoch, old.verifier_key, new.verifier_key, previous)
        return append(
            kind=ChainEntry.KEY, epoch=epoch, position=position, previous=previous, text=entry.text(), signers=(old, new)
        )


def _new_signer() -> Signer:
    key = Ed25519PrivateKey.generate()
    made = Signer(settings.ATTESTATION_ORIGIN, key)
    SigningKey.objects.create(name=made.name, public=made.public, private_cipher=secrets.seal_signer(key))
    return made


def _one_after_the_other() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, 1)", [_LOCK])
