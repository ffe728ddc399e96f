from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):

    dependencies = [("banking", "0012_nacha_orders"), ("wallets", "0002_thawing")]

    operations = [run_sql_file(__file__, "0013_restrictions_stay.sql")]
