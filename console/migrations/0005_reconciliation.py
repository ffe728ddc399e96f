from django.db import migrations, models

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [
        ("banking", "0008_reconciliation"),
        ("console", "0004_nacha"),
    ]

    operations = [
        migrations.CreateModel(
            name="Break",
            fields=[
                ("id", models.TextField(primary_key=True, serialize=False)),
                ("number", models.BigIntegerField()),
                ("custodian", models.TextField(choices=[("dwolla", "dwolla"), ("stripe", "stripe"), ("odfi", "odfi")])),
                ("subject", models.TextField()),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            ("missing_here", "missing here"),
                            ("missing_there", "missing there"),
                            ("amount", "amount"),
                            ("duplicate", "duplicate"),
                            ("timing", "timing"),
                            ("fee", "fee"),
                            ("interest", "interest"),
                            ("capital", "capital"),
                            ("unknown_credit", "unknown credit"),
                            ("unknown_debit", "unknown debit"),
                            ("wrong_account", "wrong account"),
                            ("wrong_direction", "wrong direction"),
                            ("currency", "currency"),
                            ("return_not_booked", "return not booked"),
                            ("return_missing_there", "return missing there"),
                            ("status_mismatch", "status mismatch"),
                            ("posted_twice", "posted twice"),
                            ("not_posted", "not posted"),
                            ("no_record", "no record"),
                            ("balance", "balance"),
                            ("unreadable", "unreadable"),
                            ("unexplained", "unexplained"),
                        ]
                    ),
                ),
                ("cents", models.BigIntegerField(verbose_name="difference")),
                ("state", models.TextField(choices=[("open", "open"), ("resolved", "resolved"), ("vanished", "vanished")])),
                ("facts", models.JSONField()),
                ("first_on", models.DateField(verbose_name="since")),
                ("last_on", models.DateField(verbose_name="last seen")),
                ("first_seen_at", models.DateTimeField(verbose_name="found")),
                ("closed_at", models.DateTimeField(null=True, verbose_name="closed")),
                ("times_opened", models.SmallIntegerField()),
                ("assignee", models.TextField(null=True)),
            ],
            options={
                "db_table": "console_break",
                "abstract": False,
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("custodian", models.TextField(choices=[("dwolla", "dwolla"), ("stripe", "stripe"), ("odfi", "odfi")])),
                ("on", models.DateField(verbose_name="day")),
                ("current", models.BooleanField(verbose_name="the day's last")),
                ("result", models.TextField(choices=[("clean", "clean"), ("breaks", "breaks"), ("unknown", "unknown")])),
                ("ran_at", models.DateTimeField(verbose_name="ran")),
                ("ledger", models.BigIntegerField()),
                ("ours", models.BigIntegerField()),
                ("held", models.BigIntegerField(null=True)),
                ("in_transit", models.BigIntegerField()),
                ("items", models.JSONField()),
                ("items_count", models.IntegerField()),
                ("pending", models.JSONField()),
                ("compared", models.BigIntegerField()),
                ("breaks", models.IntegerField()),
                ("breaks_cents", models.BigIntegerField()),
                ("cause", models.TextField()),
                ("statement_id", models.BigIntegerField(null=True)),
            ],
            options={
                "db_table": "console_reconciliation",
                "abstract": False,
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Statement",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("custodian", models.TextField(choices=[("dwolla", "dwolla"), ("stripe", "stripe"), ("odfi", "odfi")])),
                ("origin", models.TextField(choices=[("rail", "rail"), ("file", "file")])),
                ("name", models.TextField()),
                ("account", models.TextField()),
                ("currency", models.TextField()),
                ("as_of", models.DateField(null=True, verbose_name="of")),
                ("opening", models.BigIntegerField(null=True)),
                ("closing", models.BigIntegerField(null=True)),
                ("faults", models.JSONField()),
                ("taken_at", models.DateTimeField(verbose_name="taken")),
                ("lines", models.BigIntegerField(verbose_name="new lines")),
            ],
            options={
                "db_table": "console_statement",
                "abstract": False,
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="StatementLine",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("statement_id", models.BigIntegerField()),
                ("custodian", models.TextField(choices=[("dwolla", "dwolla"), ("stripe", "stripe"), ("odfi", "odfi")])),
                ("entry", models.TextField()),
                (
                    "state",
                    models.TextField(
                        choices=[("pending", "pending"), ("posted", "posted"), ("failed", "failed"), ("cancelled", "cancelled")]
                    ),
                ),
                (
                    "kind",
                    models.TextField(
                        choices=[
                            ("transfer", "transfer"),
                            ("return", "return"),
                            ("fee", "fee"),
                            ("interest", "interest"),
                            ("capital", "capital"),
                            ("credit", "credit"),
                            ("debit", "debit"),
                        ]
                    ),
                ),
                ("amount", models.BigIntegerField()),
                ("effect", models.BigIntegerField()),
                ("currency", models.TextField()),
                ("on", models.DateField(null=True, verbose_name="custodian's day")),
                ("key", models.UUIDField()),
                ("transfer", models.TextField()),
                ("reference", models.TextField()),
                ("text", models.TextField()),
                ("seen_at", models.DateTimeField(verbose_name="seen")),
                ("bank_transfer", models.TextField(null=True)),
            ],
            options={
                "verbose_name": "statement line",
                "verbose_name_plural": "statement lines",
                "db_table": "console_statementline",
                "abstract": False,
                "managed": False,
                "default_permissions": (),
            },
        ),
        run_sql_file(__file__, "0005_reconciliation.sql"),
    ]
