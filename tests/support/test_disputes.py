"""Disputes: whose, how much, the law's clocks, two people for every cent, and the result in writing."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg2
import pytest
from django.test import Client, override_settings

from compliance.services import support
from core.calendar import add_business_days
from core.errors import Conflict, NotFound, ValidationError
from payments import services as payments
from tests.conftest import Database
from tests.helpers import Api, assert_problem, at_once
from tests.payments.people import browser, person

REASON = "Looked into it, case 12"
EASTERN = ZoneInfo("America/New_York")


def paid(database: Database, amount: int = 2000) -> tuple[Any, Any, str]:
    maya, theo = person(database, 10_000), person(database)
    answer = payments.pay(payer_id=maya.id, to=theo.username, amount=amount, note="", visibility="private", key=None)
    return maya, theo, str(answer.body["id"])


def reported(somebody: Any, about: str, **changes: Any) -> str:
    given = {"kind": "unauthorized", "message": "I was asleep.", **changes}
    return support.report(user_id=somebody.id, about=about, **given).public_id


def row(database: Database, dispute: str, *columns: str) -> Any:
    [found] = database.as_superuser(f"select {', '.join(columns)} from compliance_dispute where public_id = %s", [dispute])
    return found if len(columns) > 1 else found[0]


def balance(database: Database, somebody: Any) -> int:
    sql = "select a.balance from wallets_wallet w join ledger_account a on a.id = w.account where w.user_id = %s"
    return int(database.as_superuser(sql, [somebody.id])[0][0])


def adjustments(database: Database) -> int:
    return int(database.as_superuser("select ledger_balance(100)")[0][0])


def letters(database: Database, somebody: Any) -> list[str]:
    sql = "select title || ': ' || body from compliance_letter where user_id = %s and kind = 'dispute' order by id"
    return [text for (text,) in database.as_superuser(sql, [somebody.id])]


def end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), EASTERN).astimezone(UTC)


@pytest.mark.parametrize("day", [date(2026, 11, 25), date(2026, 12, 24), date(2027, 7, 2), date(2028, 2, 28), date(2026, 11, 28)])
def test_the_database_counts_business_days_as_the_calendar_does(database: Database, day: date) -> None:
    noon = datetime.combine(day, time(12), EASTERN)
    for count in (1, 2, 3, 10, 20):
        [(there,)] = database.as_superuser("select compliance_business_days(%s, %s)", [noon, count])
        assert there == end_of(add_business_days(day, count))


def test_a_report_starts_its_clocks_by_the_age_of_the_account(database: Database) -> None:
    maya, _, payment = paid(database)
    made = Api().post("/v1/disputes", {"about": payment, "kind": "unauthorized", "message": "Not me"}, person=maya)
    assert made.status_code == 201 and made.json()["amount"] == 2000
    dispute = made.json()["id"]
    today, decide, final, new, due = row(database, dispute, "reported_at", "decide_by", "final_by", "new_account", "due_at")
    assert new and decide == end_of(add_business_days(today.astimezone(EASTERN).date(), 20)) == due
    assert final == end_of(today.astimezone(EASTERN).date() + timedelta(days=90))
    theo, _, payment = paid(database)
    _old_load(database, theo.id)
    dispute = reported(theo, payment)
    today, decide, final, new = row(database, dispute, "reported_at", "decide_by", "final_by", "new_account")
    assert not new and decide == end_of(add_business_days(today.astimezone(EASTERN).date(), 10))
    assert final == end_of(today.astimezone(EASTERN).date() + timedelta(days=45))
    with pytest.raises(psycopg2.Error, match="refused"):
        database.as_superuser("update compliance_dispute set decide_by = now() + interval '1 year'")


def _old_load(database: Database, user_id: int) -> str:
    """A settled load of sixty days ago; what the rail did is banking's to test."""
    sql = database.as_superuser
    [(item,)] = sql(
        "insert into banking_bankitem (user_id, public_id, token_index, institution_id, institution, status)"
        " values (%s, 'itm_' || gen_random_uuid(), uuid_send(gen_random_uuid()), 'ins_1', 'Bank', 'active')"
        " returning id", [user_id])  # fmt: skip
    [(account,)] = sql(
        "insert into banking_bankaccount (user_id, public_id, item_id, account_id, name, mask, kind, status)"
        " values (%s, 'ba_' || gen_random_uuid(), %s, 'a', 'Checking', '4772', 'checking', 'active')"
        " returning id", [user_id, item])  # fmt: skip
    sql("alter table banking_banktransfer disable trigger user")
    [(load,)] = sql(
        "insert into banking_banktransfer (public_id, user_id, bank_account_id, kind, amount, rail, status, rail_key,"
        " expected_on, attempts, failure_code, created_at) values ('ld_' || %s, %s, %s, 'load', 5000, 'dwolla', 'settled',"
        " gen_random_uuid(), current_date, 0, '', now() - interval '60 days') returning public_id",
        [user_id, user_id, account])  # fmt: skip
    sql("alter table banking_banktransfer enable trigger user")
    return str(load)


