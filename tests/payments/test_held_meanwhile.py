"""What becomes of a held payment when one of the two was frozen, closed or owes meanwhile: let through, sent back, forgotten.

Whatever happens, the two balances and what is set aside add up to what they were, and both read what became of it.
"""

from collections.abc import Callable
from typing import Any

import pytest

from compliance.services import freezes
from core.actor import SYSTEM, actor
from core.errors import Conflict
from core.ids import new_reference
from ledger import services as ledger
from ledger.chart import Account, Kind
from ledger.errors import AccountNotEmpty
from payments import services
from privacy.services import closing
from tests.conftest import Database, PersonForTest
from tests.payments.people import person
from tests.payments.test_held import case_of, deny, held, holding, letters, money, release, state
from wallets import services as wallets
from wallets.services import Freeze

holding = holding  # a fixture
AMOUNT = HAD = 500
Meanwhile = Callable[[Database, PersonForTest], None]


def frozen(level: Freeze) -> Meanwhile:
    def freeze(database: Database, one: PersonForTest) -> None:
        with database.role("worker"):
            freezes.freeze_by_command(user_id=one.id, level=level, reason="Something is being looked at.")

    return freeze


def closing_it(database: Database, one: PersonForTest) -> None:
    closing.begin(user_id=one.id, device_id=None)


def closed(database: Database, one: PersonForTest) -> None:
    with database.role("worker"), actor(SYSTEM):
        wallets.close_wallet(user_id=one.id)


def frozen_while_closing_it(database: Database, one: PersonForTest) -> None:
    closing_it(database, one)
    frozen(Freeze.SENDING)(database, one)


def owing(database: Database, one: PersonForTest) -> None:
    [(account,)] = database.as_superuser("select receivable_account from wallets_wallet where user_id = %s", [one.id])
    with database.role("worker"):
        ledger.post(ledger.Posting(new_reference(), Kind.LOAD_RETURN_OWED, account, Account.RESERVE_DWOLLA, 1))


def like_a_listed_name(database: Database, one: PersonForTest) -> None:
    database.as_superuser(
        "with run as (insert into compliance_sanctionsrun (cause, started_at, finished_at) values ('list', now(), now())"
        " returning id) insert into compliance_sanctionsentry (number, kind, name, key, digest, changed_in_id)"
        " select 4711, 'individual', 'X', 'x', 'x', id from run on conflict do nothing"
    )
    database.as_superuser("select compliance_sanctions_hit(%s, 4711, 'X', 99, 'x', 'x')", [one.id])


# Who, what happened to them, and what staff read who let it through all the same ("" where it arrives).
CASES: dict[str, tuple[str, Meanwhile, str]] = {
    "payee who may not send": ("payee", frozen(Freeze.SENDING), ""),
    "payee who may not receive": ("payee", frozen(Freeze.ALL), "cannot receive"),
    "payee who is closing it": ("payee", closing_it, "cannot receive"),
    "payee who has closed it": ("payee", closed, "account is closed"),
    "payer who may not send": ("payer", frozen(Freeze.SENDING), "frozen meanwhile"),
    "payer who may not receive": ("payer", frozen(Freeze.ALL), "frozen meanwhile"),
    "payer who is closing it": ("payer", closing_it, ""),
    "payer who was frozen while closing it": ("payer", frozen_while_closing_it, "frozen meanwhile"),
    "payer like a listed name": ("payer", like_a_listed_name, "frozen meanwhile"),
    "payer who owes": ("payer", owing, "owes"),
}
every_case = pytest.mark.parametrize("case", CASES)


@pytest.fixture
def begun(database: Database, holding: None, case: str) -> tuple[PersonForTest, PersonForTest, str]:
    """A held payment, and what happened to one of the two since."""
    ann, bob = person(database, HAD), person(database)
    payment = held(ann, bob, AMOUNT)
    who, happens, _ = CASES[case]
    happens(database, ann if who == "payer" else bob)
    assert (money(ann), money(bob)) == ((HAD - AMOUNT, AMOUNT), (0, 0))
    return ann, bob, payment


def expire(database: Database, payment: str) -> None:
    sql = "update payments_payment set created_at = created_at - interval '8 days' where public_id = %s"
    database.as_superuser(sql, [payment])
    with database.role("worker"):
        assert services.expire_held() == [payment]
        assert services.expire_held() == []


