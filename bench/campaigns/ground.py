"""Databases to try things on: clones of the migrated template, whole ones and ones with a protection taken out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from core.keyring import forget_cached_keys
from tests.conftest import Database, cloned_database

Change = tuple[str, str, str]  # function, what stands in it, what stands there instead


@contextmanager
def ground(role: str, *, changes: Sequence[Change] = (), sql: Sequence[str] = ()) -> Iterator[Database]:
    """A clone that this process' Django works on as `role`; with `changes` to functions and `sql` of a superuser."""
    forget_cached_keys()  # each clone numbers its keys from one
    with cloned_database() as clone:
        for function, old, new in changes:
            change(clone, function, old, new)
        for statement in sql:
            clone.as_superuser(statement)
        clone.become(role)
        yield clone


def change(database: Database, function: str, old: str, new: str) -> None:
    """Put other words into a function of a clone; that they were there is part of the bargain."""
    [[text]] = database.as_superuser("select pg_get_functiondef(oid) from pg_proc where proname = %s", [function])
    if old not in text:
        raise LookupError(f"{function} does not hold {old!r} any more: the control run has to follow it")
    # psycopg2 takes % for a parameter only where parameters are given.
    database.as_superuser(text.replace(old, new))
