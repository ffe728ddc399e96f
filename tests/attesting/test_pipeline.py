"""From the books to a published attestation, killed at every step; and what people are given of it."""

import base64
import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import numpy as np
import psycopg2
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client

from core import keyring
from core.actor import SYSTEM, actor
from core.keyring.rotation import rotate_data
from core.logs import JsonFormatter
from core.money import format_usd
from ledger import audit as ledger_audit
from tests.attesting.conftest import FIRST_DAY, Network
from tests.conftest import Database
from tests.helpers import Api, assert_problem, at_once
from tests.proofs.forge import load_verifier
from transparency import archive, services
from transparency.attesting import audit, chain, channels, files, freeze, published
from transparency.errors import (
    AlreadyAttested,
    BegunWithout,
    BooksDisagree,
    ChannelFailed,
    NotAttested,
    NothingToAttest,
    SelfCheckFailed,
)
from transparency.models import Attestation, ChainEntry, Publication
from transparency.proofs import half
from transparency.proofs.attestation import epoch_of
from transparency.proofs.log import leaf_hash, log_root
from transparency.proofs.tree import Tree

verifier = load_verifier()
api = Api()
EPOCH = epoch_of(FIRST_DAY)
SECRET = "5e" * 32


def day(number: int) -> str:
    return (FIRST_DAY + timedelta(days=number)).date().isoformat()


@pytest.fixture(scope="module")
def story(database: Database, tmp_path_factory: Any, django_db_blocker: Any) -> Iterator[Network]:
    """Four days: the first, a payment, one that is missed, and one after ada has made a secret of her own, and eve has a name."""
    from django.test import override_settings

    folder = tmp_path_factory.mktemp("story")
    network = Network(database, folder)
    here = {"PROOFS_FOLDER": str(folder / "proofs"), "ATTESTATION_FOLDER": str(folder / "public"), "ATTESTATION_S3": ""}
    with override_settings(**here):
        with network.on(0, -24):
            network.join("ada", 120_00)
            network.join("bob", 60_00)
            network.join("cyd")
            network.sign_up("eve")
            network.earned(10_00)
            network.bank_says(190_00)
        network.attest(0)
        with network.on(1, -12):
            network.pay("ada", "bob", 20_00)
            network.redeem("bob", 15_00)
        network.attest(1)
        with network.on(1, 6):
            services.enrol(user_id=network.people["ada"].id, nonce=SECRET)
            network.join("dia", 5_00)
            network.join("eve")
            network.bank_says(195_00)
        network.attest(3)
        with network.on(3, 1):
            network.pay("bob", "ada", 1_00)
        yield network


@pytest.fixture(autouse=True)
def _as_web(database: Database) -> None:
    if database.current != "web":
        database.become("web")


def proof_of(network: Network, who: str, number: int) -> dict[str, Any]:
    response = api.get(f"/v1/proof?date={day(number)}", person=network.people[who])
    assert response.status_code == 200, response.content
    assert "no-store" in response["Cache-Control"]
    assert "private" in response["Cache-Control"]
    return dict(response.json())


def keys() -> tuple[str, ...]:
    return tuple(api.get("/v1/transparency/key").content.decode().split())


def holds(network: Network, who: str, number: int, *, nonce: bytes, balance: int) -> None:
    """Checked by the published file, with account, nonce and balance of the person's own."""
    note = api.get(f"/v1/transparency/attestations/{day(number)}").content
    attestation = verifier.parse(verifier.open_note(note, keys()))
    given = proof_of(network, who, number)
    proof = base64.urlsafe_b64decode(given["proof"] + "==")
    verifier.check_proof(proof, account=who, nonce=nonce, balance=balance, attestation=attestation)
    verifier.check_statement(given["statement"].encode(), keys(), account=who, balance=balance, attestation=attestation)


# ----------------------------------------------------------------------------------------------------- what is shown
@pytest.mark.parametrize(
    ("who", "number", "balance"),
    [
        ("ada", 0, 120_00), ("bob", 0, 60_00), ("cyd", 0, 0), ("ada", 1, 100_00), ("bob", 1, 80_00), ("bob", 3, 80_00),
        ("dia", 3, 5_00),
    ],
)  # fmt: skip
def test_everybody_finds_their_money_in_the_total(story: Network, who: str, number: int, balance: int) -> None:
    """Bob's includes the 15.00 that are on their way to the bank (20 of the false attestations)."""
    holds(story, who, number, nonce=bytes(32), balance=balance)
    with pytest.raises(verifier.Refused):
        holds(story, who, number, nonce=bytes(32), balance=balance + 1)


