"""A difference that staff resolved and that nobody booked is kept and published as such."""

from django.db import migrations, models
from django.db.models import Q

from core.migrate import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("banking", "0013_restrictions_stay")]

    operations = [
        migrations.AddField("reconciliation", "accepted", models.IntegerField(db_default=0, default=0)),
        migrations.AddField("reconciliation", "accepted_cents", models.BigIntegerField(db_default=0, default=0)),
        migrations.AlterField(
            "reconciliation",
            "result",
            models.TextField(choices=[("clean", "Clean"), ("accepted", "Accepted"), ("breaks", "Breaks"), ("unknown", "Unknown")]),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint("reconciliation", "banking_reconciled_result"),
                migrations.AddConstraint(
                    "reconciliation",
                    models.CheckConstraint(
                        condition=Q(result__in=["clean", "accepted", "breaks", "unknown"]), name="banking_reconciled_result"
                    ),
                ),
            ]
        ),
        run_sql_file(__file__, "0014_accepted_differences.sql"),
    ]
