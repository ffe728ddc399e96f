"""Money, ids and the bank's calendar: no database."""

import re
import time
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import calendar, ids, money

CENTS = st.integers(-money.MAX_AMOUNT, money.MAX_AMOUNT)


# ---------------------------------------------------------------------------------------------------------- money
@given(CENTS)
def test_what_is_shown_is_what_is_there(cents: int):
    shown = money.format_usd(cents)
    assert re.fullmatch(r"−?\$\d{1,3}(,\d{3})*\.\d\d", shown)
    assert int(shown.replace("−", "-").replace("$", "").replace(",", "").replace(".", "")) == cents


@given(st.integers(0, money.MAX_AMOUNT))
def test_an_amount_typed_as_shown_is_read_back(cents: int):
    shown = money.format_usd(cents)
    assert money.parse_usd(shown) == cents
    assert money.parse_usd(f"  {shown.replace(',', '').replace('$', '')} ") == cents


@pytest.mark.parametrize(
    ("typed", "cents"),
    [("25", 2500), ("25.7", 2570), ("25.75", 2575), ("$1,250.75", 125075), (".5", 50), ("0", 0), ("$ 3", 300), ("007", 700)],
)
def test_what_people_type(typed: str, cents: int):
    assert money.parse_usd(typed) == cents


@pytest.mark.parametrize(
    "typed",
    ["", "$", ".", "-5", "+5", "1,2", "12,34.00", ",100", "1.234", "5.", "1e3", "1 000", "0x10", "NaN", "١٢", "５", "1_0",
     "9" * 5000, "1" + ",000" * 2000, "5\x00", "5€"],
)  # fmt: skip
def test_what_is_no_amount(typed: str):
    assert money.parse_usd(typed) is None


@given(st.text())
def test_no_text_breaks_the_reader(typed: str):
    read = money.parse_usd(typed)
    assert read is None or read >= 0


@given(st.integers(0, 10**13), st.lists(st.integers(0, 10**9), min_size=1, max_size=30).filter(any))
def test_a_split_keeps_every_cent_and_is_fair_to_one(total: int, weights: list[int]):
    parts = money.split(total, weights)
    whole = sum(weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert total * weight // whole <= part <= -(-total * weight // whole)
        assert weight or part == 0


def test_the_largest_remainder_gets_the_cent_and_the_earlier_of_two_equals():
    assert money.split(100, [1, 1, 1]) == [34, 33, 33]
    assert money.split(10, [16, 17, 67]) == [1, 2, 7]
    assert money.split(0, [1, 2]) == [0, 0]
    for total, weights in ((-1, [1]), (1, [0, 0]), (1, []), (1, [-1, 2])):
        with pytest.raises(ValueError, match="split needs"):
            money.split(total, weights)


# ------------------------------------------------------------------------------------------------------------ ids
def test_an_id_names_its_thing_and_sorts_by_time():
    made = [ids.new_id("pay", at=1_700_000_000 + second) for second in range(100)]
    assert made == sorted(made)
    assert all(re.fullmatch(r"pay_[0-9a-hjkmnp-tv-z]{26}", one) for one in made)
    assert len({ids.new_id("pay", at=1.0) for _ in range(1000)}) == 1000
    assert ids.new_id("usr")[4:14] >= ids.new_id("usr", at=time.time() - 1)[4:14]


def test_a_reference_is_a_version_7_uuid_in_order_of_time():
    made = []
    for _ in range(3):
        made.append(ids.new_reference())
        started = time.time_ns() // 1_000_000
        while time.time_ns() // 1_000_000 == started:
            pass
    assert made == sorted(made)
    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}


def test_a_derived_reference_is_always_the_same_and_another_for_another_name():
    base = ids.new_reference()
    assert ids.derived_reference(base, "owed") == ids.derived_reference(base, "owed")
    assert len({base, ids.derived_reference(base, "owed"), ids.derived_reference(base, "back")}) == 3


# ------------------------------------------------------------------------------------------------------- calendar
HOLIDAYS = {
    2026: "01-01 01-19 02-16 05-25 06-19 09-07 10-12 11-11 11-26 12-25",
    2027: "01-01 01-18 02-15 05-31 07-05 09-06 10-11 11-11 11-25",
    2028: "01-17 02-21 05-29 06-19 07-04 09-04 10-09 11-23 12-25",
}


@pytest.mark.parametrize("year", HOLIDAYS)
def test_the_reserve_banks_holidays(year: int):
    assert calendar.bank_holidays(year) == {date.fromisoformat(f"{year}-{day}") for day in HOLIDAYS[year].split()}


@pytest.mark.parametrize("day", ["2026-07-03", "2027-06-18", "2027-12-24", "2027-12-31", "2028-11-10"])
def test_the_friday_before_a_saturday_holiday_is_open(day: str):
    assert calendar.is_business_day(date.fromisoformat(day))


@given(st.dates(date(2026, 1, 1), date(2028, 12, 31)), st.integers(0, 12))
def test_business_days_are_counted_one_by_one(day: date, count: int):
    reached = calendar.add_business_days(day, count)
    assert calendar.is_business_day(reached)
    first = day if count == 0 else day + timedelta(days=1)
    walked = [first + timedelta(days=n) for n in range((reached - first).days + 1)]
    assert sum(calendar.is_business_day(one) for one in walked) == max(count, 1)


def test_days_that_people_ask_about():
    assert calendar.add_business_days(date(2026, 11, 24), 3) == date(2026, 11, 30)  # over Thanksgiving and a weekend
    assert calendar.add_business_days(date(2026, 12, 31), 1) == date(2027, 1, 4)
    assert calendar.add_business_days(date(2026, 11, 21), 0) == date(2026, 11, 23)
    assert calendar.in_words(date(2026, 11, 24), date(2026, 11, 21)) == "Tue, 24 Nov"
    assert calendar.in_words(date(2027, 1, 4), date(2026, 12, 31)) == "Mon, 4 Jan 2027"
