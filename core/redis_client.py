"""A process' connections to Redis. They wait two seconds at most: nothing that must not be lost depends on them."""

import time
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

T = TypeVar("T")
# After a time-out nobody in this process waits again for so long: a page that asks ten times would wait ten times.
REST_SECONDS = 10.0
_silent_until = 0.0


class _Patience(Retry):
    """A connection that was lost is made anew once, at once. A Redis that hangs is left alone for a moment.

    The library's own default tries three times more, with seconds in between.
    """

    def __init__(self) -> None:
        super().__init__(NoBackoff(), 1)

    def call_with_retry(self, do: Callable[[], T], *args: Any, **kwargs: Any) -> T:
        def once() -> T:
            global _silent_until
            if time.monotonic() < _silent_until:
                raise redis.TimeoutError("Redis did not answer a moment ago.")
            try:
                return do()
            except redis.TimeoutError:
                _silent_until = time.monotonic() + REST_SECONDS
                raise

        return super().call_with_retry(once, *args, **kwargs)


def ask_again() -> None:
    """Forget that Redis did not answer."""
    global _silent_until
    _silent_until = 0.0


@cache
def client() -> "redis.Redis":
    """One pool per process; it notices a fork by itself."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2, retry=_Patience())
