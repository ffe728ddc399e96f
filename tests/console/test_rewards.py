"""The review of a week, who is left out, appeals and the rules, through real requests of staff."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import pytest

from core.actor import SYSTEM, actor
from core.clock import at_time
from rewards import services
from rewards.models import Run
from tests.conftest import Database
from tests.console.conftest import Desk
from tests.console.test_returns import REASON, act
from tests.rewards.network import END, WEEK, at, earn, pay_all, people

TOLD = "Most of your payments went in a circle between the same few people."


@pytest.fixture
def week(database: Database) -> list[int]:
    """A closed week in review; two active people get 35.00 each, a third went in a circle."""
    who = people(database, 4, since=WEEK.start - timedelta(days=3), money=0)
    earn(database, at(0), 100_00)
    pay_all(database, [(who[0], who[3], at(1)), (who[1], who[3], at(2)), (who[2], who[0], at(3)), (who[0], who[2], at(3, 13))])
    with database.role("demo"), at_time(END + timedelta(hours=24)):
        services.close_through(WEEK)
    return who


def public_id(database: Database, user: int) -> str:
    return str(database.as_superuser("select public_id from users_user where id = %s", [user])[0][0])


def owned(database: Database, user: int) -> int:
    [(cents,)] = database.as_superuser(
        "select balance from ledger_account join wallets_wallet on account = id where user_id = %s", [user]
    )
    return int(cents)


def advance(database: Database) -> str:
    with database.role("worker"):
        services.advance()
        with actor(SYSTEM):
            return str(Run.objects.get(week=WEEK.name).state)


def done(database: Database) -> list[Any]:
    return [row[0] for row in database.as_superuser("select action from console_actionrecord order by id")]


def test_staff_see_totals_and_outliers_hold_a_week_and_release_it(week: list[int], desk: Desk, staff_site: Database) -> None:
    page = desk.get(f"/admin/console/rewardrun/{WEEK.name}/change/").content.decode()
    for said in ["$100.00", "$30.00", "$70.00", "1 that led back", "2 of them get a share", "waits for review", "the first week"]:
        assert said in page, said
    assert f'href="/admin/console/reward/?week__exact={WEEK.name}"' in page
    assert "eeks of rewards to look at" in desk.get("/admin/").content.decode()
    url = f"/admin/console/rewardrun/{WEEK.name}/do/"
    assert act(desk, url + "hold/").status_code == 302
    assert advance(staff_site) == "closed"
    assert "held" in desk.get("/admin/console/rewardrun/").content.decode()
    assert act(desk, url + "release/").status_code == 302
    assert advance(staff_site) == "announced"
    assert owned(staff_site, week[0]) == 35_00
    assert desk.get(url + "hold/").status_code == 302  # no longer offered
    assert done(staff_site) == ["rewards.hold", "rewards.release"]


def test_staff_reverse_one_reward_once_and_it_is_in_the_pool_again(week: list[int], desk: Desk, staff_site: Database) -> None:
    advance(staff_site)
    key = f"{WEEK.name}:{public_id(staff_site, week[1])}"
    listed = desk.get("/admin/console/reward/", week__exact=WEEK.name).content.decode()
    assert listed.count("$35.00") == 2
    assert "paid" in desk.get(f"/admin/console/reward/{key}/change/").content.decode()
    assert act(desk, f"/admin/console/reward/{key}/do/reverse/").status_code == 302
    assert (owned(staff_site, week[1]), owned(staff_site, week[0])) == (0, 35_00)
    assert staff_site.as_superuser("select rewards_was_there()") == [(35_00,)]
    assert "reversed" in desk.get(f"/admin/console/reward/{key}/change/").content.decode()
    assert desk.get(f"/admin/console/reward/{key}/do/reverse/").status_code == 302  # no longer offered
    raw = staff_site.connect("staff")
    with raw.cursor() as cursor:
        cursor.execute("select set_config('paya.actor', %s, false)", [str(staff_of(staff_site))])
        again = [WEEK.name, public_id(staff_site, week[1]), REASON]
        with pytest.raises(psycopg2.Error, match="was reversed before"):
            cursor.execute("select rewards_reverse(%s, %s, %s)", again)
    raw.close()


def staff_of(database: Database) -> int:
    return int(database.as_superuser("select id from users_user where kind = 'staff'")[0][0])


def test_a_reward_that_was_spent_is_not_reversed(week: list[int], desk: Desk, staff_site: Database) -> None:
    advance(staff_site)
    staff_site.as_superuser(
        "select ledger_post(gen_random_uuid(), 7::smallint, a.account, b.account, 1) from wallets_wallet a, wallets_wallet b"
        " where a.user_id = %s and b.user_id = %s", [week[1], week[3]],
    )  # fmt: skip
    answer = act(desk, f"/admin/console/reward/{WEEK.name}:{public_id(staff_site, week[1])}/do/reverse/")
    assert answer.status_code == 400
    assert "does not have that much any more" in answer.content.decode()
    assert done(staff_site) == []


def test_staff_leave_somebody_out_for_some_weeks_and_let_them_in_again(week: list[int], desk: Desk, staff_site: Database) -> None:
    who = public_id(staff_site, week[0])
    assert desk.post(f"/admin/console/person/{who}/do/ineligible/", weeks="0", reason=REASON).status_code == 400
    assert desk.post(f"/admin/console/person/{who}/do/ineligible/", weeks="2", reason=REASON).status_code == 400  # without a word
    assert act(desk, f"/admin/console/person/{who}/do/ineligible/", weeks="2", told=TOLD).status_code == 302
    [(title, body)] = staff_site.as_superuser("select title, body from compliance_letter where kind = 'rewards'")
    assert title == "You are left out of the weekly rewards for now"
    assert body.startswith(f"{TOLD}\n\nYou count again from the week that begins on ")
    rows = staff_site.as_superuser("select id, since, until, reason from rewards_ineligibility")
    assert [row[1:] for row in rows] == [(WEEK.next.monday, WEEK.next.monday + timedelta(days=14), REASON)]
    again = act(desk, f"/admin/console/person/{who}/do/ineligible/", weeks="2", told=TOLD)  # the second click
    assert "left out for that long already" in again.content.decode()
    assert act(desk, f"/admin/console/person/{who}/do/ineligible/", weeks="3", told=TOLD).status_code == 302
    earn(staff_site, at(8), 100_00)
    pay_all(staff_site, [(week[0], week[3], at(8)), (week[1], week[3], at(8))])
    with staff_site.role("demo"), at_time(END + timedelta(days=8)):
        services.close_through(WEEK.next)
    listed = dict(
        staff_site.as_superuser(
            "select user_id, reason from rewards_reward r join rewards_run u on u.id = run_id where week = %s",
            [WEEK.next.name],
        )
    )
    assert listed == {week[0]: "ineligible", week[1]: "active"}
    assert act(desk, f"/admin/console/ineligible/{rows[0][0]}/do/lift/").status_code == 302
    assert staff_site.as_superuser("select lifted_at is not null from rewards_ineligibility") == [(True,), (True,)]
    assert who in desk.get("/admin/console/ineligible/").content.decode()


def test_an_appeal_reaches_staff_and_the_answer_reaches_the_person(week: list[int], desk: Desk, staff_site: Database) -> None:
    with staff_site.role("web"):
        made = services.appeal(user_id=week[2], week=WEEK, message="We share a kitchen, it is no circle.")
    assert re.search(r">Appeals about weekly rewards</a> <b [^>]*>1<", desk.get("/admin/").content.decode())
    page = desk.get("/admin/console/appeal/", answered_at__isempty="1").content.decode()
    assert "We share a kitchen" in page
    url = f"/admin/console/appeal/{made.public_id}/"
    assert act(desk, url + "do/answer/", answer="\u202e").status_code == 400  # nothing that anybody could read
    assert act(desk, url + "do/answer/", answer="It led back within an hour.").status_code == 302
    assert "It led back within an hour." in desk.get(url + "change/").content.decode()
    with staff_site.role("web"), actor(week[2]):
        made.refresh_from_db()
    assert made.answer == "It led back within an hour."
    events = staff_site.as_superuser("select payload from core_outbox where topic = 'wallet.changed'")
    assert events == [({"user": week[2], "kind": "appeal_answered", "ref": WEEK.name},)]


def test_rules_are_changed_for_weeks_to_come_and_say_so_in_words(desk: Desk, staff_site: Database) -> None:
    url = "/admin/console/rewardsetting/do/change/"
    assert 'value="30.0"' in desk.get(url).content.decode()
    rules = {
        "percent": "12.5", "min_age_days": "14", "path_length": "2", "circle_hours": "48", "review_hours": "12",
        "strategy": "payments_made",
    }  # fmt: skip
    today = datetime.now(UTC).date()
    late = desk.post(url, in_force_from=today.isoformat(), **rules, reason=REASON)
    assert "That is too far ahead." in desk.post(url, in_force_from="9999-12-31", **rules, reason=REASON).content.decode()
    assert late.status_code == 400
    assert "have not begun" in late.content.decode()
    day = today + timedelta(days=20)
    shown = desk.post(url, in_force_from=day.isoformat(), **rules, reason=REASON).content.decode()
    assert "at least 14 days old" in shown
    assert "12.5 % of it pays for running PaYa" in shown
    assert act(desk, url, in_force_from=day.isoformat(), **rules).status_code == 302
    stored = staff_site.as_superuser(
        "select in_force_from, operations_share, path_length, strategy, reason from rewards_setting order by id"
    )
    assert stored[1:] == [(day, 1250, 2, "payments_made", REASON)]
    page = desk.get("/admin/console/rewardsetting/").content.decode()
    assert "12.5 %" in page
    assert "48 hours" in desk.get("/admin/console/rewardsetting/2/change/").content.decode()


@pytest.mark.parametrize("role", ["web", "worker", "auditor"])
@pytest.mark.parametrize(
    "call",
    ["rewards_hold('x', 'y')", "rewards_release('x', 'y')", "rewards_mark_ineligible('x', 1, 'y')",
     "rewards_mark_ineligible('x', 1, 'why', 'y')",
     "rewards_reverse('x', 'y', 'z')", "rewards_answer_appeal('x', 'y', 'z')",
     "rewards_change_settings(current_date, 1, 1, 1, 1, 1, 'equal', 'y')"],
)  # fmt: skip
def test_only_staff_decide(database: Database, role: str, call: str) -> None:
    raw = database.connect(role)
    with raw.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute(f"select {call}")
    raw.close()
