"""A process' connections to Redis. They wait two seconds at most: nothing that must not be lost depends on them."""

from functools import cache

import redis
from django.conf import settings


@cache
def client() -> "redis.Redis":
    """One pool per process; it notices a fork by itself."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
