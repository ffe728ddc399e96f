"""Is this text a file that may be sent? Written apart from the writer: positions, rules and sums are stated once more.

`check` needs the text alone. `compare` holds it against what was asked for, since no sum in the format protects an
account number or a name. Both raise InvalidFile with the line, the record and the field of everything they found.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from core.calendar import EASTERN, is_business_day

from .errors import Fault, InvalidFile
from .model import Batch, Direction, Entry, File, plain

Cut = dict[str, str]

A = r"[A-Z0-9 .,/()&'*#$@:+-]"
MUST = r"(?! )"  # left-justified and not blank
MAY = r"(?! +[^ ])"  # left-justified or blank
# Field, first and last position counted from 1, and what may stand there (RAILS, section 5).
RECORDS: dict[str, tuple[str, list[tuple[str, int, int, str]]]] = {
    "1": ("file header", [
        ("type", 1, 1, "1"), ("priority", 2, 3, "01"), ("destination", 4, 13, r" \d{9}"),
        ("origin", 14, 23, r"(?: |[A-Z0-9])[A-Z0-9]{9}"), ("date", 24, 29, r"\d{6}"), ("time", 30, 33, r"([01]\d|2[0-3])[0-5]\d"),
        ("modifier", 34, 34, "[A-Z0-9]"), ("record size", 35, 37, "094"), ("blocking", 38, 39, "10"), ("format", 40, 40, "1"),
        ("destination name", 41, 63, f"{MUST}{A}{{23}}"), ("origin name", 64, 86, f"{MUST}{A}{{23}}"),
        ("reference", 87, 94, f"{MAY}{A}{{8}}"),
    ]),
    "5": ("batch header", [
        ("type", 1, 1, "5"), ("service class", 2, 4, "200|220|225"), ("company name", 5, 20, f"{MUST}{A}{{16}}"),
        ("discretionary", 21, 40, f"{MAY}{A}{{20}}"), ("company id", 41, 50, f"{MUST}[A-Z0-9 ]{{10}}"),
        ("sec", 51, 53, "WEB|PPD|CCD"), ("description", 54, 63, f"{MUST}{A}{{10}}"),
        ("descriptive date", 64, 69, f"{MAY}{A}{{6}}"), ("effective date", 70, 75, r"\d{6}"),
        ("settlement date", 76, 78, "   "), ("originator status", 79, 79, "1"), ("odfi", 80, 87, r"\d{8}"),
        ("number", 88, 94, r"\d{7}"),
    ]),
    "6": ("entry", [
        ("type", 1, 1, "6"), ("transaction code", 2, 3, "[23][2378]"), ("routing", 4, 12, r"\d{9}"),
        ("account", 13, 29, "(?=[A-Z0-9-]+ *$)[A-Z0-9 -]{17}"), ("amount", 30, 39, r"\d{10}"),
        ("id", 40, 54, f"{MAY}{A}{{15}}"), ("name", 55, 76, f"{MUST}{A}{{22}}"), ("discretionary", 77, 78, "  |[RS] "),
        ("addenda indicator", 79, 79, "[01]"), ("trace", 80, 94, r"\d{15}"),
    ]),
    "7": ("addenda", [
        ("type", 1, 1, "7"), ("addenda type", 2, 3, "05"), ("information", 4, 83, f"{MUST}{A}{{80}}"),
        ("sequence", 84, 87, "0001"), ("entry sequence", 88, 94, r"\d{7}"),
    ]),
    "8": ("batch control", [
        ("type", 1, 1, "8"), ("service class", 2, 4, "200|220|225"), ("count", 5, 10, r"\d{6}"), ("hash", 11, 20, r"\d{10}"),
        ("debits", 21, 32, r"\d{12}"), ("credits", 33, 44, r"\d{12}"), ("company id", 45, 54, f"{MUST}[A-Z0-9 ]{{10}}"),
        ("authentication", 55, 73, " {19}"), ("reserved", 74, 79, " {6}"), ("odfi", 80, 87, r"\d{8}"),
        ("number", 88, 94, r"\d{7}"),
    ]),
    "9": ("file control", [
        ("type", 1, 1, "9"), ("batches", 2, 7, r"\d{6}"), ("blocks", 8, 13, r"\d{6}"), ("count", 14, 21, r"\d{8}"),
        ("hash", 22, 31, r"\d{10}"), ("debits", 32, 43, r"\d{12}"), ("credits", 44, 55, r"\d{12}"), ("reserved", 56, 94, " {39}"),
    ]),
}  # fmt: skip
PATTERNS = {kind: [(name, a - 1, b, re.compile(pattern, re.ASCII)) for name, a, b, pattern in fields]
            for kind, (_, fields) in RECORDS.items()}  # fmt: skip
PADDING = "9" * 94
MODULUS = 10**10
DEBITS, PRENOTES = {"27", "28", "37", "38"}, {"23", "28", "33", "38"}
SETTLEMENT_HOURS = {"SD1300", "SD1700", "SD1800"}
LARGEST_SAME_DAY = 1_000_000_00
LONGEST_BATCH = 2_500
# What may follow each kind of record.
FOLLOWS = {"": "1", "1": "5", "5": "6", "6": "678", "7": "68", "8": "59", "9": ""}


def check(text: str) -> None:
    """Raises InvalidFile unless every line, sum, hash, count, check digit and trace number is right."""
    checked = _Check()
    checked.run(text)
    if checked.faults:
        raise InvalidFile(checked.faults)


def aba(routing: str) -> bool:
    """Whether a nine-digit routing number ends with its check digit (weights 3 7 1, sum divisible by 10)."""
    return sum(int(digit) * weight for digit, weight in zip(routing, (3, 7, 1) * 3, strict=True)) % 10 == 0


def day_of(text: str) -> date | None:
    """YYMMDD of this century; None when there is no such day."""
    try:
        return date(2000 + int(text[:2]), int(text[2:4]), int(text[4:]))
    except ValueError:
        return None


@dataclass
class _Sums:
    lines: int = 0
    entries: int = 0
    routings: int = 0
    debits: int = 0
    credits: int = 0


@dataclass
class _Check:
    """One pass over the lines. Each method looks at one record, or at one sum."""

    faults: list[Fault] = field(default_factory=list)
    line: int = 0
    previous: str = ""  # type of the record before
    owes_addenda: bool = False
    created: date | None = None
    header: Cut = field(default_factory=dict)  # of the batch
    codes: set[str] = field(default_factory=set)  # transaction codes in the batch
    last_trace: str = ""
    last_batch: str = ""
    batch: _Sums = field(default_factory=_Sums)
    file: _Sums = field(default_factory=_Sums)
    batches: int = 0

    def run(self, text: str) -> None:
        lines = text.split("\n")
        if lines.pop() != "":
            self.fault("file", "last line", "does not end with a line feed")
        if len(lines) % 10:
            self.fault("file", "blocking", f"{len(lines)} lines are not blocks of ten")
        for self.line, line in enumerate(lines, 1):
            if len(self.faults) >= InvalidFile.LIMIT:
                return
            self.record(line, len(lines))
        if self.previous != "9":
            self.fault("file", "file control", "is missing")

    def record(self, line: str, lines: int) -> None:
        kind = line[:1]
        if self.previous == "9" and line == PADDING:
            return
        if len(line) != 94:
            self.fault("line", "length", f"{len(line)} characters instead of 94")
            return
        if kind not in RECORDS or kind not in FOLLOWS[self.previous]:
            self.fault("line", "type", f"{kind!r} may not stand here")
            return
        if kind != "7" and self.owes_addenda:
            self.fault("entry", "addenda indicator", "says that an addenda follows, and none does")
        cut = self.cut(kind, line)
        self.previous = kind
        if cut:
            self.look(kind, cut, lines)

    def look(self, kind: str, cut: Cut, lines: int) -> None:
        if kind == "1":
            self.file_header(cut)
        elif kind == "5":
            self.batch_header(cut)
        elif kind == "6":
            self.entry(cut)
        elif kind == "7":
            self.addenda(cut)
        elif kind == "8":
            self.batch_control(cut)
        else:
            self.file_control(cut, lines)

    def cut(self, kind: str, line: str) -> Cut:
        """The fields of a line; empty when one of them holds what it may not."""
        fields, good = {}, True
        for name, start, stop, pattern in PATTERNS[kind]:
            fields[name] = value = line[start:stop]
            if not pattern.fullmatch(value):
                self.fault(RECORDS[kind][0], name, f"{value!r} may not stand here")
                good = False
        return fields if good else {}

    def file_header(self, cut: Cut) -> None:
        self.routing("file header", "destination", cut["destination"][1:])
        if cut["origin"][0] == " ":
            if cut["origin"][1:].isdigit():
                self.routing("file header", "origin", cut["origin"][1:])
            else:
                self.fault("file header", "origin", "is neither a routing number nor ten characters")
        self.created = day_of(cut["date"])
        if not self.created:
            self.fault("file header", "date", "is no day")

    def batch_header(self, cut: Cut) -> None:
        self.header, self.batch, self.codes = cut, _Sums(), set()
        self.batches += 1
        if cut["number"] <= self.last_batch:
            self.fault("batch header", "number", "does not ascend")
        self.last_batch = cut["number"]
        effective, asked = day_of(cut["effective date"]), cut["descriptive date"]
        if not effective or not is_business_day(effective):
            self.fault("batch header", "effective date", "is no banking day")
        elif self.created and effective < self.created:
            self.fault("batch header", "effective date", "is before the file's own date")
        elif effective == self.created and asked not in SETTLEMENT_HOURS:
            self.fault("batch header", "descriptive date", "does not ask for the same-day settlement that the date means")
        if re.match(r"SD\d", asked) and asked not in SETTLEMENT_HOURS:
            self.fault("batch header", "descriptive date", "asks for an hour at which nothing settles")

    def entry(self, cut: Cut) -> None:
        self.batch.lines += 1
        self.batch.entries += 1
        self.batch.routings += int(cut["routing"][:8])
        self.codes.add(cut["transaction code"])
        self.owes_addenda = cut["addenda indicator"] == "1"
        self.routing("entry", "routing", cut["routing"])
        self.trace(cut["trace"])
        self.amount(cut)
        self.direction(cut)
        if self.batch.entries == LONGEST_BATCH + 1:
            self.fault("entry", "count", f"the batch has more than {LONGEST_BATCH} entries")

    def trace(self, trace: str) -> None:
        if trace[:8] != self.header.get("odfi", trace[:8]):
            self.fault("entry", "trace", "does not begin with the originating bank")
        if trace <= self.last_trace:
            self.fault("entry", "trace", "does not ascend")
        self.last_trace = trace

    def amount(self, cut: Cut) -> None:
        cents, code = int(cut["amount"]), cut["transaction code"]
        if (cents == 0) != (code in PRENOTES):
            self.fault("entry", "amount", "is zero for a prenote, and for nothing else")
        if code in DEBITS:
            self.batch.debits += cents
        else:
            self.batch.credits += cents
        if cents > LARGEST_SAME_DAY and self.header.get("descriptive date") in SETTLEMENT_HOURS:
            self.fault("entry", "amount", "is above the limit of same-day settlement")

    def direction(self, cut: Cut) -> None:
        """WEB credits are for consumers' own payments and we debit no businesses: both only to take something back."""
        sec, debit = self.header.get("sec"), cut["transaction code"] in DEBITS
        wrong = (sec == "WEB" and not debit) or (sec == "CCD" and debit)
        if wrong and self.header["description"].strip() != "REVERSAL":
            self.fault("entry", "transaction code", f"does not belong into a {sec} batch that is no reversal")
        if (sec == "WEB") != bool(cut["discretionary"].strip()) and sec:
            self.fault("entry", "discretionary", "says S or R in a WEB batch, and nothing elsewhere")

    def addenda(self, cut: Cut) -> None:
        self.batch.lines += 1
        if not self.owes_addenda:
            self.fault("addenda", "type", "follows an entry that announced none")
        self.owes_addenda = False
        if self.last_trace and cut["entry sequence"] != self.last_trace[8:]:
            self.fault("addenda", "entry sequence", "is not that of its entry")

    def batch_control(self, cut: Cut) -> None:
        for name in ("service class", "company id", "odfi", "number"):
            if cut[name] != self.header.get(name, cut[name]):
                self.fault("batch control", name, "is not that of the batch header")
        debits = bool(self.codes & DEBITS)
        if self.codes and cut["service class"] != ("225" if self.codes <= DEBITS else "200" if debits else "220"):
            self.fault("batch control", "service class", "is not what the entries are")
        self.sums("batch control", cut, self.batch)
        self.file.lines += self.batch.lines
        self.file.routings += self.batch.routings % MODULUS
        self.file.debits += self.batch.debits
        self.file.credits += self.batch.credits

    def file_control(self, cut: Cut, lines: int) -> None:
        self.sums("file control", cut, self.file)
        if int(cut["batches"]) != self.batches:
            self.fault("file control", "batches", f"must be {self.batches}")
        if int(cut["blocks"]) * 10 != lines or lines - self.line >= 10:
            self.fault("file control", "blocks", f"{lines} lines, of which {self.line} are no padding")

    def sums(self, record: str, cut: Cut, sums: _Sums) -> None:
        for name, value in (("count", sums.lines), ("debits", sums.debits), ("credits", sums.credits)):
            if int(cut[name]) != value:
                self.fault(record, name, f"must be {value}")
        self.hash(record, cut["hash"], sums.routings)

    def hash(self, record: str, value: str, routings: int) -> None:
        """The rightmost ten digits of the sum of the routing numbers, each without its check digit."""
        if int(value) != routings % MODULUS:
            self.fault(record, "hash", f"must be {routings % MODULUS:010d}")

    def routing(self, record: str, name: str, routing: str) -> None:
        if not aba(routing):
            self.fault(record, name, f"{routing} does not end with its check digit")

    def fault(self, record: str, name: str, why: str) -> None:
        self.faults.append(Fault(self.line, record, name, why))


