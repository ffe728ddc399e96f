"""What the suite stands on (tests/conftest.py): the order of its files, and a test's database."""

from pathlib import Path

from django.db import connection, transaction

from paya.local.environment import ROOT
from tests.conftest import LONGEST, Database, cloned_database, scope_of


def whoami() -> tuple[int, str]:
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid(), current_user")
        return cursor.fetchone()


def test_what_begins_first_is_there() -> None:
    """A file that was renamed would quietly begin last again."""
    files = [str(path.relative_to(ROOT)) for path in Path(ROOT, "tests").rglob("test_*.py")]
    assert set(LONGEST) <= {scope_of(f"{file}::test") for file in files}


def test_a_role_finds_its_connection_again(database: Database) -> None:
    web = whoami()
    with database.role("worker"):
        worker = whoami()
        assert worker[1] != web[1]
        assert worker[0] != web[0]
    assert whoami() == web
    with database.role("worker"):
        assert whoami() == worker


def test_a_transaction_does_not_outlive_a_change_of_role(database: Database) -> None:
    with database.role("worker"):
        whoami()
    before = whoami()
    connection.set_autocommit(False)
    with database.role("worker"):
        assert transaction.get_autocommit()
    assert whoami()[0] != before[0]


def test_a_database_leaves_no_connection(database: Database) -> None:
    with cloned_database() as other:
        other.become("web")
        whoami()
        other.become("worker")
        whoami()
        other.as_superuser("select 1")
    database.become("web")
    assert database.as_superuser("select count(*) from pg_stat_activity where datname = %s", [other.name]) == [(0,)]
    assert database.as_superuser("select count(*) from pg_database where datname = %s", [other.name]) == [(0,)]
