"""What is written: a golden file computed by hand, refusals, round trips, and one wrong byte anywhere."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from banking.nacha import validate, windows, write
from banking.nacha.errors import InvalidFile
from banking.nacha.model import Account, Batch, Direction, File, Sec, plain, reverse
from banking.nacha.read import read_bytes
from banking.nacha.records import BatchHeader, Forward, Quarantined

from .files import BANK, NOW, ODFI, PAYA, SAME_DAY, STANDARD, any_file, file, files, load, payout, ppd, text, web

# Batch 1: 22222222 + 22222222 + 22222222 = 66666666; debits 25.00 + 1.00 + 0.
# Batch 2: 87654321 + 22222222 = 109876543; credits 9.90 + 1234567.89; one addenda, so three lines.
# File: 66666666 + 109876543 = 176543209. Lines: 1 + (1 + 3 + 1) + (1 + 3 + 1) + 1 = 12, so two blocks and 8 lines of nines.
GOLDEN = (
    "101 12345678012345678902611241000A094101EXAMPLE BANK           PAYA                   REF00001\n"
    "5225PAYA                                1234567890WEBLOAD            261125   1123456780000001\n"
    "62722222222612345            0000002500LD1            MAYA EXAMPLE          S 0123456780000001\n"
    "63722222222612345            0000000100LD2            MAYA EXAMPLE          R 0123456780000002\n"
    "62822222222612345            0000000000LD3            MAYA EXAMPLE          S 0123456780000003\n"
    "822500000300666666660000000026000000000000001234567890                         123456780000001\n"
    "5220PAYA                                1234567890PPDREDEMPTION      261125   1123456780000002\n"
    "6228765432120098-7           0000000990RD1            SAM EXAMPLE             0123456780000004\n"
    "63222222222612345            0123456789RD2            JOSE NUNEZ              1123456780000005\n"
    "705THANK YOU                                                                       00010000005\n"
    "822000000301098765430000000000000001234577791234567890                         123456780000002\n"
    "9000002000002000000060176543209000000002600000123457779                                       \n"
) + ("9" * 94 + "\n") * 8


def golden() -> File:
    first = web(load(), load(100, id="LD2", kind=Account.SAVINGS, recurring=True), load(0, id="LD3", prenote=True))
    second = payout(
        123_456_789, routing=BANK, account="12345", id="RD2", name="José Núñez", kind=Account.SAVINGS, addenda="THANK YOU"
    )
    return replace(file(first, ppd(payout(), second)), reference="REF00001")


def test_a_golden_file_with_sums_computed_by_hand() -> None:
    written = write.write(golden())
    assert written.text == GOLDEN
    assert [trace for _, trace in written.traces] == [f"12345678000000{number}" for number in range(1, 6)]
    assert written.traces[0][0] == golden().batches[0].entries[0]


def test_a_reversal_takes_back_the_same_amounts_in_the_same_class() -> None:
    original = web(load(), load(100, id="LD2"), load(0, prenote=True))
    back = reverse(original, STANDARD)
    assert [(entry.direction, entry.amount) for entry in back.entries] == [(Direction.CREDIT, 2_500), (Direction.CREDIT, 100)]
    lines = text(back).splitlines()
    assert lines[1][:4] == "5220" and lines[1][50:63] == "WEBREVERSAL  " and lines[2][:3] == "622"
    only = reverse(original, STANDARD, only=original.entries[1:2])
    assert [entry.id for entry in only.entries] == ["LD2"]


def test_a_reversal_of_a_payout_to_a_business_is_a_debit() -> None:
    paid = Batch(Sec.CCD, "PAYOUT", STANDARD, (payout(),))
    assert text(reverse(paid, STANDARD)).splitlines()[1][:4] == "5225"


def test_same_day_is_asked_for_in_the_descriptive_date() -> None:
    header = text(web(load(windows.SAME_DAY_LIMIT), window=SAME_DAY)).splitlines()[1]
    assert header[63:75] == "SD1300261124"


def test_debits_and_credits_in_one_batch_are_a_mixed_one() -> None:
    mixed = Batch(Sec.PPD, "MIXED", STANDARD, (load(), payout()))
    assert text(mixed).splitlines()[1][:4] == "5200"


def test_a_long_batch_becomes_several() -> None:
    written = write.write(file(web(*(load(number + 1) for number in range(2_501)))))
    lines = written.text.splitlines()
    assert [line[88:94] for line in lines if line[0] == "5"] == ["000001", "000002"]
    assert [line[4:10] for line in lines if line[0] == "8"] == ["002500", "000001"]
    assert written.traces[-1][1] == "123456780002501"


def test_traces_and_batches_go_on_where_the_file_before_ended() -> None:
    written = write.write(replace(file(web()), first_trace=9_999_999, first_batch=77))
    assert written.traces[0][1] == "123456789999999"
    with pytest.raises(InvalidFile, match="entry, trace"):
        write.write(replace(file(web(load(), load())), first_trace=9_999_999))


REFUSED: list[tuple[str, File]] = [
    ("entry, name: '  *' may", file(web(load(name="王")))),
    ("entry, id: 'ld1", file(web(load(id="ld1")))),
    ("entry, id: has more than 15", file(web(load(id="L" * 16)))),
    ("entry, account: has more than 17", file(web(load(account="1" * 18)))),
    ("entry, account: '12 345", file(web(load(account="12 345")))),
    ("entry, account: ' ", file(web(load(account="")))),
    ("entry, amount: -1", file(web(load(-1)))),
    ("entry, amount: 10000000000 ", file(web(load(10**10)))),
    ("entry, amount: is zero", file(web(load(0)))),
    ("entry, amount: is zero", file(web(load(1, prenote=True)))),
    ("entry, amount: is above the limit", file(web(load(windows.SAME_DAY_LIMIT + 1), window=SAME_DAY))),
    ("entry, routing: 222222222 does not end", file(web(load(routing="222222222")))),
    ("entry, routing: must be 9 digits", file(web(load(routing="2222²2226")))),
    ("entry, transaction code: does not belong", file(web(payout()))),
    ("entry, transaction code: does not belong", file(Batch(Sec.CCD, "LOAD", STANDARD, (load(),)))),
    ("addenda, information: has more", file(web(load(addenda="A" * 81)))),
    ("addenda, information: 'café", file(web(load(addenda="café")))),
    ("batch header, description: has more", file(replace(web(), description="A" * 11))),
    ("batch header, description: ' ", file(replace(web(), description=""))),
    ("batch header, entries: a batch without", file(replace(web(), entries=()))),
    ("file, batches: a file without", File(PAYA, (), NOW)),
    ("file header, created: needs", File(PAYA, (web(),), datetime(2026, 11, 24))),
    ("file header, modifier: 'a'", replace(file(), modifier="a")),
    ("file header, destination: 123456789 does", replace(file(), originator=replace(PAYA, destination="123456789"))),
    ("file header, origin: 123456789 does", replace(file(), originator=replace(PAYA, origin="123456789"))),
    ("batch header, company name: ' ", replace(file(), originator=replace(PAYA, company_name="_"))),
    ("batch header, odfi: must be", replace(file(), originator=replace(PAYA, odfi="12345678"))),
    ("effective date: is before", replace(file(), created=datetime(2026, 11, 27, 12, tzinfo=NOW.tzinfo))),
    ("effective date: is no banking day", file(web(window=replace(STANDARD, effective=date(2026, 11, 26))))),
    ("does not ask for the same-day", file(web(window=replace(STANDARD, effective=date(2026, 11, 24))))),
]  # fmt: skip


@pytest.mark.parametrize(("why", "asked"), REFUSED, ids=[why for why, _ in REFUSED])
def test_a_faulty_file_is_never_returned(why: str, asked: File) -> None:
    with pytest.raises(InvalidFile, match=why.replace("(", r"\(")) as refused:
        write.write(asked)
    fault = refused.value.faults[0]
    assert fault.record and fault.field and fault.why


def test_names_are_simplified_and_nothing_else() -> None:
    assert plain("  José  Núñez-O’Brien_") == "JOSE NUNEZ-O BRIEN"
    assert text(web(load(name="A name that is longer than its field"))).splitlines()[2][54:76] == "A NAME THAT IS LONGER "


@given(files)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_written_reads_as_what_was_asked_for(asked: File) -> None:
    written = write.write(asked)
    reading = read_bytes(written.text.encode())
    assert reading.remarks == [] and reading.quarantined == []
    entries = [item for item in reading.items if isinstance(item, Forward)]
    wanted = [(batch, entry) for batch in asked.batches for entry in batch.entries]
    assert len(entries) == len(wanted)
    for item, (batch, entry), (_, trace) in zip(entries, wanted, written.traces, strict=True):
        found = item.entry
        assert (found.transaction_code, found.routing, found.account, found.amount, found.id, found.trace, found.sec) == (
            entry.transaction_code, entry.routing, entry.account, entry.amount, entry.id, trace, batch.sec
        )  # fmt: skip
        assert found.name == plain(entry.name)[:22].strip()
        assert found.debit == (entry.direction is Direction.DEBIT)
        assert item.addenda == ((entry.addenda,) if entry.addenda else ())
    headers = [item for item in reading.items if isinstance(item, BatchHeader)]
    assert [(header.description, header.effective, header.descriptive_date) for header in headers] == [
        (batch.description, batch.window.effective, batch.window.descriptive_date) for batch in asked.batches
    ]


# Positions, from 1, that no sum, digit or rule of the format protects. Held against what was asked for, they are.
FREE = {
    "1": [*range(14, 35), *range(41, 95)], "5": [*range(5, 51), *range(54, 70), *range(70, 76)],
    "6": [*range(13, 30), *range(40, 78), *range(2, 4), *range(88, 95)], "7": [*range(4, 84)],
}  # fmt: skip


@given(files, st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_one_wrong_byte_is_noticed_wherever_it_is(asked: File, data: st.DataObject) -> None:
    right = write.write(asked).text
    at = data.draw(st.integers(0, len(right) - 1))
    byte = data.draw(st.sampled_from("0123456789 ABZ\n\r\0~a").filter(lambda char: char != right[at]))
    wrong = right[:at] + byte + right[at + 1 :]
    noticed = complaint(validate.check, wrong)
    if not noticed:
        line, column = divmod(at, 95)
        assert column + 1 in FREE.get(wrong.splitlines()[line][0], []), f"line {line + 1}, position {column + 1}"
        assert complaint(validate.compare, wrong, asked)


def complaint(work: Callable, *arguments: object) -> str:
    try:
        work(*arguments)
    except InvalidFile as problem:
        return str(problem)
    return ""


def test_every_wrong_byte_in_a_field_that_moves_money_is_noticed_by_the_text_alone() -> None:
    """All digits at all positions of routing numbers, amounts, counts, hashes and totals of one file."""
    moves_money = {"6": [*range(3, 12), *range(29, 39)], "8": [*range(4, 44)], "9": [*range(1, 55)]}
    wrong = [
        (start, at, digit)
        for start in range(0, 12 * 95, 95)
        for at in moves_money.get(GOLDEN[start], [])
        for digit in "0123456789"
        if digit != GOLDEN[start + at]
    ]
    assert len(wrong) == 9 * (5 * 19 + 2 * 40 + 54)
    for start, at, digit in wrong:
        assert complaint(validate.check, GOLDEN[: start + at] + digit + GOLDEN[start + at + 1 :]), (start // 95 + 1, at + 1)


BROKEN: list[tuple[str, Callable[[list[str]], object]]] = [
    ("last line", lambda lines: lines.append("x")),
    ("blocking: 19 lines", lambda lines: lines.pop()),
    ("line 3, line, length: 93", lambda lines: lines.__setitem__(2, lines[2][:-1])),
    ("line 2, line, type: '6' may not stand here", lambda lines: lines.pop(1)),
    ("file control: is missing", lambda lines: lines.__setitem__(slice(11, None), [])),
    ("entry, trace: does not ascend", lambda lines: lines.__setitem__(slice(2, 4), [lines[3], lines[2]])),
    ("entry, addenda indicator: says that", lambda lines: lines.pop(9)),
    ("addenda, entry sequence", lambda lines: lines.__setitem__(9, lines[9][:-1] + "6")),
    ("batch control, number: is not that", lambda lines: lines.__setitem__(10, lines[10][:-1] + "3")),
    ("batch header, descriptive date: asks for an hour",
     lambda lines: lines.__setitem__(1, lines[1][:63] + "SD1400" + lines[1][69:])),
    ("entry, amount: '00000025 0'", lambda lines: lines.__setitem__(2, lines[2].replace("0000002500", "00000025 0"))),
]  # fmt: skip


@pytest.mark.parametrize(("why", "change"), BROKEN, ids=[why for why, _ in BROKEN])
def test_the_validator_names_line_record_and_field(why: str, change: Callable[[list[str]], object]) -> None:
    lines = GOLDEN.splitlines()
    change(lines)
    whole = "\n".join(lines) + ("" if lines[-1] == "x" else "\n")
    with pytest.raises(InvalidFile) as refused:
        validate.check(whole)
    assert any(why in str(fault) for fault in refused.value.faults), refused.value.faults


def test_too_many_entries_in_a_batch() -> None:
    lines = text(web(*(load(1) for _ in range(2_500)))).splitlines()
    more = lines[2_501][:79] + "123456780002501"
    with pytest.raises(InvalidFile) as refused:
        validate.check("\n".join([*lines[:2_502], more, *lines[2_502:]]) + "\n")
    assert any("more than 2500 entries" in str(fault) for fault in refused.value.faults)


def test_another_file_than_was_asked_for() -> None:
    right = text(web(load(), load()))
    assert "some are missing" in complaint(validate.compare, right, file(web(load(), load(), load())))
    assert "nobody asked" in complaint(validate.compare, right, file(web(load())))
    assert "account: is not what" in complaint(validate.compare, right, file(web(load(account="9"), load())))


def test_check_digits() -> None:
    assert validate.aba(ODFI) and validate.aba(BANK)
    assert not any(validate.aba(f"12345678{digit}") for digit in range(1, 10))


def test_files_made_without_hypothesis_are_right_too() -> None:
    dice = random.Random(20261121)
    for _ in range(50):
        reading = read_bytes(write.write(any_file(dice)).text.encode())
        assert not reading.remarks and not any(isinstance(item, Quarantined) for item in reading.items)
