from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    """The first half of a payment counts, the second half takes its word by the stamp."""

    dependencies = [("payments", "0006_paid_before"), ("compliance", "0016_stamp")]

    operations = [run_sql_file(__file__, "0007_stamped.sql")]
