from django.db import migrations, models
from django.db.models import Q

from core.migrate import run_sql_file

_KINDS = [
    ("write_off", "Write Off"), ("loss_reserve", "Loss Reserve"), ("rail_cost", "Rail Cost"), ("suspense_found", "Suspense Found"),
    ("adjustment_credit", "Adjustment Credit"), ("adjustment_debit", "Adjustment Debit"),
    ("adjustments_capital", "Adjustments Capital"), ("adjustments_operations", "Adjustments Operations"),
]  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("banking", "0023_identity")]

    operations = [
        migrations.AddField("correction", "approved_digest", models.BinaryField(null=True)),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField("correction", "kind", models.TextField(choices=_KINDS)),
                migrations.RemoveConstraint("correction", "banking_correction_kind"),
                migrations.AddConstraint(
                    "correction",
                    models.CheckConstraint(
                        condition=Q(
                            kind__in=["write_off", "adjustment_credit", "adjustment_debit"], user__isnull=False, line_key=None
                        )
                        | Q(kind__in=["loss_reserve", "adjustments_capital", "adjustments_operations"], user=None, line_key=None)
                        | Q(kind="rail_cost", user=None, line_key__isnull=False, of_break__isnull=False)
                        | Q(kind="suspense_found", user__isnull=False, line_key__isnull=False, of_break__isnull=False),
                        name="banking_correction_kind",
                    ),
                ),
            ],
        ),
        run_sql_file(__file__, "0024_adjustments.sql"),
    ]