# ----------------------------------------------------------------------------------------- what was asked for
def compare(text: str, file: File) -> None:
    """Raises InvalidFile unless the text, field by field, says what `file` asked for."""
    asked = ((batch, entry) for batch in file.batches for entry in batch.entries)
    faults = list(_differences(text.split("\n"), file, asked))
    if next(asked, None):
        faults.append(Fault(0, "file", "entries", "some are missing"))
    if faults:
        raise InvalidFile(faults[: InvalidFile.LIMIT])


def _differences(lines: list[str], file: File, asked: Iterator[tuple[Batch, Entry]]) -> Iterator[Fault]:
    header, trace, batches, current = "", file.first_trace, file.first_batch, None
    for number, line in enumerate(lines, 1):
        wanted: list[tuple[str, int, int, str]] = []
        if line.startswith("1"):
            wanted = _wanted_of_file(file)
        elif line.startswith("5"):
            header = line
        elif line.startswith("6"):
            batch, current = next(asked, (None, None))
            if batch is None or current is None:
                yield Fault(number, "entry", "type", "nobody asked for this entry")
                return
            yield from _unequal(number, header, "batch header", _wanted_of_batch(file, batch))
            wanted = _wanted_of_entry(file, batch, current, trace)
            trace += 1
        elif line.startswith("7"):
            wanted = [("information", 4, 83, current.addenda if current else "")]
        elif line.startswith("8"):
            wanted = [("number", 88, 94, f"{batches:07d}")]
            batches += 1
        yield from _unequal(number, line, RECORDS[line[0]][0] if line[:1] in RECORDS else "line", wanted)


