"""The auditor: a second, independent implementation of what must be true, in plain SQL over the raw tables.

It shares no code with the posting functions and runs under a role that can only read. What can never be true in a
healthy ledger is *corruption*; a reserve that is smaller than what is required while the books are whole is a
*shortfall* (a late return larger than the loss reserve): bad, honest, and a different alarm.
"""

from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True)
class Finding:
    kind: str  # "corruption" or "shortfall"
    check: str
    rows: list[str]


_ENTRIES = """
    select debit_account as account, debit_version as version, -amount as amount, debit_balance as balance, id, posted_at
    from ledger_transfer
    union all
    select credit_account, credit_version, amount, credit_balance, id, posted_at from ledger_transfer
"""

# name -> a query whose rows are what is wrong; each returns one text column that names the row.
CHECKS: dict[str, str] = {
    "all accounts sum to zero": """
        select 'the sum of all balances is ' || sum(balance) from ledger_account having sum(balance) <> 0
    """,
    "every balance equals the sum of its entries": f"""
        select format('account %s holds %s, its entries sum to %s', coalesce(a.id, e.account), a.balance, e.total)
        from ledger_account a full join (select account, sum(amount) as total from ({_ENTRIES}) x group by account) e
            on e.account = a.id
        where a.id is null or a.balance <> coalesce(e.total, 0)
    """,
    "no version is missing": f"""
        select format('account %s is at version %s, has %s entries with versions %s to %s', coalesce(a.id, e.account),
                      a.version, coalesce(e.n, 0), e.lowest, e.highest)
        from ledger_account a full join (
            select account, count(*) as n, count(distinct version) as distinct_n, min(version) as lowest, max(version) as highest
            from ({_ENTRIES}) x group by account) e on e.account = a.id
        where a.id is null or a.version <> coalesce(e.n, 0) or e.n <> e.distinct_n or e.lowest <> 1 or e.highest <> e.n
    """,
    "every balance after follows from the one before": f"""
        select format('transfer %s: account %s version %s says %s, %s was expected', id, account, version, balance, running)
        from (select *, sum(amount) over (partition by account order by version) as running from ({_ENTRIES}) x) y
        where balance <> running
    """,
    "time and version agree": f"""
        select format('transfer %s: account %s version %s is stamped before its predecessor', id, account, version)
        from (select *, lag(posted_at) over (partition by account order by version) as earlier from ({_ENTRIES}) x) y
        where posted_at < earlier
    """,
    "no account is below its floor": """
        select format('account %s (%s) holds %s', a.id, k.name, a.balance)
        from ledger_account a join ledger_accountkind k on k.kind = a.kind
        where a.id >= 64 and a.balance < k.floor or a.balance < a.floor or a.id >= 64 and a.floor is distinct from k.floor
    """,
    "no closed account holds anything": """
        select format('account %s is closed and holds %s', id, balance) from ledger_account where status = 3 and balance <> 0
    """,
    "every transfer joins accounts of its kind": """
        select format('transfer %s of kind %s goes from account %s to %s', t.id, t.kind, t.debit_account, t.credit_account)
        from ledger_transfer t
        left join ledger_transferkind k on k.kind = t.kind
        left join ledger_account d on d.id = t.debit_account
        left join ledger_account c on c.id = t.credit_account
        where k.kind is null or d.id is null or c.id is null or t.amount <= 0
           or k.debits is not null and not (d.kind = any (k.debits) and c.kind = any (k.credits))
    """,
    "every reversal is the opposite of its original": """
        select format('transfer %s reverses %s', r.id, r.reverses)
        from ledger_transfer r left join ledger_transfer o on o.id = r.reverses
        where r.reverses is not null and (o.id is null or r.amount <> o.amount or r.kind <> 29
              or r.debit_account <> o.credit_account or r.credit_account <> o.debit_account)
           or r.kind = 29 and r.reverses is null
    """,
    "what people owe is on the debit side": """
        select format('account %s (receivable) holds %s', id, balance) from ledger_account where kind = 3 and balance > 0
    """,
}

