"""A line is known once per state and revision: indexes that stop nobody while they are built."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

_ONCE = models.UniqueConstraint(fields=["custodian", "entry", "state", "revision"], name="banking_line_revised_once")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("banking", "0019_line_revisions")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddConstraint("statementline", _ONCE),
                migrations.RemoveConstraint("statementline", "banking_line_once"),
            ],
            database_operations=[
                migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS banking_line_revised_once", migrations.RunSQL.noop),
                migrations.RunSQL(
                    "CREATE UNIQUE INDEX CONCURRENTLY banking_line_revised_once"
                    " ON banking_statementline (custodian, entry, state, revision)",
                    migrations.RunSQL.noop,
                ),
                migrations.RunSQL(
                    "ALTER TABLE banking_statementline DROP CONSTRAINT IF EXISTS banking_line_once", migrations.RunSQL.noop
                ),
            ],
        ),
        AddIndexConcurrently(
            "statementline",
            models.Index(fields=["custodian", "entry"], condition=Q(revision__gt=0), name="banking_line_revised"),
        ),
    ]
