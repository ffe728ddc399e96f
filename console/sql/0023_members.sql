-- Who is on the staff, from the site itself: somebody is added, or loses their authenticator and keys, and gets a link by which they enrol
-- by themselves (console/joining.py). Nobody does any of it to themself, nor gives anything to whoever let them in: a second account that
-- somebody makes raises the first one in no way.

-- The one link that a member has not used yet. What is kept of it is a hash.
ALTER TABLE console_invitation ENABLE ROW LEVEL SECURITY;
ALTER TABLE console_invitation FORCE ROW LEVEL SECURITY;
CREATE POLICY engine ON console_invitation TO paya_engine USING (true) WITH CHECK (true);
CREATE POLICY system ON console_invitation TO paya_worker USING ((SELECT core_actor()) = 0) WITH CHECK ((SELECT core_actor()) = 0);
GRANT SELECT, INSERT, DELETE ON console_invitation TO paya_engine;
GRANT SELECT, DELETE ON console_invitation TO paya_worker;

-- What the functions below change. A member of staff seals their own new secret, and under no key but their own.
GRANT INSERT (password, is_superuser, public_id, kind, email, is_active), UPDATE (password) ON users_user TO paya_engine;
CREATE POLICY engine ON console_authenticator TO paya_engine USING (true) WITH CHECK (true);
GRANT SELECT (id, user_id), INSERT, DELETE ON console_authenticator TO paya_engine;
GRANT USAGE ON SEQUENCE console_authenticator_id_seq, users_user_id_seq TO paya_engine;
ALTER POLICY engine ON console_securitykey USING (true);
CREATE POLICY staff_own ON core_datakey FOR INSERT TO paya_staff
    WITH CHECK (user_id = (SELECT core_actor()) AND (SELECT console_is_staff()));
GRANT INSERT ON core_datakey TO paya_staff;
GRANT EXECUTE ON FUNCTION core_hold_person_key(bigint) TO paya_staff;

-- Raises where the actor would do it to themself, or give something to whoever let them in, directly or through others.
CREATE FUNCTION console_not_upwards(p_member bigint, p_gives boolean) RETURNS void LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF p_member IS NULL THEN
        RAISE EXCEPTION 'no such member of staff' USING ERRCODE = 'PY123';
    ELSIF p_member = core_actor() THEN
        RAISE EXCEPTION 'Nobody does this to themself.' USING ERRCODE = 'PY124';
    ELSIF p_gives AND EXISTS (
        WITH RECURSIVE above(id) AS (
            SELECT core_actor()
            UNION
            SELECT r.staff_id FROM above JOIN users_user u ON u.id = above.id
            JOIN console_actionrecord r ON r.subject = u.public_id AND r.action = 'staff.add')
        SELECT FROM above WHERE id = p_member)
    THEN
        RAISE EXCEPTION 'This member of staff let you in: somebody else has to do it.' USING ERRCODE = 'PY124';
    END IF;
END $$;

CREATE FUNCTION console_invite(p_member bigint, p_digest bytea) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, public, pg_temp AS $$
    DELETE FROM console_invitation WHERE user_id = p_member;
    INSERT INTO console_invitation (user_id, digest, made_by_id, expires_at)
    VALUES (p_member, p_digest, core_actor(), clock_timestamp() + interval '24 hours')
$$;

