"""BAI2, as banks really send it: records of any length, missing trailers, odd terminators, other encodings.

Layout (BAI Cash Management Balance Reporting Specifications, version 2): 01 file, 02 group, 03 account, 16 detail,
88 continuation, 49, 98 and 99 trailers; fields are set off by commas, records end with `/`. Amounts are whole cents
without a sign for USD; a type code of 100-399 is a credit, 400-699 a debit. What cannot be read is a fault of the
statement, never an exception; a trailer that counts otherwise than we do is a fault too, and changes nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from banking.statements.model import Fault, Line, LineKind, Statement, with_ids

CUSTODIAN = "odfi"
MOST_FAULTS = 1000
PIECE = 120
# Type codes of balances (03).
OPENING_LEDGER, CLOSING_LEDGER = "010", "015"
_INTEREST = {"354", "350", "654"}
_FEES = {"658", "661", "662", "693", "695", "696", "697", "698"}
_RETURNS = {"255", "257", "258", "260", "555", "557", "558", "560", "563"}
# ACH originated by us and settled at our account, single or as a batch's total.
_OURS = {"142", "145", "146", "165", "166", "168", "169", "451", "455", "466", "468", "469", "447", "462"}


@dataclass
class _Record:
    number: int  # of its first physical line
    code: str
    fields: list[str]
    rest: list[str] = field(default_factory=list)  # what was continued, as it stood


@dataclass
class _Account:
    account: str = ""
    currency: str = "USD"
    as_of: date | None = None
    opening: int | None = None
    closing: int | None = None
    lines: list[Line] = field(default_factory=list)


def parse(data: bytes, *, custodian: str = CUSTODIAN) -> Statement:
    """The first account's statement; one without anything but faults where there is none."""
    statements, faults = read(data, custodian=custodian)
    return statements[0] if statements else Statement(custodian, None, None, None, faults=faults)


def read(data: bytes, *, custodian: str = CUSTODIAN) -> tuple[tuple[Statement, ...], tuple[Fault, ...]]:
    """A statement per account of the file, each with all faults of the file, and the faults."""
    faults: list[Fault] = []
    accounts = _accounts(data, faults)
    empty = [a for a in accounts if not a.lines and a.closing is None]
    if empty or not accounts:
        _report(faults, "file", "an account without balance and lines" if empty else "no account", "")
    found = tuple(faults)
    return tuple(
        Statement(
            custodian,
            a.as_of,
            a.opening,
            a.closing,
            with_ids(a.lines, account=a.account, as_of=a.as_of),
            found,
            a.currency,
            a.account,
        )
        for a in accounts
    ), found


