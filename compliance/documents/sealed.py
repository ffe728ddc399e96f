"""The encrypted field of documents, opened and closed in one place."""

import base64
import hashlib

from core import keyring

_CONTENT_KEY = "compliance_document.content_key"
keyring.register(keyring.Column("compliance_document", "content_key", _CONTENT_KEY))


def seal_content_key(user_id: int, public_id: str, key: bytes) -> bytes:
    return keyring.encrypt_for(user_id, _CONTENT_KEY, public_id, base64.b64encode(key).decode())


def content_key(user_id: int, public_id: str, blob: bytes | memoryview) -> bytes:
    """Raises DecryptionFailed once the person's key was destroyed."""
    return base64.b64decode(keyring.decrypt_for(user_id, _CONTENT_KEY, public_id, blob))


def digest(data: bytes) -> bytes:
    """Under which the same file is found when it comes again. Only who has the key can tell whose a file is."""
    return keyring.blind_index("document", hashlib.sha256(data).hexdigest())
