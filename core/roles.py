"""The database's roles: who may do what, one login per kind of process (DESIGN 3.12).

Group roles (`paya_web`, …) cannot log in and hold every grant; migrations grant to them. Each database has
login roles of its own (`<dbname>_web`, …), each a member of its group. So several databases live in one
cluster, and none of their logins can enter another's.

This module knows no Django: the local stack uses it before there is anything to configure.
"""

from collections.abc import Mapping
from typing import Any

from psycopg2 import errors, sql

GROUPS = ("owner", "engine", "web", "worker", "staff", "auditor", "demo")
LOGINS = ("owner", "web", "worker", "staff", "auditor", "demo")
_LOGIN_ATTRIBUTES = "LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
# The same number in every database of a cluster: roles belong to the cluster, and so does this lock's purpose.
_ROLES_LOCK = 7246_1001


class RolesError(Exception):
    """Why the roles could not be made, as one clear sentence."""


def group_name(role: str) -> str:
    """Name of a group role."""
    return f"paya_{role}"


def login_name(dbname: str, role: str) -> str:
    """Name of a database's login role."""
    return f"{dbname}_{role}"


def ensure_roles(admin_connection: Any, dbname: str, passwords: Mapping[str, str]) -> None:
    """Make or repair all roles and grants of a database; running it again changes nothing.

    `admin_connection` is a psycopg2 connection to that database by somebody who may create roles and owns the
    database. `passwords` has one password per login role. Raises RolesError when the right is lacking.
    """
    with admin_connection, admin_connection.cursor() as cursor:
        _check_right(cursor, dbname)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ROLES_LOCK])
        for role in GROUPS:
            _make_group(cursor, role)
        # What a migration makes belongs to paya_owner, which hands functions over to paya_engine.
        _grant_role(cursor, "paya_engine", "paya_owner")
        # The demo loader does what people, workers and staff do, at a given time.
        _grant_role(cursor, "paya_web", "paya_demo")
        _grant_role(cursor, "paya_worker", "paya_demo")
        _grant_role(cursor, "paya_staff", "paya_demo")
        for role in LOGINS:
            _make_login(cursor, dbname, role, passwords[role])
        _grant_schema(cursor)
        _grant_database(cursor, dbname, dbname)


def attach_roles(admin_connection: Any, dbname: str, *, logins_of: str) -> None:
    """Let the logins of one database enter a clone of it (`CREATE DATABASE x TEMPLATE y` copies no such right).

    Any connection to the cluster by the clone's owner will do.
    """
    with admin_connection, admin_connection.cursor() as cursor:
        _grant_database(cursor, dbname, logins_of)


def drop_logins(admin_connection: Any, dbname: str) -> None:
    """Remove the login roles of a database that has been dropped."""
    with admin_connection, admin_connection.cursor() as cursor:
        for role in LOGINS:
            cursor.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(login_name(dbname, role))))


def _check_right(cursor: Any, dbname: str) -> None:
    cursor.execute(
        "SELECT current_user, current_database(), r.rolsuper OR r.rolcreaterole, "
        "r.rolsuper OR pg_has_role(d.datdba, 'USAGE') "
        "FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = current_database()"
    )
    user, connected, may_create, owns = cursor.fetchone()
    if dbname == "paya":
        raise RolesError("A database named paya would have logins named like the groups: call it paya_something.")
    if connected != dbname:
        raise RolesError(f"Roles of {dbname} are made in {dbname}, and this connection is to {connected}.")
    if not may_create:
        raise RolesError(f"The database user {user} may not create roles: use one with CREATEROLE.")
    if not owns:
        raise RolesError(f"The database user {user} does not own the database {dbname}, so it cannot grant access.")


def _make_group(cursor: Any, role: str) -> None:
    name = group_name(role)
    if not _exists(cursor, name):
        _create(cursor, name, "NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS")


def _make_login(cursor: Any, dbname: str, role: str, password: str) -> None:
    name = login_name(dbname, role)
    if not _exists(cursor, name):
        _create(cursor, name, _LOGIN_ATTRIBUTES)
    login = sql.Identifier(name)
    cursor.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(login, sql.Literal(password)))
    _grant_role(cursor, group_name(role), name)
    if role == "owner":
        # So that whatever it makes is owned by the group role, which outlives the login.
        cursor.execute(sql.SQL("ALTER ROLE {} SET role = 'paya_owner'").format(login))
        return
    cursor.execute(sql.SQL("ALTER ROLE {} SET lock_timeout = '2s'").format(login))
    if role == "auditor":
        cursor.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(login))


def _grant_schema(cursor: Any) -> None:
    users = sql.SQL(", ").join(sql.Identifier(group_name(role)) for role in GROUPS)
    cursor.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(users))
    cursor.execute("GRANT CREATE ON SCHEMA public TO paya_owner, paya_engine")


def _grant_database(cursor: Any, dbname: str, logins_of: str) -> None:
    """CONNECT goes to logins and not to groups, or one database's logins could enter all the others."""
    database = sql.Identifier(dbname)
    logins = sql.SQL(", ").join(sql.Identifier(login_name(logins_of, role)) for role in LOGINS)
    cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    cursor.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, logins))
    cursor.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO paya_owner").format(database))


def _exists(cursor: Any, name: str) -> bool:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
    return cursor.fetchone() is not None


def _create(cursor: Any, name: str, attributes: str) -> None:
    """Create a role, or find that another database of the cluster did in the same moment."""
    cursor.execute("SAVEPOINT create_role")
    try:
        cursor.execute(sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(name), sql.SQL(attributes)))
    except (errors.DuplicateObject, errors.UniqueViolation):
        cursor.execute("ROLLBACK TO SAVEPOINT create_role")


def _grant_role(cursor: Any, group: str, member: str) -> None:
    cursor.execute(
        "SELECT 1 FROM pg_auth_members WHERE roleid = %s::regrole AND member = %s::regrole AND inherit_option AND set_option",
        [_quoted(group), _quoted(member)],
    )
    if cursor.fetchone() is None:
        cursor.execute(
            sql.SQL("GRANT {} TO {} WITH INHERIT TRUE, SET TRUE").format(sql.Identifier(group), sql.Identifier(member))
        )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
