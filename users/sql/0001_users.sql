-- Grants, policies and triggers of the room, and the functions by which the web role reaches what it may not read:
-- one-time codes, and people, devices and tokens before it is known who is asking.
--
-- Every function here runs as paya_engine, which sees all rows, and answers an outcome instead of raising: a raise
-- would roll back the try that it has to count.

-- ------------------------------------------------------------------------------------------- grants and profile
-- The web role may choose nothing about a person but the default visibility (and cannot make staff: see the policy).
GRANT SELECT, INSERT, UPDATE (default_visibility) ON users_user TO paya_web;
GRANT SELECT, INSERT, UPDATE ON users_user TO paya_worker;
GRANT SELECT, INSERT, UPDATE (display_name) ON users_profile TO paya_web, paya_worker;
GRANT SELECT, INSERT, UPDATE (name, last_seen_at, revoked_at) ON users_device TO paya_web, paya_worker;
GRANT SELECT, INSERT, UPDATE (used_at) ON users_refreshtoken TO paya_web;
GRANT SELECT, INSERT, UPDATE (used_at), DELETE ON users_refreshtoken TO paya_worker;
GRANT SELECT, UPDATE, DELETE ON users_challenge TO paya_worker;
GRANT USAGE ON SEQUENCE users_user_id_seq, users_device_id_seq, users_refreshtoken_id_seq TO paya_web, paya_worker;

GRANT SELECT (id, public_id, kind, phone_index, is_active, default_visibility, created_at) ON users_user TO paya_engine;
GRANT SELECT ON users_profile, users_refreshtoken TO paya_engine;
GRANT SELECT, UPDATE (last_seen_at) ON users_device TO paya_engine;
GRANT SELECT, INSERT, UPDATE ON users_challenge TO paya_engine;
GRANT USAGE ON SEQUENCE users_challenge_id_seq TO paya_engine;

GRANT SELECT ON users_profile TO paya_staff, paya_auditor;
GRANT SELECT (id, public_id, kind, is_active, default_visibility, created_at) ON users_user TO paya_staff, paya_auditor;

-- Everybody may see who goes by which @username; only the person writes it.
ALTER TABLE users_profile ENABLE ROW LEVEL SECURITY;
ALTER TABLE users_profile FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON users_profile FOR SELECT
    TO paya_web, paya_worker, paya_engine, paya_staff, paya_auditor, paya_demo USING (true);
CREATE POLICY made ON users_profile FOR INSERT TO paya_web WITH CHECK (user_id = (SELECT core_actor()));
CREATE POLICY changed ON users_profile FOR UPDATE TO paya_web
    USING (user_id = (SELECT core_actor())) WITH CHECK (user_id = (SELECT core_actor()));
CREATE POLICY system_made ON users_profile FOR INSERT TO paya_worker
    WITH CHECK ((SELECT core_actor()) = 0 OR user_id = (SELECT core_actor()));
CREATE POLICY system_changed ON users_profile FOR UPDATE TO paya_worker
    USING ((SELECT core_actor()) = 0 OR user_id = (SELECT core_actor()))
    WITH CHECK ((SELECT core_actor()) = 0 OR user_id = (SELECT core_actor()));

-- People are paid by @username: it never changes hands and never changes.
CREATE FUNCTION users_profile_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.username <> OLD.username OR NEW.user_id <> OLD.user_id THEN
        RAISE EXCEPTION 'a username is set once' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fixed BEFORE UPDATE ON users_profile FOR EACH ROW EXECUTE FUNCTION users_profile_fixed();

-- A person is a person for good, under one public id and one phone.
CREATE FUNCTION users_user_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id <> OLD.id OR NEW.public_id <> OLD.public_id OR NEW.kind <> OLD.kind THEN
        RAISE EXCEPTION 'who somebody is does not change' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fixed BEFORE UPDATE ON users_user FOR EACH ROW EXECUTE FUNCTION users_user_fixed();

