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

from paya.local import processes
from paya.local.environment import ROOT
from paya.local.folder import DataFolder
from paya.local.testing import RunningStack, start_stack

pytestmark = pytest.mark.timeout(240)


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
def stack(data: Path) -> Iterator[RunningStack]:
    running = start_stack(data)
    yield running
    if running.process.poll() is None:
        running.stop()
    processes.end(marked(running))


def test_every_cent_survives_and_no_process_does(stack: RunningStack, bare_env: dict[str, str]) -> None:
    assert is_ready(stack)
    audit, people = manage(stack, bare_env, "audit_ledger"), manage(stack, bare_env, "demo_people")
    assert len(json.loads(people)) >= 12

    # A process that dies is started again, and that is said.
    web = next(pid for pid in marked(stack) if b"paya.wsgi" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(web, signal.SIGKILL)
    wait_for(lambda: "web ended (SIGKILL)" in stack.output.read_text())
    wait_for(lambda: is_ready(stack))

    # Everything is killed at once; a new start finds it all.
    stack.process.kill()
    for pid in marked(stack):
        processes.send(pid, signal.SIGKILL)
    stack.process.wait()
    again = start_stack(stack.data, stack.port)
    assert manage(again, bare_env, "demo_people") == people
    assert manage(again, bare_env, "audit_ledger") == audit

    # Only the supervisor is killed; a new start ends what it left and takes its place.
    again.process.kill()
    again.process.wait()
    third = start_stack(stack.data, stack.port)
    assert manage(third, bare_env, "demo_people") == people

    # And one signal ends everybody.
    before = time.monotonic()
    third.stop()
    assert time.monotonic() - before < 20
    assert third.process.returncode == 0
    assert marked(third) == []


def test_an_interrupted_demo_is_begun_again(data: Path, bare_env: dict[str, str]) -> None:
    folder = DataFolder(data)
    env = bare_env | {"PAYA_DATA": str(data), "PAYA_PORT": str(21000 + os.getpid() % 10000), "PAYA_THROWAWAY": "1"}
    data.mkdir(mode=0o711)
    first = subprocess.Popen([sys.executable, "-m", "paya.local", "run"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    wait_for(lambda: folder.state().get("embedded", {}).get("demo") == "loading", 60)
    time.sleep(2)
    first.send_signal(signal.SIGINT)
    assert first.wait(20) == 0
    assert folder.state()["embedded"]["demo"] == "loading"
    assert processes.marked(folder.secrets()["stack_id"]) == []
    second = start_stack(data)
    try:
        assert len(json.loads(manage(second, bare_env, "demo_people"))) >= 12
        manage(second, bare_env, "audit_ledger")
    finally:
        second.stop()
