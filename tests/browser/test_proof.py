"""Checking one's balance in a real browser: what holds, what does not, and that the browser refuses what our file refuses."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OpenPhone
from tests.proofs import forge
from tests.stack import Stack
from transparency.proofs.note import sign
from transparency.proofs.paths import proof_of
from transparency.proofs.records import RECORD

PAGE = "/transparency/proof"
verifier = forge.load_verifier()


def good(page: Page) -> Any:
    return page.locator("[data-proof-good]")


def bad(page: Page) -> Any:
    return page.locator("[data-proof-bad]")


def test_one_click_and_what_is_kept_for_the_next_visit(phone: OpenPhone, stack: Stack) -> None:
    page = phone(stack.patron)
    claimed = stack.patron.get("/v1/proof").json()["balance"]
    page.goto(PAGE)
    expect(good(page)).to_have_text(f"Counted: ${claimed / 100:,.2f}")
    result = page.locator("[data-proof-result]")
    expect(result).to_contain_text("earlier days are right as well")
    expect(result).to_contain_text("1 of 1 other place has the same text")
    latest = stack.call("GET", "/v1/transparency/attestations").json()["data"][0]
    expect(result).to_contain_text(latest["code"])

    for odd in ("abc", "-1", "1e3", "308,54"):
        page.get_by_label("Your balance at the cut").fill(odd)
        page.get_by_role("button", name="Check @maya").click()
        expect(result).to_contain_text("Nothing was checked: write your balance as 123.45.")
        expect(page.get_by_role("button", name="Report that it does not match")).to_be_hidden()
    page.get_by_label("Your balance at the cut").fill(f"{(claimed + 1) / 100:.2f}")
    page.get_by_role("button", name="Check @maya").click()
    expect(bad(page)).to_be_visible()
    expect(result).to_contain_text("balance")
    expect(page.get_by_role("button", name="Report that it does not match")).to_be_visible()

    kit = json.loads(page.evaluate("localStorage.getItem('paya.proof.maya')"))
    assert kit["head"]["digest"] == latest["digest"]
    page.get_by_label("Your balance at the cut").fill(f"{claimed / 100:.2f}")
    page.get_by_role("button", name="Check @maya").click()
    expect(good(page)).to_be_visible()
    expect(page.get_by_role("button", name="Report that it does not match")).to_be_hidden()

    page.get_by_role("button", name="Make a secret").click()
    expect(page.locator("[data-secret-said]")).to_contain_text("counts from the next attestation on")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save my proof kit").click()
    kit = json.loads(Path(saved.value.path()).read_text())
    assert re.fullmatch("[0-9a-f]{64}", kit["secrets"][0]["nonce"])
    page.reload()
    expect(good(page)).to_be_visible()  # the secret was made after the cut, so it is not asked for yet


def test_log_in_checks_quietly(phone: OpenPhone, stack: Stack) -> None:
    page = phone(stack.patron)
    page.goto("/")
    expect(page.locator("[data-proof-line]")).to_contain_text("are in PaYa\u2019s signed total")
    newcomer = phone(stack.person())
    newcomer.goto(PAGE)
    expect(newcomer.locator("[data-proof-result]")).to_contain_text("after the last cut")


def split_view(route: Route) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, body=answer.text().replace("reserve ", "reserve 1", 1))


def past_altered(route: Route) -> None:
    answer = route.fetch()
    body = answer.json()
    if body["data"]:
        body["data"][0]["note"] = body["data"][0]["note"].replace("receivable 0", "receivable 1", 1)
    route.fulfill(response=answer, json=body)


def anothers(route: Route) -> None:
    answer = route.fetch()
    body = answer.json()
    raw = bytearray(base64.urlsafe_b64decode(body["proof"] + "=="))
    raw[100] ^= 1
    body["proof"] = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    route.fulfill(response=answer, json=body)


def left_out(route: Route) -> None:
    route.fulfill(status=404, json={"code": "not_in_tree"})


def refused(route: Route) -> None:
    route.fulfill(status=404, json={"code": "not_attested"})


@pytest.mark.parametrize(
    ("where", "lie", "step"),
    [
        ("**/mirror/**", split_view, "split view"), ("**/v1/transparency/chain**", past_altered, "chain"),
        ("**/proof/mine**", anothers, "root"), ("**/proof/mine**", refused, "no proof"),
        ("**/proof/mine**", left_out, "left out"),
    ],
)  # fmt: skip
def test_a_lie_is_named_and_can_be_reported(phone: OpenPhone, stack: Stack, where: str, lie: Any, step: str) -> None:
    page = phone(stack.patron)
    page.goto(PAGE)
    expect(good(page)).to_be_visible()
    page.route(where, lie)
    page.get_by_role("button", name="Check @maya").click()
    expect(page.locator(f'[data-proof-bad="{step}"]')).to_be_visible()
    if step == "root":
        page.get_by_label("What should it be?").fill("As on my statement")
        page.get_by_role("button", name="Report that it does not match").click()
        expect(page.locator("#messages")).to_contain_text("We have your report")
        assert any(row["complaints"] for row in stack.call("GET", "/v1/transparency/attestations").json()["data"])


# ------------------------------------------------------------------------- the browser's verifier and the published file
RICH = 2**53 + 1
CHECK = """async ({ note, proof, account, nonce, balance, key }) => {
  const { Refused, checkProof, ed25519Holds, openNote, parse, unbase64, unhex } = await import("/static/js/proof.js");
  try {
    const attestation = parse(await openNote(unbase64(note), [key], ed25519Holds));
    await checkProof(unbase64(proof), { account, nonce: unhex(nonce), balance: BigInt(balance), attestation });
    return "holds";
  } catch (error) {
    if (error instanceof Refused) return error.step;
    throw error;
  }
}"""
NOBLE = """async ({ note, proof, key }) => {
  const { verifyAsync } = await import("/static/vendor/noble-ed25519/noble-ed25519.js");
  const { ed25519Holds, unbase64, unhex } = await import("/static/js/proof.js");
  const { key: raw, text, signature } = note;
  const by = async (what) => [
    await verifyAsync(unhex(what), unhex(text), unhex(raw), { zip215: false }),
    await ed25519Holds(unhex(raw), unhex(text), unhex(what)),
  ];
  return [await by(signature), await by(signature.slice(0, -2) + "00"), await by("00" + signature.slice(2))];
}"""


def ours(note: bytes, proof: bytes, account: str, balance: int) -> str:
    try:
        attestation = verifier.parse(verifier.open_note(note, (forge.SIGNER.verifier_key,)))
        verifier.check_proof(proof, account=account, nonce=bytes(32), balance=balance, attestation=attestation)
    except verifier.Refused as error:
        return str(error.step)
    return "holds"


def test_both_verifiers_refuse_the_same(phone: OpenPhone, tmp_path: Path) -> None:
    """The false attestations that one person alone can catch, with amounts that a double cannot hold (13)."""
    page = phone()
    page.goto(PAGE)
    tree = forge.built(tmp_path / "tree", {"ada": RICH, "bob": 60_00, "cyd": 60_00})
    note, proof = forge.note(tree), proof_of(tree, 0, key=forge.KEY)
    second, text = 16 + 44 + RECORD * 10, forge.attestation(tree).text()

    def put(at: int, piece: bytes) -> bytes:
        return proof[:at] + piece + proof[at + len(piece) :]

    huge = b"\x80" + bytes(7)
    cases: list[tuple[bytes, bytes, str, int]] = [
        (note, proof, "ada", RICH), (note, proof, "ada", 2**53), (note, proof, "bob", RICH),
        (note, proof[:-1], "ada", RICH), (note, proof + b"\0", "ada", RICH), (note, put(0, b"PAYAPRF2"), "ada", RICH),
        (note, put(8, bytes(4)), "ada", RICH), (note, put(12, b"\x0b"), "ada", RICH),
        (note, put(16, (1 << 10).to_bytes(4, "big")), "ada", RICH), (note, put(20, huge), "ada", RICH),
        (note, put(60, huge), "ada", RICH), (note, put(second, proof[16 : 16 + 44]), "ada", RICH),
        (note, put(70, bytes([proof[70] ^ 1])), "ada", RICH), (forge.note(tree, liabilities=1), proof, "ada", RICH),
        (forge.note(tree, root=forge.HASH), proof, "ada", RICH), (forge.note(tree, epoch=1), proof, "ada", RICH),
        (forge.note(tree, depth=11), proof, "ada", RICH), (note.replace(b"reserve ", b"reserve 1", 1), proof, "ada", RICH),
        (sign(text.replace(b"\n", b"\r\n"), forge.SIGNER), proof, "ada", RICH),
        (sign(text.replace(b"depth 10", b"depth 010"), forge.SIGNER), proof, "ada", RICH),
        (sign(text.replace(b"cut 2026-03-01", b"cut 2026-03-02"), forge.SIGNER), proof, "ada", RICH),
        (sign(text.replace(b"asof 2026-02-28", b"asof 2026-02-31"), forge.SIGNER), proof, "ada", RICH),
        (sign(text.replace(b"asof 2026-02-28", b"asof 2026-03-02"), forge.SIGNER), proof, "ada", RICH),
        (sign(text + b"corrects 20513\n", forge.SIGNER), proof, "ada", RICH),
        (sign(text + b"root ab\n", forge.SIGNER), proof, "ada", RICH), (note[:-2] + b"\n", proof, "ada", RICH),
    ]  # fmt: skip
    steps = []
    for signed, given, account, balance in cases:
        told = {"note": base64.b64encode(signed).decode(), "proof": base64.b64encode(given).decode(), "account": account,
                "nonce": "00" * 32, "balance": str(balance), "key": forge.SIGNER.verifier_key}  # fmt: skip
        steps.append(ours(signed, given, account, balance))
        assert page.evaluate(CHECK, told) == steps[-1], len(steps)
    assert steps[0] == "holds"
    assert "holds" not in steps[1:]
    assert set(steps[1:]) == {
        "balance", "root", "length", "format", "epoch", "depth", "index", "sum", "total", "signature", "text", "note"
    }  # fmt: skip


def test_the_fallback_for_older_browsers_says_the_same(phone: OpenPhone) -> None:
    page = phone()
    page.goto(PAGE)
    text = b"some text\n"
    signed = {"key": forge.SIGNER.public.hex(), "text": text.hex(), "signature": forge.SIGNER.key.sign(text).hex()}
    answers = page.evaluate(NOBLE, {"note": signed, "proof": "", "key": ""})
    assert answers == [[True, True], [False, False], [False, False]]
