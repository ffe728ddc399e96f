"""How `manage.py` finds the running servers, and which login each command gets."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from . import processes
from .environment import ROOT
from .errors import StartError

ENV_FILE = "env.json"
OWNER_COMMANDS = {
    "migrate", "makemigrations", "sqlmigrate", "showmigrations", "squashmigrations",
    "createcachetable", "dbshell", "flush", "inspectdb", "sqlflush",
}  # fmt: skip
LOGIN_OF_COMMAND = dict.fromkeys(OWNER_COMMANDS, "owner") | {
    "audit_attestation": "auditor",
    "audit_ledger": "auditor",
    "compliance_report": "auditor",
    "load_demo": "demo",
    "runserver": "web",
    "shell": "web",
    "verify_trail": "auditor",
}
# These ask no database anything, so they work without a running one.
OFFLINE_COMMANDS = {
    "", "help", "--help", "version", "--version", "check", "collectstatic", "findstatic", "spectacular",
    "diffsettings", "startapp", "compilemessages", "makemessages",
}  # fmt: skip


def prepare_environment(argv: list[str]) -> None:
    """Fill os.environ for a command, unless DATABASE_URL says that somebody has done so already."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "paya.settings")
    if os.environ.get("DATABASE_URL"):
        return
    command = argv[1] if len(argv) > 1 else ""
    data = Path(os.environ.get("PAYA_DATA") or ROOT / "var").absolute()
    running = running_environment(data)
    if running is not None:
        login = LOGIN_OF_COMMAND.get(command, "worker")
        os.environ.update(running["shared"] | {"DATABASE_URL": running["urls"][login]})
    elif command in OFFLINE_COMMANDS or "--help" in argv:
        _pretend()
    else:
        raise StartError(f"No PaYa runs on {data}: start bin/run first, or set PAYA_DATA or DATABASE_URL.")


def running_environment(data: Path) -> dict[str, Any] | None:
    """What the supervisor of a data folder has written down, if it is alive."""
    try:
        written: dict[str, Any] = json.loads((data / "run" / ENV_FILE).read_text())
    except PermissionError as error:
        raise StartError(f"The data folder {data} belongs to another user: run this as the one who runs PaYa.") from error
    except (OSError, ValueError):
        return None
    alive = processes.start_time(written["supervisor"]["pid"]) == written["supervisor"]["started"]
    return written if alive else None


def _pretend() -> None:
    """Settings need values even where nothing uses them; these open nothing."""
    for name in ("PAYA_SECRET_KEY", "PAYA_JWT_KEY", "PAYA_OTP_KEY", "PAYA_BLIND_KEY"):
        os.environ.setdefault(name, secrets.token_hex(32))
    os.environ.setdefault("PAYA_KEY_FILE", os.devnull)
    os.environ.setdefault("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
    os.environ.setdefault("REDIS_URL", "redis://127.0.0.1:1/0")
