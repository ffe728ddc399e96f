"""Loads: what a person asks for, what the worker does, and what the bank makes of it."""

from collections.abc import Callable
from typing import Any

import pytest

from banking import services
from banking.errors import AmountMismatch
from banking.models import BankTransfer
from banking.rails.port import RailTransfer
from banking.show import transfer_body
from core.actor import SYSTEM, actor
from core.errors import AccountFrozen, ValidationError
from tests.banking.sandbox import Bank
from tests.conftest import Database
from tests.helpers import assert_problem, at_once
from wallets import services as wallets
from wallets.errors import OwesMoney


def test_it_works(linked: Callable[..., Any], bank: Bank) -> None:
    person = linked()
    row = person.load(50_00)
    assert row.status == "requested"
    assert person.money() == (0, 50_00, 0)
    row = person.submit(row)
    assert row.status == "pending"
    assert person.money() == (0, 50_00, 0)
    bank.advance(2)
    assert person.refresh(row).status == "pending"
    bank.advance(1)
    row = person.refresh(row)
    assert row.status == "settled"
    assert row.settled_at is not None
    assert person.money() == (50_00, 0, 0)
    assert person.timeline(row) == ["requested", "submitted", "pending", "settled"]


def test_refreshing_again_mints_nothing(linked: Callable[..., Any]) -> None:
    person = linked()
    row = person.settled_load(50_00)
    person.refresh(row)
    person.submit(row)
    assert person.money() == (50_00, 0, 0)


def test_over_the_api(linked: Callable[..., Any], api: Any) -> None:
    person = linked()
    body = {"amount": 12_34, "bank_account": person.account.public_id}
    answer = api.post("/v1/loads", body, person=person.person, key="one")
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert shown["id"].startswith("ld_")
    assert (shown["amount"], shown["currency"], shown["status"]) == (12_34, "USD", "requested")
    assert shown["bank_account"] == person.account.public_id
    assert [step["status"] for step in shown["timeline"]] == ["requested"]
    assert set(shown["timeline"][0]) == {"status", "at", "text"}
    one = api.get(f"/v1/loads/{shown['id']}", person=person.person)
    assert one.json() == shown
    listed = api.get("/v1/loads", person=person.person).json()
    assert listed == {"data": [shown], "next_cursor": None}
    assert_problem(api.get(f"/v1/redemptions/{shown['id']}", person=person.person), 404, "not_found")


def test_lists_go_on_with_the_cursor(linked: Callable[..., Any], api: Any) -> None:
    person = linked()
    ids = [person.load(100 + n).public_id for n in range(3)]
    first = api.get("/v1/loads?limit=2", person=person.person).json()
    rest = api.get(f"/v1/loads?limit=2&cursor={first['next_cursor']}", person=person.person).json()
    assert [row["id"] for row in first["data"] + rest["data"]] == ids[::-1]
    assert rest["next_cursor"] is None


def test_the_same_key_is_the_same_load(linked: Callable[..., Any], api: Any) -> None:
    person = linked()
    body = {"amount": 10_00, "bank_account": person.account.public_id}
    first = api.post("/v1/loads", body, person=person.person, key="k")
    again = api.post("/v1/loads", body, person=person.person, key="k")
    assert (again.status_code, again.content) == (201, first.content)
    assert person.money() == (0, 10_00, 0)
    other = api.post("/v1/loads", {**body, "amount": 10_01}, person=person.person, key="k")
    assert_problem(other, 422, "idempotency_key_reused")
    as_redemption = api.post("/v1/redemptions", body, person=person.person, key="k")
    assert_problem(as_redemption, 422, "idempotency_key_reused")
    assert_problem(api.post("/v1/loads", body, person=person.person), 400, "idempotency_key_required")


def test_one_key_from_many_threads(linked: Callable[..., Any]) -> None:
    person = linked()

    def ask(_: int) -> str:
        answer = services.request_load(user_id=person.person.id, amount=10_00, bank_account=person.account.public_id, key="same")
        return answer.text

    assert len(set(at_once(8, ask))) == 1
    assert person.money() == (0, 10_00, 0)


def test_what_is_no_amount(linked: Callable[..., Any], api: Any) -> None:
    person = linked()
    for amount in (0, -1, 10.0, "100", True, None, 10**18):
        body = {"amount": amount, "bank_account": person.account.public_id}
        answer = api.post("/v1/loads", body, person=person.person, key="k")
        assert "amount" in assert_problem(answer, 400, "validation_error")["errors"], amount
    assert person.money() == (0, 0, 0)


def test_somebody_elses_bank_is_not_there(linked: Callable[..., Any], api: Any) -> None:
    one, other = linked(), linked()
    body = {"amount": 10_00, "bank_account": other.account.public_id}
    assert_problem(api.post("/v1/loads", body, person=one.person, key="k"), 404, "not_found")
    assert_problem(api.delete(f"/v1/bank-accounts/{other.account.public_id}", person=one.person), 404, "not_found")
    theirs = other.load()
    assert_problem(api.get(f"/v1/loads/{theirs.public_id}", person=one.person), 404, "not_found")
    assert one.money() == (0, 0, 0)


