"""Corrections of what a statement shows: a debit that nobody sent becomes a cost, and money in suspense goes to its owner."""

from django.db import migrations, models
from django.db.models import Q

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("banking", "0015_broken_by")]

    operations = [
        migrations.AddField("correction", "of_break", models.TextField(null=True)),
        migrations.AddField("correction", "line_key", models.UUIDField(null=True)),
        migrations.AlterField(
            "correction",
            "kind",
            models.TextField(
                choices=[
                    ("write_off", "Write Off"), ("loss_reserve", "Loss Reserve"), ("rail_cost", "Rail Cost"),
                    ("suspense_found", "Suspense Found"),
                ]
            ),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint("correction", "banking_correction_kind"),
                migrations.AddConstraint(
                    "correction",
                    models.CheckConstraint(
                        condition=Q(kind="write_off", user__isnull=False, line_key=None)
                        | Q(kind="loss_reserve", user=None, line_key=None)
                        | Q(kind="rail_cost", user=None, line_key__isnull=False, of_break__isnull=False)
                        | Q(kind="suspense_found", user__isnull=False, line_key__isnull=False, of_break__isnull=False),
                        name="banking_correction_kind",
                    ),
                ),
            ]
        ),
        run_sql_file(__file__, "0016_line_corrections.sql"),
    ]  # fmt: skip