def test_provisional_credit_takes_two_and_an_error_makes_it_final(database: Database, ada: int, ben: int, funded: None) -> None:
    maya, theo, payment = paid(database)
    dispute = reported(maya, payment)
    had, pool = balance(database, maya), adjustments(database)
    with database.role("staff"):
        support.give(thing=dispute, staff_id=ada, reason=REASON)
        support.ask_credit(dispute=dispute, amount=2000, staff_id=ada, reason=REASON)
        assert balance(database, maya) == had
        with pytest.raises(Conflict, match="somebody else"):
            support.decide_money(dispute=dispute, approve=True, staff_id=ada, reason=REASON)
        with pytest.raises(Conflict, match="second member"):  # while it waits, nothing else is decided
            support.decide(dispute=dispute, outcome="no_error", amount=0, result="We found nothing.", staff_id=ada, reason=REASON)
        support.decide_money(dispute=dispute, approve=True, staff_id=ben, reason=REASON)
        with pytest.raises(Conflict, match="Nothing of it waits"):  # the second click
            support.decide_money(dispute=dispute, approve=True, staff_id=ben, reason=REASON)
    assert (balance(database, maya), adjustments(database)) == (had + 2000, pool - 2000)
    status, told, tell_by, due, final = row(database, dispute, "status", "told_at", "tell_by", "due_at", "final_by")
    assert status == "credited" and told < tell_by and due == final
    with database.role("staff"):
        support.decide(dispute=dispute, outcome="error", amount=2000, result="It was not you.", staff_id=ada, reason=REASON)
    assert balance(database, maya) == had + 2000
    status, result_at, result_by, due = row(database, dispute, "status", "result_at", "result_by", "due_at")
    assert status == "closed" and result_at < result_by and due is None
    first, last = letters(database, maya)
    assert "$20.00 credited" in first and "yours to keep" in last and "It was not you." in last
    seen = Api().get(f"/v1/disputes/{dispute}", person=maya).json()
    assert (seen["status"], seen["outcome"], seen["credited"]) == ("closed", "error", 2000)
    assert "It was an error" in browser(maya).get(f"/disputes/{dispute}").content.decode()
    assert database.as_superuser("select status, outcome from compliance_case where about = %s", [dispute]) == [
        ("closed", "refunded")
    ]
    with pytest.raises(psycopg2.Error, match="refused"):
        database.as_superuser("update compliance_dispute set credited = 0 where public_id = %s", [dispute])


def test_no_error_takes_the_credit_back_as_far_as_the_wallet_reaches(
    database: Database, ada: int, ben: int, funded: None
) -> None:
    maya, theo, payment = paid(database)
    dispute = reported(maya, payment, amount=1500)
    with database.role("staff"):
        support.ask_credit(dispute=dispute, amount=1500, staff_id=ada, reason=REASON)
        support.decide_money(dispute=dispute, approve=True, staff_id=ben, reason=REASON)
    payments.pay(payer_id=maya.id, to=theo.username, amount=9000, note="", visibility="private", key=None)
    pool = adjustments(database)
    with database.role("staff"):
        support.decide(dispute=dispute, outcome="no_error", amount=0, result="You approved it.", staff_id=ben, reason=REASON)
    assert Api().get(f"/v1/disputes/{dispute}", person=maya).json()["outcome"] is None  # not told before the second of us
    correct_by, decided = row(database, dispute, "correct_by", "decided_at")
    assert correct_by == end_of(add_business_days(decided.astimezone(EASTERN).date(), 1))
    with database.role("staff"):
        support.decide_money(dispute=dispute, approve=True, staff_id=ada, reason=REASON)
    assert balance(database, maya) == 0 and adjustments(database) == pool + 500
    assert row(database, dispute, "status", "credited") == ("closed", 1000)
    assert "$5.00 were taken back" in letters(database, maya)[-1]


