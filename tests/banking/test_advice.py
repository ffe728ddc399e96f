"""Plaid's errors are a person's next step, and never a raw code."""

import re
from typing import Any, get_args

import pytest

from banking import advice, plaid
from banking.advice import ADVICE, GENERAL, Next
from banking.errors import BankUnavailable, LinkFailed
from banking.services.vendors import in_words, refusal
from core.resilience import ProviderRejected
from tests.banking.sandbox import Bank
from tests.conftest import MakePerson
from tests.helpers import assert_problem

# What the issue names, and every code that our own calls may meet in the normal course of things.
MUST = {
    "ITEM_LOGIN_REQUIRED", "ITEM_LOCKED", "ITEM_NOT_FOUND", "ITEM_NOT_SUPPORTED", "INSTITUTION_DOWN",
    "INSTITUTION_NOT_RESPONDING",
    "RATE_LIMIT", "INVALID_CREDENTIALS", "INVALID_MFA", "INVALID_PUBLIC_TOKEN", "INVALID_ACCESS_TOKEN", "PRODUCTS_NOT_SUPPORTED",
    "NO_AUTH_ACCOUNTS", "USER_PERMISSION_REVOKED", "ACCESS_NOT_GRANTED", "NO_ACCOUNTS", "PRODUCT_NOT_READY",
}  # fmt: skip


def test_the_table_is_whole() -> None:
    assert ADVICE.keys() >= MUST
    assert ADVICE.keys() >= advice.LOGIN_BROKEN | advice.LOGIN_GONE | advice.LINK_AFRESH
    assert {each.next for each in ADVICE.values()} == set(get_args(Next))
    for code, said in ADVICE.items():
        assert said.source or code == "no_ach_numbers", code


@pytest.mark.parametrize("code", [*ADVICE, "SOMETHING_NEW"])
def test_every_sentence_is_for_people(code: str) -> None:
    error = refusal(code)
    assert error.detail.endswith(".")
    assert not re.search(r"[A-Z]{2,}_|_[A-Z]|ITEM|token|Plaid|OAuth|MFA", error.detail)
    assert error.data["next"] == advice.advice(code).next
    assert isinstance(error, BankUnavailable if advice.advice(code).next == "wait" else LinkFailed)


def test_an_unknown_code_gets_a_general_sentence() -> None:
    with pytest.raises(LinkFailed) as caught, in_words():
        raise ProviderRejected("SOMETHING_NEW", "with words of theirs")
    assert caught.value.detail == GENERAL.sentence


def test_over_the_api(make_person: MakePerson, bank: Bank, api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = make_person("ada")

    def refuse(code: str) -> None:
        def call(*args: object, **options: object) -> None:
            raise ProviderRejected(code)

        monkeypatch.setattr(plaid, "_call", call)

    refuse("NO_AUTH_ACCOUNTS")
    problem = assert_problem(api.post("/v1/bank-accounts", {"public_token": "x"}, person=ada), 400, "validation_error")
    assert problem["next"] == "other_account"
    assert "NO_AUTH" not in str(problem)
    refuse("INSTITUTION_DOWN")
    answer = api.post("/v1/bank-accounts", {"public_token": "x"}, person=ada)
    problem = assert_problem(answer, 503, "service_unavailable")
    assert (problem["next"], answer["Retry-After"]) == ("wait", "60")
