"""A database as good as new for the next test, without making one: its rows are put back, its connections stay warm.

Making a clone takes 60 ms, but then every connection reads the catalogue, compiles the functions and plans each statement
once more, which is more than what most tests ask. What a test may have left behind is found, not trusted: a change of the
catalogue (a function, a grant, a trigger, a TRUNCATE) or a lock that somebody still holds ends the database, and the next
test has a new one (tests/local/test_recycled.py).
"""

from typing import Any

import psycopg2

# Everything that defines the database, by the transactions that last changed it; statistics leave no mark.
CATALOGUE = """
    select md5(string_agg(part, ' ' order by part)) from (
        select format('f%s:%s', oid, xmin) from pg_proc where pronamespace = 'public'::regnamespace
        union all select format('c%s:%s', oid, xmin) from pg_class where relnamespace = 'public'::regnamespace
        union all select format('a%s/%s:%s', attrelid, attnum, a.xmin) from pg_attribute a join pg_class c on c.oid = attrelid
            where relnamespace = 'public'::regnamespace
        union all select format('d%s:%s', oid, xmin) from pg_attrdef
        union all select format('k%s:%s', oid, xmin) from pg_constraint where connamespace = 'public'::regnamespace
        union all select format('t%s:%s', oid, xmin) from pg_trigger
        union all select format('p%s:%s', oid, xmin) from pg_policy
        union all select format('n%s:%s', oid, xmin) from pg_namespace where nspname !~ '^pg_(toast_)?temp'
        union all select format('s%s:%s', setdatabase, xmin) from pg_db_role_setting
    ) of (part)
"""
# The rows with which a clone begins, beside it; and what puts them back. As text a row can be compared whatever its columns are.
SEED = """
    create schema seed;
    do $$
    declare t record; filled boolean;
    begin
        for t in select c.oid::regclass as name, quote_ident(c.relname) as bare from pg_class c
                 where relnamespace = 'public'::regnamespace and relkind = 'r' loop
            execute format('select exists (select from %s)', t.name) into filled;
            if filled then execute format('create table seed.%s as table %s', t.bare, t.name); end if;
        end loop;
        create table seed.sequences as select sequencename, last_value, start_value from pg_sequences where schemaname = 'public';
    end $$;
    create function seed.put_back() returns void language plpgsql as $$
    declare
        t record;
        other text := ' where not exists (select from %2$s b where b::text = a::text)';
    begin
        for t in select c.oid::regclass as name, to_regclass('seed.' || quote_ident(c.relname)) as kept,
                     pg_relation_size(c.oid) as size,
                     (select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute a
                      where a.attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '') as columns
                 from pg_class c
                 where relnamespace = 'public'::regnamespace and relkind = 'r' loop
            continue when t.kept is null and t.size = 0;
            if t.kept is null then
                execute format('delete from only %s', t.name);
            else
                execute format('delete from only %1$s a' || other, t.name, t.kept);
                execute format('insert into %2$s (%3$s) overriding system value select %3$s from %1$s a' || other,
                               t.kept, t.name, t.columns);
            end if;
        end loop;
        perform setval(q.name::regclass, coalesce(s.last_value, s.start_value), s.last_value is not null)
            from seed.sequences s
            join (select format('public.%I', sequencename) as name, * from pg_sequences where schemaname = 'public') q
                using (sequencename)
            where q.last_value is distinct from s.last_value;
    end $$;
"""


def catalogue(raw: Any) -> str:
    with raw.cursor() as cursor:
        cursor.execute(CATALOGUE)
        return str(cursor.fetchone()[0])


def keep_seed(raw: Any) -> None:
    """Lay the rows of a new clone beside it."""
    with raw.cursor() as cursor:
        cursor.execute(SEED)


def put_back(raw: Any, ours: list[int], was: str) -> bool:
    """Put its rows back; False where the database has become another one. `ours`: connections that may stay."""
    try:
        with raw.cursor() as cursor:
            cursor.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid() and not pid = any(%s)", [ours],
            )  # fmt: skip
            if catalogue(raw) != was:
                return False
            cursor.execute("set lock_timeout = '2s'; set session_replication_role = replica")
            cursor.execute("select seed.put_back()")
            cursor.execute("reset all")
    except psycopg2.Error:
        return False
    return True
