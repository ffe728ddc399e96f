import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from core.migrate import run_sql_file
from core.rls import protect


class Migration(migrations.Migration):
    initial = True
    dependencies = [("core", "0001_initial"), ("ledger", "0001_initial"), ("users", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="Wallet",
            fields=[
                ("user", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name="+", serialize=False, to="users.user")),
                ("public_id", models.TextField(unique=True)),
                ("account", models.BigIntegerField(unique=True)),
                ("hold_account", models.BigIntegerField(unique=True)),
                ("receivable_account", models.BigIntegerField(unique=True)),
                ("pending_in", models.BigIntegerField(db_default=0)),
                ("pending_out", models.BigIntegerField(db_default=0)),
                ("frozen", models.SmallIntegerField(db_default=0)),
                ("frozen_reason", models.TextField(db_default="")),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("pending_in__gte", 0), ("pending_out__gte", 0)), name="wallet_pending_not_negative"),
                    models.CheckConstraint(condition=models.Q(("frozen__in", [0, 1, 2])), name="wallet_frozen_state"),
                ],
            },
        ),
        run_sql_file(__file__, "0001_wallets.sql"),
        protect("wallets_wallet"),
    ]
