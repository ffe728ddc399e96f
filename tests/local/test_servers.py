"""PostgreSQL, Redis and the database's roles, on real servers of the test's own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redis as redis_client

from core.roles import LOGINS, RolesError, attach_roles, drop_logins, ensure_roles
from paya.local import database, processes
from paya.local.postgres import Postgres, choose_home
from paya.local.redis_server import Redis

PASSWORDS = {role: f"secret of {role}" for role in LOGINS}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    folder = tmp_path_factory.mktemp("cluster")
    for part in (folder, folder.parent, folder.parent.parent):
        part.chmod(0o711)
    postgres = Postgres(choose_home(folder, "unused"), password="a/b@c", log=folder / "log", throwaway=True)
    postgres.start()
    yield postgres
    postgres.stop()


def query(url: str, sql: str) -> Any:
    with database.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


def test_the_server_has_money_settings_and_asks_for_passwords(cluster: Postgres) -> None:
    assert query(cluster.url(), "select current_setting('server_version_num')::int / 10000") == 18
    assert query(cluster.url(), "select current_setting('timezone')") == "UTC"
    assert query(cluster.url(), "select datlocale || pg_encoding_to_char(encoding) from pg_database limit 1") == "C.UTF-8UTF8"
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(cluster.url(password="wrong"))


def test_data_survives_a_kill_and_foreign_process_numbers(data: Path, tmp_path: Path) -> None:
    data.mkdir(mode=0o711)
    postgres = Postgres(data / "postgres", password="x", log=tmp_path / "log")
    postgres.start()
    try:
        query(postgres.url(), "create table cents (amount bigint)")
        query(postgres.url(), "insert into cents values (4711)")
        pid = postgres.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        postgres.stop()
        # The number in the stale file may be anybody's by now: here it is this test's own.
        pid_file = postgres.files / "postmaster.pid"
        pid_file.write_text(pid_file.read_text().replace(str(pid), str(os.getpid()), 1))
        assert postgres.running_server() is None
        postgres.start()
        assert query(postgres.url(), "select amount from cents") == 4711
    finally:
        postgres.stop()


def test_a_server_that_a_killed_stack_left_is_ended(data: Path, tmp_path: Path) -> None:
    data.mkdir(mode=0o711)
    script = (
        "import os, sys; from pathlib import Path; from paya.local.postgres import Postgres;"
        f"Postgres(Path({str(data / 'postgres')!r}), password='x', log=Path({str(tmp_path / 'log')!r})).start();"
        "os._exit(0)"
    )
    # Its parent ends at once, and the kernel tells the server so: it may be ending already.
    subprocess.run([sys.executable, "-c", script], check=True)
    postgres = Postgres(data / "postgres", password="x", log=tmp_path / "log")
    pid = postgres.running_server()
    postgres.end_orphan()
    assert postgres.running_server() is None
    assert pid is None or processes.start_time(pid) is None
    postgres.start()
    postgres.stop()


def test_redis_asks_for_its_password(tmp_path: Path) -> None:
    server = Redis(tmp_path / "redis", password="x", log=tmp_path / "log")
    server.start()
    try:
        assert redis_client.Redis.from_url(server.url).ping()
        with pytest.raises(redis_client.exceptions.AuthenticationError):
            redis_client.Redis(port=server.port, retry=None).ping()
        assert (tmp_path / "redis" / "redis.conf").stat().st_mode & 0o077 == 0
    finally:
        server.stop()


# --- roles
@pytest.fixture
def dbname(cluster: Postgres, request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"roles {request.node.name[:30]}"  # a name that needs quoting
    database.create(cluster.url(), name)
    with database.connect(cluster.url(dbname=name)) as connection:
        ensure_roles(connection, name, PASSWORDS)
    yield name
    database.drop(cluster.url(), name)
    with database.connect(cluster.url()) as connection:
        drop_logins(connection, name)


def login_url(cluster: Postgres, dbname: str, role: str, *, of: str | None = None) -> str:
    return cluster.url(user=f"{of or dbname}_{role}", password=PASSWORDS[role], dbname=dbname)


def test_making_roles_again_changes_nothing(cluster: Postgres, dbname: str) -> None:
    everything = """
        select (select string_agg(r::text, ',' order by rolname) from pg_roles r)
            || (select string_agg(m::text, ',' order by oid) from pg_auth_members m)
            || (select string_agg(s::text, ',' order by setrole) from pg_db_role_setting s)
            || (select datacl::text from pg_database where datname = current_database())
    """
    url = cluster.url(dbname=dbname)
    before = query(url, everything)
    with database.connect(url) as connection:
        ensure_roles(connection, dbname, PASSWORDS)
    assert query(url, everything) == before


def test_what_the_owner_makes_belongs_to_the_group(cluster: Postgres, dbname: str) -> None:
    url = login_url(cluster, dbname, "owner")
    assert query(url, "select current_user") == "paya_owner"
    query(url, "create table t (x int)")
    query(url, "create function f() returns int language sql as 'select 1'; alter function f() owner to paya_engine")
    assert query(url, "select tableowner from pg_tables where tablename = 't'") == "paya_owner"


@pytest.mark.parametrize("role", [role for role in LOGINS if role != "owner"])
def test_only_the_owner_makes_things(cluster: Postgres, dbname: str, role: str) -> None:
    url = login_url(cluster, dbname, role)
    assert query(url, "select current_setting('lock_timeout')") == "2s"
    for statement in ("create table t (x int)", "create temp table t (x int)", "create schema s", "set role paya_owner"):
        with pytest.raises((psycopg2.errors.InsufficientPrivilege, psycopg2.errors.ReadOnlySqlTransaction)):
            query(url, statement)


def test_the_auditor_only_reads(cluster: Postgres, dbname: str) -> None:
    assert query(login_url(cluster, dbname, "auditor"), "select current_setting('default_transaction_read_only')") == "on"


def test_logins_enter_their_own_database_and_its_clones_only(cluster: Postgres, dbname: str) -> None:
    clone, other = f"{dbname}-clone", f"{dbname}-other"
    database.create(cluster.url(), clone, template=dbname)
    database.create(cluster.url(), other)
    try:
        with database.connect(cluster.url()) as connection:
            attach_roles(connection, clone, logins_of=dbname)
        database.prepare_roles(cluster.url(dbname=other), PASSWORDS)
        assert query(login_url(cluster, clone, "web", of=dbname), "select current_database()") == clone
        assert query(login_url(cluster, clone, "owner", of=dbname), "select current_user") == "paya_owner"
        for theirs, ours in ((other, dbname), (clone, other)):
            with pytest.raises(psycopg2.OperationalError, match="CONNECT privilege"):
                psycopg2.connect(login_url(cluster, theirs, "web", of=ours))
    finally:
        for name in (clone, other):
            database.drop(cluster.url(), name)
        with database.connect(cluster.url()) as connection:
            drop_logins(connection, other)


def test_an_administrator_without_superuser_suffices(data: Path, tmp_path: Path) -> None:
    data.mkdir(mode=0o711)
    postgres = Postgres(data / "postgres", password="x", log=tmp_path / "log", throwaway=True)
    postgres.start()
    try:
        query(postgres.url(), "create role cloud login createrole createdb password 'y'")
        query(postgres.url(), "create role nobody_special login password 'z'")
        database.create(postgres.url(user="cloud", password="y"), "network")
        database.create(postgres.url(user="cloud", password="y"), "paya")
        urls = database.prepare_roles(postgres.url(user="cloud", password="y", dbname="network"), PASSWORDS)
        assert query(urls["owner"], "select current_user") == "paya_owner"
        for user, password, name, reason in (
            ("nobody_special", "z", "postgres", "may not create roles"),
            ("cloud", "y", "paya", "logins named like the groups"),
            ("cloud", "y", "postgres", "does not own the database"),
        ):
            url = postgres.url(user=user, password=password, dbname=name)
            with database.connect(url) as connection, pytest.raises(RolesError, match=reason):
                ensure_roles(connection, name, PASSWORDS)
    finally:
        postgres.stop()
