"""Small things that several tests need."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.test import Client


def open_session(user_id: int) -> str:
    """An access token for a device of this person, as a log-in would have given."""
    from core.actor import actor
    from core.ids import new_id
    from users import tokens
    from users.models import Device, User

    with actor(user_id):
        user = User.objects.get(pk=user_id)
        device = Device(public_id=new_id("dev"), user_id=user_id, name="test")
        device.save()
        return tokens.access_token(user_public_id=user.public_id, device_public_id=device.public_id)


def give_all_roles(user_id: int) -> int:
    """A member of staff who was made without the product's service may do everything; needs the worker's role, as SYSTEM."""
    from console.services import ROLES

    with connection.cursor() as cursor:
        cursor.execute("insert into console_staffrole (user_id, role) select %s, unnest(%s)", [user_id, list(ROLES)])
    return user_id


class Api:
    def __init__(self) -> None:
        self.client = Client()

    def request(
        self, method: str, path: str, body: Any = None, *, person: Any = None, key: str | None = None, **headers: str
    ) -> Any:
        sent = dict(headers)
        if person is not None:
            sent |= person.headers
        if key is not None:
            sent["Idempotency-Key"] = key
        data = body if isinstance(body, bytes | str) else (json.dumps(body) if body is not None else "")
        return self.client.generic(method, path, data, content_type="application/json", headers=sent)

    def get(self, path: str, **kwargs: Any) -> Any:
        return self.request("GET", path, **kwargs)

    def post(self, path: str, body: Any = None, **kwargs: Any) -> Any:
        return self.request("POST", path, body, **kwargs)

    def put(self, path: str, body: Any = None, **kwargs: Any) -> Any:
        return self.request("PUT", path, body, **kwargs)

    def patch(self, path: str, body: Any = None, **kwargs: Any) -> Any:
        return self.request("PATCH", path, body, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> Any:
        return self.request("DELETE", path, **kwargs)


def relay_all() -> None:
    """Run the relay until the outbox is empty; needs the worker's role."""
    from core import relay

    while relay.relay_once():
        pass


def forget_figures() -> None:
    """What is kept for a moment of the public figures: the next look at them is a fresh one."""
    from core.redis_client import client

    for key in client().scan_iter(f"paya:cached:{connection.settings_dict['NAME']}:*"):
        client().delete(key)


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run `work(i)` in `count` threads that start together; each result, or the exception it raised."""
    barrier, results = threading.Barrier(count), [None] * count

    def run(index: int) -> None:
        barrier.wait()
        try:
            results[index] = work(index)
        except Exception as error:  # noqa: BLE001
            results[index] = error  # type: ignore[call-overload]
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """The response is a problem document with this status and code."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert document["code"] == code, document
    assert document["status"] == status
    assert document["request_id"] == response["X-Request-ID"]
    assert document["title"]
    assert document["detail"]
    return document


@contextmanager
def changed(database: Any, *changes: tuple[str, str, str]) -> Iterator[None]:
    """Functions of the database (by signature) with something replaced in them, and put back."""
    whole = []
    for function, old, new in changes:
        [(text,)] = database.as_superuser("select pg_get_functiondef(%s::regprocedure)", [function])
        assert old in text, (function, old)
        whole.append(text)
        database.as_superuser(text.replace(old, new))
    try:
        yield
    finally:
        for text in reversed(whole):
            database.as_superuser(text)
