from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("payments", "0003_in_review"), ("compliance", "0010_restricted")]

    operations = [run_sql_file(__file__, "0004_held_ends.sql")]
