from django.db import migrations

from core.migrate import run_sql_file


class Migration(migrations.Migration):

    dependencies = [
        ("console", "0024_ceilings"), ("compliance", "0006_flags"), ("banking", "0025_used_today"), ("privacy", "0001_privacy"),
    ]  # fmt: skip

    operations = [run_sql_file(__file__, "0025_freezes_and_clocks.sql")]
