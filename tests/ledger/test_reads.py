"""What the ledger tells: balances now and at any past time, history, the trial balance, the figures, owed first."""

from datetime import timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.ids import new_reference
from ledger import queries, services
from ledger.chart import Account, Kind, Personal
from ledger.errors import ReferenceReused
from tests.conftest import Database
from tests.helpers import at_once
from tests.ledger.books import account, findings, post, rows_of, wallet

TICK = timedelta(microseconds=1)


# ------------------------------------------------------------------------------------------------------- stripes
def test_a_striped_account_is_the_sum_of_its_rows(database: Database):
    before = queries.balance(Account.RESERVE_ODFI)

    def load(_: int) -> None:
        post(Account.RESERVE_ODFI, wallet(), 10, Kind.LOAD)

    assert at_once(12, load) == [None] * 12
    used = database.as_superuser("select count(*) from ledger_account where id between -255 and -192 and balance <> 0")[0][0]
    assert used > 1, "twelve backends share one row"
    total = database.as_superuser("select sum(balance) from ledger_account where id between -255 and -192")[0][0]
    assert queries.balance(Account.RESERVE_ODFI) == total == before - 120


def test_the_stripes_of_two_accounts_do_not_overlap(database: Database):
    rows = database.as_superuser("select id, kind, ledger_logical(id) from ledger_account where id < 0")
    kinds = dict(database.as_superuser("select id, kind from ledger_systemaccount"))
    assert len(rows) == 5 * 64
    assert all(kinds[logical] == kind for _, kind, logical in rows)


# --------------------------------------------------------------------------------------------------- past times
@given(moves=st.lists(st.tuples(st.booleans(), st.integers(1, 500), st.booleans()), min_size=1, max_size=14))
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_balance_at_every_instant_is_what_a_list_in_python_says(moves: list[tuple[bool, int, bool]]):
    mine, other = wallet(1000), wallet(10_000)
    stripes_before = queries.balance(Account.RESERVE_STRIPE)
    start = services.post(services.Posting(new_reference(), Kind.LOAD, Account.RESERVE_STRIPE, mine, 1))
    told = [(start.posted_at, queries.balance(mine), stripes_before - 1)]
    for coming, amount, reconnect in moves:
        if reconnect:
            connection.close()  # another backend, another stripe
        balance, stripes = told[-1][1:]
        if coming:
            moved = post(Account.RESERVE_STRIPE, mine, amount, Kind.LOAD)
            told.append((moved.posted_at, balance + amount, stripes - amount))
        elif amount <= balance:
            moved = post(mine, other, amount)
            told.append((moved.posted_at, balance - amount, stripes))

    assert queries.balance_at(mine, start.posted_at - timedelta(days=1)) == 0
    assert queries.balance_at(Account.RESERVE_STRIPE, start.posted_at - TICK) == stripes_before
    for index, (at, balance, stripes) in enumerate(told):
        assert queries.balance_at(mine, at) == balance
        assert queries.balance_at(Account.RESERVE_STRIPE, at) == stripes
        if index + 1 < len(told):
            just_before = told[index + 1][0] - TICK
            assert queries.balance_at(mine, just_before) == balance
            assert queries.balance_at(Account.RESERVE_STRIPE, just_before) == stripes
    assert queries.balance_at(mine, told[-1][0] + timedelta(days=1)) == told[-1][1] == queries.balance(mine)


def test_time_and_version_agree_when_many_post_at_once(database: Database):
    hub, others = wallet(10_000), [wallet(1000) for _ in range(4)]

    def work(index: int) -> None:
        for turn in range(15):
            debit, credit = (hub, others[index]) if turn % 2 else (others[index], hub)
            post(debit, credit, 5)

    assert at_once(4, work) == [None] * 4
    entries = queries.history(hub, limit=100)[::-1]
    assert [entry.version for entry in entries] == list(range(1, 62))
    assert [entry.posted_at for entry in entries] == sorted(entry.posted_at for entry in entries)
    running = 0
    for entry in entries:
        running += entry.amount
        assert entry.balance_after == running
        assert queries.balance_at(hub, entry.posted_at) == running
    assert findings(database) == []


# ------------------------------------------------------------------------------------------------------- history
def test_history_pages_backwards_without_gap_or_double():
    mine, other = wallet(1000), wallet(1000)
    for turn in range(23):
        post(*((mine, other) if turn % 3 else (other, mine)), 1)
    seen: list[int] = []
    before = None
    while page := queries.history(mine, before=before, limit=5):
        seen += [entry.version for entry in page]
        before = page[-1].version
    assert seen == list(range(24, 0, -1))
    newest = queries.history(mine, limit=1)[0]
    assert (newest.other, newest.balance_after) == (other, queries.balance(mine))


