"""Migration helpers: SQL lives in numbered files beside its room, which are never edited after landing."""

from pathlib import Path

from django.db.migrations import RunSQL


def run_sql_file(migration_file: str, name: str) -> RunSQL:
    """The operation that runs `<room>/sql/<name>`; pass `__file__` of the migration."""
    path = Path(migration_file).resolve().parent.parent / "sql" / name
    return RunSQL(path.read_text(encoding="utf-8"), RunSQL.noop)
