"""The 27 false attestations of the design, for everyone who can catch them: a person alone (U), two people or one with another
channel (UU), anybody with the public files (P). What only an auditor with the ledger can catch is tried beside the ledger.
"""

import argparse
import base64
import hashlib
import inspect
import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.proofs.forge import EPOCH, HASH, KEY, SIGNER, VERIFIER, attestation, built, load_verifier, note
from transparency.proofs.attestation import FIRST, Statement, digest
from transparency.proofs.log import consistency, leaf_hash, log_root
from transparency.proofs.note import Signer, sign
from transparency.proofs.paths import proof_of
from transparency.proofs.records import LIMIT, RECORD, leaf_prefix, node_prefix, root_of, who_of
from transparency.proofs.tree import Liabilities, Tree, build_half

verifier = load_verifier()
KEYS = (SIGNER.verifier_key,)
PEOPLE = {"ada": 120_00, "bo": 60_00, "cy": 60_00, "di": 0}
HALF = 44 + RECORD * 10


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return built(tmp_path / "tree", PEOPLE)


def check(tree: Tree, proof: bytes, *, who: str = "ada", balance: int = 120_00, **attested: Any) -> None:
    """What a person does: the signature, the text, the proof."""
    signed = verifier.parse(verifier.open_note(note(tree, **attested), KEYS))
    verifier.check_proof(proof, account=who, nonce=bytes(32), balance=balance, attestation=signed)


def refused(step: str) -> Any:
    class Raises:
        def __enter__(self) -> None:
            self.context = pytest.raises(verifier.Refused)
            self.caught = self.context.__enter__()

        def __exit__(self, *error: Any) -> bool:
            result = self.context.__exit__(*error)
            assert self.caught.value.step == step
            return bool(result)

    return Raises()


def patched(data: bytes, at: int, piece: bytes) -> bytes:
    return data[:at] + piece + data[at + len(piece) :]


def test_the_truth_holds(tree: Tree) -> None:
    for number, (who, balance) in enumerate(PEOPLE.items()):
        check(tree, proof_of(tree, number, key=KEY), who=who, balance=balance)


# ---------------------------------------------------------------------------------------------- 1 to 4: U
def test_01_somebody_is_left_out(tmp_path: Path) -> None:
    without = built(tmp_path / "t", {name: cents for name, cents in PEOPLE.items() if name != "ada"})
    for number in range(3):
        with pytest.raises(verifier.Refused):
            check(without, proof_of(without, number, key=KEY))


def test_02_an_amount_is_too_low(tmp_path: Path) -> None:
    low = built(tmp_path / "t", PEOPLE | {"ada": 100_00})
    with refused("balance"):
        check(low, proof_of(low, 0, key=KEY))


def test_03_the_fragments_do_not_add_up(tree: Tree) -> None:
    proof = proof_of(tree, 0, key=KEY)
    (first,) = struct.unpack_from(">Q", proof, 20)
    with refused("balance"):
        check(tree, patched(proof, 20, struct.pack(">Q", first - 1)))
    with refused("root"):  # nor does it help to expect less
        check(tree, patched(proof, 20, struct.pack(">Q", first - 1)), balance=119_99)


def test_04_total_or_root_are_not_the_paths(tree: Tree) -> None:
    proof = proof_of(tree, 0, key=KEY)
    with refused("total"):
        check(tree, proof, liabilities=tree.total - 1)
    with refused("root"):
        check(tree, proof, root=HASH)


# ------------------------------------------------------------------------------------- 5 and 6: sums that lie, U
def test_05_any_sum_beside_the_path_is_altered(tree: Tree) -> None:
    proof = proof_of(tree, 0, key=KEY)
    for start in (16, 16 + HALF):
        for level in range(tree.depth):
            at = start + 44 + RECORD * level
            (cents,) = struct.unpack_from(">Q", proof, at)
            with refused("root"):
                check(tree, patched(proof, at, struct.pack(">Q", cents + 1)))


