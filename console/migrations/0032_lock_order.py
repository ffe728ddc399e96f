from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("console", "0031_asked_under_the_lock"), ("banking", "0030_two_people")]

    operations = [run_sql_file(__file__, "0032_lock_order.sql")]
