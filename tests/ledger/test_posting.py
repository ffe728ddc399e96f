"""Single posts: replay, refusal, freezes, closing, reversal, and what each kind of transfer may join."""

import threading
from collections.abc import Iterator

import psycopg2
import pytest
from django.db import connection

from core.errors import AccountFrozen, InsufficientFunds
from core.ids import new_reference
from ledger import queries, services
from ledger.chart import Account, Kind, Personal, Status
from ledger.errors import (
    AccountClosed,
    AccountNotEmpty,
    AlreadyReversed,
    NoSuchAccount,
    PostingRefused,
    RecipientFrozen,
    ReferenceReused,
)
from tests.conftest import Database
from tests.helpers import at_once
from tests.ledger.books import account, findings, journal_size, post, posting, rows_of, wallet


@pytest.fixture(autouse=True)
def books_stay_clean(database: Database) -> Iterator[None]:
    """Whatever a test here did, the auditor has no word against it (a shortfall is none of these tests' doing)."""
    yield
    assert findings(database) == []


# ------------------------------------------------------------------------------------------------- one transfer
def test_a_transfer_moves_the_amount_once_and_says_what_it_left():
    payer, payee = wallet(1000), wallet()
    moved = post(payer, payee, 300)
    assert (moved.debit_balance, moved.credit_balance) == (700, 300)
    assert (moved.debit_version, moved.credit_version) == (2, 1)
    assert (moved.debit_account, moved.credit_account, moved.amount, moved.kind) == (payer, payee, 300, Kind.PAYMENT)
    assert rows_of([payer, payee]) == [(700, 2), (300, 1)]


def test_an_exact_drain_leaves_zero_and_one_cent_more_nothing():
    payer, payee = wallet(501), wallet()
    with pytest.raises(InsufficientFunds):
        post(payer, payee, 502)
    assert rows_of([payer, payee]) == [(501, 1), (0, 0)]
    post(payer, payee, 501)
    assert rows_of([payer, payee]) == [(0, 2), (501, 1)]
    with pytest.raises(InsufficientFunds):
        post(payer, payee, 1)


@pytest.mark.parametrize("amount", [0, -1, -(2**63)])
def test_an_amount_that_is_none_is_refused(amount):
    with pytest.raises(PostingRefused):
        post(wallet(100), wallet(), amount)


def test_an_account_pays_neither_itself_nor_nobody():
    payer = wallet(100)
    with pytest.raises(PostingRefused):
        post(payer, payer, 1)
    for debit, credit in ((payer, 999_999_999), (999_999_999, payer)):
        with pytest.raises(NoSuchAccount):
            post(debit, credit, 1)
    assert rows_of([payer]) == [(100, 1)]


# -------------------------------------------------------------------------------------------------------- replay
def test_a_reference_again_is_replayed_and_moves_nothing():
    payer, payee = wallet(1000), wallet()
    once = posting(payer, payee, 300)
    first = services.post(once)
    post(payer, payee, 700)  # the money is gone, and still the first one may be asked for again
    services.set_status(account=payer, status=Status.FROZEN)
    assert services.post(once) == first
    assert rows_of([payer, payee]) == [(0, 3), (1000, 2)]


def test_a_striped_account_is_replayed_from_another_backend():
    payee, reference = wallet(), new_reference()
    first = post(Account.RESERVE_DWOLLA, payee, 100, Kind.LOAD, reference)
    for _ in range(3):
        connection.close()
        assert post(Account.RESERVE_DWOLLA, payee, 100, Kind.LOAD, reference) == first
    assert rows_of([payee]) == [(100, 1)]


def test_a_reference_with_other_content_is_refused():
    payer, payee, third = wallet(1000), wallet(1000), wallet()
    reference = new_reference()
    post(payer, payee, 300, reference=reference)
    hold = account(Personal.HOLD)
    for other in (
        posting(payer, payee, 301, reference=reference),
        posting(payer, third, 300, reference=reference),
        posting(third, payee, 300, reference=reference),
        posting(payee, payer, 300, reference=reference),
        posting(payer, hold, 300, Kind.HOLD, reference),
    ):
        with pytest.raises(ReferenceReused):
            services.post(other)
    assert rows_of([payer, payee, third]) == [(700, 2), (1300, 2), (0, 0)]


