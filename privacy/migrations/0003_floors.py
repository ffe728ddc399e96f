from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    """What the law wants kept is not kept for less."""

    dependencies = [("privacy", "0002_erased_words")]

    operations = [run_sql_file(__file__, "0003_floors.sql")]
