"""Closing an account: what is refused, what happens at once, what it waits for, and what is left afterwards."""

import pytest
from django.test import override_settings

from core.actor import SYSTEM, actor
from core.errors import AccountFrozen
from payments import services as payments
from privacy.errors import NeedsBank, TooLateToStay
from privacy.services import closing
from tests.conftest import MakePerson
from tests.helpers import Api, assert_problem, at_once, open_session
from tests.payments.people import browser
from tests.privacy.conftest import Stage
from users import sms
from users.errors import AccountClosed, CodeRefused
from users.services import Purpose, codes
from wallets import services as wallets
from wallets.errors import OwesMoney
from wallets.services import Freeze


def test_it_works(stage: Stage, make_person: MakePerson):
    """Locked at once, emptied to the bank, closed when that has arrived: nothing is left, and the books are whole."""
    ann, bob = make_person("ann", 50_00), make_person("bob", 10_00)
    stage.bank(ann)
    stage.age(100)
    stage.close(ann)
    with pytest.raises(AccountFrozen):
        payments.pay(payer_id=ann.id, to="bob", amount=100, note="", visibility="private", key=None)
    with pytest.raises(AccountFrozen):
        payments.pay(payer_id=bob.id, to="ann", amount=100, note="", visibility="private", key=None)
    stage.work()
    assert (stage.state(ann).swept, stage.state(ann).waits_for) == (50_00, ["redemption"])
    stage.work()
    assert stage.state(ann).state == "open"  # it waits, and sends nothing twice
    stage.settle(ann)
    stage.work()
    row = stage.state(ann)
    assert (row.state, row.swept, row.waits_for) == ("closed", 50_00, [])
    assert not stage.user(ann).is_active
    [(status, hold)] = stage.database.as_superuser(
        "select a.status, h.status from wallets_wallet w join ledger_account a on a.id = w.account"
        " join ledger_account h on h.id = w.hold_account where w.user_id = %s", [ann.id],
    )  # fmt: skip
    assert (status, hold) == (3, 3)
    [(bank,)] = stage.database.as_superuser("select status from banking_bankaccount where user_id = %s", [ann.id])
    assert bank == "removed"
    assert stage.corruption() == []


def test_nobody_finds_whoever_closes_their_account_and_who_pays_them_reads_no_more_than_that(
    stage: Stage, make_person: MakePerson, api: Api
) -> None:
    ann, bob = make_person("ann"), make_person("bob", 10_00)
    make_person("anna")

    def found() -> list[str]:
        people = [one["username"] for one in api.get("/v1/users?q=ann", person=bob).json()["data"]]
        shown = browser(bob).get("/pay/people", {"q": "ann"}).content.decode()
        assert all((f"@{name}<" in shown) == (name in people) for name in ("ann", "anna"))
        return people

    def refused() -> tuple[str, str]:
        pay = {"to": "ann", "amount": 100, "visibility": "private"}
        problem = assert_problem(api.post("/v1/payments", pay, person=bob, key="k"), 403, "account_frozen")
        form = browser(bob).get("/pay/payee", {"to": "ann"}).content.decode()
        assert "@ann cannot be paid" in form and "Joined" not in form
        return problem["title"], problem["detail"]

    assert found() == ["ann", "anna"]
    with stage.database.role("worker"):
        wallets.freeze(user_id=ann.id, level=Freeze.ALL, reason="Something is being looked at.")
    frozen = refused()
    assert found() == ["ann", "anna"]  # that somebody is frozen is not to be seen
    with stage.database.role("worker"):
        wallets.freeze(user_id=ann.id, level=Freeze.NONE, reason="")
    stage.close(ann)
    assert (found(), refused()) == (["anna"], frozen)
    closing.keep_account(user_id=ann.id)
    assert found() == ["ann", "anna"]
    stage.close(ann)
    stage.work()
    assert stage.state(ann).state == "closed"
    assert (found(), refused()) == (["anna"], frozen)


def test_a_code_is_good_for_what_its_message_says(stage: Stage, make_person: MakePerson, api: Api) -> None:
    """One to log in closes nothing, one to close an account lets nobody in: whoever reads it out sees what it does."""
    ann = make_person("ann")
    to_close = stage.code(ann)
    asked = stage.codes(users_request(ann.phone).challenge)
    assert_problem(api.post("/v1/me/close", asked, person=ann), 401, "unauthenticated")
    assert_problem(api.post("/v1/auth/token", to_close), 401, "unauthenticated")
    assert api.post("/v1/auth/token", asked).status_code == 200
    assert api.post("/v1/me/close", to_close, person=ann).json()["status"] == "open"
    sent = {one: sms.text("604218", one) for one in Purpose}
    assert "to close your account" in sent[Purpose.CLOSE] and "close" not in sent[Purpose.LOG_IN]


