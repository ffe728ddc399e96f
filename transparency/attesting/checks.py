"""What the daily audit of the books looks at besides: whether what was attested is what the ledger said."""

from ledger import audit as ledger

# Kinds of account that are owed to somebody: wallets, holds, redemptions payable, rewards pool, suspense.
_OWED = "(1, 2, 5, 8, 13)"

# All attested totals in one walk through the journal; what is posted at the very instant comes after it.
TOTALS = f"""
    select format('the attestation of epoch %s says %s, the ledger said %s', epoch, liabilities, total)
    from (select *, sum(cents) over (order by at, is_posting rows unbounded preceding) as total from (
            select instant as at, 0 as is_posting, 0::bigint as cents, epoch, liabilities from transparency_attestation
            union all
            select t.posted_at, 1, t.amount * ((c.kind in {_OWED})::int - (d.kind in {_OWED})::int), null, null
            from ledger_transfer t
            join ledger_account d on d.id = t.debit_account join ledger_account c on c.id = t.credit_account
         ) walk) walked
    where epoch is not null and liabilities <> total
"""
HEADS = """
    select format('the attestation of epoch %s names a head that is not in the chain of blocks', a.epoch)
    from transparency_attestation a
    where a.ledger_head <> repeat('0', 64) and not exists (select from ledger_block b where encode(b.hash, 'hex') = a.ledger_head)
"""


def register() -> None:
    """With the daily audit of the books."""
    ledger.register_check("each attested total is what the ledger said", TOTALS)
    ledger.register_check("each attested head is in the chain of blocks", HEADS)