def test_a_secret_of_ones_own_counts_from_the_next_day_on(story: Network) -> None:
    holds(story, "ada", 3, nonce=bytes.fromhex(SECRET), balance=100_00)
    holds(story, "ada", 1, nonce=bytes(32), balance=100_00)
    with pytest.raises(verifier.Refused):
        holds(story, "ada", 3, nonce=bytes(32), balance=100_00)
    assert proof_of(story, "ada", 3)["nonce"] == SECRET
    assert proof_of(story, "ada", 1)["nonce"] == "0" * 64


def test_the_statement_names_ones_own_last_entry(story: Network) -> None:
    """By the cut, and not by now: ada was paid again since."""
    for number, entry in ((0, 1), (1, 2), (3, 2)):
        assert f"\nentry {entry}\n" in proof_of(story, "ada", number)["statement"]


def test_a_payments_receipt_is_signed_and_numbered(story: Network) -> None:
    """What a person holds against a statement: their entries are counted, and each says the balance after it."""
    with story.on(3, 2):
        story.pay("dia", "cyd", 50)
    [payment] = api.get("/v1/payments", person=story.people["cyd"]).json()["data"]
    path = f"/v1/payments/{payment['id']}/receipt"
    head = archive.latest().digest
    for who, amount, balance, entry in (("dia", -50, 4_50, 2), ("cyd", 50, 50, 1)):
        response = api.get(path, person=story.people[who])
        assert response["Cache-Control"] == "private, no-store"
        text = verifier.open_note(response.content, keys()).decode()
        assert text.startswith(f"paya.example/receipt/v1\naccount {who}\nentry {entry}\nreference {payment['id']}\n")
        assert f"\namount {amount}\n" in text
        assert f"\nbalance {balance}\n" in text
        assert text.endswith(f"\nattestation {head}\n")
    assert_problem(api.get(path, person=story.people["ada"]), 404, "not_found")


def test_the_total_is_the_ledgers_and_debts_are_not_taken_off(story: Network) -> None:
    texts = {number: archive.by_name(day(number)) for number in (0, 1, 3)}
    assert [texts[number].liabilities for number in texts] == [190_00, 190_00, 195_00]  # with the pool's 10.00
    assert [texts[number].reserve for number in texts] == [190_00, 190_00, 195_00]
    assert texts[0].figure("cut") == "2026-03-01T00:00:00Z"
    assert texts[0].figure("depth") == "10"
    assert texts[0].figure("software") == hashlib.sha256(archive.verifier_file()).hexdigest()


def test_the_chain_holds_and_shows_the_missed_day(story: Network) -> None:
    notes = [path.read_bytes() for path in (story.folder / "public").glob("*.txt")]
    days, _ = verifier.check_chain(notes, keys())
    assert [one.epoch - EPOCH for one in days] == [0, 1, 3]
    listed = api.get("/v1/transparency/attestations").json()["data"]
    assert [(row["date"], row["missed_before"]) for row in listed] == [(day(3), 1), (day(1), 0), (day(0), 0)]
    assert_problem(api.get(f"/v1/transparency/attestations/{day(2)}"), 404, "not_attested")
    assert_problem(api.get(f"/v1/proof?date={day(2)}", person=story.people["ada"]), 404, "not_attested")
    pages = api.get("/v1/transparency/attestations?limit=2").json()
    more = api.get(f"/v1/transparency/attestations?limit=2&cursor={pages['next_cursor']}").json()
    assert [row["date"] for row in pages["data"] + more["data"]] == [day(3), day(1), day(0)]
    assert more["next_cursor"] is None


def test_every_place_has_the_same_bytes(story: Network) -> None:
    for number in (0, 1, 3):
        shown = api.get(f"/v1/transparency/attestations/{day(number)}")
        assert shown["Content-Type"] == "text/plain; charset=utf-8"
        assert (story.folder / "public" / f"{day(number)}.txt").read_bytes() == shown.content
    assert api.get("/v1/transparency/attestations/latest").content == shown.content


def test_the_chain_is_a_log_with_a_signed_checkpoint(story: Network) -> None:
    entries = api.get("/v1/transparency/chain").json()["data"]
    leaves = []
    for entry in entries:
        leaves.append(leaf_hash(verifier.open_note(entry["note"].encode(), keys())))
        checkpoint = verifier.open_note(entry["checkpoint"].encode(), keys()).decode()
        assert checkpoint == f"paya.example/log\n{len(leaves)}\n{base64.b64encode(log_root(leaves)).decode()}\n"


