"""What a person sees of their wallet. All of it inside `with actor(...)`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from ledger.chart import Kind
from wallets.errors import wallet_errors
from wallets.services import Guarded, state_from

# Upper rooms tell which thing of theirs a posting belongs to: kinds -> (posting id or group id -> public id).
ReferenceResolver = Callable[[Iterable[UUID]], dict[UUID, str]]
_resolvers: dict[Kind, ReferenceResolver] = {}


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


def wallet(user_id: int) -> Guarded:
    """The wallet now, without its guard."""
    return state_from("wallets_read", user_id)


def activity(user_id: int, *, before: int | None = None, limit: int = 20) -> list[ActivityRow]:
    """The newest entries below a version, newest first; one more than `limit`, to tell whether there are more."""
    with wallet_errors(), connection.cursor() as cursor:
        cursor.execute(
            "select version, transfer, kind, amount, balance_after, posted_at, username, display_name, group_id"
            " from wallets_activity(%s, %s, %s)",
            [user_id, before, limit + 1],
        )
        rows = cursor.fetchall()
    ids = [(UUID(str(row[1])), UUID(str(row[8])) if row[8] else None, Kind(row[2])) for row in rows]
    references = _references(ids)
    return [
        ActivityRow(row[0], transfer, kind, row[3], row[4], row[5], row[6], row[7], references.get(group or transfer))
        for row, (transfer, group, kind) in zip(rows, ids, strict=True)
    ]


def _references(rows: list[tuple[UUID, UUID | None, Kind]]) -> dict[UUID, str]:
    wanted: dict[ReferenceResolver, list[UUID]] = {}
    for transfer, group, kind in rows:
        if resolver := _resolvers.get(kind):
            wanted.setdefault(resolver, []).append(group or transfer)
    found: dict[UUID, str] = {}
    for resolver, ids in wanted.items():
        found.update(resolver(ids))
    return found


def balance_at(user_id: int, at: datetime) -> int:
    """What was available at a past time, in cents."""
    with wallet_errors(), connection.cursor() as cursor:
        cursor.execute("select wallets_balance_at(%s, %s)", [user_id, at])
        return int(cursor.fetchone()[0])
