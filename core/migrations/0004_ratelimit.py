from django.db import migrations

from core.migrate import run_sql_file
from core.rls import seal


class Migration(migrations.Migration):
    dependencies = [("core", "0003_outbox_lag")]
    operations = [run_sql_file(__file__, "0004_ratelimit.sql"), seal("core_ratehit")]
