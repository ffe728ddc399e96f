"""Files to try things on: what PaYa would send, what banks send back, and both at random."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st

from banking.nacha import windows
from banking.nacha.model import SPECIALS, Account, Batch, Direction, Entry, File, Originator, Sec
from banking.nacha.write import write

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)  # Tuesday, 10:00 Eastern
ODFI, BANK, OTHER_BANK = "123456780", "222222226", "876543212"  # invented; their check digits are right
PAYA = Originator(ODFI, "Example Bank", "1234567890", "PaYa", "PaYa", "1234567890", ODFI)
STANDARD, SAME_DAY = windows.standard(NOW), windows.same_day(NOW)


def load(amount: int = 2_500, **more: object) -> Entry:
    return replace(Entry(Direction.DEBIT, BANK, "12345", amount, "Maya Example", "LD1"), **more)  # type: ignore[arg-type]


def payout(amount: int = 990, **more: object) -> Entry:
    return replace(Entry(Direction.CREDIT, OTHER_BANK, "0098-7", amount, "Sam Example", "RD1"), **more)  # type: ignore[arg-type]


def web(*entries: Entry, window: windows.Window = STANDARD) -> Batch:
    return Batch(Sec.WEB, "LOAD", window, entries or (load(),))


def ppd(*entries: Entry, window: windows.Window = STANDARD) -> Batch:
    return Batch(Sec.PPD, "REDEMPTION", window, entries or (payout(),))


def file(*batches: Batch) -> File:
    return File(PAYA, batches or (web(load(), load(100, id="LD2")), ppd()), NOW)


def text(*batches: Batch) -> str:
    return write(file(*batches)).text


# --------------------------------------------------------------------------------------------- what banks send back
def put(*parts: tuple[int, str]) -> str:
    """A line of 94 characters with each text at its position, from 1."""
    line = [" "] * 94
    for start, value in parts:
        line[start - 1 : start - 1 + len(value)] = value
    return "".join(line)


TRACE, BACK = "123456780000001"[:8] + "0000001", "222222220000009"
FILE_HEADER = put((1, "101"), (5, ODFI), (14, " 222222226"), (24, "2611300930A094101"), (41, "PAYA"), (64, "SOME BANK"))
FILE_CONTROL = "9" + "000001" + "000001" + "00000002" + "0012345678" + "0" * 24


def batch_header(sec: str) -> str:
    return put((1, "5225PAYA"), (41, "1234567890"), (51, sec), (54, "LOAD"), (70, "261127"), (76, "331"), (79, "122222222"),
               (88, "0000001"))  # fmt: skip


def entry(code: str = "26", amount: int = 2_500, reference: str = "LD1", addenda: str = "1") -> str:
    return put((1, f"6{code}{ODFI}12345"), (30, f"{amount:010d}{reference}"), (55, "MAYA EXAMPLE"), (79, addenda), (80, BACK))


def addenda99(code: str = "R01", information: str = "", death: str = "", trace: str = TRACE) -> str:
    return put((1, f"799{code}{trace}{death}"), (28, "22222222"), (36, information), (80, BACK))


def addenda98(code: str, data: str) -> str:
    return put((1, f"798{code}{TRACE}"), (28, "22222222"), (36, data), (80, BACK))


def batch_control(amount: int = 2_500, count: int = 2, service_class: str = "225") -> str:
    total = f"{amount:012d}{0:012d}"
    return put((1, f"8{service_class}{count:06d}0012345678{total}1234567890"), (80, "222222220000001"))


def file_control(amount: int = 2_500, count: int = 2) -> str:
    return put((1, f"9000001000001{count:08d}0012345678{amount:012d}{0:012d}"))


def returned(*lines: str, sec: str = "WEB", amount: int = 2_500, count: int = 2) -> list[str]:
    """A whole file around an entry and its addenda, padded."""
    whole = [FILE_HEADER, batch_header(sec), *lines, batch_control(amount, count), file_control(amount, count)]
    return whole + ["9" * 94] * (-len(whole) % 10)


# ------------------------------------------------------------------------------------------------------- at random
ALPHA = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def alpha(most: int, least: int = 0, more: str = SPECIALS) -> st.SearchStrategy[str]:
    """Text that stands in a file as it is: no blanks around it."""
    return st.text(ALPHA + more, min_size=least, max_size=most).filter(lambda value: value == value.strip(" "))


def with_check_digit(eight: int) -> str:
    digits = f"{eight:08d}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, (3, 7, 1, 3, 7, 1, 3, 7), strict=True))
    return digits + str(-total % 10)


routings = st.integers(1, 99_999_999).map(with_check_digit)
names = st.text("abc XYZ'-éñ", min_size=1, max_size=30).filter(lambda name: any(c.isalpha() for c in name))


@st.composite
def entries(draw: Callable, direction: Direction, most: int) -> Entry:
    prenote = draw(st.booleans())
    return Entry(
        direction, draw(routings), draw(alpha(17, 1, "-")), 0 if prenote else draw(st.integers(1, most)), draw(names),
        draw(alpha(15)), draw(st.sampled_from(Account)), prenote, draw(st.booleans()), draw(alpha(80)),
    )  # fmt: skip


@st.composite
def batches(draw: Callable) -> Batch:
    sec, now = draw(st.sampled_from(Sec)), NOW
    window = draw(st.sampled_from([windows.standard(now), windows.standard(now, days=2), windows.same_day(now)]))
    reversal = draw(st.booleans())
    allowed = list(Direction)
    if not reversal and sec is not Sec.PPD:
        allowed = [Direction.DEBIT if sec is Sec.WEB else Direction.CREDIT]
    most = windows.SAME_DAY_LIMIT if window.same_day else 10**10 - 1
    chosen = st.sampled_from(allowed).flatmap(lambda direction: entries(direction, most))
    description = "REVERSAL" if reversal else draw(alpha(10, 1).filter(lambda value: value != "REVERSAL"))
    return Batch(sec, description, window, tuple(draw(st.lists(chosen, min_size=1, max_size=4))), draw(alpha(20)))


files = st.builds(
    File, st.just(PAYA), st.lists(batches(), min_size=1, max_size=3).map(tuple), st.just(NOW), st.sampled_from(ALPHA), alpha(8),
    st.integers(1, 9_000_000), st.integers(1, 9_000_000),
)  # fmt: skip


def any_file(dice: random.Random) -> File:
    """The same without Hypothesis, for those who need thousands."""
    def one(number: int, direction: Direction, sec: Sec) -> Entry:
        prenote = dice.random() < 0.1
        return Entry(
            direction, with_check_digit(dice.randrange(1, 10**8)), "".join(dice.choices(ALPHA, k=dice.randint(1, 17))),
            0 if prenote else dice.choice([1, dice.randint(1, 99_999), dice.randint(1, 100_000_000)]), "Sam Example",
            f"REF{number}", dice.choice(list(Account)), prenote, sec is Sec.WEB and dice.random() < 0.5,
            "TEXT" if dice.random() < 0.2 else "",
        )  # fmt: skip

    def batch() -> Batch:
        sec = dice.choice(list(Sec))
        direction = {Sec.WEB: Direction.DEBIT, Sec.CCD: Direction.CREDIT}.get(sec) or dice.choice(list(Direction))
        some = tuple(one(number, direction, sec) for number in range(dice.randint(1, 3)))
        return Batch(sec, "TRANSFER", dice.choice([STANDARD, SAME_DAY]), some)

    return File(PAYA, tuple(batch() for _ in range(dice.randint(1, 2))), NOW)


def damage(data: bytes, dice: random.Random) -> bytes:
    """Bytes changed, lost, doubled, moved; lines lost and doubled; the end cut off."""
    for _ in range(dice.randint(1, 4)):
        at, to = sorted(dice.randrange(len(data) + 1) for _ in range(2))
        kind = dice.randrange(5)
        if kind == 0:
            data = data[:at] + bytes([dice.randrange(256)]) + data[at + 1 :]
        elif kind == 1:
            data = data[:at] + data[min(to, at + 40) :]
        elif kind == 2:
            data = data[:at] + data[at : at + 95] + data[at:]
        elif kind == 3:
            data = data[:at] + dice.randbytes(dice.randint(1, 5)) + data[at:]
        else:
            data = data[: max(at, 1)]
    return data