def test_05_the_maximum_instead_of_the_sum(tree: Tree) -> None:
    """Maxwell's tree binds only the sum: two people are told different siblings, and the total is that of one of them."""
    hl, hr = b"\x01" * 32, b"\x02" * 32

    def maxwell(left: int, right: int) -> bytes:
        return hashlib.sha256(struct.pack(">Q", left + right) + hl + hr).digest()

    assert maxwell(100, 0) == maxwell(40, 60)  # both are convinced, and 60 are hidden
    ours = [
        hashlib.sha256(node_prefix(1, EPOCH) + struct.pack(">Q", left) + hl + struct.pack(">Q", right) + hr).digest()
        for left, right in ((100, 0), (40, 60))
    ]
    assert ours[0] != ours[1]


@pytest.mark.parametrize("cents", [LIMIT, 2**64 - 1, 2**64 - 120_00])
def test_06_sums_that_are_negative_or_wrap(tree: Tree, cents: int) -> None:
    proof = proof_of(tree, 0, key=KEY)
    for at in (20, 16 + 44, 16 + 44 + RECORD * 5):
        with refused("sum"):
            check(tree, patched(proof, at, struct.pack(">Q", cents)))


def test_06_sums_that_wrap_only_when_added(tree: Tree) -> None:
    proof = patched(proof_of(tree, 0, key=KEY), 16 + 44, struct.pack(">Q", LIMIT - 1))
    proof = patched(proof, 16 + 44 + RECORD, struct.pack(">Q", LIMIT - 1))
    with refused("sum"):
        check(tree, proof)


# -------------------------------------------------------------------------------------- 7 to 10: other shapes, U
def test_07_an_inner_node_is_offered_as_a_leaf(tree: Tree) -> None:
    """Its 80 bytes below cannot be told as amount, who and salt: another tag, another length."""
    assert len(leaf_prefix(0, EPOCH)) + 8 + 32 + 32 == 86
    assert len(node_prefix(1, EPOCH)) + 2 * RECORD == 94
    proof = proof_of(tree, 0, key=KEY)
    shorter = proof[:16] + proof[16 + RECORD : 16 + HALF] + proof[16 + HALF + RECORD :]
    with refused("length"):
        check(tree, shorter)


@pytest.mark.parametrize("length", [0, 1, 15, 16, -1, -RECORD, RECORD, 2 * RECORD])
def test_07_the_path_is_shorter_or_longer(tree: Tree, length: int) -> None:
    proof = proof_of(tree, 0, key=KEY)
    for other in (proof[:length], proof + bytes(abs(length) or 1)):
        with refused("length"):
            check(tree, other)


def test_07_the_depth_is_altered(tree: Tree) -> None:
    proof = proof_of(tree, 0, key=KEY)
    with refused("depth"):
        check(tree, patched(proof, 12, b"\x0b"))
    with refused("length"):
        check(tree, proof, depth=11)
    with refused("depth"):
        check(tree, proof, depth=0)


def test_07_a_place_that_the_tree_does_not_have(tree: Tree) -> None:
    with refused("index"):
        check(tree, patched(proof_of(tree, 0, key=KEY), 16, struct.pack(">I", 1 << 10)))


def test_08_a_leaf_of_one_half_in_the_other(tree: Tree) -> None:
    proof = proof_of(tree, 0, key=KEY)
    swapped = proof[:16] + proof[16 + HALF :] + proof[16 : 16 + HALF]
    with refused("root"):
        check(tree, swapped)


def test_08_the_same_leaf_twice(tree: Tree) -> None:
    proof = proof_of(tree, 0, key=KEY)
    (first,) = struct.unpack_from(">Q", proof, 20)
    with refused("root"):
        check(tree, proof[:16] + proof[16 : 16 + HALF] * 2, balance=2 * first)


def test_09_yesterdays_proof_or_tree_for_today(tree: Tree, tmp_path: Path) -> None:
    proof = proof_of(tree, 0, key=KEY)
    with refused("epoch"):
        check(tree, proof, epoch=EPOCH + 1)
    with refused("root"):
        check(tree, patched(proof, 8, struct.pack(">I", EPOCH + 1)), epoch=EPOCH + 1)
    today = built(tmp_path / "today", PEOPLE, epoch=EPOCH + 1, key=b"k" * 32)
    with refused("root"):
        check(tree, patched(proof_of(today, 0, key=b"k" * 32), 8, struct.pack(">I", EPOCH)))


def test_10_the_leaf_of_somebody_else_with_the_same_balance(tree: Tree) -> None:
    with refused("root"):
        check(tree, proof_of(tree, 1, key=KEY), who="cy", balance=60_00)
    check(tree, proof_of(tree, 2, key=KEY), who="cy", balance=60_00)


