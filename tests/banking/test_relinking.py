"""Logins that break, are repaired, and are withdrawn; what the person can do, and that nothing else changes."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from banking import pages, plaid, queries, services, tasks
from banking.errors import LinkOver
from banking.models import BankAccount, BankItem, ItemWatch, LinkSession
from banking.services import accounts, upkeep
from core.actor import SYSTEM, actor
from core.errors import NotFound, ValidationError
from tests.banking.hosted import visit
from tests.banking.sandbox import Bank
from tests.conftest import Database, MakePerson
from tests.helpers import assert_problem

pytestmark = pytest.mark.usefixtures("cold_keys")
KEYS = {"client_id": "sandbox", "secret": "sandbox"}


def fresh(account: BankAccount) -> BankAccount:
    with actor(account.user_id):
        return BankAccount.objects.select_related("item").get(pk=account.pk)


def access(account: BankAccount) -> str:
    with actor(account.user_id):
        return accounts.sealed.access_token(account.item)


@pytest.fixture
def news(bank: Bank, deliver: Any, process_inbox: Any) -> Callable[..., str]:
    """Let Plaid say something about an account's login, and the worker act on it; the outcome."""

    def say(account: BankAccount, code: str, path: str = "/plaid/sandbox/item/fire_webhook", *, heard: bool = True) -> str:
        seen = len(bank.receiver.seen)
        bank.post(path, {**KEYS, "access_token": access(account), "webhook_code": code})
        if not heard:
            bank.post("/sandbox/webhooks", {"mode": "discard"})
            return ""
        part = json.dumps(code).encode()
        mine = bank.deliveries(1, path="/webhooks/plaid", part=part)
        delivery = next(each for each in reversed(mine) if part in each.body)
        assert len(bank.receiver.seen) > seen
        assert deliver(delivery).status_code == 202
        return str(process_inbox()[-1])

    return say


@pytest.fixture
def hooked(bank: Bank, make_person: MakePerson) -> Callable[..., BankAccount]:
    """A person's bank whose news come here."""

    def make(name: str = "ada", *overrides: dict[str, Any]) -> BankAccount:
        bank.receiver.seen.clear()
        person = make_person(name)
        token = bank.public_token(*overrides, webhook=bank.receiver.url + "/webhooks/plaid")
        return services.link_account(user_id=person.id, public_token=token)

    return make


def break_login(bank: Bank, account: BankAccount) -> None:
    bank.post("/plaid/sandbox/item/reset_login", {**KEYS, "access_token": access(account)})


# ------------------------------------------------------------------------------------------------ broken, and repaired
def test_a_broken_login_is_repaired_by_its_person_and_nothing_else_changes(
    hooked: Any, news: Any, bank: Bank, api: Any, browse: Any
) -> None:
    account = hooked()
    with actor(account.user_id):
        source = account.sources.get().pk
    assert news(account, "ERROR", "/plaid/sandbox/item/reset_login") == "done"
    assert (fresh(account).status, fresh(account).item.status) == ("relink", "relink")
    client = browse(account.user_id)
    page = client.get("/banks").content.decode()
    assert "wants you to log in again" in page
    assert f'action="/banks/{account.public_id}/relink"' in page
    out = client.post(f"/banks/{account.public_id}/relink")
    assert out.status_code == 302
    back = visit(out["Location"], action="confirm")
    assert client.get(back).status_code == 302
    assert "works again" in client.get("/banks").content.decode()
    healed = fresh(account)
    assert (healed.status, healed.item.status, healed.is_default, healed.pk) == ("active", "active", True, account.pk)
    with actor(account.user_id):
        assert account.sources.get().pk == source
        assert BankAccount.objects.count() == 1
    # A second visit to the same address changes nothing.
    assert client.get(back).status_code == 302
    assert fresh(account).status == "active"


def test_leaving_the_repair_changes_nothing(hooked: Any, news: Any, browse: Any) -> None:
    account = hooked()
    news(account, "ERROR", "/plaid/sandbox/item/reset_login")
    client = browse(account.user_id)
    back = visit(client.post(f"/banks/{account.public_id}/relink")["Location"], action="cancel")
    client.get(back)
    assert "Nothing was changed" in client.get("/banks").content.decode()
    assert fresh(account).status == "relink"


