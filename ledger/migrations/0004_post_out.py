from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_posted_at")]
    operations = [run_sql_file(__file__, "0004_post_out.sql")]
