"""Defaults, balances, whose account it is, and people who want to be told: what nobody waits for."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from django.conf import settings
from django.db import IntegrityError

from banking import plaid, queries, services, tasks
from banking.errors import TransfersOpen
from banking.models import BankAccount, BankIdentity, OutageNotice
from banking.services import identity, notices
from core import resilience
from core.actor import SYSTEM, actor
from core.errors import NotFound
from core.resilience import ProviderRejected
from tests.banking.sandbox import Bank
from tests.conftest import Database, MakePerson, PersonForTest
from tests.helpers import assert_problem, at_once

pytestmark = pytest.mark.usefixtures("cold_keys")


# ------------------------------------------------------------------------------------------------ the default
def link(bank: Bank, person: PersonForTest) -> BankAccount:
    return services.link_account(user_id=person.id, public_token=bank.public_token())


def defaults(person: PersonForTest) -> list[bool]:
    with actor(person.id):
        rows = BankAccount.objects.filter(user_id=person.id).exclude(status="removed").order_by("pk")
        return list(rows.values_list("is_default", flat=True))


def test_the_first_bank_is_the_default_and_another_can_be(make_person: MakePerson, bank: Bank, api: Any) -> None:
    ada, eve = make_person("ada"), make_person("eve")
    first, second, third = (link(bank, ada) for _ in range(3))
    assert defaults(ada) == [True, False, False]
    path = f"/v1/bank-accounts/{second.public_id}"
    answer = api.put(path, {"default": True}, person=ada)
    assert (answer.status_code, answer.json()["default"]) == (200, True)
    assert defaults(ada) == [False, True, False]
    assert [each["default"] for each in api.get("/v1/bank-accounts", person=ada).json()["data"]] == [False, True, False]
    for wrong in ({}, {"default": False}, {"default": "true"}, {"default": 1}):
        assert_problem(api.put(path, wrong, person=ada), 400, "validation_error")
    assert_problem(api.put(path, {"default": True}, person=eve), 404, "not_found")
    services.remove_account(user_id=ada.id, bank_account=second.public_id)
    assert defaults(ada) == [True, False]
    assert_problem(api.put(path, {"default": True}, person=ada), 404, "not_found")
    services.remove_account(user_id=ada.id, bank_account=third.public_id)
    assert defaults(ada) == [True]
    services.remove_account(user_id=ada.id, bank_account=first.public_id)
    assert defaults(ada) == []


def test_the_oldest_that_works_becomes_the_default(make_person: MakePerson, bank: Bank, database: Database) -> None:
    ada = make_person("ada")
    first, second, _ = (link(bank, ada) for _ in range(3))
    database.as_superuser("update banking_bankaccount set status = 'relink' where id = %s", [second.pk])
    services.remove_account(user_id=ada.id, bank_account=first.public_id)
    assert defaults(ada) == [False, True]


def test_a_bank_that_stays_keeps_the_default(linked: Callable[..., Any], database: Database) -> None:
    person = linked()
    person.load()
    with pytest.raises(TransfersOpen):
        services.remove_account(user_id=person.person.id, bank_account=person.account.public_id)
    assert defaults(person.person) == [True]


def test_two_choices_at_once_leave_one_default(make_person: MakePerson, bank: Bank) -> None:
    ada = make_person("ada")
    accounts = [link(bank, ada) for _ in range(4)]
    at_once(4, lambda n: services.choose_default(user_id=ada.id, bank_account=accounts[n].public_id))
    assert defaults(ada).count(True) == 1


def test_load_and_redeem_begin_with_the_default(make_person: MakePerson, bank: Bank, browse: Any) -> None:
    ada = make_person("ada")
    first, second = link(bank, ada), link(bank, ada)
    client = browse(ada.id)
    client.post(f"/banks/{second.public_id}/default")
    assert "is your default from now on" in client.get("/banks").content.decode()
    for path in ("/load", "/redeem"):
        page = client.get(path).content.decode()
        assert f'value="{second.public_id}" required checked' in page
        assert f'value="{first.public_id}" required checked' not in page
        assert "No fee. PaYa pays the bank network." in page
    assert client.post("/banks/ba_none/default").status_code == 404


# ------------------------------------------------------------------------------------------------ balances
def test_a_load_that_the_bank_cannot_pay_is_not_asked_of_it(linked: Callable[..., Any], bank: Bank) -> None:
    person = linked(balance=49.99)
    before = bank.transfers()
    row = person.submit(person.load(50_00))
    assert (row.status, row.failure_code) == ("failed", "balance")
    assert bank.transfers() == before
    assert person.money() == (0, 0, 0)
    told = queries.transfer(user_id=person.person.id, kind="load", public_id=row.public_id)
    assert "less than that" in queries.transfer_body(told)["timeline"][-1]["text"]
    assert person.submit(person.load(49_99)).status == "pending"


def test_a_redemption_asks_for_no_balance(linked: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    person = linked(balance=50)
    person.settled_load(50_00)
    monkeypatch.setattr(plaid, "balance", lambda *asked: pytest.fail("asked"))
    assert person.submit(person.redeem(50_00)).status == "pending"


@pytest.mark.parametrize("mode", ["500", "429", "timeout"])
def test_a_bank_that_does_not_say_is_asked_all_the_same(
    linked: Callable[..., Any], bank: Bank, settings: Any, mode: str
) -> None:
    settings.PLAID_BALANCE_SECONDS = 0.5
    person = linked(balance=1)
    bank.fail("plaid", mode, path="/accounts/balance/get", times=5, seconds=10)
    began = time.monotonic()
    assert person.submit(person.load(50_00)).status == "pending"
    assert time.monotonic() - began < 8
    assert resilience.health("plaid").status == "operational"


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [("USER_PERMISSION_REVOKED", "revoked", "taken back PaYa's permission"), ("ERROR", "relink", "log in again")],
)
def test_a_login_that_plaid_refuses_at_that_moment_is_not_debited(
    linked: Callable[..., Any], bank: Bank, said: str, code: str, words: str
) -> None:
    """No message came before: the refusal itself is the news."""
    person = linked()
    first, second = person.load(50_00), person.load(20_00)
    bank.post("/sandbox/plaid/logins", {"mask": person.account.mask, "code": said})
    before = bank.transfers()
    for row in (person.submit(first), person.submit(second)):
        assert (row.status, row.failure_code) == ("failed", code)
    assert bank.transfers() == before
    with actor(person.person.id):
        account = BankAccount.objects.select_related("item").get(pk=person.account.pk)
    assert (account.status, account.item.status) == (code, code)
    told = queries.transfer(user_id=person.person.id, kind="load", public_id=first.public_id)
    assert words in queries.transfer_body(told)["timeline"][-1]["text"]


@pytest.mark.parametrize("code", ["INSTITUTION_DOWN", "PRODUCTS_NOT_SUPPORTED", "SOMETHING_NEW"])
def test_a_refusal_that_says_nothing_of_the_login_stops_no_load(
    linked: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    person = linked()

    def refused(token: str, account: str) -> int | None:
        raise ProviderRejected(code)

    monkeypatch.setattr(plaid, "balance", refused)
    assert person.submit(person.load(50_00)).status == "pending"


def test_slow_banks_do_not_make_plaid_look_down(linked: Callable[..., Any], bank: Bank, settings: Any) -> None:
    settings.PLAID_BALANCE_SECONDS = 0.2
    person = linked(balance=1)
    bank.fail("plaid", "timeout", path="/accounts/balance/get", times=20, seconds=1)
    for _ in range(resilience.FAILURES + 1):
        assert person.submit(person.load(1_00)).status == "pending"
    assert resilience.health("plaid").status == "operational"
    assert resilience.health("plaid-balance").status == "down"


def test_null_balances_are_no_answer(linked: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    person = linked(balance=1)
    for balances, expected in (
        ({"available": None, "current": None}, None),
        ({"available": None, "current": 12.34}, 12_34),
        ({"available": 0.29, "current": 0.1}, 29),
        ({"available": 1.0, "current": 1.0, "iso_currency_code": "EUR"}, None),
    ):
        answer = {"accounts": [{"account_id": "a", "balances": {"iso_currency_code": "USD", **balances}}]}
        monkeypatch.setattr(plaid, "_call", lambda *args, answer=answer, **options: answer)
        assert plaid.balance("token", "a") == expected
    assert plaid.balance("token", "another") is None
    monkeypatch.setattr(plaid, "balance", lambda token, account: None)
    assert person.submit(person.load(50_00)).status == "pending"


# ------------------------------------------------------------------------------------------------ whose account it is
def scores(account: BankAccount) -> tuple[int | None, int | None, str, bool]:
    with actor(account.user_id):
        row = BankIdentity.objects.get(account=account)
        return row.name_score, row.phone_score, row.outcome, row.due_at is None


def test_the_holder_is_compared_and_nothing_is_blocked(make_person: MakePerson, bank: Bank, database: Database) -> None:
    ada = make_person("ada")
    with actor(ada.id):
        name = identity.users.profiles_by_ids(user_ids=[ada.id])[ada.id].display_name
    same = {"subtype": "checking", "identity": {"names": [name.upper()], "phone_numbers": [{"data": ada.phone}]}}
    mine = services.link_account(user_id=ada.id, public_token=bank.public_token(same))
    foreign = link(bank, ada)
    with database.role("worker"):
        assert sorted(identity.due()) == [mine.pk, foreign.pk]
        for account in identity.due():
            tasks.match_identity(account)
        assert identity.due() == []
    assert scores(mine) == (100, 100, "", True)
    name_score, phone_score, _, done = scores(foreign)
    assert name_score is not None
    assert name_score < 70
    assert (phone_score, done, foreign.status) == (0, True, "active")


def test_banks_that_do_not_say_whose_account_it_is(
    linked: Callable[..., Any], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = linked().account
    for row in ({"legal_name": None, "phone_number": {"score": None}}, {}, {"legal_name": {"score": "x"}}):
        monkeypatch.setattr(plaid, "_call", lambda *a, row=row, **o: {"accounts": [{"account_id": "a", **row}]})
        assert plaid.match_identity("t", "a", name="Ada", phone="+12125550100") == plaid.Scores(None, None)
    monkeypatch.setattr(plaid, "_call", _refused)
    with database.role("worker"):
        identity.match(account_id=account.pk)
    assert scores(account) == (None, None, "PRODUCTS_NOT_SUPPORTED", True)


def _refused(*args: object, **options: object) -> None:
    raise plaid.ProviderRejected("PRODUCTS_NOT_SUPPORTED")


def test_a_quiet_bank_over_the_wire(make_person: MakePerson, bank: Bank, database: Database) -> None:
    """Null balances and null scores through Plaid's own SDK."""
    ada = make_person("ada")
    body = {"client_id": "sandbox", "secret": "sandbox", "institution_id": "ins_109510", "initial_products": ["auth"]}
    token = bank.post("/plaid/sandbox/public_token/create", {**body, "options": {}})["public_token"]
    account = services.link_account(user_id=ada.id, public_token=token)
    with actor(ada.id):
        access = services.accounts.sealed.access_token(account.item)
    assert plaid.balance(access, account.account_id) is None
    with database.role("worker"):
        identity.match(account_id=account.pk)
    assert scores(account) == (None, None, "", True)