-- A token belongs to a device of the same person.
CREATE UNIQUE INDEX users_device_owner ON users_device (id, user_id);
ALTER TABLE users_refreshtoken ADD CONSTRAINT users_refreshtoken_device_owner
    FOREIGN KEY (device_id, user_id) REFERENCES users_device (id, user_id) DEFERRABLE INITIALLY DEFERRED;

-- --------------------------------------------------------------------------------------------- one-time codes
-- One key space for the locks of this room: class, then a hash of the index. Always taken in this order.
CREATE FUNCTION users_lock_phone(p_phone_index bytea) RETURNS void LANGUAGE sql
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT pg_advisory_xact_lock(720101, hashtext(encode(p_phone_index, 'hex')))
$$;

-- Whether one more SMS is within the budgets: '' or the budget that is spent, and when to come again. All of it is
-- counted from the rows; the locks make the next one wait until this one's row can be counted. The last lock is
-- everybody's, and held for the rest of a short transaction.
--
-- p_budgets: sends per phone and day, per block and day, per address and hour, seconds between two, sends of everybody
-- per day; then how many must have been sent within the hour before it matters how many were used, and how many
-- percent that must be. Whoever was sent a code within the last minute may still be typing, and does not count.
CREATE FUNCTION users_sms_budget(p_phone_index bytea, p_block_index bytea, p_address_index bytea, p_budgets int[])
RETURNS TABLE (refusal text, retry_after int) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    t timestamptz;
    phone record;
    block record;
    address record;
    everybody record;
    used record;
BEGIN
    PERFORM users_lock_phone(p_phone_index);
    PERFORM pg_advisory_xact_lock(720102, hashtext(encode(p_block_index, 'hex')));
    PERFORM pg_advisory_xact_lock(720103, hashtext(encode(p_address_index, 'hex')));
    PERFORM pg_advisory_xact_lock(720104, 0);
    t := clock_timestamp();
    SELECT coalesce(sum(c.sends), 0) AS sends, min(c.created_at) AS first, max(c.asked_at) AS last INTO phone
        FROM users_challenge c WHERE c.phone_index = p_phone_index AND c.created_at > t - interval '1 day';
    SELECT coalesce(sum(c.sends), 0) AS sends, min(c.created_at) AS first INTO block
        FROM users_challenge c WHERE c.block_index = p_block_index AND c.created_at > t - interval '1 day';
    SELECT coalesce(sum(c.sends), 0) AS sends, min(c.created_at) AS first INTO address
        FROM users_challenge c WHERE c.address_index = p_address_index AND c.created_at > t - interval '1 hour';
    SELECT coalesce(sum(c.sends), 0) AS sends, min(c.created_at) AS first INTO everybody
        FROM users_challenge c WHERE c.created_at > t - interval '1 day';
    SELECT count(*) AS sent, count(c.used_at) AS used, min(c.created_at) AS first INTO used
        FROM users_challenge c
        WHERE c.created_at > t - interval '1 hour' AND c.created_at < t - interval '1 minute' AND c.sms_state IN ('sent', 'unknown');
    IF phone.sends >= p_budgets[1] THEN
        RETURN QUERY SELECT 'phone', ceil(extract(epoch FROM phone.first + interval '1 day' - t))::int;
    ELSIF block.sends >= p_budgets[2] THEN
        RETURN QUERY SELECT 'block', ceil(extract(epoch FROM block.first + interval '1 day' - t))::int;
    ELSIF address.sends >= p_budgets[3] THEN
        RETURN QUERY SELECT 'address', ceil(extract(epoch FROM address.first + interval '1 hour' - t))::int;
    ELSIF phone.last > t - make_interval(secs => p_budgets[4]) THEN
        RETURN QUERY SELECT 'wait', greatest(1, ceil(extract(epoch FROM phone.last + make_interval(secs => p_budgets[4]) - t))::int);
    ELSIF everybody.sends >= p_budgets[5] THEN
        RETURN QUERY SELECT 'everybody', ceil(extract(epoch FROM everybody.first + interval '1 day' - t))::int;
    ELSIF used.sent >= p_budgets[6] AND used.used * 100 < used.sent * p_budgets[7] THEN
        RETURN QUERY SELECT 'unused', ceil(extract(epoch FROM used.first + interval '1 hour' - t))::int;
    ELSE
        RETURN QUERY SELECT '', 0;
    END IF;
