"""The time. The demo loader lives through the past; everybody else has the real clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from django.db import connection

_given: ContextVar[datetime | None] = ContextVar("given_time", default=None)


def now() -> datetime:
    """Now in UTC, or the time given by `at_time`."""
    return _given.get() or datetime.now(UTC)


@contextmanager
def at_time(moment: datetime) -> Iterator[None]:
    """Run the block at a given time, here and in the database's `core_now()`.

    The database believes it from the demo loader's role alone (core/sql/0001_core.sql); under any other role
    rows are stamped with the real time.
    """
    token = _given.set(moment)
    try:
        _tell_database(moment.isoformat())
        yield
    finally:
        _given.reset(token)
        _tell_database("")


def _tell_database(value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select set_config('paya.now', %s, false)", [value])
