"""The data folder: everything that one copy of PaYa must not lose, and nothing of anybody else's."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from pathlib import Path
from typing import Any

from .errors import StartError

LOGIN_ROLES = ("owner", "web", "worker", "staff", "auditor", "demo")


def write_private(path: Path, text: str) -> None:
    """Write a file that only we can read, whole or not at all, and on the disk when this returns."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


class DataFolder:
    """Paths, secrets and remembered facts of one copy of PaYa."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.run = self.path / "run"
        self.logs = self.path / "logs"
        self.sandbox = self.path / "sandbox"
        self.key_file = self.path / "keys.json"
        self._secrets_file = self.path / "secrets.json"
        self._state_file = self.path / "state.json"
        self._lock: int | None = None

    def create(self) -> None:
        """Make the folder, for us alone; an existing one keeps its mode, its secret files have their own."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for part in (self.run, self.logs, self.sandbox):
                part.mkdir(mode=0o700, exist_ok=True)
            probe = self.run / f".probe.{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StartError(
                f"The data folder {self.path} cannot be written ({reason}): set PAYA_DATA to a folder of yours."
            ) from error

    def lock(self) -> None:
        """Claim the folder for this process until it ends, however it ends."""
        descriptor = os.open(self.run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode().strip()
            os.close(descriptor)
            raise StartError(
                f"PaYa already runs on the data folder {self.path}{f' (process {holder})' if holder else ''}: "
                "stop that one first, or set PAYA_DATA to another folder."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._lock = descriptor

    def unlock(self) -> None:
        """Give the folder back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def secrets(self) -> dict[str, Any]:
        """The secrets of this copy; those that are missing are made up and kept."""
        known = _read_json(self._secrets_file)
        complete = _new_secrets() | known
        complete["roles"] = _new_secrets()["roles"] | known.get("roles", {})
        if complete != known:
            write_private(self._secrets_file, json.dumps(complete, indent=2) + "\n")
        if not self.key_file.exists():
            keys = {"active": "k1", "keys": {"k1": secrets.token_hex(32)}}
            write_private(self.key_file, json.dumps(keys, indent=2) + "\n")
        return complete

    def state(self) -> dict[str, Any]:
        """What earlier starts remembered."""
        return _read_json(self._state_file)

    def remember(self, **facts: Any) -> None:
        """Keep facts for the next start; None forgets one."""
        state = {name: fact for name, fact in (self.state() | facts).items() if fact is not None}
        write_private(self._state_file, json.dumps(state, indent=2) + "\n")

    def write_run_file(self, name: str, content: Any) -> None:
        """Write a file that describes the running stack."""
        write_private(self.run / name, json.dumps(content, indent=2) + "\n")

    def remove_run_file(self, name: str) -> None:
        """Remove a file that describes the running stack."""
        with contextlib.suppress(FileNotFoundError):
            (self.run / name).unlink()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return content


# Who is on the staff of a local run, by the name of their secrets, with which roles; the first has all.
STAFF = {
    "staff": ("support", "compliance", "finance", "auditor", "administrator"),
    "staff_support": ("support",),
    "staff_compliance": ("compliance",),
    "staff_finance": ("finance",),
    "staff_auditor": ("auditor",),
    "staff_administrator": ("administrator",),
}


def _new_member(key: str) -> dict[str, str]:
    """What one of them logs in with."""
    name = key.removeprefix("staff_")
    return {"email": f"{name}@paya.test", "password": secrets.token_urlsafe(12), "totp": secrets.token_hex(20)}


def _new_secrets() -> dict[str, Any]:
    return {
        "stack_id": secrets.token_hex(8),
        "postgres_password": secrets.token_urlsafe(24),
        "redis_password": secrets.token_urlsafe(24),
        "roles": {role: secrets.token_urlsafe(24) for role in LOGIN_ROLES},
        **{key: _new_member(key) for key in STAFF},
        "PAYA_SECRET_KEY": secrets.token_urlsafe(48),
        "PAYA_JWT_KEY": secrets.token_hex(32),
        "PAYA_OTP_KEY": secrets.token_hex(32),
        "PAYA_BLIND_KEY": secrets.token_hex(32),
        "PAYA_SANDBOX_SECRET_KEY": secrets.token_urlsafe(48),
        "PLAID_CLIENT_ID": secrets.token_hex(12),
        "PLAID_SECRET": secrets.token_hex(15),
        "DWOLLA_KEY": secrets.token_urlsafe(32),
        "DWOLLA_SECRET": secrets.token_urlsafe(32),
        "DWOLLA_WEBHOOK_SECRET": secrets.token_urlsafe(32),
        "STRIPE_SECRET_KEY": f"sk_test_{secrets.token_hex(24)}",
        "STRIPE_WEBHOOK_SECRETS": f"whsec_{secrets.token_hex(24)}",
        "TWILIO_ACCOUNT_SID": f"AC{secrets.token_hex(16)}",
        "TWILIO_AUTH_TOKEN": secrets.token_hex(16),
    }
