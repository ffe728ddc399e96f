from django.db import migrations, models

from core.migrate import run_sql_file

_SHOWN = {"abstract": False, "managed": False, "default_permissions": ()}


class Migration(migrations.Migration):

    dependencies = [("console", "0023_members"), ("banking", "0025_used_today")]

    operations = [
        migrations.CreateModel(
            name="Ceiling",
            fields=[
                ("id", models.TextField(primary_key=True, serialize=False)),
                ("role", models.TextField()),
                (
                    "action",
                    models.TextField(
                        choices=[("correction.ask", "Asking for corrections"), ("correction.decide", "Approving corrections")]
                    ),
                ),
                ("cents", models.BigIntegerField(null=True)),
                ("since", models.DateTimeField(null=True)),
                ("staff", models.TextField(null=True)),
                ("reason", models.TextField(null=True)),
                ("next_cents", models.BigIntegerField(null=True)),
                ("next_at", models.DateTimeField(null=True)),
            ],
            options=_SHOWN
            | {"db_table": "console_ceiling", "verbose_name": "daily ceiling", "verbose_name_plural": "daily ceilings"},
        ),
        migrations.CreateModel(
            name="CeilingHistory",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("ceiling_id", models.TextField()),
                ("cents", models.BigIntegerField()),
                ("effective_at", models.DateTimeField()),
                ("staff", models.TextField(null=True)),
                ("reason", models.TextField()),
            ],
            options=_SHOWN | {"db_table": "console_ceilinghistory"},
        ),
        run_sql_file(__file__, "0024_ceilings.sql"),
    ]
