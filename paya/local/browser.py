"""A Chromium for the browser tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_DEBIAN_PACKAGES = ("chromium", "fonts-noto-color-emoji")


def find_chromium() -> str | None:
    """Path of a Chromium: the one named, one that is installed, or one that is installed now; None without."""
    named = os.environ.get("PAYA_CHROMIUM")
    if named:
        return named
    return _installed() or _from_debian()


def _installed() -> str | None:
    return next((path for path in map(shutil.which, _NAMES) if path), None)


def _from_debian() -> str | None:
    """Debian's own package, where we may install it."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    print("Installing Chromium with apt-get (once)", flush=True)
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *_DEBIAN_PACKAGES]):
        done = subprocess.run(
            ["apt-get", "-q", *command],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            print(f"apt-get {command[0]} failed: {done.stderr.strip()[-500:]}", file=sys.stderr, flush=True)
            return None
    return _installed()
