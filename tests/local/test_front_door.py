"""What bin/run says before anything slow begins: one clear sentence, and no trace of a half start."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from paya.local import ports
from paya.local.environment import ROOT
from paya.local.folder import DataFolder


def run(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "paya.local", "run"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
    )


def assert_one_sentence(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    for part in parts:
        assert part in done.stderr


@pytest.mark.parametrize(("offset", "name"), [(0, "web"), (1, "live"), (2, "the sandbox"), (3, "the staff's site")])
def test_a_taken_port_is_named(bare_env: dict[str, str], data: Path, offset: int, name: str) -> None:
    first = ports.free_block(4)
    with socket.create_server(("127.0.0.1", first + offset)):
        done = run(bare_env | {"PAYA_DATA": str(data), "PAYA_PORT": str(first)})
    assert_one_sentence(done, f"Port {first + offset} (for {name}) is already taken", "PAYA_PORT")


def test_a_port_that_is_none_is_named(bare_env: dict[str, str], data: Path) -> None:
    assert_one_sentence(run(bare_env | {"PAYA_DATA": str(data), "PAYA_PORT": "http"}), "'http'", "no port number")


def test_a_data_folder_that_cannot_be_written_is_named(bare_env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(bare_env | {"PAYA_DATA": str(tmp_path / "file")})
    assert_one_sentence(done, f"The data folder {tmp_path / 'file'} cannot be written")


def test_a_second_run_on_the_same_data_is_refused(bare_env: dict[str, str], data: Path) -> None:
    folder = DataFolder(data)
    folder.create()
    folder.lock()
    try:
        done = run(bare_env | {"PAYA_DATA": str(data), "PAYA_PORT": str(ports.free_block(4))})
    finally:
        folder.unlock()
    assert_one_sentence(done, f"already runs on the data folder {data} (process {os.getpid()})")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgres://nobody:x@127.0.0.1:1/network", "cannot be reached"),
        ("postgres://nobody:x@127.0.0.1:1/paya", "cannot be reached"),
    ],
)
def test_a_database_that_does_not_answer_is_said(bare_env: dict[str, str], data: Path, url: str, reason: str) -> None:
    done = run(bare_env | {"PAYA_DATA": str(data), "PAYA_PORT": str(ports.free_block(4)), "DATABASE_URL": url})
    assert done.returncode == 1
    assert "DATABASE_URL" in done.stderr
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_python_that_is_too_old_is_said(tmp_path: Path) -> None:
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\necho "3.9.2 False"\n')
    old.chmod(0o755)
    done = subprocess.run(
        [ROOT / "bin" / "run"], env={"PATH": os.environ["PATH"], "PAYA_PYTHON": str(old)}, capture_output=True, text=True
    )
    assert_one_sentence(done, "PaYa needs Python 3.11 or newer", f"{old} is 3.9.2")


def test_no_python_at_all_is_said() -> None:
    done = subprocess.run(
        [ROOT / "bin" / "run"], env={"PATH": os.environ["PATH"], "PAYA_PYTHON": "no-such-python"}, capture_output=True, text=True
    )
    assert_one_sentence(done, "PaYa needs Python 3.11 or newer (none found)")


# --- manage.py
def manage(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, capture_output=True, text=True)


def test_manage_says_that_nothing_runs(bare_env: dict[str, str], data: Path) -> None:
    assert_one_sentence(manage(bare_env | {"PAYA_DATA": str(data)}, "audit_ledger"), f"No PaYa runs on {data}", "bin/run")


def test_manage_needs_no_server_for_what_asks_it_nothing(bare_env: dict[str, str], data: Path) -> None:
    done = manage(bare_env | {"PAYA_DATA": str(data)}, "version")
    assert done.returncode == 0
    assert done.stdout.startswith("5.2")
