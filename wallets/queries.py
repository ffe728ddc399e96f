"""What a person sees of their wallet. All of it inside `with actor(...)`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db import connection

from core.errors import ValidationError
from ledger.chart import Kind
from wallets.errors import wallet_errors
from wallets.services import Guarded, state_from

Told = TypeVar("Told")
# Upper rooms tell which thing of theirs a posting belongs to: kinds -> (posting id or group id -> public id).
ReferenceResolver = Callable[[Iterable[UUID]], dict[UUID, str]]
_resolvers: dict[Kind, ReferenceResolver] = {}
# And who is on the other side, of kinds whose posting does not say it: posting id or group id -> (username, name).
PartyResolver = Callable[[Iterable[UUID]], dict[UUID, tuple[str, str]]]
_parties: dict[Kind, PartyResolver] = {}


@dataclass(frozen=True)
class ActivityRow:
    """One line of a wallet's history; `amount` is signed cents as the wallet saw it."""

    version: int
    transfer: UUID
    kind: Kind
    amount: int
    balance_after: int
    posted_at: datetime
    username: str | None
    display_name: str | None
    reference: str | None


def register_references(kinds: Iterable[Kind], resolver: ReferenceResolver) -> None:
    """Let an upper room name the public id behind postings of these kinds."""
    for kind in kinds:
        _resolvers[kind] = resolver


def register_parties(kinds: Iterable[Kind], resolver: PartyResolver) -> None:
    """Let an upper room name the other person behind postings of these kinds."""
    for kind in kinds:
        _parties[kind] = resolver


def wallet(user_id: int) -> Guarded:
    """The wallet now, without its guard."""
    return state_from("wallets_read", user_id)


# What a person may narrow their activity to: name -> (kinds or all, side: 1 came in, -1 went out, 0 both).
_PAYMENTS = [Kind.PAYMENT, Kind.HOLD, Kind.HOLD_PAID, Kind.HOLD_RELEASED]
_BANK = [
    Kind.LOAD, Kind.LOAD_REPAYMENT, Kind.LOAD_RETURNED, Kind.REDEMPTION, Kind.REDEMPTION_APPROVED, Kind.REDEMPTION_FAILED,
]  # fmt: skip
FILTERS: dict[str, tuple[list[Kind] | None, int]] = {
    "all": (None, 0), "in": (None, 1), "out": (None, -1), "payments": (_PAYMENTS, 0), "bank": (_BANK, 0),
}  # fmt: skip


def activity(user_id: int, *, before: int | None = None, limit: int = 20, show: str = "all") -> list[ActivityRow]:
    """The newest entries below a version, newest first; one more than `limit`, to tell whether there are more.

    Raises ValidationError for a filter that there is not.
    """
    if show not in FILTERS:
        raise ValidationError(fields={"show": f"Choose one of {', '.join(FILTERS)}."})
    kinds, side = FILTERS[show]
    with wallet_errors(), connection.cursor() as cursor:
        cursor.execute(
            "select version, transfer, kind, amount, balance_after, posted_at, username, display_name, group_id"
            " from wallets_activity(%s, %s, %s, %s::smallint[], %s)",
            [user_id, before, limit + 1, None if kinds is None else [int(kind) for kind in kinds], side],
        )
        rows = cursor.fetchall()
    ids = [(UUID(str(row[1])), UUID(str(row[8])) if row[8] else None, Kind(row[2])) for row in rows]
    references, parties = _resolved(_resolvers, ids), _resolved(_parties, ids)
    lines = []
    for row, (transfer, group, kind) in zip(rows, ids, strict=True):
        thing = group or transfer
        username, name = parties.get(thing, (row[6], row[7]))
        lines.append(ActivityRow(row[0], transfer, kind, row[3], row[4], row[5], username, name, references.get(thing)))
    return lines


def _resolved(
    resolvers: Mapping[Kind, Callable[[Iterable[UUID]], dict[UUID, Told]]], rows: list[tuple[UUID, UUID | None, Kind]]
) -> dict[UUID, Told]:
    """What the upper rooms say of these postings: one question to each."""
    wanted: dict[Callable[[Iterable[UUID]], dict[UUID, Told]], list[UUID]] = {}
    for transfer, group, kind in rows:
        if resolver := resolvers.get(kind):
            wanted.setdefault(resolver, []).append(group or transfer)
    found: dict[UUID, Told] = {}
    for resolver, ids in wanted.items():
        found.update(resolver(ids))
    return found


def balance_at(user_id: int, at: datetime) -> int:
    """What was available at a past time, in cents."""
    with wallet_errors(), connection.cursor() as cursor:
        cursor.execute("select wallets_balance_at(%s, %s)", [user_id, at])
        return int(cursor.fetchone()[0])
