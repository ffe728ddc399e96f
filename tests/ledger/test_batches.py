"""Many transfers in one commit: the same as singles, or nothing at all."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.errors import InsufficientFunds, PayaError
from core.ids import new_reference
from ledger import services
from ledger.chart import Account, Kind, Personal, Status
from ledger.errors import BatchRefused
from ledger.services import Posting
from tests.conftest import Database
from tests.helpers import at_once
from tests.ledger.books import account, findings, journal_size, post, posting, rows_of, wallet


def test_a_batch_is_posted_whole_and_a_second_time_passed_over():
    payer, payees = wallet(1000), [wallet() for _ in range(5)]
    batch = [posting(payer, payee, 10 + i) for i, payee in enumerate(payees)]
    group = new_reference()
    assert services.post_many(batch, group=group) == 5
    assert services.post_many(batch, group=group) == 0
    more = posting(payer, payees[0], 1)
    assert services.post_many([*batch, more, more]) == 1
    assert rows_of([payer, *payees]) == [(939, 7), (11, 2), (11, 1), (12, 1), (13, 1), (14, 1)]
    assert services.post_many([]) == 0


Bad = Callable[[int, int], Posting]


def _frozen(status: Status) -> int:
    made = wallet()
    services.set_status(account=made, status=status)
    return made


def _used(payer: int, payee: int) -> Posting:
    used = post(payer, payee, 1)
    return posting(payer, payee, 2, reference=used.id)


BAD: dict[str, Bad] = {
    "more than there is": lambda a, b: posting(a, b, 1_000_000),
    "no such debit account": lambda a, b: posting(999_999_999, b, 1),
    "no such credit account": lambda a, b: posting(a, 999_999_999, 1),
    "accounts the kind does not join": lambda a, b: posting(a, b, 1, Kind.LOAD),
    "an unknown kind": lambda a, b: Posting(new_reference(), 77, a, b, 1),  # type: ignore[arg-type]
    "a reversal": lambda a, b: posting(a, b, 1, Kind.REVERSAL),
    "nothing": lambda a, b: posting(a, b, 0),
    "less than nothing": lambda a, b: posting(a, b, -5),
    "to itself": lambda a, b: posting(a, a, 1),
    "to a frozen account": lambda a, b: posting(a, _frozen(Status.FROZEN), 1),
    "from an account without debits": lambda a, b: posting(_frozen(Status.NO_DEBITS), b, 1),
    "to a closed account": lambda a, b: posting(a, _frozen(Status.CLOSED), 1),
    "a used reference": _used,
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("place", [0, 2, 4], ids=["first", "middle", "last"])
def test_one_bad_row_stops_the_batch_and_is_named(database: Database, bad: Bad, place: int):
    a, b = wallet(1000), wallet(1000)
    row = bad(a, b)
    batch = [posting(a, b, 10 + i) for i in range(4)]
    batch.insert(place, row)
    before, journal = rows_of([a, b]), journal_size(database)
    with pytest.raises(BatchRefused) as refusal:
        services.post_many(batch)
    assert refusal.value.reference == str(row.reference)
    assert (rows_of([a, b]), journal_size(database)) == (before, journal)

    refused = services.post_each(batch)
    assert [posting for posting, _ in refused] == [row]
    assert isinstance(refused[0][1], PayaError)
    assert journal_size(database) == journal + 4
    assert findings(database) == []


def test_one_reference_twice_in_a_batch(database: Database):
    a, b = wallet(1000), wallet()
    once = posting(a, b, 10)
    assert services.post_many([once, posting(a, b, 1), once]) == 2
    other = posting(a, b, 5)
    with pytest.raises(BatchRefused) as refusal:
        services.post_many([other, posting(a, b, 6, reference=other.reference)])
    assert refusal.value.reference == str(other.reference)
    assert rows_of([a, b]) == [(989, 3), (11, 2)]


def test_the_first_bad_row_is_the_one_that_is_named():
    a, b = wallet(100), wallet()
    batch = [posting(a, b, 60), posting(a, b, 60), posting(a, b, 70)]
    with pytest.raises(BatchRefused) as refusal:
        services.post_many(batch)
    assert refusal.value.reference == str(batch[1].reference)


ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 60)).filter(lambda row: row[0] != row[1]), max_size=12
)


@given(rows=ROWS)
@example(rows=[(0, 1, 100), (0, 1, 1), (1, 0, 1)])  # below the floor in the middle, above it again in the end
@example(rows=[(0, 1, 100), (1, 0, 1), (0, 1, 1)])  # the same the other way round: never below
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_batch_does_what_singles_do(rows: list[tuple[int, int, int]]):
    def accounts() -> list[int]:
        opened = services.open_accounts([Personal.WALLET] * 4)
        services.post_many([posting(Account.RESERVE_DWOLLA, one, 100, Kind.LOAD) for one in opened])
        return opened

    singles, together = accounts(), accounts()
    start = rows_of(together)
    refused_at = None
    for index, (debit, credit, amount) in enumerate(rows):
        try:
            post(singles[debit], singles[credit], amount)
        except InsufficientFunds:
            refused_at = index
            break
    batch = [posting(together[debit], together[credit], amount) for debit, credit, amount in rows]
    if refused_at is None:
        assert services.post_many(batch) == len(rows)
        assert rows_of(together) == rows_of(singles)
        assert _history(together) == _history(singles)
    else:
        with pytest.raises(BatchRefused) as refusal:
            services.post_many(batch)
        assert refusal.value.reference == str(batch[refused_at].reference)
        assert rows_of(together) == start


def _history(accounts: list[int]) -> list[list[tuple[int, int, int]]]:
    from ledger import queries

    return [[(e.version, e.amount, e.balance_after) for e in queries.history(one, limit=100)] for one in accounts]


def test_a_batch_over_striped_accounts_and_frozen_people_passes_for_system_kinds(database: Database):
    frozen = _frozen(Status.FROZEN)
    hold = account(Personal.HOLD)
    reserve = Account.RESERVE_DWOLLA
    batch = [posting(reserve, frozen, 50, Kind.LOAD), posting(frozen, reserve, 20, Kind.LOAD_RETURNED)]
    assert services.post_many(batch) == 2
    assert rows_of([frozen, hold]) == [(30, 2), (0, 0)]
    assert findings(database) == []


def test_one_batch_from_ten_callers_has_one_effect():
    a, b = wallet(100), wallet()
    batch = [posting(a, b, 10) for _ in range(10)]  # drains it exactly: a late caller finds nothing left
    answers = at_once(10, lambda _: services.post_many(batch))
    assert sorted(answers, key=str) == [0] * 9 + [10]
    assert rows_of([a, b]) == [(0, 11), (100, 10)]
