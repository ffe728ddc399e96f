"""PostgreSQL and Redis for one data folder: embedded, or those that DATABASE_URL and REDIS_URL name."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import database
from .environment import process_environment
from .errors import StartError
from .folder import DataFolder
from .ports import is_free
from .postgres import Postgres, choose_home
from .redis_server import Redis
from .supervisor import Supervisor

DATABASE = "paya_local"


@dataclass
class Servers:
    """The servers of one data folder, once they run."""

    admin_url: str
    urls: dict[str, str]
    redis_url: str
    embedded: bool


def embedded_postgres(folder: DataFolder, secrets: dict[str, Any], *, throwaway: bool = False) -> Postgres:
    """The cluster of a data folder, at the place and port that it had before."""
    state = folder.state()
    home = Path(state.get("postgres_home") or choose_home(folder.path, secrets["stack_id"]))
    home = folder.path / home  # a recorded place inside the folder is relative, so that the folder can move
    return Postgres(
        home,
        password=secrets["postgres_password"],
        log=folder.logs / "postgres.log",
        port=state.get("postgres_port", 0),
        throwaway=throwaway,
    )


def start(
    folder: DataFolder,
    secrets: dict[str, Any],
    supervisor: Supervisor,
    *,
    dbname: str = DATABASE,
    throwaway: bool = False,
) -> Servers:
    """Start what is not given by the environment, and make sure of the database with its roles."""
    env = process_environment(secrets["stack_id"], {})
    launches: dict[str, Any] = {}
    waits: dict[str, Any] = {}
    given_database, given_redis = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if not given_database:
        postgres = embedded_postgres(folder, secrets, throwaway=throwaway)
        if postgres.port and not is_free(postgres.port):
            postgres.port = 0
        launches["postgres"] = lambda: postgres.launch(env)
        waits["PostgreSQL"] = postgres.is_ready
    if not given_redis:
        redis = Redis(folder.path / "redis", password=secrets["redis_password"], log=folder.logs / "redis.log")
        launches["redis"] = lambda: redis.launch(env)
        waits["Redis"] = redis.is_ready
    # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave. Redis takes either.
    supervisor.start(launches, grace=8, stop_signal=signal.SIGINT)
    for name, is_ready in waits.items():
        if not supervisor.wait_until(is_ready, 60):  # crash recovery may come first
            raise StartError(f"{name} was not ready after a minute; see {folder.logs}.")
    if given_database:
        admin_url = given_database
    else:
        admin_url = postgres.url(dbname=dbname)
        home = postgres.home
        inside = home.is_relative_to(folder.path)
        folder.remember(postgres_home=str(home.relative_to(folder.path) if inside else home), postgres_port=postgres.port)
        if folder.state().get("drop_database"):
            database.drop(postgres.url(), dbname)
            folder.remember(drop_database=None)
        if not database.exists(postgres.url(), dbname):
            database.create(postgres.url(), dbname)
    urls = database.prepare_roles(admin_url, secrets["roles"])
    return Servers(admin_url, urls, given_redis or redis.url, embedded=not given_database)
