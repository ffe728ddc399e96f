"""Keeping processes alive, and ending every one of them: the heart of `bin/run`."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType

from . import processes

Launch = Callable[[], "subprocess.Popen[bytes]"]
Say = Callable[[str], None]

_STEADY_SECONDS = 30.0
_LONGEST_PAUSE = 20.0


class StopRequested(BaseException):
    """Somebody asked for the end (Ctrl-C or SIGTERM). No `except Exception` on the way may swallow that."""


@dataclass
class Child:
    """One supervised process: how to start it, and how it has been doing."""

    name: str
    launch: Launch
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    restart_at: float | None = field(default=None)


class Supervisor:
    """Starts children, restarts those that die, and ends them all in the reverse order of their layers."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._layers: list[list[Child]] = []
        self._wakeup: int | None = None

    @property
    def children(self) -> list[Child]:
        """All supervised processes, in the order in which they were started."""
        return [child for layer in self._layers for child in layer]

    def start(self, services: dict[str, Launch]) -> None:
        """Start one layer of services beside each other; layers end in the reverse order."""
        layer: list[Child] = []
        self._layers.append(layer)
        for name, launch in services.items():
            child = Child(name, launch)
            layer.append(child)
            self._launch(child)

    def died(self) -> Child | None:
        """A child that is not running now, if there is one: during the start that is a reason to give up."""
        return next((child for child in self.children if child.process and child.process.poll() is not None), None)

    def watch(self) -> None:
        """Restart whatever dies, until somebody asks for the end (StopRequested)."""
        while True:
            self._reap_adopted()
            now = time.monotonic()
            for child in self.children:
                self._look_after(child, now)
            due = [child.restart_at for child in self.children if child.restart_at is not None]
            self._sleep(max(0.0, min(due) - time.monotonic()) if due else 5.0)

    def stop(self, grace: float = 7.0) -> None:
        """End all children and all that they started."""
        for layer in reversed(self._layers):
            running = [child.process for child in layer if child.process and child.process.poll() is None]
            for process in running:
                # PostgreSQL's and Redis' own signals for a quick and clean end differ: see `stop_signal`.
                process.send_signal(stop_signal(process))
            deadline = time.monotonic() + grace
            for process in running:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.1, deadline - time.monotonic()))
            for child in layer:
                if child.process is not None:
                    processes.send_group(child.process.pid, signal.SIGKILL)
                    child.process.wait()
        for pid in processes.children_of(os.getpid()):
            processes.send(pid, signal.SIGKILL)
        self._layers.clear()
        self._reap_adopted()

    def _launch(self, child: Child) -> None:
        child.process = child.launch()
        child.started = time.monotonic()
        child.restart_at = None

    def _look_after(self, child: Child, now: float) -> None:
        if child.restart_at is not None:
            if now >= child.restart_at:
                self._launch(child)
            return
        if child.process is None or child.process.poll() is None:
            return
        processes.send_group(child.process.pid, signal.SIGKILL)  # its own children must not linger
        child.failures = 1 if now - child.started > _STEADY_SECONDS else child.failures + 1
        pause = 0.0 if child.failures == 1 else min(_LONGEST_PAUSE, 0.5 * 2 ** (child.failures - 1))
        child.restart_at = now + pause
        when = "now" if not pause else f"in {pause:.0f} s"
        self._say(f"{child.name} ended ({describe_exit(child.process.returncode)}): restarting it {when}.")

    def _sleep(self, seconds: float) -> None:
        """Sleep until a child dies or the time is over."""
        if self._wakeup is None:
            time.sleep(min(seconds, 0.5))
            return
        if select.select([self._wakeup], [], [], seconds)[0]:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wakeup, 512)

    def _reap_adopted(self) -> None:
        """Bury orphans that the kernel handed to us; those that we started are buried by their Popen."""
        ours = {child.process.pid for child in self.children if child.process}
        with contextlib.suppress(ChildProcessError):
            while (dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
                if dead.si_pid in ours:
                    next(c for c in self.children if c.process and c.process.pid == dead.si_pid).process.poll()  # type: ignore[union-attr]
                else:
                    os.waitpid(dead.si_pid, 0)

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """Turn SIGINT, SIGTERM and SIGHUP into StopRequested, once; repeating them changes nothing."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            for number in ending:
                signal.signal(number, signal.SIG_IGN)
            raise StopRequested

        ending = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wakeup = reader
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for number in ending:
            signal.signal(number, stop)
        yield


def stop_signal(process: subprocess.Popen[bytes]) -> signal.Signals:
    """The signal that ends a process quickly and cleanly: for PostgreSQL that is SIGINT."""
    program = os.fsdecode(process.args[0]) if isinstance(process.args, list) else ""
    return signal.SIGINT if os.path.basename(program) == "postgres" else signal.SIGTERM


def describe_exit(code: int) -> str:
    """An exit status in words."""
    if code >= 0:
        return f"exit status {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