@every_case
def test_let_through_it_arrives_whole_or_stays_whole(
    database: Database, case: str, begun: tuple[PersonForTest, PersonForTest, str]
) -> None:
    ann, bob, payment = begun
    said = CASES[case][2]
    if not said:
        release(database, payment)
        assert (money(ann), money(bob), state(database, payment)) == ((HAD - AMOUNT, 0), (AMOUNT, 0), "completed")
        assert letters(database, ann)[-1] == letters(database, bob)[-1] == "payment_released"
        return
    with pytest.raises(Conflict, match=said):
        release(database, payment)
    assert (money(ann), money(bob), state(database, payment)) == ((HAD - AMOUNT, AMOUNT), (0, 0), "in_review")
    assert case_of(database, payment).status == "open"
    assert "payment_released" not in letters(database, ann) + letters(database, bob)
    deny(database, payment)  # what is left to do
    assert (money(ann), money(bob)) == ((HAD, 0), (0, 0))


@every_case
@pytest.mark.parametrize("how", [deny, expire])
def test_back_it_goes_whole_and_once(
    database: Database, case: str, how: Any, begun: tuple[PersonForTest, PersonForTest, str]
) -> None:
    ann, bob, payment = begun
    how(database, payment)
    ended = ("denied", "payment_denied") if how is deny else ("cancelled", "payment_cancelled")
    assert (money(ann), money(bob), state(database, payment)) == ((HAD, 0), (0, 0), ended[0])
    assert letters(database, ann)[-1] == letters(database, bob)[-1] == ended[1]
    assert case_of(database, payment).status == "closed"
    for again in (release, deny):
        with pytest.raises(Conflict, match="not being checked any more"):
            again(database, payment)
    assert (money(ann), money(bob)) == ((HAD, 0), (0, 0))


@every_case
def test_the_payer_may_take_it_back_as_before(
    database: Database, case: str, begun: tuple[PersonForTest, PersonForTest, str]
) -> None:
    ann, bob, payment = begun
    services.cancel_held(user_id=ann.id, payment=payment)
    assert (money(ann), money(bob), state(database, payment)) == ((HAD, 0), (0, 0), "cancelled")
    assert letters(database, bob)[-1] == "payment_cancelled"


def test_a_payer_does_not_close_while_something_is_set_aside(database: Database, holding: None) -> None:
    ann, bob = person(database, AMOUNT), person(database)
    payment = held(ann, bob, AMOUNT)
    with pytest.raises(AccountNotEmpty):
        closed(database, ann)
    deny(database, payment)
    assert money(ann) == (AMOUNT, 0)


def test_without_the_look_at_the_payer_it_would_leave_a_frozen_account(database: Database, holding: None) -> None:
    """The control: a freeze stops the wallet's account, and not the one in which the money is set aside."""
    ann, bob = person(database, HAD), person(database)
    payment = held(ann, bob, AMOUNT)
    frozen(Freeze.ALL)(database, ann)
    [(whole,)] = database.as_superuser("select pg_get_functiondef('payments_end_held(text, text)'::regprocedure)")
    database.as_superuser(whole.replace("compliance_restricted(p.payer_id) > 0", "false"))
    try:
        release(database, payment)
    finally:
        database.as_superuser(whole)
    assert (money(ann), money(bob)) == ((HAD - AMOUNT, 0), (AMOUNT, 0))


def test_each_that_was_forgotten_goes_back_in_a_transaction_of_its_own(database: Database, holding: None) -> None:
    """One transaction would hold the first payer's guard while it waits for the second's."""
    assert transactions_of_two(database, services.expire_held) == 2


def test_in_one_transaction_they_would_be_one(database: Database, holding: None) -> None:
    """The control of the count above."""

    def all_at_once() -> list[str]:
        with actor(SYSTEM):
            return services.expire_held()

    assert transactions_of_two(database, all_at_once) == 1


def transactions_of_two(database: Database, expire: Callable[[], list[str]]) -> int:
    """Two people's payments were forgotten: in how many transactions the letters about them were written."""
    ann, bob = person(database, HAD), person(database, HAD)
    both = [held(ann, bob, AMOUNT), held(bob, ann, AMOUNT)]
    older = "update payments_payment set created_at = created_at - interval '8 days' where public_id = any(%s)"
    database.as_superuser(older, [both])
    with database.role("worker"):
        assert expire() == both
    [(letters_, transactions)] = database.as_superuser(
        "select count(*), count(distinct xmin::text) from compliance_letter where kind = 'payment_cancelled' and about = any(%s)",
        [both],
    )
    assert letters_ == 4
    return int(transactions)
