"""Redemptions: the tokens leave the wallet at once, the dollars reach the bank later, or come back."""

from collections.abc import Callable
from typing import Any

import pytest

from core.errors import AccountFrozen
from core.resilience import ProviderRejected
from tests.banking.sandbox import Bank
from tests.conftest import Database
from tests.helpers import assert_problem
from wallets import services as wallets


def test_it_works(linked: Callable[..., Any], bank: Bank) -> None:
    person = linked()
    person.settled_load(50_00)
    row = person.redeem(20_00)
    assert person.money() == (30_00, 0, 20_00)
    row = person.submit(row)
    assert row.status == "pending"
    bank.advance(1)
    row = person.refresh(row)
    assert row.status == "settled"
    assert person.money() == (30_00, 0, 0)
    assert row.public_id.startswith("rd_")


def test_all_of_it_and_not_a_cent_more(linked: Callable[..., Any], api: Any) -> None:
    person = linked()
    person.settled_load(50_00)
    body = {"amount": 50_01, "bank_account": person.account.public_id}
    assert_problem(api.post("/v1/redemptions", body, person=person.person, key="a"), 402, "insufficient_funds")
    assert person.money() == (50_00, 0, 0)
    answer = api.post("/v1/redemptions", {**body, "amount": 50_00}, person=person.person, key="a")
    assert answer.status_code == 201
    assert person.money() == (0, 0, 50_00)


def test_a_bank_that_does_not_take_it(linked: Callable[..., Any], bank: Bank) -> None:
    person = linked(name="R03", money=50_00)
    rich = linked()
    rich.settled_load(100_00)  # the reserve needs dollars of its own at the bank
    row = person.submit(person.redeem(20_00))
    assert row.status == "pending"
    bank.advance(2)
    row = person.refresh(row)
    assert (row.status, row.failure_code) == ("failed", "R03")
    assert person.money() == (50_00, 0, 0)


def test_a_redemption_that_comes_back_after_it_settled(linked: Callable[..., Any], bank: Bank, database: Database) -> None:
    person = linked(name="R03-late", money=50_00)
    linked().settled_load(100_00)
    row = person.submit(person.redeem(20_00))
    bank.advance(1)
    assert person.refresh(row).status == "settled"
    bank.advance(3)
    assert person.refresh(row).status == "returned"
    assert person.money() == (50_00, 0, 0)


def test_a_rail_that_refuses_gives_the_tokens_back(linked: Callable[..., Any], bank: Bank, own_rail: Any) -> None:
    def refuse(*args: Any, **kwargs: Any) -> str:
        raise ProviderRejected("Restricted")

    person = linked(money=50_00)
    own_rail("create_push", refuse)
    row = person.submit(person.redeem(20_00))
    assert (row.status, row.failure_code) == ("failed", "Restricted")
    assert person.money() == (50_00, 0, 0)


def test_our_own_want_of_money_at_the_rail_fails_nobodys_redemption(
    linked: Callable[..., Any], bank: Bank, caplog: pytest.LogCaptureFixture
) -> None:
    """The reserve's own balance at Dwolla does not reach: it waits, somebody is called, and it goes out once it does."""
    person = linked(money=900_000_00)
    row = person.submit(person.redeem(900_000_00))
    assert row.status == "queued"
    assert row.due_at is not None
    assert person.money() == (0, 0, 900_000_00)
    assert "reserve_short" in [record.message for record in caplog.records if record.levelname == "ERROR"]
    linked(balance=1_000_000).settled_load(900_000_00)
    assert person.submit(row).status == "pending"


def test_frozen_people_cannot_redeem(linked: Callable[..., Any], database: Database) -> None:
    person = linked(money=50_00)
    with database.role("worker"):
        wallets.freeze(user_id=person.person.id, level=wallets.Freeze.SENDING, reason="We are checking something.")
    with pytest.raises(AccountFrozen):
        person.redeem()
    assert person.money() == (50_00, 0, 0)
