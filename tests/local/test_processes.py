import os
import signal
import subprocess
import sys
from pathlib import Path

from paya.local import processes

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)",
]


def test_only_processes_with_the_mark_of_this_stack_are_found(tmp_path: Path) -> None:
    ours = processes.spawn(SLEEP, env={processes.STACK_MARK: "abc"}, cwd=tmp_path, output=subprocess.DEVNULL)
    theirs = processes.spawn(SLEEP, env={processes.STACK_MARK: "abcd"}, cwd=tmp_path, output=subprocess.DEVNULL)
    try:
        assert processes.marked("abc") == [ours.pid]
        processes.end([ours.pid])
        assert ours.wait(5) == -signal.SIGTERM
        assert processes.marked("abc") == []
        assert theirs.poll() is None
    finally:
        theirs.kill()
        theirs.wait()


def test_who_does_not_listen_is_killed(tmp_path: Path) -> None:
    process = subprocess.Popen(STUBBORN, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    processes.end([process.pid], grace=0.3)
    assert process.wait(5) == -signal.SIGKILL
    process.stdout.close()


def test_a_number_that_was_given_to_another_process_is_not_waited_for() -> None:
    process = subprocess.Popen(SLEEP)
    born = processes.start_time(process.pid)
    assert born is not None
    assert processes.start_time(process.pid) == born
    process.kill()
    process.wait()
    assert processes.start_time(process.pid) is None
    assert processes.wait_gone([process.pid], 0) == []


def test_children_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys, time; from pathlib import Path; from paya.local import processes;"
        f"p = processes.spawn({SLEEP!r}, env={{}}, cwd=Path('/'), output=subprocess.DEVNULL);"
        "print(p.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert processes.wait_gone([child], 5) == []


def test_spawned_processes_do_not_hear_the_terminal(tmp_path: Path) -> None:
    process = processes.spawn(SLEEP, env={}, cwd=tmp_path, output=subprocess.DEVNULL)
    try:
        assert os.getsid(process.pid) == process.pid != os.getsid(0)
    finally:
        processes.send_group(process.pid, signal.SIGKILL)
        process.wait()
