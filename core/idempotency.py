"""Idempotency keys: one key, one effect, one answer (DESIGN: requests).

The key's row is written in the transaction of its effect, and looked up under the person's guard, so that fifty
requests with one key queue up behind the first and replay its answer.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from core.errors import IdempotencyKeyRequired, IdempotencyKeyReused


@dataclass(frozen=True)
class Answer:
    """What an endpoint answers: the status and the JSON text, the same bytes when it is replayed."""

    status: int
    text: str
    replayed: bool = False

    @property
    def body(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.text)
        return value


def check_key(key: str | None) -> str:
    """The key, when it is 1-255 printable ASCII characters; raises IdempotencyKeyRequired otherwise."""
    if not key or len(key) > 255 or not key.isascii() or not key.isprintable():
        raise IdempotencyKeyRequired
    return key


def fingerprint(route: str, content: Mapping[str, Any]) -> bytes:
    """A hash of what was asked for: the same key with another one is refused."""
    canonical = json.dumps([route, content], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).digest()


def once(*, user_id: int, key: str | None, request: bytes, effect: Callable[[], tuple[int, Mapping[str, Any]]]) -> Answer:
    """Run `effect` once for (user, key) and keep its answer; again, replay it.

    Must run inside `with actor(user_id)` and with the person's guard held. `key` is None for the demo loader,
    whose history nobody retries. Raises IdempotencyKeyReused for another request under the same key.
    """
    if key is not None and (stored := find(user_id=user_id, key=key, request=request)):
        return stored
    status, body = effect()
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    if key is not None:
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into core_idempotency (user_id, key, request, status, answer) values (%s, %s, %s, %s, %s)",
                [user_id, key, request, status, text],
            )
    return Answer(status, text)


def find(*, user_id: int, key: str, request: bytes) -> Answer | None:
    with connection.cursor() as cursor:
        cursor.execute("select request, status, answer from core_idempotency where user_id = %s and key = %s", [user_id, key])
        row = cursor.fetchone()
    return None if row is None else replay(row[0], row[1], row[2], request)


def replay(stored_request: bytes, status: int, text: str, request: bytes) -> Answer:
    """The stored answer, if it belongs to the same request; raises IdempotencyKeyReused otherwise."""
    if bytes(stored_request) != request:
        raise IdempotencyKeyReused
    return Answer(status, text, replayed=True)