@pytest.mark.parametrize("money", [1000, 100], ids=["plenty", "exactly enough for one"])
def test_twenty_callers_with_one_reference_have_one_effect_and_one_answer(money):
    payer, payee = wallet(money), wallet()
    once = posting(payer, payee, 100)
    answers = at_once(20, lambda _: services.post(once))
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert len(set(answers)) == 1
    assert rows_of([payer, payee]) == [(money - 100, 2), (100, 1)]


# ------------------------------------------------------------------------------------------------- order of locks
@pytest.mark.parametrize("upwards", [True, False], ids=["low pays high", "high pays low"])
def test_the_higher_account_is_locked_first_whoever_pays(database: Database, upwards):
    """Deterministic: while we hold the lower row the poster waits for it and holds the higher one, never the reverse."""
    low, high = wallet(100), wallet(100)
    debit, credit = (low, high) if upwards else (high, low)
    holder, prober = psycopg2.connect(database.url("owner")), psycopg2.connect(database.url("owner"))
    engine = "set role paya_engine"
    try:
        with holder.cursor() as cursor:
            cursor.execute(engine)
            cursor.execute("select from ledger_account where id = %s for update", [low])
        results: list[object] = []
        thread = threading.Thread(target=lambda: (results.append(post(debit, credit, 1)), connection.close()))
        thread.start()
        _until_somebody_waits(database)
        with prober.cursor() as cursor:
            cursor.execute(engine)
            with pytest.raises(psycopg2.errors.LockNotAvailable):
                cursor.execute("select from ledger_account where id = %s for update nowait", [high])
        holder.rollback()
        thread.join()
        assert results
    finally:
        holder.close()
        prober.close()


def _until_somebody_waits(database: Database) -> None:
    """In this database: other tests wait for locks of theirs in others."""
    waiting = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    for _ in range(10_000):
        if database.as_superuser(waiting):
            return
    raise AssertionError("nobody waits for the lock")


def test_payments_in_opposite_directions_never_deadlock():
    a, b, c = wallet(100_000), wallet(100_000), wallet(100_000)
    pairs = [(a, b), (b, a), (b, c), (c, b), (c, a), (a, c)]

    def work(index: int) -> None:
        for _ in range(40):
            post(*pairs[index], 7)

    assert at_once(6, work) == [None] * 6
    assert sum(balance for balance, _ in rows_of([a, b, c])) == 300_000
    assert sum(version for _, version in rows_of([a, b, c])) == 3 + 2 * 240


def test_batches_and_singles_in_opposite_directions_never_deadlock():
    accounts = [wallet(100_000) for _ in range(6)]

    def work(index: int) -> None:
        order = accounts if index % 2 else accounts[::-1]
        for _ in range(8):
            if index < 4:
                services.post_many([posting(order[i], order[i + 1], 3) for i in range(5)])
            else:
                post(order[0], order[-1], 3)

    assert at_once(6, work) == [None] * 6
    assert sum(balance for balance, _ in rows_of(accounts)) == 600_000


# -------------------------------------------------------------------------------------------- frozen, then closed
def test_no_debits_stops_paying_and_not_being_paid():
    frozen, other = wallet(500), wallet(500)
    services.set_status(account=frozen, status=Status.NO_DEBITS)
    with pytest.raises(AccountFrozen) as refusal:
        post(frozen, other, 1)
    assert not isinstance(refusal.value, RecipientFrozen)
    post(other, frozen, 1)
    services.set_status(account=frozen, status=Status.OPEN)
    post(frozen, other, 501)


def test_a_full_freeze_stops_both_ways_and_says_which():
    frozen, other = wallet(500), wallet(500)
    services.set_status(account=frozen, status=Status.FROZEN)
    with pytest.raises(AccountFrozen) as refusal:
        post(frozen, other, 1)
    assert not isinstance(refusal.value, RecipientFrozen)
    with pytest.raises(RecipientFrozen):
        post(other, frozen, 1)
    assert rows_of([frozen, other]) == [(500, 1), (500, 1)]


