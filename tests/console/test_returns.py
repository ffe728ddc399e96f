"""Rails, returns, corrections and return rates as staff see and change them, through real requests."""

import re
from fractions import Fraction
from typing import Any

import pytest

from banking.return_rates import ReturnRate, return_rates
from banking.tasks import watch_return_rates
from console import services
from core.actor import actor
from tests.conftest import Database
from tests.console.conftest import PASSWORD, Desk, World, code

REASON = "Support case 4711"


def act(desk: Desk, url: str, **given: str) -> Any:
    """Fill in, look at what it will do, and confirm."""
    page = desk.post(url, **given, reason=REASON).content.decode()
    digest = re.search(r'name="shown" value="([0-9a-f]{64})"', page)
    assert digest, page
    return desk.post(url, **given, reason=REASON, shown=digest[1])


def test_staff_choose_the_rail(world: World, desk: Desk, staff_site: Database) -> None:
    page = desk.get("/admin/console/railchoice/").content.decode()
    assert "Choose a rail" in page
    answer = act(desk, "/admin/console/railchoice/do/choose/", kind="load", rail="dwolla")
    assert answer.status_code == 302
    assert staff_site.as_superuser("select kind, rail, reason from banking_railchoice") == [("load", "dwolla", REASON)]
    assert "dwolla" in desk.get("/admin/console/railchoice/").content.decode()
    shown = desk.post("/admin/console/railchoice/do/choose/", kind="redemption", rail="dwolla", reason=REASON).content.decode()
    assert re.search(r"dwolla holds \$[\d,.]+ for us", shown)
    wrong = desk.post("/admin/console/railchoice/do/choose/", kind="load", rail="pigeon", reason=REASON)
    assert wrong.status_code == 400


def said(caplog: pytest.LogCaptureFixture, message: str) -> list[Any]:
    return [record for record in caplog.records if record.message == message]


def returned(staff_site: Database, code: str, restricts: bool) -> int:
    rows = staff_site.as_superuser(
        "insert into banking_return (user_id, transfer_id, code, late, owed, restricts, created_at)"
        " select user_id, id, %s, true, 500, %s, now() from banking_banktransfer where public_id = 'ld_1' returning id",
        [code, restricts],
    )
    return int(rows[0][0])


def test_staff_lift_a_restriction(world: World, desk: Desk, staff_site: Database) -> None:
    number = returned(staff_site, "R10", True)
    page = desk.get("/admin/console/return/", restricts__exact="1").content.decode()
    assert "not known or not authorised" in page
    assert "restricted" in page
    assert "ld_1" in desk.get(f"/admin/console/return/{number}/change/").content.decode()
    lift = f"/admin/console/return/{number}/do/lift/"
    assert "stay stopped by" not in desk.get(lift).content.decode()
    staff_site.as_superuser(
        "insert into banking_railcustomer (user_id, rail, customer, stopped)"
        " select user_id, 'dwolla', 'x', true from banking_return"
        " on conflict (user_id, rail) do update set stopped = true"
    )
    assert "stay stopped by dwolla" in desk.get(lift).content.decode()
    assert act(desk, lift).status_code == 302
    assert staff_site.as_superuser("select lifted_at is not null, due_at is not null from banking_return") == [(True, True)]
    assert "lifted" in desk.get(f"/admin/console/return/{number}/change/").content.decode()


def test_a_correction_waits_for_somebody_else(world: World, desk: Desk, staff_site: Database) -> None:
    assert act(desk, "/admin/console/correction/do/write-off/", person="@maya", amount="12.50").status_code == 302
    assert act(desk, "/admin/console/correction/do/fund/", amount="100").status_code == 302
    assert staff_site.as_superuser("select kind, amount, user_id from banking_correction order by id") == [
        ("write_off", 12_50, world.maya.id), ("loss_reserve", 100_00, None),
    ]  # fmt: skip
    page = desk.get("/admin/console/correction/").content.decode()
    assert "waits for approval" in page
    (number,) = staff_site.as_superuser("select min(id) from banking_correction")[0]
    url = f"/admin/console/correction/{number}/do/approve/"
    for action in ("approve", "refuse"):  # the database refuses it too: tests/banking has every route
        assert url.replace("approve", action) not in desk.get(url.replace("do/approve", "change")).content.decode()
        own = desk.client.post(url.replace("approve", action), {"reason": REASON}, follow=True)
        assert "is not possible as things stand" in own.content.decode()
    assert staff_site.as_superuser("select count(*) from banking_correction where decided_by_id is not null") == [(0,)]
    asked = desk.post("/admin/console/correction/do/write-off/", person="@maya", amount="12.50", reason=REASON)
    assert "Their wallet holds" in asked.content.decode()
    nobody = desk.post("/admin/console/correction/do/write-off/", person="@nobody_here", amount="1", reason=REASON)
    assert "Nobody goes by that" in nobody.content.decode()
    for amount in ("-3", "0", "1e3", "", "99,999,999,999,999.00"):
        wrong = desk.post("/admin/console/correction/do/fund/", amount=amount, reason=REASON)
        assert wrong.status_code == 400 and 'name="shown"' not in wrong.content.decode(), amount


