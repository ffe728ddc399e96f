from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("banking", "0024_adjustments"), ("compliance", "0005_support")]

    operations = [run_sql_file(__file__, "0025_used_today.sql")]
