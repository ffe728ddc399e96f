-- What staff see of rails, returns and corrections.

CREATE FUNCTION console_email(p_staff bigint) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT email::text FROM users_user WHERE id = p_staff AND kind = 'staff' AND console_is_staff()
$$;
ALTER FUNCTION console_email(bigint) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION console_email(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION console_email(bigint) TO paya_staff, paya_engine;

CREATE VIEW console_railchoice WITH (security_invoker = true) AS
    SELECT c.id, c.at, c.kind, c.rail, console_email(c.chosen_by_id) AS staff, c.reason
    FROM banking_railchoice c WHERE (SELECT console_is_staff());

CREATE VIEW console_return WITH (security_invoker = true) AS
    SELECT r.id, r.created_at AS at, r.user_id, u.public_id::text AS person_id, p.username::text, t.public_id AS transfer_id, t.kind,
           t.rail, t.amount, r.code, r.late, r.owed, r.restricts, r.lifted_at
    FROM banking_return r JOIN banking_banktransfer t ON t.id = r.transfer_id JOIN users_user u ON u.id = r.user_id
    LEFT JOIN users_profile p ON p.user_id = r.user_id;

CREATE VIEW console_correction WITH (security_invoker = true) AS
    SELECT c.id, c.kind, c.user_id, u.public_id::text AS person_id, p.username::text, c.amount,
           console_email(c.asked_by_id) AS asked_by, c.asked_at, console_email(c.decided_by_id) AS decided_by, c.decided_at,
           c.approved, c.posted_at, c.refused
    FROM banking_correction c LEFT JOIN users_user u ON u.id = c.user_id LEFT JOIN users_profile p ON p.user_id = c.user_id;

GRANT SELECT ON console_railchoice, console_return, console_correction TO paya_staff;