def test_the_holder_is_asked_for_again_while_plaid_is_down(
    linked: Callable[..., Any], bank: Bank, database: Database
) -> None:
    account = linked().account
    bank.fail("plaid", "500", path="/identity/match", times=2)
    with database.role("worker"):
        identity.match(account_id=account.pk)
    assert scores(account)[2:] == ("no answer", False)
    database.as_superuser("update banking_bankidentity set due_at = now()")
    with database.role("worker"):
        identity.match(account_id=account.pk)
        identity.match(account_id=account.pk)
    assert scores(account)[3]
    database.as_superuser("update banking_bankidentity set due_at = now(), attempts = %s", [identity.TRIES - 1])
    bank.fail("plaid", "500", path="/identity/match", times=2)
    with database.role("worker"):
        identity.match(account_id=account.pk)
    assert scores(account)[3]


# ------------------------------------------------------------------------------------------------ who wants to be told
@pytest.fixture(autouse=True)
def earlier(bank: Bank) -> dict[str, int]:
    """How many messages each phone had before: tests share the sandbox, and people of one name a phone."""
    _earlier.clear()
    return _earlier


_earlier: dict[str, int] = {}


def texts(person: PersonForTest) -> list[str]:
    """The messages of this kind that the person got in this test; to be called first before anything is sent."""
    answer = requests.get(settings.SANDBOX_URL + "/sandbox/sms", params={"phone": person.phone}, timeout=10).json()
    found = [each["body"] for each in answer["messages"] if "can be linked again" in each["body"]]
    return found[_earlier.setdefault(person.phone, len(found)) :]


