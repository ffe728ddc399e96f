"""The whole product on one machine: what bin/run becomes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2

from . import database, environment, preflight, processes, servers
from .errors import StartError
from .folder import STAFF, DataFolder
from .manage import ENV_FILE
from .supervisor import ChildFailed, Launch, StopRequested, Supervisor

NOT_EMPTY = 3  # how load_demo says that there are people already
_LOG_LIMIT = 20_000_000
_TAIL_LINES = 25
_BOLD, _PLAIN = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")


def say(line: str) -> None:
    """Tell the person at the terminal; whether somebody still listens is no reason to fail."""
    with contextlib.suppress(OSError):
        print(line, flush=True)


class Stack:
    """One run of all processes on one data folder."""

    def __init__(self, folder: DataFolder, port: int) -> None:
        self.folder = folder
        self.port = port
        self.sandboxed = environment.wants_sandbox()
        self.supervisor = Supervisor(say)
        self._log_starts: dict[str, int] = {}
        self._secrets: dict[str, Any] = {}
        self._servers: servers.Servers
        self._shared: dict[str, str] = {}

    def run(self) -> int:
        """Everything from the lock to the last goodbye; the answer is the exit status."""
        started = time.monotonic()
        self.folder.create()
        self.folder.lock()
        self._secrets = self.folder.secrets()
        processes.adopt_orphans()
        try:
            with self.supervisor.signals():
                self._bring_up()
                self._welcome(time.monotonic() - started)
                self.supervisor.watch()
        except StopRequested:
            say("Stopping")
            return 0
        except ChildFailed as failure:
            say(f"\n{failure}. The end of {self._log(failure.name)}:")
            say(self._tail(failure.name))
            return 1
        finally:
            self.folder.remove_run_file(ENV_FILE)
            self.supervisor.stop()

    def _bring_up(self) -> None:
        self._end_leftovers()
        preflight.check_ports(self.port)
        say(f"PaYa in {self.folder.path}")
        with self._step("database and Redis"):
            self._rotate_logs()
            self._note_logs("postgres", "redis")
            self._forget_half_a_demo()
            self._servers = servers.start(
                self.folder, self._secrets, self.supervisor, throwaway=os.environ.get("PAYA_THROWAWAY") == "1"
            )
            self._shared = environment.application(self.folder, self._secrets, port=self.port, sandbox=self.sandboxed) | {
                "REDIS_URL": self._servers.redis_url
            }
            self._write_env_file()
        home = self.folder.state().get("postgres_home", "")
        if self._servers.embedded and Path(home).is_absolute():
            say(f"  PostgreSQL cannot run as root and cannot enter this folder; its files are in {home}")
        self._migrate()
        if self.sandboxed:
            self.supervisor.start({"sandbox": self._sandbox()}, grace=3)
        self._load_demo()
        with self._step("web, live, relay, worker"):
            services = self._services()
            # Nobody waits for these, and on a small machine each start slows down the others.
            later = {name: services.pop(name) for name in ("staff", "beat")}
            self.supervisor.start(services, grace=5)
            self._make_staff()
            self._wait_for(f"http://127.0.0.1:{self.port}/readyz", 120)
            self.supervisor.start(later, grace=2)

    def _end_leftovers(self) -> None:
        """End what a killed run left, so that its ports and files are free again."""
        postgres = None if os.environ.get("DATABASE_URL") else servers.embedded_postgres(self.folder, self._secrets)
        server = postgres.running_server() if postgres else None
        leftovers = [pid for pid in processes.marked(self._secrets["stack_id"]) if pid != server]
        if leftovers or server:
            say("Ending what an earlier run left behind")
        processes.end(leftovers)
        if postgres:
            postgres.end_orphan()

    # --- the database's content
    @property
    def _database_key(self) -> str:
        """What is remembered is remembered of one database: DATABASE_URL may name another one each time."""
        given = os.environ.get("DATABASE_URL")
        return f"external {hashlib.sha256(given.encode()).hexdigest()[:16]}" if given else "embedded"

    def _known(self) -> dict[str, Any]:
        known: dict[str, Any] = self.folder.state().get(self._database_key, {})
        return known

    def _remember(self, **facts: Any) -> None:
        self.folder.remember(**{self._database_key: self._known() | facts})

    def _forget_half_a_demo(self) -> None:
        """A demo that was interrupted is begun again; `loading` is only ever written over an empty database."""
        if self._known().get("demo") != "loading":
            return
        if self._database_key != "embedded":
            if self._demo_wanted:
                raise StartError(
                    "The demo network was interrupted in the database of DATABASE_URL, which is not bin/run's to "
                    "empty: give it an empty database, or set PAYA_DEMO=0."
                )
            return
        say("  the demo network was interrupted; beginning with an empty database again")
        shutil.rmtree(self.folder.sandbox)
        self.folder.create()
        self.folder.remember(embedded=None, sandbox_migrated=None, drop_database=True)

    def _migrate(self) -> None:
        """Migrate the product and the sandbox beside each other, unless nothing has changed."""
        tasks: dict[str, Launch] = {}
        product = _fingerprint(environment.ROOT, "*/migrations/*.py", "*/sql/*.sql", "requirements.txt")
        sandbox = _fingerprint(environment.ROOT / "sandbox", "migrations/*.py")
        if not self._servers.embedded or self._known().get("migrated") != product:
            tasks["migrate"] = self._manage("migrate", "--noinput", login="owner")
        made = any(self.folder.sandbox.iterdir())
        if self.sandboxed and (not made or self.folder.state().get("sandbox_migrated") != sandbox):
            tasks["sandbox-migrate"] = self._sandbox("-m", "sandbox", "migrate", "--noinput", log="sandbox-migrate")
        if not tasks:
            return
        with self._step("migrations"):
            self._must(tasks)
        self._remember(migrated=product)
        if self.sandboxed:
            self.folder.remember(sandbox_migrated=sandbox)

    @property
    def _demo_wanted(self) -> bool:
        return os.environ.get("PAYA_DEMO") != "0"

    def _load_demo(self) -> None:
        """Fill an empty database with the demo network, once."""
        if not self._demo_wanted or self._known().get("demo") in ("done", "kept"):
            return
        if self._has_people():
            self._remember(demo="kept")
            return
        self._remember(demo="loading")
        with self._step("demo network"):
            if self.sandboxed:
                self._wait_for(f"http://127.0.0.1:{self.port + 2}/sandbox/healthz", 60)
            code = self._run({"load_demo": self._manage("load_demo", login="demo")})["load_demo"]
        if code not in (0, NOT_EMPTY):
            raise ChildFailed("load_demo", code)
        self._remember(demo="done" if code == 0 else "kept")

    def _has_people(self) -> bool:
        """Whether anybody has an account here; only the embedded administrator sees that past row policies."""
        if not self._servers.embedded:
            return False  # load_demo itself refuses
        with database.connect(self._servers.admin_url) as connection, connection.cursor() as cursor:
            try:
                cursor.execute("SELECT EXISTS (SELECT FROM users_user WHERE kind = 'person')")
            except psycopg2.errors.UndefinedTable:
                return False
            return bool(cursor.fetchone()[0])

    def _make_staff(self) -> None:
        """In the sandbox there is somebody of each role, whose passwords stand in secrets.json."""
        if not self.sandboxed or self._known().get("staff") == list(STAFF):
            return
        members = [{**self._secrets[key], "roles": roles} for key, roles in STAFF.items()]
        own = self._shared | {"PAYA_STAFF": json.dumps(members), "DATABASE_URL": self._servers.urls["worker"]}
        self._must({"create_staff": self._launch("create_staff", ["manage.py", "create_staff", "--given"], own)})
        self._remember(staff=list(STAFF))

    # --- processes
    def _services(self) -> dict[str, Launch]:
        web = [
            "-m", "gunicorn", "paya.wsgi", f"--bind=127.0.0.1:{self.port}", "--workers=2", "--preload",
            "--no-control-socket", "--graceful-timeout=3", "--log-level=warning",
        ]  # fmt: skip
        live = [
            "-m",
            "daphne",
            "-b",
            "127.0.0.1",
            "-p",
            str(self.port + 1),
            "-v",
            "0",
            "paya.asgi:application",
        ]
        staff = [
            "-m", "gunicorn", f"--bind=127.0.0.1:{self.port + 3}", "--workers=1", "--worker-class=gthread", "--threads=4",
            "--no-control-socket", "--graceful-timeout=3", "--log-level=warning", "paya.wsgi",
        ]  # fmt: skip
        staff_own = self._shared | {"PAYA_SITE": "staff", "DATABASE_URL": self._servers.urls["staff"]}
        celery = ["-m", "celery", "-A", "paya"]
        # More processes than cores: they mostly wait, for the database and for vendors of whom one may hang.
        worker = [*celery, "worker", "-Q", "sweeps,celery,polls", "-c", "4", "--without-gossip", "--without-mingle"]
        # Threads, for it only ever waits for the provider: one that hangs for one phone does not keep the others waiting.
        codes = [*celery, "worker", "-Q", "codes", "-P", "threads", "-c", "8", "--without-gossip", "--without-mingle"]
        beat = [
            *celery,
            "beat",
            "--scheduler",
            "django_celery_beat.schedulers:DatabaseScheduler",
            "--pidfile=",
        ]
        return {
            "web": self._product("web", web, login="web"),
            "live": self._product("live", live, login="web"),
            "staff": self._launch("staff", staff, staff_own),
            "relay": self._product("relay", ["manage.py", "relay"], login="worker"),
            "worker": self._product("worker", [*worker, "--hostname=worker@%h"], login="worker"),
            "codes": self._product("codes", [*codes, "--hostname=codes@%h"], login="worker"),
            "beat": self._product("beat", beat, login="worker"),
        }

    def _manage(self, command: str, *arguments: str, login: str) -> Launch:
        return self._product(command, ["manage.py", command, *arguments], login=login)

    def _product(self, name: str, arguments: list[str], *, login: str) -> Launch:
        return self._launch(name, arguments, self._shared | {"DATABASE_URL": self._servers.urls[login]})

    def _sandbox(self, *arguments: str, log: str = "sandbox") -> Launch:
        serve = ["-m", "gunicorn", "sandbox.wsgi", "--config=python:sandbox.serving", f"--bind=127.0.0.1:{self.port + 2}"]
        own = environment.sandbox_process(self.folder, self._secrets, port=self.port)
        return self._launch(log, list(arguments) or serve, own)

    def _launch(self, name: str, arguments: list[str], own: dict[str, str]) -> Launch:
        env = environment.process_environment(self._secrets["stack_id"], own)

        def launch() -> subprocess.Popen[bytes]:
            with self._log(name).open("ab") as log:
                return processes.spawn([sys.executable, *arguments], env=env, cwd=environment.ROOT, output=log)

        return launch

    def _run(self, tasks: dict[str, Launch]) -> dict[str, int]:
        self._note_logs(*tasks)
        return self.supervisor.run(tasks)

    def _must(self, tasks: dict[str, Launch]) -> None:
        for name, code in self._run(tasks).items():
            if code != 0:
                raise ChildFailed(name, code)

    def _wait_for(self, url: str, seconds: float) -> None:
        answer = ""

        def answers() -> bool:
            nonlocal answer
            try:
                with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - ours, on this machine
                    return bool(response.status == 200)
            except urllib.error.HTTPError as error:
                answer = error.read(500).decode(errors="replace")
            except OSError as error:
                answer = str(error)
            return False

        if not self.supervisor.wait_until(answers, seconds):
            raise StartError(f"{url} was not ready after {seconds:.0f} s ({answer}); the logs are in {self.folder.logs}.")

    # --- what is said and written
    def _write_env_file(self) -> None:
        own = os.getpid()
        self.folder.write_run_file(
            ENV_FILE,
            {
                "supervisor": {"pid": own, "started": processes.start_time(own)},
                "shared": self._shared,
                "urls": self._servers.urls,
            },
        )

    def _welcome(self, seconds: float) -> None:
        say(f"\n{_BOLD}PaYa is ready: http://127.0.0.1:{self.port}{_PLAIN}  ({seconds:.1f} s)\n")
        for person in self._demo_people():
            say(f"  log in as @{person['username']:<12} with the phone {person['phone']}")
        if self.sandboxed:
            say(f"  its code arrives on the sandbox's phone: http://127.0.0.1:{self.port + 2}/phone")
            say(f"  the sandbox's bank, where days go by:    http://127.0.0.1:{self.port + 2}/bank")
            say(f"\n  the staff's site: http://127.0.0.1:{self.port}/admin/ as {self._secrets['staff']['email']}")
            say(f"    its password: `staff` in {self.folder.path / 'secrets.json'}; its code: manage.py staff_code\n")
        say(f"  logs: {self.folder.logs}\n\nCtrl-C stops it")

    def _demo_people(self) -> list[dict[str, str]]:
        """The two oldest demo people; they never change, so they are asked for once."""
        if self._known().get("demo") != "done":
            return []
        if "people" not in self._known():
            env = self._shared | {"DATABASE_URL": self._servers.urls["worker"]}
            with self._log("demo_people").open("ab") as log:
                done = subprocess.run(
                    [sys.executable, "manage.py", "demo_people"],
                    env=environment.process_environment(self._secrets["stack_id"], env),
                    cwd=environment.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, check=False,
                )  # fmt: skip
            with contextlib.suppress(ValueError):
                self._remember(people=json.loads(done.stdout)[:2])
        people: list[dict[str, str]] = self._known().get("people", [])
        return people

    @contextlib.contextmanager
    def _step(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        say(f"  {name:<32}{time.monotonic() - started:5.1f} s")

    def _log(self, name: str) -> Path:
        return self.folder.logs / f"{name}.log"

    def _note_logs(self, *names: str) -> None:
        for name in names:
            log = self._log(name)
            self._log_starts[name] = log.stat().st_size if log.exists() else 0

    def _rotate_logs(self) -> None:
        for log in self.folder.logs.glob("*.log"):
            if log.stat().st_size > _LOG_LIMIT:
                log.replace(log.with_suffix(".log.1"))
            self._note_logs(log.stem)

    def _tail(self, name: str) -> str:
        """The last lines that a process wrote in this run."""
        try:
            with self._log(name).open("rb") as log:
                log.seek(self._log_starts.get(name, 0))
                lines = log.read().decode(errors="replace").splitlines()
        except OSError:
            lines = []
        return "\n".join(f"  {line}" for line in lines[-_TAIL_LINES:]) or "  (it wrote nothing)"


def _fingerprint(folder: Path, *patterns: str) -> str:
    """What some files hold, as one number: a start need not ask Django whether there is something to migrate."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in patterns for path in folder.glob(pattern)):
        digest.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def main() -> int:
    """`bin/run`."""
    return Stack(preflight.data_folder(), preflight.first_port()).run()
