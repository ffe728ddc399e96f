"""The supervisor as a process of its own, as bin/run has it: it changes its process' signals."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from paya.local import processes

SCRIPT = """
import os, subprocess, sys
from pathlib import Path
from paya.local import processes
from paya.local.supervisor import ChildFailed, StopRequested, Supervisor

def program(text):
    command = [sys.executable, "-c", text]
    return lambda: processes.spawn(command, env={**os.environ, "PAYA_STACK": sys.argv[1]}, cwd=Path("/"), output=None)

SLEEP = "import time; time.sleep(60)"
# Leaves a process behind that has left its group and lost its parent: a daemon.
DAEMON = '''
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
time.sleep(60)
'''
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
processes.adopt_orphans()
supervisor = Supervisor(lambda line: print(line, flush=True))
try:
    with supervisor.signals():
        SETUP
        print("ready", flush=True)
        supervisor.watch()
except StopRequested:
    print("stopping", flush=True)
except ChildFailed as failure:
    print(failure, flush=True)
finally:
    supervisor.stop()
"""


class Running:
    def __init__(self, mark: str, setup: str) -> None:
        self.mark = mark
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT.replace("SETUP", setup), mark], stdout=subprocess.PIPE, text=True
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def processes(self, count: int) -> list[int]:
        """The marked processes, once there are so many (starting one takes a moment)."""
        deadline = time.monotonic() + 10
        while len(found := processes.marked(self.mark)) != count:
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        return found

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        processes.end(processes.marked(self.mark), grace=1)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[object]:
    started: list[Running] = []

    def start(setup: str) -> Running:
        running = Running(f"test-{os.getpid()}-{time.monotonic_ns()}", setup)
        started.append(running)
        return running

    yield start
    for running in started:
        running.end()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_everybody(run, number: signal.Signals) -> None:
    running = run(
        "supervisor.start({'first': program(SLEEP)}, grace=1);"
        "supervisor.start({'daemon': program(DAEMON), 'stubborn': program(STUBBORN)}, grace=1)"
    )
    assert running.line() == "ready"
    running.processes(4)
    time.sleep(0.3)
    running.process.send_signal(number)
    assert running.line() == "stopping"
    assert running.process.wait(10) == 0
    assert processes.marked(running.mark) == []


def test_signals_during_the_end_change_nothing(run) -> None:
    running = run("supervisor.start({'stubborn': program(STUBBORN)}, grace=1)")
    assert running.line() == "ready"
    running.processes(1)
    time.sleep(0.3)
    for _ in range(5):
        running.process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    assert running.process.wait(10) == 0
    assert processes.marked(running.mark) == []


def test_a_process_that_dies_is_started_again_and_that_is_said(run) -> None:
    running = run("supervisor.start({'web': program(SLEEP), 'live': program(SLEEP)})")
    assert running.line() == "ready"
    before = running.processes(2)
    os.kill(before[0], signal.SIGKILL)
    assert running.line() in ("web ended (SIGKILL); restarting it now", "live ended (SIGKILL); restarting it now")
    after = running.processes(2)
    assert before[1] in after
    assert before[0] not in after


def test_a_process_that_keeps_dying_is_given_pauses(run) -> None:
    running = run("supervisor.start({'relay': program('raise SystemExit(3)')})")
    lines = [running.line() for _ in range(4)]
    assert lines == [
        "ready",
        "relay ended (exit status 3); restarting it now",
        "relay ended (exit status 3); restarting it in 1 s",
        "relay ended (exit status 3); restarting it in 2 s",
    ]


def test_a_process_that_dies_during_the_start_ends_the_start(run) -> None:
    running = run(
        "supervisor.start({'postgres': program(SLEEP), 'sandbox': program('raise SystemExit(1)')});"
        "supervisor.wait_until(lambda: False, 30)"
    )
    assert running.line() == "sandbox failed (exit status 1)"
    assert running.process.wait(10) == 0
    assert processes.marked(running.mark) == []


def test_tasks_run_beside_each_other_and_say_how_they_ended(run) -> None:
    running = run("print(supervisor.run({'good': program('pass'), 'bad': program('raise SystemExit(7)')}))")
    assert running.line() == "{'good': 0, 'bad': 7}"
    assert running.line() == "ready"
