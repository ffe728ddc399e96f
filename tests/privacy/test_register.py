"""The personal data map against the catalogue: nothing of a person is in a table or a column that nobody has thought about."""

import re

import pytest

from core.keyring import columns
from privacy import register
from privacy.collect import SECTIONS
from tests.conftest import Database

PERSON = re.compile(r"(^|_)(user|payer|payee|person|owner|holder|member|recipient|sender|other|requester)(_id)?$")
WORDS = ("text", "character varying", "bytea", "jsonb", "text[]", "inet")
COLUMNS = """
    select c.relname, a.attname, format_type(a.atttypid, null) from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0
      and not a.attisdropped order by 1, a.attnum
"""


def tables(database: Database) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in database.as_superuser(COLUMNS):
        found.setdefault(table, {})[column] = kind
    return found


def of_people(found: dict[str, dict[str, str]]) -> set[str]:
    mine = {table for table, columns_ in found.items() if any(PERSON.search(column) for column in columns_)}
    return (mine | {"users_user"}) - register.OF_STAFF


def test_every_table_with_a_persons_column_is_in_the_map(database: Database):
    known = register.by_name()
    assert of_people(tables(database)) - known.keys() == set()
    database.as_superuser("create table control (user_id bigint)")
    assert of_people(tables(database)) - known.keys() == {"control"}


def test_every_column_that_can_say_something_has_a_fate(database: Database):
    found = tables(database)
    for name, table in register.by_name().items():
        worded = {column for column, kind in found[name].items() if kind in WORDS}
        assert worded - table.fate_of.keys() == set(), name
        assert table.fate_of.keys() - found[name].keys() == set(), name


def test_each_is_in_the_copy_or_says_why_not():
    for table in register.TABLES:
        assert bool(table.section) != bool(table.left_out), table.name
        assert bool(table.section) == bool(table.shown), table.name
        assert table.why_stays or register.STAYS not in table.fate_of.values(), table.name
    assert len({section.name for section in SECTIONS}) == len(SECTIONS)


def test_what_is_encrypted_for_a_person_is_known_to_the_rotation_of_keys(database: Database):
    """What is erased by destroying a key has to be under that key, and moved along when it is replaced."""
    registered = {(column.table, column.column) for column in columns.of_people()}
    destroyed = {
        (table.name, column) for table in register.TABLES for column, fate in table.fate_of.items() if fate == register.KEY
    }
    assert destroyed - registered == set()
    ours = {(table, column) for table, column in registered if table in register.by_name()}
    assert all(register.by_name()[table].fate_of.get(column) not in (None, register.STAYS) for table, column in ours)


@pytest.mark.parametrize("table", [table for table in register.TABLES if table.section], ids=lambda table: table.name)
def test_the_worker_can_read_what_belongs_into_the_copy(database: Database, table: register.Table):
    from privacy.collect import _rows_of

    with database.role("worker"):
        assert _rows_of(table)(0) == []
