from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    """A payment is counted once, and the count is stamped."""

    dependencies = [("compliance", "0015_second_person")]

    operations = [run_sql_file(__file__, "0016_stamp.sql")]
