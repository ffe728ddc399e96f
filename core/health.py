"""Readiness of what every process needs: the database, Redis, the relay, the workers, and what stands beside web."""

import json
import urllib.request
from collections.abc import Iterable

from django.conf import settings
from django.db import connection

from core.redis_client import client
from core.views import readiness


@readiness("database")
def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select 1")


@readiness("redis")
def _redis() -> None:
    client().ping()


@readiness("relay")
def _relay() -> None:
    """Everything that was committed has a position and was published."""
    with connection.cursor() as cursor:
        cursor.execute("select core_outbox_drained()")
        if not cursor.fetchone()[0]:
            raise RuntimeError("the outbox is not empty yet")


WORKER_SIGN, WORKER_SECONDS = "paya:worker:", 10


def worker_is_alive(*, queues: Iterable[str]) -> None:
    """Called by a worker every two seconds: it is there for these, and for the next few it may be believed."""
    for queue in queues:
        client().set(WORKER_SIGN + queue, "1", ex=WORKER_SECONDS)


@readiness("worker")
def _worker() -> None:
    _somebody_takes(queue for queue in settings.CELERY_TASK_QUEUES if queue != "codes")


@readiness("codes")
def _codes() -> None:
    _somebody_takes(["codes"])


def _somebody_takes(queues: Iterable[str]) -> None:
    if not all(client().exists(WORKER_SIGN + queue) for queue in queues):
        raise RuntimeError("no worker has said that it is there")


@readiness("live")
def _live() -> None:
    _http_ok(settings.LIVE_URL.replace("ws", "http", 1) + "/healthz")


if settings.SANDBOX:

    @readiness("sandbox")
    def _sandbox() -> None:
        _http_ok(settings.SANDBOX_URL + "/sandbox/healthz")


def _http_ok(url: str) -> None:
    with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  (our own addresses, from settings)
        json.load(answer)