def test_a_refused_request_moves_nothing_and_the_dispute_goes_on(database: Database, ada: int, ben: int, funded: None) -> None:
    maya, _, payment = paid(database)
    dispute = reported(maya, payment)
    had = balance(database, maya)
    with database.role("staff"):
        support.decide(dispute=dispute, outcome="partly", amount=500, result="A part of it.", staff_id=ada, reason=REASON)
        support.decide_money(dispute=dispute, approve=False, staff_id=ben, reason=REASON)
    assert row(database, dispute, "status", "outcome") == ("open", None) and balance(database, maya) == had
    with database.role("staff"):
        support.decide(dispute=dispute, outcome="no_error", amount=0, result="Nothing was wrong.", staff_id=ada, reason=REASON)
    assert row(database, dispute, "status") == "closed" and "no error" in letters(database, maya)[-1]


def became(database: Database, payment: str, status: str) -> None:
    database.as_superuser("update payments_payment set status = %s where public_id = %s", [status, payment])


@pytest.mark.parametrize(
    ("status", "words"),
    [("denied", "where it was before"), ("cancelled", "where it was before"), ("in_review", "Cancel it on its page")],
)
def test_money_that_is_not_gone_is_not_disputed(database: Database, status: str, words: str) -> None:
    maya, theo, payment = paid(database)
    became(database, payment, status)
    for somebody in (maya, theo):
        refused = Api().post("/v1/disputes", {"about": payment, "kind": "unauthorized", "message": "Not me"}, person=somebody)
        assert_problem(refused, 409, "asked_before")
    assert words in Api().post(
        "/v1/disputes", {"about": payment, "kind": "unauthorized", "message": "Not me"}, person=maya
    ).json()["detail"]  # fmt: skip
    page = browser(maya).post("/disputes/new", {"about": payment, "kind": "unauthorized", "message": "Not me", "amount": ""})
    assert words in page.content.decode()
    assert database.as_superuser("select count(*) from compliance_dispute where about = %s", [payment]) == [(0,)]


def test_what_failed_after_it_was_reported_is_not_credited(database: Database, ada: int, ben: int, funded: None) -> None:
    """Neither asked for nor approved nor decided; what was credited before is taken back all the same."""
    maya, _, payment = paid(database)
    dispute = reported(maya, payment)
    with database.role("staff"):
        support.ask_credit(dispute=dispute, amount=700, staff_id=ada, reason=REASON)
        became(database, payment, "cancelled")
        with pytest.raises(Conflict, match="nothing of it is credited"):
            support.decide_money(dispute=dispute, approve=True, staff_id=ben, reason=REASON)
        support.decide_money(dispute=dispute, approve=False, staff_id=ben, reason=REASON)
        with pytest.raises(Conflict, match="nothing of it is credited"):
            support.ask_credit(dispute=dispute, amount=700, staff_id=ada, reason=REASON)
        with pytest.raises(Conflict, match="nothing of it is credited"):
            support.decide(dispute=dispute, outcome="error", amount=2000, result="It was not you.", staff_id=ada, reason=REASON)
        became(database, payment, "completed")
        support.ask_credit(dispute=dispute, amount=700, staff_id=ada, reason=REASON)
        support.decide_money(dispute=dispute, approve=True, staff_id=ben, reason=REASON)
        had = balance(database, maya)
        became(database, payment, "cancelled")
        support.decide(dispute=dispute, outcome="no_error", amount=0, result="It went back to you.", staff_id=ada, reason=REASON)
        support.decide_money(dispute=dispute, approve=True, staff_id=ben, reason=REASON)
    assert balance(database, maya) == had - 700


