"""What can be known to be wrong before anything slow begins. Standard library only."""

from __future__ import annotations

import os
from pathlib import Path

from . import ports, processes
from .environment import ROOT, wants_sandbox
from .errors import StartError
from .folder import DataFolder

DEFAULT_PORT = 8000


def data_folder() -> DataFolder:
    """The data folder that PAYA_DATA names."""
    return DataFolder(Path(os.environ.get("PAYA_DATA") or ROOT / "var"))


def first_port() -> int:
    """The port of web; live, sandbox and the staff's site follow it."""
    given = os.environ.get("PAYA_PORT") or str(DEFAULT_PORT)
    if not given.isdigit() or not 1 <= int(given) <= 65532:
        raise StartError(f"PAYA_PORT is {given!r}, which is no port number: use one from 1 to 65532.")
    return int(given)


def check_ports(first: int) -> None:
    """Refuse to start where somebody else already listens."""
    names = {first: "web", first + 1: "live", first + 3: "the staff's site"}
    names |= {first + 2: "the sandbox"} if wants_sandbox() else {}
    taken = ports.first_taken(sorted(names))
    if taken is not None:
        raise StartError(
            f"Port {taken} (for {names[taken]}) is already taken on this machine: "
            "stop what listens there, or set PAYA_PORT to another port."
        )


def check_all() -> None:
    """Everything that a start will insist on, before the first installation makes the person wait for it."""
    folder, first = data_folder(), first_port()
    folder.create()
    folder.lock()
    try:
        # Leftovers of a killed start may still listen; ending them is the supervisor's business.
        if not processes.marked(folder.secrets()["stack_id"]):
            check_ports(first)
    finally:
        folder.unlock()
