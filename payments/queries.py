"""Payments as their parties see them, and the feed as everybody does."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from core.api import encode_cursor
from core.errors import NotFound
from payments.models import Payment


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True)
class PaymentRow:
    """A payment with the public names of its parties; only ever read by one of them."""

    pk: int
    id: str
    payer_id: int
    payee_id: int
    sender: dict[str, str]
    receiver: dict[str, str]
    amount: int
    note: str
    visibility: str
    status: str
    created_at: datetime

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "from": self.sender,
            "to": self.receiver,
            "amount": self.amount,
            "currency": "USD",
            "note": self.note,
            "visibility": self.visibility,
            "status": self.status,
            "created_at": iso(self.created_at),
        }


_PAYMENT = """
    select p.id, p.public_id, p.payer_id, p.payee_id, a.username, a.display_name, b.username, b.display_name,
           p.amount, p.note, p.visibility, p.status, p.created_at
    from payments_payment p join users_profile a on a.user_id = p.payer_id join users_profile b on b.user_id = p.payee_id
"""


def _rows(sql: str, params: list[Any]) -> list[PaymentRow]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [_payment_row(row) for row in cursor.fetchall()]


def _payment_row(row: tuple[Any, ...]) -> PaymentRow:
    pk, public_id, payer, payee, username, name, other_username, other_name, *rest = row
    sender = {"username": username, "display_name": name}
    receiver = {"username": other_username, "display_name": other_name}
    return PaymentRow(pk, public_id, payer, payee, sender, receiver, *rest)


def payment(user_id: int, public_id: str) -> PaymentRow:
    """One payment of this person's; raises NotFound for anybody else's."""
    rows = _rows(_PAYMENT + " where p.public_id = %s and %s in (p.payer_id, p.payee_id)", [public_id, user_id])
    if not rows:
        raise NotFound
    return rows[0]


def payments(user_id: int, *, before: int | None, limit: int) -> list[PaymentRow]:
    """The newest payments from or to this person, one more than `limit`."""
    return _rows(
        _PAYMENT + " where %s in (p.payer_id, p.payee_id) and p.id < %s order by p.id desc limit %s",
        [user_id, before or 2**63 - 1, limit + 1],
    )


def references(transfers: Iterable[UUID]) -> dict[UUID, str]:
    """Which payments belong to these postings (the actor's own only)."""
    found = Payment.objects.filter(transfer__in=list(transfers)).values_list("transfer", "public_id")
    return dict(found)


def payees(transfers: Iterable[UUID]) -> dict[UUID, tuple[str, str]]:
    """Whom the payments behind these postings were for (the actor's own only)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select p.transfer, b.username, b.display_name from payments_payment p"
            " join users_profile b on b.user_id = p.payee_id where p.transfer = any(%s::uuid[])",
            [[str(one) for one in transfers]],
        )
        return {UUID(str(transfer)): (username, name) for transfer, username, name in cursor.fetchall()}


def may_be_paid(user_id: int) -> bool:
    """Whether a payment to this person would arrive; why not is not said."""
    with connection.cursor() as cursor:
        cursor.execute("select payments_may_be_paid(%s)", [user_id])
        return bool(cursor.fetchone()[0])


def has_paid(user_id: int, payee_id: int) -> bool:
    return Payment.objects.filter(payer_id=user_id, payee_id=payee_id).exists()


# ---------------------------------------------------------------------------------------------------------- feed
_FEED = """
    select f.position, f.payment, a.username, a.display_name, b.username, b.display_name, f.note, f.created_at
    from (select * from payments_feeditem where removed is null and position {comparison} %s
          order by position {order} limit %s) f
    join users_profile a on a.user_id = f.payer_id join users_profile b on b.user_id = f.payee_id
    order by f.position {order}
"""


@dataclass(frozen=True)
class FeedRow:
    position: int
    item: dict[str, Any]


def _feed(comparison: str, order: str, position: int, limit: int) -> list[FeedRow]:
    with connection.cursor() as cursor:
        cursor.execute(_FEED.format(comparison=comparison, order=order), [position, limit])
        return [
            FeedRow(
                r[0],
                {
                    "id": r[1],
                    "from": {"username": r[2], "display_name": r[3]},
                    "to": {"username": r[4], "display_name": r[5]},
                    "note": r[6],
                    "created_at": iso(r[7]),
                },
            )
            for r in cursor.fetchall()
        ]


def feed(*, before: int | None = None, limit: int = 20) -> list[FeedRow]:
    """The newest public payments below a position, newest first, one more than `limit`."""
    return _feed("<", "desc", before if before is not None else 2**63 - 1, limit + 1)


def feed_after(position: int, limit: int = 200) -> list[FeedRow]:
    """Public payments above a position, oldest first: what a connection missed."""
    return _feed(">", "asc", position, limit)


def removed_after(position: int, limit: int = 500) -> list[tuple[int, str]]:
    """(position of the removal, payment) of what left the feed after a position."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select removed, payment from payments_feeditem where removed > %s order by removed limit %s", [position, limit]
        )
        rows: list[tuple[int, str]] = cursor.fetchall()
    return rows


def feed_head() -> int:
    """The highest position published so far: where somebody who sees the feed now continues."""
    with connection.cursor() as cursor:
        cursor.execute("select greatest(max(position), max(removed), 0) from payments_feeditem")
        return int(cursor.fetchone()[0])


def feed_page(*, before: int | None = None, limit: int = 20) -> dict[str, Any]:
    """What a page with the feed needs: items, the cursor of older ones, and where its live part begins."""
    head = feed_head()
    rows = feed(before=before, limit=limit)
    more = len(rows) > limit
    rows = rows[:limit]
    return {
        "feed": [row.item for row in rows],
        "next_cursor": encode_cursor(rows[-1].position) if more else None,
        "cursor": encode_cursor(head),
    }


def balance_after(user_id: int, row: PaymentRow) -> int | None:
    """The viewer's own balance right after a payment of theirs."""
    transfer = Payment.objects.values_list("transfer", flat=True).get(pk=row.pk)
    with connection.cursor() as cursor:
        cursor.execute("select wallets_balance_after(%s, %s)", [user_id, transfer])
        value: int | None = cursor.fetchone()[0]
    return value


def how_private(payers: Sequence[int], since: datetime) -> list[tuple[int, int, int]]:
    """Of each of these people how many payments they made since then, and how many of them are private. As SYSTEM."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select payer_id, count(*), count(*) filter (where visibility = 'private') from payments_payment"
            " where payer_id = any(%s) and created_at > %s group by payer_id", [list(payers), since],
        )  # fmt: skip
        return list(cursor.fetchall())
