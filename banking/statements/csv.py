"""Statements as tables: what a bank's portal, Dwolla's or Stripe's dashboard lets one download.

Columns are found by their names, whatever their order, and signs however they are written: one signed amount, a
debit and a credit column, an amount with a type, (12.50) or 12.50-. Dollars have two decimals. What cannot be read
is a fault of the statement, never an exception.
"""

import csv
import io
import re
from datetime import date, datetime

from banking.statements.bai2 import MOST_FAULTS, PIECE, decode
from banking.statements.model import Fault, Line, LineKind, LineState, Statement, with_ids

# The first name that a file has is the one that is meant.
_NAMES = {
    "id": ("balance_transaction_id", "transaction id", "transaction_id", "id", "trace"),
    "transfer": ("transfer", "transfer id", "source", "source_id", "payment_intent_id"),
    "on": ("date", "posted", "posted date", "posting date", "created", "created_utc", "transaction date", "value date"),
    "amount": ("amount", "gross", "net amount", "transaction amount"),
    "credit": ("credit", "credits", "credit amount", "deposit", "money in"),
    "debit": ("debit", "debits", "debit amount", "withdrawal", "money out"),
    "fee": ("fee", "fees"),
    "kind": ("type", "kind", "transaction type", "reporting_category", "category"),
    "direction": ("dr/cr", "debit/credit", "credit/debit", "direction", "indicator"),
    "reference": ("correlation id", "correlationid", "correlation_id", "reference", "customer reference"),
    "text": ("description", "details", "memo", "narrative", "payee", "name"),
    "balance": ("balance", "running balance", "closing balance", "ledger balance"),
    "currency": ("currency", "ccy"),
    "state": ("status", "state"),
}  # fmt: skip
_STATES: dict[str, LineState] = {
    "pending": "pending", "processing": "pending", "failed": "failed", "returned": "failed", "cancelled": "cancelled",
    "canceled": "cancelled",
}  # fmt: skip
LONGEST_FIELD = 4096


def parse(data: bytes, *, custodian: str) -> Statement:
    """The statement of a CSV file: comma, semicolon, tab or bar; whatever stands above its header is passed over."""
    faults: list[Fault] = []
    rows = _rows(decode(data), faults)
    head = next((n for n, row in enumerate(rows) if _is_header(row)), None)
    if head is None:
        return Statement(custodian, None, None, None, faults=(*faults, Fault("file", "no row that names a date and an amount")))
    columns = _columns(rows[head])
    lines: list[Line] = []
    balances: list[int] = []
    for number, row in enumerate(rows[head + 1 :], head + 2):
        if not any(cell.strip() for cell in row):
            continue
        found = {name: row[place].strip() for name, place in columns.items() if place < len(row)}
        read = _lines(found)
        if isinstance(read, str):
            if len(faults) < MOST_FAULTS:
                faults.append(Fault(f"row {number}", read, ",".join(row)[:PIECE]))
            continue
        lines += read
        if (balance := _cents(found.get("balance", ""))) is not None:
            balances.append(balance)
    if not lines and not faults:
        faults.append(Fault("file", "no rows below its header"))
    days = [line.on for line in lines if line.on]
    as_of = max(days) if days else None
    closing = balances[-1] if balances else None
    opening = closing - sum(line.booked for line in lines) if closing is not None else None
    given = [line for line in lines if line.id]
    named = lines if len({line.id for line in given}) == len(lines) else list(with_ids(lines, account="", as_of=as_of))
    return Statement(custodian, as_of, opening, closing, tuple(named), tuple(faults))


def _rows(text: str, faults: list[Fault]) -> list[list[str]]:
    text = text.replace("\x00", "")
    first = "\n".join(text.splitlines()[:20])
    delimiter = max(",;\t|", key=first.count)
    rows = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    while True:
        try:
            rows.append([cell[:LONGEST_FIELD] for cell in next(reader)])
        except StopIteration:
            return rows
        except csv.Error as error:
            if len(faults) >= MOST_FAULTS:
                return rows
            faults.append(Fault(f"line {reader.line_num}", str(error)[:PIECE]))


