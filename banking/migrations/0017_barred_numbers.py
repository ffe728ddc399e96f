from django.db import migrations, models

from core.migrate import run_sql_file


class Migration(migrations.Migration):

    dependencies = [("banking", "0016_line_corrections")]

    operations = [
        migrations.AddField("bankaccount", "numbers_index", models.BinaryField(null=True)),
        run_sql_file(__file__, "0017_barred_numbers.sql"),
    ]
