from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    """A second look at what one person could do alone, or with a slip."""

    dependencies = [("compliance", "0014_second_looks")]

    operations = [run_sql_file(__file__, "0015_second_person.sql")]