# -------------------------------------------------------------------------------------- 11 to 13: the verifier itself
def test_10_one_name_for_two_people(tmp_path: Path) -> None:
    """Two who were told the same name see it when they compare; a secret of one's own makes one leaf serve nobody else."""
    mine, theirs = bytes(range(32)), bytes(range(1, 33))
    owed = Liabilities(np.array([60_00], dtype=np.uint64), who_of("ada", mine))
    tree = Tree(tmp_path, EPOCH, owed.depth)
    for part in (0, 1):
        build_half(tree, part, owed=owed, key=KEY)
    signed = verifier.parse(attestation(tree).text())
    proof = proof_of(tree, 0, key=KEY)
    verifier.check_proof(proof, account="ada", nonce=mine, balance=60_00, attestation=signed)
    with refused("root"):
        verifier.check_proof(proof, account="ada", nonce=theirs, balance=60_00, attestation=signed)


def test_11_the_proof_says_nothing_about_whom_what_and_to_where() -> None:
    """Root, total, account and balance are told by the person and the attestation: the proof has no place for them."""
    assert len(b"PAYAPRF1") + 4 + 1 + 3 + 2 * (4 + 8 + 32 + 10 * (8 + 32)) == 16 + 2 * HALF
    assert set(inspect.signature(verifier.check_proof).parameters) == {"proof", "account", "nonce", "balance", "attestation"}


def test_12_another_key(tree: Tree) -> None:
    stranger = Signer("paya.example", Ed25519PrivateKey.generate())
    with refused("signature"):
        verifier.open_note(sign(attestation(tree).text(), stranger), KEYS)
    with refused("signature"):  # a stranger's signature under the id of the known key
        raw = base64.b64decode(SIGNER.line(b"x\n").split()[2])
        forged = raw[:4] + stranger.key.sign(attestation(tree).text())
        line = f"\u2014 paya.example {base64.b64encode(forged).decode()}\n".encode()
        verifier.open_note(attestation(tree).text() + b"\n" + line, KEYS)
    with refused("key"):
        verifier.open_note(note(tree), ())
    with refused("key"):
        verifier.open_note(note(tree), (SIGNER.verifier_key.replace("paya.example", "paya.other"),))


def test_12_an_altered_text(tree: Tree) -> None:
    signed = note(tree)
    for at in range(signed.index(b"\n\n")):
        with pytest.raises(verifier.Refused):
            verifier.open_note(patched(signed, at, bytes([signed[at] ^ 1])), KEYS)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("epoch 20513\n", "epoch 20513\nepoch 20513\n"),
        ("epoch 20513\n", "epoch 020513\n"),
        ("epoch 20513\n", "epoch +20513\n"),
        ("epoch 20513\n", "epoch 20513 \n"),
        ("epoch 20513\n", "epoch \u0662\n"),
        ("epoch 20513\n", ""),
        ("epoch 20513\n", "epoch 20513\r\n"),
        ("epoch 20513\n", f"epoch {2**32}\n"),
        ("unit USD 2\n", "unit USD 3\n"),
        ("receivable 0\n", "receivable -1\n"),
        ("receivable 0\n", f"receivable {2**63}\n"),
        ("receivable 0\n", "receivable 0\nnote hello\n"),
        (HASH, HASH.upper()),
        (HASH, HASH[:-1]),
        ("\n", "\r\n"),
        ("cut 2026-03-01T00:00:00Z\n", "cut 2026-02-29T00:00:00Z\n"),
        ("cut 2026-03-01T00:00:00Z\n", "cut 2026-03-01T24:00:00Z\n"),
        ("reserve-asof 2026-02-28T23:59:59Z\n", "reserve-asof 2026-03-01T00:00:01Z\n"),
        (f"software {HASH}\n", f"software {HASH}\ncorrects 20513\n"),
        ("paya.example/attestation/v1\n", "paya.example/attestation/v2\n"),
        ("paya.example/attestation/v1\n", "\ufeffpaya.example/attestation/v1\n"),
    ],
)
def test_12_a_text_that_is_signed_and_not_written_as_it_should(tree: Tree, old: str, new: str) -> None:
    text = attestation(tree).text().decode()
    assert old in text
    with refused("text"):
        verifier.parse(verifier.open_note(sign(text.replace(old, new).encode(), SIGNER), KEYS))


