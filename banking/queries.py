"""Reads of the banking room. A person's rows are read inside `with actor(...)`, which these open themselves."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection

from banking import show
from banking.models import BankAccount, BankTransfer
from core.actor import actor
from core.errors import NotFound
from ledger.chart import Kind
from wallets.queries import register_references

Status = BankTransfer.Status
_URLS = {"load": "/loads/", "redemption": "/redemptions/"}


def bank_accounts(*, user_id: int) -> list[BankAccount]:
    """The person's linked banks, the oldest first."""
    with actor(user_id):
        rows = BankAccount.objects.select_related("item__watch").filter(user_id=user_id)
        return list(rows.exclude(status=BankAccount.Status.REMOVED).order_by("id"))


def bank_account(*, user_id: int, public_id: str) -> BankAccount:
    """One of the person's banks, a removed one too. Raises NotFound, for somebody else's as well."""
    with actor(user_id):
        found = BankAccount.objects.select_related("item").filter(user_id=user_id, public_id=public_id).first()
    if found is None:
        raise NotFound
    return found


def unanswered_since() -> datetime | None:
    """Since when our bank owes us the acknowledgement of a file; None where it does not, and while nobody can know."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("select banking_nacha_unanswered()")
            since: datetime | None = cursor.fetchone()[0]
    except DatabaseError:
        return None
    return since


def transfers(*, user_id: int, kind: str, before: int | None, limit: int) -> list[BankTransfer]:
    """The newest transfers below a position, with their timelines; one more than `limit`."""
    with actor(user_id):
        rows = BankTransfer.objects.select_related("bank_account").filter(user_id=user_id, kind=kind)
        if before is not None:
            rows = rows.filter(pk__lt=before)
        return list(rows.prefetch_related("moves").order_by("-pk")[: limit + 1])


def transfer(*, user_id: int, kind: str, public_id: str) -> BankTransfer:
    """One transfer with its timeline and bank. Raises NotFound, for somebody else's too."""
    with actor(user_id):
        rows = BankTransfer.objects.select_related("bank_account__item").prefetch_related("moves")
        found = rows.filter(user_id=user_id, kind=kind, public_id=public_id).first()
    if found is None:
        raise NotFound
    return found


def transfer_body(row: BankTransfer) -> dict[str, Any]:
    return show.transfer_body(row, moves_of(row))


def moves_of(row: BankTransfer) -> list[Any]:
    return sorted(row.moves.all(), key=lambda each: each.pk)


def has_bank(user_id: int) -> bool:
    """Whether the person has a bank that can be used."""
    with actor(user_id):
        return BankAccount.objects.filter(user_id=user_id, status=BankAccount.Status.ACTIVE).exists()


def pending_for(user_id: int) -> list[dict[str, Any]]:
    """What is on its way from and to the person's banks, soonest first."""
    with actor(user_id):
        rows = BankTransfer.objects.select_related("bank_account__item").filter(user_id=user_id, status__in=BankTransfer.OPEN)
        return [
            {
                "direction": "in" if row.is_load else "out",
                "amount": row.amount,
                "institution": row.bank_account.item.institution,
                "expected_on": row.expected_on,
                "looked_at": row.review == BankTransfer.Review.WAITING,
                "url": _URLS[row.kind] + row.public_id,
            }
            for row in rows.order_by("expected_on", "pk")
        ]


def _public_ids(groups: Iterable[UUID]) -> dict[UUID, str]:
    """Which transfer a group of postings belongs to, for the wallet's activity; runs under the reader's actor."""
    rows = BankTransfer.objects.filter(rail_key__in=list(groups))
    return dict(rows.values_list("rail_key", "public_id"))


register_references(
    [
        Kind.LOAD, Kind.LOAD_REPAYMENT, Kind.LOAD_RETURNED, Kind.LOAD_RETURN_OWED,
        Kind.REDEMPTION, Kind.REDEMPTION_SETTLED, Kind.REDEMPTION_FAILED,
    ],
    _public_ids,
)  # fmt: skip
