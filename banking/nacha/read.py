"""Read what banks send: leniently in everything that changes no meaning, and never by guessing.

Every line ends up in exactly one item: understood, blank, or quarantined with a reason. An entry and its addenda stand
and fall together: an entry whose return reason cannot be read would look like one that was never returned. Wrong
counts, missing controls and the like are remarks. No bytes make it fail; time is linear, memory bounded.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import BinaryIO

from .codes import CHANGES, RETURNS
from .lines import FILLER, WIDTH, Line, lines
from .records import (
    Acknowledgement,
    BatchControl,
    BatchHeader,
    Blank,
    Change,
    Contested,
    Correction,
    Dishonored,
    Entry,
    FileControl,
    FileHeader,
    Forward,
    Item,
    Quarantined,
    Reading,
    RefusedChange,
    Remark,
    Return,
)

MOST_ADDENDA = 9_999  # of an entry (the field that counts them has four digits)
OTHER_LAYOUTS = frozenset({"IAT", "ADV"})  # their records have other fields; PaYa neither sends nor gets them
LONG_NAMES = frozenset({"CTX", "ATX", "TRX", "ENR"})  # a count stands where others have the first of the name
COMES_BACK = frozenset({"21", "26", "31", "36", "41", "46", "51", "56"})
HASH = 10**10
# Where the parts of corrected data stand, from 0 (rules, appendix five).
CORRECTED = {
    "C01": (("account", 0, 17),), "C02": (("routing", 0, 9),), "C03": (("routing", 0, 9), ("account", 12, 29)),
    "C05": (("transaction_code", 0, 2),), "C06": (("account", 0, 17), ("transaction_code", 20, 22)),
    "C07": (("routing", 0, 9), ("account", 9, 26), ("transaction_code", 26, 28)),
}  # fmt: skip


class Unreadable(ValueError):
    """A field that a line cannot do without does not hold what it must."""


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


# --------------------------------------------------------------------------------------------------------- fields
def text_of(line: str, start: int, stop: int) -> str:
    return line[start - 1 : stop].replace(FILLER, "").strip()


def word_of(line: str, start: int, stop: int) -> str:
    """A code, whatever the case it came in."""
    return text_of(line, start, stop).upper()


def digits_of(line: str, start: int, stop: int, name: str) -> str:
    """All of the field's digits."""
    value = line[start - 1 : stop]
    if not (value.isascii() and value.isdigit()):
        raise Unreadable(f"{name} ({start}-{stop}) is {value!r} and not digits")
    return value


def number_of(line: str, start: int, stop: int, name: str) -> int:
    """A number that ends where its field ends; zeros before it may be spaces."""
    value = line[start - 1 : stop]
    digits = value.lstrip(" ")
    if not (digits.isascii() and digits.isdigit()):
        raise Unreadable(f"{name} ({start}-{stop}) is {value!r} and not a number")
    return int(digits)


def date_of(line: str, start: int, stop: int) -> date | None:
    """YYMMDD; None when it is blank or no day."""
    value = line[start - 1 : stop]
    if not (value.isascii() and value.isdigit()):
        return None
    try:
        return date(2000 + int(value[:2]), int(value[2:4]), int(value[4:]))
    except ValueError:
        return None


def trace_of(line: str, start: int) -> str:
    """Fifteen digits, or nothing: part of a trace would be another one."""
    value = line[start - 1 : start + 14]
    return value if len(value) == 15 and value.isascii() and value.isdigit() else ""


# -------------------------------------------------------------------------------------------------------- records
def file_header(line: Line) -> FileHeader:
    text = line.text.ljust(WIDTH)
    if text[1:3] != "01":
        raise Unreadable(f"a file header begins with 101, not {text[:3]!r}")
    destination = word_of(text, 4, 13)
    if len(destination) not in (9, 10) or not destination.isalnum():
        raise Unreadable(f"destination (4-13) is {destination!r}")
    return FileHeader(
        (line,), destination, word_of(text, 14, 23), date_of(text, 24, 29), text_of(text, 30, 33), word_of(text, 34, 34),
        text_of(text, 41, 63), text_of(text, 64, 86), text_of(text, 87, 94),
    )  # fmt: skip


