"""Field encryption: AES-256-GCM under a data key per person, or per class of system data, wrapped by a master key.

A ciphertext is `version(1) | data key id(8) | nonce(12) | ciphertext+tag`; its associated data is
`table.column|public id`, so that a value moved to another row or column does not open. Destroying a person's data
key erases what it protects. Phones are found by a blind index under a separate key.
"""

import hashlib
import hmac
import json
import os
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import connection

_VERSION = 1
_HEADER = struct.Struct(">Bq")
_CACHE_SECONDS = 300.0


class DecryptionFailed(Exception):
    """The value was altered, moved, or its key is gone."""


class MasterKey(Protocol):
    """What wraps data keys: a key file here, KMS behind the same two calls in production."""

    def wrap(self, data_key: bytes, context: str) -> tuple[str, bytes]:
        """The id of the master key used, and the wrapped data key."""

    def unwrap(self, master_id: str, wrapped: bytes, context: str) -> bytes: ...


class KeyFile:
    """Master keys in a file of mode 0600: {"active": "k1", "keys": {"k1": "<64 hex digits>"}}."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def _keys(self) -> tuple[str, dict[str, str]]:
        content = json.loads(self._path.read_text())
        return content["active"], content["keys"]

    def wrap(self, data_key: bytes, context: str) -> tuple[str, bytes]:
        active, keys = self._keys()
        nonce = os.urandom(12)
        return active, nonce + AESGCM(bytes.fromhex(keys[active])).encrypt(nonce, data_key, context.encode())

    def unwrap(self, master_id: str, wrapped: bytes, context: str) -> bytes:
        _, keys = self._keys()
        try:
            return AESGCM(bytes.fromhex(keys[master_id])).decrypt(wrapped[:12], wrapped[12:], context.encode())
        except (InvalidTag, KeyError) as error:
            raise DecryptionFailed(f"data key of {context} does not open") from error


def master_key() -> MasterKey:
    return KeyFile(settings.KEY_FILE)


_cache: dict[tuple[str, int], tuple[float, bytes]] = {}
_cache_lock = threading.Lock()


def _cached(table: str, key_id: int, load: Callable[[], bytes]) -> bytes:
    """Unwrapped keys stay in memory for a few minutes only, so that an erased person's key is soon gone everywhere."""
    now = time.monotonic()
    with _cache_lock:
        hit = _cache.get((table, key_id))
        if hit and now - hit[0] < _CACHE_SECONDS:
            return hit[1]
    key = load()
    with _cache_lock:
        if len(_cache) > 10_000:
            _cache.clear()
        _cache[(table, key_id)] = (now, key)
    return key


def forget_cached_keys() -> None:
    with _cache_lock:
        _cache.clear()


def _query(sql: str, params: list[Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def _seal(key_id: int, key: bytes, field: str, public_id: str, plaintext: str) -> bytes:
    header, nonce = _HEADER.pack(_VERSION, key_id), os.urandom(12)
    return header + nonce + AESGCM(key).encrypt(nonce, plaintext.encode(), f"{field}|{public_id}".encode())


def _open(key: bytes, field: str, public_id: str, blob: bytes) -> str:
    start = _HEADER.size
    try:
        opened = AESGCM(key).decrypt(blob[start : start + 12], blob[start + 12 :], f"{field}|{public_id}".encode())
    except (InvalidTag, ValueError) as error:  # ValueError: cut off within the nonce
        raise DecryptionFailed(f"{field} does not open") from error
    return opened.decode()


def _key_id(blob: bytes) -> int:
    if len(blob) < _HEADER.size:
        raise DecryptionFailed("this is no ciphertext")
    version, key_id = _HEADER.unpack_from(blob)
    if version != _VERSION:
        raise DecryptionFailed("unknown ciphertext version")
    return int(key_id)


def create_person_key(user_id: int) -> None:
    """Make the person's data key; belongs into the transaction that opens the account."""
    master_id, wrapped = master_key().wrap(os.urandom(32), f"person:{user_id}")
    _query(
        "insert into core_datakey (user_id, master_id, wrapped) values (%s, %s, %s) returning id",
        [user_id, master_id, wrapped],
    )


def _person_key(user_id: int, key_id: int | None) -> tuple[int, bytes]:
    if key_id is None:
        row = _query("select max(id) from core_datakey where user_id = %s", [user_id])
        if row is None or row[0] is None:
            raise DecryptionFailed("this person has no data key")
        key_id = int(row[0])

    def load() -> bytes:
        found = _query("select master_id, wrapped from core_datakey where id = %s and user_id = %s", [key_id, user_id])
        if found is None:
            raise DecryptionFailed("the data key is gone")
        return master_key().unwrap(str(found[0]), bytes(found[1]), f"person:{user_id}")

    return key_id, _cached(f"person:{user_id}", key_id, load)


def encrypt_for(user_id: int, field: str, public_id: str, plaintext: str) -> bytes:
    """Encrypt a person's field; `field` is "table.column". Needs the person (or SYSTEM) as actor."""
    key_id, key = _person_key(user_id, None)
    return _seal(key_id, key, field, public_id, plaintext)


def decrypt_for(user_id: int, field: str, public_id: str, blob: bytes | memoryview) -> str:
    """Raises DecryptionFailed when the value was altered or moved, or the person's key was destroyed."""
    blob = bytes(blob)
    _, key = _person_key(user_id, _key_id(blob))
    return _open(key, field, public_id, blob)


def _system_key(name: str, key_id: int | None) -> tuple[int, bytes]:
    if key_id is None:
        row = _query("select max(id) from core_systemkey where name = %s", [name])
        if row is None or row[0] is None:
            master_id, wrapped = master_key().wrap(os.urandom(32), f"system:{name}")
            row = _query(
                "insert into core_systemkey (name, master_id, wrapped) values (%s, %s, %s) returning id",
                [name, master_id, wrapped],
            )
            assert row is not None
        key_id = int(row[0])

    def load() -> bytes:
        found = _query("select master_id, wrapped from core_systemkey where id = %s and name = %s", [key_id, name])
        if found is None:
            raise DecryptionFailed("the data key is gone")
        return master_key().unwrap(str(found[0]), bytes(found[1]), f"system:{name}")

    # Not cached before it is committed: the id of a rolled-back key would otherwise live on in memory.
    return key_id, load() if connection.in_atomic_block else _cached(f"system:{name}", key_id, load)


def encrypt_system(name: str, field: str, public_id: str, plaintext: str) -> bytes:
    """Encrypt a field that belongs to nobody yet (a one-time code, a phone before sign-up) under its class's key."""
    key_id, key = _system_key(name, None)
    return _seal(key_id, key, field, public_id, plaintext)


def decrypt_system(name: str, field: str, public_id: str, blob: bytes | memoryview) -> str:
    blob = bytes(blob)
    _, key = _system_key(name, _key_id(blob))
    return _open(key, field, public_id, blob)


def phone_index(e164: str) -> bytes:
    """The blind index under which a phone is found; without the key it cannot be inverted."""
    return hmac.new(bytes.fromhex(settings.BLIND_KEY), b"phone|" + e164.encode(), hashlib.sha256).digest()


def blind_index(purpose: str, value: str) -> bytes:
    """A blind index for another purpose (number block, address): values of two purposes cannot be compared."""
    return hmac.new(bytes.fromhex(settings.BLIND_KEY), f"{purpose}|{value}".encode(), hashlib.sha256).digest()
