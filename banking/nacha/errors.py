"""What the writer raises instead of returning a file with a fault."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `line` counts from 1; 0 where no line exists yet or the file as a whole is meant."""

    line: int
    record: str
    field: str
    why: str

    def __str__(self) -> str:
        place = f"line {self.line}, " if self.line else ""
        return f"{place}{self.record}, {self.field}: {self.why}"


class InvalidFile(Exception):
    """A file that must not leave the house, with all that was found (at most `LIMIT` faults)."""

    LIMIT = 50

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(f"{faults[0]}{more}")


def refuse(record: str, field: str, why: str) -> InvalidFile:
    """The error for one fault in what was asked for, before there is a line."""
    return InvalidFile([Fault(0, record, field, why)])