# -------------------------------------------------------------------------------------------- totals and figures
def test_the_trial_balance_sums_to_zero_and_names_every_account():
    payer, payee = wallet(700), wallet()
    post(payer, payee, 200)
    post(payer, Account.REDEMPTIONS_PAYABLE, 100, Kind.REDEMPTION)
    rows = {name: (kind, accounts, balance) for name, kind, accounts, balance in queries.trial_balance()}
    assert sum(balance for _, _, balance in rows.values()) == 0
    assert {"reserve:dwolla", "revenue", "redemptions_payable", "wallet", "capital"} <= rows.keys()
    assert rows["reserve:dwolla"][:2] == ("reserve", 1)
    assert rows["redemptions_payable"][2] == queries.balance(Account.REDEMPTIONS_PAYABLE)


def test_the_figures_follow_load_payment_redemption_and_settlement():
    def figures() -> tuple[int, int, int]:
        f = queries.figures()
        return f.reserve, f.circulation, f.required

    reserve, circulation, required = figures()
    payer = wallet(700)
    assert figures() == (reserve + 700, circulation + 700, required + 700)
    post(payer, wallet(), 200)
    assert figures() == (reserve + 700, circulation + 700, required + 700)
    post(payer, Account.REDEMPTIONS_PAYABLE, 100, Kind.REDEMPTION)
    assert figures() == (reserve + 700, circulation + 600, required + 700)
    post(Account.REDEMPTIONS_PAYABLE, Account.RESERVE_DWOLLA, 100, Kind.REDEMPTION_SETTLED)
    assert figures() == (reserve + 600, circulation + 600, required + 600)
    hold = account(Personal.HOLD)
    post(payer, hold, 300, Kind.HOLD)
    assert figures() == (reserve + 600, circulation + 600, required + 600)


# ------------------------------------------------------------------------------------------------- owed, repaid
def settle(person: tuple[int, int], amount: int, ids: tuple[object, object] | None = None) -> int:
    return _load("ledger_settle_load", person, amount, ids)


def take_back(person: tuple[int, int], amount: int, ids: tuple[object, object] | None = None) -> int:
    return _load("ledger_return_load", person, amount, ids)


def _load(function: str, person: tuple[int, int], amount: int, ids: tuple[object, object] | None) -> int:
    from ledger.errors import typed_errors

    mine, receivable = person
    ids = ids or (new_reference(), new_reference())
    with typed_errors(), connection.cursor() as cursor:
        cursor.execute(
            f"select {function}(%s, %s, %s, %s, %s, %s, null)", [*ids, Account.RESERVE_DWOLLA, mine, receivable, amount]
        )
        return int(cursor.fetchone()[0])


@pytest.fixture
def person() -> tuple[int, int]:
    mine, receivable = services.open_accounts([Personal.WALLET, Personal.RECEIVABLE])
    return mine, receivable


def balances(person: tuple[int, int]) -> list[int]:
    return [balance for balance, _ in rows_of(person)]


def test_a_returned_load_takes_what_is_there_and_the_rest_is_owed(person):
    settle(person, 1000)
    post(person[0], wallet(), 700)
    ids = new_reference(), new_reference()
    assert take_back(person, 1000, ids) == 700
    assert balances(person) == [0, -700]
    assert take_back(person, 1000, ids) == 700  # replayed: the same answer, no second effect
    assert balances(person) == [0, -700]
    with pytest.raises(ReferenceReused):
        take_back(person, 999, ids)


def test_a_load_repays_what_is_owed_first(person):
    settle(person, 1000)
    post(person[0], wallet(), 700)
    take_back(person, 1000)
    assert settle(person, 500) == 500
    assert balances(person) == [0, -200]
    ids = new_reference(), new_reference()
    assert settle(person, 500, ids) == 200
    assert balances(person) == [300, 0]
    assert settle(person, 500, ids) == 200
    assert balances(person) == [300, 0]
    assert settle(person, 100) == 0
    assert balances(person) == [400, 0]


@pytest.mark.parametrize(("spent", "owed"), [(0, 0), (1, 1), (999, 999), (1000, 1000)])
def test_a_return_owes_exactly_what_was_spent(person, spent, owed):
    settle(person, 1000)
    if spent:
        post(person[0], wallet(), spent)
    assert take_back(person, 1000) == owed
    assert balances(person) == [0, -owed]


def test_ten_callers_settle_one_load_once(person):
    settle(person, 1000)
    post(person[0], wallet(), 1000)
    take_back(person, 300)
    ids = new_reference(), new_reference()
    assert at_once(10, lambda _: settle(person, 500, ids)) == [300] * 10
    assert balances(person) == [200, 0]


def test_returns_and_payments_at_once_never_lose_a_cent(person, database: Database):
    settle(person, 1000)
    other = wallet()

    def work(index: int) -> object:
        return take_back(person, 100) if index % 2 else post(person[0], other, 60)

    at_once(8, work)
    mine, owed = balances(person)
    assert mine + owed == 1000 - 400 - queries.balance(other)
    assert mine >= 0
    assert [finding for finding in findings(database) if finding.kind == "corruption"] == []
