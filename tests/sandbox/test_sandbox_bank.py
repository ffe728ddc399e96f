"""The bank's calendar, and that it is quick enough for a demo network."""

import re
import time
from datetime import date, timedelta

from tests.sandbox.harness import Person


def test_the_calendar_follows_the_federal_reserve(own_sandbox):
    sandbox, _ = own_sandbox

    def at(day: str) -> dict:
        return sandbox.post("/sandbox/bank/date", {"date": day})

    assert at("2026-07-02").json()["date"] == "2026-07-02"  # backward: nothing has been transferred
    assert [sandbox.advance(1)["date"] for _ in range(2)] == ["2026-07-03", "2026-07-06"]  # Saturday's 4th is lost
    at("2027-07-02")
    assert sandbox.advance(1)["date"] == "2027-07-06"  # Sunday's 4th moves to Monday
    at("2026-11-20")
    assert sandbox.advance(4)["date"] == "2026-11-27"  # Thanksgiving
    person = Person(sandbox)
    load = person.load()
    refused = at("2026-11-20")
    assert refused.status_code == 400
    assert "back" in refused.json()["error"]
    moved = at("2026-12-02").json()
    assert moved["settled"] == [load.rsplit("/", 1)[1]]
    assert person.dwolla.get(load).body["created"].startswith("2026-11-27")


def test_sixty_days_settle_whatever_was_under_way(sandbox, person, receiver):
    sandbox.post("/sandbox/webhooks", {"mode": "paused"})
    before = sandbox.get("/sandbox/bank").json()["master_balance"]
    for _ in range(40):
        person.load("5.00")
    report = sandbox.advance(60)
    assert len(report["settled"]) == 40
    assert sandbox.get("/sandbox/bank").json()["master_balance"] == before + 40 * 500
    sandbox.post("/sandbox/webhooks", {"mode": "discard"})
    time.sleep(0.2)
    assert receiver.seen == []


def test_the_bank_page_moves_the_calendar(sandbox, person):
    person.load("12.34")
    page = sandbox.get("/bank")
    assert "$12.34" in page.text
    assert "Ada Byron" in page.text
    before = date.fromisoformat(sandbox.get("/sandbox/bank").json()["date"])
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
    form = {"csrfmiddlewaretoken": token, "business_days": "1"}
    moved = sandbox.post("/bank/move", data=form, cookies=page.cookies, allow_redirects=False)
    assert (moved.status_code, moved.headers["Location"]) == (302, "/bank")
    after = date.fromisoformat(sandbox.get("/sandbox/bank").json()["date"])
    assert timedelta(days=1) <= after - before <= timedelta(days=5)
    assert sandbox.post("/bank/move", data={"business_days": "1"}).status_code == 403  # no foreign page can do it


def test_pages_carry_a_strict_policy(sandbox):
    for path in ("/", "/phone", "/bank", "/plaid/link/hosted/none"):
        answer = sandbox.get(path)
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "<style" not in answer.text
        assert " style=" not in answer.text
        assert not re.search(r"<script(?![^>]* src=)", answer.text)
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', sandbox.get("/phone").text):
        assert sandbox.get(path).status_code == 200
