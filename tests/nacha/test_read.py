"""What is read: returns, changes, disputes and acknowledgements, all that banks get wrong, and any bytes at all."""

import io
import random
import time
import tracemalloc
from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from banking.nacha.lines import CHUNK, lines
from banking.nacha.read import read, read_bytes
from banking.nacha.records import (
    Acknowledgement,
    Change,
    Contested,
    Correction,
    Dishonored,
    Forward,
    Reading,
    RefusedChange,
    Remark,
    Return,
)
from banking.nacha.write import write

from . import files
from .files import (
    TRACE,
    addenda98,
    addenda99,
    any_file,
    batch_control,
    batch_header,
    damage,
    entry,
    file_control,
    put,
    returned,
    text,
)


def reading_of(whole: list[str], end: str = "\n") -> Reading:
    return read_bytes("".join(line + end for line in whole).encode())


def only(reading: Reading, kind: type) -> list:
    return [item for item in reading.items if isinstance(item, kind)]


# ------------------------------------------------------------------------------------------------ what banks say
def test_a_return() -> None:
    reading = reading_of(returned(entry(), addenda99("R01", "TRY AGAIN")))
    [item] = only(reading, Return)
    assert (item.code, item.original_trace, item.original_rdfi, item.information) == ("R01", TRACE, "22222222", "TRY AGAIN")
    assert (item.entry.amount, item.entry.id, item.entry.debit, item.entry.sec) == (2_500, "LD1", True, "WEB")
    assert item.date_of_death is None
    assert reading.remarks == [] and reading.quarantined == []


def test_a_return_for_a_death() -> None:
    [item] = only(reading_of(returned(entry(), addenda99("R15", death="261101"))), Return)
    assert item.date_of_death == date(2026, 11, 1)


def test_a_dishonored_return() -> None:
    line = put((1, f"799R68{TRACE}"), (28, "22222222"), (39, "222222220000009"), (54, "331"), (57, "01UNTIMELY"), (80, TRACE))
    [item] = only(reading_of(returned(entry(), line)), Dishonored)
    assert (item.code, item.original_trace, item.return_trace) == ("R68", TRACE, "222222220000009")
    assert (item.return_settlement, item.return_code, item.information) == ("331", "R01", "UNTIMELY")


def test_a_contested_return() -> None:
    line = put((1, f"799R73{TRACE}261130"), (28, "22222222329"), (39, "222222220000009331"), (57, "01"),
               (59, "123456780000077335"), (77, "68"), (80, TRACE))  # fmt: skip
    [item] = only(reading_of(returned(entry(), line)), Contested)
    assert (item.code, item.returned_on, item.original_settlement) == ("R73", "261130", "329")
    assert (item.return_trace, item.return_settlement, item.return_code) == ("222222220000009", "331", "R01")
    assert (item.dishonored_trace, item.dishonored_settlement, item.dishonored_code) == ("123456780000077", "335", "R68")


CORRECTIONS = [
    ("C01", "98765", Correction(account="98765")),
    ("C02", "876543212", Correction(routing="876543212")),
    ("C03", "876543212   98765", Correction(routing="876543212", account="98765")),
    ("C03", "876543212 98765", Correction(routing="876543212", account="98765")),
    ("C04", "Maya Sample", Correction(name="Maya Sample")),
    ("C05", "37", Correction(transaction_code="37")),
    ("C06", "98765               37", Correction(account="98765", transaction_code="37")),
    ("C06", "98765 37", Correction(account="98765", transaction_code="37")),
    ("C07", "87654321212345678901234567" + "37", Correction("876543212", "12345678901234567", "37")),
    ("C07", "87654321298765            37", Correction("876543212", "98765", "37")),
    ("C07", "876543212 98765 37", Correction("876543212", "98765", "37")),
    ("C09", "ID 77", Correction(id="ID 77")),
    ("C10", "NEW NAME", Correction(other="NEW NAME")),
]


@pytest.mark.parametrize(("code", "data", "wanted"), CORRECTIONS)
def test_a_notification_of_change(code: str, data: str, wanted: Correction) -> None:
    reading = reading_of(returned(entry("21", 0), addenda98(code, data), sec="COR", amount=0))
    [item] = only(reading, Change)
    assert (item.code, item.original_trace, item.correction) == (code, TRACE, wanted)
    assert reading.remarks == []


@pytest.mark.parametrize(
    ("code", "data"), [("C02", "876543216"), ("C02", "ABC"), ("C05", "99"), ("C07", "1 2"), ("C03", "876543212"), ("C01", "")]
)
def test_corrected_data_that_makes_no_sense_is_not_applied(code: str, data: str) -> None:
    reading = reading_of(returned(entry("26", 0), addenda98(code, data), sec="COR", amount=0))
    [item] = only(reading, Change)
    assert item.correction is None and item.data == data
    assert [remark.line for remark in reading.remarks] == [5] and "cannot be understood" in reading.remarks[0].text


