from django.db import migrations, models

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("banking", "0006_nacha")]

    operations = [
        migrations.AddField(
            model_name="railcustomer",
            name="stopped",
            field=models.BooleanField(db_default=False, default=False),
        ),
        run_sql_file(__file__, "0007_customer_stopped.sql"),
    ]
