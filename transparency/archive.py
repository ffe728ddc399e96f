"""What everybody may read of the attestations: the chain as it was published, its gaps, and the keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from core.api import read_day
from transparency.attesting import chain, published
from transparency.errors import NotAttested
from transparency.models import ChainEntry
from transparency.proofs.attestation import cut_of


@dataclass(frozen=True)
class Entry:
    """One published text. Amounts of an attestation are read from it when they are asked for."""

    position: int
    kind: str
    epoch: int
    note: bytes
    digest: str
    previous: str
    checkpoint: bytes
    signed_at: datetime
    published_at: datetime
    open: bool
    complaints: int

    @property
    def on(self) -> date:
        return cut_of(self.epoch).date()

    @property
    def text(self) -> bytes:
        return chain.text_in(self.note)

    @property
    def code(self) -> str:
        """The day's code of eight characters, by which any two people compare what they were shown."""
        return self.digest[:8]

    def figure(self, name: str) -> str:
        """A line of the text, such as `liabilities`."""
        lines = (line.partition(" ") for line in self.text.decode().splitlines())
        return next((value for key, _, value in lines if key == name), "")

    @property
    def cut(self) -> datetime:
        return datetime.fromisoformat(self.figure("cut"))

    @property
    def liabilities(self) -> int:
        return int(self.figure("liabilities"))

    @property
    def reserve(self) -> int:
        return int(self.figure("reserve"))

    @property
    def short(self) -> int:
        """By how much the banks said less than is owed, in cents."""
        return max(0, self.liabilities - self.reserve)

    @property
    def receivable(self) -> int:
        return int(self.figure("receivable"))


def entries(
    *, kind: str | None = None, epoch: int | None = None, after: int = -1, before: int | None = None, newest: bool = False,
    limit: int | None = None,
) -> list[Entry]:
    """What is published of the chain, oldest first; or the newest (first) of it, some of it, one day of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select * from transparency_chain(%s, %s, %s, %s, %s, %s)", [kind, epoch, after, before, newest, limit]
        )
        return [_entry(row) for row in cursor.fetchall()]


def _entry(row: tuple[Any, ...]) -> Entry:
    position, kind, epoch, note, digest, previous, checkpoint, *rest = row
    return Entry(position, kind, epoch, bytes(note), digest, previous, bytes(checkpoint), *rest)


def attestations() -> list[Entry]:
    """All of them, oldest first."""
    return entries(kind=ChainEntry.ATTESTATION)


def of_day(epoch: int) -> Entry | None:
    return next(iter(entries(kind=ChainEntry.ATTESTATION, epoch=epoch)), None)


def newest() -> Entry | None:
    return next(iter(entries(kind=ChainEntry.ATTESTATION, newest=True, limit=1)), None)


def latest() -> Entry:
    """Raises NotAttested before the first one."""
    found = newest()
    if found is None:
        raise NotAttested("Nothing has been attested yet.")
    return found


def by_name(name: str) -> Entry:
    """`latest`, or a day as 2026-03-01. Raises NotAttested."""
    if name == "latest":
        return latest()
    try:
        day = read_day(name)
    except ValueError as error:
        raise NotAttested("Ask for a day like 2026-03-01, or for the latest.") from error
    found = of_day(epoch_of_day(day))
    if found is None:
        raise NotAttested
    return found


def epoch_of_day(day: date) -> int:
    return (day - cut_of(0).date()).days


def missed_before(days: Sequence[Entry]) -> dict[int, int]:
    """How many days without attestation lie between each and the one before it, by epoch; of days in order, oldest first."""
    return {later.epoch: later.epoch - earlier.epoch - 1 for earlier, later in zip(days, days[1:], strict=False)}


def verifier_file() -> bytes:
    """The verifier to take along, with our first key in it."""
    return published.verifier_file(chain.verifier_keys())
