"""The stage: PostgreSQL and Redis on throwaway data but with durable commits, a migrated database, processes."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from core.roles import attach_roles
from paya.local import database, environment, ports, processes, servers
from paya.local.folder import DataFolder
from paya.local.supervisor import Supervisor
from paya.local.testing import WIDE_RATES, throwaway_folder, widen_limits

DATABASE = "paya_bench"


@dataclass
class Stage:
    """What a bench stands on: servers that run, and how to start the product's processes on them."""

    folder: DataFolder
    supervisor: Supervisor
    running: servers.Servers
    port: int

    def url(self, role: str, dbname: str = DATABASE) -> str:
        """The database as a role of the application, or as "admin"."""
        url = self.running.admin_url if role == "admin" else self.running.urls[role]
        return database.with_database(url, dbname)

    def environment(self, role: str, dbname: str = DATABASE) -> dict[str, str]:
        """The environment of a process of the product."""
        secrets = self.folder.secrets()
        own = environment.application(self.folder, secrets, port=self.port, sandbox=True)
        own |= {"DATABASE_URL": self.url(role, dbname), "REDIS_URL": self.running.redis_url, **WIDE_RATES}
        return environment.process_environment(secrets["stack_id"], own)

    def command(self, *arguments: str, role: str, dbname: str = DATABASE) -> subprocess.CompletedProcess[str]:
        """Run Python to its end as a process of the product."""
        return subprocess.run(
            [sys.executable, *arguments],
            env=self.environment(role, dbname), cwd=environment.ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def start(self, name: str, arguments: Sequence[str], *, role: str, ready: Callable[[], bool], **extra: str) -> None:
        """Start a process of the product and wait until it is ready."""
        env = self.environment(role) | extra

        def launch() -> subprocess.Popen[bytes]:
            with (self.folder.logs / f"{name}.log").open("ab") as log:
                return processes.spawn([sys.executable, *arguments], env=env, cwd=environment.ROOT, output=log)

        self.supervisor.start({name: launch})
        if not self.supervisor.wait_until(ready, 60):
            raise RuntimeError(f"{name} was not ready after a minute:\n{self.log(name)}")

    def log(self, name: str) -> str:
        return (self.folder.logs / f"{name}.log").read_text(errors="replace")[-3000:]

    def clone(self, name: str) -> None:
        """A second database like the first; nobody may be connected to that one."""
        database.create(self.running.admin_url, name, template=DATABASE)
        with database.connect(database.with_database(self.running.admin_url, "postgres")) as connection:
            attach_roles(connection, name, logins_of=DATABASE)

    def audit(self, dbname: str = DATABASE) -> bool:
        """Whether the auditor finds the books clean; says what it found otherwise."""
        done = self.command("manage.py", "audit_ledger", role="auditor", dbname=dbname)
        if done.returncode:
            print(f"The audit of {dbname} failed:\n{done.stdout}{done.stderr}")
        return done.returncode == 0


@contextlib.contextmanager
def prepared() -> Iterator[Stage]:
    """Servers and a migrated database for one bench, gone afterwards whatever happens."""
    started = time.monotonic()
    supervisor = Supervisor(lambda line: print(line, flush=True))
    processes.adopt_orphans()
    with throwaway_folder() as folder:
        try:
            with supervisor.signals():
                running = servers.start(folder, folder.secrets(), supervisor, dbname=DATABASE)
                stage = Stage(folder, supervisor, running, ports.free_block(4))
                done = stage.command("manage.py", "migrate", "--noinput", "-v", "0", role="owner")
                if done.returncode:
                    raise RuntimeError(done.stderr)
                widen_limits(stage.url("admin"))
                print(f"prepared in {time.monotonic() - started:.0f} s", flush=True)
                yield stage
        finally:
            supervisor.stop()
