"""Signed notes as C2SP defines them: a text, a blank line, and lines of who has signed it with Ed25519."""

import base64
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"


class NotSigned(Exception):
    """The note is not signed by this key, or is none."""


def key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


@dataclass(frozen=True)
class Signer:
    """A name and a key under which notes are signed. The name is a host, without blanks and plus signs."""

    name: str
    key: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def verifier_key(self) -> str:
        """What people are given to check with: NAME+ID+KEY."""
        coded = base64.b64encode(ED25519 + self.public).decode()
        return f"{self.name}+{key_id(self.name, self.public).hex()}+{coded}"

    def line(self, text: bytes) -> bytes:
        signature = key_id(self.name, self.public) + self.key.sign(text)
        return f"\u2014 {self.name} {base64.b64encode(signature).decode()}\n".encode()


def sign(text: bytes, *signers: Signer) -> bytes:
    """The text with its signatures. It ends with a line's end and has no blank line at its end."""
    if not text.endswith(b"\n") or text.endswith(b"\n\n"):
        raise ValueError("the text of a note ends with one line's end")
    return text + b"\n" + b"".join(signer.line(text) for signer in signers)


def text_of(note: bytes, *, name: str, public: bytes) -> bytes:
    """The text, once its signature by this key holds. Raises NotSigned."""
    text, blank, lines = note.rpartition(b"\n\n")
    text += b"\n"
    prefix = f"\u2014 {name} ".encode()
    for line in lines.splitlines() if blank else []:
        raw = base64.b64decode(line.removeprefix(prefix)) if line.startswith(prefix) else b""
        if raw[:4] == key_id(name, public):
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], text)
            except InvalidSignature:
                raise NotSigned(name) from None
            return text
    raise NotSigned(name)