def tell_all(database: Database) -> int:
    database.as_superuser("update banking_outagenotice set due_at = now() where state = 'waiting'")
    with database.role("worker"):
        due = notices.due()
        for notice in due:
            notices.tell(notice_id=notice)
    return len(due)


def state_of(person: PersonForTest) -> list[str]:
    with actor(person.id):
        return list(OutageNotice.objects.order_by("pk").values_list("state", flat=True))


def test_plaid_is_down_and_who_asked_is_told_once(
    make_person: MakePerson, bank: Bank, database: Database, browse: Any
) -> None:
    ada, eve = make_person("ada"), make_person("eve")
    assert texts(ada) == texts(eve) == []
    client = browse(ada.id)
    assert "Tell me when it works" not in client.get("/banks").content.decode()
    bank.fail("plaid", "500", path="", times=500)
    page = client.post("/banks/link")
    assert page.status_code == 503
    assert "Tell me when it works" in page.content.decode()
    for _ in range(2):
        assert client.post("/banks/tell-me").status_code == 302
    assert "We will text you once it does" in client.get("/banks").content.decode()
    assert state_of(ada) == ["waiting"]
    assert tell_all(database) == 0
    # A breaker that has forgotten everything (Redis came back empty) is not believed: Plaid is asked.
    resilience.forget_failures()
    assert tell_all(database) == 0
    assert texts(ada) == []

    bank.fail("plaid", None)  # type: ignore[arg-type]
    resilience.forget_failures()
    assert tell_all(database) == 1
    assert tell_all(database) == 0
    assert (len(texts(ada)), texts(eve), state_of(ada), state_of(eve)) == (1, [], ["sent"], [])
    events = database.as_superuser("select payload->>'kind' from core_outbox where topic = 'wallet.changed'")
    assert [row for row in events if row[0] == "link_back"] == [("link_back",)]
    # In the next outage they may ask again.
    services.ask_to_be_told(user_id=ada.id)
    assert tell_all(database) == 1
    assert (len(texts(ada)), state_of(ada)) == (2, ["sent", "sent"])


