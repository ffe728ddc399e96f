"""One account pays many: what a batch of single postings would have left, or nothing at all."""

from typing import Any
from uuid import UUID

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.ids import new_reference
from ledger import services
from ledger.chart import Account, Kind, Status
from tests.conftest import Database
from tests.ledger.books import findings, journal_size, post, posting, rows_of, wallet

POOL = int(Account.REWARDS_POOL)


@pytest.fixture(autouse=True)
def funded(database: Database) -> None:
    post(Account.RESERVE_DWOLLA, Account.REVENUE, 1000, Kind.INTEREST)
    post(Account.REVENUE, POOL, 1000, Kind.WEEK_POOL)


def out(database: Database, rows: list[tuple[UUID, int, int]], *, kind: int = Kind.REWARD, payer: int = POOL) -> int:
    ids, payees, amounts = ([row[place] for row in rows] for place in range(3))
    found: list[tuple[int]] = database.as_superuser(
        "select ledger_post_out(%s::smallint, %s::bigint, %s::uuid[], %s::bigint[], %s::bigint[])",
        [int(kind), payer, [str(one) for one in ids], payees, amounts],
    )
    return found[0][0]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=st.lists(st.integers(1, 20), max_size=12), before=st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_it_leaves_what_a_batch_of_postings_leaves(database: Database, amounts: list[int], before: list[int]) -> None:
    post(Account.RESERVE_DWOLLA, Account.REVENUE, 1000, Kind.INTEREST)
    post(Account.REVENUE, POOL, 1000, Kind.WEEK_POOL)
    ones, others = ([wallet(money) for money, _ in zip(before, amounts, strict=False)] for _ in range(2))
    [(held, version)] = rows_of([POOL])
    assert out(database, [(new_reference(), payee, cents) for payee, cents in zip(ones, amounts, strict=True)]) == len(amounts)
    assert rows_of([POOL]) == [(held - sum(amounts), version + len(amounts))]
    batch = [posting(POOL, payee, cents, Kind.REWARD) for payee, cents in zip(others, amounts, strict=True)]
    assert services.post_many(batch) == len(amounts)
    assert rows_of(ones) == rows_of(others)


def test_the_auditor_finds_nothing(database: Database) -> None:
    assert out(database, [(new_reference(), wallet(5), 3), (new_reference(), wallet(), 4)]) == 2
    assert findings(database) == []


def test_a_frozen_payee_gets_what_always_passes(database: Database) -> None:
    frozen = wallet()
    services.set_status(account=frozen, status=Status.FROZEN)
    assert out(database, [(new_reference(), frozen, 7)]) == 1
    assert rows_of([frozen]) == [(7, 1)]


def _closed() -> int:
    made = wallet()
    services.set_status(account=made, status=Status.CLOSED)
    return made


def _used() -> UUID:
    return post(POOL, wallet(), 1, Kind.REWARD).id


WRONG: dict[str, Any] = {
    "more than there is": lambda: {"rows": [(new_reference(), wallet(), 1), (new_reference(), wallet(), 10**9)]},
    "nothing": lambda: {"rows": [(new_reference(), wallet(), 0)]},
    "less than nothing": lambda: {"rows": [(new_reference(), wallet(), 5), (new_reference(), wallet(), -5)]},
    "to a closed account": lambda: {"rows": [(new_reference(), wallet(), 1), (new_reference(), _closed(), 1)]},
    "to nobody": lambda: {"rows": [(new_reference(), 999_999_999, 1)]},
    "to itself": lambda: {"rows": [(new_reference(), POOL, 1)]},
    "a used reference": lambda: {"rows": [(new_reference(), wallet(), 1), (_used(), wallet(), 1)]},
    "an account that stands twice": lambda: {"rows": [(new_reference(), payee, 1) for payee in [wallet()] * 2]},
    "a reference that stands twice": lambda: {"rows": [(one, wallet(), 1) for one in [new_reference()] * 2]},
    "accounts that the kind does not join": lambda: {"rows": [(new_reference(), wallet(), 1)], "kind": Kind.LOAD},
    "a reversal": lambda: {"rows": [(new_reference(), wallet(), 1)], "kind": Kind.REVERSAL},
    "an unknown kind": lambda: {"rows": [(new_reference(), wallet(), 1)], "kind": 77},
    "out of a striped account": lambda: {
        "rows": [(new_reference(), wallet(), 1)], "kind": Kind.LOAD, "payer": int(Account.RESERVE_DWOLLA)
    },
    "out of a frozen wallet": lambda: {"rows": [(new_reference(), wallet(), 1)], "kind": Kind.PAYMENT, "payer": _frozen(50)},
    "to a frozen wallet by a kind that does not always pass": lambda: {
        "rows": [(new_reference(), _frozen(0), 1)], "kind": Kind.PAYMENT, "payer": wallet(50)
    },
}


def _frozen(money: int) -> int:
    made = wallet(money)
    services.set_status(account=made, status=Status.FROZEN)
    return made


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_in_one_place_posts_nothing(database: Database, wrong: str) -> None:
    given = WRONG[wrong]()
    rows = given.pop("rows")
    payer = given.get("payer", POOL)
    before = rows_of([payer]), journal_size(database)
    with pytest.raises(psycopg2.Error) as refused:
        out(database, rows, **given)
    assert refused.value.pgcode in ("PY106", "PY109"), refused.value
    assert (rows_of([payer]), journal_size(database)) == before
    assert findings(database) == []


def test_columns_of_other_lengths_are_refused(database: Database) -> None:
    with pytest.raises(psycopg2.Error) as refused:
        database.as_superuser("select ledger_post_out(26::smallint, 80, array[gen_random_uuid()], '{}', '{1}')")
    assert refused.value.pgcode == "PY106"
    assert out(database, []) == 0
