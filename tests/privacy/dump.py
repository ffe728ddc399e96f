"""Everything that the database, Redis and the logs hold, as one text that can be searched for what must not be there."""

import base64
import io
import re
from collections.abc import Iterable
from typing import Any

import psycopg2

from paya.local import database as local_database
from tests.conftest import ADMIN_URL, Database

TABLES = "select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' order by 1"
HEX = re.compile(rb"\\\\x([0-9a-f]+)")  # COPY doubles the backslash


def of_database(database: Database) -> dict[str, bytes]:
    """Each table as COPY writes it, and behind it what its binary columns say once they are no longer hexadecimal."""
    connection = psycopg2.connect(local_database.with_database(ADMIN_URL, database.name))
    found: dict[str, bytes] = {}
    try:
        with connection.cursor() as cursor:
            cursor.execute(TABLES)
            for (table,) in cursor.fetchall():
                buffer = io.BytesIO()
                cursor.copy_expert(f'copy "{table}" to stdout', buffer)
                text = buffer.getvalue()
                binary = [bytes.fromhex(m.decode()) for m in HEX.findall(text) if len(m) % 2 == 0]
                found[table] = b"\n".join([text, *binary])
    finally:
        connection.close()
    return found


def of_redis() -> bytes:
    """All keys with their values, whatever type they are."""
    from core.redis_client import client

    redis = client()
    parts: list[bytes] = []
    for key in redis.scan_iter(count=1000):
        parts.append(_bytes(key))
        kind = _bytes(redis.type(key)).decode()
        parts += [_bytes(value) for value in _READ[kind](redis, key)]
    return b"\n".join(parts)


_READ: dict[str, Any] = {
    "string": lambda redis, key: [redis.get(key)],
    "list": lambda redis, key: redis.lrange(key, 0, -1),
    "set": lambda redis, key: redis.smembers(key),
    "hash": lambda redis, key: [part for pair in redis.hgetall(key).items() for part in pair],
    "zset": lambda redis, key: redis.zrange(key, 0, -1),
    "none": lambda redis, key: [],  # it expired meanwhile
    "stream": lambda redis, key: [redis.xrange(key)],
}


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def forms(secret: str) -> Iterable[bytes]:
    """How a secret could stand somewhere: as it is, and as base64 or hexadecimal of it would."""
    plain = secret.encode()
    yield plain
    yield plain.hex().encode()
    for shift in range(3):  # in the middle of something longer
        coded = base64.b64encode(b"\0" * shift + plain)
        yield coded[-(-shift * 8 // 6) : (shift + len(plain)) * 8 // 6]  # what its neighbours have no part in


def search(haystacks: dict[str, bytes], secrets: Iterable[str]) -> set[tuple[str, str]]:
    """Where which of the secrets stands: (place, secret)."""
    needles: dict[bytes, set[str]] = {}
    for secret in secrets:
        for form in forms(secret):
            if len(form) >= 5:
                needles.setdefault(form, set()).add(secret)
    # One walk through each place for all of them: how they begin. What begins so is looked for.
    size = min(8, *(len(form) for form in needles))
    begins: dict[bytes, list[bytes]] = {}
    for form in needles:
        begins.setdefault(form[:size], []).append(form)
    found: set[tuple[str, str]] = set()
    for place, text in haystacks.items():
        seen = {begin for at in range(len(text) - size + 1) if (begin := text[at : at + size]) in begins}
        found |= {(place, secret) for begin in seen for form in begins[begin] if form in text for secret in needles[form]}
    return found
