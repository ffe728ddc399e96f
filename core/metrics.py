"""How the service does: requests by route, their errors and how long they took, over all processes.

Each process counts for itself and adds what it has counted to Redis every few seconds, so that no request waits for
it and one address answers for all. What a killed process had not added is lost: these are figures, not books.
"""

import atexit
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import redis
from django.conf import settings
from django.db import connection

from core.redis_client import client

# Upper ends in seconds, the last one open.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
FLUSH_SECONDS = 2.0
DOWN_SECONDS = 30.0
API = "v1/"  # what the figures by minute are of; pages and their pictures would only hide how it does
TOTAL, MINUTE = "paya:http:total", "paya:http:minute:"
MINUTES_KEPT = 3600  # seconds
ERRORS = "errors"
Key = tuple[str, str, int]  # route, method, status

_counts: dict[Key, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 2))  # by bucket, then the sum in milliseconds
_lock = threading.Lock()
_flushed = time.monotonic()


@dataclass(frozen=True)
class Gauge:
    """A figure of just now for each value of one label."""

    name: str
    what: str
    label: str
    values: dict[str, float]


_sources: list[Callable[[], list[Gauge]]] = []


def register_gauges(source: Callable[[], list[Gauge]]) -> None:
    """A room's own figures beside the service's; asked when Prometheus asks."""
    _sources.append(source)


def gauges() -> list[Gauge]:
    return [gauge for source in _sources for gauge in source()]


def bucket_of(seconds: float) -> int:
    return next((number for number, end in enumerate(BUCKETS) if seconds <= end), len(BUCKETS))


def observe(route: str, method: str, status: int, seconds: float) -> None:
    """Count one request; now and then, add what was counted to Redis."""
    global _flushed
    with _lock:
        counts = _counts[route, method, status]
        counts[bucket_of(seconds)] += 1
        counts[-1] += round(seconds * 1000)
        due = time.monotonic() - _flushed >= FLUSH_SECONDS
        if due:
            _flushed = time.monotonic()
    if due:
        flush()


def flush() -> None:
    """Add what this process has counted; while Redis is down it is thrown away, and nobody waits for it again soon."""
    global _flushed
    with _lock:
        counted = dict(_counts)
        _counts.clear()
    if not counted:
        return
    try:
        _add(counted)
    except redis.RedisError:
        with _lock:
            _flushed = time.monotonic() + DOWN_SECONDS


def _add(counted: dict[Key, list[int]]) -> None:
    minute = f"{MINUTE}{int(time.time()) // 60}"
    adding = client().pipeline(transaction=False)
    for (route, method, status), counts in counted.items():
        for number, count in enumerate(counts):
            if count:
                adding.hincrby(TOTAL, f"{route}|{method}|{status}|{number}", count)
                if number <= len(BUCKETS) and route.startswith(API):
                    adding.hincrby(minute, str(number), count)
                    if status >= 500:
                        adding.hincrby(minute, ERRORS, count)
    adding.expire(minute, MINUTES_KEPT)
    adding.execute()


atexit.register(flush)


def totals() -> Iterator[tuple[str, str, int, list[int], int]]:
    """(route, method, status, requests by bucket, milliseconds) since Redis was empty, over all processes."""
    rows: dict[Key, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 2))
    for field, count in client().hgetall(TOTAL).items():  # type: ignore[union-attr]
        route, method, status, number = field.decode().rsplit("|", 3)
        rows[route, method, int(status)][int(number)] = int(count)
    for (route, method, status), counts in sorted(rows.items()):
        yield route, method, status, counts[:-1], counts[-1]


def of_minute(minute: int) -> tuple[list[int], int]:
    """(requests by bucket, errors) of a minute since 1970 that has passed."""
    found: dict[bytes, bytes] = client().hgetall(f"{MINUTE}{minute}")  # type: ignore[assignment]
    return [int(found.get(str(number).encode(), 0)) for number in range(len(BUCKETS) + 1)], int(found.get(ERRORS.encode(), 0))


def queued() -> dict[str, int]:
    """Messages that wait, by queue."""
    names = list(settings.CELERY_TASK_QUEUES)
    asking = client().pipeline(transaction=False)
    for name in names:
        asking.llen(name)
    return dict(zip(names, asking.execute(), strict=True))


def outbox_lag() -> int:
    """How long the oldest unpublished event has been waiting, in milliseconds."""
    with connection.cursor() as cursor:
        cursor.execute("select core_outbox_lag()")
        return int(cursor.fetchone()[0])


def quantile(latency: list[int], share: float) -> float | None:
    """The latency in seconds under which that share of requests stayed, as the upper end of its bucket; None without any."""
    if not sum(latency):
        return None
    reached, wanted = 0, share * sum(latency)
    for number, count in enumerate(latency):
        reached += count
        if reached >= wanted:
            return BUCKETS[min(number, len(BUCKETS) - 1)]
    return BUCKETS[-1]
