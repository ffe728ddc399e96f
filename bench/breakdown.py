"""Where the time of one payment goes: `python -m bench.breakdown TOKEN PAYEE` inside one web process, without a network.

The whole WSGI application is called one payment at a time. Parts are timed by wrapping the functions that they are;
what a part spends waiting for the database is counted as database and taken out of the part.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from unittest import mock
from uuid import uuid4

TIMES = 400
_spent: dict[str, float] = defaultdict(float)
_inside: list[float] = []  # time that nested parts have taken from those around them


def timed(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        _inside.append(0.0)
        started = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            whole = time.perf_counter() - started
            _spent[part] += whole - _inside.pop()
            if _inside:
                _inside[-1] += whole

    return call


def main(token: str, payee: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    from paya.wsgi import application  # noqa: I001  (sets Django up)
    from django.db import connection
    from django.db.backends.utils import CursorWrapper
    from core import api
    from payments import api as payments_api
    from payments import services
    from users.authentication import BearerAuthentication

    logging.disable(logging.CRITICAL)

    def pay() -> None:
        body = json.dumps({"to": f"@{payee}", "amount": 1, "note": "Lunch", "visibility": "public"}).encode()
        environ = {
            "REQUEST_METHOD": "POST", "PATH_INFO": "/v1/payments", "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80",
            "HTTP_HOST": "127.0.0.1", "HTTP_AUTHORIZATION": f"Bearer {token}", "HTTP_IDEMPOTENCY_KEY": str(uuid4()),
            "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr, "wsgi.url_scheme": "http", "REMOTE_ADDR": "127.0.0.1",
        }  # fmt: skip
        status: list[str] = []
        b"".join(application(environ, lambda line, headers: status.append(line)))
        assert status[0].startswith("201"), status

    for _ in range(50):
        pay()
    backend = type(connection._connections[connection._alias] if hasattr(connection, "_connections") else connection)
    patches = [
        mock.patch.object(CursorWrapper, "execute", timed("database", CursorWrapper.execute)),
        mock.patch.object(backend, "_commit", timed("database: commit", backend._commit)),
        mock.patch.object(BearerAuthentication, "authenticate", timed("authentication", BearerAuthentication.authenticate)),
        mock.patch.object(api.StrictJSONParser, "parse", timed("JSON", api.StrictJSONParser.parse)),
        mock.patch.object(payments_api, "validated", timed("validation", payments_api.validated)),
        mock.patch.object(services, "pay", timed("service: rules and the rest", services.pay)),
    ]
    for patch in patches:
        patch.start()
    whole = timed("framework: middleware, routing, DRF", pay)
    started = time.perf_counter()
    for _ in range(TIMES):
        whole()
    total = (time.perf_counter() - started) / TIMES * 1e6
    print(f"\none payment, alone in one process: {total:,.0f} microseconds")
    for part, seconds in sorted(_spent.items(), key=lambda item: -item[1]):
        each = seconds / TIMES * 1e6
        print(f"  {part:38}{each:>8,.0f}{each / total:>8.0%}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
