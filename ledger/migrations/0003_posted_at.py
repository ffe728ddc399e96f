"""Its own migration, and none in one transaction: the index is built while people pay.

The journal only grows and is in order of time but for neighbours, so a range index finds a span of time, costs a few
kilobytes, and a posting next to nothing. Its newest pages are summarised by autovacuum; until then they are read.
"""

from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("ledger", "0002_sealer")]
    operations = [
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS ledger_transfer_posted", migrations.RunSQL.noop),
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY ledger_transfer_posted ON ledger_transfer"
            " USING brin (posted_at) WITH (pages_per_range = 64, autosummarize = on)",
            "DROP INDEX CONCURRENTLY IF EXISTS ledger_transfer_posted",
        ),
    ]