def test_a_refused_notification_of_change() -> None:
    line = put((1, f"798C65{TRACE}"), (28, "22222222"), (36, "98765"), (65, "C01"), (80, TRACE))
    [item] = only(reading_of(returned(entry("26", 0), line, sec="COR", amount=0)), RefusedChange)
    assert (item.code, item.change_code, item.data) == ("C65", "C01", "98765")


def test_acknowledgements() -> None:
    ack = reading_of(returned(entry("24", 0, TRACE, "0"), sec="ACK", amount=0, count=1))
    [item] = only(ack, Acknowledgement)
    assert (item.original_trace, item.entry.name, ack.remarks) == (TRACE, "MAYA EXAMPLE", [])
    counted = entry("34", 0, TRACE)[:54] + "0001A COMPANY       " + entry("34", 0, TRACE)[74:]
    [item] = only(reading_of(returned(counted, "705THANKS".ljust(94), sec="ATX", amount=0)), Acknowledgement)
    assert (item.original_trace, item.entry.name, item.addenda) == (TRACE, "A COMPANY", ("THANKS",))
    without = reading_of(returned(entry("24", 0, "ABC", "0"), sec="ACK", amount=0, count=1))
    assert "original trace" in without.quarantined[0].reason


def test_codes_that_are_not_in_the_table_are_read_and_remarked() -> None:
    reading = reading_of(returned(entry(), addenda99("R99")))
    assert only(reading, Return)[0].code == "R99"
    assert reading.remarks == [Remark(5, "R99 is not in the table of codes")]


# ------------------------------------------------------------------------------------------------ what banks get wrong
BASE = returned(entry(), addenda99("R01", "CALL US"))
UNPADDED = BASE[:6]


def gist(reading: Reading) -> list[tuple]:
    """What matters of a reading, whatever it looked like."""
    return [
        (item.code, item.original_trace, item.information, item.entry.routing, item.entry.account, item.entry.amount,
         item.entry.id, item.entry.name)
        for item in only(reading, Return)
    ]  # fmt: skip


LENIENT: dict[str, bytes] = {
    "CRLF": "\r\n".join(BASE).encode(),
    "CR": "\r".join(BASE).encode(),
    "CR CR LF": "\r\r\n".join(BASE).encode(),
    "no line ends": "".join(BASE).encode(),
    "no line ends, no padding": "".join(UNPADDED).encode(),
    "one line end missing": "\n".join([BASE[0], BASE[1] + BASE[2], *BASE[3:]]).encode(),
    "no padding": "\n".join(UNPADDED).encode(),
    "short padding": "\n".join([*UNPADDED, "9" * 20]).encode(),
    "blanks at the end of lines": "".join(line + " " * 30 + "\n" for line in BASE).encode(),
    "blanks cut off": "".join(line.rstrip() + "\n" for line in BASE).encode(),
    "byte order mark": b"\xef\xbb\xbf" + "\n".join(BASE).encode(),
    "end-of-file mark": "\n".join(BASE).encode() + b"\n\x1a",
    "NULs for blanks": "\n".join(BASE).encode().replace(b" ", b"\0"),
    "no-break spaces in Latin-1": "\n".join(BASE).replace(" ", "\xa0").encode("latin-1"),
    "no-break spaces in UTF-8": "\n".join(BASE).replace(" ", "\xa0").encode(),
    "blank lines between": "\n\n   \n".join(BASE).encode(),
    "blanks for leading zeros": "\n".join(BASE).replace("0000002500LD1", "      2500LD1").encode(),
}


@pytest.mark.parametrize("how", LENIENT)
def test_leniencies_that_change_nothing(how: str) -> None:
    reading = read_bytes(LENIENT[how])
    assert gist(reading) == gist(reading_of(BASE))
    assert reading.quarantined == []


def test_lower_case() -> None:
    reading = read_bytes("\n".join(BASE).lower().encode())
    assert reading.quarantined == [] and reading.remarks == []
    [item] = only(reading, Return)
    assert (item.code, item.entry.sec, item.entry.name) == ("R01", "WEB", "maya example")


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252", "utf-8 in bytes"])
def test_names_in_any_encoding(encoding: str) -> None:
    name = "Zoë Núñez".ljust(22)
    if encoding == "utf-8 in bytes":  # laid out by a program that counts bytes
        encoding, name = "utf-8", name[:-3]
    line = entry()[:54] + name + entry()[76:]
    reading = read_bytes("\n".join([*BASE[:2], line, *BASE[3:]]).encode(encoding))
    [item] = only(reading, Return)
    assert (item.entry.name, item.entry.trace) == ("Zoë Núñez", files.BACK)
    assert reading.remarks == [] and reading.quarantined == []