def test_both_of_the_two_see_what_there_is_of_it(world: World, desk: Desk, staff_site: Database) -> None:
    """An adjustment asked for on the person's page; whoever approves it reads whether it can be posted as things stand."""
    adjust = f"/admin/console/person/{world.maya_id}/do/adjust/"
    asked = desk.post(adjust, way="adjustment_credit", amount="5", reason=REASON).content.decode()
    assert "$5.00 from adjustments to the wallet of @maya" in asked
    assert "The account adjustments holds $0.00 now: that is not enough" in asked
    taken = desk.post(adjust, way="adjustment_debit", amount="5", reason=REASON).content.decode()
    assert re.search(r"Their wallet holds \$[\d,.]+ now\.", taken) and "holds $0.00" not in taken
    assert act(desk, adjust, way="adjustment_credit", amount="5").status_code == 302
    ((number, kind, who),) = staff_site.as_superuser("select id, kind, user_id from banking_correction")
    assert (kind, who) == ("adjustment_credit", world.maya.id)
    second = colleague(staff_site)
    url = f"/admin/console/correction/{number}/do/approve/"
    assert "The account adjustments holds $0.00 now: that is not enough" in second.get(url).content.decode()
    assert act(second, url).status_code == 302
    assert staff_site.as_superuser("select approved from banking_correction") == [(True,)]


def colleague(staff_site: Database) -> Desk:
    """Another of the staff, logged in."""
    secret = bytes(range(20))
    with staff_site.role("worker"):
        services.create_staff(email="bo@staff.example", roles=services.ROLES, password=PASSWORD, secret=secret)
    desk = Desk()
    assert desk.try_in(email="bo@staff.example", token=code(secret=secret)).status_code == 302
    return desk


# ------------------------------------------------------------------------------------------------ return rates
@pytest.mark.parametrize(
    ("of", "returned", "sent", "state"),
    [
        ("unauthorised", 0, 0, "ok"), ("unauthorised", 3, 1000, "ok"), ("unauthorised", 4, 1000, "warning"),
        ("unauthorised", 5, 1000, "warning"), ("unauthorised", 6, 1000, "over"),
        ("administrative", 23, 1000, "ok"), ("administrative", 24, 1000, "warning"), ("administrative", 31, 1000, "over"),
        ("all", 119, 1000, "ok"), ("all", 120, 1000, "warning"), ("all", 151, 1000, "over"),
    ],
)  # fmt: skip
def test_a_rate_is_judged_by_its_limit(of: str, returned: int, sent: int, state: str) -> None:
    assert ReturnRate("dwolla", of, returned, sent).state == state


def sent(staff_site: Database, code: str, count: int, days: int = 1) -> None:
    staff_site.as_superuser(
        "insert into banking_banktransfer (public_id, user_id, bank_account_id, kind, amount, rail, status, rail_key,"
        " expected_on, attempts, failure_code, created_at)"
        " select 'ld_' || gen_random_uuid(), user_id, bank_account_id, 'load', 100, 'dwolla',"
        " 'requested', gen_random_uuid(), current_date, 0, %s, now() - make_interval(days => %s)"
        " from banking_banktransfer, generate_series(1, %s) where public_id = 'ld_1'",
        [code, days, count],
    )
    staff_site.as_superuser("alter table banking_banktransfer disable trigger banking_check_move")
    staff_site.as_superuser(
        "update banking_banktransfer set external_id = public_id,"
        " status = case when failure_code = '' then 'settled' else 'failed' end where external_id is null and public_id <> 'ld_1'"
    )
    staff_site.as_superuser("alter table banking_banktransfer enable trigger banking_check_move")


def test_rates_count_debits_of_sixty_days_by_class(
    world: World, desk: Desk, account: int, staff_site: Database, caplog: pytest.LogCaptureFixture
) -> None:
    for reason, count in (("", 95), ("R01", 2), ("R03", 2), ("R10", 1)):
        sent(staff_site, reason, count)
    sent(staff_site, "R10", 50, days=61)
    with actor(account):
        rates = {rate.of: rate for rate in return_rates()}
    assert {of: (rate.returned, rate.sent) for of, rate in rates.items()} == {
        "unauthorised": (1, 100), "administrative": (2, 100), "all": (5, 100),
    }  # fmt: skip
    assert rates["unauthorised"].share == Fraction(1, 100)
    page = desk.get("/admin/").content.decode()
    assert "1 of 100, allowed 0.5\u00a0%" in page
    assert "1.00\u00a0% over the limit" in page
    with staff_site.role("worker"), caplog.at_level("ERROR", logger="paya.banking"):
        watch_return_rates()
    assert [(record.rate, record.status) for record in said(caplog, "return_rate")] == [("unauthorised", "over")]


def test_a_shortfall_is_shown_and_alarmed(
    world: World, desk: Desk, staff_site: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transparency.tasks import watch_reserve

    assert "does not cover" not in desk.get("/admin/").content.decode()
    with caplog.at_level("ERROR", logger="paya.transparency"):
        watch_reserve()
        assert not said(caplog, "reserve_shortfall")
        staff_site.as_superuser("alter table ledger_account disable trigger balances_move_by_posting")
        staff_site.as_superuser("update ledger_account set balance = balance + 700 where id = 101")
        watch_reserve()
    assert [record.short for record in said(caplog, "reserve_shortfall")] == [staff_shortfall(staff_site)]
    page = desk.get("/admin/").content.decode()
    assert "The reserve does not cover what is required" in page


def staff_shortfall(staff_site: Database) -> int:
    (reserve, required) = staff_site.as_superuser("select reserve, required from ledger_figures()")[0]
    return int(required - reserve)
