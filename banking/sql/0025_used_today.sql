-- What a member of staff has asked for, or approved, today (UTC) of people's money: one sum, for the ceiling and for the page that shows it.
-- Provisional credits of disputes (compliance) count among what is approved; until now only compliance counted corrections, and not the
-- other way round.
CREATE FUNCTION banking_used_today(p_action text, p_staff bigint) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce((
        SELECT sum(c.amount) FROM banking_correction c
        WHERE c.kind IN ('write_off', 'adjustment_credit', 'adjustment_debit')
          AND CASE p_action WHEN 'correction.ask' THEN c.asked_by_id = p_staff AND c.asked_at >= day.start AND c.approved IS NOT FALSE
                            ELSE c.decided_by_id = p_staff AND c.decided_at >= day.start AND c.approved END), 0)::bigint
        + coalesce((
        SELECT sum(m.moved) FROM compliance_disputemoney m
        WHERE p_action = 'correction.decide' AND m.decided_by_id = p_staff AND m.decided_at >= day.start AND m.moved > 0), 0)::bigint
    FROM (SELECT date_trunc('day', core_now(), 'UTC') AS start) day
$$;
ALTER FUNCTION banking_used_today(text, bigint) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION banking_used_today(text, bigint) FROM PUBLIC;

-- As before (0024_adjustments.sql), with that sum.
CREATE OR REPLACE FUNCTION banking_within_ceiling(p_action text, p_cents bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    most bigint;
    already bigint := banking_used_today(p_action, core_actor());
BEGIN
    SELECT max(c.cents) INTO most FROM (
        SELECT DISTINCT ON (role) role, cents FROM banking_ceiling WHERE action = p_action AND effective_at <= core_now()
        ORDER BY role, effective_at DESC, id DESC) c
    JOIN console_staffrole s USING (role) WHERE s.user_id = core_actor();
    IF already + p_cents > coalesce(most, 0) THEN
        RAISE EXCEPTION 'That is over your ceiling of % a day, of which % are used.', to_char(coalesce(most, 0) / 100.0, 'FM$999,999,990.00'),
            to_char(already / 100.0, 'FM$999,999,990.00') USING ERRCODE = 'PY124';
    END IF;
END $$;
