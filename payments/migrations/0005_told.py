from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    """Letters about held payments say which one; the form says whom one cannot pay."""

    dependencies = [("payments", "0004_held_ends")]

    operations = [run_sql_file(__file__, "0005_told.sql")]
