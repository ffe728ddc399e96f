"""The tree and its proofs, against the published vector and against the verifier, which shares no code with them."""

import hashlib
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.proofs.forge import EPOCH, KEY, attestation, built, load_verifier
from transparency.proofs import streams
from transparency.proofs.paths import proof_of
from transparency.proofs.records import depth_for, who_of
from transparency.proofs.tree import Liabilities, TooMuch, Tree, build_half

verifier = load_verifier()


def attested(tree: Tree, **other: Any) -> Any:
    return verifier.parse(attestation(tree, **other).text())


def test_the_golden_vector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nonces = {"PY-0001": b"\x11" * 32, "PY-0002": b"\x22" * 32, "PY-0003": b"\x33" * 32}
    salts = [bytes([0xA0 + 16 * part + number]) * 32 for part in (0, 1) for number in range(4)]
    monkeypatch.setattr(streams, "split", lambda key, balances: np.array([2500, 6001, 0], dtype=np.uint64))
    monkeypatch.setattr(streams, "places", lambda key, part, size: np.array([[2, 0, 3, 1], [1, 3, 0, 2]][part]))
    monkeypatch.setattr(streams, "stream", lambda key, purpose, chunk, width, part: b"".join(salts[4 * part : 4 * part + 4]))
    streams._salts.cache_clear()
    whos = b"".join(who_of(name, nonce) for name, nonce in nonces.items())
    assert whos[:32].hex() == "c93e52c0a7da9c2fad23d3e1bc167706490f54647307d78d0a96e06788b2594d"
    assert whos[32:64].hex() == "a66202c6011ea7b20b88e3c1171661a8a36fb7788297da6bb079680a7e6a8df5"
    owed = Liabilities(np.array([10000, 6001, 0], dtype=np.uint64), whos)
    tree = Tree(tmp_path, EPOCH, 2)
    for part in (0, 1):
        build_half(tree, part, owed=owed, key=KEY)
    leaf = tree.level(0, 0).read_bytes()[40:80]
    assert leaf.hex() == "00000000000009c49b879f6ab01d62b626d54938afcf3e124b1c6f641448134e716833c53ed09a17"
    assert tree.top(0).hex() == "00000000000021350c39fe49c142aaf78f2e1acf2253e261780667722b94f5b861bf8f481ce028a8"
    assert tree.top(1).hex() == "0000000000001d4ce71f6ceb395e0915b5a431c509bba3ef4c4402f68dd8cc0e7dce57f64c311d28"
    assert tree.root.hex() == "f89d1e72652ed2f0d2d6ff6758573cf43e2e5d61fc56023fc7448d05175d1817"
    assert tree.total == 16001
    proof = proof_of(tree, 0, key=KEY)
    streams._salts.cache_clear()
    assert len(proof) == 264
    assert hashlib.sha256(proof).hexdigest() == "42d9125d91de40cbaf8508c62c2d855fbe8427f67f7f9e52039a8cf519774303"
    verifier.check_proof(proof, account="PY-0001", nonce=nonces["PY-0001"], balance=10000, attestation=attested(tree))


def test_everybody_is_counted(tmp_path: Path) -> None:
    people = {f"person{n}": random.Random(n).choice([0, 1, 99, 2**53 + n, 10**6]) for n in range(1100)}
    tree = built(tmp_path, people)
    assert (tree.depth, tree.total) == (11, sum(people.values()))
    for number, (name, balance) in enumerate(people.items()):
        proof = proof_of(tree, number, key=KEY)
        verifier.check_proof(proof, account=name, nonce=bytes(32), balance=balance, attestation=attested(tree))


def test_every_bit_of_a_proof_counts(tmp_path: Path) -> None:
    tree = built(tmp_path, {"ada": 123_45, "bo": 0})
    proof = proof_of(tree, 0, key=KEY)
    mine = {"account": "ada", "nonce": bytes(32), "balance": 123_45, "attestation": attested(tree)}
    verifier.check_proof(proof, **mine)
    for at in range(len(proof)):
        other = proof[:at] + bytes([proof[at] ^ 1 << at % 8]) + proof[at + 1 :]
        with pytest.raises(verifier.Refused):
            verifier.check_proof(other, **mine)


def test_splits_are_exact_and_uniform() -> None:
    balances = np.array([0, 1, 2, 2**62, 2**63 - 1, 10**6] * 20_000, dtype=np.uint64)
    dice = [streams.stream(KEY, "split", chunk, 16) for chunk in range(2)]
    shares = streams.split(KEY, balances)
    for number in random.Random(1).sample(range(len(balances)), 2000):
        piece = dice[number // streams.CHUNK][number % streams.CHUNK * 16 :][:16]
        assert int(shares[number]) == int.from_bytes(piece, "big") * (int(balances[number]) + 1) >> 128
    # Chi-square over ten bins at 20,000 draws; 27.9 is what chance exceeds once in a thousand times. The key is fixed.
    counts = np.bincount((shares[5::6] * np.uint64(10) // np.uint64(10**6 + 1)).astype(int), minlength=10)
    assert float(((counts - 2000) ** 2 / 2000).sum()) < 27.9


def test_places_are_permutations_apart_from_each_other() -> None:
    first, second = (streams.places(KEY, part, 1 << 17) for part in (0, 1))
    assert sorted(first) == sorted(second) == list(range(1 << 17))
    assert (first == second).sum() < 20


@pytest.mark.parametrize(("accounts", "depth"), [(0, 10), (1, 10), (1024, 10), (1025, 11), (1 << 20, 20), ((1 << 20) + 1, 21)])
def test_depth(accounts: int, depth: int) -> None:
    assert depth_for(accounts) == depth


def test_what_would_wrap_is_refused() -> None:
    with pytest.raises(TooMuch):
        Liabilities(np.array([2**62, 2**62], dtype=np.uint64), bytes(64))
    with pytest.raises(TooMuch):  # wraps to a small number in 64 bits
        Liabilities(np.array([2**63, 2**63, 5], dtype=np.uint64), bytes(96))
    with pytest.raises(ValueError, match="one who"):
        Liabilities(np.array([1], dtype=np.uint64), b"")
