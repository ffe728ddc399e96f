"""New migrations must be safe to run beside the old code and under load: nothing that old code still needs goes away,
and nothing holds a lock on a table that is in use for as long as its rows take.

django-migration-linter's rules for PostgreSQL, and a few of our own for what SQL files say. What landed before
there was anything in use is let be; a table that is made in the same migration may be treated in any way.
"""

import re
from collections.abc import Iterable

import pytest
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django_migration_linter.sql_analyser import PostgresqlAnalyser, analyse_sql_statements

from tests.conftest import Database

ROOMS = ("core", "ledger", "users", "wallets", "compliance", "banking", "payments", "rewards", "transparency", "privacy", "home", "console")
# What an empty database begins with locks nobody out.
LANDED = {(room, "0001_initial") for room in ROOMS}

_TABLE = r"(?:ONLY )?\"?(?:public\.)?(\w+)\"?"
_OURS = {
    "drops what old code still asks for": rf"^(?:DROP TABLE|TRUNCATE(?: TABLE)?)(?: IF EXISTS)? {_TABLE}",
    "a view or function that old code calls goes away": r"^DROP (?:VIEW|FUNCTION)(?: IF EXISTS)? (\w+)",
    "rewrites the table under an exclusive lock": rf"^ALTER TABLE {_TABLE} .*\bALTER (?:COLUMN )?\S+ (?:SET DATA )?TYPE\b",
    "reads the whole table under an exclusive lock": rf"^ALTER TABLE {_TABLE} .*\bSET NOT NULL\b",
    "checks every row under a lock: NOT VALID first, VALIDATE later": (
        rf"^ALTER TABLE {_TABLE} .*\bADD (?:CONSTRAINT \S+ )?(?:CHECK|FOREIGN KEY)\b(?!.*NOT VALID)"
    ),
    "builds an index under a lock: CONCURRENTLY, then USING INDEX": (
        rf"^ALTER TABLE {_TABLE} .*\bADD (?:CONSTRAINT \S+ )?(?:UNIQUE|PRIMARY KEY|EXCLUDE)\b(?!.*USING INDEX)"
    ),
    "stops writing while the index is built: CONCURRENTLY": rf"^CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).*\bON {_TABLE}",
    "locks out everybody": rf"^LOCK (?:TABLE )?{_TABLE}",
}  # fmt: skip


def statements(sql: Iterable[str]) -> list[str]:
    """SQL as single statements on one line each, without comments and function bodies."""
    text = re.sub(r"\$(\w*)\$.*?\$\1\$", "''", "\n".join(sql), flags=re.DOTALL)
    text = re.sub(r"--[^\n]*", "", text)
    return [" ".join(statement.split()) + ";" for statement in text.split(";") if statement.strip()]


def findings(sql: Iterable[str], *, atomic: bool = True) -> list[str]:
    """What is unsafe in the SQL of one migration, in words. One that is not atomic holds no lock from step to step."""
    lines = statements(sql)
    new = {m[1] for line in lines if (m := re.match(rf"CREATE TABLE (?:IF NOT EXISTS )?{_TABLE}", line))}
    old = [line for line in lines if not ((m := re.match(rf"(?:ALTER TABLE|CREATE .*?INDEX .*?\bON) {_TABLE}", line)) and m[1] in new)]
    errors, _, warnings = analyse_sql_statements(PostgresqlAnalyser, ["BEGIN;", *old, "COMMIT;"] if atomic else old)
    found = {f"{issue.code}: {issue.message}" for issue in [*errors, *warnings] if not issue.code.startswith("RUNSQL")}
    for words, pattern in _OURS.items():
        found |= {f"{words}: {line[:120]}" for line in old if (m := re.match(pattern, line, re.IGNORECASE)) and m[1] not in new}
    return sorted(found)


def sql_of(migration: migrations.Migration, state: ProjectState) -> list[str]:
    with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
        migration.apply(state, editor, collect_sql=True)
    return list(editor.collected_sql)


