"""An encrypted value: `version(1) | data key id(8) | nonce(12) | ciphertext+tag`.

Its associated data is `table.column|public id`, so that a value moved to another row or column does not open.
"""

import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = 1
_HEADER = struct.Struct(">Bq")
HEADER_SIZE = _HEADER.size


class DecryptionFailed(Exception):
    """The value was altered, moved, or its key is gone."""


def header(key_id: int) -> bytes:
    """What every value under this data key begins with."""
    return _HEADER.pack(_VERSION, key_id)


def key_id(blob: bytes) -> int:
    """The data key that a value names; raises DecryptionFailed when it is none of our values."""
    if len(blob) < HEADER_SIZE:
        raise DecryptionFailed("this is no ciphertext")
    version, number = _HEADER.unpack_from(blob)
    if version != _VERSION:
        raise DecryptionFailed("unknown ciphertext version")
    return int(number)


def seal(number: int, key: bytes, field: str, public_id: str, plaintext: str) -> bytes:
    """Encrypt under data key `number`."""
    nonce = os.urandom(12)
    return header(number) + nonce + AESGCM(key).encrypt(nonce, plaintext.encode(), f"{field}|{public_id}".encode())


def unseal(key: bytes, field: str, public_id: str, blob: bytes) -> str:
    """Raises DecryptionFailed when the value was altered or moved, or this is not its key."""
    start = HEADER_SIZE
    try:
        opened = AESGCM(key).decrypt(blob[start : start + 12], blob[start + 12 :], f"{field}|{public_id}".encode())
    except (InvalidTag, ValueError) as error:  # ValueError: cut off within the nonce
        raise DecryptionFailed(f"{field} does not open") from error
    return opened.decode()