def test_a_visit_that_was_left_heals_nothing_that_waits_for_its_person(
    hooked: Any, news: Any, browse: Any, bank: Bank, database: Database
) -> None:
    """Withdrawn, and the bank goes on answering: only a log-in that came to its end is the permission again."""
    account = hooked()
    news(account, "USER_PERMISSION_REVOKED")
    bank.post("/plaid/sandbox/item/fire_webhook", {**KEYS, "access_token": access(account), "webhook_code": "LOGIN_REPAIRED"})
    client = browse(account.user_id)
    out = client.post(f"/banks/{account.public_id}/relink")["Location"]
    client.get(visit(out, action="cancel"))
    with database.role("worker"):
        upkeep.check(item=account.item_id)
    assert fresh(account).status == "revoked"
    visit(out, action="confirm")  # and does not come home
    with database.role("worker"):
        upkeep.check(item=account.item_id)
    assert fresh(account).status == "active"


@pytest.mark.parametrize("action", ["cancel", "confirm"])
def test_a_wrong_number_is_healed_by_no_login(
    linked: Any, browse: Any, database: Database, bank: Bank, api: Any, action: str
) -> None:
    person = linked(name="R03")
    row = person.submit(person.load(50_00))
    bank.advance(3)
    assert person.refresh(row).failure_code == "R03"
    account = person.account
    assert (fresh(account).status, fresh(account).broken_by) == ("relink", "R03")
    client = browse(account.user_id)
    assert "does not know the account by the number" in client.get("/banks").content.decode()
    assert_problem(api.post(f"/v1/bank-accounts/{account.public_id}/relink", person=person.person), 409, "conflict")
    # A visit that was begun before the return came, to repair the same login.
    database.as_superuser("update banking_bankaccount set broken_by = ''")
    out = client.post(f"/banks/{account.public_id}/relink")["Location"]
    database.as_superuser("update banking_bankaccount set broken_by = 'R03'")
    client.get(visit(out, action=action))
    with database.role("worker"):
        upkeep.check(item=account.item_id)
        upkeep.look_at(account.item, acting=SYSTEM, repaired=True)
    assert fresh(account).status == "relink"
    # From now on the button leads to a new link, and what is linked afresh works.
    client.post(f"/banks/{account.public_id}/relink")
    with actor(account.user_id):
        assert list(LinkSession.objects.order_by("pk").values_list("repairs", flat=True)) == [account.public_id, None]
    assert services.link_account(user_id=account.user_id, public_token=bank.public_token()).status == "active"


