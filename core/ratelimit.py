"""How often somebody may ask: a moving window over the last minute, counted in Redis in one atomic step and one round trip.

While Redis is away, what must be counted is counted by the database, under the same limit (sql/0004_ratelimit.sql); the
rest passes. Money limits are another thing: they are rules, in the payment's own transaction.
"""

import math
import time
from functools import cache

import redis
from django.conf import settings
from django.db import connection
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter

from core.redis_client import client

SECONDS = 60


def spend(*, key: str, limit: int, sure: bool) -> int:
    """Count one request of `key`; 0 if at most `limit` passed in the last minute, or else after how many seconds one may.

    What is refused is not counted. With `sure` it is counted whatever happens: raises DatabaseError when Redis and the
    database are both away.
    """
    try:
        return _in_redis(key, limit)
    except redis.RedisError:
        return _in_database(key, limit) if sure else 0


def _in_redis(key: str, limit: int) -> int:
    limiter, item = _limiter(client().connection_pool), _item(limit)
    if limiter.hit(item, key):
        return 0
    free_at, _ = limiter.get_window_stats(item, key)
    return max(1, math.ceil(free_at - time.time()))


def _in_database(key: str, limit: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("select core_spend_rate(%s, %s, %s)", [key, limit, SECONDS])
        wait: int = cursor.fetchone()[0]
        return wait


def forget() -> None:
    """Drop the database's counts that are over."""
    with connection.cursor() as cursor:
        cursor.execute("select core_forget_rates()")


@cache
def _limiter(pool: "redis.ConnectionPool") -> MovingWindowRateLimiter:
    """On this process' own connections, which wait for a Redis that hangs only once (core/redis_client.py)."""
    return MovingWindowRateLimiter(RedisStorage(settings.REDIS_URL, connection_pool=pool, key_prefix="paya"))


@cache
def _item(limit: int) -> RateLimitItem:
    return RateLimitItemPerSecond(limit, SECONDS, namespace="rate")
