"""Write a file. What is returned has been read back and recomputed by `validate`; a file with a fault never is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from core.calendar import EASTERN

from . import validate
from .errors import refuse
from .model import Batch, Direction, Entry, File, Originator, Sec, plain

MAX_ENTRIES = 2_500  # of a batch; a longer one is written as several
BLOCK = 10  # lines
PADDING = "9" * 94
HASH = 10**10


@dataclass(frozen=True, slots=True)
class Written:
    """The text, and the trace number under which each entry will come back if it does, in order."""

    text: str
    traces: tuple[tuple[Entry, str], ...]


@dataclass(slots=True)
class _Totals:
    """Running sums; `add` takes in those of a batch."""

    lines: int = 0  # entries and addenda
    hash: int = 0
    debits: int = 0  # cents
    credits: int = 0

    def entry(self, entry: Entry) -> None:
        self.lines += 2 if entry.addenda else 1
        self.hash += int(entry.routing[:8])
        if entry.direction is Direction.DEBIT:
            self.debits += entry.amount
        else:
            self.credits += entry.amount

    def add(self, other: "_Totals") -> None:
        self.lines += other.lines
        self.hash += other.hash % HASH
        self.debits += other.debits
        self.credits += other.credits


def write(file: File) -> Written:
    """The text of a file: lines of 94 characters, each ended by a line feed. Raises InvalidFile."""
    text, traces = render(file)
    validate.check(text)
    validate.compare(text, file)
    return Written(text, tuple(traces))


def render(file: File) -> tuple[str, list[tuple[Entry, str]]]:
    """The same without looking at it again: nothing but `write` and tests should call this."""
    lines = [_file_header(file)]
    traces: list[tuple[Entry, str]] = []
    totals, number, sequence = _Totals(), file.first_batch - 1, file.first_trace
    for number, batch in enumerate(_parts(file), start=file.first_batch):
        sums = _Totals()
        lines.append(_batch_header(file.originator, batch, number))
        for entry in batch.entries:
            trace = _digits(file.originator.odfi, 9, "originator", "odfi")[:8] + _number(sequence, 7, "entry", "trace")
            lines += _entry(batch, entry, trace)
            sums.entry(entry)
            traces.append((entry, trace))
            sequence += 1
        lines.append(_batch_control(file.originator, batch, number, sums))
        totals.add(sums)
    lines.append(_file_control(number - file.first_batch + 1, len(lines) + 1, totals))
    lines += [PADDING] * (-len(lines) % BLOCK)
    return "\n".join(lines) + "\n", traces


def _parts(file: File) -> Iterator[Batch]:
    """The batches, the long ones in pieces that banks take."""
    if not file.batches:
        raise refuse("file", "batches", "a file without a batch says nothing")
    for batch in file.batches:
        if not batch.entries:
            raise refuse("batch header", "entries", "a batch without an entry says nothing")
        for start in range(0, len(batch.entries), MAX_ENTRIES):
            yield replace(batch, entries=batch.entries[start : start + MAX_ENTRIES])


# -------------------------------------------------------------------------------------------------------- records
def _file_header(file: File) -> str:
    who, name = file.originator, "file header"
    if file.created.tzinfo is None:
        raise refuse(name, "created", "needs a time zone")
    return "".join((
        "101 ", _digits(who.destination, 9, name, "destination"), _text(who.origin.rjust(10), 10, name, "origin"),
        file.created.astimezone(EASTERN).strftime("%y%m%d%H%M"), _text(file.modifier, 1, name, "modifier"), "094101",
        _name(who.destination_name, 23, name, "destination_name"), _name(who.origin_name, 23, name, "origin_name"),
        _text(file.reference, 8, name, "reference"),
    ))  # fmt: skip


def _batch_header(who: Originator, batch: Batch, number: int) -> str:
    name = "batch header"
    return "".join((
        "5", _service_class(batch), _name(who.company_name, 16, name, "company_name"),
        _text(batch.discretionary, 20, name, "discretionary"), _text(who.company_id, 10, name, "company_id"),
        _text(batch.sec, 3, name, "sec"), _text(batch.description, 10, name, "description"),
        _text(batch.window.descriptive_date, 6, name, "descriptive_date"), f"{batch.window.effective:%y%m%d}", "   1",
        _digits(who.odfi, 9, name, "odfi")[:8], _number(number, 7, name, "number"),
    ))  # fmt: skip


def _entry(batch: Batch, entry: Entry, trace: str) -> list[str]:
    name = "entry"
    discretionary = ("R " if entry.recurring else "S ") if batch.sec is Sec.WEB else "  "
    line = "".join((
        "6", entry.transaction_code, _digits(entry.routing, 9, name, "routing"), _text(entry.account, 17, name, "account"),
        _number(entry.amount, 10, name, "amount"), _text(entry.id, 15, name, "id"), _name(entry.name, 22, name, "name"),
        discretionary, "1" if entry.addenda else "0", trace,
    ))  # fmt: skip
    if not entry.addenda:
        return [line]
    return [line, f"705{_text(entry.addenda, 80, 'addenda', 'information')}0001{trace[8:]}"]


def _batch_control(who: Originator, batch: Batch, number: int, sums: _Totals) -> str:
    name = "batch control"
    return "".join((
        "8", _service_class(batch), _number(sums.lines, 6, name, "count"), f"{sums.hash % HASH:010d}",
        _number(sums.debits, 12, name, "debits"), _number(sums.credits, 12, name, "credits"),
        _text(who.company_id, 10, name, "company_id"), " " * 25, who.odfi[:8], _number(number, 7, name, "number"),
    ))  # fmt: skip


def _file_control(batches: int, lines: int, totals: _Totals) -> str:
    name = "file control"
    return "".join((
        "9", _number(batches, 6, name, "batches"), _number(-(-lines // BLOCK), 6, name, "blocks"),
        _number(totals.lines, 8, name, "count"), f"{totals.hash % HASH:010d}",
        _number(totals.debits, 12, name, "debits"), _number(totals.credits, 12, name, "credits"), " " * 39,
    ))  # fmt: skip


def _service_class(batch: Batch) -> str:
    directions = {entry.direction for entry in batch.entries}
    if len(directions) == 2:
        return "200"
    return "225" if Direction.DEBIT in directions else "220"


# --------------------------------------------------------------------------------------------------------- fields
def _number(value: int, width: int, record: str, field: str) -> str:
    text = f"{value:0{width}d}"
    if value < 0 or len(text) > width:
        raise refuse(record, field, f"{value} does not fit into {width} digits")
    return text


def _digits(value: str, width: int, record: str, field: str) -> str:
    if len(value) != width or not (value.isascii() and value.isdigit()):
        raise refuse(record, field, f"must be {width} digits")
    return value


def _text(value: str, width: int, record: str, field: str) -> str:
    """Left-justified. Nothing is cut or mended here: an identifier that does not fit would become another one."""
    if len(value) > width:
        raise refuse(record, field, f"has more than {width} characters")
    return value.ljust(width)


def _name(value: str, width: int, record: str, field: str) -> str:
    """Names may be cut and simplified: nobody is found by them."""
    return _text(plain(value)[:width].rstrip(), width, record, field)
