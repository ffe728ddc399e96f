"""A copy of one's data: what is in it, who may open it, and what becomes of it."""

import csv
import io
import json
import zipfile
from datetime import timedelta

import pytest

from compliance.services.cases import open_case
from core.actor import SYSTEM, actor
from core.errors import NotFound
from payments import services as payments
from privacy.errors import EnoughCopies
from privacy.services import exports
from tests.conftest import MakePerson
from tests.helpers import Api, assert_problem, at_once
from tests.payments.people import browser
from tests.privacy.conftest import Stage


def test_it_works(stage: Stage, make_person: MakePerson, api: Api, folder):
    ann, bob = make_person("ann", 50_00), make_person("bob")
    stage.bank(ann)
    payments.pay(payer_id=ann.id, to="bob", amount=5_00, note="=HYPERLINK(1)", visibility="private", key=None)
    asked = api.post("/v1/me/export", {}, person=ann)
    assert asked.status_code == 202 and asked.json()["status"] == "requested" and asked.json()["url"] is None
    stage.work()
    ready = api.get(f"/v1/me/export/{asked.json()['id']}", person=ann).json()
    assert (ready["status"], ready["progress"]) == ("ready", 100)
    assert_problem(api.get(f"/v1/me/export/{ready['id']}", person=bob), 404, "not_found")
    assert_problem(api.get(ready["url"], person=bob), 404, "not_found")
    assert_problem(api.get(ready["url"][:-3] + "abc", person=ann), 404, "not_found")
    answer = api.get(ready["url"], person=ann)
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    whole = json.loads(archive.read("paya.json"))["sections"]
    assert whole["profile"][0]["phone"] == ann.phone
    assert whole["payments"][0]["note"] == "=HYPERLINK(1)"
    assert {"activity", "devices", "bank_accounts", "accepted_terms"} <= {name for name, lines in whole.items() if lines}
    [row] = csv.DictReader(io.StringIO(archive.read("csv/payments.csv").decode("utf-8-sig")))
    assert row["note"] == "'=HYPERLINK(1)"  # no formula
    assert "What is left out, and why" in archive.read("read-me.txt").decode()
    [file] = folder.iterdir()
    assert ann.phone.encode() not in file.read_bytes() and not zipfile.is_zipfile(file)


def test_a_silent_review_is_in_no_copy(stage: Stage, make_person: MakePerson, api: Api):
    """Of what staff look into, the copy has what the person was told of: whoever knew of the rest could get around it."""
    ann = make_person("ann")
    told = {"held_payment", "held_transfer", "document", "dispute", "withdrawal", "closing"}
    kinds = {kind for (kind,) in stage.database.as_superuser("select kind from compliance_casekind")}
    silent = {"flag", "review", "sanctions", "denied", "other", "appeal"}
    assert kinds == told | silent  # a new kind has to be thought about
    cases = {}
    with stage.database.role("worker"), actor(SYSTEM):
        for kind in sorted(kinds):
            cases[kind] = open_case(kind=kind, user_id=ann.id, about="x", summary="Something")
    asked = api.post("/v1/me/export", {}, person=ann)
    stage.work()
    ready = api.get(f"/v1/me/export/{asked.json()['id']}", person=ann).json()
    archive = zipfile.ZipFile(io.BytesIO(api.get(ready["url"], person=ann).content))
    whole = archive.read("paya.json").decode()
    assert {line["id"] for line in json.loads(whole)["sections"]["reviews"]} == {cases[kind] for kind in told}
    everything = whole + "".join(archive.read(name).decode() for name in archive.namelist() if name.endswith("csv"))
    assert not [kind for kind in silent if cases[kind] in everything]


def test_one_at_a_time_and_three_a_day(stage: Stage, make_person: MakePerson):
    ann = make_person("ann")
    rows = at_once(4, lambda n: exports.ask(user_id=ann.id))
    assert len({row.public_id for row in rows}) == 1
    for _ in range(2):
        stage.work()
        exports.ask(user_id=ann.id)
    stage.work()
    with pytest.raises(EnoughCopies) as refusal:
        exports.ask(user_id=ann.id)
    assert 0 < refusal.value.retry_after <= 86400


def test_killed_in_the_middle_it_is_made_anew(stage: Stage, make_person: MakePerson, monkeypatch: pytest.MonkeyPatch):
    ann = make_person("ann")
    exports.ask(user_id=ann.id)
    with monkeypatch.context() as patched:
        patched.setattr("privacy.collect.packed", lambda sections: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            stage.work()
    assert stage.export(ann).status == "running"
    stage.work()
    assert stage.export(ann).status == "running"  # somebody's, for some minutes
    stage.database.as_superuser("update privacy_export set due_at = now()")
    stage.work()
    assert stage.export(ann).status == "ready"


def test_it_goes_after_a_day(stage: Stage, make_person: MakePerson, folder):
    ann = make_person("ann")
    exports.ask(user_id=ann.id)
    stage.work()
    export = stage.export(ann)
    token = exports.token_for(export)
    assert token and export.expires_at - export.ready_at == timedelta(hours=24)
    assert exports.read(user_id=ann.id, public_id=export.public_id, token=token)
    stage.age(2)
    stage.work()
    assert (stage.export(ann).status, list(folder.iterdir())) == ("expired", [])
    with pytest.raises(NotFound):
        exports.read(user_id=ann.id, public_id=export.public_id, token=token)


def test_the_page_says_how_far_it_is(stage: Stage, make_person: MakePerson):
    client = browser(make_person("ann"))
    assert client.post("/settings/privacy/copy").status_code == 302
    assert 'hx-trigger="every 2s"' in client.get("/settings/privacy").content.decode()
    stage.work()
    page = client.get("/settings/privacy/copy/state").content.decode()
    assert "Your copy is ready" in page and "every 2s" not in page
