from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    """Whoever is left out of the weekly rewards is told why."""

    dependencies = [("rewards", "0001_initial"), ("compliance", "0002_letters")]

    operations = [run_sql_file(__file__, "0002_told.sql")]
