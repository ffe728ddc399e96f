"""The relay: exactly one leads (an advisory lock of its connection), a second waits for it to fall."""

import contextlib
import itertools
import json
import logging
import time
from collections.abc import Callable

from django.db import connection

from core import outbox

log = logging.getLogger("paya.relay")

LOCK_KEY = 0x50615961  # "PaYa"
BATCH = 500
IDLE_SECONDS = 0.03
WAIT_SECONDS = 0.5
MAX_TRIES = 5


class HandlerUnavailable(Exception):
    """A handler's surroundings (Redis, say) are down: wait and try again, however long it takes."""


class LeadershipLost(Exception):
    """The connection that held the lock is gone: another relay may lead by now."""


class _Stopped(BaseException):
    """Told to stop while a handler waits for its surroundings. Its rows stay unpublished; the next leader has them."""


def lead(stop: Callable[[], bool]) -> None:
    """Wait for leadership, then relay until `stop()`; returns when told to, raises when the connection is lost."""
    while not _try_lock():
        if stop():
            return
        time.sleep(WAIT_SECONDS)
    log.info("relay_leads")
    locked = connection.connection
    with contextlib.suppress(_Stopped):
        while not stop():
            if relay_once(stop) == 0:
                time.sleep(IDLE_SECONDS)
            # A handler's broken transaction makes Django reconnect silently, and a new session holds no lock.
            if connection.connection is not locked:
                raise LeadershipLost


def _try_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [LOCK_KEY])
        return bool(cursor.fetchone()[0])


def relay_once(stop: Callable[[], bool] = lambda: False) -> int:
    """Position what has been committed since, then publish one batch; the number of rows it published."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select core_outbox_position(%s);"
            " select position, topic, payload, created_at from core_outbox_unpublished(%s)", [BATCH, BATCH]
        )  # fmt: skip
        # Django leaves jsonb of raw queries as text.
        rows = [outbox.Row(r[0], r[1], json.loads(r[2]), r[3]) for r in cursor.fetchall()]
    for topic, run in itertools.groupby(rows, key=lambda row: row.topic):
        batch = list(run)
        _publish(topic, batch, stop)
        with connection.cursor() as cursor:
            cursor.execute("select core_outbox_published(%s)", [batch[-1].position])
    return len(rows)


def _publish(topic: str, rows: list[outbox.Row], stop: Callable[[], bool]) -> None:
    for handle in outbox.handlers_of(topic):
        try:
            _persist(handle, rows, stop)
        except Exception:
            if len(rows) == 1:
                _set_aside(topic, rows[0])
                continue
            # One bad row must not hold up its neighbours: find it by handing them over one by one.
            for row in rows:
                try:
                    _persist(handle, [row], stop)
                except Exception:
                    _set_aside(topic, row)


def _persist(handle: outbox.Handler, rows: list[outbox.Row], stop: Callable[[], bool]) -> None:
    """Call the handler; wait out an outage for ever, anything else for MAX_TRIES tries."""
    failures = 0
    for attempt in itertools.count():
        try:
            handle(rows)
            return
        except HandlerUnavailable as outage:
            if stop():
                raise _Stopped from outage
            log.warning("relay_waits", extra={"topic": rows[0].topic, "cause": str(outage)})
            time.sleep(min(2.0, 0.1 * 2 ** min(attempt, 5)))
        except Exception:
            connection.ensure_connection()
            failures += 1
            if failures >= MAX_TRIES:
                raise
            time.sleep(min(1.0, 0.02 * 2**failures))


def _set_aside(topic: str, row: outbox.Row) -> None:
    """A row that no try could publish is kept, marked and shouted about; it does not stop the others."""
    log.exception("relay_row_failed", extra={"topic": topic, "position": row.position})
    with connection.cursor() as cursor:
        cursor.execute("update core_outbox set failed_at = now() where position = %s", [row.position])
