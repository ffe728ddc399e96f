"""The terms of service and the privacy notice: their versions, who accepted which, and what a new one asks for."""

from datetime import date

import psycopg2
import pytest

from core.actor import actor
from tests.conftest import Database, MakePerson
from tests.helpers import Api, assert_problem
from tests.payments.people import browser
from users import legal, services
from users.models import Acceptance


@pytest.mark.parametrize("version", legal.VERSIONS, ids=lambda version: version.template)
def test_a_version_that_was_published_is_never_edited(version: legal.Version):
    assert legal.digest_of(version) == version.digest, "this text is another one now: give it a number of its own"


def test_whoever_signs_up_accepts_the_versions_of_that_moment(make_person: MakePerson):
    ann = make_person("ann")
    with actor(ann.id):
        rows = Acceptance.objects.filter(user_id=ann.id).order_by("document")
        assert [(row.document, row.version, row.how) for row in rows] == [("privacy", "1", "sign_up"), ("terms", "1", "sign_up")]
    assert [row["accepted"] for row in Api().get("/v1/me/terms", person=ann).json()["data"]] == [True, True]


@pytest.fixture
def another_version(monkeypatch: pytest.MonkeyPatch) -> legal.Version:
    newer = legal.Version("terms", "2", date(2027, 1, 1), legal.find("terms").digest)  # type: ignore[union-attr]
    monkeypatch.setattr(legal, "VERSIONS", [*legal.VERSIONS, newer])
    monkeypatch.setattr(legal.Version, "template", property(lambda self: f"legal/{self.document}-1.html"))
    return newer


def test_a_new_version_is_asked_for_until_it_is_accepted(make_person: MakePerson, request: pytest.FixtureRequest):
    ann = make_person("ann")
    newer = request.getfixturevalue("another_version")
    assert services.outstanding_terms(user_id=ann.id) == [newer]
    client = browser(ann)
    assert "is new since you last agreed" in client.get("/terms").content.decode()
    assert "new version" in client.get("/settings/privacy").content.decode()
    assert "New terms of service" in client.get("/").content.decode()  # where everybody comes by
    assert_problem(Api().post("/v1/me/terms", {"document": "terms", "version": "1"}, person=ann), 409, "conflict")
    assert_problem(Api().post("/v1/me/terms", {"document": "terms", "version": "9"}, person=ann), 404, "not_found")
    for _ in range(2):
        assert client.post("/terms/accept", {"document": "terms", "version": "2"}).status_code == 302
    assert services.outstanding_terms(user_id=ann.id) == []
    assert "New terms of service" not in client.get("/").content.decode()
    assert [row.how for row in services.acceptances(user_id=ann.id)] == ["sign_up", "sign_up", "again"]


def test_everybody_may_read_them_and_earlier_ones(client, database: Database):
    for path in ("/terms", "/privacy", "/terms/1", "/privacy/1"):
        page = client.get(path)
        assert page.status_code == 200 and "Version 1" in page.content.decode()
    assert client.get("/terms/7").status_code == 404
    assert 'href="/terms"' in client.get("/login").content.decode()


@pytest.mark.parametrize("statement", ["update users_acceptance set version = '9'", "delete from users_acceptance"])
def test_what_was_accepted_stays(database: Database, make_person: MakePerson, statement: str):
    make_person("ann")
    with pytest.raises(psycopg2.Error, match="what was accepted stays"):
        database.as_superuser(statement)