# kind -> (debit, credit): "wallet" stands for the frozen one
_AT_A_WALLET = {
    Kind.LOAD: (Account.RESERVE_DWOLLA, "wallet"),
    Kind.REDEMPTION: ("wallet", Account.REDEMPTIONS_PAYABLE),
    Kind.REDEMPTION_FAILED: (Account.REDEMPTIONS_PAYABLE, "wallet"),
    Kind.REDEMPTION_APPROVED: ("wallet", Account.REDEMPTIONS_PAYABLE),
    Kind.LOAD_RETURNED: ("wallet", Account.RESERVE_DWOLLA),
    Kind.FEE: ("wallet", Account.REVENUE),
    Kind.SUSPENDED: ("wallet", Account.SUSPENSE),
    Kind.SUSPENSE_FOUND: (Account.SUSPENSE, "wallet"),
    Kind.REWARD: (Account.REWARDS_POOL, "wallet"),
    Kind.ADJUSTMENT_CREDIT: (Account.ADJUSTMENTS, "wallet"),
    Kind.ADJUSTMENT_DEBIT: ("wallet", Account.ADJUSTMENTS),
    Kind.HOLD: ("wallet", "hold"),
    Kind.HOLD_PAID: ("hold", "wallet"),
    Kind.HOLD_RELEASED: ("hold", "wallet"),
}  # fmt: skip
_OWN_ACTS = {Kind.REDEMPTION, Kind.FEE, Kind.HOLD, Kind.HOLD_PAID, Kind.PAYMENT}


@pytest.fixture(scope="module")
def chart(database: Database) -> dict[int, int]:
    """An account of every kind with plenty on it, filled by the kinds that exist for that."""
    database.become("worker")
    rich, amount = wallet(9_000_000), 1_000_000
    hold, receivable = account(Personal.HOLD), account(Personal.RECEIVABLE)
    for kind, debit, credit, sum_ in [
        (Kind.HOLD, rich, hold, amount),
        (Kind.REDEMPTION, rich, Account.REDEMPTIONS_PAYABLE, amount),
        (Kind.INTEREST, Account.RESERVE_DWOLLA, Account.REVENUE, 4 * amount),
        (Kind.RAIL_COST, Account.RAIL_COSTS, Account.RESERVE_DWOLLA, amount),
        (Kind.CAPITAL_IN, Account.RESERVE_DWOLLA, Account.CAPITAL, 5 * amount),
        (Kind.LOSS_RESERVE_FUNDED, Account.CAPITAL, Account.LOSS_RESERVE, amount),
        (Kind.ADJUSTMENTS_FUNDED, Account.CAPITAL, Account.ADJUSTMENTS, amount),
        (Kind.SUSPENDED, Account.RESERVE_DWOLLA, Account.SUSPENSE, amount),
        (Kind.WEEK_OPERATIONS, Account.REVENUE, Account.OPERATIONS, amount),
        (Kind.WEEK_POOL, Account.REVENUE, Account.REWARDS_POOL, amount),
        (Kind.LOAD_RETURN_OWED, receivable, Account.RESERVE_DWOLLA, amount),
    ]:
        post(debit, credit, sum_, kind)
    return {
        1: rich, 2: hold, 3: receivable, 4: Account.RESERVE_DWOLLA, 5: Account.REDEMPTIONS_PAYABLE, 6: Account.REVENUE,
        7: Account.RAIL_COSTS, 8: Account.REWARDS_POOL, 9: Account.OPERATIONS, 10: Account.CAPITAL,
        11: Account.LOSS_RESERVE, 12: Account.ADJUSTMENTS, 13: Account.SUSPENSE,
    }  # fmt: skip


@pytest.mark.parametrize("level", [Status.NO_DEBITS, Status.FROZEN])
@pytest.mark.parametrize("kind", _AT_A_WALLET)
def test_a_freeze_stops_a_persons_own_acts_and_no_system_kind(chart, kind, level):
    frozen = wallet(500)
    services.set_status(account=frozen, status=level)
    places = {"wallet": frozen, "hold": chart[2]}
    debit, credit = (places.get(side, side) for side in _AT_A_WALLET[kind])
    stopped = kind in _OWN_ACTS and (level is Status.FROZEN or debit == frozen)
    if stopped:
        with pytest.raises(AccountFrozen):
            post(debit, credit, 1, kind)
    else:
        post(debit, credit, 1, kind)
    assert queries.balance(frozen) == 500 + (0 if stopped else 1 if credit == frozen else -1)