def test_who_was_not_there_yet_is_told_so(story: Network) -> None:
    assert_problem(api.get(f"/v1/proof?date={day(0)}", person=story.people["dia"]), 404, "not_in_tree")
    assert_problem(api.get("/v1/proof?date=x", person=story.people["dia"]), 400, "validation_error")


@pytest.mark.parametrize(
    "wrong",
    [
        {"expected": "1"}, {"expected": -1}, {"expected": True}, {"expected": 2**70}, {"step": ""}, {"step": 5},
        {"date": "20260301"}, {"date": "2026-W09-7"}, {"date": "2026-02-30"},
    ],
)  # fmt: skip
def test_a_complaint_that_is_not_understood_is_not_kept(story: Network, wrong: dict[str, Any]) -> None:
    body = {"date": day(0), "step": "root", "expected": 0} | wrong
    assert_problem(api.post("/v1/proof/complaint", body, person=story.people["cyd"]), 400, "validation_error")


def test_a_day_is_written_in_one_way(story: Network) -> None:
    for name in ("20260301", "2026-W09-7"):
        assert_problem(api.get(f"/v1/proof?date={name}", person=story.people["ada"]), 400, "validation_error")
        assert api.get(f"/v1/transparency/attestations/{name}").status_code == 404


def test_whoever_had_no_name_yet_is_found_by_their_wallet(story: Network) -> None:
    eve = story.people["eve"]
    wallet = api.get("/v1/wallet", person=eve).json()["id"]
    assert [proof_of(story, "eve", number)["account"] for number in (0, 3)] == [wallet, "eve"]
    note = api.get(f"/v1/transparency/attestations/{day(0)}").content
    proof = base64.urlsafe_b64decode(proof_of(story, "eve", 0)["proof"] + "==")
    attestation = verifier.parse(verifier.open_note(note, keys()))
    verifier.check_proof(proof, account=wallet, nonce=bytes(32), balance=0, attestation=attestation)
    holds(story, "eve", 3, nonce=bytes(32), balance=0)


def test_a_secret_is_bound_to_a_name(story: Network) -> None:
    with story.on(3, 3):
        nameless = story.sign_up("fay")
    response = api.put("/v1/proof/secret", {"nonce": SECRET}, person=nameless)
    assert_problem(response, 409, "no_username")


def test_so_many_secrets_a_day_and_no_more(story: Network) -> None:
    answers = [api.put("/v1/proof/secret", {"nonce": f"{number:064x}"}, person=story.people["cyd"]) for number in range(1, 12)]
    assert {answer.status_code for answer in answers[:-1]} == {200}
    assert_problem(answers[-1], 429, "rate_limited")
    again = api.put("/v1/proof/secret", {"nonce": f"{10:064x}"}, person=story.people["cyd"])
    assert again.status_code == 200


def test_a_day_long_past_is_built_again_when_somebody_asks(story: Network) -> None:
    before = proof_of(story, "ada", 1)
    with story.on(1 + files.KEEP_DAYS + 1):
        assert EPOCH + 1 in services.prune()
    response = api.get(f"/v1/proof?date={day(1)}", person=story.people["ada"])
    assert_problem(response, 503, "proof_not_ready")
    assert int(response["Retry-After"]) > 0
    with story.database.role("worker"):
        assert services.carry_out_wishes() == 1
        assert services.carry_out_wishes() == 0
    assert proof_of(story, "ada", 1) == before
    with story.on(0, 30 * 24):
        services.rebuild(epoch=EPOCH)


def test_the_keys_of_days_are_rotated_with_all_others(story: Network) -> None:
    before = proof_of(story, "ada", 3)
    with story.database.role("worker"):
        rotate_data(grace=timedelta(0))
    keyring.forget_cached_keys()
    assert proof_of(story, "ada", 3) == before


def test_nobody_sees_a_day_before_its_proofs_are_open_nor_keys_at_all(story: Network) -> None:
    for table in ("attestation", "daysecret", "snapshot", "signingkey", "chainentry"):
        with connection.cursor() as cursor, pytest.raises(Exception, match="permission denied"):
            cursor.execute(f"select * from transparency_{table}")
    for row in story.database.as_superuser("select sealed, epoch from transparency_snapshot"):
        assert (100_00).to_bytes(8, "big") not in bytes(row[0])  # a backup shows nobody's balance
    for path in (story.folder / "proofs").iterdir():
        assert path.stat().st_mode & 0o077 == 0