def batch_header(line: Line) -> BatchHeader:
    text = line.text.ljust(WIDTH)
    service_class, sec = text[1:4], word_of(text, 51, 53)
    if service_class not in ("200", "220", "225", "280"):
        raise Unreadable(f"service class (2-4) is {service_class!r}")
    if len(sec) != 3 or not (sec.isascii() and sec.isalpha()):
        raise Unreadable(f"entry class (51-53) is {sec!r}")
    if sec in OTHER_LAYOUTS:
        raise Unreadable(f"{sec} batches have a layout of their own, which is not read here")
    return BatchHeader(
        (line,), service_class, text_of(text, 5, 20), text_of(text, 21, 40), word_of(text, 41, 50), sec,
        word_of(text, 54, 63), word_of(text, 64, 69), date_of(text, 70, 75), text_of(text, 76, 78),
        text_of(text, 80, 87), text_of(text, 88, 94),
    )  # fmt: skip


def entry(line: Line, batch: BatchHeader | None) -> Entry:
    text = line.text.ljust(WIDTH)
    code = text[1:3]
    if code[0] not in "2345" or code[1] not in "12346789":
        raise Unreadable(f"transaction code (2-3) is {code!r}")
    sec = batch.sec if batch else ""
    name = text_of(text, 59, 74) if sec in LONG_NAMES else text_of(text, 55, 76)
    return Entry(
        sec, batch.company_id if batch else "", code, digits_of(text, 4, 12, "routing number"), text_of(text, 13, 29),
        number_of(text, 30, 39, "amount"), text_of(text, 40, 54), name, word_of(text, 77, 78), trace_of(text, 80),
    )  # fmt: skip


def batch_control(line: Line) -> BatchControl:
    text = line.text.ljust(WIDTH)
    return BatchControl(
        (line,), number_of(text, 5, 10, "count"), number_of(text, 11, 20, "hash"), number_of(text, 21, 32, "debits"),
        number_of(text, 33, 44, "credits"), word_of(text, 45, 54), text_of(text, 88, 94),
    )  # fmt: skip


def file_control(line: Line) -> FileControl:
    text = line.text.ljust(WIDTH)
    return FileControl(
        (line,), number_of(text, 2, 7, "batches"), number_of(text, 8, 13, "blocks"), number_of(text, 14, 21, "count"),
        number_of(text, 22, 31, "hash"), number_of(text, 32, 43, "debits"), number_of(text, 44, 55, "credits"),
    )  # fmt: skip


def code_of(text: str, letter: str) -> str:
    code = word_of(text, 4, 6)
    if len(code) != 3 or code[0] != letter or not (code[1:].isascii() and code[1:].isdigit()):
        raise Unreadable(f"code (4-6) is {code!r}")
    return code


def answer(of: tuple[Line, ...], about: Entry) -> Item:
    """What an entry with one addenda 98 or 99 (the last of its lines) says."""
    text = of[-1].text.ljust(WIDTH)
    changes = text[1:3] == "98"
    code = code_of(text, "C" if changes else "R")
    original = digits_of(text, 7, 21, "original trace")
    rdfi = text_of(text, 28, 35)
    if changes and code > "C60":
        return RefusedChange(of, about, code, original, rdfi, text_of(text, 36, 64), word_of(text, 65, 67))
    if changes:
        return Change(of, about, code, original, rdfi, text_of(text, 36, 64), correction(code, text[35:64]))
    if "R61" <= code <= "R70":
        return Dishonored(
            of, about, code, original, rdfi, trace_of(text, 39), text_of(text, 54, 56), reason_of(text, 57), text_of(text, 59, 79)
        )
    if "R71" <= code <= "R77":
        return Contested(
            of, about, code, original, text_of(text, 22, 27), rdfi, text_of(text, 36, 38), trace_of(text, 39),
            text_of(text, 54, 56), reason_of(text, 57), trace_of(text, 59), text_of(text, 74, 76), reason_of(text, 77),
        )  # fmt: skip
    if text[21:27].strip() and not date_of(text, 22, 27) and text[21:27] != "000000":
        raise Unreadable(f"date of death (22-27) is {text[21:27]!r}")
    return Return(of, about, code, original, date_of(text, 22, 27), rdfi, text_of(text, 36, 79))