def test_a_closed_account_is_closed_for_ever_and_for_everything():
    gone, other = wallet(500), wallet(500)
    with pytest.raises(AccountNotEmpty):
        services.close(account=gone)
    post(gone, other, 500)
    services.close(account=gone)
    services.close(account=gone)
    reserve = Account.RESERVE_DWOLLA
    for debit, credit, kind in ((other, gone, Kind.PAYMENT), (reserve, gone, Kind.LOAD), (gone, other, Kind.PAYMENT)):
        with pytest.raises(AccountClosed):
            post(debit, credit, 1, kind)
    for status in (Status.OPEN, Status.NO_DEBITS, Status.FROZEN):
        with pytest.raises(AccountClosed):
            services.set_status(account=gone, status=status)


def test_system_accounts_have_no_state_to_set_and_nobody_opens_them():
    for system in (Account.REDEMPTIONS_PAYABLE, -64):
        with pytest.raises(PostingRefused):
            services.set_status(account=system, status=Status.FROZEN)
    with pytest.raises(NoSuchAccount):
        services.set_status(account=999_999_999, status=Status.FROZEN)
    with pytest.raises(PostingRefused):
        services.open_accounts([4])  # type: ignore[list-item]


# ------------------------------------------------------------------------------------------------------- reversal
def test_a_transfer_is_reversed_once():
    payer, payee = wallet(1000), wallet()
    original = post(payer, payee, 300)
    reference = new_reference()
    back = services.reverse(reference=reference, original=original.id)
    assert (back.kind, back.debit_account, back.credit_account, back.amount) == (Kind.REVERSAL, payee, payer, 300)
    assert services.reverse(reference=reference, original=original.id) == back
    with pytest.raises(AlreadyReversed):  # and not InsufficientFunds, although the payee has nothing left
        services.reverse(reference=new_reference(), original=original.id)
    with pytest.raises(PostingRefused):
        services.reverse(reference=new_reference(), original=back.id)
    with pytest.raises(NoSuchAccount):
        services.reverse(reference=new_reference(), original=new_reference())
    assert rows_of([payer, payee]) == [(1000, 3), (0, 2)]


def test_what_has_been_spent_is_not_reversed():
    payer, payee, third = wallet(1000), wallet(), wallet()
    original = post(payer, payee, 300)
    post(payee, third, 1)
    with pytest.raises(InsufficientFunds):
        services.reverse(reference=new_reference(), original=original.id)


@pytest.mark.parametrize("same", [True, False], ids=["one reference", "a reference each"])
def test_ten_callers_reverse_a_transfer_once(same):
    payer, payee = wallet(1000), wallet()
    original, reference = post(payer, payee, 300), new_reference()
    answers = at_once(
        10, lambda _: services.reverse(reference=reference if same else new_reference(), original=original.id)
    )
    failed = [answer for answer in answers if isinstance(answer, Exception)]
    assert {type(answer) for answer in failed} == (set() if same else {AlreadyReversed})
    assert len(failed) == (0 if same else 9)
    assert rows_of([payer, payee]) == [(1000, 3), (0, 2)]


def test_a_reversal_returns_to_the_stripe_it_came_from(database: Database):
    payee = wallet()
    original = post(Account.RESERVE_DWOLLA, payee, 100, Kind.LOAD)
    connection.close()
    back = services.reverse(reference=new_reference(), original=original.id)
    assert back.credit_account == original.debit_account < 0


def test_a_reversal_is_not_posted_by_hand():
    with pytest.raises(PostingRefused):
        post(wallet(100), wallet(), 1, Kind.REVERSAL)


