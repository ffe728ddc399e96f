from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    """A report says which of its figures is wrong, and its clocks end with a day; letters lead to the page that they speak of."""

    dependencies = [("compliance", "0012_other_eyes")]

    operations = [run_sql_file(__file__, "0013_words.sql")]
