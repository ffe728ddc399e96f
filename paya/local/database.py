"""Making, dropping and describing databases in a cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import psycopg2
from psycopg2 import sql

from core.roles import RolesError, ensure_roles, login_name

from .errors import StartError


@contextlib.contextmanager
def connect(url: str, *, autocommit: bool = False) -> Iterator[Any]:
    """A connection that is closed in the end."""
    connection = psycopg2.connect(url, connect_timeout=10)
    connection.autocommit = autocommit
    try:
        yield connection
    finally:
        connection.close()


def with_database(url: str, dbname: str) -> str:
    """The same URL for another database."""
    return urlunsplit(urlsplit(url)._replace(path="/" + quote(dbname, safe="")))


def with_login(url: str, user: str, password: str) -> str:
    """The same URL for another login."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{address}"))


def database_name(url: str) -> str:
    """The database that a URL names."""
    return unquote(urlsplit(url).path.lstrip("/"))


def role_urls(admin_url: str, logins_of: str, passwords: Mapping[str, str]) -> dict[str, str]:
    """A URL per role for the database of `admin_url`, with the logins of `logins_of`."""
    return {role: with_login(admin_url, login_name(logins_of, role), password) for role, password in passwords.items()}


def exists(admin_url: str, dbname: str) -> bool:
    """Whether the cluster has such a database."""
    with connect(admin_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [dbname])
        return cursor.fetchone() is not None


def create(admin_url: str, dbname: str, *, template: str | None = None) -> None:
    """Make a database, empty or as a copy of another one that nobody is connected to."""
    statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(dbname))
    if template is not None:
        # FILE_COPY shares or streams whole files: far quicker for a template of some megabytes.
        statement += sql.SQL(" TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(template))
    with connect(admin_url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def drop(admin_url: str, dbname: str) -> None:
    """Remove a database and whoever is connected to it."""
    with connect(admin_url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(dbname)))


def prepare_roles(admin_url: str, passwords: Mapping[str, str]) -> dict[str, str]:
    """Make the roles of the database that a URL names; the answer is a URL per role."""
    dbname = database_name(admin_url)
    try:
        with connect(admin_url) as connection:
            ensure_roles(connection, dbname, passwords)
    except RolesError as error:
        raise StartError(str(error)) from error
    except psycopg2.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise StartError(f"The database of DATABASE_URL cannot be reached: {reason}") from error
    return role_urls(admin_url, dbname, passwords)
