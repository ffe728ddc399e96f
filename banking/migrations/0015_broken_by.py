from django.db import migrations, models

from core.migrate import run_sql_file


class Migration(migrations.Migration):

    dependencies = [("banking", "0014_accepted_differences")]

    operations = [
        migrations.AddField("bankaccount", "broken_by", models.TextField(db_default="", default="")),
        run_sql_file(__file__, "0015_broken_by.sql"),
    ]