-- Somebody new, who comes in once they have used the link.
CREATE FUNCTION console_add_member(p_member text, p_email text, p_roles text[], p_digest bytea, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM console_acted('staff.add', p_member, format('Added %s, roles: %s.', p_email, array_to_string(p_roles, ', ')), p_reason);
    IF cardinality(p_roles) = 0 OR EXISTS (
        SELECT FROM unnest(p_roles) r WHERE r NOT IN ('support', 'compliance', 'finance', 'auditor', 'administrator'))
    THEN
        RAISE EXCEPTION 'There is no such role.' USING ERRCODE = 'PY124';
    END IF;
    BEGIN
        INSERT INTO users_user (password, is_superuser, public_id, kind, email, is_active)
        VALUES ('!', false, p_member, 'staff', p_email, true) RETURNING id INTO made;
    EXCEPTION WHEN unique_violation THEN
        RAISE EXCEPTION 'This e-mail is on the staff already.' USING ERRCODE = 'PY124';
    END;
    INSERT INTO console_staffrole (user_id, role) SELECT DISTINCT made, r FROM unnest(p_roles) r;
    PERFORM console_invite(made, p_digest);
    RETURN p_member;
END $$;

-- Somebody's authenticator and keys open nothing any more, at once. The link that they get for another takes the password that they have.
CREATE FUNCTION console_reset_member(p_member text, p_digest bytea, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    member bigint := (SELECT id FROM users_user WHERE public_id = p_member AND kind = 'staff');
BEGIN
    PERFORM console_acted('staff.reset', p_member, 'Took away authenticator and security keys; another is enrolled by a link.', p_reason);
    PERFORM console_not_upwards(member, true);
    IF NOT (SELECT is_active FROM users_user WHERE id = member) THEN
        RAISE EXCEPTION 'They may not come in: please let them in again first.' USING ERRCODE = 'PY124';
    END IF;
    DELETE FROM console_authenticator WHERE user_id = member;
    DELETE FROM console_securitykey WHERE user_id = member;
    PERFORM console_invite(member, p_digest);
    RETURN p_member;
END $$;

-- Whose link this is while it is good, and whether they have a password already. Before there is an actor; for the staff's process alone.
CREATE FUNCTION console_invited(p_digest bytea) RETURNS TABLE (id bigint, has_password boolean) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT u.id, left(u.password, 1) <> '!' FROM console_invitation i JOIN users_user u ON u.id = i.user_id
    WHERE i.digest = p_digest AND i.expires_at > clock_timestamp() AND u.is_active
$$;

-- The link is used, once: the actor, whose it is, has this authenticator from now on, and this password where they had none.
CREATE FUNCTION console_join(p_digest bytea, p_secret bytea, p_step bigint, p_password text, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    me users_user;
BEGIN
    SELECT * INTO me FROM users_user WHERE id = core_actor();
    PERFORM console_acted('staff.join', me.public_id, 'Enrolled an authenticator by their link.', p_reason);
    DELETE FROM console_invitation WHERE user_id = me.id AND digest = p_digest AND expires_at > clock_timestamp();
    IF NOT FOUND OR (p_password IS NULL) <> (left(me.password, 1) <> '!') THEN
        RAISE EXCEPTION 'This link is not good any more.' USING ERRCODE = 'PY124';
    END IF;
    UPDATE users_user SET password = p_password WHERE id = me.id AND p_password IS NOT NULL;
    DELETE FROM console_authenticator WHERE user_id = me.id;
    INSERT INTO console_authenticator (user_id, name, confirmed, secret, last_step) VALUES (me.id, 'Authenticator app', true, p_secret, p_step);
    RETURN me.public_id;
END $$;

-- As before (0015_roles.sql), and nothing upwards: what is taken away may be anybody's but one's own.
CREATE OR REPLACE FUNCTION console_set_roles(p_member text, p_roles text[], p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    member bigint := (SELECT id FROM users_user WHERE public_id = p_member AND kind = 'staff');
BEGIN
    PERFORM console_acted('staff.roles', p_member, format('Roles: %s.', coalesce(nullif(array_to_string(p_roles, ', '), ''), 'none')), p_reason);
    PERFORM console_not_upwards(member, EXISTS (
        SELECT FROM unnest(p_roles) r WHERE r NOT IN (SELECT role FROM console_staffrole WHERE user_id = member)));
    IF EXISTS (SELECT FROM unnest(p_roles) r WHERE r NOT IN ('support', 'compliance', 'finance', 'auditor', 'administrator')) THEN
        RAISE EXCEPTION 'There is no such role.' USING ERRCODE = 'PY124';
    END IF;
    DELETE FROM console_staffrole WHERE user_id = member AND role <> ALL (p_roles);
    INSERT INTO console_staffrole (user_id, role) SELECT DISTINCT member, r FROM unnest(p_roles) r ON CONFLICT DO NOTHING;
    RETURN p_member;
END $$;

CREATE OR REPLACE FUNCTION console_set_active(p_member text, p_active boolean, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    member bigint := (SELECT id FROM users_user WHERE public_id = p_member AND kind = 'staff');
BEGIN
    IF p_active THEN
        PERFORM console_acted('staff.activate', p_member, 'May come in again.', p_reason);
    ELSE
        PERFORM console_acted('staff.deactivate', p_member, 'May not come in any more.', p_reason);
    END IF;
    PERFORM console_not_upwards(member, p_active);
    UPDATE users_user SET is_active = p_active WHERE id = member;
    DELETE FROM console_invitation WHERE user_id = member AND NOT p_active;
    RETURN p_member;
END $$;

CREATE OR REPLACE VIEW console_member AS
    SELECT u.public_id::text AS id, u.id AS user_id, u.email::text, u.is_active, u.created_at,
           (SELECT string_agg(s.role, ', ' ORDER BY s.role) FROM console_staffrole s WHERE s.user_id = u.id) AS roles,
           (SELECT max(at) FROM console_actionrecord r WHERE r.staff_id = u.id) AS acted_at,
           EXISTS (SELECT FROM console_authenticator a WHERE a.user_id = u.id) AS enrolled,
           (SELECT i.expires_at FROM console_invitation i WHERE i.user_id = u.id AND i.expires_at > clock_timestamp()) AS link_until,
           (SELECT count(*) FROM console_securitykey k WHERE k.user_id = u.id)::int AS keys,
           left(u.password, 1) = '!' AS is_new
    FROM users_user u WHERE u.kind = 'staff' AND (SELECT console_is_staff());

DO $$
DECLARE
    f regprocedure;
BEGIN
    FOREACH f IN ARRAY '{"console_not_upwards(bigint,boolean)","console_invite(bigint,bytea)",
        "console_add_member(text,text,text[],bytea,text)","console_reset_member(text,bytea,text)","console_invited(bytea)",
        "console_join(bytea,bytea,bigint,text,text)"}'::regprocedure[] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION console_add_member(text, text, text[], bytea, text), console_reset_member(text, bytea, text),
    console_invited(bytea), console_join(bytea, bytea, bigint, text, text) TO paya_staff;

SELECT console_permit('staff.add', 'administrator');
SELECT console_permit('staff.reset', 'administrator');
SELECT console_permit('staff.join', 'support', 'compliance', 'finance', 'auditor', 'administrator');
SELECT console_watch('console_authenticator', 'id', 'user_id', 'name', 'confirmed');
SELECT console_watch('console_invitation', 'user_id', 'made_by_id', 'expires_at');
