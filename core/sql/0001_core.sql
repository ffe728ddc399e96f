-- Who is acting, what time it is, the outbox and the idempotency keys.

-- The actor of this transaction. Raises instead of answering NULL, so that a query without an actor is an error
-- that says so and not an empty page. After a local set_config the setting is '' and not NULL, hence nullif.
CREATE FUNCTION core_actor() RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    v text := nullif(current_setting('paya.actor', true), '');
BEGIN
    IF v IS NULL THEN
        RAISE EXCEPTION 'no actor: personal rows are only there inside "with actor(...)"' USING ERRCODE = 'PY001';
    END IF;
    RETURN v::bigint;
END $$;

-- The time that rows are stamped with. A given time is believed from the demo loader's role alone. In SQL and one
-- expression, so that it is inlined into the statements that use it.
CREATE FUNCTION core_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN current_setting('paya.now', true) <> '' AND pg_has_role(session_user, 'paya_demo', 'MEMBER')
                THEN current_setting('paya.now', true)::timestamptz ELSE clock_timestamp() END
$$;

-- ---------------------------------------------------------------------------------------------------- outbox
CREATE TABLE core_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    payload jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT core_now(),
    position bigint UNIQUE,
    failed_at timestamptz
);
CREATE INDEX core_outbox_waiting ON core_outbox (id) WHERE position IS NULL;

-- One row: the last position given and the last one published.
CREATE TABLE core_outboxhead (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    last_position bigint NOT NULL DEFAULT 0,
    published bigint NOT NULL DEFAULT 0,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (published <= last_position)
);
INSERT INTO core_outboxhead DEFAULT VALUES;

-- Positions for what has committed since. Only the leading relay calls this; the head row's lock would make a
-- second one wait, so positions stay gap-free whatever happens to leadership.
-- Its commit is not waited for: a position that a crash forgets is given anew, and a handler that shows positions to
-- anybody stores them first, with a commit that is waited for and takes all earlier ones to the disk with it.
CREATE FUNCTION core_outbox_position(p_limit int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    base bigint;
    n int;
BEGIN
    IF NOT EXISTS (SELECT FROM core_outbox WHERE position IS NULL) THEN
        RETURN 0;
    END IF;
    PERFORM set_config('synchronous_commit', 'off', true);
    SELECT last_position INTO base FROM core_outboxhead WHERE id = 1 FOR UPDATE;
    WITH waiting AS (
        SELECT id FROM core_outbox WHERE position IS NULL ORDER BY id LIMIT p_limit
    ), numbered AS (
        SELECT id, base + row_number() OVER (ORDER BY id) AS position FROM waiting
    )
    UPDATE core_outbox o SET position = numbered.position FROM numbered WHERE o.id = numbered.id;
    GET DIAGNOSTICS n = ROW_COUNT;
    UPDATE core_outboxhead SET last_position = base + n WHERE id = 1;
    RETURN n;
END $$;

CREATE FUNCTION core_outbox_unpublished(p_limit int) RETURNS SETOF core_outbox LANGUAGE sql STABLE AS $$
    SELECT o.* FROM core_outbox o
    WHERE o.position > (SELECT published FROM core_outboxhead WHERE id = 1)
    ORDER BY o.position LIMIT p_limit
$$;

-- Not waited for either: what a crash forgets is published once more, which handlers stand.
CREATE FUNCTION core_outbox_published(p_position bigint) RETURNS void LANGUAGE sql AS $$
    SELECT set_config('synchronous_commit', 'off', true);
    UPDATE core_outboxhead SET published = greatest(published, p_position), published_at = clock_timestamp() WHERE id = 1
$$;

-- Whether everything that was committed has been published; for readiness, which may ask but not read.
CREATE FUNCTION core_outbox_drained() RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT NOT EXISTS (SELECT FROM public.core_outbox WHERE position IS NULL)
       AND (SELECT published = last_position FROM public.core_outboxhead WHERE id = 1)
$$;

GRANT INSERT (topic, payload) ON core_outbox TO paya_web, paya_worker, paya_engine;
GRANT SELECT, UPDATE (position, failed_at) ON core_outbox TO paya_worker;
GRANT SELECT, UPDATE ON core_outboxhead TO paya_worker;
GRANT SELECT ON core_outboxhead TO paya_web;
GRANT SELECT ON core_outbox, core_outboxhead TO paya_auditor, paya_staff;

-- ----------------------------------------------------------------------------------------------- idempotency
-- Partitioned by week: these rows outweigh the ledger and are dropped whole after 30 days. Weeks and not days,
-- because each look-up probes every partition: six instead of thirty-one.
CREATE TABLE core_idempotency (
    user_id bigint NOT NULL,
    key text NOT NULL,
    request bytea NOT NULL,
    status smallint NOT NULL,
    answer text NOT NULL,
    week date NOT NULL DEFAULT date_trunc('week', clock_timestamp() AT TIME ZONE 'UTC')::date,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, key, week)
) PARTITION BY RANGE (week);
CREATE TABLE core_idempotency_rest PARTITION OF core_idempotency DEFAULT;
ALTER TABLE core_idempotency_rest ENABLE ROW LEVEL SECURITY;
ALTER TABLE core_idempotency_rest FORCE ROW LEVEL SECURITY;
CREATE POLICY none ON core_idempotency_rest USING (false);
GRANT SELECT, INSERT ON core_idempotency TO paya_web, paya_worker, paya_engine;

