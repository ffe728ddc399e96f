"""People, payments and revenue at given times, written straight into the books: the rewards read the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count

from rewards.weeks import Week
from tests.conftest import Database

WEEK = Week.parse("2026-W46")
START, END = WEEK.start, WEEK.end
_numbers = count(1)


def at(day: int, hour: float = 12) -> datetime:
    """An hour of a day of the week, Monday being 0."""
    return START + timedelta(days=day, hours=hour)


def people(
    database: Database, number: int, *, since: datetime = START - timedelta(days=30), money: int = 100_000_00
) -> list[int]:
    """Their user ids; accounts are found by `accounts`. They own `money` cents each."""
    mark = f"rw{next(_numbers)}"
    with demo_time(database, since) as run:
        rows = run(
            "with made as (insert into users_user (password, is_superuser, public_id, kind, phone_index, phone_cipher, is_active,"
            " default_visibility, created_at) select '!', false, 'usr_' || %(m)s || '-' || n, 'person',"
            " sha256((%(m)s || '-' || n)::bytea), '\\x00', true, 'public', %(t)s from generate_series(1, %(n)s) n returning id)"
            " select id from made order by id", {"m": mark, "n": number, "t": since},
        )  # fmt: skip
        ids = [row[0] for row in rows]
        run(
            "with a as (select u, ledger_open('{1,2,3}') as ids from unnest(%(u)s) u)"
            " insert into wallets_wallet (user_id, public_id, account, hold_account, receivable_account)"
            " select u, 'wal_' || %(m)s || u, ids[1], ids[2], ids[3] from a", {"u": ids, "m": mark},
        )  # fmt: skip
        run(
            "insert into users_profile (user_id, username, display_name)"
            " select u, %(m)s || '_' || u, 'Person ' || u from unnest(%(u)s) u",
            {"u": ids, "m": mark},
        )
        if money:
            run(
                "select ledger_post_many(array_agg(gen_random_uuid()), array_agg(1::smallint), array_agg(1::bigint),"
                " array_agg(account), array_agg(%(c)s::bigint)) from wallets_wallet where user_id = any(%(u)s)",
                {"c": money, "u": ids},
            )
    return ids


@contextmanager
def demo_time(database: Database, moment: datetime) -> Iterator[Callable[..., list[tuple]]]:
    """A superuser's connection whose postings are stamped with a given time, as the demo loader's are."""

    def run(sql: str, params: object = None) -> list:
        return database.as_superuser(f"select set_config('paya.now', '{moment.isoformat()}', false); " + sql, params)

    try:
        yield run
    finally:
        database.as_superuser("select set_config('paya.now', '', false)")


def pay(database: Database, payer: int, payee: int, moment: datetime, cents: int = 100, *, held: bool = False) -> None:
    """A payment, or one out of a hold."""
    kinds = "8, w.account, w.hold_account" if held else "7, w.account, v.account"
    with demo_time(database, moment) as run:
        run(
            f"select ledger_post(gen_random_uuid(), k.kind::smallint, k.d, k.c, %(c)s) from wallets_wallet w, wallets_wallet v,"
            f" lateral (values ({kinds})) k(kind, d, c) where w.user_id = %(a)s and v.user_id = %(b)s",
            {"a": payer, "b": payee, "c": cents},
        )
        if held:
            run(
                "select ledger_post(gen_random_uuid(), 9::smallint, w.hold_account, v.account, %(c)s)"
                " from wallets_wallet w, wallets_wallet v where w.user_id = %(a)s and v.user_id = %(b)s",
                {"a": payer, "b": payee, "c": cents},
            )


def pay_all(database: Database, payments: Sequence[tuple[int, int, datetime]]) -> None:
    """Many payments at once, past the posting function: rows of the journal in order of time, as it would have written them."""
    ordered = sorted(payments, key=lambda payment: payment[2])
    database.as_superuser(
        "set session_replication_role = replica; insert into ledger_transfer (id, debit_account, credit_account, amount,"
        " debit_version, debit_balance, credit_version, credit_balance, posted_at, kind)"
        " select gen_random_uuid(), a.account, b.account, 1, 1000000 + n + %(base)s, 0, 5000000 + n + %(base)s, 0, t, 7"
        " from unnest(%(a)s, %(b)s, %(t)s) with ordinality p(a, b, t, n) join wallets_wallet a on a.user_id = p.a"
        " join wallets_wallet b on b.user_id = p.b; set session_replication_role = origin",
        {"a": [p[0] for p in ordered], "b": [p[1] for p in ordered], "t": [p[2] for p in ordered], "base": next(_numbers) * 1000},
    )


def earn(database: Database, moment: datetime, cents: int) -> None:
    """Interest (positive) or what a rail took (negative)."""
    posting = "14::smallint, 1, 8" if cents > 0 else "16::smallint, 9, 1"
    with demo_time(database, moment) as run:
        run(f"select ledger_post(gen_random_uuid(), {posting}, %s)", [abs(cents)])
