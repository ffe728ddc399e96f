from django.db import migrations, models

from core.migrate import run_sql_file


class Migration(migrations.Migration):

    dependencies = [("banking", "0025_used_today")]

    operations = [
        migrations.AddField(
            model_name='identitycheck',
            name='claimed_until',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='identitycheck',
            name='screened_in',
            field=models.BigIntegerField(db_default=0),
        ),
        run_sql_file(__file__, "0028_legal_names.sql"),
    ]
