"""Business days of the Federal Reserve, which decide when ACH money arrives.

Eleven holidays a year. One that falls on a Sunday moves to Monday; one that falls on a Saturday does not move:
the Reserve Banks are open on the Friday before it (RAILS, frbservices.org).
"""

from calendar import MONDAY, SATURDAY, SUNDAY, THURSDAY
from datetime import date, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")


# Eleven lines and not the library: that takes most of a second to import, in each process that is started. The sandbox's bank
# keeps its calendar by the library, and a test compares the two.
@lru_cache(maxsize=64)
def bank_holidays(year: int) -> frozenset[date]:
    """The weekdays of `year` on which the Reserve Banks are closed, by the law as it has been since 2021."""
    days = [
        date(year, 1, 1),  # New Year
        _nth(3, MONDAY, year, 1),  # Martin Luther King
        _nth(3, MONDAY, year, 2),  # Washington's birthday
        _nth(1, MONDAY, year, 6) - timedelta(days=7),  # Memorial Day: the last Monday of May
        date(year, 6, 19),  # Juneteenth
        date(year, 7, 4),  # Independence
        _nth(1, MONDAY, year, 9),  # Labor Day
        _nth(2, MONDAY, year, 10),  # Columbus Day
        date(year, 11, 11),  # Veterans Day
        _nth(4, THURSDAY, year, 11),  # Thanksgiving
        date(year, 12, 25),  # Christmas
    ]
    moved = (day + timedelta(days=1) if day.weekday() == SUNDAY else day for day in days)
    return frozenset(day for day in moved if day.weekday() != SATURDAY)


def _nth(count: int, weekday: int, year: int, month: int) -> date:
    """The so-manieth of a weekday in a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))


def is_business_day(day: date) -> bool:
    return day.weekday() < 5 and day not in bank_holidays(day.year)


def add_business_days(day: date, count: int) -> date:
    """The `count`-th business day after `day`; with 0, the first business day on or after it."""
    if count == 0:
        day, count = day - timedelta(days=1), 1
    for _ in range(count):
        day += timedelta(days=1)
        while not is_business_day(day):
            day += timedelta(days=1)
    return day


def in_words(day: date, today: date) -> str:
    """ "Tue, 24 Nov", with the year when it is not this one."""
    words = f"{day:%a}, {day.day} {day:%b}"
    return words if day.year == today.year else f"{words} {day.year}"
