"""The environment of every process of the stack: the only way in which it is told anything."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import processes
from .folder import DataFolder

ROOT = Path(__file__).resolve().parent.parent.parent
VENDOR_KEYS = ("PLAID_CLIENT_ID", "DWOLLA_KEY", "TWILIO_ACCOUNT_SID", "STRIPE_SECRET_KEY")
_VENDOR_SECRETS = (
    "PLAID_CLIENT_ID", "PLAID_SECRET", "DWOLLA_KEY", "DWOLLA_SECRET", "DWOLLA_WEBHOOK_SECRET",
    "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN",
)  # fmt: skip
_APPLICATION_SECRETS = ("PAYA_SECRET_KEY", "PAYA_JWT_KEY", "PAYA_OTP_KEY", "PAYA_BLIND_KEY")


def wants_sandbox(environ: Mapping[str, str] = os.environ) -> bool:
    """The stand-ins for the vendors run unless somebody gives real keys (or says otherwise)."""
    if "PAYA_SANDBOX" in environ:
        return environ["PAYA_SANDBOX"] == "1"
    return not any(environ.get(key) for key in VENDOR_KEYS)


def application(folder: DataFolder, secrets: Mapping[str, Any], *, port: int, sandbox: bool) -> dict[str, str]:
    """What the product's processes share; what the person at the terminal has set wins."""
    made = {
        "PAYA_ENV": "local",
        "PAYA_DATA": str(folder.path),
        "PAYA_PORT": str(port),
        "PAYA_KEY_FILE": str(folder.key_file),
        "PAYA_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PAYA_LIVE_URL": f"ws://127.0.0.1:{port + 1}",
        "PAYA_STAFF_URL": f"http://127.0.0.1:{port + 3}",
        "PAYA_STATIC_ROOT": str(folder.path / "static"),
        **{name: secrets[name] for name in _APPLICATION_SECRETS},
    }
    if sandbox:
        sandbox_url = f"http://127.0.0.1:{port + 2}"
        made |= {
            "PAYA_SANDBOX": "1",
            "PAYA_SANDBOX_URL": sandbox_url,
            "PLAID_BASE_URL": f"{sandbox_url}/plaid",
            "DWOLLA_BASE_URL": f"{sandbox_url}/dwolla",
            "STRIPE_BASE_URL": f"{sandbox_url}/stripe",
            "TWILIO_BASE_URL": f"{sandbox_url}/twilio",
            "TWILIO_FROM": "+15005550006",
            "PAYA_ODFI_DROP": str(folder.path / "odfi"),
            "PAYA_ATTESTATION_FOLDER": str(folder.path / "attestations"),
            "PAYA_ATTESTATION_MIRRORS": f"{sandbox_url}/mirror",
            **{name: secrets[name] for name in _VENDOR_SECRETS},
        }
    given = {name: value for name, value in os.environ.items() if name in made and name not in ("PAYA_DATA", "PAYA_PORT")}
    return made | given | {"DJANGO_SETTINGS_MODULE": "paya.settings"}


def sandbox_process(folder: DataFolder, secrets: Mapping[str, Any], *, port: int) -> dict[str, str]:
    """What the sandbox's process is told: its own folder and the vendors' credentials, nothing of the product."""
    return {
        "DJANGO_SETTINGS_MODULE": "sandbox.settings",
        "PAYA_SANDBOX": "1",
        "PAYA_SANDBOX_DATA": str(folder.sandbox),
        "PAYA_SANDBOX_PORT": str(port + 2),
        "PAYA_SANDBOX_SECRET_KEY": secrets["PAYA_SANDBOX_SECRET_KEY"],
        "PAYA_SANDBOX_URL": f"http://127.0.0.1:{port + 2}",
        "PAYA_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "TWILIO_FROM": "+15005550006",
        "PAYA_SANDBOX_MIRROR": os.environ.get("PAYA_ATTESTATION_FOLDER", str(folder.path / "attestations")),
        "PAYA_ODFI_DROP": os.environ.get("PAYA_ODFI_DROP", str(folder.path / "odfi")),
        **{name: secrets[name] for name in _VENDOR_SECRETS},
    }


def process_environment(stack_id: str, own: Mapping[str, str]) -> dict[str, str]:
    """A whole environment for one process: the machine's, what it is told, and the mark of its stack."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return {**inherited, **own, processes.STACK_MARK: stack_id, "PYTHONUNBUFFERED": "1"}
