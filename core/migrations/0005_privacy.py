from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):

    dependencies = [("core", "0004_ratelimit")]

    operations = [run_sql_file(__file__, "0005_privacy.sql")]
