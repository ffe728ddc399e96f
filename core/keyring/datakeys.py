"""Data keys: one per person and one per class of system data. Destroying a person's erases what it protects.

While keys are rotated a person has two for a time: what is new is sealed under the newest, what is old still opens
under its own. Whoever seals holds the key until the transaction ends (`core_hold_…_key`), and a key that is held is
not deleted: so nothing is ever stored under a key that is gone.
"""

import os
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connection

from core.keyring import cipher
from core.keyring.cipher import DecryptionFailed
from core.keyring.masters import master_key

_CACHE_SECONDS = 300.0
PERSON_KEY_LOCK = 720110  # as in sql/0002_key_rotation.sql
_cache: dict[tuple[str, int], tuple[float, bytes]] = {}
_cache_lock = threading.Lock()


def create_person_key(user_id: int) -> None:
    """Make the person's data key; belongs into the transaction that opens the account."""
    new_key("core_datakey", "user_id", user_id, _of_person(user_id))


def ensure_person_key(user_id: int) -> None:
    """Make the person's data key unless they have one."""
    if _query("select id from core_datakey where user_id = %s limit 1", [user_id]) is None:
        create_person_key(user_id)


def destroy_person_keys(user_id: int) -> int:
    """Erase a person: delete all of their data keys; how many. What was sealed under them does not open again.

    Whoever is sealing something for them holds their key, and is waited for. Belongs into the transaction that erases the
    person, as SYSTEM; other processes forget the key within _CACHE_SECONDS.
    """
    with connection.cursor() as cursor:
        cursor.execute("select id from core_datakey where user_id = %s order by id", [user_id])
        ids = [int(row[0]) for row in cursor.fetchall()]
        for key_id in ids:
            cursor.execute("select pg_advisory_xact_lock(%s, %s)", [PERSON_KEY_LOCK, key_id % 2147483647])
        cursor.execute("delete from core_datakey where user_id = %s", [user_id])
    forget_cached_keys()
    return len(ids)


def encrypt_for(user_id: int, field: str, public_id: str, plaintext: str) -> bytes:
    """Encrypt a person's field; `field` is "table.column". Belongs into the transaction that stores the value, with
    the person (or SYSTEM) as actor."""
    key_id = _hold("core_hold_person_key", user_id)
    if key_id is None:
        raise DecryptionFailed("this person has no data key")
    return cipher.seal(key_id, person_key(user_id, key_id), field, public_id, plaintext)


def decrypt_for(user_id: int, field: str, public_id: str, blob: bytes | memoryview) -> str:
    """Raises DecryptionFailed when the value was altered or moved, or the person's key was destroyed."""
    blob = bytes(blob)
    return cipher.unseal(person_key(user_id, cipher.key_id(blob)), field, public_id, blob)


def encrypt_system(name: str, field: str, public_id: str, plaintext: str) -> bytes:
    """Encrypt a field that belongs to nobody yet (a one-time code, a phone before sign-up) under its class's key.
    Belongs into the transaction that stores the value."""
    key_id = _hold("core_hold_system_key", name)
    if key_id is None:
        new_key("core_systemkey", "name", name, _of_system(name))
        key_id = _hold("core_hold_system_key", name)
        assert key_id is not None
    return cipher.seal(key_id, system_key(name, key_id), field, public_id, plaintext)


def decrypt_system(name: str, field: str, public_id: str, blob: bytes | memoryview) -> str:
    """Raises DecryptionFailed when the value was altered or moved."""
    blob = bytes(blob)
    return cipher.unseal(system_key(name, cipher.key_id(blob)), field, public_id, blob)


def forget_cached_keys() -> None:
    with _cache_lock:
        _cache.clear()


def new_key(table: str, owner_column: str, owner: int | str, context: str) -> None:
    """A fresh data key; from its commit on it is the one that is sealed with."""
    master_id, wrapped = master_key().wrap(os.urandom(32), context)
    with connection.cursor() as cursor:
        cursor.execute(
            f"insert into {table} ({owner_column}, master_id, wrapped) values (%s, %s, %s)", [owner, master_id, wrapped]
        )


def _hold(function: str, owner: int | str) -> int | None:
    """The newest key of this owner, which nobody deletes before this transaction ends."""
    if not connection.in_atomic_block:
        raise RuntimeError("a value is sealed in the transaction that stores it")
    row = _query(f"select {function}(%s)", [owner])
    return None if row is None or row[0] is None else int(row[0])


def person_key(user_id: int, key_id: int) -> bytes:
    """The data key `key_id`, which must be this person's; raises DecryptionFailed when it is gone."""
    sql = "select master_id, wrapped from core_datakey where id = %s and user_id = %s"
    return _unwrapped(sql, key_id, user_id, _of_person(user_id))


def system_key(name: str, key_id: int) -> bytes:
    """The data key `key_id`, which must be this class's; raises DecryptionFailed when it is gone."""
    sql = "select master_id, wrapped from core_systemkey where id = %s and name = %s"
    return _unwrapped(sql, key_id, name, _of_system(name))


def _of_person(user_id: int) -> str:
    return f"person:{user_id}"


def _of_system(name: str) -> str:
    return f"system:{name}"


def _unwrapped(sql: str, key_id: int, owner: int | str, context: str) -> bytes:
    def load() -> bytes:
        found = _query(sql, [key_id, owner])
        if found is None:
            raise DecryptionFailed("the data key is gone")
        return master_key().unwrap(str(found[0]), bytes(found[1]), context)

    return _cached(context, key_id, load)


def _cached(context: str, key_id: int, load: Callable[[], bytes]) -> bytes:
    """Unwrapped keys stay in memory for a few minutes only, so that an erased person's key is soon gone everywhere.

    The key of a transaction that is rolled back may be among them; its id is never given again, so it opens nothing.
    """
    now = time.monotonic()
    with _cache_lock:
        hit = _cache.get((context, key_id))
        if hit and now - hit[0] < _CACHE_SECONDS:
            return hit[1]
    key = load()
    with _cache_lock:
        if len(_cache) > 10_000:
            _cache.clear()
        _cache[(context, key_id)] = (now, key)
    return key


def _query(sql: str, params: list[Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row
