-- As before, by the index on the time of a movement: core_now() is asked once and not at each row, which had kept every index from being
-- used, and so is each row's score in the shadow.
CREATE OR REPLACE FUNCTION console_version_effect(p_name text) RETURNS bigint[] LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN console_is_staff() THEN ARRAY[
        count(m.score), count(*) FILTER (WHERE m.score >= v.hold_at AND m.score < v.deny_at), count(*) FILTER (WHERE m.score >= v.deny_at),
        count(m.score) FILTER (WHERE m.decision = 'held'), count(m.score) FILTER (WHERE m.decision = 'denied')] END
    FROM compliance_scoreversion v LEFT JOIN (
        SELECT (a.shadow ->> p_name)::int AS score, a.decision FROM compliance_assessment a
        WHERE a.at > (SELECT core_now()) - interval '7 days' OFFSET 0) m ON true
    WHERE v.name = p_name GROUP BY v.id
$$;
