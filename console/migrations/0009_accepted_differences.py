from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("banking", "0014_accepted_differences"), ("console", "0008_nacha_orders")]

    operations = [run_sql_file(__file__, "0009_accepted_differences.sql")]
