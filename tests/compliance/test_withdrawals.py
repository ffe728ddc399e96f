"""Money out of a frozen account: asked for, approved by staff, sent once; and nothing of it without their word."""

from typing import Any

import psycopg2
import pytest

from banking.models import BankTransfer
from banking.services import withdrawals
from compliance.models import Letter, Withdrawal
from compliance.services import freezes
from core.actor import SYSTEM, actor
from core.errors import Conflict, IdempotencyInProgress
from tests.compliance.test_cases import staff
from tests.conftest import Database
from tests.helpers import Api, assert_problem, at_once
from tests.payments.people import browser, person
from tests.rls.world import things
from wallets.services import Freeze

REASON, TOLD = "as the review of case 12 has shown", "We are looking into payments that came to you in the last days."


@pytest.fixture(scope="module")
def ada(database: Database) -> int:
    return staff(database, "approver@staff.example")


class Frozen:
    def __init__(self, database: Database, ada: int, money: int = 5_000, level: Freeze = Freeze.ALL) -> None:
        self.database, self.ada, self.person = database, ada, person(database, money)
        self.bank = things(database, self.person, payment="none").ids["account_id"]
        self.public_id = str(database.as_superuser("select public_id from users_user where id = %s", [self.person.id])[0][0])
        with database.role("staff"):
            self.freeze = freezes.freeze_person(person=self.public_id, level=level, told=TOLD, staff_id=ada, reason=REASON)

    def ask(self, amount: int = 2_000, key: str = "k", bank: str = "") -> Any:
        return Api().post("/v1/withdrawals", {"amount": amount, "bank_account": bank or self.bank}, person=self.person, key=key)

    def decide(self, withdrawal: str, verb: str = "approve") -> None:
        with self.database.role("staff"):
            if verb == "approve":
                freezes.approve_withdrawal(withdrawal=withdrawal, staff_id=self.ada, reason=REASON)
            else:
                freezes.deny_withdrawal(withdrawal=withdrawal, told=TOLD, staff_id=self.ada, reason=REASON)

    def work(self) -> None:
        with self.database.role("worker"):
            for withdrawal in freezes.approved_withdrawals():
                withdrawals.carry_out(withdrawal=withdrawal)

    def row(self, withdrawal: str) -> Withdrawal:
        with self.database.role("worker"), actor(SYSTEM):
            return Withdrawal.objects.get(public_id=withdrawal)

    def balance(self) -> int:
        return int(Api().get("/v1/wallet", person=self.person).json()["balance"]["available"])

    def letter(self) -> str:
        with self.database.role("worker"), actor(SYSTEM):
            return Letter.objects.filter(user_id=self.person.id).latest("id").title


@pytest.fixture
def maya(database: Database, ada: int) -> Frozen:
    return Frozen(database, ada)


def test_what_is_approved_leaves_a_frozen_account_once(database: Database, maya: Frozen) -> None:
    refused = Api().post("/v1/redemptions", {"amount": 100, "bank_account": maya.bank}, person=maya.person, key="r")
    assert (refused.status_code, refused.json()["withdraw"]) == (403, "/withdraw")
    asked = maya.ask()
    assert asked.status_code == 201
    made = asked.json()["id"]
    assert maya.ask().json() == asked.json()  # a lost answer
    assert maya.ask(key="another").status_code == 409  # one at a time
    maya.work()
    assert maya.balance() == 5_000  # nobody has approved it
    [(case,)] = database.as_superuser("select status from compliance_case where about = %s and kind = 'withdrawal'", [made])
    assert case == "open"
    maya.decide(made)
    with pytest.raises(Conflict):
        maya.decide(made)
    with database.role("worker"):
        done = at_once(4, lambda _: withdrawals.carry_out(withdrawal=made))
    assert None in done and all(one is None or isinstance(one, IdempotencyInProgress) for one in done)  # swept up again
    maya.work()
    row = maya.row(made)
    assert (row.status, maya.balance()) == ("sent", 3_000)
    with database.role("worker"), actor(SYSTEM):
        transfer = BankTransfer.objects.get(public_id=row.transfer)
        assert (transfer.kind, transfer.amount, transfer.status) == ("redemption", 2_000, "requested")
    kinds = database.as_superuser("select kind from ledger_transfer where group_id = %s", [transfer.rail_key])
    assert kinds == [(6,)]
    [(case,)] = database.as_superuser("select status from compliance_case where about = %s", [made])
    assert case == "closed"
    shown = browser(maya.person).get("/withdraw").content.decode()
    assert f"/redemptions/{row.transfer}" in shown
    assert maya.letter() == "Your withdrawal is approved"


def test_a_frozen_persons_pages_say_so_before_anything_is_filled_in(maya: Frozen) -> None:
    pages = browser(maya.person)
    for path in ("/pay", "/load", "/redeem"):
        shown = pages.get(path).content.decode()
        assert TOLD in shown and 'name="amount"' not in shown and "See what you can do" in shown
    refused = pages.post("/pay", {"to": "nobody", "amount": "1", "note": "", "visibility": "private", "key": "k"})
    assert refused.status_code >= 400 and TOLD in refused.content.decode()
    home = pages.get("/").content.decode()
    assert TOLD in home and 'href="/appeal"' in home and 'class="button" href="/pay"' not in home
    assert maya.ask().status_code == 201
    shown = pages.get("/withdraw").content.decode()
    assert "$20.00 is waiting for approval" in shown and "<b>$20.00</b>" not in shown  # not among the earlier ones, too
    closing = pages.get("/settings/privacy/close").content.decode()
    assert TOLD in closing and "Your banks" not in closing and "See what you can do" in closing


