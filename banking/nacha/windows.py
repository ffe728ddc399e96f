"""When a file has to leave, and which effective date it carries.

The deadlines are wall-clock times of the Federal Reserve's day, which is Eastern: the same deadline is another moment
of UTC in winter and in summer, and never "now plus N hours". They are the network's; an originating bank (ODFI) cuts
off earlier, so its own times are arguments (RAILS, section 5; frbservices.org, processing schedule of 2021-03-19).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from core.calendar import EASTERN, add_business_days, is_business_day

# Received by, and settled at, on the same day (Eastern).
SAME_DAY_WINDOWS = (
    (time(10, 30), time(13, 0)),
    (time(14, 45), time(17, 0)),
    (time(16, 45), time(18, 0)),
)
SAME_DAY_LIMIT = 100_000_000  # cents per entry
NOT_SAME_DAY = frozenset({"IAT", "ENR"})
# The network takes next-day files until 2:15 the next morning; no bank gives its customers that long.
STANDARD_CUTOFF = time(20, 0)
STANDARD_SETTLEMENT = time(8, 30)
PRENOTE_DAYS = 3  # banking days from the settlement of a prenote to the first live entry
REVERSAL_DAYS = 5  # banking days from the settlement of the wrong entry until the reversal has to be there
CHANGE_DAYS = 6  # banking days within which a notification of change has to be applied
REPRESENT_DAYS, REPRESENT_TIMES = 180, 2  # calendar days from the original's settlement; new attempts


@dataclass(frozen=True, slots=True)
class Window:
    """The next chance to send: by when, with which effective date, and when it settles."""

    effective: date
    sent_by: datetime
    settles_at: datetime
    same_day: bool = False

    @property
    def descriptive_date(self) -> str:
        """What asks for same-day settlement in a batch header: SD and the hour of settlement, as in SD1300."""
        return f"SD{self.settles_at.astimezone(EASTERN):%H%M}" if self.same_day else ""


def standard(moment: datetime, *, days: int = 1, cutoff: time = STANDARD_CUTOFF) -> Window:
    """Settlement `days` banking days after the day of processing: 1 for debits, 1 or 2 for credits."""
    if days not in (1, 2):
        raise ValueError("Debits settle on the next banking day, credits on the next or the one after.")
    day = _eastern_day(moment)
    while not is_business_day(day) or _utc(day, cutoff) < moment:
        day += timedelta(days=1)
    effective = add_business_days(day, days)
    return Window(effective, _utc(day, cutoff), _utc(effective, STANDARD_SETTLEMENT))


def same_day(moment: datetime, *, earlier: timedelta = timedelta(0)) -> Window:
    """The first same-day window that can still be reached; `earlier` is by how much the bank cuts off before the Fed.

    After the last window of a day it is the first one of the next banking day.
    """
    day = _eastern_day(moment)
    while True:
        if is_business_day(day):
            for received_by, settles in SAME_DAY_WINDOWS:
                deadline = _utc(day, received_by) - earlier
                if moment <= deadline:
                    return Window(day, deadline, _utc(day, settles), same_day=True)
        day += timedelta(days=1)


def why_not_same_day(sec: str, amount: int) -> str:
    """Why an entry of `amount` cents may not settle on the same day; empty when it may."""
    if sec in NOT_SAME_DAY:
        return f"{sec} entries are not taken for same-day settlement"
    if amount > SAME_DAY_LIMIT:
        return "more than $1,000,000 is not taken for same-day settlement"
    return ""


def first_live_day(prenote_settled: date) -> date:
    """The first day on which an entry may settle after a prenote that nobody objected to."""
    return add_business_days(prenote_settled, PRENOTE_DAYS)


def reversal_deadline(settled: date) -> date:
    """The last banking day on which the reversal of an entry may reach the receiving bank."""
    return add_business_days(settled, REVERSAL_DAYS)


def change_deadline(received: date) -> date:
    """By when a notification of change has to be applied (or before the next entry, if that comes later)."""
    return add_business_days(received, CHANGE_DAYS)


def _eastern_day(moment: datetime) -> date:
    if moment.tzinfo is None:
        raise ValueError("A deadline needs a moment with a time zone.")
    return moment.astimezone(EASTERN).date()


def _utc(day: date, at: time) -> datetime:
    """In UTC: comparing two Eastern datetimes would compare their wall clocks across a change of daylight saving."""
    return datetime.combine(day, at, tzinfo=EASTERN).astimezone(UTC)
