"""How `.venv` comes about."""

import hashlib
import io
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from paya.local import install, prepare
from paya.local.environment import ROOT

PIN = re.compile(r"^([a-z0-9._-]+)==([^\s;]+)", re.MULTILINE | re.IGNORECASE)


def pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / name).read_text()))


def test_both_locks_agree_because_they_share_one_environment() -> None:
    run, test = pins("requirements.txt"), pins("requirements-dev.txt")
    assert run
    assert {name: test.get(name) for name in run} == run
    assert pins("requirements-boot.txt") == {"uv": test["uv"]}


def test_every_requirement_has_its_hash() -> None:
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-boot.txt", "requirements-browser.txt"):
        text = (ROOT / name).read_text().replace("\\\n", "")
        lines = [line for line in text.splitlines() if PIN.match(line)]
        assert lines
        assert all("--hash=sha256:" in line for line in lines)


def test_uv_is_told_what_pip_is_configured_with() -> None:
    options, variables = install.uv_arguments(
        {
            "index-url": ["https://mirror.example/simple"],
            "extra-index-url": ["https://a.example", "https://b.example"],
            "find-links": ["/wheels"],
            "cert": ["/ca.pem"],
            "no-index": ["true"],
        }
    )
    assert options == [
        "--default-index", "https://mirror.example/simple", "--index", "https://a.example",
        "--index", "https://b.example", "--find-links", "/wheels", "--no-index",
    ]  # fmt: skip
    assert variables == {"SSL_CERT_FILE": "/ca.pem"}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "requirements.txt").write_text("a==1")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to("/bin/sh")
    monkeypatch.setattr(prepare, "ROOT", tmp_path)
    monkeypatch.setattr(prepare, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(prepare, "_UNFINISHED", tmp_path / ".venv" / ".paya-unfinished")
    return tmp_path


def test_an_environment_is_ready_until_what_it_was_made_from_changes(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[tuple[str, ...]] = []
    monkeypatch.setattr(install, "make_venv", lambda venv: (venv / "bin").mkdir())
    monkeypatch.setattr(install, "install", lambda venv, root, files: installed.append(files))
    assert not prepare.is_ready(prepare.RUN_FILES)
    prepare._prepare(prepare.RUN_FILES)
    assert prepare.is_ready(prepare.RUN_FILES)
    (checkout / "requirements.txt").write_text("a==2")
    assert not prepare.is_ready(prepare.RUN_FILES)
    prepare._prepare(prepare.RUN_FILES)
    assert len(installed) == 2


def test_half_an_installation_is_thrown_away(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(install, "make_venv", lambda venv: (venv / "bin").mkdir())
    monkeypatch.setattr(install, "install", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare._prepare(prepare.RUN_FILES)
    (checkout / ".venv" / "half-of-a-package").touch()
    assert not prepare.is_ready(prepare.RUN_FILES)
    monkeypatch.setattr(install, "install", lambda *_: None)
    prepare._prepare(prepare.RUN_FILES)
    assert prepare.is_ready(prepare.RUN_FILES)
    assert not (checkout / ".venv" / "half-of-a-package").exists()


def test_no_process_compiles_what_another_has_compiled(checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also on a machine that wants no bytecode beside its sources, where none appears."""
    module = tmp_path / "source" / "some_module.py"
    module.parent.mkdir()
    module.touch()
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    prepare.keep_bytecode()
    subprocess.run([sys.executable, "-c", "import some_module"], cwd=module.parent, check=True)
    assert list(module.parent.iterdir()) == [module]
    assert [path.name.partition(".")[0] for path in prepare.VENV.rglob("some_module*.pyc")] == ["some_module"]


# --- where Python comes without pip
WHEEL = "uv-1.2.3-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"


@pytest.fixture
def index() -> Iterator[tuple[str, bytes]]:
    """A package index with one file."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("uv-1.2.3.data/scripts/uv", "#!/bin/sh\n")
    wheel = content.getvalue()
    pages = {"/simple/uv/": f'<a href="../../files/{WHEEL}#sha256=x">uv</a>'.encode(), f"/files/{WHEEL}": wheel}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(pages[self.path])

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple", wheel
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("genuine", [True, False])
def test_uv_is_fetched_and_its_hash_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: tuple[str, bytes], genuine: bool
) -> None:
    url, wheel = index
    monkeypatch.setenv("PIP_INDEX_URL", url)
    digest = hashlib.sha256(wheel if genuine else b"another").hexdigest()
    (tmp_path / install.BOOT).write_text(f"uv==1.2.3 \\\n    --hash=sha256:{digest}\n")
    trouble = install._uv_from_index(tmp_path / "uv", tmp_path)
    assert (trouble is None) == genuine == (tmp_path / "uv").exists()
