"""What one test leaves behind in its database, the next one does not find."""

from collections.abc import Iterator

import pytest

from tests.conftest import Database, _Recycled


@pytest.fixture
def handed_on() -> Iterator[_Recycled]:
    """A database that goes from test to test, apart from the one of this process."""
    own = _Recycled()
    yield own
    own.end()


def all_rows(database: Database) -> dict[str, list[tuple[str]]]:
    tables = database.as_superuser("select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'")
    return {name: sorted(database.as_superuser(f'select t::text from public."{name}" t')) for (name,) in tables}


def all_sequences(database: Database) -> list[tuple[str, int]]:
    return database.as_superuser("select sequencename, last_value from pg_sequences order by 1")


def test_rows_sequences_and_settings_are_put_back(handed_on: _Recycled) -> None:
    database = handed_on.take()
    name, rows, sequences = database.name, all_rows(database), all_sequences(database)
    assert any(rows.values())
    database.as_superuser(
        "set session_replication_role = replica; update compliance_limit set value = 1 where tier = 1;"
        " delete from compliance_limit where tier = 2; delete from ledger_systemaccount; delete from console_permission;"
        " insert into core_outbox (topic, payload) values ('a test', '{}')"
    )
    assert all_rows(database) != rows and all_sequences(database) != sequences
    handed_on.give_back()
    again = handed_on.take()
    assert again.name == name
    assert (all_rows(again), all_sequences(again)) == (rows, sequences)
    assert again.as_superuser("show session_replication_role") == [("origin",)]


@pytest.mark.parametrize(
    "change",
    [
        "create or replace function core_now() returns timestamptz language sql as 'select now()'",
        "drop index compliance_case_open",
        "grant select on ledger_transfer to paya_web",
        "alter table core_idempotency drop constraint core_idempotency_pkey",
        "create policy everything on users_user to paya_web using (true)",
        "alter table compliance_limit disable trigger limits_stay",
        "alter table users_user disable row level security",
        "truncate core_outbox",
    ],
)
def test_what_changed_the_database_itself_ends_it(handed_on: _Recycled, change: str) -> None:
    database = handed_on.take()
    database.as_superuser(change)
    handed_on.give_back()
    assert handed_on.take().name != database.name


def test_whoever_is_still_in_the_middle_of_something_is_sent_away(handed_on: _Recycled) -> None:
    database = handed_on.take()
    other = database.connect_as_superuser()
    other.autocommit = False
    with other.cursor() as cursor:
        cursor.execute("insert into core_outbox (topic, payload) values ('a test', '{}')")
    handed_on.give_back()
    assert handed_on.take().name == database.name
    assert database.as_superuser("select count(*) from core_outbox where topic = 'a test'") == [(0,)]
    assert database.as_superuser("select count(*) from pg_stat_activity where pid = %s", [other.info.backend_pid]) == [(0,)]
