-- What people accepted, and people who are no more.

GRANT SELECT, INSERT ON users_acceptance TO paya_web, paya_worker;
GRANT SELECT ON users_acceptance TO paya_engine, paya_staff, paya_auditor;
GRANT USAGE ON SEQUENCE users_acceptance_id_seq TO paya_web, paya_worker;
CREATE FUNCTION users_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: what was accepted stays', TG_OP, TG_TABLE_NAME USING ERRCODE = 'PY110';
END $$;
CREATE TRIGGER acceptances_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON users_acceptance
    FOR EACH STATEMENT EXECUTE FUNCTION users_refuse();

-- A person who was erased has no phone any more, and never comes in again. Checked of new rows at once; the old ones fulfil
-- the stricter one that stood here.
ALTER TABLE users_user DROP CONSTRAINT users_user_person_or_staff;
ALTER TABLE users_user ADD CONSTRAINT users_user_person_or_staff CHECK (
    kind = 'person' AND email IS NULL AND password LIKE '!%' AND NOT is_superuser AND (
        phone_index IS NOT NULL AND phone_cipher IS NOT NULL
        OR phone_index IS NULL AND phone_cipher IS NULL AND NOT is_active AND erased_at IS NOT NULL)
    OR kind = 'staff' AND email IS NOT NULL AND phone_index IS NULL AND phone_cipher IS NULL
) NOT VALID;

-- A username never changes, until its person is erased: then it is nobody's, under a name that nobody can choose.
CREATE OR REPLACE FUNCTION users_profile_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.user_id <> OLD.user_id OR NEW.username <> OLD.username
       AND NOT (current_user = 'paya_engine' AND NEW.username ~ '^closed_[a-z0-9]{12}$') THEN
        RAISE EXCEPTION 'a username is set once' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

-- Whether somebody who was erased went by this name: it is never given again.
CREATE FUNCTION users_name_is_gone(p_name_index bytea) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM users_formername WHERE name_index = p_name_index)
$$;
ALTER FUNCTION users_name_is_gone(bytea) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION users_name_is_gone(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION users_name_is_gone(bytea) TO paya_web, paya_worker;
GRANT SELECT, INSERT ON users_formername TO paya_engine;
