-- Statistics by UTC day (docs/statistics.md). Events say which days have changed; a day is computed from the journal and
-- from who signed up, so that once, twice, late or from the beginning it comes out the same.

CREATE TABLE transparency_day (
    day date PRIMARY KEY,
    sign_ups int NOT NULL,
    active int NOT NULL,           -- people who paid, redeemed, or whose load settled, on that day
    active_7 int NOT NULL,         -- in the seven days that end with it
    active_30 int NOT NULL,
    active_before int NOT NULL,    -- in the thirty days before those thirty
    churned int NOT NULL,          -- of these, who was not active in the last thirty
    payments int NOT NULL,
    payments_public int NOT NULL,  -- as they are now: who makes one private takes it out of here
    volume bigint NOT NULL,
    loads int NOT NULL,
    loaded bigint NOT NULL,        -- settled loads, before what banks took back
    returned bigint NOT NULL,
    redemptions int NOT NULL,
    redeemed bigint NOT NULL,      -- requested, less what failed on that day
    rewards int NOT NULL,
    rewarded bigint NOT NULL,
    -- By how much each changed; the sum up to a day is what it was at its end.
    pool bigint NOT NULL,
    reserve bigint NOT NULL,
    circulation bigint NOT NULL,
    required bigint NOT NULL,
    computed_at timestamptz NOT NULL
);
CREATE TABLE transparency_dueday (
    day date PRIMARY KEY,
    marked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- Whose wallet was active when: for weeks, months, cohorts and who stays away. Nobody but the functions here reads it.
CREATE TABLE transparency_activeday (
    day date NOT NULL,
    account bigint NOT NULL,
    PRIMARY KEY (day, account)
);
-- Of those who signed up in the week of `cohort`, how many were active in the week of `week` (Mondays).
CREATE TABLE transparency_cohort (
    cohort date NOT NULL,
    week date NOT NULL,
    active int NOT NULL,
    PRIMARY KEY (cohort, week)
);
-- How the service did: one row a minute, and their sum by day. `latency` counts requests by core.metrics.BUCKETS.
CREATE TABLE transparency_health (
    at timestamptz PRIMARY KEY,
    requests int NOT NULL,
    errors int NOT NULL,
    latency int[] NOT NULL,
    queued int NOT NULL,
    outbox_lag int NOT NULL        -- milliseconds
);
CREATE TABLE transparency_healthday (
    day date PRIMARY KEY,
    requests bigint NOT NULL,
    errors bigint NOT NULL,
    latency bigint[] NOT NULL,
    queued int NOT NULL,           -- the most in any minute
    outbox_lag int NOT NULL
);

-- How far each place that raw events are sent to has come, by their position.
CREATE TABLE transparency_export (
    sink text PRIMARY KEY,
    position bigint NOT NULL
);

CREATE FUNCTION transparency_compute_day(p_day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_custom_plan SET timezone = 'UTC' AS $$
DECLARE
    d transparency_day;
    since timestamptz := p_day;
    until timestamptz := p_day + 1;
BEGIN
    -- Two at once, of one week whose cohorts they both write: the second begins when the first has committed.
    PERFORM pg_advisory_xact_lock(20260501, date_trunc('week', p_day)::date - date '2000-01-01');
    d.day := p_day;
    d.computed_at := clock_timestamp();   -- before anything is read: what commits later is not in
    SELECT count(*) INTO d.sign_ups FROM users_user WHERE kind = 'person' AND created_at >= since AND created_at < until;

    DELETE FROM transparency_activeday WHERE day = p_day;
    INSERT INTO transparency_activeday (day, account)
        SELECT DISTINCT p_day, CASE WHEN kind = 1 THEN credit_account ELSE debit_account END
        FROM ledger_transfer WHERE posted_at >= since AND posted_at < until AND kind IN (1, 3, 7, 8);
    -- One row per account: whether it was active on the day, in the last 7, in the last 30, and in the 30 before.
    SELECT count(*) FILTER (WHERE last = p_day), count(*) FILTER (WHERE last > p_day - 7), count(*) FILTER (WHERE last > p_day - 30),
           count(*) FILTER (WHERE first <= p_day - 30), count(*) FILTER (WHERE last <= p_day - 30)
        INTO d.active, d.active_7, d.active_30, d.active_before, d.churned
        FROM (SELECT max(day) AS last, min(day) AS first FROM transparency_activeday
              WHERE day > p_day - 60 AND day <= p_day GROUP BY account) a;

    SELECT count(*) FILTER (WHERE t.kind IN (7, 9)), count(*) FILTER (WHERE p.visibility = 'public'),
           coalesce(sum(t.amount) FILTER (WHERE t.kind IN (7, 9)), 0),
           count(DISTINCT coalesce(t.group_id, t.id)) FILTER (WHERE t.kind IN (1, 2)),
           coalesce(sum(t.amount) FILTER (WHERE t.kind IN (1, 2)), 0),
           coalesce(sum(t.amount) FILTER (WHERE t.kind IN (11, 12)), 0),
           count(*) FILTER (WHERE t.kind IN (3, 6)),
           coalesce(sum(CASE WHEN t.kind = 5 THEN -t.amount ELSE t.amount END) FILTER (WHERE t.kind IN (3, 5, 6)), 0),
           count(*) FILTER (WHERE t.kind = 26), coalesce(sum(t.amount) FILTER (WHERE t.kind = 26), 0)
        INTO d.payments, d.payments_public, d.volume, d.loads, d.loaded, d.returned, d.redemptions, d.redeemed, d.rewards, d.rewarded
        FROM ledger_transfer t LEFT JOIN payments_payment p ON t.kind IN (7, 9) AND p.transfer = t.id
        WHERE t.posted_at >= since AND t.posted_at < until;

    SELECT coalesce(sum(e.amount) FILTER (WHERE a.kind = 8), 0), coalesce(-sum(e.amount) FILTER (WHERE a.kind = 4), 0),
           coalesce(sum(e.amount) FILTER (WHERE a.kind IN (1, 2)), 0), coalesce(sum(e.amount) FILTER (WHERE a.kind IN (1, 2, 5, 8, 13)), 0)
        INTO d.pool, d.reserve, d.circulation, d.required
        FROM (SELECT account, sum(amount) AS amount FROM ledger_entry WHERE posted_at >= since AND posted_at < until GROUP BY account) e
        JOIN ledger_account a ON a.id = e.account;

    DELETE FROM transparency_day WHERE day = p_day;
    INSERT INTO transparency_day SELECT d.*;

    DELETE FROM transparency_cohort WHERE week = date_trunc('week', p_day)::date;
    INSERT INTO transparency_cohort (cohort, week, active)
        SELECT date_trunc('week', u.created_at)::date, date_trunc('week', p_day)::date, count(DISTINCT v.account)
        FROM transparency_activeday v JOIN wallets_wallet w ON w.account = v.account JOIN users_user u ON u.id = w.user_id
        WHERE v.day >= date_trunc('week', p_day)::date AND v.day < date_trunc('week', p_day)::date + 7 GROUP BY 1;

    IF EXISTS (SELECT FROM transparency_health WHERE at >= since AND at < until) THEN
        DELETE FROM transparency_healthday WHERE day = p_day;
        INSERT INTO transparency_healthday (day, requests, errors, queued, outbox_lag, latency)
            SELECT p_day, sum(requests), sum(errors), max(queued), max(outbox_lag),
                   (SELECT array_agg(n ORDER BY i) FROM (
                       SELECT i, sum(value) AS n FROM transparency_health m, unnest(m.latency) WITH ORDINALITY u(value, i)
                       WHERE m.at >= since AND m.at < until GROUP BY i) b)
            FROM transparency_health WHERE at >= since AND at < until;
    END IF;
END $$;

-- Mark days that nobody has computed, and those that were computed before they had ended; today is always among them.
CREATE FUNCTION transparency_mark_open() RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
    INSERT INTO transparency_dueday (day)
    SELECT d::date FROM generate_series(
        (SELECT least((SELECT min(day) FROM transparency_day), (SELECT min(created_at)::date FROM users_user WHERE kind = 'person'),
                      (SELECT min(posted_at)::date FROM ledger_transfer), core_now()::date)),
        core_now()::date, interval '1 day') d
    WHERE NOT EXISTS (SELECT FROM transparency_day c WHERE c.day = d::date AND c.computed_at > c.day + interval '1 day 5 minutes')
    ON CONFLICT (day) DO UPDATE SET marked_at = clock_timestamp()
$$;

-- What moved on the day so far, for everybody to see.
CREATE FUNCTION transparency_payments_today() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' AS $$
    SELECT count(*) FROM ledger_transfer WHERE posted_at >= date_trunc('day', clock_timestamp()) AND kind IN (7, 9)
$$;

REVOKE EXECUTE ON FUNCTION transparency_compute_day(date), transparency_mark_open(), transparency_payments_today() FROM PUBLIC;
ALTER FUNCTION transparency_compute_day(date) OWNER TO paya_engine;
ALTER FUNCTION transparency_mark_open() OWNER TO paya_engine;
ALTER FUNCTION transparency_payments_today() OWNER TO paya_engine;
GRANT EXECUTE ON FUNCTION transparency_compute_day(date), transparency_mark_open() TO paya_worker;
GRANT EXECUTE ON FUNCTION transparency_payments_today() TO paya_web, paya_worker;

GRANT SELECT, INSERT, DELETE ON transparency_day, transparency_activeday, transparency_cohort, transparency_healthday TO paya_engine;
GRANT SELECT ON transparency_health TO paya_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON transparency_dueday TO paya_engine, paya_worker;
GRANT SELECT, INSERT, DELETE ON transparency_health TO paya_worker;
GRANT SELECT ON transparency_day TO paya_worker;
GRANT SELECT, INSERT, UPDATE ON transparency_export TO paya_worker;
-- The public's part: no sums of payments, of which a quiet day could have but one.
GRANT SELECT (day, payments, loaded, returned, redeemed, rewarded, rewards, pool, reserve, circulation, required, computed_at)
    ON transparency_day TO paya_web;
GRANT SELECT ON transparency_day, transparency_cohort, transparency_health, transparency_healthday TO paya_staff, paya_auditor;
