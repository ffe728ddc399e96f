from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    """Only money that is gone is disputed; and whoever decided about a hit or an adjustment answers no appeal against it."""

    dependencies = [("compliance", "0011_sending")]

    operations = [run_sql_file(__file__, "0012_other_eyes.sql")]
