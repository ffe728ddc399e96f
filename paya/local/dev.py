"""Only the servers, in the background: for running manage.py, pytest or one process by hand."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from . import environment, processes, servers
from .errors import StartError
from .folder import DataFolder, write_private
from .supervisor import StopRequested, Supervisor


def main(arguments: list[str]) -> int:
    """Start, stop, or (in front) be the servers of a data folder."""
    parser = argparse.ArgumentParser(prog="python -m paya.local dev", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PAYA_DATA") or environment.ROOT / "var"))
    parser.add_argument("--port", type=int, default=int(os.environ.get("PAYA_PORT") or 8000))
    parser.add_argument("--foreground", action="store_true", help="stay in front until Ctrl-C")
    parser.add_argument("--stop", action="store_true", help="end the servers again")
    options = parser.parse_args(arguments)
    folder = DataFolder(options.data)
    if options.stop:
        return _stop(folder)
    return _serve(folder, options.port) if options.foreground else _start(folder, options.port)


def _start(folder: DataFolder, port: int) -> int:
    folder.create()
    marker = folder.run / "dev.pid"
    if not _alive(marker):
        marker.unlink(missing_ok=True)
        command = [
            sys.executable,
            "-m",
            "paya.local",
            "dev",
            "--foreground",
            f"--data={folder.path}",
            f"--port={port}",
        ]
        with (folder.logs / "dev.log").open("ab") as log:
            server = subprocess.Popen(
                command,
                cwd=environment.ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while not marker.exists():
            if server.poll() is not None:
                raise StartError(f"The servers ended while starting; see {folder.logs / 'dev.log'}.")
            time.sleep(0.1)
    print(f"PostgreSQL and Redis run. For a role's environment: source {folder.path}/env.web.sh (owner, worker, ...)")
    return 0


def _stop(folder: DataFolder) -> int:
    pid = _alive(folder.run / "dev.pid")
    if pid:
        processes.send(pid, signal.SIGTERM)
        processes.wait_gone([pid], 20)
    return 0


def _alive(marker: Path) -> int | None:
    try:
        pid, started = (int(part) for part in marker.read_text().split())
    except (OSError, ValueError):
        return None
    return pid if processes.start_time(pid) == started else None


def _serve(folder: DataFolder, port: int) -> int:
    folder.create()
    folder.lock()
    secrets = folder.secrets()
    processes.adopt_orphans()
    supervisor = Supervisor(say=lambda line: print(line, flush=True))
    try:
        with supervisor.signals():
            servers.embedded_postgres(folder, secrets).end_orphan()
            processes.end(processes.marked(secrets["stack_id"]))
            running = servers.start(folder, secrets, supervisor)
            shared = environment.application(folder, secrets, port=port, sandbox=environment.wants_sandbox())
            for role, url in running.urls.items():
                own = shared | {"DATABASE_URL": url, "REDIS_URL": running.redis_url}
                lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(own.items())]
                write_private(folder.path / f"env.{role}.sh", "\n".join(lines) + "\n")
            admin = [
                f"export PAYA_ADMIN_URL={shlex.quote(running.admin_url)}",
                f"export REDIS_URL={shlex.quote(running.redis_url)}",
            ]
            write_private(folder.path / "env.admin.sh", "\n".join(admin) + "\n")
            sandbox = environment.sandbox_process(folder, secrets, port=port)
            lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(sandbox.items())]
            write_private(folder.path / "env.sandbox.sh", "\n".join(lines) + "\n")
            own_pid = os.getpid()
            write_private(folder.run / "dev.pid", f"{own_pid} {processes.start_time(own_pid)}\n")
            supervisor.watch()
    except StopRequested:
        return 0
    finally:
        supervisor.stop()
        folder.remove_run_file("dev.pid")
