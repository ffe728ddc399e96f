"""Weeks as revenue is counted by them: ISO weeks, from Monday 00:00 to Monday 00:00 UTC. UTC knows no summer time."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from core.errors import NotFound

_NAME = re.compile(r"([0-9]{4})-W([0-9]{2})")


@dataclass(frozen=True, order=True)
class Week:
    monday: date

    @classmethod
    def of(cls, moment: datetime | date) -> "Week":
        """The week that a moment lies in."""
        day = moment.astimezone(UTC).date() if isinstance(moment, datetime) else moment
        return cls(day - timedelta(days=day.weekday()))

    @classmethod
    def parse(cls, name: str) -> "Week":
        """From its name, as in "2026-W46". Raises NotFound where there is no such week."""
        match = _NAME.fullmatch(name)
        try:
            if match is None:
                raise ValueError(name)
            week = cls(date.fromisocalendar(int(match[1]), int(match[2]), 1))
            _ = week.end  # the last week of all time has none
            return week
        except (ValueError, OverflowError) as error:
            raise NotFound("A week is named like 2026-W46.") from error

    @property
    def name(self) -> str:
        year, number, _ = self.monday.isocalendar()
        return f"{year:04d}-W{number:02d}"

    @property
    def number(self) -> int:
        return self.monday.isocalendar().week

    @property
    def start(self) -> datetime:
        return datetime.combine(self.monday, time(), tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """Its first moment that is not in it any more."""
        return self.start + timedelta(days=7)

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=6)

    @property
    def days(self) -> str:
        """For people: "9 to 15 Nov 2026"; the month and the year of its Monday only where they are others."""
        first, last = self.monday, self.sunday
        ends = f"{last.day} {last:%b %Y}"
        if first.year != last.year:
            return f"{first.day} {first:%b %Y} to {ends}"
        return f"{first.day} to {ends}" if first.month == last.month else f"{first.day} {first:%b} to {ends}"

    @property
    def next(self) -> "Week":
        return Week(self.monday + timedelta(days=7))

    def __str__(self) -> str:
        return self.name
