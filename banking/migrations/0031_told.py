from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    """Letters about held loads and redemptions say which one."""

    dependencies = [("banking", "0030_two_people")]

    operations = [run_sql_file(__file__, "0031_told.sql")]
