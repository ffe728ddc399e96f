"""One alone approves nothing at the site either: by the page of the row, by many rows at once, by what a form leaves out."""

import re
from typing import Any

import pytest
from django.test import Client

from bench.campaigns.ground import change
from compliance.services import support
from console import services
from tests.conftest import Database
from tests.console.conftest import PASSWORD, Desk, World
from tests.console.test_returns import REASON, act

ROOMS = ("correction", "dispute")
# The functions' own look at who asked, and the constraint of each table.
WITHOUT = [
    ("banking_decide_correction", r"c\.asked_by_id = core_actor\(\)", "false"),
    ("compliance_decide_money", r"m\.asked_by_id = core_actor\(\)", "false"),
]
UNCONSTRAINED = [
    "alter table banking_correction drop constraint banking_two_of_the_staff",
    "alter table compliance_disputemoney drop constraint compliance_disputemoney_two",
]


@pytest.fixture
def mine(world: World, desk: Desk, staff_site: Database) -> dict[str, str]:
    """What whoever sits at the desk has asked for: an adjustment of 12.50, and a provisional credit of 10.00."""
    for sql in (
        "alter table ledger_transfer disable trigger two_approved_it",
        "select ledger_post(gen_random_uuid(), 17::smallint, 1, 90, 5000)",
        "select ledger_post(gen_random_uuid(), 20::smallint, 90, 100, 5000)",
        "alter table ledger_transfer enable trigger two_approved_it",
    ):
        staff_site.as_superuser(sql)
    with staff_site.role("web"):
        dispute = support.report(user_id=world.maya.id, about=world.public, kind="unauthorized", message="Not me").public_id
    asked = act(desk, "/admin/console/correction/do/adjust/", person="@maya", way="adjustment_credit", amount="12.50")
    assert asked.status_code == 302
    assert act(desk, f"/admin/console/dispute/{dispute}/do/credit/", amount="10").status_code == 302
    [(correction,)] = staff_site.as_superuser("select id from banking_correction")
    return {"correction": str(correction), "dispute": dispute}


def approved(database: Database) -> int:
    return sum(
        int(database.as_superuser(f"select count(*) from {table} where approved")[0][0])
        for table in ("banking_correction", "compliance_disputemoney")
    )


def clicked(desk: Desk, room: str, key: str) -> Any:
    """Look at what approving would do, and press the button; where the page shows nothing to confirm, press it all the same."""
    url = f"/admin/console/{room}/{key}/do/approve/"
    shown = re.search(r'name="shown" value="([0-9a-f]{64})"', desk.post(url, reason=REASON).content.decode())
    return desk.post(url, reason=REASON, shown=shown[1] if shown else "0" * 64)


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize("offered", [False, True])
def test_ones_own_is_not_approved_by_its_page(
    mine: dict[str, str], desk: Desk, staff_site: Database, room: str, offered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is offered it; and where the page did, the database would not."""
    if offered:
        monkeypatch.setattr(services, "is_actor", lambda email: False)
    answer = clicked(desk, room, mine[room])
    assert answer.status_code in (302, 400)
    assert approved(staff_site) == 0


def test_another_of_the_staff_approves_both(mine: dict[str, str], staff_site: Database) -> None:
    with staff_site.role("worker"):
        services.create_staff(email="bo@staff.example", roles=["finance"], password=PASSWORD, secret=bytes(range(20)))
    other = Desk(Client())
    assert other.try_in(email="bo@staff.example").status_code == 302
    for room in ROOMS:
        assert clicked(other, room, mine[room]).status_code == 302
    assert approved(staff_site) == 2


def test_without_what_stands_against_it_ones_own_is(
    mine: dict[str, str], desk: Desk, staff_site: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control; the pages offer it to nobody who asked, so they are made to."""
    monkeypatch.setattr(services, "is_actor", lambda email: False)
    for words in WITHOUT:
        change(staff_site, *words)
    for sql in UNCONSTRAINED:
        staff_site.as_superuser(sql)
    for room in ROOMS:
        assert clicked(desk, room, mine[room]).status_code == 302
    assert approved(staff_site) == 2


@pytest.mark.parametrize("room", ROOMS)
def test_there_is_nothing_that_is_done_to_many_rows_at_once(
    mine: dict[str, str], desk: Desk, staff_site: Database, room: str
) -> None:
    """Django's own actions of a list, saving in a list, adding, changing and deleting: the staff's site has none of them."""
    row = mine[room]
    for form in (
        {"action": "approve", "_selected_action": row, "select_across": "1", "index": "0", "reason": REASON},
        {"action": "delete_selected", "_selected_action": row, "post": "yes"},
        {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": row, "form-0-approved": "on", "_save": "Save"},
    ):
        desk.post(f"/admin/console/{room}/", **form)
    for path in ("do/approve/", "add/", f"{row}/change/", f"{row}/delete/", f"{row},{row}/do/approve/"):
        answer = desk.post(f"/admin/console/{room}/{path}", reason=REASON, approved="on", decided_by="1", post="yes")
        assert answer.status_code in (302, 403, 404, 405), path
    assert approved(staff_site) == 0
    assert staff_site.as_superuser("select count(*) from banking_correction") == [(1,)]
    assert staff_site.as_superuser("select amount from banking_correction") == [(12_50,)]


def test_what_was_shown_is_what_is_approved(mine: dict[str, str], staff_site: Database) -> None:
    """Whoever presses the button of an old page, or sends a form that was never shown, approves nothing."""
    with staff_site.role("worker"):
        services.create_staff(email="bo@staff.example", roles=["finance"], password=PASSWORD, secret=bytes(range(20)))
    other = Desk(Client())
    assert other.try_in(email="bo@staff.example").status_code == 302
    for room in ROOMS:
        url = f"/admin/console/{room}/{mine[room]}/do/approve/"
        for form in ({"reason": REASON}, {"reason": REASON, "shown": "0" * 64}, {"shown": "0" * 64}):
            assert other.post(url, **form).status_code in (200, 400)
    assert approved(staff_site) == 0
