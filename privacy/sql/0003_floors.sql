-- As before (0001_privacy.sql), but no clock of an erasure, which cannot be undone, is set below what the law asks for: ninety days of a
-- dispute (12 CFR 1005.11), five years of records (31 CFR 1010.430).
CREATE OR REPLACE FUNCTION privacy_set_retention(p_name text, p_days int, p_from timestamptz, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made bigint;
    least_days int := CASE p_name WHEN 'login_tries' THEN 2 WHEN 'staff_sessions' THEN 0 WHEN 'inbox' THEN 60
        WHEN 'outbox' THEN 7 WHEN 'bank_visits' THEN 1 WHEN 'devices' THEN 30 WHEN 'exports' THEN 1 WHEN 'returns' THEN 60
        WHEN 'disputes' THEN 90 WHEN 'records' THEN 1826 END;
BEGIN
    PERFORM console_acted('retention.set', p_name, format('Kept for %s days from %s on.', p_days, p_from::date), p_reason);
    IF least_days IS NULL THEN
        RAISE EXCEPTION 'There is no such period.' USING ERRCODE = 'PY123';
    ELSIF p_days IS NULL OR p_days NOT BETWEEN least_days AND 36525 THEN
        RAISE EXCEPTION 'It is % to 36525 days.', least_days USING ERRCODE = 'PY124';
    ELSIF p_from < core_now() - interval '1 day' THEN
        RAISE EXCEPTION 'It cannot begin in the past.' USING ERRCODE = 'PY124';
    END IF;
    INSERT INTO privacy_retention (name, days, effective_at, reason, chosen_by_id)
        VALUES (p_name, p_days, greatest(p_from, core_now()), trim(p_reason), core_actor()) RETURNING id INTO made;
    RETURN made;
END $$;