-- Make the partitions of this week and the next four, drop those that ended more than 30 days ago. Runs as the
-- owner (DDL) on behalf of the worker; a week whose rows already lie in the default partition is left there.
CREATE FUNCTION core_idempotency_rotate() RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    monday date := date_trunc('week', clock_timestamp() AT TIME ZONE 'UTC')::date;
    d date;
    part text;
    made int := 0;
BEGIN
    FOR d IN SELECT monday + 7 * n FROM generate_series(0, 4) n LOOP
        part := 'core_idempotency_' || to_char(d, 'YYYYMMDD');
        CONTINUE WHEN to_regclass('public.' || part) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE TABLE public.%I PARTITION OF public.core_idempotency FOR VALUES FROM (%L) TO (%L)', part, d, d + 7);
            EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', part);
            EXECUTE format('ALTER TABLE public.%I FORCE ROW LEVEL SECURITY', part);
            EXECUTE format('CREATE POLICY none ON public.%I USING (false)', part);
            made := made + 1;
        EXCEPTION WHEN check_violation THEN
            RAISE NOTICE 'rows of week % stay in the default partition', d;
        END;
    END LOOP;
    FOR part IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'public.core_idempotency'::regclass AND c.relname ~ '^core_idempotency_\d{8}$'
          AND to_date(right(c.relname, 8), 'YYYYMMDD') + 7 < (clock_timestamp() AT TIME ZONE 'UTC')::date - 30
    LOOP
        EXECUTE format('DROP TABLE public.%I', part);
    END LOOP;
    RETURN made;
END $$;
REVOKE EXECUTE ON FUNCTION core_idempotency_rotate() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core_idempotency_rotate() TO paya_worker;
SELECT core_idempotency_rotate();

-- ---------------------------------------------------------------------------------------------------- keyring
CREATE TABLE core_datakey (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL,
    master_id text NOT NULL,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX core_datakey_user ON core_datakey (user_id, id);
GRANT SELECT, INSERT ON core_datakey TO paya_web;
GRANT SELECT, INSERT, UPDATE, DELETE ON core_datakey TO paya_worker;

CREATE TABLE core_systemkey (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    master_id text NOT NULL,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT, INSERT ON core_systemkey TO paya_web;
GRANT SELECT, INSERT, UPDATE, DELETE ON core_systemkey TO paya_worker;

-- -------------------------------------------------------------------------------------- frameworks' own tables
GRANT SELECT, INSERT, UPDATE, DELETE ON django_session TO paya_web, paya_worker;
GRANT SELECT ON django_content_type, django_migrations TO paya_web, paya_worker, paya_staff, paya_auditor;
DO $$
DECLARE t text;
BEGIN
    FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'django\_celery\_beat\_%' LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO paya_worker', t);
        EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO paya_worker');
    END LOOP;
END $$;
