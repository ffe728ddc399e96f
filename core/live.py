"""Live updates: a wake-up in Redis, the truth in the database.

The relay publishes what happened (ids only) on one channel. Each live process holds one subscription and fans out
to its own sockets. A message only says that there is something to read, so a lost one delays and loses nothing.
A socket is opened with a single-use ticket of 30 seconds: the access token never stands in an address.
"""

import hashlib
import json
import secrets
from typing import Any

import redis

from core.errors import ServiceUnavailable
from core.identity import Session
from core.redis_client import client
from core.relay import HandlerUnavailable

CHANNEL = "paya:live"
TICKET_SECONDS = 30
Message = dict[str, Any]


def publish(messages: list[Message]) -> None:
    """Tell every live process. Raises HandlerUnavailable while Redis is down, so that the relay waits for it."""
    try:
        client().publish(CHANNEL, json.dumps(messages))
    except redis.RedisError as error:
        raise HandlerUnavailable("redis") from error


def ticket_key(ticket: str) -> str:
    """Under what a ticket stands in Redis: whoever reads that can open nothing with it."""
    return f"paya:ticket:{hashlib.sha256(ticket.encode()).hexdigest()}"


def issue_ticket(session: Session) -> str:
    """A ticket for one socket of this device. Raises ServiceUnavailable while Redis is down."""
    ticket = secrets.token_urlsafe(32)
    try:
        client().set(ticket_key(ticket), json.dumps([session.user_id, session.device_id]), ex=TICKET_SECONDS)
    except redis.RedisError as error:
        raise ServiceUnavailable("Live updates are not available right now.", retry_after=5) from error
    return ticket


def redeem_ticket(ticket: str) -> tuple[int, int] | None:
    """(user, device) of a ticket that nobody has used yet, once."""
    if not 20 <= len(ticket) <= 100 or not ticket.isascii():
        return None
    value: Any = client().getdel(ticket_key(ticket))
    if value is None:
        return None
    user_id, device_id = json.loads(value)
    return user_id, device_id