# The chain of the sealer, hashed anew from the raw rows (its form: docs/money.md).
_NOUGHT = "'00000000-0000-0000-0000-000000000000'::uuid"
_OPTIONAL = "case when {0} is null then decode(repeat('00', 17), 'hex') else decode('01', 'hex') || uuid_send({0}) end"
_NUMBERS = ("debit_account", "credit_account", "amount", "debit_version", "debit_balance", "credit_version", "credit_balance")
_ROW = " || ".join([
    "uuid_send(id)", "timestamptz_send(posted_at)", "int2send(kind)", *(f"int8send({name})" for name in _NUMBERS),
    _OPTIONAL.format("group_id"), _OPTIONAL.format("reverses"),
])  # fmt: skip

CHECKS |= {
    "the chain of sealed blocks is whole": f"""
        select format('block %s, sealed until %s, does not follow from the one before', height, until)
        from (select *, lag(height, 1, 0::bigint) over w as h, lag(until, 1, '-infinity'::timestamptz) over w as u,
                     lag(until_id, 1, {_NOUGHT}) over w as i, lag(hash, 1, decode(repeat('00', 32), 'hex')) over w as p
              from ledger_block window w as (order by height)) b
        where height <> h + 1 or previous <> p or (until, until_id) <= (u, i)
           or hash <> sha256(convert_to('PaYaBlk1', 'UTF8') || int8send(height) || timestamptz_send(until)
                             || uuid_send(until_id) || int4send(rows) || uuid_send(first_id) || uuid_send(last_id)
                             || rows_hash || previous)
    """,
    # A row belongs to the first block that ends after it; rows and ends of blocks in one order say which that is.
    "what was sealed is as it was sealed": f"""
        select format('block %s, sealed until %s: %s rows were sealed, %s are there%s', b.height, b.until, b.rows,
                      coalesce(found.rows, 0), case when found.rows = b.rows then ', and they are not the same' end)
        from (select *, row_number() over (order by height) as block from ledger_block) b left join (
            select block, count(*) as rows, sha256(string_agg(bytes, ''::bytea order by posted_at, id)) as hash,
                   (array_agg(id order by posted_at, id))[1] as first_id,
                   (array_agg(id order by posted_at desc, id desc))[1] as last_id
            from (select 1 + count(*) filter (where bytes is null) over (order by posted_at, id, bytes is not null) as block, *
                  from (select posted_at, id, {_ROW} as bytes from ledger_transfer
                        union all select until, until_id, null from ledger_block) marked) placed
            where bytes is not null and block <= (select count(*) from ledger_block)
            group by block) found using (block)
        where (found.rows, found.hash, found.first_id, found.last_id)
              is distinct from (b.rows::bigint, b.rows_hash, b.first_id, b.last_id)
    """,
}

_RESERVE = """
    select coalesce(-sum(balance) filter (where kind = 4), 0), coalesce(sum(balance) filter (where kind in (1, 2, 5, 8, 13)), 0)
    from ledger_account
"""


def audit(extra: dict[str, str] | None = None) -> tuple[list[Finding], int, int]:
    """All findings, the reserve and what is required (cents), read in one snapshot.

    `extra` holds checks of rooms above, in the same form. At most 20 rows are named per check.
    """
    findings = []
    with connection.cursor() as cursor:
        cursor.execute("begin transaction isolation level repeatable read read only")
        try:
            for name, sql in (CHECKS | (extra or {})).items():
                cursor.execute(f"select * from ({sql}) findings limit 20")
                if rows := [str(row[0]) for row in cursor.fetchall()]:
                    findings.append(Finding("corruption", name, rows))
            cursor.execute(_RESERVE)
            reserve, required = (int(value) for value in cursor.fetchone())
        finally:
            cursor.execute("rollback")
    if reserve < required and not findings:
        findings.append(Finding("shortfall", "the reserve covers what is required", [f"reserve {reserve}, required {required}"]))
    return findings, reserve, required


def is_sealed(head: bytes) -> bool:
    """Whether a head that somebody has kept is in the chain: a chain whose newest blocks were removed with their rows holds
    in itself, and only this tells."""
    with connection.cursor() as cursor:
        cursor.execute("select exists (select from ledger_block where hash = %s)", [head])
        return bool(cursor.fetchone()[0])


_extra: dict[str, str] = {}


def register_check(name: str, sql: str) -> None:
    """Rooms above add checks over their own tables (wallets: pending columns against the bank transfers)."""
    _extra[name] = sql


def registered() -> dict[str, str]:
    return dict(_extra)