# ----------------------------------------------------------------------------------- what only an auditor can find out
def audited(story: Network, number: int) -> list[str]:
    with story.database.role("worker"):
        key = services.day_key(epoch=EPOCH + number)
    with story.database.role("auditor"):
        return audit.audit_day(EPOCH + number, key)


def test_an_auditor_finds_everybody_and_the_signed_root(story: Network) -> None:
    """With the ledger, the snapshot and the day's key; balances are added up from the journal."""
    assert [audited(story, number) for number in (0, 1, 3)] == [[], [], []]
    with story.database.role("auditor"):
        assert ledger_audit.audit(ledger_audit.registered())[0] == []
        assert audit.audit_day(EPOCH + 1, bytes(32)) == ["The snapshot does not open with this key."]


def lie(story: Network, number: int, monkeypatch: pytest.MonkeyPatch, change: Any, required: int = 0) -> None:
    """An operator whose programs read another truth from the same books."""
    honest = freeze.freeze

    def freeze_falsely() -> freeze.Frozen:
        true = honest()
        table = np.frombuffer(true.rows, dtype=half.ROW).copy()
        keep = change(table)
        whos = np.frombuffer(true.whos, dtype="V32")[keep].tobytes()
        return replace(true, rows=table[keep].tobytes(), whos=whos, required=true.required + required)

    monkeypatch.setattr(freeze, "freeze", freeze_falsely)
    story.attest(number)
    monkeypatch.undo()


@pytest.mark.parametrize(
    "false",
    ["17 left out", "19 netted", "20 pending left out", "21 counted nowhere", "22 not the ledger's", "27 too high"],
)
def test_what_only_an_auditor_can_find_out(
    story: Network, days: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, false: str
) -> None:
    number, cyd, bob = days.next(), story.people["cyd"].id, story.people["bob"].id
    cents = {"17": -50, "19": -30, "20": -15_00, "21": -7, "22": -1, "27": 1}[false[:2]]

    def change(table: Any) -> Any:
        who = table["number"] == (cyd if false.startswith("17") else bob)
        table["owed"][who] += np.uint64(cents) if cents > 0 else 0
        table["owed"][who] -= np.uint64(-cents) if cents < 0 else 0
        return ~who if false.startswith("17") else np.ones(len(table), dtype=bool)

    lie(story, number, monkeypatch, change, required=cents)
    found = audited(story, number)
    assert any(line.startswith(f"Person {cyd if false.startswith('17') else bob}: ") for line in found), found
    with story.database.role("auditor"):
        findings = ledger_audit.audit(ledger_audit.registered())[0]
    assert any(str(EPOCH + number) in row for finding in findings for row in finding.rows)


def test_26_the_checking_file_is_the_one_that_the_attestation_names(story: Network) -> None:
    served = Client().get("/transparency/paya-verify").content
    assert hashlib.sha256(served).hexdigest() == archive.by_name(day(0)).figure("software")
    assert f'KEYS: tuple[str, ...] = ("{keys()[0]}",)'.encode() in served or len(chain.verifier_keys()) > 1


def test_nothing_of_a_days_secrets_is_logged(story: Network, days: SimpleNamespace, caplog: pytest.LogCaptureFixture) -> None:
    number = days.next()
    caplog.set_level("DEBUG")
    story.attest(number)
    proof = proof_of(story, "ada", number)
    raw = base64.urlsafe_b64decode(proof["proof"] + "==")
    with story.database.role("worker"):
        key = services.day_key(epoch=EPOCH + number)
    said = "".join(JsonFormatter().format(record) for record in caplog.records if record.name.startswith("paya"))
    assert "attested" in said
    for secret in (key.hex(), raw[28:60].hex(), SECRET, proof["proof"], str(proof["balance"])):
        assert secret not in said


