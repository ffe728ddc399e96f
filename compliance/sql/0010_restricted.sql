-- How much of a person's own acts something other than their wish to close the account stops: 0 nothing, 1 sending, 2 receiving as well.
-- Whoever closes their account is frozen by that, and what they had begun before goes on all the same. Their closing keeps what else
-- restricts them beside itself (privacy/sql/0001_privacy.sql; the name is looked up when this is called). For functions that hold the guard.
CREATE FUNCTION compliance_restricted(p_user bigint) RETURNS smallint LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN (SELECT greatest(coalesce(c.frozen, w.frozen), compliance_sanctions_level(p_user))
            FROM wallets_wallet w LEFT JOIN privacy_closing c ON c.user_id = w.user_id AND c.state = 'open' WHERE w.user_id = p_user);
END $$;
ALTER FUNCTION compliance_restricted(bigint) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION compliance_restricted(bigint) FROM PUBLIC;
