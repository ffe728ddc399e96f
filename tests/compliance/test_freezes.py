"""Freezes: each reason is a row with its end, the wallet shows the strictest, the person is told, no payment slips through."""

import threading
from typing import Any

import psycopg2
import pytest
from django.core.management import call_command

from compliance.models import Freeze as FreezeRow
from compliance.models import Letter
from compliance.services import freezes
from core.actor import SYSTEM, actor
from core.errors import Conflict, NotFound, ValidationError
from tests.compliance.test_cases import staff
from tests.conftest import Database, PersonForTest
from tests.helpers import Api, at_once
from tests.payments.people import browser, person
from wallets.services import Freeze, guard

REASON, TOLD = "as the review of case 12 has shown", "We are looking into payments that came to you in the last days."


@pytest.fixture(scope="module")
def ada(database: Database) -> int:
    return staff(database, "freezer@staff.example")


@pytest.fixture(scope="module")
def kim(database: Database) -> int:
    return staff(database, "other@staff.example")


def public_id(database: Database, one: PersonForTest) -> str:
    return str(database.as_superuser("select public_id from users_user where id = %s", [one.id])[0][0])


def freeze(database: Database, one: PersonForTest, by: int, level: Freeze = Freeze.SENDING, told: str = TOLD) -> str:
    with database.role("staff"):
        return freezes.freeze_person(person=public_id(database, one), level=level, told=told, staff_id=by, reason=REASON)


def lift(database: Database, made: str, by: int) -> Freeze:
    with database.role("staff"):
        return freezes.unfreeze_person(freeze=made, staff_id=by, reason=REASON)


def state(database: Database, one: PersonForTest) -> tuple[int, str, int]:
    """What the wallet says, why, and the status of its ledger account, which have to agree."""
    return tuple(database.as_superuser(  # type: ignore[return-value]
        "select w.frozen, w.frozen_reason, a.status from wallets_wallet w join ledger_account a on a.id = w.account"
        " where w.user_id = %s", [one.id])[0])  # fmt: skip


def letters(database: Database, one: PersonForTest) -> list[Letter]:
    with database.role("worker"), actor(SYSTEM):
        return list(Letter.objects.filter(user_id=one.id).order_by("id"))


def pay(payer: PersonForTest, payee: PersonForTest, key: str, amount: int = 100) -> Any:
    body = {"to": payee.username, "amount": amount, "note": "", "visibility": "public"}
    return Api().post("/v1/payments", body, person=payer, key=key)


def test_no_sending_and_the_person_reads_why(database: Database, ada: int) -> None:
    maya, theo = person(database, 5_000), person(database, 5_000)
    made = freeze(database, maya, ada)
    refused = pay(maya, theo, "f1")
    assert refused.status_code == 403
    assert refused.json() | {"request_id": ""} == {
        "type": refused.json()["type"], "title": "This account is frozen", "status": 403, "code": "account_frozen",
        "detail": f"Your account is frozen: {TOLD}", "request_id": "", "reason": TOLD, "can_receive": True, "appeal": "/appeal",
        "withdraw": "/withdraw",
    }  # fmt: skip
    assert pay(theo, maya, "f2").status_code == 201
    assert Api().get("/v1/wallet", person=maya).json()["balance"]["available"] == 5_100
    [letter] = letters(database, maya)
    assert (letter.kind, letter.about) == ("frozen", made)
    assert letter.body.startswith(TOLD) and "can still receive" in letter.body and "look again: /appeal" in letter.body
    assert "withdrawal" in letter.body and REASON not in letter.body
    home = browser(maya).get("/").content.decode()
    assert TOLD in home and "You can still receive money" in home and 'href="/appeal"' in home and 'href="/withdraw"' in home


def test_no_receiving_either(database: Database, ada: int) -> None:
    maya, theo = person(database, 5_000), person(database, 5_000)
    made = freeze(database, maya, ada, Freeze.ALL)
    assert pay(theo, maya, "g1").status_code == 403
    assert pay(maya, theo, "g2").json()["can_receive"] is False
    assert "nobody can pay you" in letters(database, maya)[0].body
    assert lift(database, made, ada) is Freeze.NONE
    assert pay(theo, maya, "g3").status_code == 201
    assert pay(maya, theo, "g2").status_code == 201  # what was refused was not kept under its key
    assert letters(database, maya)[-1].title == "Your account is open again"


def test_the_strictest_is_shown_and_each_end_ends_one(database: Database, ada: int, kim: int) -> None:
    maya = person(database, 1_000)
    first, second = freeze(database, maya, ada), freeze(database, maya, kim, Freeze.ALL, "Another reason, and a stricter one.")
    assert state(database, maya) == (2, "Another reason, and a stricter one.", 2)
    assert lift(database, second, ada) is Freeze.SENDING
    assert state(database, maya) == (1, TOLD, 1)
    assert "Another still stands" in letters(database, maya)[-1].body
    assert lift(database, first, kim) is Freeze.NONE
    assert state(database, maya) == (0, "", 0)
    with database.role("worker"), actor(SYSTEM):
        history = FreezeRow.objects.filter(user_id=maya.id).order_by("id").values_list("staff_id", "ended_by_id")
        assert list(history) == [(ada, kim), (kim, ada)]


