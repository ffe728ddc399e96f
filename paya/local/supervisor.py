"""Keeping processes alive, and ending every one of them: the heart of `bin/run`."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

from . import processes

Launch = Callable[[], "subprocess.Popen[bytes]"]
Say = Callable[[str], None]

STEADY_SECONDS = 30.0  # who lived this long starts with a clean slate
LONGEST_PAUSE = 20.0
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(BaseException):
    """Somebody asked for the end (Ctrl-C or SIGTERM). No `except Exception` on the way may swallow that."""


class ChildFailed(Exception):
    """A process that had to work did not."""

    def __init__(self, name: str, code: int) -> None:
        super().__init__(f"{name} failed ({describe_exit(code)})")
        self.name = name


@dataclass
class Child:
    """One supervised process: how to start it, and how it has been doing."""

    name: str
    launch: Launch
    process: subprocess.Popen[bytes]
    started: float
    failures: int = 0
    restart_at: float | None = None


@dataclass
class Layer:
    """Children that start and end together: the signal that asks them to, and how long they are given."""

    children: list[Child]
    grace: float
    stop_signal: signal.Signals


class Supervisor:
    """Starts children, restarts those that die, and ends them all in the reverse order of their layers.

    The layers' graces add up to how long an end can take: 20 s for a whole stack.
    """

    def __init__(self, say: Say) -> None:
        self._say = say
        self._layers: list[Layer] = []
        self._wakeup: int | None = None

    @property
    def children(self) -> list[Child]:
        """All supervised processes, in the order in which they were started."""
        return [child for layer in self._layers for child in layer.children]

    def start(
        self,
        services: Mapping[str, Launch],
        *,
        grace: float = 6.0,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> Layer:
        """Start services beside each other as one layer."""
        layer = Layer([], grace, stop_signal)
        self._layers.append(layer)
        for name, launch in services.items():
            layer.children.append(Child(name, launch, launch(), time.monotonic()))
        return layer

    def run(self, tasks: Mapping[str, Launch], *, stop_signal: signal.Signals = signal.SIGTERM) -> dict[str, int]:
        """Run tasks beside each other to their ends; the answer is their exit statuses."""
        layer = self.start(tasks, stop_signal=stop_signal)
        while any(child.process.poll() is None for child in layer.children):
            self.check(except_layer=layer)
            self._sleep(0.5)
        self._layers.remove(layer)
        return {child.name: child.process.returncode for child in layer.children}

    def wait_until(self, is_true: Callable[[], bool], seconds: float) -> bool:
        """Poll until something is true; gives up when the time is over. Raises ChildFailed when a child dies."""
        deadline = time.monotonic() + seconds
        while not is_true():
            self.check()
            if time.monotonic() > deadline:
                return False
            self._sleep(0.1)
        return True

    def check(self, *, except_layer: Layer | None = None) -> None:
        """Raise ChildFailed if a child that should run does not: during the start that is a reason to give up."""
        for layer in self._layers:
            for child in layer.children:
                if layer is not except_layer and child.process.poll() is not None:
                    raise ChildFailed(child.name, child.process.returncode)

    def watch(self) -> NoReturn:
        """Restart whatever dies, until somebody asks for the end (StopRequested)."""
        while True:
            self._bury_adopted()
            now = time.monotonic()
            for child in self.children:
                self._look_after(child, now)
            due = [child.restart_at for child in self.children if child.restart_at is not None]
            self._sleep(max(0.0, min(due) - time.monotonic()) if due else 60.0)

    def stop(self) -> None:
        """End all children and all that they started, the last layer first; nothing interrupts that."""
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
        while self._layers:
            layer = self._layers.pop()
            for child in layer.children:
                if child.process.poll() is None:
                    child.process.send_signal(layer.stop_signal)
            deadline = time.monotonic() + layer.grace
            for child in layer.children:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    child.process.wait(max(0.05, deadline - time.monotonic()))
                processes.send_group(child.process.pid, signal.SIGKILL)
                child.process.wait()
        # What left its parent's group and lost its parent became ours (see processes.adopt_orphans).
        while orphans := processes.children_of(os.getpid()):
            for pid in orphans:
                processes.send(pid, signal.SIGKILL)
            processes.wait_gone(orphans, 1)
            self._bury_adopted()
        self._bury_adopted()

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """Turn the first SIGINT, SIGTERM or SIGHUP into StopRequested; repeating them changes nothing."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            for number in _ENDING:
                signal.signal(number, signal.SIG_IGN)
            raise StopRequested

        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wakeup = reader
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for number in _ENDING:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup means it
                signal.signal(number, stop)
        yield

    def _look_after(self, child: Child, now: float) -> None:
        if child.restart_at is not None:
            if now >= child.restart_at:
                child.process, child.started, child.restart_at = child.launch(), time.monotonic(), None
            return
        if child.process.poll() is None:
            return
        processes.send_group(child.process.pid, signal.SIGKILL)  # its own children must not linger
        child.failures = 1 if now - child.started > STEADY_SECONDS else child.failures + 1
        pause = 0.0 if child.failures == 1 else min(LONGEST_PAUSE, 0.5 * 2 ** (child.failures - 1))
        child.restart_at = now + pause
        when = f"in {pause:.0f} s" if pause else "now"
        self._say(f"{child.name} ended ({describe_exit(child.process.returncode)}); restarting it {when}")

    def _sleep(self, seconds: float) -> None:
        """Sleep until a child dies or the time is over."""
        if self._wakeup is None:
            time.sleep(min(seconds, 0.2))
        elif select.select([self._wakeup], [], [], seconds)[0]:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wakeup, 512)

    def _bury_adopted(self) -> None:
        """Bury dead orphans that the kernel handed to us; what we started is buried by its Popen."""
        ours = {child.process.pid: child.process for child in self.children}
        with contextlib.suppress(ChildProcessError):
            while (dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
                if dead.si_pid in ours:
                    ours[dead.si_pid].poll()
                else:
                    os.waitpid(dead.si_pid, 0)


def describe_exit(code: int) -> str:
    """An exit status in words."""
    if code >= 0:
        return f"exit status {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
