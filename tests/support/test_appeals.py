"""Appeals: against what, by whom, answered by somebody who did not decide, and told in writing."""

from typing import Any

import psycopg2
import pytest

from banking.services import corrections
from compliance.services import cases, sanctions, support
from core.actor import SYSTEM, actor
from core.errors import Conflict, NotFound, RateLimited, ValidationError
from tests.conftest import Database
from tests.helpers import Api, assert_problem, at_once
from tests.payments.people import browser, person
from tests.support.conftest import member

REASON = "Looked into it, case 12"


def freeze(database: Database, somebody: Any) -> None:
    database.as_superuser(
        "update wallets_wallet set frozen = 1, frozen_reason = 'We are looking' where user_id = %s", [somebody.id]
    )


def act_of(database: Database, staff: int, action: str, subject: str) -> None:
    sql = "insert into console_actionrecord (staff_id, action, subject, what, reason) values (%s, %s, %s, 'x', 'x')"
    database.as_superuser(sql, [staff, action, subject])


def public_id(database: Database, somebody: Any) -> str:
    return str(database.as_superuser("select public_id from users_user where id = %s", [somebody.id])[0][0])


def denied(database: Database, somebody: Any, other: Any) -> str:
    sql = (
        "insert into payments_payment (public_id, payer_id, payee_id, amount, note, visibility, status, transfer) values"
        " ('pay_' || gen_random_uuid(), %s, %s, 100, '', 'private', 'denied', gen_random_uuid()) returning public_id"
    )
    return str(database.as_superuser(sql, [somebody.id, other.id])[0][0])


def test_a_freeze_is_appealed_from_the_banner_and_answered_in_writing(database: Database, ada: int, ben: int) -> None:
    maya = person(database)
    freeze(database, maya)
    act_of(database, ada, "freeze.set", public_id(database, maya))
    assert "/appeal" in browser(maya).get("/").content.decode()
    page = browser(maya).post("/appeal", {"about": "", "message": "It was me <script>"})
    assert page.status_code == 302
    [(appeal, against, priority)] = database.as_superuser(
        "select public_id, against, priority from compliance_appeal where user_id = %s", [maya.id]
    )
    assert (against, priority) == ("freeze", 1)
    answer = {"appeal": appeal, "outcome": "upheld", "answer": "We need your answer to our question first."}
    with database.role("staff"):
        with pytest.raises(Conflict, match="somebody else"):
            support.answer_appeal(**answer, staff_id=ada, reason=REASON)
        with pytest.raises(ValidationError):
            support.answer_appeal(**{**answer, "answer": "short"}, staff_id=ben, reason=REASON)
        with pytest.raises(Conflict, match="cannot be"):
            support.answer_appeal(**{**answer, "outcome": "perhaps"}, staff_id=ben, reason=REASON)
        support.answer_appeal(**answer, staff_id=ben, reason=REASON)
        with pytest.raises(Conflict, match="before"):
            support.answer_appeal(**answer, staff_id=ben, reason=REASON)
    shown = browser(maya).get("/appeal").content.decode()
    assert (
        "The decision stands" in shown
        and "We need your answer" in shown
        and "<script>" not in shown.split("</head>")[1].split("<main")[1]
    )
    [(title,)] = database.as_superuser("select title from compliance_letter where user_id = %s and kind = 'appeal'", [maya.id])
    assert "the decision stands" in title


def test_the_database_lets_nobody_answer_about_their_own_decision(database: Database, ada: int, ben: int) -> None:
    maya, theo = person(database), person(database)
    payment = denied(database, maya, theo)
    with database.role("worker"), actor(SYSTEM):
        case = cases.open_case(kind="denied", user_id=maya.id, about=payment, summary="Denied")
    act_of(database, ada, "case.close", case)
    act_of(database, ben, "case.note", case)
    appeal = support.appeal(user_id=maya.id, about=payment, message="Why?").public_id
    write = (
        "update compliance_appeal set status = 'answered', outcome = 'upheld', answer = 'Ten or more', answered_by_id = %s,"
        " answered_at = now() where public_id = %s returning 1"
    )
    with pytest.raises(psycopg2.Error, match="somebody else"):
        database.as_superuser(write, [ada, appeal])
    # The control: without the trigger the same statement goes through.
    database.as_superuser("alter table compliance_appeal disable trigger other_eyes")
    other = support.appeal(user_id=maya.id, about=denied(database, maya, theo), message="Why?").public_id
    act_of(database, ada, "held.deny", other)
    assert database.as_superuser(write, [ada, other]) == [(1,)]
    database.as_superuser("alter table compliance_appeal enable trigger other_eyes")
    assert database.as_superuser(write, [ben, appeal]) == [(1,)]  # a note decides nothing
    with pytest.raises(psycopg2.Error, match="refused"):
        database.as_superuser("update compliance_appeal set answer = 'Something else' where public_id = %s returning 1", [appeal])