def test_the_control_without_the_look_at_what_became_of_it(database: Database, ada: int, ben: int, funded: None) -> None:
    """What a stranger did: a payment was denied, the money went back, and both of its people were credited for it as well."""
    maya, theo, payment = paid(database)
    became(database, payment, "denied")
    had = balance(database, theo)
    for one in ("compliance_dispute disable trigger money_is_gone", "compliance_disputemoney disable trigger user"):
        database.as_superuser(f"alter table {one}")
    try:
        dispute = reported(theo, payment)
        with database.role("staff"):
            support.ask_credit(dispute=dispute, amount=300, staff_id=ada, reason=REASON)
            support.decide_money(dispute=dispute, approve=True, staff_id=ben, reason=REASON)
    finally:
        for one in ("compliance_dispute enable trigger money_is_gone", "compliance_disputemoney enable trigger user"):
            database.as_superuser(f"alter table {one}")
    assert balance(database, theo) == had + 300


def test_adjustments_do_not_go_below_zero(database: Database, ada: int, ben: int) -> None:
    maya, _, payment = paid(database, 9999)
    dispute = reported(maya, payment)
    pool = adjustments(database)
    with database.role("staff"):
        support.ask_credit(dispute=dispute, amount=9999, staff_id=ada, reason=REASON)
    if pool:
        spent = "select ledger_post(gen_random_uuid(), 27::smallint, 100, account, %s) from wallets_wallet where user_id = %s"
        database.as_superuser("alter table ledger_transfer disable trigger two_approved_it")
        database.as_superuser(spent, [pool, maya.id])
        database.as_superuser("alter table ledger_transfer enable trigger two_approved_it")
    with database.role("staff"), pytest.raises(Conflict, match="have it funded"):
        support.decide_money(dispute=dispute, approve=True, staff_id=ben, reason=REASON)
    assert row(database, dispute, "status") == "open"


def test_a_ceiling_of_the_day_holds_for_disputes_too(
    database: Database, ada: int, ben: int, fund: Callable[[int], None]
) -> None:
    maya, _, payment = paid(database)
    dispute = reported(maya, payment)
    [(used,)] = database.as_superuser(
        "select coalesce(sum(moved), 0) from compliance_disputemoney where decided_by_id = %s and moved > 0", [ben]
    )
    ceiling = "insert into banking_ceiling (role, action, cents, reason) values ('finance', 'correction.decide', %s, 'x')"
    with database.role("staff"):
        support.ask_credit(dispute=dispute, amount=100, staff_id=ada, reason=REASON)
    database.as_superuser(ceiling, [used + 99])
    with database.role("staff"), pytest.raises(Conflict, match="over your ceiling"):
        support.decide_money(dispute=dispute, approve=True, staff_id=ben, reason=REASON)
    assert row(database, dispute, "status") == "open"
    database.as_superuser(ceiling, [1_000_000])
    fund(100)
    with database.role("staff"):
        support.decide_money(dispute=dispute, approve=True, staff_id=ben, reason=REASON)
    assert row(database, dispute, "status") == "credited"
    # And what was approved of disputes counts where corrections are approved.
    assert database.as_superuser("select banking_used_today('correction.decide', %s)", [ben]) == [(used + 100,)]


def test_ten_at_once_approve_once(database: Database, ada: int, ben: int, fund: Callable[[int], None]) -> None:
    fund(100)
    maya, _, payment = paid(database)
    dispute = reported(maya, payment)
    had = balance(database, maya)

    def approve(_: int) -> str:
        try:
            support.decide_money(dispute=dispute, approve=True, staff_id=ben, reason=REASON)
        except Conflict:
            return "refused"
        return "approved"

    with database.role("staff"):
        support.ask_credit(dispute=dispute, amount=100, staff_id=ada, reason=REASON)
        assert sorted(at_once(6, approve)) == ["approved"] + ["refused"] * 5
    assert balance(database, maya) == had + 100


