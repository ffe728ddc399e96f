"""What the WebSocket consumers share: who may open one, and how frames leave."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from core import hub

SEND_SECONDS = 10
ORIGIN_REFUSED, TICKET_REFUSED, BAD_CURSOR, TOO_SLOW, TOO_LONG_AGO = 4403, 4401, 4400, 4408, 4410


def encode(frame: dict[str, Any]) -> str:
    return json.dumps(frame, separators=(",", ":"), ensure_ascii=False)


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Admits our own pages' origins and clients without one (they are no browsers); a foreign origin is refused."""

    async def connect(self) -> None:
        origin = dict(self.scope["headers"]).get(b"origin")
        if origin is not None and origin.decode("latin-1") not in settings.LIVE_ORIGINS:
            await self.close(ORIGIN_REFUSED)
            return
        hub.ensure_running()
        await self.admit({key: values[-1] for key, values in parse_qs(self.scope["query_string"].decode("latin-1")).items()})

    async def admit(self, params: dict[str, str]) -> None:
        raise AssertionError("each consumer admits for itself")

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Nothing is asked over these sockets; what arrives is dropped."""

    async def push(self, text: str) -> None:
        """Send a frame; a client that does not read for ten seconds is let go and resumes by its cursor."""
        try:
            async with asyncio.timeout(SEND_SECONDS):  # wait_for would make a task for each frame
                await self.send(text_data=text)
        except TimeoutError:
            await self.close(TOO_SLOW)
