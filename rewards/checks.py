"""What the auditor looks at besides the ledger: that what was closed is what was paid. Plain SQL over the tables."""

from ledger import audit as ledger

LISTS = """
    select format('%s: its list of recipients is not the one that was closed', u.week)
    from rewards_run u where u.digest is not null and u.digest <> encode(sha256(convert_to(
        u.week || ' ' || u.reference || E'\\n' || coalesce((
            select string_agg(r.user_id || ' ' || r.account || ' ' || r.reason || ' ' || r.amount, E'\\n' order by r.user_id)
            from rewards_reward r where r.run_id = u.id), ''), 'UTF8')), 'hex')
"""

# Whose turn has come and who could be credited has it in the journal, once; and nothing else is there as a reward.
POSTED = """
    select format('%s: account %s is listed with %s cents, the journal has %s as %s',
                  coalesce(l.week, 'no week'), coalesce(l.account, t.credit_account), coalesce(l.amount, 0),
                  coalesce(t.amount, 0), coalesce(t.id, l.id))
    from (
        select u.week, r.account, r.amount, rewards_reference(u.reference, r.user_id) as id
        from rewards_reward r join rewards_run u on u.id = r.run_id
        where r.amount > 0 and r.user_id <= u.posted_through and (r.owed_since is null or r.settled_at is not null)
    ) l full join (select id, credit_account, amount from ledger_transfer where kind = 26) t on t.id = l.id
    where l.id is null or t.id is null or t.amount <> l.amount or t.credit_account <> l.account
"""


def register() -> None:
    ledger.register_check("each week's list of recipients is the one that was closed", LISTS)
    ledger.register_check("each reward that is listed is in the journal, and no other", POSTED)
