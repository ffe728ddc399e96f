"""Stripe's books as a statement: balance transactions, and the Transactions of our FinancialAccount.

Money is at two places, and both are one reserve to us: a payout moves it from the payments balance into the
FinancialAccount, which is a leg on either list and no line. What Stripe lists of debits that are still processing is not
there yet: they are `pending` lines without an effect, and their fees are taken when they succeed.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from banking.statements import Line
from banking.statements.model import LineKind, LineState
from core.resilience import ProviderDown

KEY = "paya_key"  # our key in Stripe's metadata
IN_TRANSIT = ("pending", "in_transit")
_STATES: dict[str, LineState] = {"open": "pending", "posted": "posted", "void": "failed"}


def processing(entries: Sequence[Any]) -> int:
    """What Stripe's pending balance has of debits that the banks have not paid yet, less their fees."""
    return sum(_cents(entry, "net") for entry in entries if _is_processing(entry) and entry.currency == "usd")


def lines(entries: Sequence[Any], moves: Sequence[Any]) -> tuple[tuple[Line, ...], int]:
    """The lines of both lists, oldest first (Stripe lists the newest first), and the cents between the two places."""
    legs: dict[str, list[Any]] = {}
    for entry in entries:
        if _object(entry.source) == "payout":
            legs.setdefault(str(entry.source.id), []).append(entry)
    arrived: dict[str, int] = {}
    found: list[tuple[int, Line]] = []
    for move in moves:
        payout = _payout_of(move)
        if payout:
            arrived[payout] = arrived.get(payout, 0) + _cents(move.balance_impact, "cash")
        else:
            found.append((move.created, _of_account(move)))
    on_the_way = 0
    for payout, out in legs.items():
        missing = -sum(_cents(leg, "net") for leg in out) - arrived.get(payout, 0)
        if missing and str(out[0].source.status) in IN_TRANSIT:
            on_the_way += missing
        elif missing:
            # Not into our FinancialAccount: a payout goes to an account of the operators' own.
            found.append((out[-1].created, _line(out[-1], "capital", -missing)))
    for entry in entries:
        if _object(entry.source) != "payout":
            found += [(entry.created, line) for line in _of_payments(entry)]
    return tuple(line for _, line in sorted(found, key=lambda each: each[0])), on_the_way


def _of_payments(entry: Any) -> Iterator[Line]:
    """A balance transaction: what it is about, and the fee that Stripe kept of it."""
    source, gross, fee = entry.source, _cents(entry, "amount"), _cents(entry, "fee")
    if entry.reporting_category == "fee":
        yield _line(entry, "fee", gross - fee)
        return
    state = _state(entry)
    intent = _named(getattr(source, "payment_intent", None))
    kind: LineKind = "credit" if gross > 0 else "debit"
    if _object(source) == "topup":
        kind = "capital"
    elif intent:
        kind = "transfer" if _object(source) == "charge" and gross > 0 else "return"
    reference = str(_part(source, "metadata", KEY) or "")
    bank = _named(getattr(source, "payment_method", None))
    effect = gross if state == "posted" else 0
    yield _line(entry, kind, gross, state=state, effect=effect, transfer=intent, reference=reference, account=bank)
    if fee and state == "posted":
        yield _line(entry, "fee", -fee, name=f"{entry.id}:fee", transfer=intent)


def _state(entry: Any) -> LineState:
    """A debit that failed was never there: what Stripe listed of it and what takes that out again cancel out."""
    if _is_processing(entry):
        return "pending"
    failed = _object(entry.source) == "charge" and entry.source.status == "failed"
    return "failed" if failed or entry.type == "payment_failure_refund" else "posted"


def _is_processing(entry: Any) -> bool:
    return _object(entry.source) == "charge" and str(entry.source.status) == "pending"


def _of_account(move: Any) -> Line:
    """A Transaction of the FinancialAccount. A payment out leaves it at once, and comes back when it is void."""
    amount, flow_type = _cents(move, "amount"), str(move.flow_type)
    flow = getattr(getattr(move, "flow_details", None), flow_type, None)
    kind: LineKind = "credit" if amount > 0 else "debit"
    transfer = reference = bank = ""
    state = _STATES.get(str(move.status))
    if state is None:
        raise ProviderDown("Stripe shows a transaction that we cannot read")
    if flow_type == "outbound_payment":
        kind, transfer = ("transfer" if amount < 0 else "return"), _named(move.flow)
        reference = str(_part(flow, "metadata", KEY) or "")
        bank = _named(getattr(flow, "destination_payment_method", None))
        if state == "failed" and getattr(flow, "status", "") == "canceled":
            state = "cancelled"
    elif flow_type in ("inbound_transfer", "outbound_transfer"):
        kind = "capital"  # from or to a bank of our own
    effect = _cents(move.balance_impact, "cash")
    return _line(move, kind, amount, state=state, effect=effect, transfer=transfer, reference=reference, account=bank)


def _payout_of(move: Any) -> str:
    """The payout that a credit of the FinancialAccount is; '' for another."""
    flow = getattr(getattr(move, "flow_details", None), "received_credit", None)
    linked = getattr(flow, "linked_flows", None)
    return _named(linked.source_flow) if linked is not None and linked.source_flow_type == "payout" else ""


def _line(row: Any, kind: LineKind, amount: int, *, name: str = "", state: LineState = "posted", **more: Any) -> Line:
    on: date = datetime.fromtimestamp(_cents(row, "created"), tz=UTC).date()
    text = str(getattr(row, "description", None) or "")
    return Line(name or str(row.id), on, kind, amount, text=text, state=state, currency=str(row.currency).upper(), **more)


def _cents(row: Any, name: str) -> int:
    value = getattr(row, name, None)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ProviderDown(f"Stripe's statement has no {name}")
    return value


def _object(source: Any) -> str:
    return str(getattr(source, "object", ""))


def _named(subject: Any) -> str:
    """The id of what is shown by its id or in full."""
    return str(subject if isinstance(subject, str) else getattr(subject, "id", None) or "")


def _part(row: Any, *names: str) -> Any:
    for name in names:
        row = getattr(row, name, None)
    return row
