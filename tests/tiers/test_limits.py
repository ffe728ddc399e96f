"""What a person sees of their limits: each, how much is used, when it frees, how to raise it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from compliance import raising
from compliance.models import LimitName
from core.clock import now
from tests.conftest import Database, MakePerson, PersonForTest
from tests.payments.people import browser

MEMBERS = {
    "name", "title", "unit", "limit", "used", "remaining", "resets_at", "tier", "next_limit", "how_to_raise",
}  # fmt: skip


@pytest.fixture
def ada(make_person: MakePerson) -> PersonForTest:
    return make_person("ada", money=500_00)


def limits(api: Any, person: PersonForTest) -> dict[str, Any]:
    body = api.get("/v1/limits", person=person).json()
    assert set(body) == {"data", "next_cursor"}
    assert body["next_cursor"] is None
    for row in body["data"]:
        assert set(row) == MEMBERS
        assert row["remaining"] == max(0, row["limit"] - row["used"])
    return {row["name"]: row for row in body["data"]}


def set_limit(database: Database, name: str, tier: int, value: int, at: datetime | None = None) -> None:
    database.as_superuser(
        "insert into compliance_limit (name, tier, value, effective_at, reason) values (%s, %s, %s, %s, 'For this test')",
        [name, tier, value, at or now()],
    )


def test_each_says_how_much_is_used_and_when_it_frees(
    ada: PersonForTest, make_person: MakePerson, api: Any, database: Database
) -> None:
    make_person("bob")
    set_limit(database, "sends_per_hour", 1, 10)
    set_limit(database, "sends_per_hour", 2, 20)
    before = limits(api, ada)
    assert set(before) <= {name.value for name in LimitName}
    assert (before["sends_per_hour"]["used"], before["sends_per_hour"]["resets_at"]) == (0, None)
    body = {"to": "bob", "amount": 100, "note": "", "visibility": "private"}
    assert api.post("/v1/payments", body, person=ada, key="one").status_code == 201
    row = limits(api, ada)["sends_per_hour"]
    assert (row["limit"], row["used"], row["remaining"], row["unit"]) == (10, 1, 9, "payments")
    assert timedelta(minutes=59) < datetime.fromisoformat(row["resets_at"]) - now() <= timedelta(hours=1)
    assert (row["tier"], row["next_limit"], row["how_to_raise"]) == ("phone", 20, "Let your bank confirm who you are.")


def test_a_tier_and_a_date_of_effect_change_them(ada: PersonForTest, api: Any, database: Database) -> None:
    set_limit(database, "per_transfer", 1, 1_000_00)
    set_limit(database, "per_transfer", 2, 2_500_00)
    set_limit(database, "per_transfer", 3, 5_000_00)
    set_limit(database, "per_transfer", 1, 7_00, now() + timedelta(days=1))
    set_limit(database, "per_transfer", 2, 8_00, now() + timedelta(days=1))
    assert limits(api, ada)["per_transfer"]["limit"] == 1_000_00
    database.as_superuser("insert into compliance_standing (user_id, tier, reason) values (%s, 2, 'For this test')", [ada.id])
    row = limits(api, ada)["per_transfer"]
    assert (row["limit"], row["tier"], row["next_limit"], row["how_to_raise"]) == (
        2_500_00, "identity", 5_000_00, "Send an identity document.",
    )  # fmt: skip
    database.as_superuser("update compliance_standing set tier = 3")
    row = limits(api, ada)["per_transfer"]
    assert (row["limit"], row["tier"], row["next_limit"], row["how_to_raise"]) == (5_000_00, "documents", None, None)


def test_a_next_tier_that_gives_no_more_is_not_offered(ada: PersonForTest, api: Any, database: Database) -> None:
    for tier in (1, 2):
        set_limit(database, "sends_per_day", tier, 50)
    assert limits(api, ada)["sends_per_day"]["how_to_raise"] is None


def test_a_refusal_says_which_limit_and_when_and_leads_to_the_page(
    ada: PersonForTest, make_person: MakePerson, api: Any, database: Database
) -> None:
    make_person("bob")
    set_limit(database, "sends_per_hour", 1, 1)
    body = {"to": "bob", "amount": 100, "note": "", "visibility": "private"}
    assert api.post("/v1/payments", body, person=ada, key="one").status_code == 201
    refused = api.post("/v1/payments", body, person=ada, key="two")
    assert (refused.status_code, refused.json()["code"], refused.json()["limit"]) == (403, "limit_exceeded", "sends_per_hour")
    assert refused.json()["resets_at"] == limits(api, ada)["sends_per_hour"]["resets_at"]
    form = {"to": "bob", "amount": "1", "note": "", "visibility": "private", "key": "three"}
    page = browser(ada).post("/pay", form)
    assert page.status_code == 403
    shown = page.content.decode()
    assert 'href="/limits">See your limits</a>' in shown
    assert '1 payments in an hour. The next one is possible from <time data-local datetime="' in shown  # in the reader's own time
    assert "UTC</time> on." in shown


def test_the_page(ada: PersonForTest, database: Database) -> None:
    set_limit(database, "per_transfer", 1, 1_000_00)
    set_limit(database, "per_transfer", 2, 2_500_00)
    page = browser(ada)
    shown = page.get("/limits").content.decode()
    for words in ("Your limits", "We know your phone number.", "One payment", "$1,000.00", 'href="/identity"', "$2,500.00"):
        assert words in shown
    assert 'href="/limits"' in page.get("/settings").content.decode()
    database.as_superuser("insert into compliance_standing (user_id, tier, reason) values (%s, 3, 'For this test')", [ada.id])
    assert "These are the highest limits" in page.get("/limits").content.decode()


def test_of_somebody_who_is_new(make_person: MakePerson) -> None:
    eve = make_person("eve")
    _, shown = raising.limits_shown(user_id=eve.id)
    by_name = {one.now.name: one for one in shown}
    waiting = by_name.get(LimitName.DAYS_BEFORE_REDEEMING)
    assert waiting is None or waiting.way is None
    assert all(one.now.used == 0 for one in shown)
