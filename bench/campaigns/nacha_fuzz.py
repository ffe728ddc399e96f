"""Damaged and disguised NACHA files against the reader, the validator and the writer, on all cores.

1. Files at random are written; they must pass, and read as what was asked for.
2. Each in the disguises of banks (line ends, encodings, blanks) must still read as the same.
3. One byte changed: if the text alone passes, the reader must have nothing to remark, routing numbers and amounts must
   be what they were, and the comparison with what was asked for must complain.
4. Any damage: no exception, every line in exactly one item, and what the validator takes the reader takes.

Control runs: the same with one protection taken out, which must be found. Beside it the speed of both in MB/s, and of
plain line reading, measured in the same run.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from banking.nacha import lines, parse, read, validate, write
from banking.nacha.errors import InvalidFile
from banking.nacha.lines import Line
from banking.nacha.model import Entry, File
from banking.nacha.records import Forward, Quarantined, Reading, Remark
from tests.nacha.files import addenda98, addenda99, any_file, damage, entry, returned

from .report import Report

FILES, SHORT_FILES = 2_000_000, 3_000
CONTROL_FILES, SHORT_CONTROL_FILES = 4_000, 1_000
MUTANTS = 20  # of each written file
SPEED_MB = 4

DISGUISES: dict[str, Callable[[str], bytes]] = {
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "CR": lambda text: text.replace("\n", "\r").encode(),
    "no line ends": lambda text: text.replace("\n", "").encode(),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "no-break spaces in Latin-1": lambda text: text.replace(" ", "\xa0").encode("latin-1"),
    "no-break spaces in UTF-8": lambda text: text.replace(" ", "\xa0").encode(),
    "blanks cut off": lambda text: "\n".join(line.rstrip() for line in text.split("\n")).encode(),
    "blanks added": lambda text: text.replace("\n", "     \n").encode(),
    "no padding": lambda text: "\n".join(line for line in text.split("\n") if line != "9" * 94).encode(),
    "twice in one": lambda text: (text * 2).encode(),
}


def money(reading: Reading) -> list[tuple[str, str, int, str]]:
    """What must not change: which way, whose bank, how much, under which trace."""
    found = [item.entry for item in reading.items if isinstance(item, Forward)]
    return [(one.transaction_code, one.routing, one.amount, one.trace) for one in found]


def asked_for(traces: tuple[tuple[Entry, str], ...]) -> list[tuple[str, str, int, str]]:
    return [(one.transaction_code, one.routing, one.amount, trace) for one, trace in traces]


def passes(examine: Callable[..., None], *what: object) -> bool:
    try:
        examine(*what)
    except InvalidFile:
        return False
    return True


def unaccounted(data: bytes) -> int:
    """Lines that are in no item, or in two."""
    found = [item for item in read.read(io.BytesIO(data)) if not isinstance(item, Remark)]
    seen = Counter((line.number, line.column, line.text) for item in found for line in item.lines)
    wanted = Counter((line.number, line.column, line.text) for line in lines.lines(io.BytesIO(data)))
    return sum(((seen - wanted) + (wanted - seen)).values())


# ---------------------------------------------------------------------------------------------------- one process
def bout(seed: int, files: int) -> Counter[str]:
    """About `files` mutated files; what was tried and what went wrong, with the first example of each."""
    dice, found = random.Random(seed), Counter[str]()
    change = returned(entry("21", 0), addenda98("C01", "9"), sec="COR", amount=0)
    backs = ["\n".join(returned(entry(), addenda99("R01"))), "\n".join(change)]
    while found["mutated"] < files:
        file = any_file(dice)
        try:
            written = write.write(file)
            right, wanted = written.text, asked_for(written.traces)
            found["written"] += 1
            reading = read.read_bytes(right.encode())
            found["disagreements"] += money(reading) != wanted or bool(reading.remarks or reading.quarantined)
            disguised(right, wanted, found)
            for _ in range(MUTANTS // 2):
                one_byte(file, right, wanted, dice, found)
                damaged(dice.choice([right, right, *backs]).encode(), dice, found)
        except Exception as error:  # noqa: BLE001  (any at all is what is looked for)
            found["crashes"] += 1
            found[f"crash: {error!r:.120}"] += 1
    return found


def disguised(right: str, wanted: list[tuple[str, str, int, str]], found: Counter[str]) -> None:
    disguise = list(DISGUISES.values())[found["disguised"] % len(DISGUISES)]
    reading = read.read_bytes(disguise(right))
    found["disguised"] += 1
    got = money(reading)
    found["disguises not seen through"] += (got != wanted and got != wanted * 2) or bool(reading.quarantined)


def somewhere(right: str, dice: random.Random) -> int:
    """A position in the file, half of the time in a record of sums."""
    sums = [start for start in range(0, len(right), 95) if right[start] == "8" or right[start : start + 2] == "90"]
    return dice.randrange(len(right)) if dice.random() < 0.5 else dice.choice(sums) + dice.randrange(94)


def one_byte(file: File, right: str, wanted: list[tuple[str, str, int, str]], dice: random.Random, found: Counter[str]) -> None:
    at = somewhere(right, dice)
    wrong = right[:at] + dice.choice("0123456789 ABXYZ\n\r\0a~") + right[at + 1 :]
    found["mutated"] += 1
    if wrong == right or not passes(validate.check, wrong):
        return
    found["mutated and taken by the validator"] += 1
    reading = read.read_bytes(wrong.encode())
    moved = [row[1:3] for row in money(reading)] != [row[1:3] for row in wanted]
    odd = bool(reading.remarks or reading.quarantined)
    found["disagreements"] += moved or odd or passes(validate.compare, wrong, file)


def damaged(right: bytes, dice: random.Random, found: Counter[str]) -> None:
    wrong = damage(right, dice)
    found["mutated"] += 1
    found["lines"] += wrong.count(b"\n") + 1
    found["unaccounted"] += unaccounted(wrong)
    if wrong.isascii() and passes(validate.check, wrong.decode()):
        reading = read.read_bytes(wrong)
        found["disagreements"] += bool(reading.remarks or reading.quarantined)


# -------------------------------------------------------------------------------------------------------- controls
def without_hash(stack: ExitStack) -> None:
    stack.enter_context(patch.object(validate._Check, "hash", lambda *_: None))


def without_long_lines(stack: ExitStack) -> None:
    def whole(number: int, column: int, text: str) -> list[Line]:
        return [Line(number, column, text[:94])]

    stack.enter_context(patch.object(lines, "pieces", whole))


def without_blanks(stack: ExitStack) -> None:
    stack.enter_context(patch.object(lines, "BLANKS", {}))


def without_quarantine_of_addenda(stack: ExitStack) -> None:
    def forget(self: read._Reader, line: Line, reason: str) -> None:
        if line.text[:1] != "7":
            self.out.append(Quarantined((line,), reason))

    stack.enter_context(patch.object(read._Reader, "spoil", forget))


def without_care(stack: ExitStack) -> None:
    def careless(line: str, start: int, stop: int, name: str) -> int:
        return int(line[start - 1 : stop])

    stack.enter_context(patch.object(parse, "number_of", careless))


CONTROLS: dict[str, tuple[Callable[[ExitStack], None], str]] = {
    "a validator without the hash": (without_hash, "disagreements"),
    "a reader that knows no files without line ends": (without_long_lines, "disguises not seen through"),
    "a reader that knows no no-break spaces": (without_blanks, "disguises not seen through"),
    "a reader that drops addenda it cannot read": (without_quarantine_of_addenda, "unaccounted"),
    "a reader that takes numbers for numbers": (without_care, "crashes"),
}


def controlled(name: str, seed: int, files: int) -> int:
    """How often the fault that a missing protection lets through was seen."""
    remove, sign = CONTROLS[name]
    with ExitStack() as stack:
        remove(stack)
        return bout(seed, files)[sign]


# ----------------------------------------------------------------------------------------------------------- speed
def speed(seed: int) -> dict[str, float]:
    """MB/s of each step on one large file, and of plain line reading beside it: the best of three interleaved rounds."""
    file = any_file(random.Random(seed))
    first = replace(file.batches[0], entries=(replace(file.batches[0].entries[0], amount=100, prenote=False, addenda=""),))
    big = replace(file, batches=(replace(first, entries=first.entries * (SPEED_MB * 1_000_000 // 95)),))
    text = write.render(big)[0]
    data = text.encode()
    steps: dict[str, Callable[[], object]] = {
        "plain line reading": lambda: sum(1 for _ in io.BytesIO(data)),
        "written, unchecked": lambda: write.render(big),
        "written, validated and compared": lambda: write.write(big),
        "validated": lambda: validate.check(text),
        "read": lambda: sum(1 for _ in read.read(io.BytesIO(data))),
    }
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(3):
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            best[name] = min(best[name], time.perf_counter() - started)
    return {name: round(len(data) / 1e6 / seconds, 1) for name, seconds in best.items()}


# ---------------------------------------------------------------------------------------------------- the campaign
def stop_when_told() -> None:
    """A worker inherits the campaign's handling of signals, which raises, and here every exception is a finding."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def run(*, data: Path, short: bool, seed: int, size: int | None) -> int:
    """`size` is the number of mutated files. Nothing of it needs `data` or a server."""
    report = Report("nacha-fuzz", short, seed)
    workers = os.cpu_count() or 1
    files = size or (SHORT_FILES if short else FILES)
    shares = [(seed + worker, -(-files // workers)) for worker in range(workers)]
    few = SHORT_CONTROL_FILES if short else CONTROL_FILES
    with multiprocessing.get_context("fork").Pool(workers, stop_when_told) as pool:
        found = sum(pool.starmap(bout, shares), Counter[str]())
        seen = pool.starmap(controlled, [(name, seed, few) for name in CONTROLS])
    for name in ("written", "disguised", "mutated", "mutated and taken by the validator", "lines"):
        report.figure(name, found[name])
    for name in ("crashes", "unaccounted", "disagreements", "disguises not seen through"):
        report.must_be(name, found[name], 0)
    report.broken += [name for name in found if name.startswith("crash: ")][:10]
    for name, times in zip(CONTROLS, seen, strict=True):
        report.control(name, failed=times > 0, how=f"{CONTROLS[name][1]}: {times}")
    if not short:
        for name, rate in speed(seed).items():
            report.figure(f"MB per second, {name}", rate)
    return report.finish()

