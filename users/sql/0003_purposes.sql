-- What a code is for, and who is found.

-- A code that closes an account says so in its message, and opens nothing: its hash is made over what it is for (services/codes.py).
ALTER TABLE users_challenge ADD CONSTRAINT users_challenge_purpose CHECK (purpose IN ('log_in', 'close')) NOT VALID;
-- The function of before, which asks for a code to log in, stays as it is.
CREATE FUNCTION users_challenge_create(
    p_public_id text, p_phone_index bytea, p_phone_cipher bytea, p_code_hash bytea, p_code_cipher bytea,
    p_block_index bytea, p_address_index bytea, p_life int, p_budgets int[], p_purpose text
) RETURNS TABLE (outcome text, challenge_id bigint, retry_after int) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    SELECT * INTO outcome, challenge_id, retry_after FROM users_challenge_create(
        p_public_id, p_phone_index, p_phone_cipher, p_code_hash, p_code_cipher, p_block_index, p_address_index, p_life, p_budgets);
    UPDATE users_challenge SET purpose = p_purpose WHERE id = challenge_id AND purpose <> p_purpose;
    RETURN NEXT;
END $$;

-- People whose @username begins so, in order. Whoever closes their account, or has, is found no more: nobody can pay them. (Closing is an
-- upper room's; its name is looked up when this is called.)
CREATE FUNCTION users_search(p_prefix text, p_limit int)
RETURNS TABLE (user_id bigint, username text, display_name text, created_at timestamptz) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    -- '~' comes after every sign of a username. (The column is in byte order, so its index serves this.)
    RETURN QUERY SELECT p.user_id, p.username::text, p.display_name::text, p.created_at
        FROM users_profile p JOIN users_user u ON u.id = p.user_id
        WHERE p.username >= p_prefix AND p.username < p_prefix || '~' AND u.is_active
          AND NOT EXISTS (SELECT FROM privacy_closing c WHERE c.user_id = p.user_id AND c.state <> 'cancelled')
        ORDER BY p.username LIMIT p_limit;
END $$;

DO $$
DECLARE f regprocedure;
BEGIN
    FOREACH f IN ARRAY '{"users_challenge_create(text,bytea,bytea,bytea,bytea,bytea,bytea,int,int[],text)","users_search(text,int)"}'::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_web, paya_worker', f);
    END LOOP;
END $$;
