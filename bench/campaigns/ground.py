"""Databases to try things on: clones of the migrated template, whole ones and ones with a protection taken out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from core.keyring import forget_cached_keys
from tests.conftest import Database, cloned_database

Change = tuple[str, str, str]  # pattern of functions' names, pattern of what stands in it, what stands there instead


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
    """Put other words for a pattern in a function (itself named by a pattern) of a clone; it has to be there."""
    texts = database.as_superuser("select pg_get_functiondef(oid) from pg_proc where proname ~ %s", [f"^({function})$"])
    changed = [re.sub(old, new, text) for (text,) in texts if re.search(old, text)]
    if not changed:
        raise LookupError(f"{function} does not hold {old!r} any more: the control run has to follow it")
    for text in changed:
        database.as_superuser(text)  # without parameters, so that its % are left alone
