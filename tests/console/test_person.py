"""One page per person: all that support needs, found by what is in hand, in a fixed number of queries; and what staff do."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from banking.services import corrections
from compliance.services import support
from console.services import create_staff
from core.actor import SYSTEM, actor
from tests.conftest import Database
from tests.console.conftest import EMAIL, Desk, World
from tests.console.test_returns import colleague

REASON, TOLD = "support case 4711 asks for it", "We are looking into payments that came to you in the last days."


def act(desk: Desk, path: str, **form: Any) -> Any:
    """Fill in, look at what it will do, and do it."""
    shown = desk.post(path, **form, reason=REASON)
    digest = re.search(r'name="shown" value="(\w+)"', shown.content.decode())
    assert digest, shown.content.decode()[-3000:]
    return desk.post(path, **form, reason=REASON, shown=digest[1])


def page(desk: Desk, world: World, query: str = "") -> str:
    answer = desk.get(f"/admin/console/person/{world.maya_id}/change/{query}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def do(world: World, action: str) -> str:
    return f"/admin/console/person/{world.maya_id}/do/{action}/"


def test_a_freeze_from_the_page_and_its_end(world: World, desk: Desk, staff_site: Database) -> None:
    preview = desk.post(do(world, "freeze"), level="2", told=TOLD, reason=REASON).content.decode()
    assert "nobody can pay them" in preview and "This is what it will do" in preview
    assert staff_site.as_superuser("select count(*) from compliance_freeze") == [(0,)]  # shown and not done
    assert act(desk, do(world, "freeze"), level="2", told=TOLD).status_code == 302
    again = desk.post(do(world, "freeze"), level="2", told=TOLD, reason=REASON)
    shown = re.search(r'name="shown" value="(\w+)"', again.content.decode())
    twice = desk.post(do(world, "freeze"), level="2", told=TOLD, reason=REASON, shown=shown[1] if shown else "")
    assert twice.status_code == 400 and "frozen in this way already" in twice.content.decode()
    html = page(desk, world)
    assert "no sending, no receiving" in html and f"Told to the person:</b> {TOLD}" in html
    assert "Told: Your account is frozen for the moment" in html
    [(freeze, level)] = staff_site.as_superuser("select public_id, level from compliance_freeze")
    assert level == 2
    lift = f"/admin/console/freeze/{freeze}/do/lift/"
    assert f'href="{lift}"' in html  # from the page as well
    staff_site.as_superuser("delete from console_staffrole where role not in ('auditor')")
    assert f'href="{lift}"' not in page(desk, world)  # for whoever may
    staff_site.as_superuser("insert into console_staffrole (user_id, role) select user_id, 'compliance' from console_staffrole")
    assert act(desk, lift).status_code == 302
    assert staff_site.as_superuser("select frozen from wallets_wallet where user_id = %s", [world.maya.id]) == [(0,)]
    html = page(desk, world)
    assert "A freeze ended" in html and "Nothing." in html
    actions = staff_site.as_superuser("select action, reason from console_actionrecord order by id")
    assert actions == [("freeze.set", REASON), ("freeze.lift", REASON)]


def test_whoever_is_paid_while_somebody_reads_is_frozen_all_the_same(world: World, desk: Desk, staff_site: Database) -> None:
    """The balance stands on the page, and what is confirmed does not depend on it."""
    shown = desk.post(do(world, "freeze"), level="1", told=TOLD, reason=REASON).content.decode()
    digest = re.search(r'name="shown" value="(\w+)"', shown)
    before = re.search(r"Their balance of (\S+) stays theirs", shown)
    assert digest and before
    from core.ids import new_reference
    from wallets.services import mint

    with staff_site.role("worker"), actor(SYSTEM):
        mint(user_id=world.maya.id, reference=new_reference(), amount=5_000)
    assert before[0] not in desk.post(do(world, "freeze"), level="1", told=TOLD, reason=REASON).content.decode()
    assert desk.post(do(world, "freeze"), level="1", told=TOLD, reason=REASON, shown=digest[1]).status_code == 302
    assert staff_site.as_superuser("select frozen from wallets_wallet where user_id = %s", [world.maya.id]) == [(1,)]


def test_what_was_shown_has_changed_and_is_shown_anew(world: World, desk: Desk, staff_site: Database) -> None:
    """Somebody else has frozen them in another way: the end of this freeze does not open the account any more."""
    assert act(desk, do(world, "freeze"), level="1", told=TOLD).status_code == 302
    [(freeze,)] = staff_site.as_superuser("select public_id from compliance_freeze")
    lift = f"/admin/console/freeze/{freeze}/do/lift/"
    digest = re.search(r'name="shown" value="(\w+)"', desk.post(lift, reason=REASON).content.decode())
    assert digest
    assert act(desk, do(world, "freeze"), level="2", told=TOLD).status_code == 302
    stale = desk.post(lift, reason=REASON, shown=digest[1])
    assert stale.status_code == 400 and "not what it was a moment ago" in stale.content.decode()
    assert staff_site.as_superuser("select count(*) from compliance_freeze where ended_at is null") == [(2,)]


def test_notes_reviews_and_the_line_of_time(world: World, desk: Desk) -> None:
    assert act(desk, do(world, "note")).status_code == 302
    assert act(desk, do(world, "review"), summary="Many payments at night", priority="1").status_code == 302
    html = page(desk, world)
    assert REASON in html and "Case opened: Many payments at night" in html
    assert "pizza friday" not in html and "a secret gift" not in html  # notes of payments are on their own pages
    assert "−$1,234.50" in html and "7.77" not in html and "console-private" in html
    assert "Load requested" in html and "Logged in: test" in html
    assert html.index("Case opened") < html.index("Load requested") < html.index("Logged in: test")


def test_what_staff_adjust_and_credit_is_money_in_the_line_of_time(world: World, desk: Desk, staff_site: Database) -> None:
    """In dollars and with its sign, as it came to the wallet; and what a person reported in the words that they chose."""
    sql = staff_site.as_superuser
    with staff_site.role("web"):
        support.report(user_id=world.maya.id, about=world.public, kind="unauthorized", message="Not me")
        support.report(user_id=world.maya.id, about=world.private, kind="not_arrived", message="It is not there")
    with staff_site.role("staff"):
        asks = corrections.ask(kind="adjustment_credit", amount=250, person=world.maya_id, staff_id=staff_of(sql), reason=REASON)
    with staff_site.role("worker"):
        create_staff(email="bo@staff.example", roles=["finance"])
    [(bo,)] = sql("select id from users_user where email = 'bo@staff.example'")
    for table in ("banking_correction", "compliance_disputemoney"):
        sql(f"alter table {table} disable trigger user")
    decided = "decided_by_id = %s, decided_at = now(), approved = true"
    sql(f"update banking_correction set {decided}, posted_at = now() where id = %s", [bo, asks])
    sql(
        "insert into banking_correction"
        " (kind, user_id, amount, reference, asked_by_id, decided_by_id, decided_at, approved, posted_at)"
        " select kind, user_id, 175, gen_random_uuid(), asked_by_id, decided_by_id, decided_at, true, posted_at"
        " from (select unnest('{adjustment_debit,write_off}'::text[]) as kind) k"
        " cross join (select user_id, asked_by_id, decided_by_id, decided_at, posted_at from banking_correction) c"
    )
    sql(
        "insert into compliance_disputemoney"
        " (dispute_id, user_id, purpose, amount, reference, asked_by_id, decided_by_id, decided_at, approved, moved)"
        " select id, user_id, 'provisional', 1000, gen_random_uuid(), %s, %s, now(), true, 1000"
        " from compliance_dispute where kind = 'unauthorized'",
        [staff_of(sql), bo],
    )
    html = page(desk, world)
    line = re.compile(r'person-line"><p dir="auto">(?:<a[^>]*>)?([^<]*).*?console-money">([^<]*)<', re.S)
    lines = {words.strip(): amount.strip() for words, amount in line.findall(html)}
    assert lines["Balance adjusted"] in ("+$2.50", "−$1.75") and html.count("Balance adjusted") == 2
    assert ">+$2.50<" in html and ">−$1.75<" in html
    assert lines["Written off: $1.75 of what they owed"] == ""
    assert lines["Credited while a report is looked into"] == "+$10.00"
    assert f"Asked for a credit of $2.50. “{REASON}”" in lines
    assert "Reported $1,234.50: I did not make this" in lines and "Reported $7.77: It did not arrive" in lines
    for code in ("cents", "unauthorized", "not_arrived", "not arrived"):
        assert code not in html, code


def staff_of(sql: Any) -> int:
    return int(sql("select id from users_user where email = %s", [EMAIL])[0][0])


def test_how_well_the_banks_holder_fits_is_said_in_words(world: World, desk: Desk, staff_site: Database) -> None:
    assert "name not told, phone not told" in page(desk, world)
    staff_site.as_superuser(
        "insert into banking_bankidentity (user_id, account_id, name_score, phone_score)"
        " select user_id, id, 34, 0 from banking_bankaccount"
    )
    assert "the bank’s account holder: name 34 of 100 like theirs, phone 0 of 100" in page(desk, world)


def test_it_is_found_by_what_is_in_hand(world: World, desk: Desk) -> None:
    for term in ("@maya", world.maya.phone, world.public, world.load, "4772", world.wallet, world.maya_id):
        answer = desk.client.post("/admin/console/person/", {"q": term}, follow=True)
        found = set(re.findall(r"/admin/console/person/(usr_\w+)/change/", answer.content.decode().replace("_5F", "_")))
        assert world.maya_id in found, term
        assert len(found) == (2 if term == world.public else 1), term
        assert world.maya.phone not in str(answer.redirect_chain)
    assert world.maya_id not in desk.get("/admin/console/person/", q="9999").content.decode()


def test_as_many_queries_for_much_as_for_little(world: World, desk: Desk, staff_site: Database) -> None:
    with CaptureQueriesContext(connection) as little:
        page(desk, world)
    sql = staff_site.as_superuser
    sql("alter table payments_payment disable trigger all")
    sql(
        "insert into payments_payment (public_id, payer_id, payee_id, amount, note, visibility, status, transfer, created_at)"
        " select 'pay_x' || n, case when n %% 2 = 0 then %s else %s end,"
        " case when n %% 2 = 0 then %s else %s end, 100, '', 'public',"
        " 'completed', gen_random_uuid(), now() - n * interval '1 second' from generate_series(1, 300) n order by n desc",
        [world.maya.id, world.theo.id, world.theo.id, world.maya.id],
    )  # fmt: skip
    with CaptureQueriesContext(connection) as much:
        html = page(desk, world)
    assert len(little) == len(much) <= 45
    older = re.search(r'href="(\?cursor=[^"#]+)', html)
    assert older
    assert len(re.findall("person-icon", html)) == 40 == len(re.findall("person-icon", page(desk, world, older[1])))
    assert desk.get(f"/admin/console/person/{world.maya_id}/change/", cursor="nonsense").status_code == 404


def test_a_withdrawal_is_approved_from_its_page(world: World, desk: Desk, staff_site: Database) -> None:
    act(desk, do(world, "freeze"), level="2", told=TOLD)
    assert act(desk, do(world, "withdraw"), amount="25.50", bank_account="ba_1").status_code == 302
    assert desk.post(do(world, "withdraw"), amount="1e9", bank_account="ba_1", reason=REASON).status_code == 400
    [(made, amount)] = staff_site.as_superuser("select public_id, amount from compliance_withdrawal")
    assert amount == 2_550
    assert "Withdrawal of $25.50, asked" in page(desk, world)
    assert "$25.50" in desk.get("/admin/console/withdrawal/").content.decode()
    approve = f"/admin/console/withdrawal/{made}/do/approve/"
    assert approve not in desk.get(f"/admin/console/withdrawal/{made}/change/").content.decode()  # whoever began it
    assert act(colleague(staff_site), approve).status_code == 302
    assert staff_site.as_superuser("select status from compliance_withdrawal") == [("approved",)]


@pytest.mark.parametrize(("role", "may"), [("support", {"freeze", "review", "note"}), ("finance", {"note"}), ("auditor", set())])
def test_each_role_sees_its_own_buttons(world: World, desk: Desk, staff_site: Database, role: str, may: set[str]) -> None:
    staff_site.as_superuser("delete from console_staffrole")
    given = "insert into console_staffrole (user_id, role) select id, %s from users_user where kind = 'staff'"
    staff_site.as_superuser(given, [role])
    html = page(desk, world)
    for action in ("freeze", "review", "note", "ineligible"):
        assert (f"/do/{action}/" in html) == (action in may), action
    refused = desk.post(do(world, "freeze"), level="1", told=TOLD, reason=REASON)
    assert (refused.status_code == 403) == ("freeze" not in may)
    seen = staff_site.as_superuser("select kind, subject from console_personview")
    assert ("person", world.maya_id) in seen
