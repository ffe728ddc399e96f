from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    atomic = False  # an index that is built while people pay

    dependencies = [("ledger", "0004_post_out")]

    operations = [
        run_sql_file(__file__, "0005_bank_loads.sql"),
        run_sql_file(__file__, "0005_bank_redemptions.sql"),
    ]
