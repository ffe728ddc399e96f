"""Failpoints, put into the product's processes from outside: this folder stands on the PYTHONPATH of a campaign's stack.

CAMPAIGN_FAILPOINTS names a folder. While it holds a file `ROLE.POINT.before` (or `.after`), the next process of that
role that calls the point's function takes the file away and is gone: SIGKILL, before the call or after its return.
"""

import importlib.abc
import importlib.machinery
import os
import signal
import sys
from pathlib import Path

FOLDER = os.environ.get("CAMPAIGN_FAILPOINTS", "")
# point: module, class or "", function
POINTS = {
    "commit": ("django.db.backends.base.base", "BaseDatabaseWrapper", "_commit"),
    "call": ("banking.services.transfers.submitting", "", "_create"),
    "record": ("banking.services.transfers.submitting", "", "_accepted"),
    "settle": ("banking.services.transfers.outcomes", "", "_settle"),
    "inbox": ("banking.services.inbox", "", "_act"),
    "publish": ("core.relay", "", "_publish"),
}


def _role() -> str:
    command = Path("/proc/self/cmdline").read_bytes()
    for mark, role in ((b"gunicorn\0paya", "web"), (b"\0--hostname=worker@", "worker"), (b"\0relay\0", "relay")):
        if mark in command:
            return role
    return "other"


def _wrap(module, owner: str, function: str, point: str) -> None:
    holder = getattr(module, owner) if owner else module
    real = getattr(holder, function)

    def here(*args, **kwargs):
        _die_if_armed(point, "before")
        result = real(*args, **kwargs)
        _die_if_armed(point, "after")
        return result

    setattr(holder, function, here)


def _die_if_armed(point: str, when: str) -> None:
    try:
        os.unlink(f"{FOLDER}/{ROLE}.{point}.{when}")  # only one process succeeds
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def _forget_keys(module):
    """While the folder holds `new-keys`: each try has a key of its own, and nobody looks whether an earlier one came through."""
    from dataclasses import replace
    from uuid import uuid4

    real = module._hand_over

    def hand_over(work, bank, customer):
        if os.path.exists(f"{FOLDER}/new-keys"):
            module._create(replace(work, key=uuid4()), bank)
        else:
            real(work, bank, customer)

    module._hand_over = hand_over


class _Finder(importlib.abc.MetaPathFinder):
    """Lets the real finders find, and wraps the named functions once their module has been run."""

    def find_spec(self, name, path=None, target=None):
        wanted = [(point, owner, function) for point, (module, owner, function) in POINTS.items() if module == name]
        if not wanted and name != "paya.local.supervisor":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        real = spec.loader.exec_module

        def exec_module(module):
            real(module)
            for point, owner, function in wanted:
                _wrap(module, owner, function, point)
            if name == "banking.services.transfers.submitting":
                _forget_keys(module)
            if name == "paya.local.supervisor":
                module.LONGEST_PAUSE = 0.5  # hundreds of deaths on purpose are no reason to wait longer and longer

        spec.loader.exec_module = exec_module
        return spec


if FOLDER:
    ROLE = _role()
    sys.meta_path.insert(0, _Finder())
