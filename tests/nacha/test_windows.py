"""Deadlines are wall-clock times of the Federal Reserve's day, whatever UTC says."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from banking.nacha import windows
from core.calendar import EASTERN


def eastern(*when: int) -> datetime:
    return datetime(*when, tzinfo=EASTERN)


@pytest.mark.parametrize(
    ("sent", "effective", "hour"),
    [
        (eastern(2026, 11, 24, 10, 30), date(2026, 11, 24), "SD1300"),  # the deadline itself still counts
        (eastern(2026, 11, 24, 10, 30, 1), date(2026, 11, 24), "SD1700"),
        (eastern(2026, 11, 24, 14, 45, 1), date(2026, 11, 24), "SD1800"),
        (eastern(2026, 11, 25, 16, 45, 1), date(2026, 11, 27), "SD1300"),  # Thanksgiving lies between
        (eastern(2026, 11, 26, 9, 0), date(2026, 11, 27), "SD1300"),
        (eastern(2026, 12, 24, 17, 0), date(2026, 12, 28), "SD1300"),  # Christmas on a Friday, then a weekend
        (eastern(2026, 12, 25, 0, 0), date(2026, 12, 28), "SD1300"),
        (eastern(2027, 12, 24, 12, 0), date(2027, 12, 24), "SD1700"),  # Christmas on a Saturday: Friday is open
    ],
)
def test_the_next_same_day_window(sent: datetime, effective: date, hour: str) -> None:
    window = windows.same_day(sent.astimezone(UTC))
    assert (window.effective, window.descriptive_date, window.same_day) == (effective, hour, True)
    assert sent <= window.sent_by < window.settles_at


def test_daylight_saving_moves_the_deadline_in_utc_and_not_in_new_york() -> None:
    # On Sunday 2026-11-01 clocks go back, on 2027-03-14 forward.
    for friday, monday, before, after in (
        (date(2026, 10, 30), date(2026, 11, 2), 18, 19),
        (date(2027, 3, 12), date(2027, 3, 15), 19, 18),
    ):
        for day, hour in ((friday, before), (monday, after)):
            deadline = datetime(day.year, day.month, day.day, hour, 45, tzinfo=UTC)
            assert windows.same_day(deadline).descriptive_date == "SD1700"
            assert windows.same_day(deadline + timedelta(seconds=1)).descriptive_date == "SD1800"


def test_the_bank_cuts_off_earlier_than_the_fed() -> None:
    sent = eastern(2026, 11, 24, 10, 0)
    assert windows.same_day(sent, earlier=timedelta(minutes=30)).descriptive_date == "SD1300"
    assert windows.same_day(sent, earlier=timedelta(minutes=31)).descriptive_date == "SD1700"


@pytest.mark.parametrize(
    ("sent", "days", "effective"),
    [
        (eastern(2026, 11, 24, 19, 59), 1, date(2026, 11, 25)),
        (eastern(2026, 11, 24, 20, 1), 1, date(2026, 11, 27)),  # too late for Tuesday, and Thursday is closed
        (eastern(2026, 11, 25, 12, 0), 1, date(2026, 11, 27)),
        (eastern(2026, 11, 25, 12, 0), 2, date(2026, 11, 30)),
        (eastern(2026, 11, 26, 12, 0), 1, date(2026, 11, 30)),  # sent on a holiday: processed on Friday
        (eastern(2026, 12, 24, 12, 0), 1, date(2026, 12, 28)),
        (eastern(2026, 11, 21, 12, 0), 1, date(2026, 11, 24)),  # a Saturday
    ],
)
def test_standard_settlement(sent: datetime, days: int, effective: date) -> None:
    window = windows.standard(sent.astimezone(UTC), days=days)
    assert (window.effective, window.descriptive_date) == (effective, "")
    assert window.settles_at.astimezone(EASTERN).time() == time(8, 30)


def test_an_evening_in_new_york_is_the_next_day_in_utc_and_still_today() -> None:
    window = windows.standard(datetime(2026, 11, 24, 0, 30, tzinfo=UTC))  # Monday, 19:30 Eastern
    assert window.effective == date(2026, 11, 24)


def test_what_is_not_taken_for_the_same_day() -> None:
    assert windows.why_not_same_day("WEB", 100_000_000) == ""
    assert "$1,000,000" in windows.why_not_same_day("PPD", 100_000_001)
    assert "IAT" in windows.why_not_same_day("IAT", 1)
    assert "ENR" in windows.why_not_same_day("ENR", 1)


def test_the_clocks_around_an_entry() -> None:
    settled = date(2026, 11, 25)  # the day before Thanksgiving
    assert windows.first_live_day(settled) == date(2026, 12, 1)
    assert windows.reversal_deadline(settled) == date(2026, 12, 3)
    assert windows.change_deadline(settled) == date(2026, 12, 4)


def test_a_moment_without_a_zone_is_no_moment() -> None:
    with pytest.raises(ValueError, match="time zone"):
        windows.standard(datetime(2026, 11, 24))
    with pytest.raises(ValueError, match="next banking day"):
        windows.standard(eastern(2026, 11, 24), days=3)
