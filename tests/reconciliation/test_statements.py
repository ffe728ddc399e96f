"""Statements as banks send them: what is there is read, what cannot be read is said, and nothing is a crash."""

import random
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from banking.statements import Statement, bai2, csv

BAI2 = b"""01,122099999,123456789,261120,0200,1,80,1,2/
02,123456789,122099999,1,261119,2359,USD,2/
03,0004567,USD,010,+500000,,,015,+612345,,/
88,040,+400000,,,045,+412345,2,V,261120,/
16,142,150000,0,BR-77,PAYA0001,LOADS SETTLED/
16,451,30000,V,261119,,BR-78,PAYA0002,REDEMPTIONS, FIRST
88, BATCH OF THE DAY/
16,698,655,S,100,200,355,BR-79,,ACH FEE/
16,354,1000,D,2,0,500,1,500,BR-80,,INTEREST/
16,557,8000,0,BR-81,PAYA0003,RETURN R01/
49,1313655,9/
98,1313655,1,11/
99,1313655,1,13/
"""


def brief(statement: Statement) -> list[tuple[str, int, str, str]]:
    return [(line.kind, line.amount, line.reference, line.text) for line in statement.lines]


def test_a_bai2_file_is_read_with_everything_in_it():
    statement = bai2.parse(BAI2)
    assert (statement.custodian, statement.as_of, statement.opening, statement.closing) == (
        "odfi",
        date(2026, 11, 19),
        500000,
        612345,
    )
    assert (statement.account, statement.currency, statement.faults) == ("0004567", "USD", ())
    assert brief(statement) == [
        ("transfer", 150000, "PAYA0001", "LOADS SETTLED"),
        ("transfer", -30000, "PAYA0002", "REDEMPTIONS, FIRST BATCH OF THE DAY"),
        ("fee", -655, "", "ACH FEE"),
        ("interest", 1000, "", "INTEREST"),
        ("return", -8000, "PAYA0003", "RETURN R01"),
    ]
    assert statement.adds_up
    assert statement.lines[1].on == date(2026, 11, 19)


def test_the_same_file_gives_the_same_ids_and_two_equal_lines_are_two():
    line = b"16,142,100,0,BR,REF,SAME/\n"
    twice = BAI2.replace(b"49,", line + line + b"49,")
    ids = [found.id for found in bai2.parse(twice).lines]
    assert len(set(ids)) == 7
    assert ids == [found.id for found in bai2.parse(twice).lines]
    assert [found.id for found in bai2.parse(BAI2).lines] == ids[:5]


@pytest.mark.parametrize(
    ("what", "change", "problem"),
    [
        ("an amount in words", (b"16,142,150000", b"16,142,MANY"), "type or amount"),
        ("a type of neither side", (b"16,142,", b"16,890,"), "neither a credit nor a debit"),
        ("an unknown record", (b"16,142,", b"77,142,"), "unknown record"),
        ("something else altogether", (b"16,142,", b"hello,142,"), "not a BAI2 record"),
        ("a group without a date", (b",1,261119,", b",1,269999,"), "no date"),
        ("a continuation of nothing", (b"01,1220", b"88,oops/\n01,1220"), "continuation of nothing"),
        ("a sum that is not right", (b"015,+612345", b"015,+612346"), "do not make the closing balance"),
    ],
)
def test_what_cannot_be_read_is_a_fault_and_the_rest_is_read(what: str, change: tuple[bytes, bytes], problem: str):
    statement = bai2.parse(BAI2.replace(*change, 1))
    assert any(problem in fault.problem for fault in statement.faults), statement.faults
    assert len(statement.lines) >= 4


@pytest.mark.parametrize("how", ["crlf", "no trailers", "latin-1", "utf-16", "ebcdic", "padded", "no slashes", "decimals"])
def test_what_banks_really_send(how: str):
    data = {
        "crlf": BAI2.replace(b"\n", b"\r\n"),
        "no trailers": BAI2[: BAI2.index(b"49,")],
        "latin-1": BAI2.replace(b"LOADS", b"LO\xc4DS"),
        "utf-16": BAI2.decode().encode("utf-16"),
        "ebcdic": BAI2.decode().encode("cp037").replace(b"\x25", b"\x25"),
        "padded": b"\n".join(line.ljust(200) for line in BAI2.splitlines()),
        "no slashes": BAI2.replace(b"/\n", b"\n").replace(b"88,040", b"88,,040"),
        "decimals": BAI2.replace(b"150000,0", b"1500.00,0"),
    }[how]
    statement = bai2.parse(data)
    amounts = [line.amount for line in statement.lines]
    assert amounts[:1] + amounts[2:] == [150000, -655, 1000, -8000]
    assert amounts[1] == -30000


