"""What only an auditor can find out, who has the ledger, the snapshot and the day's key: whether everybody is counted, with what
the ledger said at that instant. Shares nothing with the freeze: balances are added up from the journal.
"""

import tempfile
from pathlib import Path

import numpy as np
from cryptography.exceptions import InvalidTag
from django.db import connection

from transparency.attesting import freeze, secrets
from transparency.models import Attestation, Snapshot
from transparency.proofs import half
from transparency.proofs.records import PARTS
from transparency.proofs.tree import Liabilities, Tree

# What each person was owed before an instant, from the journal alone: wallet, hold, and redemptions that had not left yet.
_EACH = """
    with entry as (
        select debit_account as account, -amount as cents from ledger_transfer where posted_at < %(instant)s
        union all select credit_account, amount from ledger_transfer where posted_at < %(instant)s
    ), held as (
        select account, sum(cents) as cents from entry group by account
    ), burned as (
        select min(debit_account) filter (where kind in (3, 6)) as account,
               sum(case when credit_account = 70 then amount when debit_account = 70 then -amount else 0 end) as cents
        from ledger_transfer where posted_at < %(instant)s and 70 in (debit_account, credit_account)
        group by coalesce(group_id, id)
    ), leaving as (
        select account, sum(cents) as cents from burned where account is not null group by account
    )
    select w.user_id, (greatest(coalesce(a.cents, 0), 0) + greatest(coalesce(h.cents, 0), 0) + coalesce(o.cents, 0))::bigint
    from wallets_wallet w left join held a on a.account = w.account left join held h on h.account = w.hold_account
    left join leaving o on o.account = w.account
"""


def audit_day(epoch: int, key: bytes) -> list[str]:
    """What does not agree, in sentences; at most twenty people are named, by number."""
    row = Attestation.objects.filter(epoch=epoch).first()
    if row is None:
        return ["There is no attestation of this day."]
    try:
        rows = secrets.open_snapshot(epoch, key, bytes(Snapshot.objects.get(epoch=epoch).sealed))
    except InvalidTag:
        return ["The snapshot does not open with this key."]
    counted = np.frombuffer(rows, dtype=half.ROW)
    found = []
    numbers = [int(number) for number in counted["number"]]
    if numbers != sorted(set(numbers)):
        found.append("Somebody is counted twice.")
    said = {number: int(owed) for number, owed in zip(numbers, counted["owed"], strict=True) if number < freeze.HOUSE}
    with connection.cursor() as cursor:
        cursor.execute(_EACH, {"instant": row.instant})
        then = {int(number): int(owed) for number, owed in cursor.fetchall()}
    wrong = [number for number in said.keys() | then.keys() if said.get(number, 0) != then.get(number, 0)]
    for number in sorted(wrong)[:20]:
        counted_with, ledger_said = said.get(number, "nothing"), then.get(number, "nothing")
        found.append(f"Person {number}: counted with {counted_with}, the ledger said {ledger_said}.")
    if row.root != _root_of(epoch, rows, freeze.whos_of(rows, row.instant), key):
        found.append("The root is not that of the snapshot.")
    return found


def _root_of(epoch: int, rows: bytes, whos: bytes, key: bytes) -> str:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "accounts").write_bytes(rows)
        (Path(folder) / "whos").write_bytes(whos)
        owed: Liabilities = freeze.liabilities(rows, whos)
        for part in PARTS:
            half.build(Path(folder), epoch, part, key)
        return Tree(Path(folder), epoch, owed.depth).root.hex()
