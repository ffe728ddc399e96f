"""The queue of cases, their pages, flags, and hits of the sanctions list, through real requests of staff."""

from typing import Any

import pytest
from django.test import Client, override_settings

from banking.models import BankAccount, IdentityCheck
from banking.services import legal_names, secrets
from compliance.services import cases, sanctions
from console import services
from core import clock
from core.actor import SYSTEM, actor
from tests.compliance import lists
from tests.conftest import Database
from tests.console.conftest import EMAIL, PASSWORD, SECRET, Desk, World
from tests.console.test_returns import REASON, act


@pytest.fixture
def case(world: World, database: Database) -> str:
    with database.role("worker"), actor(SYSTEM):
        return cases.open_case(
            kind="review", user_id=world.theo.id, about=world.public, summary="Somebody wrote that <b>this</b> is odd",
            priority=1, detail={"signals": {"velocity": 7, "nested": {"of": ["x"]}}, "who": "a visitor"},
        )  # fmt: skip


def page(desk: Desk, path: str, **params: Any) -> str:
    answer = desk.get(path, **params)
    assert answer.status_code == 200, path
    return answer.content.decode()


def listed(desk: Desk, path: str, key: str, **params: Any) -> bool:
    """Whether a list has a link to this; Django writes an underscore of a key as _5F there."""
    return f"/{key.replace('_', '_5F')}/change/" in page(desk, path, **params)


def row(database: Database, case: str) -> tuple[Any, ...]:
    columns = "select status, assignee_id, priority, label, result from compliance_case where public_id = %s"
    return tuple(database.as_superuser(columns, [case])[0])


def test_a_case_goes_through_the_queue(world: World, case: str, desk: Desk, staff_site: Database, account: int) -> None:
    queue = page(desk, "/admin/console/case/")
    for said in ["Asked for by staff", "@theo", "High", "in 23 h", "nobody&#x27;s", "&lt;b&gt;this", "Keys of this", "queue.js"]:
        assert said in queue, said
    assert "Other cases" in page(desk, "/admin/")
    url = f"/admin/console/case/{case}/"
    shown = page(desk, url + "change/")
    for said in ["velocity", "nested of 1", "a visitor", world.public, "other cases", "Nobody has written", "they were told"]:
        assert said in shown, said
    looks = staff_site.as_superuser("select kind, subject from console_personview where kind = 'case'")
    assert looks == [("case", case)]
    assert act(desk, url + "do/take/").status_code == 302
    assert row(staff_site, case)[:2] == ("open", account)
    assert listed(desk, "/admin/console/case/", case, whose="mine")
    assert not listed(desk, "/admin/console/case/", case, whose="nobody")
    assert act(desk, url + "do/note/").status_code == 302
    assert REASON in page(desk, url + "change/")
    assert act(desk, url + "do/prioritise/", priority="3").status_code == 302
    closing = {"outcome": "no_action", "label": "legitimate", "result": "A collection for a present."}
    assert act(desk, url + "do/close/", **closing).status_code == 302
    assert row(staff_site, case) == ("closed", account, 3, "legitimate", "A collection for a present.")
    assert not listed(desk, "/admin/console/case/", case) and listed(desk, "/admin/console/case/", case, state="closed")
    assert "A collection for a present." in page(desk, url + "change/")
    assert desk.get(url + "do/close/").status_code == 302  # no longer offered
    assert act(desk, url + "do/reopen/").status_code == 302
    assert act(desk, url + "do/assign/", staff=EMAIL.upper()).status_code in (302, 400)
    assert "A collection for a present." in page(desk, url + "change/")


def test_a_case_is_found_by_its_id_its_person_and_what_it_is_about(world: World, case: str, desk: Desk) -> None:
    for term in (case, "@theo", world.public):
        assert listed(desk, "/admin/console/case/", case, q=term), term
    assert not listed(desk, "/admin/console/case/", case, q="@maya")
    assert not listed(desk, "/admin/console/case/", case, kind="flag")
    assert listed(desk, "/admin/console/case/", case, kind="review", priority__exact="1")
    assert desk.post("/admin/find/", q=case).url.endswith(f"/case/{case}/change/")


