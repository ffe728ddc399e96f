"""Whose is what: every id and mark in an answer, and the application's own filters taken out.

What protects a row twice is its row policy and the condition that the application writes into its query (`user_id = %s`). With
the conditions taken out of every statement, only the policies are left, and an answer must be the same.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from tests.conftest import Database

# --------------------------------------------------------------------------------------------------- without filters
_OWNER = r"(?:user_id|payer_id|payee_id|owner_id|person_id|holder_id|opened_by_id)"
# "table"."user_id" = %s as the ORM writes it, user_id = %s and p.user_id = %s as people do, and %s in (p.payer_id, p.payee_id).
_CONDITIONS = (
    re.compile(rf'"(?P<table>\w+)"\."{_OWNER}" = %s'),
    re.compile(r'"(?P<table>users_user)"\."id" = %s'),
    re.compile(rf"(?<![\w\"])(?:\w+\.)?{_OWNER}\s*=\s*%s", re.IGNORECASE),
    re.compile(rf"%s in \((?:\w+\.)?{_OWNER}, (?:\w+\.)?{_OWNER}\)", re.IGNORECASE),
)
# What everybody may see: who it is about is no question of rights there.
PUBLIC_TABLES = ("users_profile", "payments_feeditem", "rewards_run")
_SET = re.compile(r"\bwhere\b", re.IGNORECASE)


def without_conditions(sql: str) -> str:
    """A statement whose conditions on a row's owner are true of every row. Its parameters stay as many as they were."""
    begin = _SET.search(sql)
    if begin is None or sql.lstrip()[:6].lower() == "insert":
        return sql
    head, tail = sql[: begin.end()], sql[begin.end() :]
    from_one_public_table = re.search(r'from\s+"?(\w+)"?\s+(?:where|$)', sql, re.IGNORECASE)
    if from_one_public_table and from_one_public_table[1] in PUBLIC_TABLES:
        return sql

    def all_rows(found: re.Match[str]) -> str:
        return found[0] if found.groupdict().get("table") in PUBLIC_TABLES else "(%s is not null)"

    for condition in _CONDITIONS:
        tail = condition.sub(all_rows, tail)
    return head + tail


class Stripper:
    """Counts the statements of this thread's connection that lost a condition."""

    def __init__(self) -> None:
        self.stripped = 0

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Mapping[str, Any]) -> Any:
        if isinstance(sql, str):
            bare = without_conditions(sql)
            self.stripped += bare != sql
            sql = bare
        return execute(sql, params, many, context)


@contextmanager
def no_filters() -> Iterator[Stripper]:
    """For this thread: no statement of the application asks for its person's rows alone."""
    stripper = Stripper()
    with connection.execute_wrapper(stripper):
        yield stripper


# ------------------------------------------------------------------------------------------------------ whose is it
ID = re.compile(r"\b[a-z]{2,4}_[0-9a-hjkmnp-tv-z]{26}\b")
MARK = re.compile(r"only (\d+) and (\d+)")  # what a text says that two people alone may read: "only 17 and 23"


def mark(one: int, other: int) -> str:
    return f"only {one} and {other}"


@dataclass
class Owners:
    """Every public id in the database and whose it is; ids on the public feed are everybody's."""

    of: dict[str, set[int]] = field(default_factory=dict)
    public: set[str] = field(default_factory=set)

    def foreign_in(self, text: str, reader: int, *, given: str = "") -> list[str]:
        """Ids and marks in a text that are not its reader's. `given` is what the reader has said, and may hear again."""
        ids = {one for one in ID.findall(text) if one not in self.public and one not in given}
        found = [one for one in ids if one in self.of and reader not in self.of[one]]
        return found + [said[0] for said in MARK.finditer(text) if str(reader) not in said.groups()]


def owners(database: Database) -> Owners:
    """From the catalogue: each table with a public id and a person. A table that is new is in it by itself."""
    columns = database.as_superuser(
        "select c.relname, array_agg(a.attname::text) from pg_class c join pg_attribute a on a.attrelid = c.oid"
        " where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped"
        " group by c.relname having 'public_id' = any(array_agg(a.attname::text))"
    )
    known = Owners()
    for table, names in columns:
        persons = [name for name in ("user_id", "payer_id", "payee_id") if name in names] or ["id"] * (table == "users_user")
        if not persons:
            continue
        # An approval or a note has a column for the member of staff as well; they are no owners.
        for public_id, *people in database.as_superuser(f"select public_id, {', '.join(persons)} from {table}"):
            known.of.setdefault(public_id, set()).update(one for one in people if one is not None)
    known.public = {row[0] for row in database.as_superuser("select payment from payments_feeditem where removed is null")}
    return known
