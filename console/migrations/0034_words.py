from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    """What a person's page says, in words and dollars."""

    dependencies = [("console", "0033_second_looks"), ("compliance", "0014_second_looks")]

    operations = [run_sql_file(__file__, "0034_words.sql")]
