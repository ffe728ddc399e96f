import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from core.migrate import run_sql_file
from core.rls import protect


class Migration(migrations.Migration):
    initial = True
    dependencies = [("wallets", "0001_initial"), ("users", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="StaffView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("staff_id", models.BigIntegerField()),
                ("payment", models.TextField()),
                ("reason", models.TextField()),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name="FeedItem",
            fields=[
                ("position", models.BigIntegerField(primary_key=True, serialize=False)),
                ("payment", models.TextField()),
                ("note", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("removed", models.BigIntegerField(null=True)),
                ("payer", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="users.user")),
                ("payee", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="users.user")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("payment",), name="feeditem_payment")],
                "indexes": [
                    models.Index(condition=models.Q(("removed__isnull", True)), fields=["-position"], name="feeditem_shown"),
                    models.Index(condition=models.Q(("removed__isnull", False)), fields=["removed"], name="feeditem_removed"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.TextField()),
                ("amount", models.BigIntegerField()),
                ("note", models.TextField(db_default="")),
                ("visibility", models.TextField(choices=[("public", "Public"), ("private", "Private")])),
                ("status", models.TextField()),
                ("transfer", models.UUIDField(unique=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("payer", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="users.user")),
                ("payee", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="users.user")),
            ],
            options={
                "indexes": [
                    models.Index(fields=["payer", "-id"], name="payment_payer"),
                    models.Index(fields=["payee", "-id"], name="payment_payee"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("public_id",), name="payment_public_id"),
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="payment_amount_positive"),
                    models.CheckConstraint(condition=models.Q(("payer", models.F("payee")), _negated=True), name="payment_between_two"),
                    models.CheckConstraint(condition=models.Q(("visibility__in", ["public", "private"])), name="payment_visibility"),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["completed", "held", "in_review", "denied", "cancelled"])), name="payment_status"
                    ),
                ],
            },
        ),
        run_sql_file(__file__, "0001_payments.sql"),
        protect("payments_payment", mine="(payer_id = {actor} OR payee_id = {actor})", staff_reads=False),
        # The feed is public: everybody reads it, only the relay's functions write it.
        migrations.RunSQL(
            """
            ALTER TABLE payments_feeditem ENABLE ROW LEVEL SECURITY;
            ALTER TABLE payments_feeditem FORCE ROW LEVEL SECURITY;
            CREATE POLICY everybody ON payments_feeditem FOR SELECT USING (true);
            CREATE POLICY engine ON payments_feeditem TO paya_engine USING (true) WITH CHECK (true);
            ALTER TABLE payments_staffview ENABLE ROW LEVEL SECURITY;
            ALTER TABLE payments_staffview FORCE ROW LEVEL SECURITY;
            CREATE POLICY readers ON payments_staffview FOR SELECT TO paya_auditor, paya_staff USING (true);
            CREATE POLICY engine ON payments_staffview TO paya_engine USING (true) WITH CHECK (true);
            """,
            migrations.RunSQL.noop,
        ),
    ]