def test_missing_controls_and_headers_are_remarked() -> None:
    def said(*whole: str) -> list[str]:
        reading = reading_of(list(whole))
        assert reading.quarantined == [] and len(gist(reading)) == 1
        return [remark.text for remark in reading.remarks]

    header, batch, one, more, end, last = UNPADDED
    assert said(header, batch, one, more, end) == ["the file control record is missing"]
    assert said(header, batch, one, more, last) == ["the batch control record is missing"]
    assert said(header, batch, one, more) == ["the batch control record is missing", "the file control record is missing"]
    assert said(batch, one, more, end) == ["a batch outside any file"]
    assert said(one, more) == ["an entry outside any batch"]
    assert "a file control record without a file" in said(one, more, last)
    assert "a batch control record without a batch" in said(header, one, more, end, last)


def test_wrong_sums_are_remarked() -> None:
    whole = [*UNPADDED[:4], batch_control(2_600, 3), file_control(1, 1)]
    texts = [remark.text for remark in reading_of(whole).remarks]
    assert texts == [
        "batch control: count is 3 and should be 2",
        "batch control: debits is 2600 and should be 2500",
        "file control: count is 1 and should be 2",
        "file control: debits is 1 and should be 2500",
    ]


def test_several_files_in_one() -> None:
    reading = reading_of([*BASE, *UNPADDED, *BASE])
    assert len(gist(reading)) == 3 and reading.remarks == [] and reading.quarantined == []


def test_our_own_files_are_read_too() -> None:
    assert len(only(read_bytes(text().encode()), Forward)) == 3


# ---------------------------------------------------------------------------------------------------- quarantine
SPOILED: list[tuple[str, list[str], list[int], str]] = [
    ("a letter in the amount", returned(entry().replace("0000002500", "00000O2500"), addenda99()), [3, 4], "amount"),
    ("a bad reason code", returned(entry(), addenda99("RX1")), [3, 4], "code (4-6)"),
    ("a bad original trace", returned(entry(), addenda99(trace="12345678 000001")), [3, 4], "original trace"),
    ("an unknown addenda", returned(entry(), "7" + "77" + "X" * 91), [3, 4], "addenda type"),
    ("a return without its reason", returned(entry(addenda="0"), count=1), [3], "without the addenda"),
    ("two reasons", returned(entry(), addenda99(), addenda99("R02"), count=3), [3, 4, 5], "has one addenda"),
    ("an addenda alone", returned(addenda99(), count=1), [3], "without its entry"),
    ("a transaction code of no kind", returned(entry("60"), addenda99()), [3, 4], "transaction code"),
    ("another language", returned(entry(), addenda99(), "REPORT: 1 ITEM"), [5], "no record begins"),
    ("a control character", returned(entry(), addenda99(), "\x07" + "9" * 93), [5], "control characters"),
    ("a wrong date of death", returned(entry(), addenda99("R14", death="261341")), [3, 4], "date of death"),
    ("another layout", returned(entry(), addenda99(), sec="IAT"), [2, 3, 4], "layout of"),
    ("no entry class", returned(entry(), addenda99(), sec="W3B"), [2], "entry class"),
    ("a service class of no kind", [BASE[0], "5999" + BASE[1][4:], *BASE[2:]], [2], "service class"),
    ("a file header of no kind", ["1X1" + BASE[0][3:], *BASE[1:]], [1], "begins with 101"),
    ("a file header without destination", ["101".ljust(13) + BASE[0][13:], *BASE[1:]], [1], "destination"),
    ("a control that is none", [*BASE[:4], "8225ABCDEF", *BASE[5:]], [5], "count"),
]


@pytest.mark.parametrize(("what", "whole", "spoiled", "why"), SPOILED, ids=[row[0] for row in SPOILED])
def test_what_cannot_be_read_is_quarantined(what: str, whole: list[str], spoiled: list[int], why: str) -> None:
    reading = reading_of(whole)
    assert sorted(item.lines[0].number for item in reading.quarantined) == spoiled
    assert any(why in item.reason for item in reading.quarantined)
    assert accounted("".join(line + "\n" for line in whole).encode())


