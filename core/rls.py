"""Row-level security for tables that hold a person's rows, as migration operations.

Forced (it binds the owner too), one policy per kind of process:
web sees the actor's own rows; worker sees the actor's rows, or all of them as SYSTEM; staff and auditor only read;
the engine (owner of the SECURITY DEFINER functions) sees all and checks the actor in its functions.
Grants are given next to the table they belong to, in each room's sql/.
"""

from django.db.migrations import RunSQL


def protect(table: str, *, mine: str = "user_id = {actor}", staff_reads: bool = True) -> RunSQL:
    """Enable and force row-level security on `table`; `mine` is true of the rows that belong to {actor}."""
    own = mine.format(actor="(select core_actor())")
    staff = f"CREATE POLICY staff ON {table} FOR SELECT TO paya_staff USING ((select core_actor()) IS NOT NULL);"
    return RunSQL(
        f"""
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY person ON {table} TO paya_web USING ({own}) WITH CHECK ({own});
        CREATE POLICY system ON {table} TO paya_worker
            USING ((select core_actor()) = 0 OR {own}) WITH CHECK ((select core_actor()) = 0 OR {own});
        CREATE POLICY engine ON {table} TO paya_engine USING (true) WITH CHECK (true);
        CREATE POLICY auditor ON {table} FOR SELECT TO paya_auditor USING (true);
        {staff if staff_reads else ""}
        """,
        RunSQL.noop,
    )


def seal(table: str) -> RunSQL:
    """Force row-level security on `table` with no way in but the engine's functions and the worker as SYSTEM."""
    return RunSQL(
        f"""
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY system ON {table} TO paya_worker
            USING ((select core_actor()) = 0) WITH CHECK ((select core_actor()) = 0);
        CREATE POLICY engine ON {table} TO paya_engine USING (true) WITH CHECK (true);
        """,
        RunSQL.noop,
    )
