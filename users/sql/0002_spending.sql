-- What one day of text messages may cost over everybody, and a stop when codes are sent that nobody types in.
-- The functions of 0001 with these two in their budget.

DROP FUNCTION users_challenge_create(text, bytea, bytea, bytea, bytea, bytea, bytea, int, int, int, int, int);
DROP FUNCTION users_challenge_resend(text, int, int, int, int);
DROP FUNCTION users_sms_budget(bytea, bytea, bytea, int, int, int, int);

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

DO $$
DECLARE
    f regprocedure;
BEGIN
    FOR f IN
        SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
            AND p.proname IN ('users_sms_budget', 'users_challenge_create', 'users_challenge_resend')
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        IF f::text NOT LIKE 'users_sms_budget%' THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_web, paya_worker', f);
        END IF;
    END LOOP;
END $$;
