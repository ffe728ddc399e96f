"""/ws/me/: a person's own balance and what has just happened to it."""

from collections.abc import Callable
from typing import Any

from channels.db import database_sync_to_async

from core import hub, live
from core.actor import actor
from core.consumer import TICKET_REFUSED, LiveConsumer, encode
from core.live import Message
from users.queries import device_is_live
from wallets import queries
from wallets.api import balance_of

# Rooms above say in words what an event of theirs means to this person: kind -> (user, ref) -> frame, or None.
Words = Callable[[int, str, str], dict[str, str] | None]
_words: dict[str, Words] = {}


def register_words(kinds: list[str], words: Words) -> None:
    for kind in kinds:
        _words[kind] = words


def frames_for(user_id: int, device_id: int, events: list[Message]) -> list[dict[str, Any]] | None:
    """The balance as it is now and a notification per event that has words; None when the device was revoked."""
    with actor(user_id):
        if not device_is_live(user_id=user_id, device_id=device_id):
            return None
        frames: list[dict[str, Any]] = [{"type": "balance", "balance": balance_of(queries.wallet(user_id))}]
        for event in events:
            words = _words.get(event["kind"])
            if words and (said := words(user_id, event["kind"], event["ref"])):
                frames.append({"type": "notification", "kind": event["kind"], **said})
    return frames


_sockets: "dict[int, set[MeConsumer]]" = {}


async def on_messages(messages: list[Message]) -> None:
    """Serve the people of this process whom the messages concern; after a reconnect (no messages), all of them."""
    by_user: dict[int, list[Message]] = {user: [] for user in _sockets} if not messages else {}
    for message in messages:
        if message["user"] in _sockets:
            by_user.setdefault(message["user"], []).append(message)
    for user_id, events in by_user.items():
        for socket in list(_sockets.get(user_id, ())):
            # An event may be for one device alone: that it was logged out.
            concern = [event for event in events if event.get("device", socket.device_id) == socket.device_id]
            if concern or not events:
                await socket.update(concern)


hub.listen("me", on_messages)


class MeConsumer(LiveConsumer):
    user_id: int | None = None

    async def admit(self, params: dict[str, str]) -> None:
        owner = await database_sync_to_async(live.redeem_ticket)(params.get("ticket", ""))
        await self.accept()
        if owner is None:
            await self.close(TICKET_REFUSED)
            return
        self.user_id, self.device_id = owner
        _sockets.setdefault(self.user_id, set()).add(self)
        await self.update([])

    async def update(self, events: list[Message]) -> None:
        assert self.user_id is not None
        frames = await database_sync_to_async(frames_for)(self.user_id, self.device_id, events)
        if frames is None:
            await self.close(TICKET_REFUSED)
            return
        for frame in frames:
            await self.push(encode(frame))

    async def disconnect(self, code: int) -> None:
        if self.user_id is not None and (mine := _sockets.get(self.user_id)):
            mine.discard(self)
            if not mine:
                del _sockets[self.user_id]