def test_whoever_confirmed_a_hit_of_the_list_does_not_answer_about_it(database: Database, ada: int, ben: int) -> None:
    """Against the freeze that it is, and against the letter that told of it."""
    maya = person(database)
    database.as_superuser(
        "insert into compliance_sanctionsrun (id, cause) values (990, 'import') on conflict do nothing;"
        " insert into compliance_sanctionsentry (number, kind, name, key, digest, changed_in_id)"
        " values (990, 'individual', 'SOMEBODY, Else', 'k', 'd', 990) on conflict do nothing"
    )
    database.as_superuser("select compliance_sanctions_hit(%s, 990, 'SOMEBODY, Else', 99, 'n', 'k')", [maya.id])
    [(hit,)] = database.as_superuser("select public_id from compliance_sanctionshit where user_id = %s", [maya.id])
    with database.role("staff"):
        sanctions.confirm_hit(hit=hit, staff_id=ada, reason=REASON)
    [(letter,)] = database.as_superuser(
        "select public_id from compliance_letter where user_id = %s and title like '%%blocked%%'", [maya.id]
    )
    appeals = [support.appeal(user_id=maya.id, about=about, message="Why?").public_id for about in ("", letter)]
    answered_by_another(database, appeals, decided=[ada], other=ben)


@pytest.mark.usefixtures("funded")
def test_both_who_decided_about_an_adjustment_do_not_answer_about_it(database: Database, ada: int, ben: int) -> None:
    maya = person(database)
    who = public_id(database, maya)
    with database.role("staff"):
        made = corrections.ask(kind="adjustment_credit", amount=100, person=who, staff_id=ada, reason=REASON)
        corrections.decide(correction=made, approve=True, staff_id=ben, reason=REASON)
    with database.role("worker"):
        corrections.carry_out(correction=made)
    [(letter,)] = database.as_superuser(
        "select public_id from compliance_letter where user_id = %s and kind = 'adjustment'", [maya.id]
    )
    appeal = support.appeal(user_id=maya.id, about=letter, message="Why?").public_id
    answered_by_another(database, [appeal], decided=[ada, ben], other=member(database, "cleo"))


def answered_by_another(database: Database, appeals: list[str], *, decided: list[int], other: int) -> None:
    with database.role("staff"):
        for appeal in appeals:
            answer = {"appeal": appeal, "outcome": "upheld", "answer": "We have looked at it once more.", "reason": REASON}
            for staff in decided:
                with pytest.raises(Conflict, match="somebody else has to answer"):
                    support.answer_appeal(**answer, staff_id=staff)
            support.answer_appeal(**answer, staff_id=other)


def test_one_open_appeal_about_one_thing_of_theirs(database: Database) -> None:
    maya, theo = person(database), person(database)
    payment = denied(database, maya, theo)
    made = Api().post("/v1/appeals", {"about": payment, "message": "Why?"}, person=maya)
    assert made.status_code == 201 and made.json()["against"] == "payment" and made.json()["status"] == "open"
    assert Api().post("/v1/appeals", {"about": payment, "message": "Why?"}, person=maya).json()["id"] == made.json()["id"]
    assert_problem(Api().post("/v1/appeals", {"about": payment, "message": "Again"}, person=maya), 409, "asked_before")
    stranger = person(database)
    for about in (payment, "", "pay_x", "nonsense", "let_1"):
        assert_problem(Api().post("/v1/appeals", {"about": about, "message": "m"}, person=stranger), 404, "not_found")
    assert "no decision of ours" in browser(stranger).post("/appeal", {"about": payment, "message": "m"}).content.decode()
    for about in ("nonsense", "tkt_1"):
        assert browser(stranger).get(f"/appeal?about={about}").status_code == 404
    nothing = browser(stranger).get("/appeal").content.decode()
    assert "Your account is not frozen" in nothing and "<textarea" not in nothing
    assert Api().get("/v1/appeals", person=stranger).json()["data"] == []
    assert_problem(Api().post("/v1/appeals", {"about": payment}, person=maya), 400, "validation_error")


def test_at_once_and_too_many(database: Database) -> None:
    maya, theo = person(database), person(database)
    things = [denied(database, maya, theo) for _ in range(7)]

    def one(about: str) -> str:
        try:
            return support.appeal(user_id=maya.id, about=about, message="Why?").public_id
        except RateLimited:
            return "refused"

    assert len(set(at_once(5, lambda _: one(things[0])))) == 1
    assert at_once(6, lambda n: one(things[n + 1])).count("refused") == 2


def test_what_nobody_decided_is_no_appeal(database: Database) -> None:
    from payments import services as payments

    maya, theo = person(database, 1000), person(database)
    payment = payments.pay(payer_id=maya.id, to=theo.username, amount=100, note="", visibility="public", key=None).body["id"]
    with pytest.raises(Conflict, match="report it"):
        support.appeal(user_id=maya.id, about=payment, message="Why?")
    dispute = support.report(user_id=maya.id, about=payment, kind="other", message="m").public_id
    with pytest.raises(Conflict, match="not decided"):
        support.appeal(user_id=maya.id, about=dispute, message="Why?")
    with pytest.raises(NotFound):
        support.appeal(user_id=theo.id, about=dispute, message="Why?")