def test_new_migrations_are_safe(database: Database) -> None:
    with database.role("owner"):
        loader = MigrationLoader(connection)
        unsafe = {}
        for key, migration in loader.disk_migrations.items():
            if key[0] in ROOMS and key not in LANDED:
                found = findings(sql_of(migration, loader.project_state(key, at_end=False)), atomic=migration.atomic)
                if found:
                    unsafe[key] = found
    assert not unsafe


# ---------------------------------------------------------------------------------------- that it catches anything
UNSAFE: dict[str, migrations.operations.base.Operation] = {
    "a column goes": migrations.RemoveField("payment", "note"),
    "a table goes": migrations.DeleteModel("StaffView"),
    "a column is renamed": migrations.RenameField("payment", "note", "memo"),
    "a column must not be null": migrations.AddField("payment", "memo", models.TextField(default="")),
    "a column changes its type": migrations.AlterField("payment", "amount", models.IntegerField()),
    "an index is built in place": migrations.AddIndex("payment", models.Index(fields=["created_at"], name="x")),
    "a constraint is checked at once": migrations.AddConstraint(
        "payment", models.CheckConstraint(condition=models.Q(amount__lt=10), name="x")
    ),
    "SQL: not null": migrations.RunSQL("ALTER TABLE payments_payment\n  ALTER COLUMN note SET NOT NULL;"),
    "SQL: an index": migrations.RunSQL("GRANT SELECT ON core_outbox TO paya_web;\nCREATE INDEX x\n  ON ledger_transfer (posted_at);"),
    "SQL: a unique constraint": migrations.RunSQL("ALTER TABLE users_profile ADD CONSTRAINT x UNIQUE (display_name);"),
    "SQL: a function goes": migrations.RunSQL("DROP FUNCTION payments_begin(bigint, text, text);"),
    "SQL: a table goes": migrations.RunSQL("DROP TABLE IF EXISTS core_outbox;"),
}
SAFE: dict[str, migrations.operations.base.Operation] = {
    "a column that may be null": migrations.AddField("payment", "memo", models.TextField(null=True)),
    "a table of its own": migrations.CreateModel(
        "New", [("id", models.BigAutoField(primary_key=True)), ("name", models.TextField(unique=True, db_index=True))]
    ),
    "SQL: grants and policies": migrations.RunSQL(
        "GRANT SELECT ON core_outbox TO paya_web; CREATE POLICY x ON users_user FOR SELECT TO paya_staff USING (true);"
    ),
    "SQL: a function": migrations.RunSQL(
        "CREATE FUNCTION x() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE y; ALTER TABLE z ALTER a SET NOT NULL; END $$;"
    ),
    "SQL: a constraint for later": migrations.RunSQL("ALTER TABLE users_profile ADD CONSTRAINT x CHECK (true) NOT VALID;"),
    "SQL: a table with its index": migrations.RunSQL("CREATE TABLE fresh (id bigint); CREATE INDEX ON fresh (id);"),
}


def judge(database: Database, operation: migrations.operations.base.Operation, *, atomic: bool = True) -> list[str]:
    with database.role("owner"):
        state = MigrationLoader(connection).project_state()
        body = {"operations": [operation], "atomic": atomic}
        migration = type("Migration", (migrations.Migration,), body)("tried", "payments")
        return findings(sql_of(migration, state), atomic=atomic)


@pytest.mark.parametrize("name", UNSAFE)
def test_control_an_unsafe_one_is_caught(database: Database, name: str) -> None:
    assert judge(database, UNSAFE[name])


@pytest.mark.parametrize("name", SAFE)
def test_control_a_safe_one_passes(database: Database, name: str) -> None:
    assert judge(database, SAFE[name]) == []


def test_control_outside_a_transaction_an_index_in_place_is_caught_too(database: Database) -> None:
    beside = migrations.RunSQL("CREATE INDEX CONCURRENTLY x ON ledger_transfer (posted_at);")
    assert judge(database, beside, atomic=False) == []
    in_place = migrations.RunSQL("CREATE INDEX x ON ledger_transfer (posted_at);")
    assert judge(database, in_place, atomic=False)
