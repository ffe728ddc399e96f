"""Which entries travel together, in which window, at what price. Pure: the moment and the prices are arguments.

A bank charges for each file, each batch and each entry, and more for an entry that settles on the same day. So entries
wait for the last moment that still keeps what was promised: the standard window where that is early enough, the last
same-day window of the day where it is not, and the standard window again where nothing is early enough any more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from core.calendar import EASTERN, add_business_days

from . import windows
from .model import Direction, Sec
from .windows import Window
from .write import MAX_ENTRIES

RETURN_DAYS = 2  # banking days in which a debit may come back as unpaid (codes.Frame.TWO_BANKING_DAYS)
USUAL_BATCH = 100  # entries, for the price of one before it is known how many it will travel with


@dataclass(frozen=True, slots=True)
class Fees:
    """What the originating bank charges, in cents; `same_day` comes on top of an entry's price."""

    file: int
    batch: int
    entry: int
    same_day: int

    def of(self, *, entries: int, batches: int, files: int = 1, same_day: int = 0) -> int:
        return files * self.file + batches * self.batch + entries * self.entry + same_day * self.same_day

    def unbatched(self, *, entries: int, same_day: int = 0) -> int:
        """The same entries, each in a batch and a file of its own."""
        return self.of(entries=entries, batches=entries, files=entries, same_day=same_day)

    def usual(self) -> int:
        """What one entry is going to cost, rounded up."""
        return self.entry + -(-(self.file + self.batch) // USUAL_BATCH)


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """By when our bank wants files: its own time for the standard window, and how long before the Fed same-day."""

    standard: time = windows.STANDARD_CUTOFF
    earlier: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Due:
    """An entry that waits to leave. `promised_on` is the day that the person was told."""

    key: int
    sec: Sec
    direction: Direction
    amount: int  # cents
    description: str
    promised_on: date
    same_day: bool = False  # asked for, whatever it costs


@dataclass(frozen=True, slots=True)
class Planned:
    """One batch: entries of one class, direction, description and window."""

    sec: Sec
    direction: Direction
    description: str
    window: Window
    entries: tuple[Due, ...]


@dataclass(frozen=True, slots=True)
class Shipment:
    """One file, and by when it has to be at the bank."""

    sent_by: datetime
    batches: tuple[Planned, ...]

    @property
    def entries(self) -> int:
        return sum(len(batch.entries) for batch in self.batches)

    @property
    def same_day(self) -> int:
        return sum(len(batch.entries) for batch in self.batches if batch.window.same_day)

    def cost(self, fees: Fees) -> int:
        return fees.of(entries=self.entries, batches=len(self.batches), same_day=self.same_day)


def arrives_on(direction: Direction, effective: date) -> date:
    """The day whose statement proves that it arrived: a debit could come back for two banking days more."""
    return add_business_days(effective, RETURN_DAYS) if direction is Direction.DEBIT else effective


def plan(due: Iterable[Due], *, moment: datetime, cutoffs: Cutoffs) -> list[Shipment]:
    """Every entry in exactly one batch of one shipment, those that leave first in front."""
    groups: dict[tuple[datetime, Sec, Direction, str, Window], list[Due]] = {}
    for entry in due:
        window = choose(entry, moment=moment, cutoffs=cutoffs)
        groups.setdefault((window.sent_by, entry.sec, entry.direction, entry.description, window), []).append(entry)
    shipments: dict[datetime, list[Planned]] = {}
    for (sent_by, sec, direction, description, window), entries in sorted(groups.items(), key=lambda group: _order(group[0])):
        for part in _parts(entries):
            shipments.setdefault(sent_by, []).append(Planned(sec, direction, description, window, part))
    return [Shipment(sent_by, tuple(batches)) for sent_by, batches in sorted(shipments.items())]


def choose(entry: Due, *, moment: datetime, cutoffs: Cutoffs) -> Window:
    """The cheapest window of those that are least late."""
    standard = windows.standard(moment, cutoff=cutoffs.standard)
    if windows.why_not_same_day(entry.sec, entry.amount):
        return standard
    first = windows.same_day(moment, earlier=cutoffs.earlier)
    if entry.same_day:
        return first
    late_standard, late_same_day = (_late(entry, window) for window in (standard, first))
    return standard if late_standard <= late_same_day else _last_of_day(first, earlier=cutoffs.earlier)


def _late(entry: Due, window: Window) -> int:
    """Days after the promise; 0 when it is kept."""
    return max(0, (arrives_on(entry.direction, window.effective) - entry.promised_on).days)


def _last_of_day(window: Window, *, earlier: timedelta) -> Window:
    """The last same-day window with the same effective date: whoever comes later today travels in the same file."""
    received_by, settles = windows.SAME_DAY_WINDOWS[-1]
    day = window.effective
    at = [datetime.combine(day, hour, tzinfo=EASTERN).astimezone(window.sent_by.tzinfo) for hour in (received_by, settles)]
    return replace(window, sent_by=at[0] - earlier, settles_at=at[1])


def _parts(entries: Sequence[Due]) -> Iterable[tuple[Due, ...]]:
    for start in range(0, len(entries), MAX_ENTRIES):
        yield tuple(entries[start : start + MAX_ENTRIES])


def _order(group: tuple[datetime, Sec, Direction, str, Window]) -> tuple[datetime, str, str, str, date]:
    sent_by, sec, direction, description, window = group
    return sent_by, sec, direction, description, window.effective
