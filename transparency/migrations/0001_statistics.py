from django.db import migrations

from core.migrate import run_sql_file
from core.rls import seal


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("core", "0003_outbox_lag"), ("ledger", "0003_posted_at"), ("payments", "0001_initial"), ("users", "0001_initial"),
        ("wallets", "0002_thawing"),
    ]  # fmt: skip
    operations = [run_sql_file(__file__, "0001_statistics.sql"), seal("transparency_activeday")]