@pytest.mark.parametrize(
    "tampering",
    [
        "update compliance_disputemoney set amount = 9000 where decided_at is null",
        "update compliance_disputemoney set decided_by_id = asked_by_id, decided_at = now(), approved = true, moved = 1"
        " where decided_at is null",
        "update compliance_dispute set status = 'credited' where status = 'closed'",
        "delete from compliance_disputemoney",
    ],
)  # fmt: skip
def test_the_database_holds_it_too(database: Database, ada: int, tampering: str) -> None:
    maya, _, payment = paid(database)
    dispute = reported(maya, payment)
    with database.role("staff"):
        support.ask_credit(dispute=dispute, amount=100, staff_id=ada, reason=REASON)
    if "closed" in tampering:
        done = reported(*paid(database)[::2])
        with database.role("staff"):
            support.decide(dispute=done, outcome="no_error", amount=0, result="Nothing was wrong.", staff_id=ada, reason=REASON)
    with pytest.raises(psycopg2.Error, match="refused|compliance_disputemoney_two|does not go"):
        database.as_superuser(tampering)


def test_longer_without_a_credit_only_where_no_identity_was_checked(database: Database, ada: int) -> None:
    maya, _, payment = paid(database)
    dispute = reported(maya, payment)
    checked, _, payment = paid(database)
    other = reported(checked, payment)
    standing = (
        "insert into compliance_standing (user_id, tier, reason) values (%s, 2, 'x') on conflict (user_id) do update set tier = 2"
    )
    database.as_superuser(standing, [checked.id])
    with database.role("staff"):
        support.extend(dispute=dispute, staff_id=ada, reason=REASON)
        with pytest.raises(Conflict, match="credit them first"):
            support.extend(dispute=other, staff_id=ada, reason=REASON)
    status, due, final = row(database, dispute, "status", "due_at", "final_by")
    assert status == "extended" and due == final and "takes longer" in letters(database, maya)[0]


def test_only_what_is_theirs_once_and_not_more_than_moved(database: Database) -> None:
    maya, theo, payment = paid(database)
    stranger = person(database)
    for about in (payment, "pay_nothing", "", "cas_x", "../x", "x" * 61):
        with pytest.raises(NotFound):
            reported(stranger, about)
    assert browser(stranger).post("/disputes/new", {"about": payment, "kind": "other", "message": "m"}).status_code == 404
    too_much = {"about": payment, "kind": "wrong_amount", "amount": 2001, "message": "It was less"}
    problem = assert_problem(Api().post("/v1/disputes", too_much, person=maya), 400, "validation_error")
    assert problem["errors"] == {"amount": "It was no more than $20.00."}
    page = browser(maya).post("/disputes/new", {**too_much, "amount": "20.01"})
    assert page.status_code == 400 and problem["errors"]["amount"] in page.content.decode()
    with pytest.raises(ValidationError):
        reported(maya, payment, kind="nonsense")
    form = {"about": payment, "kind": "wrong_amount", "amount": "abc", "message": "It was 10"}
    refused = browser(maya).post("/disputes/new", form)
    assert refused.status_code == 400 and "It was 10" in refused.content.decode()
    assert "Type an amount like 25" in refused.content.decode()
    for about in ("", "nonsense", "let_1", "dsp_1"):  # there is nothing to report about it, so no form either
        assert browser(maya).get(f"/disputes/new?about={about}").status_code == 404
    first = reported(maya, payment, amount=10)
    assert reported(maya, payment, message="Again") == first
    assert set(at_once(4, lambda _: reported(theo, payment))) != {first}
    assert_problem(Api().get(f"/v1/disputes/{first}", person=theo), 404, "not_found")
    assert browser(maya).get(f"/disputes/new?about={payment}").status_code == 302


def test_what_is_late_is_counted_for_the_alarm(database: Database) -> None:
    from compliance.services.waiting import waiting

    maya, _, payment = paid(database)
    reported(maya, payment)
    before = {one.queue: one for one in waiting()}["disputes"]
    database.as_superuser("update compliance_dispute set due_at = now() - interval '1 hour' where about = %s", [payment])
    after = {one.queue: one for one in waiting()}["disputes"]
    assert (after.waiting, after.overdue) == (before.waiting, before.overdue + 1)
    with override_settings(METRICS_TOKEN="t"):
        said = Client().get("/metrics", headers={"Authorization": "Bearer t"}).content.decode()
    assert f'paya_queue_overdue{{queue="disputes"}} {float(after.overdue)}' in said
