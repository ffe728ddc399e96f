"""What is held, as staff see it: on its own page and on that of its case, let through or sent back with a reason."""

from collections.abc import Iterator
from typing import Any

import pytest

from payments import services as payments
from tests.conftest import Database
from tests.console.conftest import Desk, World
from tests.console.test_cases import page
from tests.console.test_returns import REASON, act
from tests.payments.test_held import scored


@pytest.fixture
def held(world: World, database: Database) -> Iterator[str]:
    with database.role("web"), scored(database, 100, 1001, payer_new=500):
        answer = payments.pay(
            payer_id=world.maya.id, to="theo", amount=4_321, note="concert", visibility="private", key=None
        )  # fmt: skip
        assert answer.body["status"] == "in_review"
        yield str(answer.body["id"])


def case_of(database: Database, about: str) -> tuple[str, str, str]:
    sql = "select public_id, status, coalesce(outcome, '') from compliance_case where about = %s order by id desc limit 1"
    public_id, status, outcome = database.as_superuser(sql, [about])[0]
    return public_id, status, outcome


def test_it_is_let_through_from_its_case(world: World, held: str, desk: Desk, staff_site: Database) -> None:
    case = case_of(staff_site, held)[0]
    assert "Held payment" in page(desk, "/admin/console/case/")
    shown = page(desk, f"/admin/console/case/{case}/change/")
    for said in ("500 of 1000, from 100 on", "payer new", "+500: the person signed up", "Let it through", "Send it back"):
        assert said in shown, said
    assert "do/close/" not in shown and "43.21" not in shown
    url = f"/admin/console/case/{case}/do/release/"
    asked = desk.post(url, label="legitimate", reason=REASON).content.decode()
    assert "A private amount of @maya arrives at @theo now" in asked and "43.21" not in asked and "public feed" not in asked
    assert act(desk, url, label="legitimate").status_code == 302
    assert case_of(staff_site, held)[1:] == ("closed", "released")
    assert "Let it through" not in page(desk, f"/admin/console/payment/{held}/change/")
    assert desk.get(url).status_code == 302  # no longer offered


def test_it_is_sent_back_from_its_own_page(world: World, held: str, desk: Desk, staff_site: Database) -> None:
    url = f"/admin/console/payment/{held}/do/deny/"
    nothing = desk.post(url, label="scam", told="  ", reason=REASON)
    assert nothing.status_code == 400 and case_of(staff_site, held)[1] == "open"
    assert desk.post(url, label="scam", told="We could not make sure of it.", reason="").status_code == 400
    told = "We could not make sure of it."
    assert act(desk, url, label="scam", told=told).status_code == 302
    assert case_of(staff_site, held)[1:] == ("closed", "denied")
    [(status,)] = staff_site.as_superuser("select status from payments_payment where public_id = %s", [held])
    assert status == "denied"
    last = "select body from compliance_letter where user_id = %s order by id desc limit 1"
    [(body,)] = staff_site.as_superuser(last, [world.maya.id])
    assert told in body and REASON not in body and "ppeal" in body


def test_what_was_decided_meanwhile_is_said(world: World, held: str, desk: Desk, staff_site: Database) -> None:
    url = f"/admin/console/payment/{held}/do/release/"
    assert desk.get(url).status_code == 200
    with staff_site.role("web"):
        payments.cancel_held(user_id=world.maya.id, payment=held)
    assert desk.post(url, label="legitimate", reason=REASON).status_code == 302
    assert case_of(staff_site, held)[1:] == ("closed", "cancelled")


def test_a_recipient_who_cannot_receive_is_said_before(world: World, held: str, desk: Desk, staff_site: Database) -> None:
    staff_site.as_superuser("update wallets_wallet set frozen = 2, frozen_reason = 'x' where user_id = %s", [world.theo.id])
    answer = desk.post(f"/admin/console/payment/{held}/do/release/", label="legitimate", reason=REASON)
    assert answer.status_code == 400 and "cannot receive anything" in answer.content.decode()


def test_a_load_that_waits_is_let_out_or_cancelled(world: World, desk: Desk, staff_site: Database) -> None:
    def waiting() -> None:
        staff_site.as_superuser("update banking_banktransfer set review = 'waiting', cancel = 'no' where public_id = 'ld_1'")
        staff_site.as_superuser(
            "select compliance_open_case('held_transfer', user_id, public_id, 'Held', 2::smallint, '{}')"
            " from banking_banktransfer"
        )

    def review() -> Any:
        return staff_site.as_superuser("select review, cancel from banking_banktransfer where public_id = 'ld_1'")[0]

    waiting()
    assert "Let it through" in page(desk, "/admin/console/banktransfer/ld_1/change/")
    case = case_of(staff_site, "ld_1")[0]
    assert act(desk, f"/admin/console/case/{case}/do/release/", label="legitimate").status_code == 302
    assert review()[0] == "released"
    waiting()
    assert act(desk, "/admin/console/banktransfer/ld_1/do/deny/", label="fraud", told="We did not let it out.").status_code == 302
    assert review() == ("refused", "asked")
