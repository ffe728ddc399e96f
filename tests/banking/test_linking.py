"""Linking banks: through the API, through Plaid's hosted page, again, and not at all."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import requests

from banking import services
from banking.models import BankAccount, BankItem
from banking.services import accounts
from core.actor import SYSTEM, actor
from core.resilience import ProviderDown
from tests.banking.sandbox import Bank
from tests.conftest import Database, MakePerson
from tests.helpers import assert_problem

CHECKING = {"subtype": "checking", "meta": {"name": "Daily"}}
SAVINGS = {"subtype": "savings", "meta": {"name": "Rainy days"}}


def test_over_the_api(make_person: MakePerson, bank: Bank, api: Any) -> None:
    ada = make_person("ada")
    token = api.post("/v1/bank-accounts/link-token", person=ada)
    assert token.status_code == 201
    assert token.json()["link_token"].startswith("link-")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", token.json()["expires_at"])
    answer = api.post("/v1/bank-accounts", {"public_token": bank.public_token()}, person=ada)
    assert answer.status_code == 201, answer.content
    shown = dict(answer.json())
    assert shown.pop("id").startswith("ba_")
    assert re.fullmatch(r"\d{4}", shown.pop("mask"))
    assert shown == {"institution": "First Platypus Bank", "name": "Plaid Checking", "status": "active", "default": True}
    assert api.get("/v1/bank-accounts", person=ada).json() == {"data": [answer.json()], "next_cursor": None}


def test_the_same_token_is_the_same_account(make_person: MakePerson, bank: Bank, api: Any) -> None:
    ada, eve = make_person("ada"), make_person("eve")
    body = {"public_token": bank.public_token()}
    first, again = (api.post("/v1/bank-accounts", body, person=ada) for _ in range(2))
    assert again.json() == first.json()
    assert len(api.get("/v1/bank-accounts", person=ada).json()["data"]) == 1
    assert_problem(api.post("/v1/bank-accounts", body, person=eve), 400, "validation_error")
    assert api.get("/v1/bank-accounts", person=eve).json()["data"] == []


def test_a_chosen_account(make_person: MakePerson, bank: Bank, api: Any) -> None:
    ada = make_person("ada")
    token = bank.public_token(SAVINGS, CHECKING)
    body = {"public_token": token}
    first = api.post("/v1/bank-accounts", body, person=ada).json()
    assert first["name"] == "Daily"
    assert_problem(api.post("/v1/bank-accounts", {**body, "account_id": "none"}, person=ada), 400, "validation_error")
    with actor(ada.id):
        access = accounts.sealed.access_token(BankItem.objects.get())
    savings = next(each for each in accounts.plaid.accounts(access)[0] if each.kind == "savings")
    second = api.post("/v1/bank-accounts", {**body, "account_id": savings.account_id}, person=ada).json()
    assert (second["name"], second["id"] != first["id"]) == ("Rainy days", True)


def test_what_is_no_token(make_person: MakePerson, bank: Bank, api: Any) -> None:
    ada = make_person("ada")
    for body in ({}, {"public_token": 7}, {"public_token": ""}, {"public_token": "made-up"}):
        assert_problem(api.post("/v1/bank-accounts", body, person=ada), 400, "validation_error")


@pytest.mark.parametrize(("vendor", "path"), [
    ("plaid", "/accounts/get"), ("plaid", "/processor/token/create"), ("dwolla", "/customers"),
    ("dwolla", "/customers/*/exchanges"), ("dwolla", "/customers/*/funding-sources"),
])  # fmt: skip
def test_it_goes_on_where_it_broke_off(make_person: MakePerson, bank: Bank, api: Any, vendor: str, path: str) -> None:
    ada, body = make_person("ada"), {"public_token": bank.public_token()}
    bank.fail(vendor, "drop_after", path=path, times=2)
    assert_problem(api.post("/v1/bank-accounts", body, person=ada), 503, "service_unavailable")
    bank.fail(vendor, "500", path="/nothing")
    for each in ("plaid", "dwolla"):
        bank.post(f"/sandbox/{each}/fail", {"mode": None})
    answer = api.post("/v1/bank-accounts", body, person=ada)
    assert answer.status_code == 201, answer.content
    assert len(api.get("/v1/bank-accounts", person=ada).json()["data"]) == 1


def test_the_same_bank_by_another_token_is_taken_up_again(make_person: MakePerson, bank: Bank) -> None:
    ada = make_person("ada")
    same = {**CHECKING, "numbers": {"account": "918273645546"}}
    first = services.link_account(user_id=ada.id, public_token=bank.public_token(same))
    again = services.link_account(user_id=ada.id, public_token=bank.public_token(same))
    assert again.pk == first.pk
    with actor(ada.id):
        assert BankAccount.objects.count() == 1


def test_removing(linked: Callable[..., Any], bank: Bank, api: Any, database: Database) -> None:
    person = linked()
    row = person.submit(person.load())
    path = f"/v1/bank-accounts/{person.account.public_id}"
    assert_problem(api.delete(path, person=person.person), 409, "conflict")
    bank.advance(3)
    person.refresh(row)
    assert api.delete(path, person=person.person).status_code == 204
    assert_problem(api.delete(path, person=person.person), 404, "not_found")
    assert api.get("/v1/bank-accounts", person=person.person).json()["data"] == []
    body = {"amount": 100, "bank_account": person.account.public_id}
    assert_problem(api.post("/v1/loads", body, person=person.person, key="k"), 404, "not_found")
    assert person.fresh(row).bank_account_id == person.account.pk
    bank.fail("dwolla", "500", path="/funding-sources/*", times=2)
    with database.role("worker"):
        with pytest.raises(ProviderDown):
            accounts.close(account_id=person.account.pk)
        assert accounts.closing() == [person.account.pk]
        accounts.close(account_id=person.account.pk)
        assert accounts.closing() == []
        with actor(SYSTEM):
            assert BankItem.objects.get().status == "removed"
    assert not accounts.rails.dwolla().bank_usable(bank=_source(person))


def _source(person: Any) -> str:
    with actor(person.person.id):
        return accounts.sealed.source_id(person.account.sources.get())


def test_by_the_hosted_page(make_person: MakePerson, bank: Bank) -> None:
    ada, eve = make_person("ada"), make_person("eve")
    begun = services.begin_hosted_link(user_id=ada.id, user_public_id="usr_ada")
    state = _choose(begun.url)
    assert state == begun.state
    with pytest.raises(accounts.NotFound):
        services.finish_hosted_link(user_id=eve.id, state=state)
    chosen = services.finish_hosted_link(user_id=ada.id, state=state).accounts
    assert [account.kind for account in chosen] == ["checking"]
    assert [account.pk for account in services.finish_hosted_link(user_id=ada.id, state=state).accounts] == [chosen[0].pk]


def test_leaving_the_hosted_page(make_person: MakePerson, bank: Bank) -> None:
    ada = make_person("ada")
    begun = services.begin_hosted_link(user_id=ada.id, user_public_id="usr_ada")
    done = services.finish_hosted_link(user_id=ada.id, state=_choose(begun.url, action="cancel"))
    assert (list(done.accounts), done.repaired) == ([], None)


def _choose(address: str, **fields: str) -> str:
    """What a person does on the hosted page; the state with which they come back."""
    browser = requests.Session()
    browser.get(address, timeout=10)
    token = next(cookie.value for cookie in browser.cookies if "csrf" in cookie.name)
    form = {"csrfmiddlewaretoken": token, "institution": "ins_109508", "account": "0", **fields}
    answer = browser.post(address, form, allow_redirects=False, timeout=10)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].partition("state=")[2]