def test_18_a_low_balance_repaired_the_next_day_is_found_by_whoever_checks_missed_days(
    story: Network, days: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    low, repaired, ada = days.next(), days.next(), story.people["ada"].id

    def change(table: Any) -> Any:
        table["owed"][table["number"] == ada] -= np.uint64(1_00)
        return np.ones(len(table), dtype=bool)

    lie(story, low, monkeypatch, change, required=-1_00)
    story.attest(repaired)
    balance = proof_of(story, "ada", repaired)["balance"]
    holds(story, "ada", repaired, nonce=bytes.fromhex(SECRET), balance=balance)
    with pytest.raises(verifier.Refused):
        holds(story, "ada", low, nonce=bytes.fromhex(SECRET), balance=balance)


# ------------------------------------------------------------------------------------------------ what is for ever
@pytest.mark.parametrize(
    "sql",
    [
        "update transparency_attestation set liabilities = 1", "update transparency_attestation set root = 'ab'",
        "delete from transparency_attestation", "update transparency_chainentry set note = ''",
        "delete from transparency_chainentry",
        "truncate transparency_chainentry cascade", "update transparency_snapshot set sealed = ''",
        "delete from transparency_publication", "delete from transparency_signingkey", "delete from transparency_enrolment",
        "delete from transparency_complaint",
    ],
)  # fmt: skip
def test_what_was_attested_stays_whoever_tries(story: Network, sql: str) -> None:
    with pytest.raises(psycopg2.Error, match="what was attested stays|is never changed"):
        story.database.as_superuser(sql)


def test_a_day_is_attested_once(story: Network) -> None:
    before = api.get("/v1/transparency/attestations/latest").content
    with pytest.raises(AlreadyAttested):
        story.attest(3, 5)
    with story.on(3, 6):
        assert services.attest_daily() is None
    assert api.get("/v1/transparency/attestations/latest").content == before
    with pytest.raises(psycopg2.Error, match="one_text_per_day"):
        story.database.as_superuser(
            "insert into transparency_chainentry select max(position) + 1, 'attestation', %s, '', 'x', 'y', '', now()"
            " from transparency_chainentry", [EPOCH],
        )  # fmt: skip


# ------------------------------------------------------------------------------------------------------ on the way
@pytest.fixture
def days(story: Network) -> Iterator[SimpleNamespace]:
    """Days of one's own, each after the last."""
    counter = getattr(story, "counter", 10)

    def following() -> int:
        nonlocal counter
        counter += 1
        return counter

    yield SimpleNamespace(next=following)
    story.counter = counter  # type: ignore[attr-defined]


class Killed(BaseException):
    """The process is gone: nothing of ours runs any more."""


STEPS: list[tuple[Any, str]] = [
    (services, "_build"), (files, "build"), (services, "_check"), (services, "_sign"), (chain, "append"), (services, "publish"),
    (channels.Folder, "put"), (channels.Site, "put"),
]  # fmt: skip


@pytest.mark.parametrize(("where", "step"), STEPS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_kill_at_any_step_leads_to_one_text_with_the_frozen_figures(
    story: Network, days: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, where: Any, step: str
) -> None:
    number = days.next()

    def killed(*args: Any, **kwargs: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(where, step, killed)
        with pytest.raises(Killed):
            story.attest(number)
    _not_open(story, number)
    with story.on(number, 1):
        story.pay("ada", "bob", 1)
        services.attest()
    with pytest.raises(AlreadyAttested):
        story.attest(number, 2)
    _whole(story)
    attested = archive.by_name(day(number))
    assert attested.figure("cut").endswith("T00:00:00Z")
    with story.on(number + 1, -1):
        story.pay("bob", "ada", 1)


def _not_open(story: Network, number: int) -> None:
    assert_problem(api.get(f"/v1/proof?date={day(number)}", person=story.people["ada"]), 404, "not_attested")
    assert_problem(api.get(f"/v1/transparency/attestations/{day(number)}"), 404, "not_attested")


def _whole(story: Network) -> None:
    notes = [path.read_bytes() for path in (story.folder / "public").glob("*.txt")]
    verifier.check_chain(notes, keys())
    assert len(notes) == len(archive.entries())


def test_after_a_kill_yesterday_is_finished_first(
    story: Network, days: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = days.next()
    with monkeypatch.context() as patch:
        patch.setattr(services, "_sign", lambda *args: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            story.attest(number)
    story.attest(days.next())
    assert [entry.epoch for entry in archive.attestations()][-2:] == [EPOCH + number, EPOCH + number + 1]
    _whole(story)


def test_proofs_stay_closed_until_it_is_published_everywhere(
    story: Network, days: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = days.next()

    def down(self: Any, file: str, content: bytes) -> str:
        raise ChannelFailed("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(channels.Folder, "put", down)
        with pytest.raises(ChannelFailed):
            story.attest(number)
        _not_open(story, number)
    story.attest(number, 1)
    holds(story, "bob", number, nonce=bytes(32), balance=proof_of(story, "bob", number)["balance"])
    with actor_as_worker(story):
        places = set(Publication.objects.filter(entry__epoch=EPOCH + number).values_list("channel", flat=True))
    assert places == {"folder", "site"}


def test_a_place_that_is_down_over_midnight_costs_no_day(
    story: Network, days: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = days.next(), days.next()

    def down(self: Any, file: str, content: bytes) -> str:
        raise ChannelFailed("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(channels.Folder, "put", down)
        for number in (first, second):
            with pytest.raises(ChannelFailed):
                story.attest(number)
            _not_open(story, number)
        with actor_as_worker(story):
            signed = ChainEntry.objects.filter(kind=ChainEntry.ATTESTATION, epoch__in=[EPOCH + first, EPOCH + second])
            assert signed.count() == 2
    story.attest(second, 1)
    assert [entry.epoch for entry in archive.attestations()][-2:] == [EPOCH + first, EPOCH + second]
    _whole(story)


def actor_as_worker(story: Network) -> Any:
    from contextlib import ExitStack

    stack = ExitStack()
    stack.enter_context(story.database.role("worker"))
    stack.enter_context(actor(SYSTEM))
    return stack


def test_another_text_in_a_public_place_is_never_overwritten(story: Network, days: SimpleNamespace) -> None:
    number = days.next()
    there = story.folder / "public" / f"{day(number)}.txt"
    there.write_bytes(b"somebody was here\n")
    with pytest.raises(ChannelFailed):
        story.attest(number)
    assert there.read_bytes() == b"somebody was here\n"
    _not_open(story, number)
    there.unlink()
    story.attest(number, 1)
    _whole(story)


def test_the_archive_says_where_banks_said_less_than_is_owed(story: Network, days: SimpleNamespace) -> None:
    number = days.next()
    with story.on(number, -1):
        story.bank_says(194_00)
    story.attest(number)
    try:
        entry = archive.latest()
        assert entry.short == entry.liabilities - 194_00 > 0
        page = Client().get("/transparency/attestations").content.decode()
        assert f"Banks say $194.00, {format_usd(entry.short)} less." in page
    finally:
        with story.on(number, 1):
            story.bank_says(195_00)


def test_three_at_once_make_one(story: Network, days: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also without the lock that spares work: what makes a day's text the only one is the database."""
    number = days.next()
    monkeypatch.setattr(services, "_alone", __import__("contextlib").nullcontext)
    monkeypatch.setattr(services, "now", lambda: FIRST_DAY + timedelta(days=number))
    moment = (FIRST_DAY + timedelta(days=number)).isoformat()

    def one(index: int) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("select set_config('paya.now', %s, false)", [moment])
        return services.attest()

    with story.database.role("demo"):
        results = at_once(3, one)
    assert all(isinstance(result, Attestation | AlreadyAttested) for result in results), results
    assert [entry.epoch for entry in archive.attestations()].count(EPOCH + number) == 1
    _whole(story)


def test_nothing_is_signed_when_the_books_do_not_agree(story: Network, days: SimpleNamespace) -> None:
    number = days.next()
    who = story.people["bob"].id
    story.database.as_superuser("update wallets_wallet set pending_out = pending_out + 1 where user_id = %s", [who])
    try:
        with pytest.raises(BooksDisagree):
            story.attest(number)
    finally:
        story.database.as_superuser("update wallets_wallet set pending_out = pending_out - 1 where user_id = %s", [who])
    _not_open(story, number)
    story.attest(number)


def test_nothing_is_signed_when_what_was_sealed_was_altered(story: Network, days: SimpleNamespace) -> None:
    number = days.next()
    [(row, group)] = story.database.as_superuser("select id, group_id from ledger_transfer order by posted_at limit 1")

    def alter(value: Any) -> None:
        change = "update ledger_transfer set group_id = %s where id = %s"
        story.database.as_superuser(f"begin; set local session_replication_role = replica; {change}; commit", [value, row])

    alter(str(uuid4()))
    try:
        with pytest.raises(BooksDisagree, match="no longer what was sealed"):
            story.attest(number)
    finally:
        alter(group)
    _not_open(story, number)
    story.attest(number)


def test_nothing_is_signed_that_our_own_verifier_refuses(
    story: Network, days: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = days.next()
    monkeypatch.setattr(Tree, "root", property(lambda self: bytes(32)))
    with pytest.raises(SelfCheckFailed):
        story.attest(number)
    _not_open(story, number)
    monkeypatch.undo()
    story.attest(number)


def test_a_correction_names_the_day_it_corrects(story: Network, days: SimpleNamespace) -> None:
    number = days.next()
    with story.on(number), pytest.raises(NotAttested):
        services.attest(corrects=EPOCH + 2)
    with story.on(number):
        services.attest(corrects=EPOCH + 3)
    assert archive.latest().figure("corrects") == str(EPOCH + 3)
    verifier.parse(archive.latest().text)


def test_a_correction_is_not_lost_where_the_day_was_begun_without_it(
    story: Network, days: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = days.next()

    def killed(*args: Any, **kwargs: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(services, "_build", killed)
        with pytest.raises(Killed):
            story.attest(number)
    with story.on(number, 1), pytest.raises(BegunWithout):
        services.attest(corrects=EPOCH + 3)
    story.attest(number, 2)
    assert archive.latest().figure("corrects") == ""


def test_what_a_killed_build_left_behind_is_removed_after_a_day(story: Network) -> None:
    left, fresh = files._home() / f".{EPOCH}-left", files._home() / f".{EPOCH}-fresh"
    for folder in (left, fresh):
        folder.mkdir()
        (folder / "accounts").write_bytes(b"everybody's balances")
    os.utime(left, (0, 0))
    files.prune(0, keep=set())
    assert (left.exists(), fresh.exists()) == (False, True)
    files.shutil.rmtree(fresh)


def test_a_changed_key_is_an_entry_of_the_chain(story: Network, days: SimpleNamespace) -> None:
    first = keys()
    with story.on(days.next()):
        services.change_key()
    assert keys()[:1] == first  # the latest text is still the old key's
    assert len(keys()) == 2
    verifier.open_note(archive.latest().note, keys())
    story.attest(days.next())
    assert len(keys()) == 1
    assert keys() != first
    # A statement of a day before is signed by that day's key, whenever it is asked for: one who has no chain can check it.
    signed = verifier.parse(verifier.open_note(api.get(f"/v1/transparency/attestations/{day(1)}").content, first))
    statement = proof_of(story, "ada", 1)["statement"].encode()
    verifier.check_statement(statement, first, account="ada", balance=100_00, attestation=signed)
    notes = [path.read_bytes() for path in (story.folder / "public").glob("*.txt")]
    assert len(verifier.check_chain(notes, first)[0]) == len(archive.attestations())
    assert len(verifier.check_chain(notes, keys())[0]) == len(archive.attestations())
    assert first[0] in archive.verifier_file().decode()  # still the first one: the rest follows from the chain
    with pytest.raises(verifier.Refused, match="Nobody has signed it"):
        verifier.open_note(archive.latest().note, first)


def test_a_change_of_key_that_was_not_published_is_gone_on_with_and_not_made_again(
    story: Network, days: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = days.next()
    story.attest(number)

    def down(self: Any, file: str, content: bytes) -> str:
        raise ChannelFailed("no answer")

    with story.on(number):
        before = len(chain.verifier_keys())
        with monkeypatch.context() as patch:
            patch.setattr(channels.Folder, "put", down)
            for _ in range(2):
                with pytest.raises(ChannelFailed):
                    services.change_key()
        assert len(chain.verifier_keys()) == before + 1
        shown = archive.entries(after=-1, limit=1000)[-1]
        assert shown.kind == "attestation"  # the change is not on the site while it is not everywhere
        assert services.attest_daily() is None  # what beat does: the day has its attestation
    changed = archive.entries(after=-1, limit=1000)[-1]
    assert changed.kind == "key"
    assert (story.folder / "public" / f"key-{changed.position}.txt").read_bytes() == changed.note


def test_a_place_that_is_configured_later_gets_everything(
    story: Network, days: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Mirror(channels.Folder):
        name = "mirror"

    number = days.next()
    story.attest(number)
    places = [Mirror(str(tmp_path)), *channels.configured()]
    with monkeypatch.context() as patch, story.on(number):
        patch.setattr(channels, "configured", lambda: places)
        assert services.attest_daily() is None  # the day has its attestation
    there = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert there == {path.name: path.read_bytes() for path in (story.folder / "public").iterdir()}


def test_a_days_key_that_was_destroyed_ends_its_proofs(story: Network, days: SimpleNamespace) -> None:
    number = days.next()
    story.attest(number)
    with story.database.role("worker"):
        services.destroy_day(epoch=EPOCH + number)
        with pytest.raises(NotAttested):
            services.rebuild(epoch=EPOCH + number)
        with pytest.raises(NotAttested):
            services.destroy_day(epoch=EPOCH + number)
    assert_problem(api.get(f"/v1/proof?date={day(number)}", person=story.people["ada"]), 404, "not_attested")
    assert api.get(f"/v1/transparency/attestations/{day(number)}").status_code == 200


def told(*command: str) -> tuple[int, str]:
    """What a command prints to standard output, and its exit status."""
    out = io.StringIO()
    try:
        call_command(*command, stdout=out, stderr=io.StringIO())
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_the_commands(story: Network, days: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    number = days.next()

    def down(self: Any, file: str, content: bytes) -> str:
        raise ChannelFailed("no answer")

    with story.on(number):
        with monkeypatch.context() as patch:
            patch.setattr(channels.Folder, "put", down)
            assert told("attest") == (2, "")
        code, text = told("attest")
        assert told("attest") == (1, "")
        _, key = told("attest", "--day-key-of", day(number))
    assert (code, text.encode()) == (0, archive.by_name(day(number)).note)
    with story.database.role("auditor"):
        assert told("audit_attestation", day(number), "--key", key.strip())[0] == 0
        assert told("audit_attestation", day(number), "--key", "00" * 32)[0] == 1
    # What a person does with it at home, as the contract has it.
    person = story.people["bob"]
    (tmp_path / "attestation").write_text(text)
    (tmp_path / "proof.json").write_bytes(api.get(f"/v1/proof?date={day(number)}", person=person).content)
    command = [sys.executable, str(published.FILE), str(tmp_path / "attestation"), "--proof", str(tmp_path / "proof.json"),
               "--chain", str(story.folder / "public"), "--key", keys()[0]]  # fmt: skip
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    wrong = subprocess.run([*command, "--balance", "1.00"], capture_output=True, text=True, timeout=60, check=False)
    assert (wrong.returncode, "(balance)" in wrong.stdout) == (1, True)


# ------------------------------------------------------------------------------------------------------ the instant
def test_a_payment_in_flight_is_waited_for_and_counted_on_both_sides(
    story: Network, days: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freeze, "TRIES", 2)
    monkeypatch.setattr(freeze, "LONG", "150ms")
    monkeypatch.setattr(freeze, "PAUSE", 0.0)
    raw = psycopg2.connect(story.database.url("worker"))
    with story.database.role("worker"):
        before = freeze.freeze()
        with raw.cursor() as cursor:
            cursor.execute(*seven_cents(story, "ada", "bob"))
            with pytest.raises(OperationalError):
                freeze.freeze()
            raw.commit()
        after = freeze.freeze()
    raw.close()
    assert after.liabilities.total == before.liabilities.total
    moved = [int(b) - int(a) for a, b in zip(before.liabilities.balances, after.liabilities.balances, strict=True)]
    assert sorted(value for value in moved if value) == [-7, 7]


def seven_cents(story: Network, payer: str, payee: str) -> tuple[str, list[int]]:
    both = [story.people[name].id for name in (payer, payee)]
    accounts = [
        story.database.as_superuser("select account from wallets_wallet where user_id = %s", [who])[0][0] for who in both
    ]
    return "select ledger_post(gen_random_uuid(), 7::smallint, %s, %s, 7)", accounts


def test_what_is_posted_after_the_instant_is_not_counted(story: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """A payment between the moment and the reading of it: the snapshot does not know it."""
    true_read = freeze._read

    def meanwhile(cursor: Any, *args: Any) -> Any:
        with connection.cursor() as other:
            other.execute(*seven_cents(story, "bob", "ada"))
        return true_read(cursor, *args)

    with story.database.role("worker"):
        before = freeze.freeze()
        monkeypatch.setattr(freeze, "_read", meanwhile)
        assert freeze.freeze().rows == before.rows
        monkeypatch.undo()
        assert freeze.freeze().rows != before.rows


# ------------------------------------------------------------------------------------------------- before the first
def test_without_a_banks_word_nothing_is_attested(django_db_blocker: Any, folders: Path) -> None:
    from tests.conftest import cloned_database

    keyring.forget_cached_keys()
    with cloned_database() as empty, django_db_blocker.unblock():
        with empty.role("worker"):
            with pytest.raises(NothingToAttest):
                services.attest()
            assert services.attest_daily() is None
        empty.become("web")
        assert_problem(api.get("/v1/transparency/key"), 404, "not_attested")
        assert_problem(api.get("/v1/transparency/attestations/latest"), 404, "not_attested")
        assert api.get("/v1/transparency/attestations").json() == {"data": [], "next_cursor": None}
        assert b"KEYS: tuple[str, ...] = ()" in published.verifier_file([])
    keyring.forget_cached_keys()
