"""The whole product as a person starts it: what a kill, a crash and a goodbye leave behind."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from paya.local import ports, processes
from paya.local.environment import ROOT
from paya.local.folder import DataFolder
from paya.local.testing import RunningStack, start_stack

pytestmark = pytest.mark.timeout(600)


def manage(stack: RunningStack, env: dict[str, str], *arguments: str) -> str:
    """What a command prints that finds the running servers by itself."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env=env | {"PAYA_DATA": str(stack.data)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def marked(stack: RunningStack) -> list[int]:
    return processes.marked(DataFolder(stack.data).secrets()["stack_id"])


def is_ready(stack: RunningStack) -> bool:
    try:
        with urllib.request.urlopen(f"{stack.url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def wait_for(condition: object, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def started(data: Path) -> Iterator[list[RunningStack]]:
    """The stacks that the test has started on one data folder, ended whatever happens."""
    stacks: list[RunningStack] = []
    yield stacks
    for stack in stacks:
        if stack.process.poll() is None:
            stack.stop()
        processes.end(marked(stack))


def interrupt_during_the_demo(data: Path, env: dict[str, str]) -> None:
    folder = DataFolder(data)
    data.mkdir(mode=0o711)
    env |= {"PAYA_DATA": str(data), "PAYA_PORT": str(ports.free_block(4)), "PAYA_THROWAWAY": "1"}
    first = subprocess.Popen([sys.executable, "-m", "paya.local", "run"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: folder.state().get("embedded", {}).get("demo") == "loading", 90)
        time.sleep(2)
        first.send_signal(signal.SIGINT)
        assert first.wait(20) == 0
    finally:
        first.kill()
        first.wait()
    assert folder.state()["embedded"]["demo"] == "loading"
    assert processes.marked(folder.secrets()["stack_id"]) == []


def program(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_every_cent_survives_and_no_process_does(data: Path, bare_env: dict[str, str], started: list[RunningStack]) -> None:
    # Ctrl-C while the demo is loaded leaves nothing behind, and the next start begins it again.
    interrupt_during_the_demo(data, dict(bare_env))
    stack = start_stack(data, limits=True)
    started.append(stack)
    assert "interrupted" in stack.output.read_text()
    assert is_ready(stack)
    people, audit = manage(stack, bare_env, "demo_people"), manage(stack, bare_env, "audit_ledger")
    head = audit.split("ledger-head ")[1].split()[0]
    assert len(json.loads(people)) >= 12
    assert manage(stack, bare_env, "verify_trail").startswith("The trail is whole")  # as the role that may

    # A process that dies is started again, and that is said.
    os.kill(next(pid for pid in marked(stack) if b"paya.wsgi" in program(pid)), signal.SIGKILL)
    wait_for(lambda: "web ended (SIGKILL)" in stack.output.read_text())
    wait_for(lambda: is_ready(stack))

    # The worst goodbye: all are killed at once but one, which hears nothing any more. A new start ends that one
    # and finds everything.
    deaf = next(pid for pid in marked(stack) if b"daphne" in program(pid))
    os.kill(deaf, signal.SIGSTOP)
    stack.process.kill()
    for pid in marked(stack):
        if pid != deaf:
            processes.send(pid, signal.SIGKILL)
    stack.process.wait()
    assert processes.start_time(deaf) is not None
    again = start_stack(data, stack.port, limits=True)
    started.append(again)
    assert "Ending what an earlier run left behind" in again.output.read_text()
    assert processes.start_time(deaf) is None
    assert manage(again, bare_env, "demo_people") == people
    # The same cents, on the same chain; what was posted last may have been sealed since.
    after = manage(again, bare_env, "audit_ledger", "--head", head)
    assert after.splitlines()[0] == audit.splitlines()[0] and "The books are clean." in after

    # And one signal ends everybody.
    before = time.monotonic()
    again.stop()
    assert time.monotonic() - before < 20
    assert again.process.returncode == 0
    assert marked(again) == []