@pytest.fixture
def flagged(world: World, database: Database) -> None:
    transfer, private = world.transfer, world.private_transfer
    raise_flag = "select compliance_raise_flag(%s, %s, %s, %s, now(), %s)"
    for rule, other, moved, detail in (
        ("repeat_recipient", world.maya.id, transfer, '{"payments": 5, "cents": 900}'),
        ("habit", None, private, '{"sent": 77700, "usual": 100, "payments": 9}'),
    ):
        database.as_superuser(raise_flag, [rule, world.theo.id, other, moved, detail])


def test_flags_say_what_they_saw_and_nothing_of_a_private_amount(
    world: World, flagged: None, desk: Desk, staff_site: Database
) -> None:
    shown = page(desk, "/admin/console/flag/")
    assert "5 payments to @maya within the time, $9.00 in all." in shown
    assert "a private amount at once. Their usual payment was $1.00, of 9." in shown
    [(case,)] = staff_site.as_superuser("select public_id from compliance_case where kind = 'flag'")
    of_case = page(desk, f"/admin/console/case/{case}/change/")
    assert "5 payments to @maya" in of_case and "777" not in of_case
    assert "777" not in shown
    url = "/admin/console/flagrule/habit/do/change/"
    changed = {"weight": "40", "threshold": "6", "minutes": "60", "active": "on"}
    assert act(desk, url, **changed).status_code == 302
    rule = "select weight, threshold, minutes from compliance_flagrule where rule = 'habit'"
    assert staff_site.as_superuser(rule) == [(40, 6, 60)]
    refused = desk.post("/admin/console/flagrule/private_only/do/change/", **{**changed, "weight": "80"}, reason=REASON)
    assert refused.status_code == 400


@pytest.fixture
def hit(world: World, database: Database, tmp_path: Any) -> str:
    with database.role("worker"):
        more = lists.SDN + '900,"THEOS, Theo",individual,"DEMO-1","Baker",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,"DOB <1961>"\n'
        database.as_superuser("update users_profile set display_name = 'Theo Theos' where username = 'theo'")
        sanctions.import_list(entries=sanctions.read_files(sdn_file=lists.write(tmp_path, more)))
        sanctions.screen()
    return str(database.as_superuser("select public_id from compliance_sanctionshit")[0][0])


def test_a_hit_is_decided_once(world: World, hit: str, desk: Desk, staff_site: Database) -> None:
    assert "THEOS, Theo" in page(desk, "/admin/console/hit/")
    url = f"/admin/console/hit/{hit}/"
    shown = page(desk, url + "change/")
    for said in ["Baker", "DOB &lt;1961&gt;", "DEMO-1", "900", "Theo Theos"]:
        assert said in shown, said
    [(case,)] = staff_site.as_superuser("select public_id from compliance_case where kind = 'sanctions'")
    assert "do/close/" not in page(desk, f"/admin/console/case/{case}/change/")  # closed by what is decided, and by nothing else
    assert desk.get(f"/admin/console/case/{case}/do/close/").status_code == 302
    assert "You cannot send money for the moment" in page(desk, f"/admin/console/case/{case}/change/")
    assert act(desk, url + "do/clear/").status_code == 302
    assert row(staff_site, case)[0] == "closed" and row(staff_site, case)[3] == "false_positive"
    assert desk.get(url + "do/clear/").status_code == 302
    assert not listed(desk, "/admin/console/hit/", hit) and listed(desk, "/admin/console/hit/", hit, state="cleared")


