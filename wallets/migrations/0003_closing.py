from django.db import migrations, models

from core.migrate import run_sql_file


class Migration(migrations.Migration):

    dependencies = [("wallets", "0002_thawing")]

    operations = [
        migrations.AddField("wallet", "closed_at", models.DateTimeField(null=True)),
        run_sql_file(__file__, "0003_closing.sql"),
    ]
