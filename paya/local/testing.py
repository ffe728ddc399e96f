"""bin/test: the whole suite on throwaway servers, with everything cleaned up whatever happens.

Also what tests use to start a whole PaYa of their own: `start_stack`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import database, environment, ports, processes, servers
from .errors import StartError
from .folder import DataFolder
from .manage import ENV_FILE, running_environment
from .supervisor import Launch, StopRequested, Supervisor, describe_exit

TEMPLATE = "paya_test"
# How often one person or address may ask is 100 times a minute where nothing else is said. Tests, benches and campaigns that
# are about something else ask as fast as they can, and are counted as everybody is.
WIDE_RATES = {"PAYA_RATE_PER_PERSON": "1000000", "PAYA_RATE_PER_ADDRESS": "1000000"}
_PREFIX = "paya-test-"
CHECKS = {
    "ruff": ["-m", "ruff", "check", "."],
    "mypy": ["-m", "mypy", "."],
    "import-linter": ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
}


# Three for two cores: tests also wait, for servers and for each other.
BOTH_CORES = ["-n", "3", "--dist", "loadscope"]


def main(arguments: list[str]) -> int:
    """Run the checks and the suite; with arguments only pytest, which they go to."""
    supervisor = Supervisor(_say)
    processes.adopt_orphans()
    _sweep_abandoned()
    with throwaway_folder(_place_in_memory()) as folder:
        try:
            with supervisor.signals():
                return _run(folder, supervisor, arguments)
        except StopRequested:
            return 130
        finally:
            supervisor.stop()


def _run(folder: DataFolder, supervisor: Supervisor, arguments: list[str]) -> int:
    started = time.monotonic()
    for name in ("DATABASE_URL", "REDIS_URL"):  # a suite that empties databases never touches anybody's own
        os.environ.pop(name, None)
    secrets = folder.secrets()
    running = servers.start(folder, secrets, supervisor, dbname=TEMPLATE, throwaway=True)
    env = environment_of_tests(folder, running)
    migrate = {
        "migrate": _launch(
            ["manage.py", "migrate", "--noinput", "-v", "0"],
            env | {"DATABASE_URL": running.urls["owner"]},
            folder,
        )
    }
    chromium = {"chromium": _launch(["-m", "paya.local", "chromium"], env, folder, "chromium")}
    checks = {} if arguments else {name: _launch(command, env, folder, name) for name, command in CHECKS.items()}
    if not arguments:  # on a new machine it takes ten seconds to install; a test would wait for it
        checks["semgrep"] = _launch(["-m", "paya.local", "semgrep"], env, folder, "semgrep")
    codes = supervisor.run(migrate | chromium | checks)
    failed = [name for name, code in codes.items() if code != 0]
    for name, code in codes.items():
        _say(f"{name}: {'passed' if code == 0 else describe_exit(code)}")
        if code != 0:
            _say(_output(folder, name))
    if codes["migrate"] != 0:
        return 1
    widen_limits(database.with_database(running.admin_url, TEMPLATE))
    env["PAYA_CHROMIUM"] = (_output(folder, "chromium").splitlines() or [""])[-1]
    _say(f"prepared in {time.monotonic() - started:.0f} s")
    pytest = ["-m", "pytest", *(arguments or BOTH_CORES)]
    code = supervisor.run({"pytest": _launch(pytest, env, folder, inherit=True)}, stop_signal=signal.SIGINT)["pytest"]
    if failed:
        _say(f"failed before pytest: {', '.join(failed)}")
    return code or (1 if failed else 0)


# Limits of people's movements: tests, benches and campaigns that are about something else take them away as staff would, by a
# row that says so. Everything is still counted.
_WIDE_LIMITS = """
    insert into compliance_limit (name, tier, value, effective_at, reason)
    select distinct name, tier, null::bigint, timestamptz '2000-01-02Z', 'Taken away for tests, benches and campaigns'
    from compliance_limit
"""


def widen_limits(url: str) -> None:
    """Take the limits of people's movements away in a database, through its owner or a superuser."""
    with database.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(_WIDE_LIMITS)


def environment_of_tests(folder: DataFolder, running: servers.Servers) -> dict[str, str]:
    """What pytest and campaigns are told: the application's own environment, and the template under each role."""
    secrets = folder.secrets()
    port = ports.free_block(4)
    return environment.process_environment(
        secrets["stack_id"],
        environment.application(folder, secrets, port=port, sandbox=True)
        | {
            name: value
            for name, value in environment.sandbox_process(folder, secrets, port=port).items()
            if name != "DJANGO_SETTINGS_MODULE"
        }
        | {f"PAYA_TEST_URL_{role.upper()}": url for role, url in running.urls.items()}
        | {
            "DATABASE_URL": running.urls["web"],
            "REDIS_URL": running.redis_url,
            "PAYA_TEST_ADMIN_URL": running.admin_url,
            "PAYA_TEST_DATA": str(folder.path),
            **WIDE_RATES,
            # Whatever a test writes to a temporary folder goes away with ours.
            "PYTEST_DEBUG_TEMPROOT": str(folder.path),
        },
    )


