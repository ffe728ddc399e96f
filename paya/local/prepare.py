"""From a bare checkout to a running command: makes `.venv`, then becomes the command inside it.

Run by bin/_start as a script with any Python that is new enough. Standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
if __name__ == "__main__":
    sys.path[0] = str(ROOT)  # for a script it is the script's folder

from paya.local import install, preflight
from paya.local.errors import StartError

VENV = ROOT / ".venv"
RUN_FILES = ("requirements.txt",)
TEST_FILES = ("requirements.txt", "requirements-dev.txt")
_UNFINISHED = VENV / ".paya-unfinished"


def main(argv: list[str]) -> None:
    """Prepare what a command needs and become it (the process stays the same one)."""
    command = argv[0]
    # A relative folder is meant from where the person stands, and everything else runs from the checkout.
    if os.environ.get("PAYA_DATA"):
        os.environ["PAYA_DATA"] = str(Path(os.environ["PAYA_DATA"]).absolute())
    os.chdir(ROOT)
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell may have started us with SIGINT ignored
        signal.signal(number, signal.default_int_handler)
    started = time.monotonic()
    try:
        files = RUN_FILES if command == "run" else TEST_FILES
        if not is_ready(files):
            if command == "run":
                preflight.check_all()
            _prepare(files)
            print(f"  packages installed, {time.monotonic() - started:.1f} s", flush=True)
    except StartError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    python = VENV / "bin" / "python"
    os.environ["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    os.environ["VIRTUAL_ENV"] = str(VENV)
    os.environ.pop("PYTHONHOME", None)
    keep_bytecode()
    os.execv(python, [str(python), "-m", "paya.local", *argv])  # noqa: S606


def keep_bytecode() -> None:
    """Where the machine wants no bytecode beside sources (images for containers often do), it goes into `.venv` instead.

    With none at all, each of a dozen processes would compile more than a thousand modules at every start: seconds.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(VENV / "bytecode"))


def is_ready(files: tuple[str, ...]) -> bool:
    """Whether `.venv` holds exactly what these files ask for."""
    try:
        return not _UNFINISHED.exists() and _stamp_file(files).read_text() == _stamp(files)
    except OSError:
        return False


def _prepare(files: tuple[str, ...]) -> None:
    if not os.access(ROOT, os.W_OK) or (VENV.exists() and not os.access(VENV, os.W_OK)):
        raise StartError(
            f"The checkout {ROOT} cannot be written by this user, so .venv cannot be made in it: "
            "clone it to a folder of your own."
        )
    with _only_one():
        if is_ready(files):  # somebody else was faster
            return
        started_over = _UNFINISHED.exists() or not os.access(VENV / "bin" / "python", os.X_OK)
        if started_over:
            # Half of an installation is never repaired: a new one takes seconds.
            shutil.rmtree(VENV, ignore_errors=True)
            VENV.mkdir()
            _UNFINISHED.touch()
            print(f"Preparing .venv with Python {sys.version.split()[0]} (once)", flush=True)
            install.make_venv(VENV)
        else:
            print("Bringing .venv up to date", flush=True)
            _UNFINISHED.touch()
        install.install(VENV, ROOT, files)
        for done in {RUN_FILES, files}:
            _stamp_file(done).write_text(_stamp(done))
        _UNFINISHED.unlink()


@contextlib.contextmanager
def _only_one() -> Iterator[None]:
    """Two starts at once in one checkout: the second waits for the first one's installation."""
    with (ROOT / ".venv.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another start is preparing .venv; waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _stamp_file(files: tuple[str, ...]) -> Path:
    return VENV / f".paya-{Path(files[-1]).stem}"


def _stamp(files: tuple[str, ...]) -> str:
    """What the environment depends on: the wanted packages, the Python behind it, and where it stands."""
    digest = hashlib.sha256(f"{VENV}\n{os.path.realpath(VENV / 'bin' / 'python')}\n".encode())
    for name in files:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main(sys.argv[1:])
