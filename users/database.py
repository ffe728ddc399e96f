"""Calls of the functions in sql/, which see what this process may not."""

from typing import Any

from django.db import connection

Record = tuple[Any, ...]


def call(function: str, arguments: list[Any]) -> Record | None:
    """The first row of one of this room's functions (a name of ours, never input), or None without a row."""
    marks = ", ".join(["%s"] * len(arguments))
    with connection.cursor() as cursor:
        cursor.execute(f"select * from {function}({marks})", arguments)
        row: Record | None = cursor.fetchone()
        return row
