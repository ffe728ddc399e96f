"""What a custodian says otherwise than before, or no longer, of a line that we know is kept as a revision of that line."""

from django.db import migrations, models
from django.db.models import Q

from core.migrate import run_sql_file

_STATES = ["pending", "posted", "failed", "cancelled", "gone"]


class Migration(migrations.Migration):
    dependencies = [("banking", "0018_barred_index")]

    operations = [
        migrations.AddField("statementline", "revision", models.SmallIntegerField(db_default=0, default=0)),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint("statementline", "banking_line_state"),
                migrations.AddConstraint(
                    "statementline", models.CheckConstraint(condition=Q(state__in=_STATES), name="banking_line_state")
                ),
            ]
        ),
        run_sql_file(__file__, "0019_line_revisions.sql"),
    ]
