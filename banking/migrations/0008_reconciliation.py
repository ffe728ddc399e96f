import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.migrate import run_sql_file
from core.rls import seal


class Migration(migrations.Migration):
    dependencies = [
        ("banking", "0007_customer_stopped"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReconciliationWish",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("custodian", models.TextField()),
                (
                    "asked_at",
                    models.DateTimeField(
                        db_default=models.Func(function="core_now", output_field=models.DateTimeField()), editable=False
                    ),
                ),
                ("done_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [models.Index(condition=models.Q(("done_at__isnull", True)), fields=["id"], name="banking_wish_open")],
            },
        ),
        migrations.CreateModel(
            name="Statement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("custodian", models.TextField()),
                ("origin", models.TextField(choices=[("rail", "Rail"), ("file", "File")])),
                ("name", models.TextField(default="")),
                ("digest", models.TextField(null=True)),
                ("account", models.TextField(default="")),
                ("currency", models.TextField(default="USD")),
                ("as_of", models.DateField(null=True)),
                ("opening", models.BigIntegerField(null=True)),
                ("closing", models.BigIntegerField(null=True)),
                ("complete", models.BooleanField(default=False)),
                ("faults", models.JSONField(default=list)),
                (
                    "taken_at",
                    models.DateTimeField(
                        db_default=models.Func(function="core_now", output_field=models.DateTimeField()), editable=False
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["custodian", "-id"], name="banking_statement_newest")],
                "constraints": [
                    models.UniqueConstraint(fields=("custodian", "digest", "account"), name="banking_statement_once"),
                    models.CheckConstraint(condition=models.Q(("origin__in", ["rail", "file"])), name="banking_statement_origin"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Break",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField(unique=True)),
                ("custodian", models.TextField()),
                ("subject", models.TextField()),
                ("kind", models.TextField()),
                ("cents", models.BigIntegerField()),
                (
                    "state",
                    models.TextField(
                        choices=[("open", "Open"), ("resolved", "Resolved"), ("vanished", "Vanished")], default="open"
                    ),
                ),
                ("facts", models.JSONField(default=dict)),
                ("first_on", models.DateField()),
                ("last_on", models.DateField()),
                (
                    "first_seen_at",
                    models.DateTimeField(
                        db_default=models.Func(function="core_now", output_field=models.DateTimeField()), editable=False
                    ),
                ),
                ("closed_at", models.DateTimeField(null=True)),
                ("times_opened", models.SmallIntegerField(default=1)),
                (
                    "assignee",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["state", "custodian"], name="banking_break_open")],
                "constraints": [
                    models.UniqueConstraint(fields=("custodian", "subject", "kind"), name="banking_break_once"),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["open", "resolved", "vanished"])), name="banking_break_state"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("custodian", models.TextField()),
                ("on", models.DateField()),
                ("current", models.BooleanField(default=True)),
                ("result", models.TextField(choices=[("clean", "Clean"), ("breaks", "Breaks"), ("unknown", "Unknown")])),
                (
                    "ran_at",
                    models.DateTimeField(
                        db_default=models.Func(function="core_now", output_field=models.DateTimeField()), editable=False
                    ),
                ),
                ("ledger", models.BigIntegerField(default=0)),
                ("ours", models.BigIntegerField(default=0)),
                ("held", models.BigIntegerField(null=True)),
                ("in_transit", models.BigIntegerField(default=0)),
                ("items", models.JSONField(default=list)),
                ("items_count", models.IntegerField(default=0)),
                ("pending", models.JSONField(default=dict)),
                ("compared", models.BigIntegerField(default=0)),
                ("breaks", models.IntegerField(default=0)),
                ("breaks_cents", models.BigIntegerField(default=0)),
                ("cause", models.TextField(default="")),
                (
                    "statement",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="banking.statement"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("current", True)), fields=("custodian", "on"), name="banking_reconciled_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("result__in", ["clean", "breaks", "unknown"])), name="banking_reconciled_result"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="StatementLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("custodian", models.TextField()),
                ("entry", models.TextField()),
                ("state", models.TextField()),
                ("kind", models.TextField()),
                ("amount", models.BigIntegerField()),
                ("effect", models.BigIntegerField()),
                ("currency", models.TextField(default="USD")),
                ("on", models.DateField(null=True)),
                ("key", models.UUIDField()),
                ("transfer", models.TextField(default="")),
                ("reference", models.TextField(default="")),
                ("reference_key", models.UUIDField(null=True)),
                ("account_index", models.TextField(default="")),
                ("text", models.TextField(default="")),
                (
                    "seen_at",
                    models.DateTimeField(
                        db_default=models.Func(function="core_now", output_field=models.DateTimeField()), editable=False
                    ),
                ),
                (
                    "statement",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="banking.statement"),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["custodian", "seen_at"], name="banking_line_seen"),
                    models.Index(fields=["key"], name="banking_line_key"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("custodian", "entry", "state"), name="banking_line_once"),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["pending", "posted", "failed", "cancelled"])), name="banking_line_state"
                    ),
                ],
            },
        ),
        seal("banking_statement"),
        seal("banking_statementline"),
        seal("banking_reconciliation"),
        seal("banking_break"),
        seal("banking_reconciliationwish"),
        run_sql_file(__file__, "0008_reconciliation.sql"),
    ]
