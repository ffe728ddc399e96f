"""The live process: one subscription to Redis, messages handed to the rooms that registered for their topic."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import redis.asyncio as aioredis
from django.conf import settings
from redis.exceptions import RedisError

from core.live import CHANNEL, Message

log = logging.getLogger("paya.live")
Listener = Callable[[list[Message]], Awaitable[None]]
_listeners: dict[str, Listener] = {}
_task: "asyncio.Task[None] | None" = None


def listen(topic: str, listener: Listener) -> None:
    """Register what a topic's messages are handed to; also called with [] after a reconnect, to look for misses."""
    _listeners[topic] = listener


def ensure_running() -> None:
    """Start the subscription in this process's event loop, once."""
    global _task
    if _task is None or _task.done():
        _task = asyncio.get_running_loop().create_task(_run())


async def _run() -> None:
    while True:
        try:
            await _subscribe()
        except (RedisError, OSError) as error:
            log.warning("live_subscription_lost", extra={"cause": type(error).__name__})
            await asyncio.sleep(0.5)


async def _subscribe() -> None:
    client = aioredis.Redis.from_url(settings.REDIS_URL, health_check_interval=10)
    async with client, client.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe(CHANNEL)
        await _dispatch(None)
        while True:
            message = await pubsub.get_message(timeout=5)
            if message is not None:
                await _dispatch(json.loads(message["data"]))


async def _dispatch(messages: list[dict[str, Any]] | None) -> None:
    for topic, listener in _listeners.items():
        mine = [message for message in messages or [] if message["topic"] == topic]
        if mine or messages is None:
            try:
                await listener(mine)
            except Exception:
                log.exception("live_listener_failed")
