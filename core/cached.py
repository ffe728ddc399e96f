"""Public figures for many readers: computed by one of them, kept in Redis for a moment.

When a value is no longer fresh one reader computes it, and the others are given the old one meanwhile; where there is
none, they wait a little for it. When computing fails the old one is given for as long as it is kept: each value
carries its own time, so nobody is told that it is new. Without Redis each process keeps its own.
"""

import json
import logging
import time
from collections.abc import Callable
from typing import Any

import redis
from django.db import connection

from core.redis_client import client

log = logging.getLogger("paya.cached")
KEPT_SECONDS = 120
COMPUTING_SECONDS = 10  # after that somebody else may
WAIT_SECONDS, PAUSE = 2.0, 0.02
_own: dict[str, tuple[float, Any]] = {}


def cached(name: str, *, seconds: float, make: Callable[[], Any]) -> Any:
    """What `make` answers (anything that JSON can say), at most `seconds` old or being computed anew."""
    try:
        return _shared(name, seconds, make)
    except redis.RedisError:
        return _of_this_process(name, seconds, make)


def _shared(name: str, seconds: float, make: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        stored: Any = client().get(_key(name))
        at, value = json.loads(stored) if stored else (0.0, None)
        if stored and time.time() - at < seconds:
            return value
        if client().set(_key(name) + ":computing", "1", nx=True, ex=COMPUTING_SECONDS):
            if client().get(_key(name)) != stored:  # somebody was done between our look and our turn
                client().delete(_key(name) + ":computing")
                continue
            return _computed(name, make, value if stored else None, bool(stored))
        if stored:
            return value
        if time.monotonic() >= deadline:
            return make()
        time.sleep(PAUSE)


def _computed(name: str, make: Callable[[], Any], old: Any, there_is: bool) -> Any:
    try:
        value = make()
        client().set(_key(name), json.dumps([time.time(), value]), ex=KEPT_SECONDS)
        return value
    except redis.RedisError:
        raise
    except Exception:
        if not there_is:
            raise
        log.exception("figures_are_old", extra={"key": name})
        return old
    finally:
        client().delete(_key(name) + ":computing")


def _of_this_process(name: str, seconds: float, make: Callable[[], Any]) -> Any:
    at, value = _own.get(_key(name), (0.0, None))
    if time.monotonic() - at >= seconds or not at:
        value = make()
        _own[_key(name)] = (time.monotonic(), value)
    return value


def _key(name: str) -> str:
    # Several databases may share one Redis, and figures of one are no figures of another.
    return f"paya:cached:{connection.settings_dict['NAME']}:{name}"
