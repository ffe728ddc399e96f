"""Batches and windows: what is promised is kept, as cheaply as it can be."""

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from banking.nacha import optimise, windows
from banking.nacha.model import Direction, Sec
from banking.nacha.optimise import Cutoffs, Due, Fees, arrives_on, plan

FEES = Fees(file=500, batch=300, entry=12, same_day=60)
CUTOFFS = Cutoffs(time(19, 0), timedelta(hours=1))
TUESDAY = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)  # 10:00 Eastern


def due(key: int = 1, *, debit: bool = True, promised: date = date(2026, 12, 4), **more: object) -> Due:
    sec, direction = (Sec.WEB, Direction.DEBIT) if debit else (Sec.PPD, Direction.CREDIT)
    fields = {"key": key, "sec": sec, "direction": direction, "amount": 25_00, "description": "LOAD", "promised_on": promised}
    return Due(**(fields | more))  # type: ignore[arg-type]


def only(entries: list[Due], moment: datetime = TUESDAY) -> optimise.Shipment:
    (shipment,) = plan(entries, moment=moment, cutoffs=CUTOFFS)
    return shipment


def test_what_standard_keeps_goes_standard() -> None:
    shipment = only([due(1), due(2)])
    (batch,) = shipment.batches
    assert batch.window.effective == date(2026, 12, 2)
    assert not batch.window.same_day
    assert shipment.sent_by == datetime(2026, 12, 2, 0, 0, tzinfo=UTC)  # 19:00 Eastern on Tuesday
    assert arrives_on(Direction.DEBIT, batch.window.effective) == date(2026, 12, 4)


def test_what_standard_would_make_late_goes_same_day_in_the_last_window() -> None:
    shipment = only([due(promised=date(2026, 12, 3))])
    (batch,) = shipment.batches
    assert batch.window.same_day
    assert batch.window.descriptive_date == "SD1800"
    assert batch.window.effective == date(2026, 12, 1)
    assert shipment.sent_by == datetime(2026, 12, 1, 20, 45, tzinfo=UTC)  # an hour before 16:45 Eastern


def test_what_is_late_anyway_is_not_paid_for_unless_that_makes_it_less_late() -> None:
    assert only([due(debit=False, promised=date(2026, 11, 30))]).batches[0].window.same_day  # a day less late
    evening = datetime(2026, 12, 1, 23, 0, tzinfo=UTC)  # 18:00: the last same-day window has passed
    assert not only([due(debit=False, promised=date(2026, 12, 1))], evening).batches[0].window.same_day


def test_asked_for_same_day_takes_the_next_window_and_is_refused_where_it_is_not_allowed() -> None:
    assert only([due(same_day=True)]).batches[0].window.descriptive_date == "SD1700"  # 10:30 has passed, less an hour
    too_much = only([due(same_day=True, amount=windows.SAME_DAY_LIMIT + 1)]).batches[0]
    assert not too_much.window.same_day


def test_a_batch_is_of_one_kind_and_holds_no_more_than_a_bank_takes() -> None:
    entries = [due(n) for n in range(5_001)] + [due(9_000, debit=False), due(9_001, description="RETRY PYMT")]
    (shipment,) = plan(entries, moment=TUESDAY, cutoffs=CUTOFFS)
    assert sorted(len(batch.entries) for batch in shipment.batches) == [1, 1, 1, 2_500, 2_500]
    assert shipment.cost(FEES) == 500 + 5 * 300 + 5_003 * 12
    assert FEES.unbatched(entries=5_003) == 5_003 * 812


def test_the_usual_price_counts_its_part_of_file_and_batch() -> None:
    assert FEES.usual() == 12 + 8


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(-2, 9), st.booleans(), st.sampled_from([1, 10**8, 10**8 + 1])), max_size=40),
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31)),
)
def test_everybody_travels_once_in_time_and_never_dearer_than_needed(rows: list, naive: datetime) -> None:
    moment = naive.replace(tzinfo=UTC)
    entries = [
        due(key, debit=debit, promised=(moment + timedelta(days=days)).date(), same_day=wish, amount=amount)
        for key, (debit, days, wish, amount) in enumerate(rows)
    ]
    shipments = plan(entries, moment=moment, cutoffs=CUTOFFS)
    travelling = [entry.key for shipment in shipments for batch in shipment.batches for entry in batch.entries]
    assert sorted(travelling) == [entry.key for entry in entries]
    assert [shipment.sent_by for shipment in shipments] == sorted({shipment.sent_by for shipment in shipments})
    standard = windows.standard(moment, cutoff=CUTOFFS.standard)
    for shipment in shipments:
        assert shipment.sent_by >= moment
        for batch in shipment.batches:
            assert batch.window.sent_by == shipment.sent_by
            for entry in batch.entries:
                assert (entry.sec, entry.direction, entry.description) == (batch.sec, batch.direction, batch.description)
                if batch.window.same_day:  # paid for only where it was asked for or makes it earlier
                    arrives = arrives_on(entry.direction, standard.effective)
                    assert entry.same_day or arrives > entry.promised_on
                    assert not windows.why_not_same_day(entry.sec, entry.amount)
