import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.migrate import run_sql_file
from core.rls import seal


class Migration(migrations.Migration):
    dependencies = [
        ("console", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="StaffAction",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(verbose_name="when")),
                ("staff", models.TextField()),
                ("action", models.TextField()),
                ("subject", models.TextField()),
                ("what", models.TextField()),
                ("reason", models.TextField()),
            ],
            options={
                "verbose_name": "action of staff",
                "verbose_name_plural": "actions of staff",
                "db_table": "console_staffaction",
                "abstract": False,
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ActionRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("action", models.TextField()),
                ("subject", models.TextField()),
                ("what", models.TextField()),
                ("reason", models.TextField()),
                (
                    "at",
                    models.DateTimeField(db_default=models.Func(function="clock_timestamp", output_field=models.DateTimeField())),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["subject", "-id"], name="console_action_subject")],
            },
        ),
        seal("console_actionrecord"),
        run_sql_file(__file__, "0002_actions.sql"),
    ]