_MEMORY = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a folder of our own in it
_ENOUGH = 8 * 2**30  # bytes; the suite has used less than two


def _place_in_memory() -> Path | None:
    """Where the suite's data need no disk: hundreds of databases come and go, and copying one takes a disk ten times as long.

    None, for the usual place, where memory is short, programs may not run from there, or TMPDIR says otherwise. Benches
    and campaigns stay on the disk: they are about what is durable.
    """
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
        runs = not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC
        room = min(available, shutil.disk_usage(_MEMORY).free)
        if "TMPDIR" not in os.environ and runs and room >= _ENOUGH and os.access(_MEMORY, os.W_OK | os.X_OK):
            return _MEMORY
    return None


@contextlib.contextmanager
def throwaway_folder(place: Path | None = None) -> Iterator[DataFolder]:
    """A data folder that leaves nothing behind; where temporary files are, unless a place is named."""
    path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    path.chmod(0o711)  # for root's sake: PostgreSQL's account has to pass through
    folder = DataFolder(path)
    folder.create()
    folder.lock()
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: DataFolder) -> None:
    home = folder.state().get("postgres_home")
    if home:
        shutil.rmtree(folder.path / home, ignore_errors=True)
    shutil.rmtree(folder.path, ignore_errors=True)


def _sweep_abandoned() -> None:
    """Remove what test runs that were killed have left; a young folder may belong to one that is just starting."""
    for path in [*Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"), *_MEMORY.glob(f"{_PREFIX}*")]:
        folder = DataFolder(path)
        with contextlib.suppress(OSError, StartError):
            if time.time() - path.stat().st_mtime < 60:
                continue
            folder.lock()
            processes.end(processes.marked(folder.secrets()["stack_id"]))
            servers.embedded_postgres(folder, folder.secrets()).end_orphan()
            _remove(folder)
            folder.unlock()


def _launch(
    arguments: list[str],
    env: dict[str, str],
    folder: DataFolder,
    name: str = "migrate",
    *,
    inherit: bool = False,
) -> Launch:
    def launch() -> subprocess.Popen[bytes]:
        with (folder.logs / f"{name}.log").open("ab") as log:
            output = None if inherit else log
            return processes.spawn([sys.executable, *arguments], env=env, cwd=environment.ROOT, output=output)

    return launch


def _output(folder: DataFolder, name: str) -> str:
    return (folder.logs / f"{name}.log").read_text(errors="replace")


def _say(line: str) -> None:
    print(line, flush=True)


@dataclass
class RunningStack:
    """A whole PaYa that runs for a test."""

    data: Path
    port: int
    process: subprocess.Popen[bytes]
    output: Path

    @property
    def url(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_url(self) -> str:
        """Where its sandbox is."""
        return f"http://127.0.0.1:{self.port + 2}"

    def environment(self, login: str = "web") -> dict[str, str]:
        """The environment of one of its processes, for manage.py and the like."""
        written = running_environment(self.data)
        if written is None:
            raise StartError(f"No stack runs on {self.data} ({ENV_FILE} is missing or stale).")
        return {**os.environ, **written["shared"], "DATABASE_URL": written["urls"][login]}

    def stop(self, seconds: float = 20) -> None:
        """Ask the supervisor to end everything and wait for it."""
        self.process.terminate()
        self.process.wait(seconds)


def start_stack(
    data: Path,
    port: int | None = None,
    *,
    demo: bool = True,
    durable: bool = False,
    seconds: float = 120,
    extra: Mapping[str, str] | None = None,
    limits: bool = False,
) -> RunningStack:
    """Start a whole PaYa on a data folder and wait until it is ready; without a port on free ones.

    Unless it is to be `durable`, a commit does not wait for the write-ahead log: whoever kills this database may
    lose what was acknowledged. Without `limits` those of people's movements are taken away. `extra` is set in the
    environment of all its processes. Raises StartError with its output when it does not come up.
    """
    first = port or ports.free_block(4)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_STACK_VARIABLES)}
    env = kept | {"PAYA_DATA": str(data), "PAYA_PORT": str(first)} | dict(extra or {})
    if not durable:
        env["PAYA_THROWAWAY"] = "1"
    if not demo:
        env["PAYA_DEMO"] = "0"
    data.mkdir(mode=0o711, parents=True, exist_ok=True)
    output = data / "output.txt"
    with output.open("wb") as file:
        process = processes.spawn([sys.executable, "-m", "paya.local", "run"], env=env, cwd=environment.ROOT, output=file)
    running = RunningStack(data, first, process, output)
    deadline = time.monotonic() + seconds
    while "PaYa is ready" not in output.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            process.terminate()
            process.wait(20)
            raise StartError(f"The stack did not come up:\n{output.read_text()}")
        time.sleep(0.1)
    if not limits:
        widen_limits(running.environment("owner")["DATABASE_URL"])
    return running


_STACK_VARIABLES = (
    "PAYA_",
    "DATABASE_URL",
    "REDIS_URL",
    "PLAID_",
    "DWOLLA_",
    "STRIPE_",
    "TWILIO_",
    "DJANGO_SETTINGS_MODULE",
)
