from django.db import migrations, models

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial"), ("compliance", "0003_screening")]

    operations = [
        migrations.AddField("payment", "decided_at", models.DateTimeField(null=True)),
        run_sql_file(__file__, "0002_screened.sql"),
    ]
