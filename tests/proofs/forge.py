"""What honest and dishonest operators make, for the tests: small trees, attestations, keys."""

import sys
from datetime import timedelta
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from transparency.proofs.attestation import FIRST, Attestation, cut_of
from transparency.proofs.note import Signer, sign
from transparency.proofs.records import who_of
from transparency.proofs.tree import Liabilities, Tree, build_half

ROOT = Path(__file__).parents[2]
VERIFIER = ROOT / "bin/paya-verify"
KEY = bytes(range(32))
EPOCH = 20513
SIGNER = Signer("paya.example", Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))
HASH = "ab" * 32


def load_verifier() -> ModuleType:
    """The published file, as a module."""
    if "paya_verify" not in sys.modules:
        loader = SourceFileLoader("paya_verify", str(VERIFIER))
        spec = spec_from_loader("paya_verify", loader)
        assert spec is not None
        sys.modules["paya_verify"] = module_from_spec(spec)
        loader.exec_module(sys.modules["paya_verify"])
    return sys.modules["paya_verify"]


def built(folder: Path, people: dict[str, int], *, key: bytes = KEY, epoch: int = EPOCH) -> Tree:
    owed = Liabilities(np.array(list(people.values()), dtype=np.uint64), b"".join(map(who_of, people)))
    folder.mkdir(exist_ok=True)
    tree = Tree(folder, epoch, owed.depth)
    for part in (0, 1):
        build_half(tree, part, owed=owed, key=key)
    return tree


def attestation(tree: Tree, **other: Any) -> Attestation:
    cut = cut_of(other.get("epoch", tree.epoch))
    values: dict[str, Any] = {
        "origin": "paya.example", "epoch": tree.epoch, "cut": cut, "depth": tree.depth,
        "liabilities": tree.total, "root": tree.root.hex(), "receivable": 0, "reserve": tree.total,
        "reserve_asof": cut - timedelta(seconds=1), "reserve_evidence": HASH, "ledger_head": HASH,
        "previous": FIRST, "software": HASH,
    }  # fmt: skip
    return Attestation(**(values | other))


def note(tree: Tree, **other: Any) -> bytes:
    return sign(attestation(tree, **other).text(), SIGNER)
