-- Who asks how often, counted here while Redis is away (core/ratelimit.py). One row for each who asks, with the times of what
-- was let through. Nothing of it is worth a write-ahead log: after a crash everybody begins anew.
CREATE UNLOGGED TABLE core_ratehit (
    key text PRIMARY KEY,
    hits timestamptz[] NOT NULL DEFAULT '{}',
    last_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

-- Counts one request of p_key and answers 0, or, where p_limit were let through in the last p_seconds, in how many seconds
-- there is room for one more. The row's lock makes looking and counting one step.
CREATE FUNCTION core_spend_rate(p_key text, p_limit int, p_seconds int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v timestamptz[];
    t timestamptz;
BEGIN
    INSERT INTO core_ratehit (key) VALUES (p_key) ON CONFLICT (key) DO NOTHING;
    SELECT hits INTO v FROM core_ratehit WHERE key = p_key FOR UPDATE;
    t := clock_timestamp();
    v := ARRAY(SELECT h FROM unnest(v) h WHERE h > t - make_interval(secs => p_seconds) ORDER BY h);
    IF cardinality(v) >= p_limit THEN
        RETURN CASE WHEN p_limit < 1 THEN p_seconds
               ELSE greatest(1, ceil(extract(epoch FROM v[cardinality(v) - p_limit + 1] + make_interval(secs => p_seconds) - t))::int) END;
    END IF;
    UPDATE core_ratehit SET hits = v || t, last_at = t WHERE key = p_key;
    RETURN 0;
END $$;

-- What nobody has asked under for an hour.
CREATE FUNCTION core_forget_rates() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    WITH gone AS (DELETE FROM public.core_ratehit WHERE last_at < clock_timestamp() - interval '1 hour' RETURNING 1)
    SELECT count(*) FROM gone
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON core_ratehit TO paya_engine;
ALTER FUNCTION core_spend_rate(text, int, int) OWNER TO paya_engine;
ALTER FUNCTION core_forget_rates() OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION core_spend_rate(text, int, int), core_forget_rates() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core_spend_rate(text, int, int) TO paya_web;
GRANT EXECUTE ON FUNCTION core_forget_rates() TO paya_worker;
