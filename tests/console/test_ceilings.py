"""Daily ceilings on the site: what holds, what is used today, and another one with a reason, by an administrator."""

import re
from typing import Any

import pytest
from django.test import Client

from banking.services import corrections
from console import services
from core.errors import Conflict
from tests.conftest import Database
from tests.console.conftest import PASSWORD, SECRET, Desk

REASON = "the size of refunds in November, F-7"
LIST, SUPPORT = "/admin/console/ceiling/", "/admin/console/ceiling/support:correction.ask/"


@pytest.fixture
def boss(account: int, staff_site: Database) -> Desk:
    """An administrator, who has no other role."""
    with staff_site.role("worker"):
        services.create_staff(email="boss@staff.example", roles=["administrator"], password=PASSWORD, secret=SECRET)
    desk = Desk(Client())
    assert desk.try_in(email="boss@staff.example").status_code == 302
    return desk


def set_to(desk: Desk, amount: str, **more: str) -> Any:
    first = desk.post(f"{SUPPORT}do/change/", amount=amount, reason=REASON, **more)
    found = re.search(r'name="shown" value="(\w+)"', first.content.decode())
    return desk.post(f"{SUPPORT}do/change/", amount=amount, reason=REASON, shown=found[1], **more) if found else first


def test_the_page_shows_what_holds_and_what_is_used_today(boss: Desk, database: Database, account: int, make_person: Any) -> None:
    with database.role("web"):
        maya = make_person("maya")
    [(who,)] = database.as_superuser("select public_id from users_user where id = %s", [maya.id])
    corrections.ask(kind="adjustment_credit", amount=123_45, person=who, staff_id=account, reason=REASON)
    page = boss.get(LIST).content.decode()
    assert page.count("$123.45") == 2  # this member has both roles that may ask
    assert "Approving corrections" in page
    assert "$10,000.00" in page
    page = boss.get(f"{SUPPORT}change/").content.decode()
    assert "ada@staff.example" in page
    assert "$123.45" in page
    assert "What PaYa began with" in page


def test_an_administrator_sets_another_which_holds_at_once(boss: Desk, database: Database, account: int) -> None:
    shown = boss.post(f"{SUPPORT}do/change/", amount="20", reason=REASON).content.decode()
    assert "$20.00 a day instead of $500.00 a day, from now on" in shown
    assert "1 member has this role" in shown
    assert database.as_superuser("select count(*) from banking_ceiling") == [(3,)]  # shown, and not done
    assert set_to(boss, "20").status_code == 302
    assert "$20.00" in boss.get(f"{SUPPORT}change/").content.decode()
    [(action, changed)] = database.as_superuser(
        "select a.action, c.after from console_trail a join console_trail c on c.of_action = a.id where a.action = 'ceiling.set'"
    )
    assert (action, changed["cents"], changed["reason"]) == ("ceiling.set", 2000, REASON)
    assert set_to(boss, "0").status_code == 302
    assert "nothing" in boss.get(f"{SUPPORT}change/").content.decode()


def test_one_is_staged_for_later_and_what_holds_stays(boss: Desk) -> None:
    assert set_to(boss, "70", at="2999-01-01 08:00").status_code == 302
    page = boss.get(LIST).content.decode()
    assert "$500.00" in page
    assert "$70.00 a day from" in page
    assert "Staged already: $70.00 a day" in boss.post(f"{SUPPORT}do/change/", amount="5", reason=REASON).content.decode()


@pytest.mark.parametrize(("amount", "at"), [("-1", ""), ("much", ""), ("5", "2020-01-01 08:00")])
def test_what_is_no_ceiling_is_refused(boss: Desk, database: Database, amount: str, at: str) -> None:
    assert set_to(boss, amount, at=at).status_code == 400
    assert database.as_superuser("select count(*) from banking_ceiling") == [(3,)]


def test_nobody_sets_their_own_and_nobody_else_sets_any(desk: Desk, database: Database, account: int) -> None:
    """`desk` has all roles."""
    refused = set_to(desk, "9999")
    assert "Nobody sets the ceiling of a role of their own." in refused.content.decode()
    with pytest.raises(Conflict, match="no such ceiling"):
        corrections.set_ceiling(
            role="auditor", action="correction.ask", cents=1, at=None, staff_id=account, reason=REASON
        )
    database.as_superuser("delete from console_staffrole where user_id = %s and role = 'administrator'", [account])
    assert desk.get(f"{SUPPORT}do/change/").status_code == 403
    assert database.as_superuser("select count(*) from banking_ceiling") == [(3,)]
