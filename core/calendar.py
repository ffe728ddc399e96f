"""Business days of the Federal Reserve, which decide when ACH money arrives.

Eleven holidays a year. One that falls on a Sunday moves to Monday; one that falls on a Saturday does not move:
the Reserve Banks are open on the Friday before it (RAILS, frbservices.org).
"""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
_FEDERAL = {
    "New Year's Day",
    "Martin Luther King Jr. Day",
    "Washington's Birthday",
    "Memorial Day",
    "Juneteenth National Independence Day",
    "Independence Day",
    "Labor Day",
    "Columbus Day",
    "Veterans Day",
    "Thanksgiving Day",
    "Christmas Day",
}


@lru_cache(maxsize=64)
def bank_holidays(year: int) -> frozenset[date]:
    """The weekdays of `year` on which the Reserve Banks are closed."""
    import holidays  # here, because most processes that are started ask for no holiday, and it is slow to import

    days = set()
    for day, name in holidays.country_holidays("US", years=year, observed=False).items():
        if not _FEDERAL.intersection(name.split("; ")):
            continue
        if day.weekday() == 6:
            day += timedelta(days=1)
        if day.weekday() < 5:
            days.add(day)
    return frozenset(days)


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


def next_minute(moment: datetime) -> datetime:
    """Up to the next minute, so that whoever is told the time and comes then finds it true."""
    return (moment + timedelta(seconds=59)).replace(second=0, microsecond=0)


def moment_in_words(moment: datetime) -> str:
    """ "24 November at 15:52 UTC"."""
    return f"{moment:%-d %B} at {moment:%H:%M} UTC"
