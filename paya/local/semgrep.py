"""semgrep for our own rules, in an environment of its own: it does not resolve beside the rest of the packages."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sys
from pathlib import Path

from . import install
from .environment import ROOT

FILE = "requirements-semgrep.txt"
# Nothing is fetched, nothing is told to anybody: the rules are files of ours.
OFFLINE = ("--metrics=off", "--disable-version-check")


def find_semgrep() -> Path:
    """Its program, installed into `.venv` when what the lock names is not there yet."""
    venv = Path(sys.prefix) / "semgrep"
    program, stamp = venv / "bin" / "semgrep", venv / ".paya-stamp"
    wanted = hashlib.sha256(f"{venv}\n".encode() + (ROOT / FILE).read_bytes()).hexdigest()
    with (Path(sys.prefix) / ".paya-semgrep.lock").open("a") as lock:  # two runs at once: the second waits
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted:
            return program
        shutil.rmtree(venv, ignore_errors=True)  # half of an installation is never repaired
        install.make_venv(venv)
        (venv / "bin" / "uv").symlink_to(Path(sys.prefix) / "bin" / "uv")
        install.install(venv, ROOT, [FILE])
        stamp.write_text(wanted)
    return program
