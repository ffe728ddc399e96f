-- As before (0014_trail.sql), but the trail's lock comes before the look at who acts: whoever waits for it while somebody takes their role
-- away is refused, and of two administrators who take each other's at once the second has none any more. Somebody who lets people in remains.
CREATE OR REPLACE FUNCTION console_acted(p_action text, p_subject text, p_what text, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    e console_trail;
BEGIN
    PERFORM pg_advisory_xact_lock(720202, 1);   -- console_append's
    IF NOT console_is_staff() THEN
        RAISE EXCEPTION 'Only staff may do this.' USING ERRCODE = 'PY120';
    ELSIF NOT console_may(p_action) THEN
        RAISE EXCEPTION 'None of your roles may do this (%).', p_action USING ERRCODE = 'PY120';
    ELSIF length(trim(coalesce(p_reason, ''))) NOT BETWEEN 10 AND 500 THEN
        RAISE EXCEPTION 'a reason is needed' USING ERRCODE = 'PY122';
    END IF;
    e.kind := 'action'; e.staff_id := core_actor(); e.action := p_action; e.subject := p_subject; e.what := p_what; e.reason := trim(p_reason);
    INSERT INTO console_actionrecord (staff_id, action, subject, what, reason)
    VALUES (e.staff_id, p_action, p_subject, p_what, e.reason) RETURNING id, at INTO e.record, e.at;
    PERFORM set_config('paya.acting', console_append(e)::text, true);
    RETURN e.staff_id;
END $$;
