"""Acknowledgements of files: what they say, and that nothing is guessed."""

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banking.nacha import acknowledge
from banking.nacha.acknowledge import Unreadable, parse

TEXT = b"""ACH FILE ACKNOWLEDGEMENT
FILE      PAYA-12345678-261124-A.ach
STATUS    ACCEPTED
ENTRIES   2
DEBITS    2500
CREDITS   990
BATCH     0000001 SETTLES 2026-11-25
"""


def test_what_it_says() -> None:
    said = parse(TEXT)
    assert (said.file, said.accepted) == ("PAYA-12345678-261124-A.ach", True)
    assert said.figures == {"ENTRIES": 2, "DEBITS": 2500, "CREDITS": 990}
    assert said.settles == {1: date(2026, 11, 25)}
    assert said.odd == ()


@pytest.mark.parametrize(
    "data", [TEXT.lower(), TEXT.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + TEXT, TEXT.replace(b"STATUS   ", b"Status:  ")]
)
def test_however_it_is_written(data: bytes) -> None:
    assert acknowledge.is_one(data)
    said = parse(data)
    assert (said.file.lower(), said.accepted, said.settles) == ("paya-12345678-261124-a.ach", True, {1: date(2026, 11, 25)})


def test_a_refusal_has_its_reason() -> None:
    said = parse(TEXT.replace(b"ACCEPTED", b"REJECTED\nREASON unknown company"))
    assert (said.accepted, said.reason) == (False, "unknown company")


def test_lines_that_say_nothing_known_are_kept() -> None:
    said = parse(TEXT + b"BATCH 2 SETTLES 2026-13-01\nDEBITS many\nHELLO world\n")
    assert [number for number, _ in said.odd] == [8, 9, 10]
    assert said.figures["DEBITS"] == 2500


@pytest.mark.parametrize("missing", [b"STATUS    ACCEPTED", b"FILE      PAYA-12345678-261124-A.ach"])
def test_without_file_or_status_it_says_nothing(missing: bytes) -> None:
    with pytest.raises(Unreadable):
        parse(TEXT.replace(missing, b""))


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail_otherwise(data: bytes) -> None:
    with contextlib.suppress(Unreadable):
        parse(b"ACH FILE ACKNOWLEDGEMENT\n" + data)
