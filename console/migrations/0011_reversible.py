from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("banking", "0021_reversible"), ("console", "0010_line_corrections")]

    operations = [run_sql_file(__file__, "0011_reversible.sql")]