def test_12_a_cut_on_another_day_than_the_one_that_is_named(tree: Tree) -> None:
    text = attestation(tree).text().replace(b"cut 2026-03-01", b"cut 2026-03-02")
    with refused("epoch"):
        verifier.parse(verifier.open_note(sign(text, SIGNER), KEYS))


def test_12_bytes_after_the_note_and_signatures_of_another_form(tree: Tree) -> None:
    signed = note(tree)
    alone = signed.partition(b"\n\n")[0]
    for other in (signed + b"x", signed[:-1], signed + b"\n", signed.replace(b"\n", b"\r\n"), b"", b"\n\n", alone):
        with pytest.raises(verifier.Refused):
            verifier.open_note(other, KEYS)


def test_12_a_second_form_of_the_same_signature(tree: Tree) -> None:
    """S + q satisfies the equation as S does: accepted, one text would have two notes."""
    text = attestation(tree).text()
    key, signature = SIGNER.public, SIGNER.key.sign(text)
    assert verifier.ed25519_holds(key, text, signature)
    s = int.from_bytes(signature[32:], "little") + verifier.Q
    assert not verifier.ed25519_holds(key, text, signature[:32] + s.to_bytes(32, "little"))
    for at in range(64):
        assert not verifier.ed25519_holds(key, text, patched(signature, at, bytes([signature[at] ^ 4])))
    assert not verifier.ed25519_holds(b"\xff" * 32, text, signature)


def test_13_amounts_that_a_double_cannot_hold(tmp_path: Path) -> None:
    rich = built(tmp_path / "t", {"ada": 2**53 + 1, "bo": 2**62})
    check(rich, proof_of(rich, 0, key=KEY), balance=2**53 + 1)
    with refused("balance"):
        check(rich, proof_of(rich, 0, key=KEY), balance=2**53)


# ------------------------------------------------------------------------------- 14 to 16: the chain, UU and P
def run(tmp_path: Path, tree: Tree, *more: str, **files: bytes) -> subprocess.CompletedProcess[str]:
    """The published file as people run it, with no package at hand."""
    for name, content in ({"proof": proof_of(tree, 0, key=KEY), "attestation": note(tree)} | files).items():
        (tmp_path / name).write_bytes(content)
    command = [sys.executable, "-I", "-S", str(VERIFIER), str(tmp_path / "attestation"), "--proof", str(tmp_path / "proof"),
               "--account", "@ada", "--balance", "120.00", "--key", SIGNER.verifier_key, *more]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_command_says_what_holds(tree: Tree, tmp_path: Path) -> None:
    done = run(tmp_path, tree)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "$120.00 of @ada are in the total of $240.00" in done.stdout
    assert digest(attestation(tree).text())[:8] in done.stdout