def test_a_message_is_sent_once_however_many_are_at_it(make_person: MakePerson, bank: Bank, database: Database) -> None:
    ada = make_person("ada")
    assert texts(ada) == []
    services.ask_to_be_told(user_id=ada.id)
    with database.role("worker"):
        due = notices.due()
        assert len(due) == 1
    database.become("worker")
    at_once(6, lambda n: notices.tell(notice_id=due[0]))
    database.become("web")
    assert len(texts(ada)) == 1


def test_a_crash_while_it_is_sent_sends_no_second_one(
    make_person: MakePerson, bank: Bank, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = make_person("ada")
    assert texts(ada) == []
    services.ask_to_be_told(user_id=ada.id)
    send = notices.users.text_person

    def sent_and_killed(**message: Any) -> None:
        send(**message)
        raise KeyboardInterrupt

    monkeypatch.setattr(notices.users, "text_person", sent_and_killed)
    with pytest.raises(KeyboardInterrupt):
        tell_all(database)
    monkeypatch.setattr(notices.users, "text_person", send)
    assert state_of(ada) == ["sending"]
    database.as_superuser("update banking_outagenotice set claimed_at = now() - interval '3 minutes'")
    assert tell_all(database) == 0
    assert (state_of(ada), len(texts(ada))) == (["unknown"], 1)


def test_no_provider_of_messages_is_up_so_it_is_tried_again(make_person: MakePerson, bank: Bank, database: Database) -> None:
    ada = make_person("ada")
    assert texts(ada) == []
    services.ask_to_be_told(user_id=ada.id)
    bank.fail("twilio", "500", path="*", times=1)
    assert tell_all(database) == 1
    assert (state_of(ada), texts(ada)) == (["waiting"], [])
    assert tell_all(database) == 1
    assert (state_of(ada), len(texts(ada))) == (["sent"], 1)


def test_one_open_wish_per_person_is_the_databases_rule(make_person: MakePerson, database: Database) -> None:
    ada, eve = make_person("ada"), make_person("eve")
    services.ask_to_be_told(user_id=ada.id)
    with pytest.raises(IntegrityError), actor(ada.id):
        OutageNotice.objects.create(user_id=ada.id, provider="plaid", due_at=notices.now())
    assert not notices.is_waiting(user_id=eve.id)
    with actor(eve.id):
        assert OutageNotice.objects.count() == 0
    with database.role("worker"), actor(SYSTEM):
        assert OutageNotice.objects.count() == 1


def test_nothing_to_choose(make_person: MakePerson) -> None:
    with pytest.raises(NotFound):
        services.choose_default(user_id=make_person("ada").id, bank_account="ba_none")
