from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("banking", "0010_bank_upkeep")]
    operations = [run_sql_file(__file__, "0011_nacha_unanswered.sql")]
