"""Everything that moves money or changes an account. Each call is one of the database's posting functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from ledger.chart import Kind, Personal, Status
from ledger.errors import BatchRefused, typed_errors


@dataclass(frozen=True)
class Transfer:
    """One immutable row of the journal; balances are signed cents after it."""

    id: UUID
    kind: Kind
    debit_account: int
    credit_account: int
    amount: int
    debit_version: int
    debit_balance: int
    credit_version: int
    credit_balance: int
    posted_at: datetime


@dataclass(frozen=True)
class Posting:
    """A transfer that is yet to be posted: `amount` cents from `debit` to `credit`, under our own reference."""

    reference: UUID
    kind: Kind
    debit: int
    credit: int
    amount: int


_COLUMNS = (
    "id, kind, debit_account, credit_account, amount, debit_version, debit_balance, credit_version, credit_balance, posted_at"
)


def _transfer(sql: str, params: list[Any]) -> Transfer:
    with typed_errors(), connection.cursor() as cursor:
        cursor.execute(f"select {_COLUMNS} from {sql}", params)
        row = cursor.fetchone()
    return Transfer(UUID(str(row[0])), Kind(row[1]), *row[2:])


def post(posting: Posting, *, group: UUID | None = None) -> Transfer:
    """Post one transfer, or replay it when its reference was posted before with the same content.

    Raises InsufficientFunds, AccountFrozen, RecipientFrozen, AccountClosed, NoSuchAccount, PostingRefused or
    ReferenceReused.
    """
    p = posting
    params: list[Any] = [p.reference, p.kind, p.debit, p.credit, p.amount, group]
    sql = "ledger_post(%s::uuid, %s::smallint, %s, %s, %s, %s::uuid)"
    try:
        with transaction.atomic():
            return _transfer(sql, params)
    except IntegrityError:
        # Another caller was posting the same reference and has committed meanwhile: now it is a replay.
        return _transfer(sql, params)


def post_many(postings: Sequence[Posting], *, group: UUID | None = None) -> int:
    """Post all in one commit or none; the number that was new. Raises BatchRefused, naming the row."""
    try:
        return _post_many(postings, group)
    except IntegrityError:
        # Another caller has posted some of these references meanwhile: now they are replays.
        return _post_many(postings, group)


def _post_many(postings: Sequence[Posting], group: UUID | None) -> int:
    columns: list[Any] = [
        [p.reference for p in postings],
        [int(p.kind) for p in postings],
        [p.debit for p in postings],
        [p.credit for p in postings],
        [p.amount for p in postings],
        group,
    ]
    with transaction.atomic(), typed_errors(), connection.cursor() as cursor:
        cursor.execute(
            "select ledger_post_many(%s::uuid[], %s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::uuid)", columns
        )
        return int(cursor.fetchone()[0])


def post_each(postings: Sequence[Posting], *, group: UUID | None = None) -> list[tuple[Posting, Exception]]:
    """Post a batch; when it is refused, post one by one. Returns the postings that were refused, and why."""
    try:
        post_many(postings, group=group)
        return []
    except BatchRefused:
        refused: list[tuple[Posting, Exception]] = []
        for posting in postings:
            try:
                post(posting, group=group)
            except Exception as error:  # noqa: BLE001  (handed to the caller, row by row)
                refused.append((posting, error))
        return refused


def reverse(*, reference: UUID, original: UUID) -> Transfer:
    """Post the opposite of a transfer, once. Raises AlreadyReversed, NoSuchAccount, InsufficientFunds..."""
    return _transfer("ledger_reverse(%s::uuid, %s::uuid)", [reference, original])


def open_accounts(kinds: Sequence[Personal]) -> list[int]:
    """Open one account of each kind; their ids, in the same order."""
    with typed_errors(), connection.cursor() as cursor:
        cursor.execute("select ledger_open(%s::smallint[])", [[int(kind) for kind in kinds]])
        ids: list[int] = cursor.fetchone()[0]
    return ids


def set_status(*, account: int, status: Status) -> None:
    """Freeze, unfreeze or close. Raises AccountNotEmpty, AccountClosed, NoSuchAccount."""
    with typed_errors(), connection.cursor() as cursor:
        cursor.execute("select ledger_set_status(%s, %s::smallint)", [account, int(status)])


def close(*, account: int) -> None:
    """Close an account for ever; raises AccountNotEmpty while there is money on it."""
    set_status(account=account, status=Status.CLOSED)
