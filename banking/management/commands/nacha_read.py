import json
import tempfile
from collections import Counter
from dataclasses import fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from banking.nacha.lines import Line
from banking.nacha.read import read
from banking.nacha.records import Blank, Correction, Entry, Item, Quarantined, Remark

SHOWN = 4  # characters of an account number
PIECE = 1 << 16
IN_MEMORY = 1 << 20  # bytes of remarks and quarantined lines; more of them wait in a temporary file


class Command(BaseCommand):
    help = (
        "What NACHA files say, as JSON: understood records, what could not be read and why, and what is odd. "
        "Exit status 0 when everything was understood, 1 when something was quarantined, 2 when a file cannot be opened."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument("--whole", action="store_true", help="account numbers and quarantined lines in full")

    def handle(self, *args: Any, files: list[Path], whole: bool, **options: Any) -> None:
        for path in files:  # before anything is printed
            if not path.is_file():
                raise CommandError(f"{path} is no file." if path.exists() else f"There is no file {path}.", returncode=2)
        quarantined = 0
        self.stdout.write('{"files": [')
        for path in files:
            try:
                with path.open("rb") as stream:
                    quarantined += self.show(path, stream, whole=whole)
            except OSError as error:
                raise CommandError(f"{path} cannot be read: {error.strerror}.", returncode=2) from error
            self.stdout.write("," if path is not files[-1] else "]}")
        if quarantined:
            raise SystemExit(1)

    def show(self, path: Path, stream: BinaryIO, *, whole: bool) -> int:
        """Print one file's object as it is read; how many lines were quarantined."""
        counts: Counter[str] = Counter()
        separator = ""
        self.stdout.write(f'{{"file": {json.dumps(str(path))}, "understood": [')
        with _later() as remarks, _later() as quarantine:
            for found in read(stream):
                counts[found.kind] += 1
                if isinstance(found, Blank):
                    continue
                if isinstance(found, Remark | Quarantined):
                    aside = remarks if isinstance(found, Remark) else quarantine
                    aside.write(("," if aside.tell() else "") + json.dumps(plain(found, whole=whole)) + "\n")
                else:
                    self.stdout.write(separator + json.dumps(plain(found, whole=whole)))
                    separator = ","
            for name, aside in (("quarantined", quarantine), ("remarks", remarks)):
                self.stdout.write(f'], "{name}": [')
                aside.seek(0)
                while piece := aside.read(PIECE):
                    self.stdout.write(piece, ending="")  # it may end within a line
        self.stdout.write(f'], "counts": {json.dumps(counts)}}}')
        return counts[Quarantined.kind]


def _later() -> Any:
    return tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, mode="w+", encoding="utf-8")


def plain(found: Item | Remark, *, whole: bool) -> dict[str, Any]:
    """As JSON knows it. Account numbers are personal data: the last digits are enough to recognise one."""
    shown = {"kind": found.kind} | {name: _value(value, whole) for name, value in _members(found)}
    if isinstance(found, Quarantined):
        line = found.lines[0]
        shown |= {"line": line.number, "column": line.column, "text": line.shown if whole else f"{line.shown[:12]}…"}
        shown["length"] = len(line.shown)
        del shown["lines"]
    if not whole and "data" in shown:
        shown["data"] = masked(shown["data"])
    return shown


def masked(text: str) -> str:
    return "•" * (len(text) - SHOWN) + text[-SHOWN:] if len(text) > SHOWN else text


def _members(found: Any) -> list[tuple[str, Any]]:
    return [(member.name, getattr(found, member.name)) for member in fields(found)]


def _value(value: Any, whole: bool) -> Any:
    if isinstance(value, Line):
        return value.number
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_value(one, whole) for one in value]
    if is_dataclass(value) and not isinstance(value, type):
        shown = {name: _value(one, whole) for name, one in _members(value)}
        if isinstance(value, Entry | Correction) and not whole:
            shown["account"] = masked(shown["account"])
        return shown
    return value
