"""Business days by the Federal Reserve's rule: a holiday on a Sunday moves to Monday, one on a Saturday is lost."""

from datetime import date, timedelta
from functools import lru_cache

import holidays


@lru_cache(maxsize=64)
def closed_days(year: int) -> frozenset[date]:
    """The weekdays of a year on which the Federal Reserve is closed."""
    days = holidays.country_holidays("US", years=year, observed=False)
    return frozenset(day + timedelta(days=1) if day.weekday() == 6 else day for day in days)


def is_business_day(day: date) -> bool:
    return day.weekday() < 5 and day not in closed_days(day.year)


def add_business_days(day: date, count: int) -> date:
    """The count-th business day after `day`, which itself is not counted."""
    while count > 0:
        day += timedelta(days=1)
        if is_business_day(day):
            count -= 1
    return day