def test_accounts_are_kept_apart():
    two = BAI2.replace(b"\n98,", b"\n03,0009999,EUR,010,0,,,015,100,,/\n16,399,100,0,X,,MISC/\n49,100,3/\n98,")
    statements, faults = bai2.read(two)
    assert [(s.account, s.currency, len(s.lines)) for s in statements] == [("0004567", "USD", 5), ("0009999", "EUR", 1)]
    assert not faults


PORTAL = "\ufeffAccount ending 4567\r\n\r\nPosted Date;Description;Debit;Credit;Balance\r\n" + (
    "11/18/2026;ACH SETTLEMENT;;1,500.00;6,500.00\r\n11/19/2026;MONTHLY FEE;(6.55);;6,493.45\r\n"
)
STRIPE = (
    "id,Type,Source,Amount,Fee,Currency,Created (UTC),Description\n"
    "txn_1,payment,pi_1,50.00,0.40,usd,2026-11-19 10:00:00,Load\ntxn_2,payout,po_1,-20.00,0.00,usd,2026-11-19,Redemption\n"
)
DWOLLA = (
    "Transfer ID,Created,Amount,Type,Status,Correlation ID\n"
    "t-1,2026-11-19T08:00:00Z,$12.34,ACH transfer,processed,6f1b\nt-2,2026-11-19,-5,ACH transfer,pending,6f1c\n"
)


def test_tables_of_portals_and_dashboards():
    portal = csv.parse(PORTAL.encode(), custodian="odfi")
    assert [(line.kind, line.amount) for line in portal.lines] == [("transfer", 150000), ("fee", -655)]
    assert (portal.opening, portal.closing, portal.as_of) == (500000, 649345, date(2026, 11, 19))
    stripe = csv.parse(STRIPE.encode(), custodian="stripe")
    assert [(line.id, line.kind, line.amount, line.transfer) for line in stripe.lines] == [
        ("txn_1", "transfer", 5000, "pi_1"), ("txn_1:fee", "fee", -40, "pi_1"), ("txn_2", "transfer", -2000, "po_1"),
    ]  # fmt: skip
    dwolla = csv.parse(DWOLLA.encode(), custodian="dwolla")
    assert [(line.reference, line.amount, line.state, line.booked) for line in dwolla.lines] == [
        ("6f1b", 1234, "posted", 1234), ("6f1c", -500, "pending", 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("$1,234.50", 123450), ("-12.5", -1250), ("(12.50)", -1250), ("12.50-", -1250), ("−3", -300), (".05", 5), ("1.2300", 123),
        ("1,23", None), ("12.345", None), ("", None), ("1e3", None), ("NaN", None), ("١٢", None),
    ],
)  # fmt: skip
def test_money_however_it_is_written(text: str, cents: int | None):
    assert csv._cents(text) == cents


def test_rows_that_cannot_be_read_are_named():
    broken = csv.parse(PORTAL.replace("1,500.00", "many").encode(), custodian="odfi")
    assert [(fault.where, fault.problem) for fault in broken.faults] == [("row 4", "no amount that can be read")]
    assert len(broken.lines) == 1
    assert csv.parse(b"just,a,picture\n1,2,3\n", custodian="odfi").faults


@given(st.binary(max_size=2000))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_no_crash(data: bytes):
    for read in (bai2.parse, lambda given: csv.parse(given, custodian="odfi")):
        assert all(abs(line.amount) < 10**18 for line in read(data).lines)


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_file_is_no_crash_and_no_damage_passes_in_silence(seed: int):
    """Bytes of real files changed, cut out, doubled: what is not read is a fault, or is no record at all."""
    chance = random.Random(seed)
    sources = (BAI2, PORTAL.encode(), STRIPE.encode(), DWOLLA.encode())
    for _ in range(400):
        data = bytearray(chance.choice(sources))
        for _ in range(chance.randint(1, 12)):
            at = chance.randrange(len(data))
            match chance.randrange(3):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randint(1, 30)]
                case _:
                    data[at:at] = data[at : at + chance.randint(1, 30)]
        for statement in (bai2.parse(bytes(data)), csv.parse(bytes(data), custodian="odfi")):
            assert isinstance(statement.lines, tuple)
            assert statement.lines or statement.faults or statement.closing is not None
