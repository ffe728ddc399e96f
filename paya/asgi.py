"""The live process: WebSockets, and an address that says it is alive. Pages and the API are gunicorn's."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paya.settings")

import django  # noqa: E402

django.setup()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path, re_path  # noqa: E402

import paya.words  # noqa: E402, F401
from core.checks import guard_process  # noqa: E402
from payments.consumers import FeedConsumer  # noqa: E402
from wallets.consumers import MeConsumer  # noqa: E402

guard_process()


async def http(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """/healthz, and nothing else."""
    alive = scope["path"] == "/healthz"
    await send({
        "type": "http.response.start",
        "status": 200 if alive else 404,
        "headers": [(b"content-type", b"application/json")],
    })  # fmt: skip
    await send({"type": "http.response.body", "body": b'{"status":"ok"}' if alive else b'{"status":"not_found"}'})


async def refuse(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send({"type": "websocket.close", "code": 4404})


application = ProtocolTypeRouter({
    "http": http,
    "websocket": URLRouter([
        path("ws/feed/", FeedConsumer.as_asgi()),
        path("ws/me/", MeConsumer.as_asgi()),
        re_path("", refuse),  # type: ignore[arg-type]
    ]),
})  # fmt: skip
