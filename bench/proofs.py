"""Proof of liabilities: a million accounts from the database to a published attestation, the tree against bare hashing, a proof.

- ready_s, peak_mb: `manage.py attest` as a process of its own, from the freeze to open proofs, the reading of the database
  included; the most memory that it and the processes of the two halves held together (PostgreSQL's own not counted);
- vs_bare_hashing: building both halves in one process (salts, order, files), against as many bare SHA-256 of 94 bytes in a loop;
  processor time, medians of interleaved rounds;
- proof_bytes; proof_ms: reading one proof from the files; verify_ms in Python and browser_ms in Chromium, signature included.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from paya.local import database, environment
from transparency.proofs.attestation import FIRST, Attestation, cut_of
from transparency.proofs.note import Signer, sign
from transparency.proofs.paths import proof_of
from transparency.proofs.records import who_of
from transparency.proofs.tree import Liabilities, Tree, build_half

from . import report
from .prepared import Stage
from .report import Target

ACCOUNTS, QUICK, ROUNDS, PROOFS = 1_000_000, 100_000, 3, 200
NAME = "paya_bench_proofs"
EPOCH, KEY = 20513, bytes(range(32))
TARGETS = (
    Target("ready_s", "<", 30), Target("peak_mb", "<", 1024), Target("vs_bare_hashing", "<", 2.5),
    Target("proof_bytes", "<", 2048), Target("browser_ms", "<", 50),
)  # fmt: skip


def measure(stage: Stage, *, quick: bool) -> int:
    accounts = QUICK if quick else ACCOUNTS
    broken: list[str] = []
    figures: dict[str, Any] = {"accounts": accounts}
    figures |= attested(stage, accounts, broken)
    with tempfile.TemporaryDirectory(dir=stage.folder.path) as folder:
        tree, ratios = against_bare_hashing(Path(folder), accounts)
        figures |= ratios
        figures |= one_proof(tree, broken)
    return report.finish("proofs", figures, TARGETS, quick=quick, broken=broken)


# --------------------------------------------------------------------------------------------- from the database
def attested(stage: Stage, accounts: int, broken: list[str]) -> dict[str, Any]:
    stage.clone(NAME)
    try:
        with database.connect(stage.url("admin", NAME), autocommit=True) as connection, connection.cursor() as cursor:
            sql = (Path(__file__).parent / "sql" / "liabilities.sql").read_text()
            for statement in sql.split(";\n"):
                if statement.strip():
                    cursor.execute(statement, {"n": accounts})
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "manage.py", "attest"], env=stage.environment("worker", NAME), cwd=environment.ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        peak = _peak(process)
        out, err = process.communicate()
        seconds = time.perf_counter() - started
        if process.returncode:
            broken.append(f"attest: {err[-500:]}")
        wanted = sum(n % 1_000_003 + n % 7 for n in range(1, accounts + 1))
        if f"\nliabilities {wanted}\n" not in out:
            broken.append("the total is not what was put in")
    finally:
        database.drop(stage.running.admin_url, NAME)
    return {"ready_s": round(seconds, 1), "peak_mb": round(peak / 1e6)}


def _peak(process: subprocess.Popen[str]) -> int:
    """The most bytes that a process and its children held in memory together, looked at every 10 ms until it ends."""
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(_resident, _family(process.pid))))
        time.sleep(0.01)
    return peak


def _family(pid: int) -> list[int]:
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [pid, *(one for child in children for one in _family(child))]


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError):
        return 0


# ---------------------------------------------------------------------------------------------------- the tree alone
def against_bare_hashing(folder: Path, accounts: int) -> tuple[Tree, dict[str, Any]]:
    owed = Liabilities(
        np.arange(accounts, dtype=np.uint64), b"".join(who_of(f"bench_{number}") for number in range(accounts))
    )
    tree = Tree(folder, EPOCH, owed.depth)
    hashes = 2 * (2 ** (tree.depth + 1) - 1) + 1
    builds, bare = [], []
    for _ in range(ROUNDS):
        started = time.process_time()
        for part in (0, 1):
            build_half(tree, part, owed=owed, key=KEY)
        builds.append(time.process_time() - started)
        bare.append(_bare(hashes))
    ratio = statistics.median(builds) / statistics.median(bare)
    return tree, {"build_one_core_s": round(statistics.median(builds), 2), "vs_bare_hashing": round(ratio, 2)}


def _bare(count: int) -> float:
    text, sha256 = os.urandom(94), hashlib.sha256
    started = time.process_time()
    for _ in range(count):
        sha256(text).digest()
    return time.process_time() - started


# ----------------------------------------------------------------------------------------------------------- one proof
def one_proof(tree: Tree, broken: list[str]) -> dict[str, Any]:
    signer = Signer("paya.example", Ed25519PrivateKey.generate())
    when, zeros = cut_of(EPOCH), "0" * 64
    attestation = Attestation(
        origin="paya.example", epoch=EPOCH, cut=when, depth=tree.depth, liabilities=tree.total, root=tree.root.hex(),
        receivable=0, reserve=tree.total, reserve_asof=when, reserve_evidence=zeros, ledger_head=zeros, previous=FIRST,
        software=zeros,
    )  # fmt: skip
    note = sign(attestation.text(), signer)
    verifier = _verifier()
    reading, checking = [], []
    for number in range(PROOFS):
        started = time.perf_counter()
        proof = proof_of(tree, number, key=KEY)
        read = time.perf_counter()
        parsed = verifier.parse(verifier.open_note(note, (signer.verifier_key,)))
        verifier.check_proof(proof, account=f"bench_{number}", nonce=bytes(32), balance=number, attestation=parsed)
        reading.append(read - started)
        checking.append(time.perf_counter() - read)
    seconds = _in_browser(note, proof, PROOFS - 1, signer.verifier_key, broken)
    return {
        "proof_bytes": len(proof), "proof_ms": round(statistics.median(reading) * 1e3, 2),
        "verify_ms": round(statistics.median(checking) * 1e3, 2), "browser_ms": seconds,
    }  # fmt: skip


def _verifier() -> ModuleType:
    loader = SourceFileLoader("paya_verify", str(environment.ROOT / "bin/paya-verify"))
    spec = spec_from_loader("paya_verify", loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules["paya_verify"] = module
    loader.exec_module(module)
    return module


_CHECK = """async ({ note, proof, account, balance, key }) => {
  const { checkProof, ed25519Holds, openNote, parse, unbase64 } = await import("/js/proof.js");
  const [signed, raw] = [unbase64(note), unbase64(proof)];
  const times = [];
  for (let round = 0; round < 50; round++) {
    const started = performance.now();
    const attestation = parse(await openNote(signed, [key], ed25519Holds));
    await checkProof(raw, { account, nonce: new Uint8Array(32), balance: BigInt(balance), attestation });
    times.push(performance.now() - started);
  }
  return [times[0], times.sort((a, b) => a - b)[25]];
}"""


def _in_browser(note: bytes, proof: bytes, number: int, key: str, broken: list[str]) -> float | None:
    """Milliseconds of the first check in a fresh page, which is what a person waits for."""
    from playwright.sync_api import sync_playwright

    from paya.local.browser import find_chromium

    quiet = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *args: None})
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(quiet, directory=str(environment.ROOT / "static"))
    )
    server.handle_error = lambda *args: None  # type: ignore[method-assign]  # the browser leaves before its icon is there
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/js/proof.js")
            told = {"note": base64.b64encode(note).decode(), "proof": base64.b64encode(proof).decode(),
                    "account": f"bench_{number}", "balance": str(number), "key": key}  # fmt: skip
            first, median = page.evaluate(_CHECK, told)
            print(f"in Chromium: the first check {first:.1f} ms, the median of fifty {median:.1f} ms")
            browser.close()
            return round(first, 1)
    except Exception as error:  # noqa: BLE001  (whatever the browser says, the rest was measured)
        broken.append(f"the browser refused: {error}")
        return None
    finally:
        server.shutdown()
