"""A day's tree on disk. Whoever can read these files knows everybody's balance of that day: mode 0700, and gone after 35 days."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from django.conf import settings

from transparency.errors import ProofNotReady
from transparency.proofs import half
from transparency.proofs.paths import proof_of
from transparency.proofs.records import PARTS, depth_for
from transparency.proofs.tree import Tree

KEEP_DAYS = 35
ABANDONED = 24 * 3600  # seconds after which what a killed build left behind is removed
IN_ONE_PROCESS = 50_000  # accounts: below, starting another process costs more than it saves
_ROW = half.ROW.itemsize


def _home() -> Path:
    home = Path(settings.PROOFS_FOLDER)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home


def folder_of(epoch: int) -> Path:
    return Path(settings.PROOFS_FOLDER) / str(epoch)


def build(epoch: int, *, rows: bytes, whos: bytes, key: bytes) -> Tree:
    """Build a day's tree; done again, it comes out the same. Nobody ever finds half a tree."""
    beside = Path(tempfile.mkdtemp(prefix=f".{epoch}-", dir=_home()))
    try:
        (beside / "accounts").write_bytes(rows)
        (beside / "whos").write_bytes(whos)
        _build_halves(beside, epoch, key, accounts=len(rows) // _ROW)
        (beside / "whos").unlink()
        try:
            beside.rename(folder_of(epoch))
        except OSError:
            if not is_there(epoch):  # else somebody has built the same: it is not taken away from who reads it
                raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return tree_of(epoch, len(rows) // _ROW)


def _build_halves(folder: Path, epoch: int, key: bytes, *, accounts: int) -> None:
    if accounts <= IN_ONE_PROCESS:
        for part in PARTS:
            half.build(folder, epoch, part, key)
        return
    command = [sys.executable, "-m", "transparency.proofs.half", str(folder), str(epoch)]
    halves = [subprocess.Popen([*command, str(part)], stdin=subprocess.PIPE, cwd=settings.BASE_DIR) for part in PARTS]
    with _ended(halves) as both:
        for process in both:
            assert process.stdin is not None
            process.stdin.write(key)
            process.stdin.close()
        codes = [process.wait() for process in both]
    if any(codes):
        raise RuntimeError(f"a half of the tree of epoch {epoch} was not built: {codes}")


@contextmanager
def _ended(processes: list[subprocess.Popen[bytes]]) -> Iterator[list[subprocess.Popen[bytes]]]:
    try:
        yield processes
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()


def tree_of(epoch: int, accounts: int) -> Tree:
    return Tree(folder_of(epoch), epoch, depth_for(accounts))


def is_there(epoch: int) -> bool:
    return folder_of(epoch).is_dir()


def find(epoch: int, number: int) -> tuple[int, int] | None:
    """Where an account stands among the day's, and what it was owed; by bisection in the file. None: it was not there.

    Raises ProofNotReady when the day's files are gone.
    """
    try:
        rows = np.memmap(folder_of(epoch) / "accounts", dtype=half.ROW, mode="r")
    except FileNotFoundError as error:
        raise ProofNotReady(retry_after=5) from error
    at = int(np.searchsorted(rows["number"], number))
    if at == len(rows) or int(rows["number"][at]) != number:
        return None
    return at, int(rows["owed"][at])


def proof(epoch: int, depth: int, place: int, *, key: bytes) -> bytes:
    """Raises ProofNotReady when the day's files are gone."""
    try:
        return proof_of(Tree(folder_of(epoch), epoch, depth), place, key=key)
    except FileNotFoundError as error:
        raise ProofNotReady(retry_after=5) from error


def prune(before: int, *, keep: set[int]) -> list[int]:
    """Remove the trees of days before this one, but for some; which those were. And what killed builds have left behind."""
    for half_made in _home().glob(".*-*"):
        if half_made.stat().st_mtime < time.time() - ABANDONED:
            shutil.rmtree(half_made, ignore_errors=True)
    old = [int(day.name) for day in _home().iterdir() if day.name.isdigit() and int(day.name) < before]
    gone = sorted(set(old) - keep)
    for epoch in gone:
        remove(epoch)
    return gone


def remove(epoch: int) -> None:
    shutil.rmtree(folder_of(epoch), ignore_errors=True)
