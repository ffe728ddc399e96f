"""Replacing keys while people use them. Everything here can be broken off and started again.

A master key is replaced by wrapping every data key anew. A data key is replaced in four steps, each its own short
transaction: make a new one (from then on it seals); re-encrypt what is under the old ones, in small batches; wait, so
that whoever has read an old value can still open it; delete the old keys, after taking their locks and looking once
more. Nobody waits for any of it: rows in use are passed over and come up again.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from core.actor import SYSTEM, actor
from core.keyring import cipher, columns, datakeys
from core.keyring.columns import Column
from core.keyring.masters import master_key

log = logging.getLogger("paya.keys")

BATCH = 50
PAUSE_SECONDS = 0.2
# Longer than anybody holds a value that was read before it was re-encrypted: the longest call of a vendor, and then some.
GRACE = timedelta(minutes=5)
_ROTATION_LOCK = 720112


class RotationRuns(Exception):
    """Another process is rotating keys."""


class ValuesStuck(Exception):
    """Some values do not open, so the keys that they name were kept."""


@dataclass(frozen=True)
class _Owner:
    """Whose keys: a person, or a class of system data."""

    table: str
    column: str
    value: int | str
    context: str
    lock: int

    @property
    def encrypted(self) -> list[Column]:
        return columns.of_system(str(self.value)) if self.table == "core_systemkey" else columns.of_people()


def _person(user_id: int) -> _Owner:
    return _Owner("core_datakey", "user_id", user_id, f"person:{user_id}", 720110)


def _system(name: str) -> _Owner:
    return _Owner("core_systemkey", "name", name, f"system:{name}", 720111)


# ------------------------------------------------------------------------------------------------ master keys
def rotate_master(*, settle: timedelta = timedelta(seconds=2)) -> int:
    """Wrap every data key by the active master key; how many were wrapped anew.

    The old master key must still open: keep it until this has ended (and with it as long as backups are kept).
    """
    with _exclusively():
        done = _rewrap_all()
        # A sign-up that began under the old master key commits within moments.
        time.sleep(settle.total_seconds())
        return done + _rewrap_all()


def masters_in_use() -> dict[str, int]:
    """How many data keys each master key wraps."""
    with actor(SYSTEM):
        rows = _rows(
            "select master_id, count(*) from (select master_id from core_datakey union all"
            " select master_id from core_systemkey) k group by 1 order by 1"
        )
    return {str(master_id): int(count) for master_id, count in rows}


def _rewrap_all() -> int:
    active, done = master_key().active(), 0
    for table, owner, kind in (("core_datakey", "user_id", "person"), ("core_systemkey", "name", "system")):
        while True:
            count = _rewrap_batch(table, owner, kind, active)
            done += count
            if count == 0 and not _left(table, active):
                break
            if count == 0:
                time.sleep(PAUSE_SECONDS)
    return done


def _rewrap_batch(table: str, owner: str, kind: str, active: str) -> int:
    master = master_key()
    with actor(SYSTEM):
        rows = _rows(
            f"select id, {owner}, master_id, wrapped from {table} where master_id <> %s"
            " order by id limit %s for no key update skip locked",
            [active, BATCH],
        )
        for key_id, value, master_id, wrapped in rows:
            context = f"{kind}:{value}"
            new_id, sealed = master.wrap(master.unwrap(master_id, bytes(wrapped), context), context)
            _execute(f"update {table} set master_id = %s, wrapped = %s where id = %s", [new_id, sealed, key_id])
    return len(rows)


def _left(table: str, active: str) -> bool:
    with actor(SYSTEM):
        return bool(_rows(f"select 1 from {table} where master_id <> %s limit 1", [active]))


# -------------------------------------------------------------------------------------------------- data keys
@dataclass
class DataRotation:
    owners: int = 0
    values: int = 0
    keys: int = 0


def rotate_data(*, grace: timedelta = GRACE, say: Callable[[str], None] = lambda line: None) -> DataRotation:
    """Give everybody a new data key, re-encrypt everything, delete the old keys.

    Takes up an unfinished rotation where it broke off. Raises RotationRuns, and ValuesStuck at the end when some
    values did not open; their keys are kept, and the next run tries them again.
    """
    report = DataRotation()
    with _exclusively():
        rotation, started = _begin()
        for owner in _owners(started):
            _renew(owner, started)
            report.values += _reencrypt(owner)
            report.owners += 1
        say(f"{report.values} values of {report.owners} owners are under new keys; waiting {grace} for readers of old ones")
        time.sleep(grace.total_seconds())
        for owner in _owners(started):
            _renew(owner, started)  # somebody who signed up while this ran
            report.keys += _retire(owner, report)
        if stuck := sum(1 for _ in _owners(started)):
            raise ValuesStuck(f"{stuck} owners have values that do not open; their old keys were kept")
        with actor(SYSTEM):
            _execute("update core_keyrotation set finished_at = clock_timestamp() where id = %s", [rotation])
    return report


def _begin() -> tuple[int, datetime]:
    with actor(SYSTEM):
        _execute("insert into core_keyrotation (finished_at) values (null) on conflict do nothing")
        rotation, started = _rows("select id, started_at from core_keyrotation where finished_at is null")[0]
    return int(rotation), started


def _owners(started: datetime) -> Iterator[_Owner]:
    """Everybody who has a key from before the rotation."""
    with actor(SYSTEM):
        names = _rows("select distinct name from core_systemkey where created_at < %s order by 1", [started])
    yield from (_system(str(name)) for (name,) in names)
    last = 0
    while True:
        with actor(SYSTEM):
            people = _rows(
                "select distinct user_id from core_datakey where created_at < %s and user_id > %s order by 1 limit %s",
                [started, last, BATCH],
            )
        if not people:
            return
        yield from (_person(user_id) for (user_id,) in people)
        last = people[-1][0]


def _renew(owner: _Owner, started: datetime) -> None:
    """A new key, unless a run that broke off has made it."""
    with actor(SYSTEM):
        newest = _rows(f"select max(created_at) from {owner.table} where {owner.column} = %s", [owner.value])[0][0]
        if newest is not None and newest < started:
            datakeys.new_key(owner.table, owner.column, owner.value, owner.context)


def _reencrypt(owner: _Owner) -> int:
    """Every value that is under an old key of this owner, in batches; how many. What is locked is left for later."""
    done, after = 0, dict.fromkeys(owner.encrypted, 0)
    while after:
        with actor(SYSTEM):
            keys = _keys(owner)
            for column in list(after):
                count, after[column] = _reencrypt_batch(owner, column, keys, after[column])
                done += count
                if not after[column]:
                    del after[column]
    return done


def _reencrypt_batch(owner: _Owner, column: Column, keys: list[int], after: int) -> tuple[int, int]:
    """How many values of a column, and the row to go on after (0 at the end); in the running transaction."""
    if len(keys) < 2:  # nothing old; or erased meanwhile
        return 0, 0
    *old, newest = keys
    where, params = _under(owner, column, old)
    rows = _rows(
        f"select id, {column.public_id}, {column.column} from {column.table} where {where} and id > %s"
        " order by id limit %s for no key update skip locked",
        [*params, after, BATCH],
    )
    done = 0
    for row_id, public_id, blob in rows:
        try:
            sealed = _again(owner, column, str(public_id), bytes(blob), newest)
        except cipher.DecryptionFailed:
            log.exception("value_does_not_open", extra={"operation": f"{column.table}.{column.column}", "position": row_id})
            continue
        _execute(f"update {column.table} set {column.column} = %s where id = %s", [sealed, row_id])
        done += 1
    return done, rows[-1][0] if len(rows) == BATCH else 0


def _again(owner: _Owner, column: Column, public_id: str, blob: bytes, newest: int) -> bytes:
    plain = cipher.unseal(_opened(owner, cipher.key_id(blob)), column.field, public_id, blob)
    return cipher.seal(newest, _opened(owner, newest), column.field, public_id, plain)


def _opened(owner: _Owner, key_id: int) -> bytes:
    if isinstance(owner.value, int):
        return datakeys.person_key(owner.value, key_id)
    return datakeys.system_key(owner.value, key_id)


def _retire(owner: _Owner, report: DataRotation) -> int:
    """Delete the owner's old keys, once nobody holds them and no value is under them; how many.

    None are when a value does not open: `rotate_data` says so at its end.
    """
    while True:
        report.values += _reencrypt(owner)
        with actor(SYSTEM):
            keys = _keys(owner)
            old = keys[:-1]
            # From here on nobody can begin to hold them, and whoever did has ended: one last look is enough.
            if all(_try_lock(owner.lock, key_id) for key_id in old):
                late = sum(_reencrypt_batch(owner, column, keys, 0)[0] for column in owner.encrypted)
                report.values += late
                left, stuck = _under_old_keys(owner, old)
                if left == 0:
                    _execute(f"delete from {owner.table} where {owner.column} = %s and id = any(%s)", [owner.value, old])
                    return len(old)
                if stuck == left and not late:
                    return 0
        time.sleep(PAUSE_SECONDS)


def _under_old_keys(owner: _Owner, old: list[int]) -> tuple[int, int]:
    """How many values are left, and how many of them nobody has locked: those do not open."""
    left = stuck = 0
    for column in owner.encrypted:
        where, params = _under(owner, column, old)
        if count := _rows(f"select count(*) from {column.table} where {where}", params)[0][0]:
            left += count
            stuck += len(_rows(f"select id from {column.table} where {where} for no key update skip locked", params))
    return left, stuck


def _under(owner: _Owner, column: Column, old: list[int]) -> tuple[str, list[Any]]:
    """The rows of a column whose values are under one of these keys of the owner."""
    sql = f"substring({column.column} from 1 for {cipher.HEADER_SIZE}) = any(%s)"
    params: list[Any] = [[cipher.header(key_id) for key_id in old]]
    if not column.system:
        sql, params = f"{column.owner} = %s and {sql}", [owner.value, *params]
    return sql, params


def _keys(owner: _Owner) -> list[int]:
    """The owner's data keys, the newest last."""
    rows = _rows(f"select id from {owner.table} where {owner.column} = %s order by id", [owner.value])
    return [int(key_id) for (key_id,) in rows]


def _try_lock(space: int, key_id: int) -> bool:
    return bool(_rows("select pg_try_advisory_xact_lock(%s, %s)", [space, key_id % 2147483647])[0][0])


# ------------------------------------------------------------------------------------------------------ shared
@contextmanager
def _exclusively() -> Iterator[None]:
    """One rotation at a time."""
    if not _rows("select pg_try_advisory_lock(%s)", [_ROTATION_LOCK])[0][0]:
        raise RotationRuns("another process is rotating keys")
    try:
        yield
    finally:
        _rows("select pg_advisory_unlock(%s)", [_ROTATION_LOCK])


def _rows(sql: str, params: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())


def _execute(sql: str, params: list[Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