def test_frozen_people_cannot_load(linked: Callable[..., Any], database: Database) -> None:
    person = linked()
    with database.role("worker"):
        wallets.freeze(user_id=person.person.id, level=wallets.Freeze.SENDING, reason="We are checking something.")
    with pytest.raises(AccountFrozen, match="checking something"):
        person.load()


def test_a_load_that_was_asked_for_settles_although_frozen(linked: Callable[..., Any], bank: Bank, database: Database) -> None:
    person = linked()
    row = person.submit(person.load())
    with database.role("worker"):
        wallets.freeze(user_id=person.person.id, level=wallets.Freeze.ALL, reason="Frozen.")
    bank.advance(3)
    assert person.refresh(row).status == "settled"
    assert person.money() == (50_00, 0, 0)


def test_a_bank_without_the_money(linked: Callable[..., Any], bank: Bank) -> None:
    person = linked(name="R01")
    row = person.submit(person.load())
    bank.advance(3)
    row = person.refresh(row)
    assert (row.status, row.failure_code) == ("failed", "R01")
    assert person.money() == (0, 0, 0)


def test_a_load_that_comes_back_after_it_settled(linked: Callable[..., Any], bank: Bank) -> None:
    person = linked(name="R01-late")
    row = person.settled_load(50_00)
    assert person.money() == (50_00, 0, 0)
    bank.advance(3)
    row = person.refresh(row)
    assert (row.status, row.failure_code) == ("returned", "R01")
    assert person.money() == (0, 0, 0)
    assert person.timeline(row)[-2:] == ["settled", "returned"]


def test_a_late_return_that_nobody_told_of_before(linked: Callable[..., Any], bank: Bank) -> None:
    """Both pieces of news were lost: what is seen is a failure, and nothing was ever minted."""
    person = linked(name="R01-late")
    row = person.submit(person.load())
    bank.advance(8)
    assert person.refresh(row).status == "failed"
    assert person.money() == (0, 0, 0)


def test_who_owes_repays_with_the_next_load(linked: Callable[..., Any], bank: Bank) -> None:
    person = linked(name="R01-late")
    row = person.settled_load(50_00)
    person.redeem(30_00)
    bank.advance(3)
    person.refresh(row)
    assert person.wallet().owed == 30_00
    assert person.money()[0] == 0
    assert said(person, row) == (
        "Your bank took it back. Your bank says that the balance did not cover it. $20.00 of it was taken out of your wallet"
        " again; the $30.00 that you no longer had you owe now. Your next loads repay it first."
    )
    with pytest.raises(OwesMoney):
        person.redeem(1)
    part, rest = person.settled_load(10_00), person.settled_load(40_00)
    assert said(person, part) == "Arrived. $10.00 of it repaid what you owed."
    assert said(person, rest) == "Arrived. $20.00 of it repaid what you owed. $20.00 is yours to spend."
    assert person.wallet().owed == 0
    assert person.money()[0] == 20_00


def said(person: Any, row: Any) -> str:
    """The last step of a transfer, as its person reads it in the API."""
    with actor(person.person.id):
        fresh = BankTransfer.objects.select_related("bank_account").get(pk=row.pk)
        timeline = transfer_body(fresh, list(fresh.moves.order_by("id")))["timeline"]
    return str(timeline[-1]["text"])


def test_another_amount_at_the_rail_is_refused_loudly(
    linked: Callable[..., Any], own_rail: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    person = linked()
    row = person.submit(person.load(50_00))
    ours = str(row.external_id)
    for rail_id, amount, currency, key in [
        (ours, 50_01, "USD", row.rail_key),
        (ours, 50_00, "EUR", row.rail_key),
        (ours, 50_00, "USD", "other"),
        ("another", 50_00, "USD", row.rail_key),
    ]:
        shown = RailTransfer(rail_id, "processed", amount, currency, str(key))
        own_rail("status", lambda self, transfer, shown=shown: shown)
        with pytest.raises(AmountMismatch):
            person.refresh(row)
        assert person.fresh(row).status == "pending"
    assert "bank_transfer_mismatch" in caplog.text
    assert person.money() == (0, 50_00, 0)


def test_a_bank_that_must_be_linked_again(linked: Callable[..., Any], database: Database) -> None:
    person = linked()
    database.as_superuser("update banking_bankaccount set status = 'relink' where id = %s", [person.account.pk])
    with pytest.raises(ValidationError) as refusal:
        person.load()
    assert "bank_account" in refusal.value.fields


def test_the_worker_sees_all_and_web_its_own(linked: Callable[..., Any], database: Database) -> None:
    from banking.models import BankTransfer, TransferMove

    one, other = linked(), linked()
    one.load()
    with actor(other.person.id):
        assert not BankTransfer.objects.exists()
        assert not TransferMove.objects.exists()
    with database.role("worker"), actor(SYSTEM):
        assert BankTransfer.objects.count() == 1
