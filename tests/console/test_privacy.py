"""Closings, legal holds and periods on the staff's site."""

from core.clock import now
from privacy.services import closing
from tests.conftest import Database
from tests.console.conftest import Desk, World
from tests.console.test_tiers import REASON, do


def test_who_leaves_is_listed_with_what_it_waits_for(world: World, desk: Desk, staff_site: Database) -> None:
    staff_site.as_superuser(
        "insert into privacy_closing (public_id, user_id, waits_for) values ('clo_1', %s, '{redemption}')", [world.maya.id]
    )
    page = desk.get("/admin/console/closing/").content.decode()
    assert "@maya" in page and closing.WAITS["redemption"] in page
    assert "@maya" in desk.get("/admin/console/closing/clo_1/change/").content.decode()


def test_data_are_kept_for_a_court_and_let_go(world: World, desk: Desk, staff_site: Database) -> None:
    assert "is not erased until somebody lifts" in do(desk, "/admin/console/legalhold/do/place/", person="@maya")
    [(hold, user_id)] = staff_site.as_superuser("select id, user_id from privacy_legalhold where lifted_at is null")
    assert user_id == world.maya.id
    assert "@maya" in desk.get("/admin/console/legalhold/").content.decode()
    do(desk, f"/admin/console/legalhold/{hold}/do/lift/")
    assert staff_site.as_superuser("select count(*) from privacy_legalhold where lifted_at is null") == [(0,)]
    made = staff_site.as_superuser("select action from console_actionrecord where action like 'legal_hold.%' order by id")
    assert made == [("legal_hold.place",), ("legal_hold.lift",)]


def test_a_period_is_changed_from_a_day_on(desk: Desk, staff_site: Database) -> None:
    words = do(desk, "/admin/console/retention/do/set/", name="exports", days="400", begins=f"{now():%Y-%m-%d}")
    assert "400 days instead of 365" in words
    assert staff_site.as_superuser("select days from privacy_retention where name = 'exports' order by id") == [(365,), (400,)]
    past = desk.post("/admin/console/retention/do/set/", name="exports", days="3", begins="2020-01-01", reason=REASON)
    assert "in the past" in past.content.decode()
