"""What the reader understood. Every item names its lines; amounts are cents; routing numbers have nine digits."""

from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

from .lines import Line


@dataclass(frozen=True, slots=True)
class Item:
    """Something that the reader says about one or more lines."""

    kind: ClassVar[str] = ""
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Blank(Item):
    """An empty line, or one of nines: padding."""

    kind: ClassVar[str] = "blank"


@dataclass(frozen=True, slots=True)
class Quarantined(Item):
    """One line that nobody may act upon until somebody has looked."""

    kind: ClassVar[str] = "quarantined"
    reason: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Something odd about a line that was understood all the same, or about what is missing before it."""

    kind: ClassVar[str] = "remark"
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class FileHeader(Item):
    kind: ClassVar[str] = "file_header"
    destination: str
    origin: str
    created: date | None
    time: str
    modifier: str
    destination_name: str
    origin_name: str
    reference: str


@dataclass(frozen=True, slots=True)
class BatchHeader(Item):
    kind: ClassVar[str] = "batch_header"
    service_class: str
    company_name: str
    discretionary: str
    company_id: str
    sec: str
    description: str
    descriptive_date: str
    effective: date | None
    settlement: str  # day of the year, which the operator fills in
    odfi: str  # eight digits
    number: str


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry record itself, of which each item below has one."""

    sec: str  # empty where the batch header could not be read
    company_id: str
    transaction_code: str
    routing: str
    account: str
    amount: int
    id: str
    name: str
    discretionary: str
    trace: str  # empty when cut off

    @property
    def debit(self) -> bool:
        return self.transaction_code[1] >= "5"


@dataclass(frozen=True, slots=True)
class Forward(Item):
    """An entry on its way out: what is in our own files, and in files that somebody sends us by mistake."""

    kind: ClassVar[str] = "entry"
    entry: Entry
    addenda: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Return(Item):
    """An entry came back. `original_trace` is the one that we gave it."""

    kind: ClassVar[str] = "return"
    entry: Entry
    code: str
    original_trace: str
    date_of_death: date | None
    original_rdfi: str  # eight digits
    information: str


@dataclass(frozen=True, slots=True)
class Dishonored(Item):
    """The originating bank refused a return."""

    kind: ClassVar[str] = "dishonored_return"
    entry: Entry
    code: str
    original_trace: str
    original_rdfi: str
    return_trace: str
    return_settlement: str  # day of the year
    return_code: str
    information: str


@dataclass(frozen=True, slots=True)
class Contested(Item):
    """The receiving bank insists on a return that was dishonored."""

    kind: ClassVar[str] = "contested_return"
    entry: Entry
    code: str
    original_trace: str
    returned_on: str
    original_rdfi: str
    original_settlement: str
    return_trace: str
    return_settlement: str
    return_code: str
    dishonored_trace: str
    dishonored_settlement: str
    dishonored_code: str


@dataclass(frozen=True, slots=True)
class Correction:
    """What a notification of change replaces; empty is what stays."""

    routing: str = ""
    account: str = ""
    transaction_code: str = ""
    name: str = ""
    id: str = ""
    other: str = ""  # of what is not the receiver's: company, foreign institution


@dataclass(frozen=True, slots=True)
class Change(Item):
    """A notification of change. Without `correction` its data could not be understood, or the code has none."""

    kind: ClassVar[str] = "change"
    entry: Entry
    code: str
    original_trace: str
    original_rdfi: str
    data: str
    correction: Correction | None


@dataclass(frozen=True, slots=True)
class RefusedChange(Item):
    """The originating bank refused a notification of change."""

    kind: ClassVar[str] = "refused_change"
    entry: Entry
    code: str
    original_trace: str
    original_rdfi: str
    data: str
    change_code: str


@dataclass(frozen=True, slots=True)
class Acknowledgement(Item):
    """The receiving bank has a CCD or CTX credit (ACK, ATX)."""

    kind: ClassVar[str] = "acknowledgement"
    entry: Entry
    original_trace: str
    addenda: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BatchControl(Item):
    kind: ClassVar[str] = "batch_control"
    count: int
    hash: int
    debits: int
    credits: int
    company_id: str
    number: str


@dataclass(frozen=True, slots=True)
class FileControl(Item):
    kind: ClassVar[str] = "file_control"
    batches: int
    blocks: int
    count: int
    hash: int
    debits: int
    credits: int


@dataclass(slots=True)
class Reading:
    """All of a file that fits into memory."""

    items: list[Item] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    @property
    def understood(self) -> list[Item]:
        return [item for item in self.items if not isinstance(item, Quarantined | Blank)]

    @property
    def quarantined(self) -> list[Quarantined]:
        return [item for item in self.items if isinstance(item, Quarantined)]
