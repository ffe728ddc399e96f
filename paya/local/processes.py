"""Starting, recognising and ending operating-system processes, so that none is ever left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

STACK_MARK = "PAYA_STACK"
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
# Loaded at import: between fork and exec nothing should have to be looked up.
_libc = ctypes.CDLL(None, use_errno=True)


def adopt_orphans() -> None:
    """Make this process the parent of its descendants' orphans, so that it can see and end them."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(signal_number: int = signal.SIGTERM) -> Callable[[], None]:
    """For `preexec_fn`: let the kernel send the new process a signal when this one dies, however it dies."""
    parent = os.getpid()

    def setup() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if os.getppid() != parent:  # the parent died before prctl was in force
            os.kill(os.getpid(), signal_number)

    return setup


def spawn(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path,
    output: IO[bytes] | int | None,
    user: str | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own that the kernel signals when this process dies.

    Without `output` it writes to where this process writes to.
    The own session keeps a Ctrl-C at the terminal from reaching it: only the supervisor decides the order
    in which things end.
    """
    identity: dict[str, Any] = {} if user is None else {"user": user, "group": _primary_group(user), "extra_groups": []}
    process: subprocess.Popen[bytes] = subprocess.Popen(
        [str(part) for part in command],
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        start_new_session=True,
        # Runs after the change of user, which would have cleared the death signal.
        preexec_fn=die_with_parent(death_signal),  # noqa: PLW1509 - there are no threads here
        **identity,
    )
    return process


def _primary_group(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_gid


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when there is no such process (or a zombie).

    Together with its number this names a process for good: numbers are reused, start times are not.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def marked(stack_id: str) -> list[int]:
    """Numbers of the living processes that carry this stack's mark in their environment."""
    mark = f"{STACK_MARK}={stack_id}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environ = (entry / "environ").read_bytes()
        except OSError:  # gone meanwhile, or not ours to read
            continue
        if mark in environ.split(b"\0") and start_time(int(entry.name)) is not None:
            found.append(int(entry.name))
    return found


def children_of(pid: int) -> list[int]:
    """Numbers of a process' living direct children."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] not in "ZX":
            found.append(int(entry.name))
    return found


def send(pid: int, signal_number: int) -> None:
    """Signal one process; that it is gone already is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal_number)


def send_group(pid: int, signal_number: int) -> None:
    """Signal the process group that a process leads; that it is gone already is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal_number)


def wait_gone(pids: Iterable[int], seconds: float) -> list[int]:
    """Wait until processes have ended (they need not be children); those that still live are returned."""
    born = {pid: start_time(pid) for pid in pids}
    deadline = time.monotonic() + seconds
    while True:
        left = [pid for pid, started in born.items() if started is not None and start_time(pid) == started]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def end(pids: Iterable[int], *, grace: float = 5) -> None:
    """Ask processes to end, and kill those that have not after `grace` seconds."""
    pids = list(pids)
    for pid in pids:
        send(pid, signal.SIGTERM)
    for pid in wait_gone(pids, grace):
        send(pid, signal.SIGKILL)
    wait_gone(pids, 2)
