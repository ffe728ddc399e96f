from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("console", "0030_legal_names")]

    operations = [run_sql_file(__file__, "0031_asked_under_the_lock.sql")]
