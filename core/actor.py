"""Who is acting. The database shows a person's rows only to a transaction that says who is asking.

`with actor(user_id):` opens the transaction and sets `paya.actor` for its length with set_config(..., true), so
that a pooled connection never carries one person's identity into another's request. Row policies compare it with
each row (core/rls.py); without it they raise, and the error arrives here as `NoActor`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

SYSTEM = 0  # the relay, the workers and the demo loader; the web role's policies know no such person
NO_ACTOR_SQLSTATE = "PY001"


@contextmanager
def actor(user_id: int) -> Iterator[None]:
    """One transaction, one actor. Nested for the same actor it joins the outer transaction.

    Raises RuntimeError when nested for another actor: a transaction belongs to one person.
    """
    outer = current_actor()
    if outer is not None:
        if outer != user_id:
            raise RuntimeError("one transaction, one actor: this one already belongs to somebody else")
        yield
        return
    with transaction.atomic():
        set_actor(user_id)
        connection.paya_actor = user_id  # type: ignore[attr-defined]
        try:
            yield
        finally:
            connection.paya_actor = None  # type: ignore[attr-defined]


def read_as(user_id: int, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of one SELECT as this person, in one round trip instead of the four of `with actor(...)`.

    PostgreSQL runs the statements of one string as one implicit transaction, so the actor ends with it. Raises
    RuntimeError inside a transaction, where the actor would outlive the read.
    """
    if connection.in_atomic_block:
        raise RuntimeError("read_as is a transaction of its own: inside one, read under `with actor(...)`")
    with connection.cursor() as cursor:
        cursor.execute("select set_config('paya.actor', %s, true); " + sql, [str(user_id), *params])
        return list(cursor.fetchall())


def set_actor(user_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select set_config('paya.actor', %s, true)", [str(user_id)])


def current_actor() -> int | None:
    """The actor of the running transaction, or None outside `with actor(...)`."""
    return getattr(connection, "paya_actor", None)
