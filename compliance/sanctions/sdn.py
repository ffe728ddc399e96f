"""OFAC's list of specially designated nationals as the Treasury publishes it: sdn.csv, and beside it alt.csv and add.csv.

No header; fields in quotes where they need them; `-0-` (with or without a blank) for nothing; a last line of 0x1A, which came
with the format's first editor. sdn.csv has 12 columns (number, name, type, program, title, call sign, vessel type, tonnage, gross
tonnage, flag, owner, remarks), alt.csv five (number, alias number, kind of alias, alias, remarks), add.csv six (number, address
number, address, city and state, country, remarks). Source: "SDN data file formats", U.S. Treasury, OFAC.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

NOTHING = "-0-"
KINDS = {"individual": "individual", "": "entity", "entity": "entity", "vessel": "vessel", "aircraft": "aircraft"}
PROBLEMS_SHOWN = 20
LONGEST = 64 * 2**20  # bytes; the published files have about five million


class BrokenList(Exception):
    """A file that is not what it should be: nothing of it was taken. `problems` name lines."""

    def __init__(self, problems: list[str]) -> None:
        more = len(problems) - PROBLEMS_SHOWN
        self.problems = problems[:PROBLEMS_SHOWN] + ([f"and {more} more"] if more > 0 else [])
        super().__init__("\n".join(self.problems))


@dataclass
class Entry:
    """One entry under its number. `names` are its name and its aliases."""

    number: int
    kind: str
    name: str
    program: str
    title: str
    remarks: str
    aliases: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return [self.name, *self.aliases]

    @property
    def key(self) -> str:
        """Stands for what can be mistaken for somebody: another program or remark is the same entry."""
        return _digest(self.kind, sorted(self.names))

    @property
    def digest(self) -> str:
        return _digest(self.kind, self.name, self.aliases, self.program, self.title, self.remarks, self.places)


def read(sdn: Path, alt: Path | None = None, add: Path | None = None) -> list[Entry]:
    """Every entry of the list. Raises BrokenList, which names the lines, where anything is not as published."""
    problems: list[str] = []
    entries: dict[int, Entry] = {}
    lines: dict[int, int] = {}
    for line, row in _rows(sdn, 12, problems):
        number = _number(sdn, line, row[0], problems)
        kind = KINDS.get(row[2].lower())
        if number is None:
            continue
        if number in entries:
            problems.append(f"{sdn.name} line {line}: entry {number} is there twice, first on line {lines[number]}")
        elif kind is None:
            problems.append(f"{sdn.name} line {line}: “{row[2][:20]}” is no type of entry")
        elif not row[1]:
            problems.append(f"{sdn.name} line {line}: entry {number} has no name")
        else:
            lines[number] = line
            entries[number] = Entry(number, kind, row[1], program=row[3], title=row[4], remarks=row[11])
    if not entries and not problems:
        problems.append(f"{sdn.name}: there is no entry in it")
    for path, columns in ((alt, 5), (add, 6)):
        for line, row in _rows(path, columns, problems) if path else ():
            number = _number(path, line, row[0], problems) if path else None
            if number is None or path is None:
                continue
            if number not in entries:
                problems.append(f"{path.name} line {line}: there is no entry {number}")
            elif path is alt and not row[3]:
                problems.append(f"{path.name} line {line}: an alias without a name")
            elif path is alt:
                entries[number].aliases.append(row[3])
            elif place := ", ".join(part for part in row[2:5] if part):
                entries[number].places.append(place)
    if problems:
        raise BrokenList(problems)
    return list(entries.values())


def _rows(path: Path, columns: int, problems: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line that it begins on, its fields without blanks around and without `-0-`."""
    reader = csv.reader(io.StringIO(_text(path, problems), newline=""), strict=True)
    line = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems.append(f"{path.name} line {reader.line_num}: {error}")
            return  # whatever follows is out of step
        fields = [" ".join(value.split()) for value in row]
        at, line = line, reader.line_num + 1
        if fields in ([], [""]):
            continue
        if len(fields) != columns:
            problems.append(f"{path.name} line {at}: {len(fields)} columns instead of {columns}")
            continue
        yield at, ["" if value == NOTHING else value for value in fields]


def _text(path: Path, problems: list[str]) -> str:
    if path.stat().st_size > LONGEST:
        problems.append(f"{path.name}: longer than any such list ({LONGEST >> 20} MB)")
        return ""
    raw = path.read_bytes().rstrip(b"\r\n\x1a ")
    if binary := re.search(rb"[\0\x1a]", raw):
        problems.append(f"{path.name} line {raw.count(10, 0, binary.start()) + 1}: binary data")
        return ""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")  # older editions


def _number(path: Path | None, line: int, text: str, problems: list[str]) -> int | None:
    if text.isascii() and text.isdigit() and len(text) <= 12 and int(text) > 0:
        return int(text)
    problems.append(f"{path.name if path else ''} line {line}: “{text[:20]}” is no number of an entry")
    return None


def _digest(*values: object) -> str:
    return hashlib.sha256(json.dumps(values, ensure_ascii=False).encode()).hexdigest()[:32]
