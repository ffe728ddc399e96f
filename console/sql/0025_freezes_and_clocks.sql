-- What restricted people in a range, for the compliance report: one row for each reason, whoever set it, and nobody's id. Times in hours.
-- Where it ended after the range it counts as in force at the end of it.
CREATE FUNCTION console_freezes_of(p_since timestamptz, p_until timestamptz) RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    WITH reason (kind, level, since, ended) AS (
        SELECT kind, level, at, ended_at FROM compliance_freeze
        UNION ALL SELECT 'return', 1, created_at, lifted_at FROM banking_return WHERE restricts
        UNION ALL SELECT 'sanctions_hit', CASE state WHEN 'confirmed' THEN 2 ELSE 1 END, found_at, CASE state WHEN 'cleared' THEN decided_at END
            FROM compliance_sanctionshit WHERE strong OR state = 'confirmed'
        UNION ALL SELECT 'closing', 2, asked_at, coalesce(cancelled_at, closed_at) FROM privacy_closing),
    seen AS (
        SELECT kind, CASE level WHEN 1 THEN 'no_sending' ELSE 'no_sending_or_receiving' END AS stopped, since, ended < p_until AS is_over,
               since >= p_since AS is_new, round(extract(epoch FROM least(ended, p_until, now()) - since) / 3600, 1) AS hours
        FROM reason WHERE since < p_until AND (ended IS NULL OR ended >= p_since))
    SELECT jsonb_build_object(
        'by_kind', coalesce((SELECT jsonb_agg(k ORDER BY k.kind, k.stopped) FROM (
            SELECT kind, stopped, count(*) FILTER (WHERE is_new) AS "set", count(*) FILTER (WHERE is_over) AS ended,
                   count(*) FILTER (WHERE is_over IS NOT TRUE) AS in_force_at_end,
                   (percentile_cont(0.5) WITHIN GROUP (ORDER BY hours) FILTER (WHERE is_over))::numeric(10, 1) AS hours_of_ended_median,
                   max(hours) AS hours_longest
            FROM seen GROUP BY kind, stopped) k), '[]'),
        'newest', coalesce((SELECT jsonb_agg(n) FROM (
            SELECT to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS since, kind, stopped,
                   CASE WHEN is_over THEN 'ended' ELSE 'in_force' END AS state, hours
            FROM seen ORDER BY seen.since DESC LIMIT 100) n), '[]'))
$$;

-- The report as before (0017_support.sql), and that.
ALTER FUNCTION console_report_of(date, date) RENAME TO console_report_rest;
REVOKE EXECUTE ON FUNCTION console_report_rest(date, date) FROM paya_auditor, paya_worker;
CREATE FUNCTION console_report_of(p_from date, p_to date) RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT console_report_rest(p_from, p_to) || jsonb_build_object('freezes',
        console_freezes_of(p_from::timestamp AT TIME ZONE 'UTC', (p_to + 1)::timestamp AT TIME ZONE 'UTC'))
$$;

-- What alarms listen for: money of people that waits for staff for too long, and days of the law that have passed unmet. Numbers, nobody's.
CREATE FUNCTION console_late(p_held_hours int) RETURNS TABLE (what text, kind text, late bigint, oldest timestamptz) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT 'held', k.kind, count(c.id) FILTER (WHERE c.created_at < now() - make_interval(hours => p_held_hours)), min(c.created_at)
    FROM unnest('{held_payment,held_transfer}'::text[]) k(kind) LEFT JOIN compliance_case c ON c.kind = k.kind AND c.status = 'open' GROUP BY k.kind
    UNION ALL
    SELECT 'clock', n.kind, count(*) FILTER (WHERE k.day < now()), min(k.day)
    FROM unnest('{decide,finish,correct,result}'::text[]) n(kind) LEFT JOIN LATERAL (
        SELECT CASE n.kind WHEN 'decide' THEN CASE WHEN coalesce(d.credited_at, d.extended_at, d.decided_at) IS NULL THEN d.decide_by END
                                   WHEN 'finish' THEN CASE WHEN d.decided_at IS NULL THEN d.final_by END
                                   WHEN 'correct' THEN d.correct_by
                                   ELSE CASE WHEN d.result_at IS NULL THEN d.result_by END END AS day
        FROM compliance_dispute d WHERE d.status <> 'closed') k ON true
    GROUP BY n.kind
$$;

DO $$
DECLARE
    f regprocedure;
BEGIN
    FOREACH f IN ARRAY '{"console_freezes_of(timestamptz,timestamptz)","console_report_of(date,date)",console_late(int)}'::regprocedure[] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION console_report_of(date, date) TO paya_auditor, paya_worker;
GRANT EXECUTE ON FUNCTION console_late(int) TO paya_web, paya_worker;
