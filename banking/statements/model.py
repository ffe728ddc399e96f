"""A statement as we understand it, whoever sent it in whatever form. Nothing here touches the database."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

# What a line is. `transfer` is a load or redemption (or a whole batch of them); `return` is one that came back.
LineKind = Literal["transfer", "return", "fee", "interest", "capital", "credit", "debit"]
# How far the custodian is with it. Files only ever show what is booked.
LineState = Literal["pending", "posted", "failed", "cancelled"]


@dataclass(frozen=True)
class Line:
    """One line of a statement. Amounts are signed cents from our side: what came in is positive.

    `id` is unique at the custodian: its own where it gives one, else made of the line's content. `effect` is what the
    line adds to the balance: its amount once it is booked, nothing before or when it failed.
    """

    id: str
    on: date | None  # the custodian's date: evidence, never ordering
    kind: LineKind
    amount: int
    reference: str = ""  # our own key, where the custodian shows it
    text: str = ""
    state: LineState = "posted"
    effect: int | None = None  # None: the amount
    currency: str = "USD"
    account: str = ""  # the other side's account as the custodian names it
    transfer: str = ""  # the custodian's id of the transfer that this line is about

    @property
    def booked(self) -> int:
        return self.amount if self.effect is None else self.effect


@dataclass(frozen=True)
class Fault:
    """A piece that could not be read: where it stood, what is wrong, and the piece itself, cut short."""

    where: str
    problem: str
    piece: str = ""


@dataclass(frozen=True)
class Statement:
    """What a custodian says of one account. A balance that it does not tell is None."""

    custodian: str
    as_of: date | None
    opening: int | None
    closing: int | None
    lines: tuple[Line, ...] = ()
    faults: tuple[Fault, ...] = ()
    currency: str = "USD"
    account: str = ""  # our own account, as the custodian names it
    # Whether it has everything since the beginning; a file has one day.
    complete: bool = field(default=False)

    @property
    def adds_up(self) -> bool | None:
        """Whether opening and lines make closing; None where there is nothing to compare."""
        if self.opening is None or self.closing is None:
            return None
        return self.opening + sum(line.booked for line in self.lines) == self.closing


def with_ids(lines: Iterable[Line], *, account: str, as_of: date | None) -> tuple[Line, ...]:
    """The lines of a file with ids made of what they say.

    The same file again gives the same ids, and two lines that say the same on one day are two lines.
    """
    seen: Counter[str] = Counter()
    named = []
    for line in lines:
        content = "|".join(
            (account, str(line.on or as_of), line.kind, str(line.amount), line.reference, line.id, line.text, line.currency)
        )
        digest = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        seen[digest] += 1
        named.append(replace(line, id=f"{digest}-{seen[digest]}"))
    return tuple(named)
