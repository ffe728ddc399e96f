-- Accounts that are being closed, legal holds, and how long things are kept, as staff see them.
CREATE VIEW console_closing AS
    SELECT c.public_id AS id, c.user_id, p.public_id::text AS person_id, f.username::text, c.state, c.waits_for, c.swept, c.aside, c.asked_at,
           c.cancelled_at, c.closed_at, c.erase_after, c.erased_at
    FROM privacy_closing c JOIN users_user p ON p.id = c.user_id LEFT JOIN users_profile f ON f.user_id = c.user_id
    WHERE (SELECT console_is_staff());

CREATE VIEW console_legalhold AS
    SELECT h.id, h.user_id, p.public_id::text AS person_id, f.username::text, h.reason, h.placed_at, console_email(h.placed_by_id) AS staff,
           h.lifted_at, console_email(h.lifted_by_id) AS lifted_by
    FROM privacy_legalhold h JOIN users_user p ON p.id = h.user_id LEFT JOIN users_profile f ON f.user_id = h.user_id
    WHERE (SELECT console_is_staff());

CREATE VIEW console_retention AS
    SELECT r.id, r.name, r.days, r.effective_at, r.reason, console_email(r.chosen_by_id) AS staff, r.created_at,
           r.id = (SELECT n.id FROM privacy_retention n WHERE n.name = r.name AND n.effective_at <= core_now()
                   ORDER BY n.effective_at DESC, n.id DESC LIMIT 1) AS in_force,
           (SELECT u.ran_at FROM privacy_retentionrun u WHERE u.name = r.name) AS ran_at,
           (SELECT u.removed FROM privacy_retentionrun u WHERE u.name = r.name) AS removed
    FROM privacy_retention r WHERE (SELECT console_is_staff());

DO $$
DECLARE
    v text;
BEGIN
    FOREACH v IN ARRAY '{console_closing,console_legalhold,console_retention}'::text[] LOOP
        EXECUTE format('ALTER VIEW %I OWNER TO paya_engine', v);
        EXECUTE format('GRANT SELECT ON %I TO paya_staff', v);
    END LOOP;
END $$;

SELECT console_permit('retention.set', 'administrator');
SELECT console_permit('legal_hold.place', 'compliance');
SELECT console_permit('legal_hold.lift', 'compliance');
SELECT console_watch('privacy_retention', 'id', 'name', 'days', 'effective_at', 'chosen_by_id');
SELECT console_watch('privacy_legalhold', 'id', 'user_id', 'placed_by_id', 'lifted_at', 'lifted_by_id');

-- What the job of the periods removes here (privacy/sql/0001_privacy.sql).
GRANT SELECT, DELETE ON console_logintry, console_staffsession TO paya_engine;