def test_a_code_whose_purpose_is_not_in_its_hash_would_do_for_both(
    stage: Stage, make_person: MakePerson, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    whole = codes._code_hash
    monkeypatch.setattr(codes, "_code_hash", lambda challenge, code, purpose: whole(challenge, code, Purpose.LOG_IN))
    ann = make_person("ann")
    asked = stage.codes(users_request(ann.phone).challenge)
    assert api.post("/v1/me/close", asked, person=ann).json()["status"] == "open"


def test_in_the_api_it_takes_a_code(stage: Stage, make_person: MakePerson, api: Api):
    ann = make_person("ann")
    assert_problem(api.get("/v1/me/close", person=ann), 404, "not_found")
    asked = api.post("/v1/me/close", {}, person=ann)
    assert asked.status_code == 202 and asked.json()["status"] == "code_sent"
    wrong = api.post("/v1/me/close", {"challenge": asked.json()["challenge"], "code": "000000"}, person=ann)
    assert_problem(wrong, 401, "unauthenticated")
    assert_problem(api.post("/v1/me/close", {"code": "123456"}, person=ann), 400, "validation_error")
    done = api.post("/v1/me/close", stage.code(ann), person=ann)
    assert done.status_code == 202 and done.json()["status"] == "open"
    again = api.post("/v1/me/close", {}, person=ann)
    assert again.json()["id"] == done.json()["id"]
    assert api.get("/v1/me/close", person=ann).json()["id"] == done.json()["id"]
    assert api.delete("/v1/me/close", person=ann).status_code == 204
    assert_problem(api.delete("/v1/me/close", person=ann), 404, "not_found")


def test_on_the_pages_it_is_said_throughout(stage: Stage, make_person: MakePerson):
    ann = make_person("ann", 50_00)
    pages, close = browser(ann), "/settings/privacy/close"
    assert "no bank that it could go to" in pages.get(close).content.decode()
    bank = stage.bank(ann)
    assert f"goes to First Platypus Bank ··\N{NO-BREAK SPACE}{bank.mask}" in pages.get(close).content.decode()
    assert pages.post(close, {"send": "1"}).status_code == 302
    assert 'id="code"' in pages.get(close).content.decode()
    assert pages.post(close, {"code": "000000"}).status_code == 400
    assert "six digits" in pages.post(close, {"code": "1234"}).content.decode()  # and no try
    stage.close(ann)
    assert "Keep my account" in pages.get(close).content.decode()
    home = pages.get("/").content.decode()  # a wish, and no punishment: nothing to appeal against
    assert "You are closing this account" in home and close in home and "/appeal" not in home
    assert "You are closing this account" in pages.get("/pay").content.decode()
    assert pages.post("/settings/privacy/keep").status_code == 302
    assert "You are closing this account" not in pages.get("/").content.decode()


def test_somebody_elses_code_closes_nothing(stage: Stage, make_person: MakePerson):
    ann, bob = make_person("ann"), make_person("bob")
    with pytest.raises(CodeRefused):
        closing.close_account(user_id=ann.id, device_id=None, **stage.code(bob))
    assert closing.closing_of(user_id=ann.id) is None


def test_what_is_refused(stage: Stage, make_person: MakePerson):
    ann, bob, cat = make_person("ann", 50_00), make_person("bob"), make_person("cat")
    with pytest.raises(NeedsBank):
        stage.close(ann)
    with stage.database.role("worker"):
        wallets.freeze(user_id=bob.id, level=Freeze.SENDING, reason="We are looking into it.")
        with actor(SYSTEM):
            wallets.claw_back(user_id=cat.id, reference=__import__("uuid").uuid4(), amount=100)
    with pytest.raises(AccountFrozen):
        stage.close(bob)
    with pytest.raises(OwesMoney):
        stage.close(cat)
    assert [closing.closing_of(user_id=one.id) for one in (ann, bob, cat)] == [None] * 3


def test_other_devices_are_logged_out_and_this_one_stays(stage: Stage, make_person: MakePerson, api: Api):
    ann = make_person("ann")
    other = open_session(ann.id)
    this = open_session(ann.id)
    stage.close(ann)  # from the newest device
    assert api.get("/v1/me", Authorization=f"Bearer {other}").status_code == 401
    assert api.get("/v1/me", Authorization=f"Bearer {this}").status_code == 200


def test_they_may_change_their_mind_until_money_has_left(stage: Stage, make_person: MakePerson):
    ann = make_person("ann", 50_00)
    stage.bank(ann)
    stage.age(100)
    stage.close(ann)
    closing.keep_account(user_id=ann.id)
    assert payments.pay(payer_id=ann.id, to=make_person("bob").username, amount=1, note="", visibility="private", key=None)
    stage.close(ann)
    stage.work()
    with pytest.raises(TooLateToStay):
        closing.keep_account(user_id=ann.id)


def test_whoever_thaws_the_wallet_it_stays_locked(stage: Stage, make_person: MakePerson):
    ann = make_person("ann")
    stage.close(ann)
    with stage.database.role("worker"):
        assert wallets.freeze(user_id=ann.id, level=Freeze.NONE, reason="") == Freeze.ALL
    stage.database.as_superuser("alter table wallets_wallet disable trigger privacy_lock_stays")  # the control
    with stage.database.role("worker"):
        assert wallets.freeze(user_id=ann.id, level=Freeze.NONE, reason="") == Freeze.NONE


def test_it_waits_for_fourteen_days(stage: Stage, make_person: MakePerson):
    ann = make_person("ann", 50_00)
    stage.bank(ann)
    stage.limit("days_before_redeeming", 14)
    stage.close(ann)
    stage.work()
    assert (stage.state(ann).waits_for, stage.state(ann).swept) == (["new"], 0)
    stage.age(61)
    stage.work()
    assert stage.state(ann).swept == 50_00


def test_what_a_bank_may_still_take_back_waits(stage: Stage, make_person: MakePerson):
    """As with any redemption: the limit of fresh loads goes at once, the rest when the sixty days are over."""
    ann = make_person("ann")
    account = stage.bank(ann)
    stage.load(ann, account, 800_00)
    stage.age(20)
    stage.limit("unseasoned_redeemable", 500_00)
    stage.close(ann)
    stage.work()
    row = stage.state(ann)
    assert (row.swept, row.waits_for) == (500_00, ["redemption", "unseasoned"])
    stage.settle(ann)
    stage.work()
    assert (stage.state(ann).state, stage.state(ann).waits_for) == ("open", ["unseasoned"])
    stage.age(45)
    stage.work()
    stage.settle(ann)
    stage.work()
    assert (stage.state(ann).state, stage.state(ann).swept) == ("closed", 800_00)


def test_too_little_for_a_rail_is_kept_in_their_name(stage: Stage, make_person: MakePerson, monkeypatch):
    ann = make_person("ann", 40)
    stage.age(100)
    monkeypatch.setattr("banking.services.closing.minimum", lambda: 1_00)
    stage.close(ann)
    stage.work()
    stage.work()
    assert (stage.state(ann).state, stage.state(ann).aside) == ("closed", 40)
    assert stage.balances()["suspense"] == 40


def test_it_waits_for_a_load_and_for_a_case(stage: Stage, make_person: MakePerson):
    from compliance.services.cases import open_case

    ann = make_person("ann", 50_00)
    account = stage.bank(ann)
    stage.age(100)
    stage.load(ann, account, 10_00, settled=False)
    with stage.database.role("worker"), actor(SYSTEM):
        case = open_case(kind="flag", user_id=ann.id, about="", summary="Something to look at.")
    stage.close(ann)
    stage.work()
    assert (stage.state(ann).waits_for, stage.state(ann).swept) == (["load", "case"], 0)
    stage.database.as_superuser(
        "update compliance_case set status = 'closed', outcome = 'no_action', label = 'legitimate', result = 'fine',"
        " closed_at = now() where public_id = %s", [case],
    )  # fmt: skip
    stage.work()
    assert stage.state(ann).swept > 0
    stage.settle(ann)
    stage.age(61)
    stage.work()
    stage.settle(ann)
    stage.work()
    assert stage.state(ann).state == "closed"


def test_a_freeze_after_it_began_stops_the_money(stage: Stage, make_person: MakePerson, monkeypatch: pytest.MonkeyPatch):
    """Closing is no way around a freeze: nothing goes to the bank while one is in force, and the account stays open."""
    ann, bob = make_person("ann", 50_00), make_person("bob", 50_00)
    for one in (ann, bob):
        stage.bank(one)
    stage.age(100)
    for one in (ann, bob):
        stage.close(one)
        with stage.database.role("worker"):
            wallets.freeze(user_id=one.id, level=Freeze.SENDING, reason="A court has asked us to.")
    with monkeypatch.context() as patched:  # the control, for one of the two
        patched.setattr(closing, "_is_restricted", lambda user_id: user_id == ann.id)
        stage.work()
    assert (stage.state(bob).swept, stage.state(ann).swept) == (50_00, 0)
    assert (stage.state(ann).waits_for, stage.state(ann).frozen_reason) == (["frozen"], "A court has asked us to.")
    stage.work()
    assert (stage.state(ann).state, stage.state(ann).swept) == ("open", 0)
    with stage.database.role("worker"):
        wallets.freeze(user_id=ann.id, level=Freeze.NONE, reason="")
    stage.work()
    assert (stage.state(ann).waits_for, stage.state(ann).swept) == (["redemption"], 50_00)


def test_who_stays_is_as_frozen_as_they_would_be(stage: Stage, make_person: MakePerson):
    ann = make_person("ann", 50_00)
    stage.bank(ann)
    stage.age(100)
    stage.close(ann)
    with stage.database.role("worker"):
        wallets.freeze(user_id=ann.id, level=Freeze.SENDING, reason="We are looking into it.")
    closing.keep_account(user_id=ann.id)
    with stage.database.role("worker"), actor(SYSTEM):
        held = wallets.guard(user_id=ann.id)
    assert (held.frozen, held.frozen_reason) == (Freeze.SENDING, "We are looking into it.")


def test_a_name_on_the_sanctions_list_stops_it_and_the_end_of_that_lets_it_go_on(stage: Stage, make_person: MakePerson):
    ann = make_person("ann", 50_00)
    stage.bank(ann)
    stage.age(100)
    stage.close(ann)
    level = "create or replace function compliance_sanctions_level(p_user bigint) returns int2 language sql as 'select {}::int2'"
    stage.database.as_superuser(level.format(2))
    with stage.database.role("worker"):
        wallets.freeze(user_id=ann.id, level=Freeze.NONE, reason="")  # whoever thaws: what the list asks for stays
    stage.work()
    assert (stage.state(ann).waits_for, stage.state(ann).frozen, stage.state(ann).swept) == (["frozen"], 2, 0)
    stage.database.as_superuser(level.format(0))
    stage.work()
    assert (stage.state(ann).frozen, stage.state(ann).swept) == (0, 50_00)


def test_a_sweep_that_comes_back_is_sent_again_and_late_money_waits_in_suspense(stage: Stage, make_person: MakePerson):
    ann = make_person("ann", 50_00)
    stage.bank(ann)
    stage.age(100)
    stage.close(ann)
    stage.work()
    stage.settle(ann)
    stage.work()
    assert stage.state(ann).state == "closed"
    stage.return_redemption(ann)
    assert stage.balances()["suspense"] == 50_00
    assert stage.corruption() == []


def test_a_load_that_its_bank_takes_back_after_the_closing_is_owed(stage: Stage, make_person: MakePerson):
    ann = make_person("ann")
    account = stage.bank(ann)
    stage.load(ann, account, 20_00)
    stage.age(20)
    stage.close(ann)
    stage.work()
    stage.settle(ann)
    stage.work()
    assert stage.state(ann).state == "closed"
    with stage.database.role("worker"), actor(SYSTEM):
        from banking.models import BankTransfer
        from banking.services.transfers import outcomes

        wallets.guard(user_id=ann.id)
        load = BankTransfer.objects.get(user_id=ann.id, kind="load")
        outcomes._take_back(load, code="R10", cause="test", evidence={})
    assert stage.balances()["receivable"] == -20_00
    stage.age(4000)
    stage.work()
    assert (stage.state(ann).state, stage.state(ann).waits_for) == ("closed", ["owed"])  # whoever owes is not forgotten
    assert stage.corruption() == []


def test_twice_at_a_time_it_is_one_closing_and_one_sweep(stage: Stage, make_person: MakePerson):
    ann = make_person("ann", 50_00)
    stage.bank(ann)
    stage.age(100)
    codes = [stage.code(ann)]
    at_once(4, lambda n: closing.close_account(user_id=ann.id, device_id=None, **codes[0]))
    assert stage.database.as_superuser("select count(*) from privacy_closing") == [(1,)]
    with stage.database.role("worker"):
        [one] = closing.due()
        at_once(4, lambda n: closing.advance(closing_id=one))
    assert stage.database.as_superuser("select count(*), sum(amount) from banking_banktransfer") == [(1, 50_00)]


def test_after_the_closing_nobody_logs_in_and_the_phone_opens_nothing_new(stage: Stage, make_person: MakePerson, api: Api):
    ann = make_person("ann")
    stage.age(100)
    stage.close(ann)
    stage.work()
    assert stage.state(ann).state == "closed"
    assert api.get("/v1/me", person=ann).status_code == 401
    from users import services as users

    code = stage.codes(users_request(ann.phone).challenge)
    with override_settings(SUPPORT_ADDRESS="desk@paya.example"), pytest.raises(AccountClosed, match="write to desk@paya.example"):
        users.check_code(**code, device_name="x", user_agent="", address="203.0.113.9")


def users_request(phone: str):
    from users import services as users

    return users.request_code(phone=phone, address="203.0.113.9")