def reason_of(text: str, start: int) -> str:
    """A return code without its R, as the addenda of disputes have it."""
    value = text_of(text, start, start + 1)
    return f"R{value}" if value else ""


def correction(code: str, data: str) -> Correction | None:
    """The corrected data (29 characters) of a notification; None where it does not hold what its code says.

    Positions are those of the rules; many banks put one space between the parts instead, which is as clear.
    """
    known = CHANGES.get(code)
    data = data.replace(FILLER, "")
    if not known or not known.fields or not data.strip():
        return None
    first = known.fields[0]
    if first in ("name", "id"):
        return Correction(**{first: text_of(data, 1, 22)})
    if code not in CORRECTED:
        return Correction(other=data.strip())
    by_position = {name: data[start:stop].strip() for name, start, stop in CORRECTED[code]}
    gaps = "".join(data[stop:start] for (_, _, stop), (_, start, _) in pairwise(CORRECTED[code]))
    by_word = dict(zip(known.fields, data.split(), strict=False))
    for parts in ({} if gaps.strip() else by_position, by_word):
        if len(parts) == len(known.fields) and plausible(found := Correction(**parts), parts):
            return found
    return None


def plausible(found: Correction, parts: dict[str, str]) -> bool:
    """Whether each part that must be there looks like what it is."""
    good_routing = "routing" not in parts or check_digit(found.routing)
    code = found.transaction_code
    good_code = "transaction_code" not in parts or (len(code) == 2 and code[0] in "2345" and code[1] in "12346789")
    good_account = "account" not in parts or 0 < len(found.account) <= 17
    return good_routing and good_code and good_account


def check_digit(routing: str) -> bool:
    """Whether these are nine digits of which the last is right."""
    if len(routing) != 9 or not (routing.isascii() and routing.isdigit()):
        return False
    return sum(int(digit) * weight for digit, weight in zip(routing, (3, 7, 1) * 3, strict=True)) % 10 == 0


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
        self.out.append(file_header(line))

    def batch_header(self, line: Line) -> None:
        self.finish_entry()
        self.finish_batch()
        if not self.in_file:
            self.remark("a batch outside any file")
        self.batch, self.in_batch, self.sums = None, True, _Sums()
        self.foreign = word_of(line.text, 51, 53) in OTHER_LAYOUTS
        self.batches += 1
        self.length(line)
        self.batch = batch_header(line)
        self.out.append(self.batch)

    def entry(self, line: Line) -> None:
        self.finish_entry()
        self.sums.count += 1  # a bank counts what it sent, whether we can read it or not
        if self.foreign:
            raise Unreadable("the batch has a layout of its own, which is not read here")
        try:
            found = entry(line, self.batch)
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
        if not check_digit(found.routing):
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
            pending.addenda.append(text_of(line.text, 4, 83))
        self.length(line)

    def batch_control(self, line: Line) -> None:
        self.finish_entry()
        try:
            found = batch_control(line)
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
        found = file_control(line)
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
            item = answer(of, found)
            self.about_answer(item)
            return item
        if found.transaction_code in COMES_BACK or found.sec == "COR":
            raise Unreadable("an entry that comes back, without the addenda that says why")
        if found.sec in ("ACK", "ATX"):
            if not trace_of(of[0].text, 40):
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
