-- Letters (docs/compliance.md): what a person is told in words. Written inside the functions that decide something about them, in
-- the same transaction, so that nobody is restricted without being told; read by the person alone.

ALTER TABLE compliance_letter
    ADD CONSTRAINT compliance_letter_words CHECK (length(title) BETWEEN 1 AND 120 AND length(body) BETWEEN 1 AND 4000 AND length(about) <= 200);

-- One letter, and the event that wakes the person's open pages. Nothing where there is no such person (staff, or nobody).
CREATE FUNCTION compliance_tell(p_user bigint, p_kind text, p_title text, p_body text, p_about text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made text := compliance_new_id('let');
BEGIN
    INSERT INTO compliance_letter (public_id, user_id, kind, title, body, about, created_at)
        SELECT made, u.id, p_kind, left(p_title, 120), left(p_body, 4000), p_about, core_now() FROM users_user u
        WHERE u.id = p_user AND u.kind = 'person';
    IF FOUND THEN
        INSERT INTO core_outbox (topic, payload) VALUES ('wallet.changed', jsonb_build_object('user', p_user, 'kind', 'letter', 'ref', made));
    END IF;
END $$;

-- What was told stays told: only that it was read is written down later.
CREATE FUNCTION compliance_letter_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a letter that was sent stays as it is' USING ERRCODE = 'PY110';
END $$;
CREATE TRIGGER letters_stay BEFORE UPDATE ON compliance_letter FOR EACH ROW WHEN (
    (OLD.id, OLD.public_id, OLD.user_id, OLD.kind, OLD.title, OLD.body, OLD.about, OLD.created_at)
    IS DISTINCT FROM (NEW.id, NEW.public_id, NEW.user_id, NEW.kind, NEW.title, NEW.body, NEW.about, NEW.created_at)
    OR OLD.read_at IS NOT NULL) EXECUTE FUNCTION compliance_letter_stays();

ALTER FUNCTION compliance_tell(bigint, text, text, text, text) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION compliance_tell(bigint, text, text, text, text), compliance_letter_stays() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION compliance_tell(bigint, text, text, text, text) TO paya_engine, paya_worker;
GRANT EXECUTE ON FUNCTION compliance_letter_stays() TO paya_engine;
GRANT SELECT, INSERT ON compliance_letter TO paya_engine;
GRANT USAGE ON SEQUENCE compliance_letter_id_seq TO paya_engine;
GRANT SELECT, UPDATE (read_at) ON compliance_letter TO paya_web, paya_worker;
GRANT SELECT ON compliance_letter TO paya_auditor;
