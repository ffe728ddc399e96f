"""Read what banks send: leniently in everything that changes no meaning, and never by guessing.

Every line ends up in exactly one item: understood, blank, or quarantined with a reason. An entry and its addenda stand
and fall together: an entry whose return reason cannot be read would look like one that was never returned. Wrong
counts, missing controls and the like are remarks. No bytes make it fail; time is linear, memory bounded.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from . import parse
from .codes import CHANGES, RETURNS
from .lines import FILLER, WIDTH, Line, lines
from .parse import OTHER_LAYOUTS, Unreadable
from .records import (
    Acknowledgement,
    BatchControl,
    BatchHeader,
    Blank,
    Change,
    Entry,
    FileControl,
    Forward,
    Item,
    Quarantined,
    Reading,
    Remark,
)

MOST_ADDENDA = 9_999  # of an entry (the field that counts them has four digits)
COMES_BACK = frozenset({"21", "26", "31", "36", "41", "46", "51", "56"})
HASH = 10**10


def read(stream: BinaryIO) -> Iterator[Item | Remark]:
    """Items and remarks, as they come. Holds no more than one entry with its addenda."""
    reader = _Reader()
    for line in lines(stream):
        reader.line(line)
        yield from reader.taken()
    reader.end()
    yield from reader.taken()


def read_bytes(data: bytes) -> Reading:
    """All at once, for files that are known to be small."""
    reading = Reading()
    for found in read(io.BytesIO(data)):
        if isinstance(found, Remark):
            reading.remarks.append(found)
        else:
            reading.items.append(found)
    return reading


# --------------------------------------------------------------------------------------------------------- reader
@dataclass(slots=True)
class _Sums:
    count: int = 0
    hash: int = 0
    debits: int = 0
    credits: int = 0

    def entry(self, found: Entry) -> None:
        self.count += 1
        self.hash += int(found.routing[:8])
        if found.debit:
            self.debits += found.amount
        else:
            self.credits += found.amount

    def batch(self, sums: "_Sums") -> None:
        self.count += sums.count
        self.hash += sums.hash % HASH
        self.debits += sums.debits
        self.credits += sums.credits


@dataclass(slots=True)
class _Pending:
    """An entry, and what followed it so far. `why` is set once one of the lines cannot be read."""

    lines: list[Line]
    entry: Entry | None
    why: str = ""
    addenda: list[str] = field(default_factory=list)
    answers: int = 0  # addenda 98 and 99


@dataclass(slots=True)
class _Reader:
    out: list[Item | Remark] = field(default_factory=list)
    in_file: bool = False
    batch: BatchHeader | None = None
    in_batch: bool = False  # also after a header that could not be read
    foreign: bool = False  # a batch of another layout
    pending: _Pending | None = None
    sums: _Sums = field(default_factory=_Sums)
    file_sums: _Sums = field(default_factory=_Sums)
    batches: int = 0
    records: int = 0
    at: int = 0  # line

    def taken(self) -> list[Item | Remark]:
        taken, self.out = self.out, []
        return taken

    def line(self, line: Line) -> None:
        self.at = line.number
        text = line.text
        if not text.strip(" 9"):  # empty, or padding; some send an empty line after each record
            self.out.append(Blank((line,)))
            return
        if not text.isprintable() and not text.replace(FILLER, "").isprintable():
            self.spoil(line, "control characters")
            return
        self.records += 1
        handle = {"1": self.file_header, "5": self.batch_header, "6": self.entry, "7": self.addenda,
                  "8": self.batch_control, "9": self.file_control}.get(text[0])  # fmt: skip
        if handle is None:
            self.spoil(line, f"no record begins with {text[0]!r}")
            return
        try:
            handle(line)
        except Unreadable as problem:
            self.spoil(line, str(problem))

    def spoil(self, line: Line, reason: str) -> None:
        """Quarantine a line. What could be the addenda that an entry waits for takes the entry along."""
        pending, remnant = self.pending, line.column > 1 and len(line.text) < WIDTH
        if pending and not remnant:
            waiting = not pending.answers and pending.lines[0].text[78:79] != "0"
            if line.text[0] == "7" or (waiting and line.text[0] not in "15689"):
                pending.why = pending.why or f"line {line.number} of this entry cannot be read"
        self.out.append(Quarantined((line,), reason))

    def remark(self, text: str) -> None:
        self.out.append(Remark(self.at, text))

    def end(self) -> None:
        self.finish_entry()
        self.finish_batch()
        if self.in_file:
            self.remark("the file control record is missing")

    # ------------------------------------------------------------------------------------------------- by record
    def file_header(self, line: Line) -> None:
        self.end()
        self.in_file, self.batches, self.records, self.file_sums = True, 0, 1, _Sums()
        self.length(line)
        self.out.append(parse.file_header(line))

    def batch_header(self, line: Line) -> None:
        self.finish_entry()
        self.finish_batch()
        if not self.in_file:
            self.remark("a batch outside any file")
        self.batch, self.in_batch, self.sums = None, True, _Sums()
        self.foreign = parse.word_of(line.text, 51, 53) in OTHER_LAYOUTS
        self.batches += 1
        self.length(line)
        self.batch = parse.batch_header(line)
        self.out.append(self.batch)

    def entry(self, line: Line) -> None:
        self.finish_entry()
        self.sums.count += 1  # a bank counts what it sent, whether we can read it or not
        if self.foreign:
            raise Unreadable("the batch has a layout of its own, which is not read here")
        try:
            found = parse.entry(line, self.batch)
        except Unreadable as problem:
            self.pending = _Pending([line], None, str(problem))
            return
        self.pending = _Pending([line], found)
        self.sums.count -= 1
        self.sums.entry(found)
        self.about(line, found)

    def about(self, line: Line, found: Entry) -> None:
        self.length(line)
        if not self.in_batch:
            self.remark("an entry outside any batch")
        if not parse.check_digit(found.routing):
            self.remark(f"routing number {found.routing} does not end with its check digit")
        if not found.trace:
            self.remark("the entry has no trace number")

    def addenda(self, line: Line) -> None:
        self.sums.count += 1
        pending = self.pending
        if not pending:
            raise Unreadable("an addenda without its entry")
        if len(pending.lines) > MOST_ADDENDA:
            raise Unreadable(f"an entry has no more than {MOST_ADDENDA} addenda")
        kind = line.text[1:3]
        if kind not in ("02", "05", "98", "99"):
            raise Unreadable(f"addenda type (2-3) is {kind!r}")
        pending.lines.append(line)
        if kind in ("98", "99"):
            pending.answers += 1
        else:
            pending.addenda.append(parse.text_of(line.text, 4, 83))
        self.length(line)

    def batch_control(self, line: Line) -> None:
        self.finish_entry()
        try:
            found = parse.batch_control(line)
        finally:  # whatever it says, the batch ends here
            sums, batch, foreign = self.sums, self.batch, self.foreign
            outside, self.in_batch = not self.in_batch, False
            self.file_sums.batch(sums)
            self.batch, self.sums, self.foreign = None, _Sums(), False
        self.length(line)
        self.out.append(found)
        if outside:
            self.remark("a batch control record without a batch")
        elif not foreign:
            self.compare("batch", found, sums)
            if batch and found.number != batch.number:
                self.remark(f"batch {batch.number} ends with the control record of {found.number}")

    def file_control(self, line: Line) -> None:
        self.finish_entry()
        self.finish_batch()
        found = parse.file_control(line)
        self.length(line)
        self.out.append(found)
        if not self.in_file:
            self.remark("a file control record without a file")
            return
        self.in_file = False
        self.compare("file", found, self.file_sums)
        if found.batches != self.batches:
            self.remark(f"the file says {found.batches} batches and has {self.batches}")
        if found.blocks != -(-self.records // 10):
            self.remark(f"the file says {found.blocks} blocks of ten lines and has {self.records} lines")

    # --------------------------------------------------------------------------------------------------- endings
    def finish_entry(self) -> None:
        pending, self.pending = self.pending, None
        if not pending:
            return
        of = tuple(pending.lines)
        try:
            if pending.why or not pending.entry:
                raise Unreadable(pending.why)
            self.out.append(self.said(of, pending.entry, pending))
        except Unreadable as problem:
            self.out += [Quarantined((line,), str(problem)) for line in of]

    def said(self, of: tuple[Line, ...], found: Entry, pending: _Pending) -> Item:
        if pending.answers:
            if len(of) != 2:
                raise Unreadable("an entry that comes back has one addenda")
            item = parse.answer(of, found)
            self.about_answer(item)
            return item
        if found.transaction_code in COMES_BACK or found.sec == "COR":
            raise Unreadable("an entry that comes back, without the addenda that says why")
        if found.sec in ("ACK", "ATX"):
            if not parse.trace_of(of[0].text, 40):
                raise Unreadable("an acknowledgement without the original trace (40-54)")
            return Acknowledgement(of, found, found.id, tuple(pending.addenda))
        announced = of[0].text[78:79]
        if announced in ("0", "1") and (announced == "1") != bool(pending.addenda):
            self.remark("the entry's addenda indicator is wrong")
        return Forward(of, found, tuple(pending.addenda))

    def about_answer(self, item: Item) -> None:
        code = getattr(item, "code", "")
        if code not in RETURNS and code not in CHANGES:
            self.remark(f"{code} is not in the table of codes")
        if isinstance(item, Change) and item.correction is None and code not in ("C13", "C14"):
            self.remark(f"the corrected data of {code} cannot be understood: {len(item.data)} characters")

    def finish_batch(self) -> None:
        if self.in_batch:
            self.remark("the batch control record is missing")
            self.file_sums.batch(self.sums)
        self.in_batch, self.batch, self.foreign, self.sums = False, None, False, _Sums()

    def length(self, line: Line) -> None:
        if len(line.text) < WIDTH and line.text[:1] in "67":  # the others may end with blanks
            self.remark(f"the line has {len(line.text)} characters and is read as if blanks followed")

    def compare(self, what: str, said: BatchControl | FileControl, sums: _Sums) -> None:
        for name in ("count", "debits", "credits"):
            if getattr(said, name) != getattr(sums, name):
                self.remark(f"{what} control: {name} is {getattr(said, name)} and should be {getattr(sums, name)}")
        if said.hash != sums.hash % HASH:
            self.remark(f"{what} control: hash is {said.hash} and should be {sums.hash % HASH}")
