"""The outbox: a side effect outside the database is a row, written in the transaction of its cause.

One leading relay (core/relay.py) gives committed rows gap-free positions in the order in which it finds them and
hands them to the handlers of their topic. A handler runs at least once and must be idempotent. Rows carry ids
only, never personal data.
"""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection


@dataclass(frozen=True)
class Row:
    position: int
    topic: str
    payload: dict[str, Any]
    created_at: datetime


Handler = Callable[[list[Row]], None]
_handlers: dict[str, list[Handler]] = defaultdict(list)


def emit(topic: str, **ids: int | str) -> None:
    """Write one event into the running transaction.

    Raises RuntimeError outside a transaction: an event that does not commit with its cause would lie.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("an outbox row belongs into the transaction of its cause")
    with connection.cursor() as cursor:
        cursor.execute("insert into core_outbox (topic, payload) values (%s, %s)", [topic, json.dumps(ids)])


def handler(topic: str) -> Callable[[Handler], Handler]:
    """Register a handler of `topic`; it gets runs of consecutive rows of that topic, in order."""

    def register(function: Handler) -> Handler:
        if function not in _handlers[topic]:
            _handlers[topic].append(function)
        return function

    return register


def handlers_of(topic: str) -> list[Handler]:
    return _handlers.get(topic, [])
