"""Installing hashed requirements into `.venv`: quickly with uv, or with pip where uv cannot.

Standard library only, since this is what runs on a machine that has nothing yet.
"""

from __future__ import annotations

import ast
import hashlib
import io
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Sequence
from pathlib import Path

from paya.local.errors import StartError
from paya.local.processes import die_with_parent

BOOT = "requirements-boot.txt"
_UV_WHEEL = re.compile(r"uv-[\d.]+-py3-none-manylinux_2_17_x86_64\.manylinux2014_x86_64\.whl")
# What pip and uv call the same thing. uv reads none of pip's settings.
_UV_OPTIONS = {
    "index-url": "--default-index",
    "extra-index-url": "--index",
    "find-links": "--find-links",
    "trusted-host": "--allow-insecure-host",
}
_UV_VARIABLES = {
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "timeout": "UV_HTTP_TIMEOUT",
    "proxy": "ALL_PROXY",
}


def make_venv(venv: Path) -> None:
    """Make the virtual environment, with pip where this Python brings it along."""
    # When this runs on the environment that is made anew, only the Python behind it is still there.
    base = getattr(sys, "_base_executable", sys.executable)
    for arguments in ((), ("--without-pip",)):
        done = _run([base, "-m", "venv", *arguments, str(venv)])
        if done.returncode == 0:
            return
    raise StartError(
        f"{base} cannot make a virtual environment (Debian, Ubuntu: apt-get install python3-venv): {last_line(done.stdout)}"
    )


def install(venv: Path, root: Path, files: Sequence[str]) -> None:
    """Install requirement files with their hashes checked; StartError says what pip says when it fails."""
    python = venv / "bin" / "python"
    paths = [part for name in files for part in ("-r", str(root / name))]
    has_pip = _run([str(python), "-m", "pip", "--version"]).returncode == 0
    settings = pip_settings(python) if has_pip else _pip_variables()
    trouble = _install_with_uv(venv, root, paths, settings, has_pip=has_pip)
    if trouble is None:
        return
    if not has_pip:
        raise StartError(f"The packages could not be installed: {trouble}")
    print(f"  uv could not install them ({trouble}); pip can take a minute or two", flush=True)
    done = _run([*_pip(python), "--no-deps", "--require-hashes", *paths])
    if done.returncode != 0:
        raise StartError(f"The packages could not be installed: {last_line(done.stdout)}")


def pip_settings(python: Path) -> dict[str, list[str]]:
    """What pip's files and PIP_ variables say about indexes and the like, the strongest of each setting."""
    settings: dict[str, list[str]] = {}
    # pip lists them from the weakest to the strongest; a section `:env:` is the variables.
    for line in _run([str(python), "-m", "pip", "config", "list"]).stdout.splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.partition(".")
        if section in ("global", "install", ":env:"):
            try:
                settings[key] = str(ast.literal_eval(value)).split()
            except (SyntaxError, ValueError):
                continue
    return settings


def _pip_variables() -> dict[str, list[str]]:
    """The same where there is no pip to ask."""
    keys = [*_UV_OPTIONS, *_UV_VARIABLES, "no-index"]
    found = {key: os.environ.get(f"PIP_{key.upper().replace('-', '_')}", "").split() for key in keys}
    return {key: values for key, values in found.items() if values}


def uv_arguments(settings: dict[str, list[str]]) -> tuple[list[str], dict[str, str]]:
    """pip's settings as uv's options and environment variables."""
    options = [part for key, option in _UV_OPTIONS.items() for value in settings.get(key, ()) for part in (option, value)]
    if settings.get("no-index", ["0"])[0].lower() in ("1", "true", "yes", "on"):
        options.append("--no-index")
    variables = {name: settings[key][0] for key, name in _UV_VARIABLES.items() if settings.get(key)}
    return options, variables


def last_line(output: str) -> str:
    """The last line of a program's output that says something."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _install_with_uv(venv: Path, root: Path, paths: list[str], settings: dict[str, list[str]], *, has_pip: bool) -> str | None:
    """Why uv could not do it, or None when it did."""
    uv = venv / "bin" / "uv"
    if not uv.exists():
        try:
            trouble = _uv_from_pip(venv, root) if has_pip else _uv_from_index(uv, root)
        except (OSError, ValueError, KeyError) as error:
            trouble = str(error)
        if trouble:
            return trouble
    options, variables = uv_arguments(settings)
    # All indexes are equals for pip, and so they are here; what may come from them is fixed by its hash.
    command = [str(uv), "pip", "install", "--quiet", "--no-progress", "--index-strategy=unsafe-best-match"]
    command += ["--python", str(venv / "bin" / "python"), "--no-deps", "--require-hashes", *options, *paths]
    if not os.access(Path.home(), os.W_OK):
        command.append("--no-cache")
    done = _run(command, os.environ | variables)
    return None if done.returncode == 0 else last_line(done.stdout)


def _uv_from_pip(venv: Path, root: Path) -> str | None:
    done = _run([*_pip(venv / "bin" / "python"), "--no-deps", "--require-hashes", "-r", str(root / BOOT)])
    return None if done.returncode == 0 else last_line(done.stdout)


def _uv_from_index(uv: Path, root: Path) -> str | None:
    """Fetch uv by hand: Debian's Python comes without pip."""
    index = os.environ.get("PIP_INDEX_URL") or os.environ.get("UV_DEFAULT_INDEX") or "https://pypi.org/simple"
    if not index.startswith(("https://", "http://")):
        return f"{index} is no address to fetch from"
    page_url = f"{index.rstrip('/')}/uv/"
    pinned = (root / BOOT).read_text()
    links = re.findall(r'href="([^"#]+)', _fetch(page_url).decode())
    link = next((link for link in links if _UV_WHEEL.search(link) and f"uv=={_version_of(link)} " in pinned), None)
    if link is None:
        return f"{page_url} does not list what {BOOT} names"
    wheel = _fetch(urllib.parse.urljoin(page_url, link))
    if hashlib.sha256(wheel).hexdigest() not in pinned:
        return f"the file behind {link} is not the one that {BOOT} names"
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        program = next(name for name in archive.namelist() if name.endswith(".data/scripts/uv"))
        uv.write_bytes(archive.read(program))
    uv.chmod(0o755)
    return None


def _version_of(link: str) -> str:
    return link.rpartition("/")[2].split("-")[1]


def _fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=300) as answer:  # noqa: S310 - the caller has looked at the scheme
        content: bytes = answer.read()
    return content


def _pip(python: Path) -> list[str]:
    return [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]


def _run(command: Sequence[str], env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        preexec_fn=die_with_parent(),
    )