def _unequal(number: int, line: str, record: str, wanted: list[tuple[str, int, int, str]]) -> Iterator[Fault]:
    for name, start, stop, value in wanted:
        if line[start - 1 : stop].strip(" ") != value.strip(" "):
            yield Fault(number, record, name, "is not what was asked for")


def _wanted_of_file(file: File) -> list[tuple[str, int, int, str]]:
    who, created = file.originator, file.created.astimezone(EASTERN)
    return [
        ("destination", 4, 13, who.destination), ("origin", 14, 23, who.origin), ("date", 24, 29, _yymmdd(created)),
        ("time", 30, 33, f"{created.hour:02d}{created.minute:02d}"), ("modifier", 34, 34, file.modifier),
        ("destination name", 41, 63, plain(who.destination_name)[:23]), ("origin name", 64, 86, plain(who.origin_name)[:23]),
        ("reference", 87, 94, file.reference),
    ]  # fmt: skip


def _wanted_of_batch(file: File, batch: Batch) -> list[tuple[str, int, int, str]]:
    who, window = file.originator, batch.window
    settles = window.settles_at.astimezone(EASTERN)
    return [
        ("company name", 5, 20, plain(who.company_name)[:16]), ("discretionary", 21, 40, batch.discretionary),
        ("company id", 41, 50, who.company_id), ("sec", 51, 53, batch.sec), ("description", 54, 63, batch.description),
        ("descriptive date", 64, 69, f"SD{settles.hour:02d}{settles.minute:02d}" if window.same_day else ""),
        ("effective date", 70, 75, _yymmdd(window.effective)), ("odfi", 80, 87, who.odfi[:8]),
    ]  # fmt: skip


def _wanted_of_entry(file: File, batch: Batch, entry: Entry, trace: int) -> list[tuple[str, int, int, str]]:
    kind = {"checking": "2", "savings": "3"}[entry.kind]
    action = {(Direction.CREDIT, False): "2", (Direction.CREDIT, True): "3", (Direction.DEBIT, False): "7"}
    payment = ("R" if entry.recurring else "S") if batch.sec == "WEB" else ""
    return [
        ("transaction code", 2, 3, kind + action.get((entry.direction, entry.prenote), "8")), ("routing", 4, 12, entry.routing),
        ("account", 13, 29, entry.account), ("amount", 30, 39, str(entry.amount).zfill(10)), ("id", 40, 54, entry.id),
        ("name", 55, 76, plain(entry.name)[:22]), ("discretionary", 77, 78, payment),
        ("addenda indicator", 79, 79, str(int(bool(entry.addenda)))),
        ("trace", 80, 94, f"{file.originator.odfi[:8]}{trace:07d}"),
    ]  # fmt: skip


def _yymmdd(day: date | datetime) -> str:
    return f"{day.year % 100:02d}{day.month:02d}{day.day:02d}"
