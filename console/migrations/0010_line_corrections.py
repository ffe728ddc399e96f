from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("banking", "0016_line_corrections"), ("console", "0009_accepted_differences")]

    operations = [run_sql_file(__file__, "0010_line_corrections.sql")]
