from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):

    dependencies = [("console", "0034_words"), ("compliance", "0015_second_person")]

    operations = [run_sql_file(__file__, "0037_as_compared.sql")]
