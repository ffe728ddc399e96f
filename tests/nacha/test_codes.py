"""The table of codes: complete, and in accord with what the rules count and time."""

from datetime import date

from banking.nacha.codes import CHANGES, RETURNS, Bank, Frame, Kind, Person, Rate, Transfer


def numbers(*ranges: tuple[int, int]) -> set[str]:
    return {f"R{number:02d}" for first, last in ranges for number in range(first, last + 1)}


def having(**wanted: object) -> set[str]:
    return {code for code, row in RETURNS.items() if all(getattr(row, name) == value for name, value in wanted.items())}


def test_every_code_of_the_rules_is_there() -> None:
    assert set(RETURNS) == numbers((1, 47), (50, 53), (61, 62), (67, 77), (80, 85))
    assert {f"C{number:02d}" for number in range(1, 15)} | {f"C{number}" for number in range(61, 70)} == set(CHANGES)
    assert all(code == row.code and row.title and row.source for code, row in RETURNS.items())


def test_disputes_move_nothing_before_staff_have_looked() -> None:
    assert having(kind=Kind.DISHONORED) == numbers((61, 62), (67, 70))
    assert having(kind=Kind.CONTESTED) == numbers((71, 77))
    assert having(transfer=Transfer.REVIEW) == numbers((61, 62), (67, 77)) == having(rate=Rate.NONE)


def test_rates_as_nacha_counts_them() -> None:
    assert having(rate=Rate.UNAUTHORISED) == {"R05", "R07", "R10", "R11", "R29", "R51"}
    assert having(rate=Rate.ADMINISTRATIVE) == {"R02", "R03", "R04"}


def test_only_missing_funds_are_asked_for_again() -> None:
    assert having(represent=True) == {"R01", "R09"}


def test_what_a_bank_says_about_an_account_or_a_person_has_consequences() -> None:
    assert having(bank=Bank.KEEP) >= {"R01", "R09"}
    assert not having(bank=Bank.KEEP) & {"R02", "R03", "R04", "R05", "R07", "R10", "R11", "R16", "R20", "R29"}
    assert having(person=Person.RESTRICT) >= {"R05", "R07", "R10", "R11", "R14", "R15", "R16", "R29"}
    assert all(RETURNS[code].person is Person.RESTRICT for code in having(rate=Rate.UNAUTHORISED))


def test_deadlines_of_returns() -> None:
    settled = date(2026, 11, 25)  # the day before Thanksgiving
    assert RETURNS["R01"].frame.deadline(settled) == date(2026, 11, 30)
    assert RETURNS["R10"].frame.deadline(settled) == date(2027, 1, 24)
    assert RETURNS["R06"].frame.deadline(settled) is None
    assert having(frame=Frame.SIXTY_DAYS) >= {"R05", "R07", "R10", "R11", "R37", "R38", "R51"}
