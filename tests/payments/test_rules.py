"""Each refusal of a payment by itself, before anything is asked of the ledger (which refuses some of them once more)."""

from dataclasses import replace
from typing import Any

import pytest

from core.errors import AccountFrozen, InsufficientFunds
from payments.errors import CannotBePaid, NoUsernameYet, PayingOneself, UnknownPayee
from payments.rules import Facts, decide
from wallets.errors import OwesMoney
from wallets.services import Freeze

GOOD = Facts(
    payer=1, payer_username="ann", available=1000, owed=0, frozen=Freeze.NONE, frozen_reason="",
    to="bob", payee=2, payee_frozen=Freeze.NONE, amount=1000,
)  # fmt: skip


@pytest.mark.parametrize("change", [{}, {"amount": 1}, {"payee_frozen": Freeze.SENDING}], ids=str)
def test_what_may_go_ahead(change: dict[str, Any]) -> None:
    assert decide(replace(GOOD, **change)) is None


@pytest.mark.parametrize(
    ("change", "refusal", "words"),
    [
        ({"payer_username": None}, NoUsernameYet, ""),
        ({"payee": None}, UnknownPayee, "@bob"),
        ({"payee": 1}, PayingOneself, ""),
        ({"frozen": Freeze.SENDING, "frozen_reason": "A lost phone."}, AccountFrozen, "A lost phone."),
        ({"frozen": Freeze.ALL, "frozen_reason": "A lost phone."}, AccountFrozen, "A lost phone."),
        ({"payee_frozen": Freeze.ALL}, CannotBePaid, "@bob cannot be paid"),
        ({"owed": 1}, OwesMoney, "$0.01"),
        ({"amount": 1001}, InsufficientFunds, "You have $10.00."),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_may_not(change: dict[str, Any], refusal: type[Exception], words: str) -> None:
    refused = decide(replace(GOOD, **change))
    assert type(refused) is refusal
    assert words in str(refused.detail)