END $$;

-- A new challenge with its SMS due, if the budgets allow: outcome 'queued', or the budget that is spent.
CREATE FUNCTION users_challenge_create(
    p_public_id text, p_phone_index bytea, p_phone_cipher bytea, p_code_hash bytea, p_code_cipher bytea,
    p_block_index bytea, p_address_index bytea, p_life int, p_budgets int[]
) RETURNS TABLE (outcome text, challenge_id bigint, retry_after int) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    budget record;
    made bigint;
BEGIN
    SELECT * INTO budget FROM users_sms_budget(p_phone_index, p_block_index, p_address_index, p_budgets);
    IF budget.refusal <> '' THEN
        RETURN QUERY SELECT budget.refusal, NULL::bigint, budget.retry_after;
        RETURN;
    END IF;
    INSERT INTO users_challenge (public_id, phone_index, phone_cipher, code_hash, code_cipher, block_index, address_index, expires_at)
    VALUES (p_public_id, p_phone_index, p_phone_cipher, p_code_hash, p_code_cipher, p_block_index, p_address_index,
            clock_timestamp() + make_interval(secs => p_life))
    RETURNING id INTO made;
    RETURN QUERY SELECT 'queued', made, 0;
END $$;

-- The same code of the same challenge once more: 'queued'; 'waiting' when an SMS is on its way already; 'gone' when
-- the code is no longer good; or the budget that is spent. An SMS is asked for on behalf of the same address.
CREATE FUNCTION users_challenge_resend(p_public_id text, p_budgets int[])
RETURNS TABLE (outcome text, challenge_id bigint, retry_after int) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    c users_challenge;
    budget record;
BEGIN
    SELECT * INTO c FROM users_challenge WHERE public_id = p_public_id;
    IF FOUND THEN
        SELECT * INTO budget FROM users_sms_budget(c.phone_index, c.block_index, c.address_index, p_budgets);
        SELECT * INTO c FROM users_challenge WHERE public_id = p_public_id FOR UPDATE;
    END IF;
    IF NOT FOUND OR c.code_cipher IS NULL OR c.expires_at <= clock_timestamp() THEN
        RETURN QUERY SELECT 'gone', NULL::bigint, 0;
    ELSIF c.sms_state IN ('queued', 'sending') THEN
        RETURN QUERY SELECT 'waiting', c.id, 0;
    ELSIF budget.refusal <> '' THEN
        RETURN QUERY SELECT budget.refusal, c.id, budget.retry_after;
    ELSE
        UPDATE users_challenge
        SET sms_state = 'queued', sends = sends + 1, asked_at = clock_timestamp(), due_at = clock_timestamp()
        WHERE id = c.id;
        RETURN QUERY SELECT 'queued', c.id, 0;
    END IF;
END $$;

-- What the page for the code shows: the phone (encrypted), whether the code is still good, and when another SMS may
-- be asked for. No row for a challenge that does not exist.
CREATE FUNCTION users_challenge_look(p_public_id text, p_wait int)
RETURNS TABLE (phone_cipher bytea, good boolean, resend_in int) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT c.phone_cipher, c.code_cipher IS NOT NULL AND c.expires_at > clock_timestamp(),
           greatest(0, ceil(extract(epoch FROM c.asked_at + make_interval(secs => p_wait) - clock_timestamp()))::int)
    FROM users_challenge c WHERE c.public_id = p_public_id
$$;

-- One try at a code: 'right' (once: it is consumed), 'wrong' (counted), 'gone' (used, expired, tried out, unknown) or
-- 'limited' (too many tries for this phone today, over all its challenges). Holds the phone's lock to the end of the
-- transaction, so that of two first sign-ups of one phone the second finds the first one's person.
CREATE FUNCTION users_challenge_check(p_public_id text, p_code_hash bytea, p_tries int, p_tries_a_day int)
RETURNS TABLE (outcome text, phone_index bytea, phone_cipher bytea) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    c users_challenge;
    today bigint;
