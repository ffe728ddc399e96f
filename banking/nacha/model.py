"""What a file is made from. Amounts are cents."""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from .windows import Window

REVERSAL = "REVERSAL"
# NACHA allows more; these pass every bank's mainframe.
SPECIALS = " .,/()&'*-#$@:+"
_OUTSIDE = re.compile(rf"[^A-Z0-9{re.escape(SPECIALS)}]")


class Sec(StrEnum):
    """Standard entry class: how the receiver agreed, and who it is."""

    WEB = "WEB"  # a consumer, consent given online
    PPD = "PPD"  # a consumer, consent in writing; credits to consumers
    CCD = "CCD"  # a business


class Direction(StrEnum):
    DEBIT = "debit"  # we take
    CREDIT = "credit"  # we give


class Account(StrEnum):
    CHECKING = "checking"
    SAVINGS = "savings"


# Transaction codes by account: credit, prenote of a credit, debit, prenote of a debit (RAILS, section 5).
CODES = {
    (Account.CHECKING, Direction.CREDIT, False): "22", (Account.CHECKING, Direction.CREDIT, True): "23",
    (Account.CHECKING, Direction.DEBIT, False): "27", (Account.CHECKING, Direction.DEBIT, True): "28",
    (Account.SAVINGS, Direction.CREDIT, False): "32", (Account.SAVINGS, Direction.CREDIT, True): "33",
    (Account.SAVINGS, Direction.DEBIT, False): "37", (Account.SAVINGS, Direction.DEBIT, True): "38",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Originator:
    """Who sends, through which bank. Both routing numbers have nine digits."""

    destination: str  # routing number of where the file goes
    destination_name: str
    origin: str  # as agreed with the bank: a routing number, or ten characters
    origin_name: str
    company_name: str  # what receivers see on their statements
    company_id: str
    odfi: str  # routing number of the originating bank, whose first eight digits begin every trace number


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement between us and a bank account. A prenote moves nothing: it asks whether the account is there."""

    direction: Direction
    routing: str
    account: str
    amount: int  # cents; 0 for a prenote
    name: str
    id: str = ""  # our own reference, at most 15 characters
    kind: Account = Account.CHECKING
    prenote: bool = False
    recurring: bool = False  # of a WEB entry: R instead of S
    addenda: str = ""  # payment information, at most 80 characters

    @property
    def transaction_code(self) -> str:
        return CODES[self.kind, self.direction, self.prenote]


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries of one class, described and dated alike. A load is no purchase: the bank agrees to the description."""

    sec: Sec
    description: str  # at most ten characters, on the receiver's statement; REVERSAL is for reversals alone
    window: Window
    entries: tuple[Entry, ...]
    discretionary: str = ""

    @property
    def reversal(self) -> bool:
        return self.description == REVERSAL


@dataclass(frozen=True, slots=True)
class File:
    """A whole file. `modifier` (A-Z, 0-9) tells the files of one day apart; traces go on from `first_trace`."""

    originator: Originator
    batches: tuple[Batch, ...]
    created: datetime  # with a time zone; written as Eastern time
    modifier: str = "A"
    reference: str = ""
    first_trace: int = 1
    first_batch: int = 1


def reverse(batch: Batch, window: Window, *, only: tuple[Entry, ...] | None = None) -> Batch:
    """The batch that takes back wrong entries: same class, company and amounts, the other direction.

    It has to be with the receiving bank by `windows.reversal_deadline`, and is for mistakes only: duplicates, wrong
    receiver, amount or date. Prenotes moved nothing and are left out.
    """
    entries = batch.entries if only is None else only
    other = {Direction.DEBIT: Direction.CREDIT, Direction.CREDIT: Direction.DEBIT}
    turned = tuple(replace(entry, direction=other[entry.direction]) for entry in entries if not entry.prenote)
    return replace(batch, description=REVERSAL, window=window, entries=turned)


def plain(text: str) -> str:
    """A name as the network can carry it: accents dropped, capitals, a space for what is left."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(_OUTSIDE.sub(" ", bare.upper()).split())
