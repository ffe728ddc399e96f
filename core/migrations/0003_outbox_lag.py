from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("core", "0002_key_rotation")]
    operations = [run_sql_file(__file__, "0003_outbox_lag.sql")]
