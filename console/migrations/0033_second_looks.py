from django.db import migrations, models

from core.migrate import run_sql_file


class Migration(migrations.Migration):

    dependencies = [("console", "0032_lock_order"), ("compliance", "0014_second_looks")]

    operations = [
        migrations.CreateModel(
            name="HitLifting",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("hit_id", models.TextField()),
                ("asked_by", models.TextField()),
                ("asked_at", models.DateTimeField()),
                ("decided_by", models.TextField(null=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("approved", models.BooleanField(null=True)),
            ],
            options={"db_table": "console_hitlifting", "abstract": False, "managed": False, "default_permissions": ()},
        ),
        run_sql_file(__file__, "0033_second_looks.sql"),
    ]
