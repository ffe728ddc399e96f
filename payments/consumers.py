"""The public feed, live. Every process reads what is new once and sends the same frame to all of its sockets.

Positions make it exact: the room knows how far it has sent, each socket from where it wants to go on, so nothing
is lost and nothing sent twice, whatever dropped in between.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from channels.db import database_sync_to_async

from core import hub
from core.api import decode_cursor, encode_cursor
from core.consumer import BAD_CURSOR, TOO_LONG_AGO, LiveConsumer, encode
from core.errors import ValidationError
from core.live import Message
from payments import queries
from payments.queries import FeedRow

COALESCE_SECONDS = 0.1
POLL_SECONDS = 2.0  # what is sent although no wake-up arrived (Redis away)
BATCH = 200
# Whoever missed more than this many positions reads the feed's pages instead (GET /v1/feed).
REPLAY_MOST = 10_000


@dataclass
class Changes:
    """What happened to the feed above a position, up to `upto`."""

    rows: list[FeedRow]
    removed: list[tuple[int, str]]
    upto: int
    more: bool

    def frames(self, above: int) -> list[dict[str, Any]]:
        """The frames for somebody who has seen everything up to `above`."""
        frames: list[dict[str, Any]] = []
        if items := [row.item for row in reversed(self.rows) if row.position > above]:
            frames.append({"type": "feed", "items": items, "cursor": encode_cursor(self.upto)})
        if ids := [payment for position, payment in self.removed if position > above]:
            frames.append({"type": "remove", "ids": ids, "cursor": encode_cursor(self.upto)})
        return frames


def read_changes(above: int) -> Changes:
    """One read of what is new; cut at the same position on both sides when there is too much for one batch."""
    rows, removed = queries.feed_after(above, BATCH), queries.removed_after(above, BATCH)
    ends = [part[-1] for part in ([r.position for r in rows], [r[0] for r in removed]) if len(part) == BATCH]
    upto = min(ends) if ends else max([above, *(r.position for r in rows), *(r[0] for r in removed)])
    return Changes(
        [row for row in rows if row.position <= upto], [pair for pair in removed if pair[0] <= upto], upto, bool(ends)
    )


@dataclass
class FeedRoom:
    """All sockets of this process, and how far they have been served."""

    sockets: "set[FeedConsumer]" = field(default_factory=set)
    sent: int = -1
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None

    async def start(self) -> None:
        if not self.sockets:  # nobody was served meanwhile, so nobody waits for what happened
            head = await database_sync_to_async(queries.feed_head)()
            self.sent = max(self.sent, head)
        if self.task is None or self.task.done():
            self.task = asyncio.get_running_loop().create_task(self._run())

    async def notify(self, _: list[Message]) -> None:
        self.wake.set()

    async def _run(self) -> None:
        while True:
            try:
                await asyncio.wait_for(self.wake.wait(), POLL_SECONDS)
                await asyncio.sleep(COALESCE_SECONDS)
            except TimeoutError:
                pass
            self.wake.clear()
            if self.sockets:
                await self._serve()

    async def _serve(self) -> None:
        while True:
            try:
                changes = await database_sync_to_async(read_changes)(self.sent)
            except Exception:
                hub.log.exception("feed_read_failed")
                return
            before, self.sent = self.sent, changes.upto
            common = [encode(frame) for frame in changes.frames(before)]
            await asyncio.gather(*(socket.deliver(changes, before, common) for socket in list(self.sockets)))
            if not changes.more:
                return


room = FeedRoom()
hub.listen("feed", room.notify)


class FeedConsumer(LiveConsumer):
    """/ws/feed/: anybody may watch. `?after=CURSOR` replays what was missed, if it is not too much."""

    seen: int
    ready: bool = False

    async def admit(self, params: dict[str, str]) -> None:
        try:
            after = decode_cursor(params["after"]) if "after" in params else None
        except ValidationError:
            await self.accept()
            await self.close(BAD_CURSOR)
            return
        await room.start()
        await self.accept()
        if after is not None and after > room.sent:
            # A page may be a moment ahead of the room. Further ahead nothing has happened yet: go on from the head.
            after = min(after, await database_sync_to_async(queries.feed_head)())
        if after is not None and room.sent - after > REPLAY_MOST:
            await self.close(TOO_LONG_AGO)
            return
        self.seen = room.sent if after is None else after
        self.backlog: list[Changes] = []
        room.sockets.add(self)
        await self._catch_up()

    async def _catch_up(self) -> None:
        """Replay from the cursor to where the room is; what the room sends meanwhile waits in the backlog."""
        while self.seen < room.sent:
            changes = await database_sync_to_async(read_changes)(self.seen)
            await self._push_above(changes)
            if not changes.more:
                break
        while self.backlog:
            await self._push_above(self.backlog.pop(0))
        self.ready = True
        await self.push(encode({"type": "feed", "items": [], "cursor": encode_cursor(self.seen)}))

    async def _push_above(self, changes: Changes) -> None:
        frames, self.seen = changes.frames(self.seen), max(self.seen, changes.upto)
        for frame in frames:
            await self.push(encode(frame))

    async def deliver(self, changes: Changes, before: int, common: list[str]) -> None:
        if not self.ready:
            self.backlog.append(changes)
        elif self.seen == before:
            self.seen = changes.upto
            for text in common:
                await self.push(text)
        else:
            await self._push_above(changes)

    async def disconnect(self, code: int) -> None:
        room.sockets.discard(self)