def decode(data: bytes) -> str:
    """Whatever the bytes are, as text: banks send ASCII, Latin-1, UTF-8 and, from mainframes, EBCDIC."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    if data[:2] == b"\xf0\xf1" or data[:3] == b"\xf0\xf1k":
        return data.decode("cp037").replace("\x85", "\n")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _accounts(data: bytes, faults: list[Fault]) -> list[_Account]:
    accounts: list[_Account] = []
    day: date | None = None
    group_currency = "USD"
    for record in _records(decode(data), faults):
        f = record.fields
        if record.code == "02":
            day = _day(_at(f, 4)) or day
            group_currency = (_at(f, 6) or "USD").upper()
            if not _day(_at(f, 4)):
                _fault(faults, record, "the group has no date that can be read")
        elif record.code == "03":
            accounts.append(_account(record, day, group_currency, faults))
        elif record.code == "16":
            if not accounts:
                _fault(faults, record, "a detail before any account")
                accounts.append(_Account(as_of=day, currency=group_currency))
            line = _detail(record, accounts[-1], faults)
            if line is not None:
                accounts[-1].lines.append(line)
        elif record.code == "49" and accounts:
            _check_trailer(record, accounts[-1], faults)
        elif record.code not in ("01", "49", "98", "99"):
            _fault(faults, record, "an unknown record")
    return accounts


def _records(text: str, faults: list[Fault]) -> Iterator[_Record]:
    """Logical records: a line and what continues it."""
    current: _Record | None = None
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        line = raw.strip("\x00\x1a \t")
        if not line:
            continue
        code, _, rest = line.partition(",")
        code = code.strip().rstrip("/")
        if code == "88":
            if current is None:
                _report(faults, f"line {number}", "a continuation of nothing", line)
                continue
            current.rest.append(rest)
            continue
        if current is not None:
            yield _joined(current)
        if not re.fullmatch(r"\d\d", code):
            _report(faults, f"line {number}", "not a BAI2 record", line)
            current = None
            continue
        current = _Record(number, code, [code], [rest])
    if current is not None:
        yield _joined(current)


def _joined(record: _Record) -> _Record:
    """The fields of a record and its continuations.

    A `/` ends a physical record and with it a field; without one the last field (a text) goes on in the next line.
    """
    fields = [record.code]
    ended = True
    for piece in record.rest:
        first, *others = (piece.removesuffix("/")).split(",")
        if ended:
            fields.append(first)
        else:
            fields[-1] += first
        fields += others
        ended = piece.endswith("/")
    record.fields = fields
    return record


def _account(record: _Record, day: date | None, currency: str, faults: list[Fault]) -> _Account:
    f = record.fields
    account = _Account(account=_at(f, 1), currency=(_at(f, 2) or currency).upper(), as_of=day)
    place = 3
    while place < len(f):
        code, amount, funds = _at(f, place), _at(f, place + 1), _at(f, place + 3)
        if not code:  # nothing, or the end of a line that is continued
            place += 1
            continue
        if amount:
            cents = _cents(amount)
            if cents is None:
                _fault(faults, record, f"the amount of balance {code[:5]} cannot be read")
            elif code == OPENING_LEDGER:
                account.opening = cents
            elif code == CLOSING_LEDGER:
                account.closing = cents
        place += 4 + _funds_fields(funds, f, place + 4)
    return account


def _detail(record: _Record, account: _Account, faults: list[Fault]) -> Line | None:
    f = record.fields
    code, cents, funds = _at(f, 1), _cents(_at(f, 2)), _at(f, 3)
    if cents is None or not re.fullmatch(r"\d{1,3}", code):
        _fault(faults, record, "a detail whose type or amount cannot be read")
        return None
    code = code.zfill(3)
    place = 4 + _funds_fields(funds, f, 4)
    bank_reference, customer_reference = _at(f, place), _at(f, place + 1)
    text = ",".join(f[place + 2 :]).strip(" /,")
    number = int(code)
    if 100 <= number < 400:
        signed = cents
    elif 400 <= number < 700:
        signed = -cents
    else:
        _fault(faults, record, f"type {code} is neither a credit nor a debit")
        return None
    on = _day(_at(f, 4)) if funds == "V" else None
    kind, currency = _kind(code, signed), account.currency
    return Line(bank_reference, on, kind, signed, customer_reference, text, currency=currency, transfer=bank_reference)


def _kind(code: str, amount: int) -> LineKind:
    if code in _INTEREST and amount > 0:
        return "interest"
    if code in _FEES:
        return "fee"
    if code in _RETURNS:
        return "return"
    if code in _OURS:
        return "transfer"
    return "credit" if amount > 0 else "debit"


def _check_trailer(record: _Record, account: _Account, faults: list[Fault]) -> None:
    """A control total is the sum of all amounts without signs; many banks count otherwise, so only a letter is wrong."""
    if _at(record.fields, 1) and _cents(_at(record.fields, 1)) is None:
        _fault(faults, record, "the account's control total cannot be read")
    if (
        account.opening is not None and account.closing is not None
        and account.opening + sum(line.amount for line in account.lines) != account.closing
    ):  # fmt: skip
        _fault(faults, record, "opening balance and lines do not make the closing balance")


def _funds_fields(funds: str, f: list[str], at: int) -> int:
    """How many fields the funds type brings along."""
    if funds.upper() == "V":
        return 2
    if funds.upper() == "S":
        return 3
    if funds.upper() == "D":
        count = _at(f, at)
        return 1 + 2 * int(count) if re.fullmatch(r"\d{1,2}", count) else 1
    return 0


def _at(fields: list[str], place: int) -> str:
    return fields[place].strip() if place < len(fields) else ""


def _cents(text: str) -> int | None:
    """Whole cents. Some banks write a sign or a decimal point all the same."""
    if not re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,2})?", text, re.ASCII):
        return None
    whole, point, rest = text.partition(".")
    return int(whole) if not point else (-1 if whole.startswith("-") else 1) * (abs(int(whole)) * 100 + int(rest.ljust(2, "0")))


def _day(text: str) -> date | None:
    for pattern, length in (("%y%m%d", 6), ("%Y%m%d", 8)):
        if len(text) == length and text.isascii() and text.isdigit():
            try:
                return datetime.strptime(text, pattern).date()  # noqa: DTZ007  (a date has no zone)
            except ValueError:
                return None
    return None


def _fault(faults: list[Fault], record: _Record, problem: str) -> None:
    _report(faults, f"line {record.number}", problem, ",".join(record.fields))


def _report(faults: list[Fault], where: str, problem: str, piece: str) -> None:
    if len(faults) < MOST_FAULTS:
        faults.append(Fault(where, problem, piece[:PIECE]))
