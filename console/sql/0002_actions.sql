-- What staff change. The staff's role still writes no table: it may execute functions, each of which is owned by
-- paya_engine, begins with console_acted(), and is granted to paya_staff by name.

-- Refuses everybody but staff, and everything without a reason; writes down who does what, when and why. Its answer
-- is the member of staff. The record stands or falls with the change, being in its transaction. Nobody but the
-- engine's functions may call it, so that nothing is recorded that was not done.
CREATE FUNCTION console_acted(p_action text, p_subject text, p_what text, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT console_is_staff() THEN
        RAISE EXCEPTION 'Only staff may do this.' USING ERRCODE = 'PY120';
    ELSIF length(trim(coalesce(p_reason, ''))) NOT BETWEEN 10 AND 500 THEN
        RAISE EXCEPTION 'a reason is needed' USING ERRCODE = 'PY122';
    END IF;
    INSERT INTO console_actionrecord (staff_id, action, subject, what, reason)
    VALUES (core_actor(), p_action, p_subject, p_what, trim(p_reason));
    RETURN core_actor();
END $$;
ALTER FUNCTION console_acted(text, text, text, text) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION console_acted(text, text, text, text) FROM PUBLIC;

CREATE TRIGGER records_stay BEFORE UPDATE OR DELETE ON console_actionrecord FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER records_are_kept BEFORE TRUNCATE ON console_actionrecord FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE POLICY auditor ON console_actionrecord FOR SELECT TO paya_auditor USING (true);
GRANT SELECT, INSERT ON console_actionrecord TO paya_engine;
GRANT USAGE ON SEQUENCE console_actionrecord_id_seq TO paya_engine;
GRANT SELECT ON console_actionrecord TO paya_auditor;

CREATE VIEW console_staffaction AS
    SELECT r.id, r.at, (SELECT u.email::text FROM users_user u WHERE u.id = r.staff_id) AS staff, r.action, r.subject, r.what,
           r.reason
    FROM console_actionrecord r WHERE (SELECT console_is_staff());
ALTER VIEW console_staffaction OWNER TO paya_engine;
GRANT SELECT ON console_staffaction TO paya_staff;
