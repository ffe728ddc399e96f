"""Reads that may be a moment old go to the replica when there is one, and to the primary when it is down.

REPLICA_URL names it. What reads is any function of any room: for its length the replica's connection stands in the
place of this thread's own.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, connections

log = logging.getLogger("paya.replica")
T = TypeVar("T")
REPLICA = "replica"
DOWN_SECONDS = 5.0  # for so long nobody tries it again
_down_until = 0.0

# A replica that has not replayed what it received shows the books as they were at its last transaction.
_AS_OF = """
    select case when pg_is_in_recovery() and pg_last_wal_receive_lsn() is distinct from pg_last_wal_replay_lsn()
                then coalesce(pg_last_xact_replay_timestamp(), clock_timestamp()) else clock_timestamp() end
"""


def read(work: Callable[[], T]) -> T:
    """What `work` reads, from the replica if it answers. It may be run twice, so it changes nothing.

    Inside a transaction it runs where that is.
    """
    global _down_until
    if REPLICA not in settings.DATABASES or connection.in_atomic_block or time.monotonic() < _down_until:
        return work()
    try:
        with _in_its_place():
            return work()
    except (OperationalError, InterfaceError) as error:
        _down_until = time.monotonic() + DOWN_SECONDS
        log.warning("replica_down", extra={"cause": type(error).__name__})
        return work()


def as_of() -> datetime:
    """The time of what is read here."""
    with connection.cursor() as cursor:
        cursor.execute(_AS_OF)
        moment: datetime = cursor.fetchone()[0]
        return moment


@contextmanager
def _in_its_place() -> Iterator[None]:
    own, replica = connections["default"], connections[REPLICA]
    connections["default"] = replica
    try:
        yield
    except (OperationalError, InterfaceError):
        replica.close()
        raise
    finally:
        connections["default"] = own