def test_a_confirmed_hit_is_taken_back_by_two(world: World, hit: str, desk: Desk, staff_site: Database) -> None:
    """From the log-in of both to the letter; confirming, approving and refusing ask for a fresh code first."""
    url = f"/admin/console/hit/{hit}/"
    with override_settings(STAFF_FRESH_SECONDS=-1):
        assert desk.get(f"{url}do/confirm/")["Location"].startswith("/admin/again/")
    assert act(desk, url + "do/confirm/").status_code == 302
    assert "do/lift/" in page(desk, url + "change/") and "do/approve/" not in page(desk, url + "change/")
    assert act(desk, url + "do/lift/").status_code == 302
    mine = page(desk, url + "change/")
    assert "waits for somebody else" in mine and "do/approve/" not in mine  # nobody is offered to approve their own
    assert listed(desk, "/admin/console/hit/", hit, state="lifting")
    assert "Confirmed hits to be taken back" in page(desk, "/admin/queues/")
    with staff_site.role("worker"):
        services.create_staff(email="bo@staff.example", roles=["compliance"], password=PASSWORD, secret=SECRET)
    other = Desk(Client())
    assert other.try_in(email="bo@staff.example").status_code == 302
    with override_settings(STAFF_FRESH_SECONDS=-1):
        for action in ("approve", "refuse"):
            assert other.get(f"{url}do/{action}/")["Location"].startswith("/admin/again/")
    assert act(other, url + "do/approve/").status_code == 302
    assert "approved by bo@staff.example" in " ".join(page(desk, url + "change/").split())
    [(frozen, title)] = staff_site.as_superuser(
        "select w.frozen, l.title from wallets_wallet w join compliance_letter l using (user_id) order by l.id desc limit 1"
    )
    assert (frozen, title) == (0, "You can send money again")


def test_a_legal_name_that_is_like_one_is_read_where_it_is_decided(
    world: World, hit: str, desk: Desk, staff_site: Database
) -> None:
    check = IdentityCheck(user_id=world.maya.id, due_at=clock.now(), name_index=b"n")
    with staff_site.role("worker"), actor(SYSTEM):
        check.account = BankAccount.objects.get(public_id="ba_1")
        check.legal_name = secrets.seal_legal_name(check, "Theo Theoss")
        check.save(force_insert=True)
    with staff_site.role("worker"):
        legal_names.screen()
    found = "select public_id, case_id from compliance_sanctionshit where legal_name"
    [(key, _)] = staff_site.as_superuser(found)
    queue, shown = page(desk, "/admin/console/hit/"), page(desk, f"/admin/console/hit/{key}/change/")
    assert "Legal name of Maya" in queue and "Theoss" not in queue
    assert "Theo Theoss" in shown
    assert "Theoss" not in page(desk, f"/admin/console/hit/{hit}/change/")  # of somebody else
    [(case,)] = staff_site.as_superuser("select public_id from compliance_case where user_id = %s", [world.maya.id])
    assert "in the legal name" in page(desk, f"/admin/console/case/{case}/change/")
    staff_site.as_superuser("delete from console_staffrole where role = 'compliance'")
    assert "Theoss" not in page(desk, f"/admin/console/hit/{key}/change/")


def test_other_scores_look_everybody_up_again(world: World, hit: str, desk: Desk, staff_site: Database) -> None:
    assert "all 2" in page(desk, "/admin/console/listrun/")
    assert desk.post("/admin/console/listrun/do/change/", threshold="90", strong="80", reason=REASON).status_code == 400
    assert act(desk, "/admin/console/listrun/do/change/", threshold="80", strong="101").status_code == 302
    assert "0 of 2 so far" in page(desk, "/admin/console/listrun/")
    with staff_site.role("worker"):
        sanctions.screen()
    assert "0 of 2 so far" not in page(desk, "/admin/console/listrun/")


def test_all_hits_of_a_case_are_cleared_at_once(world: World, hit: str, desk: Desk, staff_site: Database) -> None:
    [(case,)] = staff_site.as_superuser("select public_id from compliance_case where kind = 'sanctions'")
    assert "Theo Theos is not “THEOS, Theo”" in page(desk, f"/admin/console/case/{case}/do/clear/")
    assert act(desk, f"/admin/console/case/{case}/do/clear/").status_code == 302
    assert row(staff_site, case)[0] == "closed"
