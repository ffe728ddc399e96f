from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("banking", "0020_line_revisions_once")]

    operations = [run_sql_file(__file__, "0021_reversible.sql")]
