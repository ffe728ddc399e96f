from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    """Only what has arrived makes a payee known to the score."""

    dependencies = [("payments", "0005_told"), ("compliance", "0011_sending")]

    operations = [run_sql_file(__file__, "0006_paid_before.sql")]