def test_denied_it_stays_and_the_person_reads_why(maya: Frozen) -> None:
    made = maya.ask().json()["id"]
    maya.decide(made, "deny")
    maya.work()
    assert (maya.row(made).status, maya.balance(), maya.letter()) == ("denied", 5_000, "Your withdrawal was not approved")
    assert TOLD in browser(maya.person).get("/withdraw").content.decode()
    with pytest.raises(Conflict):
        maya.decide(made)
    assert maya.ask(key="again").status_code == 201


def test_the_person_takes_it_back_while_it_waits(database: Database, maya: Frozen, ada: int) -> None:
    made = maya.ask().json()["id"]
    theo = person(database)
    assert Api().post(f"/v1/withdrawals/{made}/cancel", person=theo).status_code == 404
    taken_back = Api().post(f"/v1/withdrawals/{made}/cancel", person=maya.person)
    assert (taken_back.status_code, taken_back.json()["id"], taken_back.json()["status"]) == (200, made, "cancelled")
    assert taken_back.json()["created_at"].endswith("Z")
    assert Api().post(f"/v1/withdrawals/{made}/cancel", person=maya.person).status_code == 409
    with pytest.raises(Conflict):
        maya.decide(made)
    assert maya.row(made).status == "cancelled"


def test_what_is_not_possible_is_said(database: Database, ada: int, maya: Frozen) -> None:
    other = Frozen(database, ada)
    assert maya.ask(bank=other.bank).status_code == 404
    over = assert_problem(maya.ask(amount=5_001), 402, "insufficient_funds")
    assert (over["available"], over["errors"]) == (5_000, {"amount": "You have $50.00."})
    assert maya.ask(amount=0).status_code == 400
    assert Api().post("/v1/withdrawals", {"amount": 1, "bank_account": maya.bank}, person=maya.person).status_code == 400
    with database.role("staff"):
        freezes.unfreeze_person(freeze=maya.freeze, staff_id=ada, reason=REASON)
    assert "not frozen" in maya.ask().json()["detail"]
    assert "Redeem to bank" in browser(maya.person).get("/withdraw").content.decode()


def test_thawed_or_spent_meanwhile_it_does_not_go_out(database: Database, ada: int) -> None:
    sending = Frozen(database, ada, level=Freeze.SENDING)
    made = sending.ask().json()["id"]
    sending.decide(made)
    with database.role("staff"):
        freezes.unfreeze_person(freeze=sending.freeze, staff_id=ada, reason=REASON)
    sending.work()
    row = sending.row(made)
    assert (row.status, sending.balance(), sending.letter()) == ("failed", 5_000, "Your withdrawal could not go out")
    assert "not frozen" in row.told


def test_a_bank_that_was_removed_meanwhile_gets_nothing(database: Database, maya: Frozen) -> None:
    made = maya.ask().json()["id"]
    maya.decide(made)
    database.as_superuser("update banking_bankaccount set status = 'removed' where public_id = %s", [maya.bank])
    maya.work()
    assert (maya.row(made).status, maya.balance()) == ("failed", 5_000)


def test_staff_begin_one_in_the_persons_name(database: Database, ada: int, maya: Frozen) -> None:
    with database.role("staff"):
        made = freezes.start_withdrawal(person=maya.public_id, amount=1_000, bank_account=maya.bank, staff_id=ada, reason=REASON)
    assert maya.letter() == "A withdrawal was begun for you"
    maya.ada = staff(database, "second@staff.example")
    maya.decide(made)
    maya.work()
    assert maya.balance() == 4_000


def test_nobody_posts_past_a_freeze_without_an_approval(database: Database, maya: Frozen) -> None:
    made = maya.ask().json()["id"]
    worker = database.connect("worker")
    with worker.cursor() as cursor:
        cursor.execute("select set_config('paya.actor', '0', false)")
        with pytest.raises(psycopg2.Error, match="not approved"):
            cursor.execute("select compliance_burn_withdrawal(%s, gen_random_uuid(), gen_random_uuid())", [made])
    worker.close()
    for role, statement in [
        ("web", "select compliance_burn_withdrawal(%s, gen_random_uuid(), gen_random_uuid())"),
        ("web", "select compliance_approve_withdrawal(%s, 'a long enough reason')"),
        ("web", "update compliance_withdrawal set status = 'approved' where public_id = %s"),
        ("staff", "update compliance_withdrawal set status = 'approved' where public_id = %s"),
    ]:
        raw = database.connect(role)
        with raw.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(statement, [made])
        raw.close()
    with pytest.raises(psycopg2.Error, match="is refused"):
        database.as_superuser("update compliance_withdrawal set amount = 5000 where public_id = %s", [made])


def test_whoever_began_one_in_their_name_does_not_approve_it(database: Database, ada: int, maya: Frozen) -> None:
    with database.role("staff"):
        made = freezes.start_withdrawal(
            person=maya.public_id, amount=700, bank_account=maya.bank, staff_id=ada, reason=REASON
        )  # fmt: skip
        with pytest.raises(Conflict, match="You began it"):
            freezes.approve_withdrawal(withdrawal=made, staff_id=ada, reason=REASON)
    # The row holds it too, whoever writes it; the control: another may.
    write = (
        "update compliance_withdrawal set status = 'approved', decided_by_id = %s, decided_at = now() where public_id = %s"
        " returning 1"
    )
    with pytest.raises(psycopg2.Error, match="compliance_withdrawal_two"):
        database.as_superuser(write, [ada, made])
    other = staff(database, "second.approver@staff.example")
    with database.role("staff"):
        freezes.approve_withdrawal(withdrawal=made, staff_id=other, reason=REASON)
    assert maya.row(made).status == "approved"