def test_relinking_over_the_api_is_found_out_by_looking(
    make_person: MakePerson, bank: Bank, api: Any, database: Database
) -> None:
    """Plaid sends no message when a person has repaired a login: we look often while they may be at it."""
    ada = make_person("ada")
    token = bank.public_token(webhook=bank.receiver.url + "/elsewhere")
    account = services.link_account(user_id=ada.id, public_token=token)
    break_login(bank, account)
    with database.role("worker"):
        upkeep.check(item=account.item_id)
    assert fresh(account).status == "relink"
    path = f"/v1/bank-accounts/{account.public_id}/relink"
    answer = api.post(path, person=ada)
    assert answer.status_code == 201, answer.content
    assert set(answer.json()) == {"link_token", "expires_at"}
    lives = datetime.fromisoformat(answer.json()["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=25) < lives <= timedelta(minutes=30)
    made = bank.post("/plaid/link/token/get", {**KEYS, "link_token": answer.json()["link_token"]})
    assert made["metadata"]["initial_products"] == []  # Plaid refuses products in update mode

    bank.post("/plaid/sandbox/item/fire_webhook", {**KEYS, "access_token": access(account), "webhook_code": "LOGIN_REPAIRED"})
    database.as_superuser("update banking_itemwatch set due_at = now()")
    with database.role("worker"):
        before = datetime.now(UTC)
        assert upkeep.due() == [account.item_id]
        with actor(SYSTEM):
            assert ItemWatch.objects.get().due_at - before < timedelta(minutes=2)
        tasks.check_login(account.item_id)
    assert fresh(account).status == "active"
    eve = make_person("eve")
    assert_problem(api.post(path, person=eve), 404, "not_found")
    assert_problem(api.post("/v1/bank-accounts/ba_none/relink", person=ada), 404, "not_found")


def test_a_repair_elsewhere_heals_by_itself(hooked: Any, news: Any) -> None:
    account = hooked()
    news(account, "ERROR", "/plaid/sandbox/item/reset_login")
    assert news(account, "LOGIN_REPAIRED") == "done"
    assert fresh(account).status == "active"


def test_the_bank_announces_that_it_will_end_a_login(hooked: Any, news: Any, browse: Any) -> None:
    account = hooked()
    assert news(account, "PENDING_DISCONNECT") == "done"
    assert fresh(account).status == "active"
    client = browse(account.user_id)
    page = client.get("/banks").content.decode()
    assert "ends this login on" in page
    client.get(visit(client.post(f"/banks/{account.public_id}/relink")["Location"], action="confirm"))
    assert "ends this login on" not in client.get("/banks").content.decode()


def test_a_rail_that_has_dropped_the_account_is_told_of_it_anew(hooked: Any, news: Any, bank: Bank, browse: Any) -> None:
    account = hooked()
    with actor(account.user_id):
        old = accounts.sealed.source_id(account.sources.get())
    accounts.rails.dwolla().remove_bank(bank=old)
    news(account, "ERROR", "/plaid/sandbox/item/reset_login")
    client = browse(account.user_id)
    client.get(visit(client.post(f"/banks/{account.public_id}/relink")["Location"], action="confirm"))
    with actor(account.user_id):
        new = accounts.sealed.source_id(account.sources.get())
    assert new != old
    assert accounts.rails.dwolla().bank_usable(bank=new)
    assert fresh(account).status == "active"


def test_what_a_rail_has_dropped_is_not_healed_by_a_login_that_never_broke(linked: Any, database: Database) -> None:
    person = linked()
    database.as_superuser("update banking_bankaccount set status = 'relink'")
    with database.role("worker"):
        upkeep.check(item=person.account.item_id)
    assert fresh(person.account).status == "relink"


# ------------------------------------------------------------------------------------------------ withdrawn
@pytest.mark.parametrize("told", [True, False], ids=["told", "found out"])
def test_a_withdrawn_permission(
    hooked: Any, news: Any, bank: Bank, api: Any, database: Database, told: bool, browse: Any
) -> None:
    """Not every bank tells: then the daily look finds it out. Loads under way end, new ones are refused."""
    account = hooked()
    body = {"amount": 25_00, "bank_account": account.public_id}
    asked = services.request_load(user_id=account.user_id, key="one", **body).body["id"]
    waiting = services.request_load(user_id=account.user_id, key="two", **body).body["id"]
    with database.role("worker"):
        services.submit(transfer_id=number(account.user_id, asked))
    assert news(account, "USER_PERMISSION_REVOKED", heard=told) == ("done" if told else "")
    if not told:
        database.as_superuser("update banking_itemwatch set due_at = now()")
        with database.role("worker"):
            for item in upkeep.due():
                upkeep.check(item=item)
            assert upkeep.due() == []  # not again before tomorrow
    assert (fresh(account).status, fresh(account).item.status) == ("revoked", "revoked")
    with pytest.raises(ValidationError):
        services.request_load(user_id=account.user_id, key="three", **body)
    said = pages.words(account.user_id, "bank_revoked", account.public_id)
    assert said is not None
    assert "no longer has your permission" in said["text"]
    page = browse(account.user_id).get("/banks").content.decode()
    assert "taken back" in page
    # What has not been sent is not sent any more, and what has been arrives.
    with database.role("worker"):
        services.submit(transfer_id=number(account.user_id, waiting))
        bank.advance(3)
        services.refresh(transfer_id=number(account.user_id, asked))
    rows = {row.public_id: row for row in queries.transfers(user_id=account.user_id, kind="load", before=None, limit=5)}
    assert (rows[waiting].status, rows[waiting].failure_code) == ("failed", "revoked")
    assert rows[asked].status == "settled"
    assert "taken back PaYa's permission" in queries.transfer_body(rows[waiting])["timeline"][-1]["text"]


def number(user_id: int, public_id: str) -> int:
    return queries.transfer(user_id=user_id, kind="load", public_id=public_id).pk


def test_a_withdrawn_permission_comes_back_by_its_person_and_not_by_itself(
    hooked: Any, news: Any, bank: Bank, database: Database, browse: Any
) -> None:
    account = hooked()
    news(account, "USER_PERMISSION_REVOKED")
    with database.role("worker"):
        # As a bank that tells of it and goes on answering for a while.
        with actor(SYSTEM):
            token = accounts.sealed.access_token(account.item)
        bank.post("/plaid/sandbox/item/fire_webhook", {**KEYS, "access_token": token, "webhook_code": "LOGIN_REPAIRED"})
        upkeep.check(item=account.item_id)
    assert fresh(account).status == "revoked"
    client = browse(account.user_id)
    client.get(visit(client.post(f"/banks/{account.public_id}/relink")["Location"], action="confirm"))
    assert (fresh(account).status, fresh(account).is_default) == ("active", True)


def test_one_account_of_a_login_is_withdrawn(hooked: Any, news: Any, bank: Bank) -> None:
    account = hooked("ada", {"subtype": "checking", "meta": {"name": "One"}}, {"subtype": "checking", "meta": {"name": "Two"}})
    login = plaid.login(access(account))
    assert login.account_ids is not None
    with actor(account.user_id):
        item = BankItem.objects.get()
    other_id = next(each for each in login.account_ids if each != account.account_id)
    found = next(each for each in plaid.accounts(access(account))[0] if each.account_id == other_id)
    other = accounts._link_one(item, access(account), found)
    assert news(account, "USER_ACCOUNT_REVOKED") == "done"
    assert (fresh(account).status, fresh(other).status, fresh(other).item.status) == ("revoked", "active", "active")


def test_a_login_that_plaid_has_forgotten_is_linked_afresh(
    make_person: MakePerson, bank: Bank, api: Any, database: Database
) -> None:
    """The same bank by a new login: the same account, with its default and its sources; the old login is given up."""
    ada = make_person("ada")
    same = {"subtype": "checking", "meta": {"name": "Daily"}, "numbers": {"account": "918273645509"}}
    account = services.link_account(user_id=ada.id, public_token=bank.public_token(same))
    bank.post("/plaid/item/remove", {**KEYS, "access_token": access(account)})
    with database.role("worker"):
        upkeep.check(item=account.item_id)
    assert (fresh(account).status, fresh(account).item.status) == ("revoked", "revoked")
    path = f"/v1/bank-accounts/{account.public_id}/relink"
    assert_problem(api.post(path, person=ada), 409, "conflict")
    with pytest.raises(LinkOver):
        services.relink_token(user_id=ada.id, user_public_id="usr_ada", bank_account=account.public_id)
    begun = services.begin_relink(user_id=ada.id, user_public_id="usr_ada", bank_account=account.public_id)
    with actor(ada.id):
        assert accounts.BankItem.objects.count() == 1
    assert "/plaid/link/hosted/" in begun.url
    again = services.link_account(user_id=ada.id, public_token=bank.public_token(same))
    assert (again.pk, again.status, again.is_default) == (account.pk, "active", True)
    assert again.item_id != account.item_id
    with database.role("worker"):
        upkeep.check(item=account.item_id)
        with actor(SYSTEM):
            assert BankItem.objects.get(pk=account.item_id).status == "removed"
            assert BankItem.objects.get(pk=again.item_id).status == "active"


def test_what_says_nothing_about_a_login_changes_nothing(linked: Any, database: Database, monkeypatch: Any) -> None:
    person = linked()
    for code, state in {
        "INSTITUTION_DOWN": "works", "INSTITUTION_NOT_RESPONDING": "works", "ITEM_LOCKED": "broken", "ITEM_NOT_FOUND": "gone",
    }.items():  # fmt: skip
        monkeypatch.setattr(plaid, "_call", raising(code))
        assert plaid.login("access").state == state
    for code in ("INVALID_API_KEYS", "SOMETHING_NEW"):
        monkeypatch.setattr(plaid, "_call", raising(code))
        with database.role("worker"):
            tasks.check_login(person.account.item_id)  # our own keys are wrong: that is no news of anybody's bank
        assert fresh(person.account).status == "active"


def raising(code: str) -> Callable[..., Any]:
    def call(*args: object, **options: object) -> None:
        raise plaid.ProviderRejected(code)

    return call


@pytest.mark.parametrize("code", ["NEW_ACCOUNTS_AVAILABLE"])
def test_messages_that_mean_nothing_to_us(hooked: Any, news: Any, code: str) -> None:
    account = hooked()
    assert news(account, code) == "ignored"
    assert fresh(account).status == "active"


def test_removing_a_bank_ends_the_login_whatever_crashes(
    linked: Any, database: Database, bank: Bank, monkeypatch: Any
) -> None:
    person = linked()
    services.remove_account(user_id=person.person.id, bank_account=person.account.public_id)
    remove = plaid.remove_item

    def removed_and_killed(access_token: str) -> None:
        remove(access_token)
        raise KeyboardInterrupt

    monkeypatch.setattr(plaid, "remove_item", removed_and_killed)
    with database.role("worker"):
        with pytest.raises(KeyboardInterrupt):
            accounts.close(account_id=person.account.pk)
        # The daily look leaves what is being closed to those who close it, and does not call it a broken login.
        upkeep.check(item=person.account.item_id)
        with actor(SYSTEM):
            assert BankAccount.objects.get().status == "removed"
        monkeypatch.setattr(plaid, "remove_item", remove)
        accounts.close(account_id=person.account.pk)
        with actor(SYSTEM):
            assert BankItem.objects.get().status == "removed"
        upkeep.check(item=person.account.item_id)
    assert_nothing_to_relink(person)


def assert_nothing_to_relink(person: Any) -> None:
    with pytest.raises(NotFound):
        services.relink_token(
            user_id=person.person.id, user_public_id="usr_x", bank_account=person.account.public_id
        )
