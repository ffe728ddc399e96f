from django.db import migrations, models

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("banking", "0021_reversible"), ("compliance", "0004_tiers")]

    operations = [
        migrations.AddField(
            "banktransfer", "review", models.TextField(
                choices=[("", "None"), ("waiting", "Waiting"), ("released", "Released"), ("refused", "Refused")], default="", db_default=""
            ),
        ),
        run_sql_file(__file__, "0022_screened.sql"),
    ]
