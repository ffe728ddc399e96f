CREATE OR REPLACE VIEW console_correction WITH (security_invoker = true) AS
    SELECT c.id, c.kind, c.user_id, u.public_id::text AS person_id, p.username::text, c.amount,
           console_email(c.asked_by_id) AS asked_by, c.asked_at, console_email(c.decided_by_id) AS decided_by, c.decided_at,
           c.approved, c.posted_at, c.refused, c.of_break
    FROM banking_correction c LEFT JOIN users_user u ON u.id = c.user_id LEFT JOIN users_profile p ON p.user_id = c.user_id;