def test_more_than_a_record_in_a_line() -> None:
    reading = read_bytes(("\n".join(BASE[:3]) + " page 1\n" + "\n".join(BASE[3:])).encode())
    [item] = reading.quarantined
    assert (item.lines[0].number, item.lines[0].column, item.lines[0].text) == (3, 95, " page 1")
    assert len(gist(reading)) == 1


def test_most_addenda() -> None:
    many = [entry("27"), *["705X".ljust(94)] * 10_001]
    reading = reading_of([BASE[0], batch_header("CTX"), *many])
    assert "no more than 9999" in reading.quarantined[0].reason


# ------------------------------------------------------------------------------------------------------ any bytes
def accounted(data: bytes) -> bool:
    """Whether every line is in exactly one item, and nothing of its text is missing."""
    wanted = [(line.number, line.column, line.text) for line in lines(io.BytesIO(data))]
    found = [item for item in read(io.BytesIO(data)) if not isinstance(item, Remark)]
    got = sorted((line.number, line.column, line.text) for item in found for line in item.lines)
    assert got == wanted
    physical = [raw.removeprefix(b"\xef\xbb\xbf") for raw in data.splitlines()]
    if data.isascii():  # what else stands for one character is a matter of encodings
        joined = dict.fromkeys(range(1, len(physical) + 1), "")
        for number, _, piece in wanted:
            joined[number] += piece
        clean = bytes.maketrans(b"\0\x1a", b"  ")
        assert [raw.translate(clean).decode().rstrip(" ") for raw in physical] == [line.rstrip(" ") for line in joined.values()]
    return True


@given(st.binary(max_size=600))
@settings(max_examples=150, deadline=None)
@example(b"")
@example(b"\r")
@example(b"\r\n\n\r")
@example(b"\xc2")
@example(b"6" * 94 + b"7" * 94)
def test_any_bytes_are_accounted_for(data: bytes) -> None:
    assert accounted(data)


RECORDS = [*BASE[:6], "", "x", "9" * 94, addenda98("C01", "1"), entry("27"), "705", "6" * 200]


@given(st.lists(st.sampled_from(RECORDS), max_size=30), st.sampled_from(["\n", "\r\n", "\r", ""]))
@settings(max_examples=100, deadline=None)
def test_any_order_of_records_is_accounted_for(whole: list[str], end: str) -> None:
    assert accounted(end.join(whole).encode())


def test_mutated_files_are_accounted_for() -> None:
    dice = random.Random(20261121)
    right = [text().encode(), "\n".join(BASE).encode(), LENIENT["no line ends"], LENIENT["no-break spaces in Latin-1"]]
    for _ in range(600):
        assert accounted(damage(dice.choice(right), dice))


def test_no_line_ends_across_the_pieces_in_which_it_is_read() -> None:
    """Longer than what is read at once, with characters of two bytes where a piece ends."""
    record = entry("27", addenda="0").replace("MAYA EXAMPLE", "Maya Éxample")
    count = 3 * CHUNK // 94
    reading = read_bytes((record * count).encode())
    assert len(only(reading, Forward)) == count and reading.quarantined == []
    assert {item.entry.name for item in only(reading, Forward)} == {"Maya Éxample"}


@pytest.mark.parametrize("what", [b"9", b"6", b"\xff", b"\r"])
def test_memory_is_bounded(what: bytes) -> None:
    """Sixteen times as much input takes no more memory."""
    class Endless(io.RawIOBase):
        def __init__(self, chunks: int) -> None:
            self.chunks = chunks

        def read(self, size: int = -1) -> bytes:
            self.chunks -= 1
            return what * (CHUNK // 32 if what == b"\r" else CHUNK) if self.chunks >= 0 else b""

    def peak(chunks: int) -> int:
        tracemalloc.start()
        for _ in read(Endless(chunks)):  # type: ignore[arg-type]
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(16) < 2 * peak(2) + 1_000_000


@pytest.mark.parametrize("unit", [b"6", b"705X", b"\x80", b"\r", "é".encode(), BASE[2].encode()])
def test_time_is_linear(unit: bytes) -> None:
    """Eight times as much takes about eight times as long; were it quadratic, 64 times."""
    def seconds(size: int) -> float:
        data = "".join([BASE[0], batch_header("CTX"), entry("27")]).encode() + unit * (size // len(unit))
        started = time.process_time()
        for _ in read(io.BytesIO(data)):
            pass
        return time.process_time() - started

    small = 20_000 if unit == b"\r" else 200_000
    assert seconds(8 * small) < 24 * max(seconds(small) for _ in range(3))


def test_entries_of_many_files() -> None:
    dice = random.Random(7)
    whole = "".join(write(any_file(dice)).text for _ in range(20))
    reading = read_bytes(whole.encode())
    assert reading.remarks == [] and reading.quarantined == []
