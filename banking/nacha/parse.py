"""One line into one record: where fields stand, and what a line cannot do without. Lenient, and never guessing."""

from datetime import date
from itertools import pairwise

from .codes import CHANGES
from .lines import FILLER, WIDTH, Line
from .records import (
    BatchControl,
    BatchHeader,
    Change,
    Contested,
    Correction,
    Dishonored,
    Entry,
    FileControl,
    FileHeader,
    Item,
    RefusedChange,
    Return,
)

OTHER_LAYOUTS = frozenset({"IAT", "ADV"})  # their records have other fields; PaYa neither sends nor gets them
LONG_NAMES = frozenset({"CTX", "ATX", "TRX", "ENR"})  # a count stands where others have the first of the name
# Where the parts of corrected data stand, from 0 (rules, appendix five).
CORRECTED = {
    "C01": (("account", 0, 17),), "C02": (("routing", 0, 9),), "C03": (("routing", 0, 9), ("account", 12, 29)),
    "C05": (("transaction_code", 0, 2),), "C06": (("account", 0, 17), ("transaction_code", 20, 22)),
    "C07": (("routing", 0, 9), ("account", 9, 26), ("transaction_code", 26, 28)),
}  # fmt: skip


class Unreadable(ValueError):
    """A field that a line cannot do without does not hold what it must."""


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