# ------------------------------------------------------------------------------------- kinds and what they join
# Which accounts each kind of transfer joins, by the chart's kinds; typed here a second time on purpose.
_JOINS: dict[Kind, set[tuple[int, int]]] = {
    Kind.LOAD: {(4, 1)}, Kind.LOAD_REPAYMENT: {(4, 3)}, Kind.REDEMPTION: {(1, 5)}, Kind.REDEMPTION_SETTLED: {(5, 4)},
    Kind.REDEMPTION_FAILED: {(5, 1)}, Kind.REDEMPTION_APPROVED: {(1, 5)}, Kind.PAYMENT: {(1, 1)}, Kind.HOLD: {(1, 2)},
    Kind.HOLD_PAID: {(2, 1)}, Kind.HOLD_RELEASED: {(2, 1)}, Kind.LOAD_RETURNED: {(1, 4)}, Kind.LOAD_RETURN_OWED: {(3, 4)},
    Kind.WRITE_OFF: {(11, 3)}, Kind.INTEREST: {(4, 6)}, Kind.FEE: {(1, 6)}, Kind.RAIL_COST: {(7, 4)},
    Kind.CAPITAL_IN: {(4, 10)}, Kind.CAPITAL_OUT: {(10, 4)}, Kind.LOSS_RESERVE_FUNDED: {(10, 11), (9, 11)},
    Kind.ADJUSTMENTS_FUNDED: {(10, 12), (9, 12)}, Kind.SUSPENDED: {(4, 13), (1, 13), (2, 13), (5, 13)},
    Kind.SUSPENSE_FOUND: {(13, 1)}, Kind.WEEK_COSTS: {(6, 7)}, Kind.WEEK_OPERATIONS: {(6, 9)}, Kind.WEEK_POOL: {(6, 8)},
    Kind.REWARD: {(8, 1)}, Kind.ADJUSTMENT_CREDIT: {(12, 1)}, Kind.ADJUSTMENT_DEBIT: {(1, 12)}, Kind.REVERSAL: set(),
}  # fmt: skip


@pytest.mark.parametrize("kind", Kind)
def test_each_kind_joins_its_own_accounts_and_no_others(chart, kind, database: Database):
    second = {**chart, 1: wallet(1000), 2: account(Personal.HOLD), 3: account(Personal.RECEIVABLE), 4: Account.RESERVE_STRIPE}
    post(second[3], Account.RESERVE_STRIPE, 100, Kind.LOAD_RETURN_OWED)
    before, joined = journal_size(database), set()
    for debit in chart:
        for credit in chart:
            try:
                post(chart[debit], second[credit], 1, kind)
                joined.add((debit, credit))
            except PostingRefused:
                pass
    assert joined == _JOINS[kind]
    assert journal_size(database) == before + len(joined)


def test_an_unknown_kind_is_refused():
    payer, payee = wallet(100), wallet()
    for kind in (0, 30, -1):
        with pytest.raises(PostingRefused):
            post(payer, payee, 1, kind)  # type: ignore[arg-type]


def test_the_chart_in_python_is_the_chart_in_the_database(database: Database):
    kinds = database.as_superuser("select kind, name from ledger_transferkind order by kind")
    assert kinds == [(kind.value, kind.name.lower()) for kind in Kind]
    accounts = database.as_superuser("select id, replace(upper(name), ':', '_') from ledger_systemaccount order by id")
    assert accounts == [(account.value, account.name) for account in Account]
    assert database.as_superuser("select kind, name from ledger_accountkind where kind < 4 order by kind") == [
        (kind.value, kind.name.lower()) for kind in Personal
    ]
    always = {row[0] for row in database.as_superuser("select kind from ledger_transferkind where not always")}
    assert always == {kind.value for kind in _OWN_ACTS}


def test_the_database_itself_closes_no_account_that_holds_something(database: Database):
    """Past every function, as the administrator."""
    full, empty = wallet(5), wallet()
    with pytest.raises(psycopg2.Error, match="still holds 5"):
        database.as_superuser(f"set role paya_engine; update ledger_account set status = 3 where id = {full}; select 1")
    database.as_superuser(f"set role paya_engine; update ledger_account set status = 3 where id = {empty}; select 1")
    assert rows_of([full]) == [(5, 1)]


def test_the_database_itself_keeps_no_transfer_of_nothing(database: Database):
    payer, payee = wallet(5), wallet()
    row = f"gen_random_uuid(), {payer}, {payee}, %s, 9, 0, 9, 0, clock_timestamp(), null, null, 7"
    for amount in (0, -1):
        with pytest.raises(psycopg2.Error, match="ledger_amount"):
            database.as_superuser(f"insert into ledger_transfer select {row} returning 1", [amount])


@pytest.mark.parametrize("kind", [kind for kind in Personal if kind is not Personal.RECEIVABLE], ids=lambda kind: kind.name)
def test_the_database_itself_lets_no_balance_below_its_floor(database: Database, kind: Personal):
    below = account(kind)
    with pytest.raises(psycopg2.errors.CheckViolation):
        database.as_superuser(f"set role paya_engine; update ledger_account set balance = -1 where id = {below}; select 1")
    assert rows_of([below]) == [(0, 0)]
