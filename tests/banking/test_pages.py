"""The forms: they keep what was typed, say what is wrong in words, and take a second click for the first."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.banking.sandbox import Bank


def key_of(page: Any) -> str:
    return re.search(r'name="key" value="([^"]+)"', page.content.decode())[1]  # type: ignore[index]


def test_load(linked: Callable[..., Any], browse: Any, bank: Bank) -> None:
    person = linked()
    client = browse(person.person.id)
    page = client.get("/load")
    assert page.status_code == 200
    form = {"key": key_of(page), "amount": "$1,025.50", "bank_account": person.account.public_id}
    answers = [client.post("/load", form) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {302}
    assert answers[0]["Location"] == answers[1]["Location"]
    assert person.money() == (0, 1025_50, 0)
    detail = client.get(answers[0]["Location"])
    assert "1,025.50" in detail.content.decode()
    assert "In your wallet" in detail.content.decode()


def test_amounts_that_are_none(linked: Callable[..., Any], browse: Any) -> None:
    person = linked()
    client = browse(person.person.id)
    key = key_of(client.get("/load"))
    for amount in ("", "abc", "0", "-5", "1.234", "9" * 14):
        page = client.post("/load", {"key": key, "amount": amount, "bank_account": person.account.public_id})
        assert page.status_code == 400, amount
        assert 'id="amount-error"' in page.content.decode()
        assert f'value="{amount}"' in page.content.decode()
        assert key_of(page) == key
    assert person.money() == (0, 0, 0)


def test_a_form_that_is_not_whole_is_said_in_words(linked: Callable[..., Any], browse: Any) -> None:
    person = linked()
    client = browse(person.person.id)
    page = client.post("/load", {"key": "", "amount": "5", "bank_account": person.account.public_id})
    assert page.status_code == 400
    assert "This form was not whole" in page.content.decode()
    assert key_of(page)


@pytest.mark.parametrize("path", ["/load", "/redeem"])
def test_a_nul_in_a_form_or_an_address_is_refused(linked: Callable[..., Any], browse: Any, path: str) -> None:
    client = browse(linked().person.id)
    assert client.post(path, {"key": "x", "amount": "5", "bank_account": "\x00"}).status_code == 400
    assert client.get("/banks/linked", {"state": "\x00"}).status_code == 400


def test_redeeming_more_than_there_is(linked: Callable[..., Any], browse: Any) -> None:
    person = linked(money=10_00)
    client = browse(person.person.id)
    form = {"key": key_of(client.get("/redeem")), "amount": "10.01", "bank_account": person.account.public_id}
    page = client.post("/redeem", form)
    assert page.status_code == 402
    assert 'id="amount-error"' in page.content.decode()
    assert client.post("/redeem", {**form, "amount": "10"}).status_code == 302
    assert person.money() == (0, 0, 10_00)


def test_going_back_and_changing_the_amount_asks_first(linked: Callable[..., Any], browse: Any) -> None:
    person = linked()
    client = browse(person.person.id)
    form = {"key": key_of(client.get("/load")), "amount": "10", "bank_account": person.account.public_id}
    client.post("/load", form)
    page = client.post("/load", {**form, "amount": "20"})
    assert "already sent" in page.content.decode()
    assert key_of(page) != form["key"]
    assert person.money() == (0, 10_00, 0)


def test_without_a_bank_one_is_to_be_linked(make_person: Any, browse: Any, bank: Bank) -> None:
    client = browse(make_person("ada").id)
    for path in ("/load", "/redeem", "/banks"):
        page = client.get(path)
        assert page.status_code == 200
        assert "Link a bank" in page.content.decode()
    answer = client.post("/banks/link")
    assert answer.status_code == 302
    assert "/plaid/link/hosted/" in answer["Location"]


def test_banks(linked: Callable[..., Any], browse: Any, bank: Bank) -> None:
    person, other = linked(), linked()
    client = browse(person.person.id)
    assert person.account.mask in client.get("/banks").content.decode()
    assert client.post(f"/banks/{other.account.public_id}/remove").status_code == 404
    row = person.load()
    page = client.post(f"/banks/{person.account.public_id}/remove")
    assert page.status_code == 409
    assert "still under way" in page.content.decode()
    bank.advance(1)
    assert client.get(f"/loads/{row.public_id}").status_code == 200
    assert client.get(f"/redemptions/{row.public_id}").status_code == 404
    assert browse(other.person.id).get(f"/loads/{row.public_id}").status_code == 404


def test_a_vendor_that_is_down_is_said_in_words(linked: Callable[..., Any], browse: Any, bank: Bank) -> None:
    client = browse(linked().person.id)
    bank.fail("plaid", "500", path="/link/token/create", times=5)
    page = client.post("/banks/link")
    assert page.status_code == 503
    assert "Nothing was lost" in page.content.decode()


def test_strangers_log_in_first(database: Any) -> None:
    for path in ("/banks", "/load", "/redeem", "/loads/ld_x", "/banks/linked?state=x"):
        answer = Client().get(path)
        assert (answer.status_code, answer["Location"].startswith("/login")) == (302, True)
