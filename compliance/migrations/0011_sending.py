from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    """What counts as sent is walked in one place."""

    dependencies = [("compliance", "0010_restricted")]

    operations = [run_sql_file(__file__, "0011_sending.sql")]
