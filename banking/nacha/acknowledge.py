"""What the bank says about a file that we sent: taken or refused, and when its batches settle.

No rule prescribes such a report; banks agree its form with each originator. This is the form that PaYa agrees, one
statement per line, blanks and case as they come:

    ACH FILE ACKNOWLEDGEMENT
    FILE      PAYA-12345678-261124-A.ach
    STATUS    ACCEPTED                      (or REJECTED, with a line REASON)
    ENTRIES   2
    DEBITS    2500                          (cents)
    CREDITS   990
    BATCH     0000001 SETTLES 2026-11-25
"""

import re
from dataclasses import dataclass
from datetime import date

TITLE = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*ACH FILE ACKNOWLEDGE?MENT", re.IGNORECASE)
_STATEMENT = re.compile(r"\s*([A-Z0-9]+)\s*:?\s+(.*?)\s*", re.IGNORECASE)
_BATCH = re.compile(r"(\d{1,7})\s+SETTLES:?\s+(\d{4}-\d{2}-\d{2})", re.IGNORECASE)
_FIGURES = ("ENTRIES", "DEBITS", "CREDITS")


class Unreadable(ValueError):
    """It does not say which file, or not what became of it."""


@dataclass(frozen=True, slots=True)
class FileAcknowledgement:
    file: str
    accepted: bool
    reason: str
    figures: dict[str, int]  # ENTRIES, DEBITS, CREDITS, as far as they are named
    settles: dict[int, date]  # by batch number
    odd: tuple[tuple[int, str], ...]  # lines that say nothing known, by number


def is_one(data: bytes) -> bool:
    return TITLE.match(data) is not None


def parse(data: bytes) -> FileAcknowledgement:
    """Raises Unreadable."""
    said: dict[str, str] = {}
    settles: dict[int, date] = {}
    odd: list[tuple[int, str]] = []
    for number, line in enumerate(data.decode("utf-8", errors="replace").lstrip("\ufeff").splitlines(), start=1):
        if not line.strip() or is_one(line.encode()):
            continue
        statement = _STATEMENT.fullmatch(line)
        name, value = (statement[1].upper(), statement[2]) if statement else ("", "")
        if name == "BATCH" and (batch := _settlement(value)):
            settles[batch[0]] = batch[1]
        elif name in ("FILE", "STATUS", "REASON") or (name in _FIGURES and value.isascii() and value.isdigit()):
            said[name] = value
        else:
            odd.append((number, line))
    if said.get("STATUS", "").upper() not in ("ACCEPTED", "REJECTED") or not said.get("FILE"):
        raise Unreadable("an acknowledgement without file or status")
    figures = {name: int(said[name]) for name in _FIGURES if name in said}
    return FileAcknowledgement(
        said["FILE"], said["STATUS"].upper() == "ACCEPTED", said.get("REASON", ""), figures, settles, tuple(odd)
    )


def _settlement(value: str) -> tuple[int, date] | None:
    found = _BATCH.fullmatch(value)
    try:
        return (int(found[1]), date.fromisoformat(found[2])) if found else None
    except ValueError:
        return None