def test_the_command_says_what_it_was_not_given_and_ends_in_order_when_nobody_listens(tree: Tree, tmp_path: Path) -> None:
    assert "No signed statement came with the proof." in run(tmp_path, tree).stdout
    listener, answer = os.pipe()
    os.close(listener)
    with os.fdopen(answer, "w") as gone:
        command = [sys.executable, "-I", "-S", str(VERIFIER), str(tmp_path / "attestation"), "--key", SIGNER.verifier_key]
        done = subprocess.run(command, stdout=gone, stderr=subprocess.PIPE, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_14_two_texts_for_one_day(tree: Tree, tmp_path: Path) -> None:
    other = str(tmp_path / "other")
    same = run(tmp_path, tree, "--same", other, other=note(tree))
    assert same.returncode == 0, same.stdout
    split = run(tmp_path, tree, "--same", other, other=note(tree, liabilities=tree.total - 60_00))
    assert split.returncode == 1
    assert "split view" in split.stdout


def test_12_a_key_that_is_said_stands_instead_of_the_published_ones(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = Signer("paya.example", Ed25519PrivateKey.generate())
    monkeypatch.setattr(verifier, "KEYS", KEYS)
    options = argparse.Namespace(attestation=note(tree), key=[], chain=None, same=[], proof=None)
    assert verifier.check(options)[0].startswith("Holds.")
    options.key = [stranger.verifier_key]
    with refused("signature"):
        verifier.check(options)


def chain_of(tree: Tree, folder: Path, days: int, **last: Any) -> list[bytes]:
    """Attestations that follow one another, as files in a folder; `last` alters the newest."""
    folder.mkdir(exist_ok=True)
    notes: list[bytes] = []
    previous = FIRST
    for back in reversed(range(days)):
        text = attestation(tree, epoch=EPOCH - back, **({"previous": previous} | ({} if back else last))).text()
        notes.append(sign(text, SIGNER))
        (folder / f"{EPOCH - back}.txt").write_bytes(notes[-1])
        previous = digest(text)
    return notes


def test_15_the_days_follow_one_another(tree: Tree, tmp_path: Path) -> None:
    notes = chain_of(tree, tmp_path / "chain", 3)
    good = run(tmp_path, tree, "--chain", str(tmp_path / "chain"), attestation=notes[-1])
    assert good.returncode == 0, good.stdout
    assert "3 days follow one another; 0 between them were not attested" in good.stdout
    assert "does not begin at the beginning" not in good.stdout
    (tmp_path / f"chain/{EPOCH - 2}.txt").unlink()
    later = run(tmp_path, tree, "--chain", str(tmp_path / "chain"), attestation=notes[-1])
    assert later.returncode == 0, later.stdout
    assert "It does not begin at the beginning: what came before 2026-02-28T00:00:00Z is not here." in later.stdout


def test_15_the_past_is_rewritten(tree: Tree, tmp_path: Path) -> None:
    """Whoever has kept a day finds that what is shown now does not follow from it."""
    notes = chain_of(tree, tmp_path / "chain", 3)
    rewritten = attestation(tree, epoch=EPOCH - 1, reserve=1, previous=digest(verifier._text_of(notes[0])))
    (tmp_path / f"chain/{EPOCH - 1}.txt").write_bytes(sign(rewritten.text(), SIGNER))
    bad = run(tmp_path, tree, "--chain", str(tmp_path / "chain"), attestation=notes[-1])
    assert (bad.returncode, "chain" in bad.stdout) == (1, True), bad.stdout


def test_15_a_day_is_issued_again(tree: Tree, tmp_path: Path) -> None:
    """Two signed texts for one day are portable evidence, whoever holds them."""
    notes = chain_of(tree, tmp_path / "chain", 3)
    again = attestation(tree, epoch=EPOCH, reserve=1, previous=digest(verifier._text_of(notes[1])))
    (tmp_path / "chain/again.txt").write_bytes(sign(again.text(), SIGNER))
    bad = run(tmp_path, tree, "--chain", str(tmp_path / "chain"), attestation=notes[-1])
    assert (bad.returncode, "split view" in bad.stdout) == (1, True), bad.stdout
    (tmp_path / "chain/again.txt").write_bytes(sign(notes_text(tree, digest(verifier._text_of(notes[2]))), SIGNER))
    later = run(tmp_path, tree, "--chain", str(tmp_path / "chain"), attestation=notes[-1])
    assert (later.returncode, "A day comes twice" in later.stdout) == (1, True), later.stdout


def notes_text(tree: Tree, previous: str) -> bytes:
    return attestation(tree, epoch=EPOCH, previous=previous).text()


def extends(old_size: int, old_root: bytes, size: int, root: bytes, proof: list[bytes]) -> bool:
    """What a witness does before it signs a checkpoint (RFC 9162, 2.1.4.2), written apart from our own log."""
    if old_size == size:
        return old_root == root and not proof
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    fn, sn = old_size - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for step in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = (hashlib.sha256(b"\x01" + step + one).digest() for one in (fr, sr))
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = hashlib.sha256(b"\x01" + sr + step).digest()
        fn, sn = fn >> 1, sn >> 1
    return fr == old_root and sr == root and sn == 0


def test_15_the_log_is_no_longer_a_continuation() -> None:
    texts = [b"day %d\n" % day for day in range(13)]
    leaves = [leaf_hash(text) for text in texts]
    for old in range(1, 14):
        for size in range(old, 14):
            proof = consistency(old, leaves[:size])
            assert extends(old, log_root(leaves[:old]), size, log_root(leaves[:size]), proof)
            if old < size:
                rewritten = [leaf_hash(b"another"), *leaves[1:size]]
                for shown in (proof, consistency(old, rewritten)):
                    assert not extends(old, log_root(leaves[:old]), size, log_root(rewritten), shown)


def test_16_a_missed_day_is_seen(tree: Tree, tmp_path: Path) -> None:
    notes = chain_of(tree, tmp_path / "chain", 2)
    late = attestation(tree, epoch=EPOCH + 3, previous=digest(verifier._text_of(notes[1])))
    (tmp_path / "chain/late.txt").write_bytes(sign(late.text(), SIGNER))
    days, _ = verifier.check_chain([*notes, sign(late.text(), SIGNER)], KEYS)
    assert [day.epoch for day in days] == [EPOCH - 1, EPOCH, EPOCH + 3]
    done = run(tmp_path, tree, "--chain", str(tmp_path / "chain"), attestation=notes[-1])
    assert "2 between them were not attested" in done.stdout


def test_a_key_is_changed_by_both(tree: Tree) -> None:
    new = Signer("paya.example", Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
    thief = Signer("paya.example", Ed25519PrivateKey.from_private_bytes(b"\x0a" * 32))

    def told(*signers: Signer, key: Signer = new) -> list[bytes]:
        first = note(tree)
        lines = f"paya.example/key/v1\nepoch {EPOCH}\nold {SIGNER.verifier_key}\nnew {key.verifier_key}\n"
        change = f"{lines}previous {digest(verifier._text_of(first))}\n".encode()
        after = attestation(tree, epoch=EPOCH + 1, previous=digest(change)).text()
        return [first, sign(change, *signers), sign(after, key)]

    assert len(verifier.check_chain(told(SIGNER, new), KEYS)[0]) == 2
    assert len(verifier.check_chain(told(SIGNER, new), (new.verifier_key,))[0]) == 2  # told the newest key only
    with refused("signature"):
        verifier.check_chain(told(SIGNER), KEYS)
    with refused("signature"):
        verifier.check_chain(told(thief, key=thief), KEYS)
    first, change, _ = told(SIGNER, new)
    old_signs_on = sign(attestation(tree, epoch=EPOCH + 1, previous=digest(verifier._text_of(change))).text(), SIGNER)
    with refused("signature"):
        verifier.check_chain([first, change, old_signs_on], KEYS)


# ------------------------------------------------------------------------ the envelope: claims, and the statement
def envelope(tree: Tree, **other: Any) -> bytes:
    said = Statement("paya.example", EPOCH, "ada", 120_00, 7, digest(attestation(tree).text()))
    body = {
        "epoch": EPOCH, "account": "ada", "nonce": "00" * 32, "balance": 120_00,
        "proof": base64.urlsafe_b64encode(proof_of(tree, 0, key=KEY)).decode().rstrip("="),
        "statement": sign(said.text(), SIGNER).decode(),
    }  # fmt: skip
    return json.dumps(body | other).encode()


def test_11_what_the_envelope_says_is_a_claim(tree: Tree, tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-S", str(VERIFIER), str(tmp_path / "a"), "--proof", str(tmp_path / "p"),
               "--key", str(tmp_path / "k")]  # fmt: skip

    def told(*more: str, **other: Any) -> tuple[int, str]:
        for name, content in (("a", note(tree)), ("p", envelope(tree, **other)), ("k", SIGNER.verifier_key.encode() + b"\n")):
            (tmp_path / name).write_bytes(content)
        done = subprocess.run([*command, *more], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    code, words = told()
    assert code == 0, words
    assert "Is this you? account, nonce, balance came with the proof" in words
    assert "Is this you?" not in told("--account", "ada", "--balance", "120.00", "--nonce", "00" * 32)[1]
    for more, step in ((["--balance", "130.00"], "balance"), (["--account", "bo"], "account"), (["--nonce", "11" * 32], "nonce")):
        code, words = told(*more)
        assert (code, f"({step})" in words) == (1, True), words
    # To raise the claim does not raise what is counted, and the statement has to say the same.
    assert "(balance)" in told(balance=130_00)[1]
    assert "(root)" in told(account="bo")[1]
    lower = Statement("paya.example", EPOCH, "ada", 110_00, 7, digest(attestation(tree).text()))
    other_day = Statement("paya.example", EPOCH, "ada", 120_00, 7, HASH)
    for statement in (lower, other_day):
        assert "(statement)" in told(statement=sign(statement.text(), SIGNER).decode())[1]


@pytest.mark.parametrize(
    "other",
    [
        {"account": 5}, {"account": ["a"]}, {"account": "m\u00e4ya"}, {"account": "a" * 70_000}, {"nonce": 5}, {"nonce": "11"},
        {"balance": -1}, {"balance": 2**70}, {"balance": True}, {"proof": None}, {"proof": "*"}, {"statement": 5},
    ],
)  # fmt: skip
def test_11_an_envelope_of_another_form_is_no_proof(tree: Tree, other: dict[str, Any]) -> None:
    with refused("format"):
        verifier.read_proof(envelope(tree, **other))


def test_11_an_envelope_that_nothing_comes_out_of_is_no_proof() -> None:
    for content in (b"", b"\xff", b"[]", b"5", b"[" * 100_000):
        with refused("format"):
            verifier.read_proof(content)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--balance", "120"], ["--balance", "-1.00"], ["--balance", "1,20.00"], ["--nonce", "zz"],
        ["--account", "\u00e9"], ["--proof", "/nowhere"],
        ["--chain", "/nowhere"], ["--what"],
    ],
)
def test_what_is_not_understood_is_said(tree: Tree, tmp_path: Path, wrong: list[str]) -> None:
    done = run(tmp_path, tree, *wrong)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "paya-verify: error" in done.stderr


# ------------------------------------------------------------------------------------------------------- privacy
def test_two_days_share_nothing(tmp_path: Path) -> None:
    first = built(tmp_path / "a", PEOPLE, key=b"a" * 32)
    second = built(tmp_path / "b", PEOPLE, key=b"b" * 32, epoch=EPOCH + 1)
    hashes = [
        {tree.level(part, 0).read_bytes()[at + 8 : at + 40] for part in (0, 1) for at in range(0, 1024 * RECORD, RECORD)}
        for tree in (first, second)
    ]
    assert len(hashes[0]) == len(hashes[1]) == 2048  # no leaf twice in a day, pads and halves included
    assert not hashes[0] & hashes[1]
    days = ((first, b"a" * 32), (second, b"b" * 32))
    salts = [proof_of(tree, number, key=key)[28:60] for tree, key in days for number in range(4)]
    assert len(set(salts)) == 8


def test_nobody_keeps_their_place_or_their_neighbours(tmp_path: Path) -> None:
    people = {f"p{number}": number for number in range(300)}
    places = [
        np.frombuffer(built(tmp_path / str(day), people, key=bytes([day]) * 32).places(part).read_bytes(), dtype=">u4")[:300]
        for day in (1, 2)
        for part in (0, 1)
    ]
    for at, one in enumerate(places):
        for other in places[at + 1 :]:
            assert (one == other).sum() <= 4  # of 1,024 places 0.3 are expected to agree by chance
            assert ((one ^ 1) == other).sum() <= 4


def test_a_proof_names_nobody_else(tree: Tree) -> None:
    proofs = [proof_of(tree, number, key=KEY) for number in range(4)]
    for number, proof in enumerate(proofs):
        for other, name in enumerate(PEOPLE):
            assert who_of(name) not in proof
            if other != number:
                assert proofs[other][28:60] not in proof


def test_a_leaf_is_not_found_by_trying(tree: Tree) -> None:
    """Somebody beside ada knows her name and her fragment: without the salt no hash fits."""
    leaves = tree.level(0, 0).read_bytes()
    (place,) = struct.unpack_from(">I", proof_of(tree, 0, key=KEY), 16)
    record = leaves[place * RECORD : (place + 1) * RECORD]
    for salt in (bytes(32), KEY, b"\xff" * 32):
        assert hashlib.sha256(leaf_prefix(0, EPOCH) + record[:8] + who_of("ada") + salt).digest() != record[8:]


def test_empty_accounts_and_pads_look_alike(tree: Tree) -> None:
    leaves = tree.level(0, 0).read_bytes()
    empty = [leaves[at : at + 8] for at in range(0, len(leaves), RECORD)].count(bytes(8))
    assert empty >= 1024 - 3
    assert root_of(tree.depth, tree.epoch, tree.top(0), tree.top(1)) == tree.root
