from django.db import migrations, models

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("console", "0005_reconciliation")]

    operations = [
        migrations.CreateModel(
            name="Vendor",
            fields=[("name", models.TextField(primary_key=True, serialize=False))],
            options={"db_table": "console_vendor", "abstract": False, "managed": False, "default_permissions": ()},
        ),
        run_sql_file(__file__, "0006_vendors.sql"),
    ]