BEGIN
    SELECT * INTO c FROM users_challenge WHERE public_id = p_public_id;
    IF NOT FOUND OR c.used_at IS NOT NULL OR c.expires_at <= clock_timestamp() THEN
        RETURN QUERY SELECT 'gone', NULL::bytea, NULL::bytea;
        RETURN;
    END IF;
    PERFORM users_lock_phone(c.phone_index);
    SELECT * INTO c FROM users_challenge WHERE public_id = p_public_id FOR UPDATE;
    SELECT coalesce(sum(o.tries), 0) INTO today FROM users_challenge o
        WHERE o.phone_index = c.phone_index AND o.created_at > clock_timestamp() - interval '1 day';
    IF c.used_at IS NOT NULL OR c.expires_at <= clock_timestamp() OR c.tries >= p_tries THEN
        RETURN QUERY SELECT 'gone', NULL::bytea, NULL::bytea;
    ELSIF today >= p_tries_a_day THEN
        RETURN QUERY SELECT 'limited', NULL::bytea, NULL::bytea;
    ELSIF c.code_hash <> p_code_hash THEN
        UPDATE users_challenge SET tries = tries + 1,
            code_cipher = CASE WHEN tries + 1 < p_tries THEN code_cipher END
        WHERE id = c.id;
        RETURN QUERY SELECT 'wrong', NULL::bytea, NULL::bytea;
    ELSE
        UPDATE users_challenge SET used_at = clock_timestamp(), code_cipher = NULL WHERE id = c.id AND used_at IS NULL;
        RETURN QUERY SELECT CASE WHEN FOUND THEN 'right' ELSE 'gone' END, c.phone_index, c.phone_cipher;
    END IF;
END $$;

-- ----------------------------------------------------------------------- who is asking, before there is an actor
-- The person with this phone. For nobody but the functions that have just seen the phone's code.
CREATE FUNCTION users_person_by_phone(p_phone_index bytea)
RETURNS TABLE (id bigint, public_id text, is_active boolean) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT u.id, u.public_id, u.is_active FROM users_user u WHERE u.phone_index = p_phone_index AND u.kind = 'person'
$$;

-- The live device behind a page session or an access token, its person and their profile (null before the welcome
-- page). No row when it is revoked or the person's account is closed. Remembers once a minute that it was seen.
CREATE FUNCTION users_device_session(p_public_id text)
RETURNS TABLE (device_id bigint, user_id bigint, user_public_id text, username text, display_name text, profile_created_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    seen timestamptz;
BEGIN
    SELECT d.id, u.id, u.public_id, p.username, p.display_name, p.created_at, d.last_seen_at
        INTO device_id, user_id, user_public_id, username, display_name, profile_created_at, seen
        FROM users_device d JOIN users_user u ON u.id = d.user_id LEFT JOIN users_profile p ON p.user_id = u.id
        WHERE d.public_id = p_public_id AND d.revoked_at IS NULL AND u.is_active AND u.kind = 'person';
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF seen < clock_timestamp() - interval '1 minute' THEN
        UPDATE users_device d SET last_seen_at = clock_timestamp() WHERE d.id = (
            SELECT s.id FROM users_device s WHERE s.id = device_id FOR NO KEY UPDATE SKIP LOCKED
        );
    END IF;
    RETURN NEXT;
END $$;

-- Whose refresh token this is.
CREATE FUNCTION users_refresh_owner(p_token_hash bytea) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT t.user_id FROM users_refreshtoken t WHERE t.token_hash = p_token_hash
$$;

DO $$
DECLARE
    f regprocedure;
BEGIN
    FOR f IN
        SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname IN (
            'users_lock_phone', 'users_sms_budget', 'users_challenge_create', 'users_challenge_resend', 'users_challenge_look',
            'users_challenge_check', 'users_person_by_phone', 'users_device_session', 'users_refresh_owner')
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        -- The worker too: the demo loader signs people up as the services do.
        IF f::text NOT LIKE 'users_sms_budget%' THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_web, paya_worker', f);
        END IF;
    END LOOP;
END $$;
