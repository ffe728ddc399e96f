"""Weeks by name and by moment, summer time and long years included."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.errors import NotFound
from rewards.weeks import Week


@pytest.mark.parametrize(
    ("name", "first"),
    [("2026-W46", "2026-11-09"), ("2026-W01", "2025-12-29"), ("2020-W53", "2020-12-28"), ("2027-W01", "2027-01-04")],
)
def test_a_week_is_found_by_its_name(name: str, first: str) -> None:
    week = Week.parse(name)
    assert (week.monday.isoformat(), week.name) == (first, name)


@pytest.mark.parametrize(
    ("name", "days"),
    [("2026-W46", "9 to 15 Nov 2026"), ("2026-W44", "26 Oct to 1 Nov 2026"), ("2026-W53", "28 Dec 2026 to 3 Jan 2027")],
)
def test_its_days_in_words(name: str, days: str) -> None:
    assert Week.parse(name).days == days


@pytest.mark.parametrize(
    "name", ["2026-W54", "2025-W53", "2026-W00", "2026-46", "0000-W01", "9999-W53", "２０２６-W46", "2026-W46 ", ""]
)
def test_what_is_no_week_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        Week.parse(name)


def test_weeks_follow_each_other_without_gap_or_overlap_through_a_long_year_and_summer_time() -> None:
    week = Week.parse("2020-W40")
    for _ in range(120):
        assert week.end - week.start == timedelta(hours=168)
        assert week.next.start == week.end
        assert Week.of(week.start) == Week.of(week.end - timedelta(microseconds=1)) == week
        week = week.next


def test_the_moment_counts_in_utc_whatever_zone_it_is_told_in() -> None:
    late_sunday = datetime(2026, 3, 8, 20, 30, tzinfo=ZoneInfo("America/New_York"))  # summer time began that morning
    assert late_sunday.astimezone(UTC).hour == 0
    assert Week.of(late_sunday) == Week.parse("2026-W11")
