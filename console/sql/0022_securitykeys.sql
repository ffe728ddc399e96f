-- Security keys of staff (WebAuthn), beside the authenticator's code. What is kept is public: a key's secret never leaves it. Members read
-- their own rows and note that a key was used; they add and remove keys through functions that write it into the trail.
ALTER TABLE console_securitykey ENABLE ROW LEVEL SECURITY;
ALTER TABLE console_securitykey FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON console_securitykey TO paya_staff
    USING (user_id = (SELECT core_actor())) WITH CHECK (user_id = (SELECT core_actor()));
CREATE POLICY engine ON console_securitykey TO paya_engine
    USING (user_id = (SELECT core_actor())) WITH CHECK (user_id = (SELECT core_actor()));
CREATE POLICY system ON console_securitykey TO paya_worker
    USING ((SELECT core_actor()) = 0) WITH CHECK ((SELECT core_actor()) = 0);
GRANT SELECT, UPDATE (sign_count, last_used_at) ON console_securitykey TO paya_staff;
GRANT SELECT, INSERT, DELETE ON console_securitykey TO paya_engine;
GRANT SELECT, DELETE ON console_securitykey TO paya_worker;
GRANT USAGE ON SEQUENCE console_securitykey_id_seq TO paya_engine;

-- What a key is asked to sign: good once and for two minutes, for one browser and one purpose (console/keys.py). Nobody's.
GRANT SELECT, INSERT, DELETE ON console_keychallenge TO paya_staff;

CREATE FUNCTION console_add_key(p_name text, p_credential bytea, p_public_key bytea, p_sign_count bigint, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    added bigint;
BEGIN
    PERFORM console_acted('key.add', (SELECT public_id::text FROM users_user WHERE id = core_actor()), format('Security key “%s”.', p_name), p_reason);
    IF (SELECT count(*) FROM console_securitykey WHERE user_id = core_actor()) >= 10 THEN
        RAISE EXCEPTION 'Ten keys are enough: please remove one first.' USING ERRCODE = 'PY124';
    END IF;
    BEGIN
        INSERT INTO console_securitykey (user_id, name, confirmed, credential_id, public_key, sign_count, created_at)
        VALUES (core_actor(), p_name, true, p_credential, p_public_key, p_sign_count, clock_timestamp()) RETURNING id INTO added;
    EXCEPTION WHEN unique_violation THEN
        RAISE EXCEPTION 'This key is registered already.' USING ERRCODE = 'PY124';
    END;
    RETURN added;
END $$;

-- One's own key. Whoever is logged in by it is out with their next click.
CREATE FUNCTION console_remove_key(p_key bigint, p_reason text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    called text := (SELECT name FROM console_securitykey WHERE id = p_key AND user_id = core_actor());
BEGIN
    PERFORM console_acted('key.remove', (SELECT public_id::text FROM users_user WHERE id = core_actor()),
        format('Security key “%s”.', coalesce(called, '')), p_reason);
    IF called IS NULL THEN
        RAISE EXCEPTION 'no such key' USING ERRCODE = 'PY123';
    END IF;
    DELETE FROM console_securitykey WHERE id = p_key AND user_id = core_actor();
    RETURN p_key;
END $$;

DO $$
DECLARE
    f regprocedure;
BEGIN
    FOREACH f IN ARRAY '{"console_add_key(text,bytea,bytea,bigint,text)","console_remove_key(bigint,text)"}'::regprocedure[] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_staff', f);
    END LOOP;
END $$;

SELECT console_permit('key.add', 'support', 'compliance', 'finance', 'auditor', 'administrator');
SELECT console_permit('key.remove', 'support', 'compliance', 'finance', 'auditor', 'administrator');
SELECT console_watch('console_securitykey', 'id', 'user_id', 'name', 'created_at');