def _is_header(row: list[str]) -> bool:
    columns = _columns(row)
    return "on" in columns and ("amount" in columns or "credit" in columns or "debit" in columns)


def _columns(row: list[str]) -> dict[str, int]:
    names = [re.sub(r"\s+", " ", cell).strip().lower().removesuffix(" (utc)") for cell in row]
    return {meant: names.index(name) for meant, known in _NAMES.items() for name in known[::-1] if name in names}


def _lines(found: dict[str, str]) -> list[Line] | str:
    """The line of a row and, where a fee stands beside it, the fee's; or what is wrong with it."""
    on = _day(found.get("on", ""))
    if on is None:
        return "no date that can be read"
    amount = _amount(found)
    if amount is None:
        return "no amount that can be read"
    state: LineState = _STATES.get(found.get("state", "").lower(), "posted")
    currency = (found.get("currency") or "usd").upper()
    kind = _kind(" ".join((found.get("kind", ""), found.get("text", ""))).lower(), amount)
    reference, transfer, text = found.get("reference", ""), found.get("transfer", ""), found.get("text", "")
    effect = None if state == "posted" else 0
    line_id = found.get("id", "")
    lines = [Line(line_id, on, kind, amount, reference, text, state, effect, currency, transfer=transfer)]
    fee = _cents(found.get("fee", "") or "0")
    if fee is None:
        return "no fee that can be read"
    if fee:
        lines.append(
            Line(
                f"{line_id}:fee" if line_id else "",
                on,
                "fee",
                -abs(fee),
                reference,
                text,
                state,
                effect,
                currency,
                transfer=transfer,
            )
        )
    return lines


def _amount(found: dict[str, str]) -> int | None:
    if found.get("amount"):
        amount = _cents(found["amount"])
        if amount is None:
            return None
        word = found.get("direction", "").lower()
        if word:
            return -abs(amount) if word.startswith(("d", "out", "w")) else abs(amount)
        return amount
    credit, debit = _cents(found.get("credit") or "0"), _cents(found.get("debit") or "0")
    if credit is None or debit is None or (not credit and not debit):
        return None
    return abs(credit) - abs(debit)


def _kind(words: str, amount: int) -> LineKind:
    for word, kind in (("fee", "fee"), ("charge", "fee"), ("interest", "interest"), ("return", "return")):
        if re.search(rf"\b{word}", words):
            return kind  # type: ignore[return-value]
    if re.search(r"\b(ach|transfer|payout|payment)", words):
        return "transfer"
    return "credit" if amount > 0 else "debit"


def _cents(text: str) -> int | None:
    """ "$1,234.50", "-12.5", "(12.50)" or "12.50-" as signed cents."""
    text = text.replace("$", "").replace("USD", "").replace("−", "-").strip()
    negative = text.startswith(("-", "(")) or text.endswith("-")
    digits = text.strip("()+- ").strip()
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d{1,2})?", digits, re.ASCII):
        digits = digits.replace(",", "")
    if not re.fullmatch(r"\d{1,13}(\.\d{1,2}0*)?|\.\d{1,2}", digits, re.ASCII):
        return None
    whole, _, rest = digits.partition(".")
    cents = int(whole or 0) * 100 + int(rest[:2].ljust(2, "0") or 0)
    return -cents if negative else cents


def _day(text: str) -> date | None:
    text = text.strip()
    if match := re.match(r"\d{4}-\d\d-\d\d", text):
        text = match[0]
    for pattern in ("%Y-%m-%d", "%m/%d/%Y", "%m/%d/%y", "%d %b %Y", "%b %d, %Y", "%Y%m%d"):
        try:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007  (a date has no zone)
        except ValueError:
            continue
    return None
