"""What 0004 could not do without stopping people: indexes, checks of the rows there are, and what the new columns say
of them. Each step stands by itself and may be repeated.
"""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

_DEFAULT_IS_THERE = Q(is_default=False) | ~Q(status="removed")
_PRESENTED = Q(represents=None, presentment=0) | Q(represents__isnull=False, presentment__in=[1, 2])

_CHECKS = (
    ("bankaccount", "banking_default_is_there", _DEFAULT_IS_THERE, "NOT is_default OR status <> 'removed'"),
    ("banktransfer", "banking_transfer_cancel", Q(cancel__in=["no", "asked", "refused"]), "cancel IN ('no', 'asked', 'refused')"),
    (
        "banktransfer", "banking_presented_twice_again", _PRESENTED,
        "represents_id IS NULL AND presentment = 0 OR represents_id IS NOT NULL AND presentment IN (1, 2)",
    ),
)  # fmt: skip


def _added(model: str, name: str, condition: Q, sql: str) -> migrations.SeparateDatabaseAndState:
    """A CHECK that holds for new rows at once and reads the old ones without stopping anybody."""
    table = f"banking_{model}"
    return migrations.SeparateDatabaseAndState(
        state_operations=[migrations.AddConstraint(model, models.CheckConstraint(condition=condition, name=name))],
        database_operations=[
            migrations.RunSQL(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}", migrations.RunSQL.noop),
            migrations.RunSQL(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({sql}) NOT VALID", migrations.RunSQL.noop),
            migrations.RunSQL(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}", migrations.RunSQL.noop),
        ],
    )


def _unique(model: str, constraint: models.UniqueConstraint, columns: str) -> migrations.SeparateDatabaseAndState:
    return migrations.SeparateDatabaseAndState(
        state_operations=[migrations.AddConstraint(model, constraint)],
        database_operations=[
            migrations.RunSQL(f"DROP INDEX CONCURRENTLY IF EXISTS {constraint.name}", migrations.RunSQL.noop),
            migrations.RunSQL(
                f"CREATE UNIQUE INDEX CONCURRENTLY {constraint.name} ON banking_{model} {columns}", migrations.RunSQL.noop
            ),
        ],
    )


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("banking", "0004_rails")]

    operations = [
        _unique(
            "bankaccount",
            models.UniqueConstraint(condition=Q(is_default=True), fields=("user",), name="banking_one_default"),
            "(user_id) WHERE is_default",
        ),
        _unique(
            "banktransfer",
            models.UniqueConstraint(fields=("represents", "presentment"), name="banking_presented_once"),
            "(represents_id, presentment)",
        ),
        AddIndexConcurrently(
            "bankaccount",
            models.Index(fields=["id"], condition=Q(funding_source__isnull=False), name="banking_to_take_over"),
        ),
        *(_added(*check) for check in _CHECKS),
        # A person's first account that can be used is their default.
        migrations.RunSQL(
            """
            UPDATE banking_bankaccount SET is_default = true
            WHERE id IN (SELECT DISTINCT ON (user_id) id FROM banking_bankaccount WHERE status = 'active' ORDER BY user_id, id)
              AND user_id NOT IN (SELECT user_id FROM banking_bankaccount WHERE is_default)
            """,
            migrations.RunSQL.noop,
        ),
        # What has settled may still come back: it is asked about from now on, for as long as RETURNS_FOR says.
        migrations.RunSQL(
            """
            UPDATE banking_banktransfer t SET settled_at = m.at, due_at = core_now()
            FROM banking_transfermove m
            WHERE m.transfer_id = t.id AND m.status = 'settled' AND t.status = 'settled' AND t.settled_at IS NULL
            """,
            migrations.RunSQL.noop,
        ),
    ]