def test_the_command_and_a_return_end_no_freeze_of_staff(database: Database, ada: int) -> None:
    maya = person(database, 1_000)
    made = freeze(database, maya, ada)
    with database.role("worker"):
        call_command("freeze_wallet", maya.username, "all", reason="the police asked for it")
        assert state(database, maya)[:2] == (2, "the police asked for it")
        call_command("freeze_wallet", maya.username, "off")
        assert state(database, maya)[:2] == (1, TOLD)
        from wallets.services import freeze as thaw

        assert thaw(user_id=maya.id, level=Freeze.NONE, reason="") is Freeze.SENDING  # whoever sets the wallet's row
    database.as_superuser("alter table wallets_wallet disable trigger compliance_freezes_stay")  # the control
    with database.role("worker"):
        assert thaw(user_id=maya.id, level=Freeze.NONE, reason="") is Freeze.NONE
    database.as_superuser("alter table wallets_wallet enable trigger compliance_freezes_stay")
    assert lift(database, made, ada) is Freeze.NONE


def test_a_return_goes_on_restricting_after_staff_lift_theirs(database: Database, ada: int) -> None:
    maya = person(database, 1_000)
    made = freeze(database, maya, ada, Freeze.ALL)
    database.as_superuser("alter table banking_return disable trigger all")
    database.as_superuser(
        "insert into banking_return (transfer_id, user_id, code, late, owed, restricts) values (0, %s, 'R10', true, 0, true)",
        [maya.id],
    )
    database.as_superuser("alter table banking_return enable trigger all")
    assert lift(database, made, ada) is Freeze.SENDING
    assert state(database, maya)[1].startswith("Your bank says")


def test_two_staff_at_once_and_a_second_click(database: Database, ada: int, kim: int) -> None:
    maya = person(database, 1_000)
    who = public_id(database, maya)
    with database.role("staff"):
        done = at_once(6, lambda n: freezes.freeze_person(
            person=who, level=Freeze.SENDING, told=TOLD, staff_id=(ada, kim)[n % 2], reason=REASON))  # fmt: skip
    made = [one for one in done if isinstance(one, str)]
    assert len(made) == 1 and sum(isinstance(one, Conflict) for one in done) == 5
    assert len(letters(database, maya)) == 1
    with database.role("staff"):
        ended = at_once(6, lambda n: freezes.unfreeze_person(freeze=made[0], staff_id=(ada, kim)[n % 2], reason=REASON))
    assert sum(isinstance(one, Conflict) for one in ended) == 5
    assert state(database, maya)[0] == 0
    acted = database.as_superuser("select action from console_actionrecord where subject = %s order by id", [who])
    assert acted == [("freeze.set",), ("freeze.lift",)]


def test_what_is_no_freeze_is_refused(database: Database, ada: int) -> None:
    maya = person(database)
    with pytest.raises(ValidationError):
        freeze(database, maya, ada, told="short")
    with pytest.raises(Conflict):
        freeze(database, maya, ada, Freeze.NONE)
    with database.role("staff"), pytest.raises(NotFound):
        freezes.freeze_person(person="usr_nobody", level=Freeze.ALL, told=TOLD, staff_id=ada, reason=REASON)
    with database.role("staff"), pytest.raises(NotFound):
        freezes.unfreeze_person(freeze="frz_nothing", staff_id=ada, reason=REASON)
    assert letters(database, maya) == []


def test_a_payment_under_way_ends_before_the_freeze_and_none_begins_after_it(database: Database, ada: int) -> None:
    maya, theo = person(database, 5_000), person(database)
    frozen = threading.Event()

    def freezing() -> None:
        raw = database.connect("staff")
        with raw, raw.cursor() as cursor:
            cursor.execute("select set_config('paya.actor', %s, true)", [str(ada)])
            cursor.execute("select compliance_freeze_person(%s, 1, %s, %s)", [public_id(database, maya), TOLD, REASON])
        frozen.set()
        raw.close()

    other = threading.Thread(target=freezing)
    with actor(maya.id):
        guard(user_id=maya.id)  # a payment has begun
        other.start()
        assert not frozen.wait(0.3)  # the freeze waits for its end
    assert frozen.wait(10)
    other.join()
    assert pay(maya, theo, "late").status_code == 403


def test_what_was_done_stays(database: Database, ada: int) -> None:
    maya = person(database)
    made = freeze(database, maya, ada)
    lift(database, made, ada)
    with database.role("staff"):
        freezes.note_person(person=public_id(database, maya), note="Called at noon, sounded honest.", staff_id=ada)
        with pytest.raises(Conflict, match="already"):
            freezes.note_person(person=public_id(database, maya), note="Called at noon, sounded honest.", staff_id=ada)
    for change in (
        "update compliance_freeze set ended_at = null", "delete from compliance_freeze", "truncate compliance_freeze",
        "update compliance_personnote set note = 'x'", "delete from compliance_personnote", "truncate compliance_personnote",
    ):  # fmt: skip
        with pytest.raises(psycopg2.Error, match="stays|is refused"):
            database.as_superuser(change)
    for role, statement in [
        ("web", "select * from compliance_freeze"), ("web", "select * from compliance_personnote"),
        ("staff", "select * from compliance_personnote"), ("staff", "insert into compliance_freeze (level) values (1)"),
        ("web", "select decided_by_id from compliance_withdrawal"), ("staff", "select compliance_freezes_apply(1)"),
        ("web", "select compliance_freeze_person('usr', 1, 'told', 'a long reason')"),
    ]:  # fmt: skip
        raw = database.connect(role)
        with raw.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(statement)
        raw.close()


def test_a_review_that_staff_ask_for_is_one_case(database: Database, ada: int) -> None:
    maya = person(database)
    given = {"person": public_id(database, maya), "summary": "Many payments at night", "priority": 1}
    with database.role("staff"):
        case = freezes.ask_review(**given, staff_id=ada, reason=REASON)  # type: ignore[arg-type]
        assert case.startswith("cas_")
        with pytest.raises(Conflict, match="write a note"):
            freezes.ask_review(**given, staff_id=ada, reason=REASON)  # type: ignore[arg-type]
    assert letters(database, maya) == []  # a review is no news for the person
