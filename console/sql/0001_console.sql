-- What the staff's site may read and write. Its process logs in as a role of its own; the public site's role has no
-- right to anything here. Views say what staff may see of a thing: a private payment's amount and note are not among it.

-- ---------------------------------------------------------------------------------------------------- getting in
-- A member of staff before there is an actor. For the staff role alone; people are never answered.
CREATE FUNCTION console_staff(p_email text, p_id bigint)
RETURNS TABLE (id bigint, public_id text, email text, password text, is_active boolean) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT u.id, u.public_id::text, u.email::text, u.password::text, u.is_active FROM users_user u
    WHERE u.kind = 'staff' AND (u.email = p_email OR u.id = p_id)
$$;

-- Whether the actor is a member of staff who may still come in; without an actor it raises.
CREATE FUNCTION console_is_staff() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM users_user WHERE id = core_actor() AND kind = 'staff' AND is_active)
$$;

-- The person with this phone, for staff who typed it; the phone itself is in no table that could be searched.
CREATE FUNCTION console_person_by_phone(p_phone_index bytea) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT public_id FROM users_user WHERE phone_index = p_phone_index AND kind = 'person' AND console_is_staff()
$$;

ALTER TABLE console_authenticator ENABLE ROW LEVEL SECURITY;
ALTER TABLE console_authenticator FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON console_authenticator TO paya_staff
    USING (user_id = (SELECT core_actor())) WITH CHECK (user_id = (SELECT core_actor()));
CREATE POLICY system ON console_authenticator TO paya_worker
    USING ((SELECT core_actor()) = 0) WITH CHECK ((SELECT core_actor()) = 0);
GRANT SELECT, UPDATE (last_step) ON console_authenticator TO paya_staff;
GRANT SELECT, INSERT, UPDATE, DELETE ON console_authenticator TO paya_worker;
GRANT SELECT, INSERT, UPDATE (succeeded) ON console_logintry TO paya_staff;
GRANT SELECT, INSERT, UPDATE, DELETE ON console_staffsession TO paya_staff;
GRANT USAGE ON SEQUENCE console_authenticator_id_seq TO paya_worker;
GRANT USAGE ON SEQUENCE console_logintry_id_seq TO paya_staff;

-- Django's own log of the admin. Nothing can be changed there yet, so nothing is written yet.
ALTER TABLE django_admin_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE django_admin_log FORCE ROW LEVEL SECURITY;
CREATE POLICY staff_reads ON django_admin_log FOR SELECT TO paya_staff USING ((SELECT core_actor()) IS NOT NULL);
CREATE POLICY staff_writes ON django_admin_log FOR INSERT TO paya_staff WITH CHECK (user_id = (SELECT core_actor()));
CREATE POLICY auditor ON django_admin_log FOR SELECT TO paya_auditor USING (true);
GRANT SELECT, INSERT ON django_admin_log TO paya_staff;
GRANT SELECT ON django_admin_log TO paya_auditor;
GRANT USAGE ON SEQUENCE django_admin_log_id_seq TO paya_staff;

-- -------------------------------------------------------------------------------------------- what may be read
-- The journal shows the amounts of private payments, so staff read the view below instead.
REVOKE SELECT ON ledger_transfer, ledger_entry FROM paya_staff;
-- Of a bank account what a person sees of it, and not its id at the rail.
REVOKE SELECT ON banking_bankaccount FROM paya_staff;
GRANT SELECT (id, public_id, user_id, item_id, name, mask, kind, status, created_at) ON banking_bankaccount TO paya_staff;
GRANT SELECT (id, institution) ON banking_bankitem TO paya_staff;
CREATE POLICY staff ON banking_bankitem FOR SELECT TO paya_staff USING ((SELECT core_actor()) IS NOT NULL);
-- The last four digits of a phone are shown: the cipher and the key of one's own data and of people's.
GRANT SELECT (phone_cipher) ON users_user TO paya_staff;
GRANT SELECT ON core_datakey TO paya_staff;
CREATE POLICY staff ON core_datakey FOR SELECT TO paya_staff USING ((SELECT core_actor()) IS NOT NULL);
GRANT SELECT (public_id, rail_key) ON banking_banktransfer TO paya_engine;

-- -------------------------------------------------------------------------------------------------------- views
-- Which account a journal row names: "@maya", "@maya (held)", "capital".
CREATE FUNCTION console_account_name(p_row bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT name FROM ledger_systemaccount WHERE id = ledger_logical(p_row)),
        (SELECT coalesce('@' || p.username, w.public_id)
             || CASE p_row WHEN w.hold_account THEN ' (held)' WHEN w.receivable_account THEN ' (owed)' ELSE '' END
         FROM wallets_wallet w LEFT JOIN users_profile p ON p.user_id = w.user_id
         WHERE w.account = p_row OR w.hold_account = p_row OR w.receivable_account = p_row))
$$;
CREATE FUNCTION console_account_wallet(p_row bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT public_id FROM wallets_wallet WHERE account = p_row OR hold_account = p_row OR receivable_account = p_row
$$;

CREATE VIEW console_person WITH (security_invoker = true) AS
    SELECT u.public_id::text AS id, u.id AS user_id, p.username::text, p.display_name::text, u.is_active,
           u.default_visibility::text, u.created_at, w.public_id AS wallet_id, w.frozen,
           (SELECT balance FROM ledger_account WHERE ledger_account.id = w.account) AS available
    FROM users_user u LEFT JOIN users_profile p ON p.user_id = u.id LEFT JOIN wallets_wallet w ON w.user_id = u.id
    WHERE u.kind = 'person';

CREATE VIEW console_wallet WITH (security_invoker = true) AS
    SELECT w.public_id AS id, w.user_id, u.public_id::text AS person_id, p.username::text, p.display_name::text,
           (SELECT balance FROM ledger_account WHERE ledger_account.id = w.account) AS available,
           (SELECT balance FROM ledger_account WHERE ledger_account.id = w.hold_account) AS held,
           (SELECT -balance FROM ledger_account WHERE ledger_account.id = w.receivable_account) AS owed,
           w.pending_in, w.pending_out, w.frozen, w.frozen_reason, w.account, w.hold_account, w.receivable_account, w.created_at
    FROM wallets_wallet w JOIN users_user u ON u.id = w.user_id LEFT JOIN users_profile p ON p.user_id = w.user_id;

CREATE VIEW console_banktransfer WITH (security_invoker = true) AS
    SELECT t.public_id AS id, t.id AS number, t.user_id, u.public_id::text AS person_id, p.username::text, t.kind, t.amount,
           t.rail, t.status, t.rail_key, t.external_id, t.expected_on, t.due_at, t.attempts, t.failure_code, t.created_at,
           a.public_id AS bank_account_id, concat_ws(' ', nullif(i.institution, ''), a.name, '••' || a.mask) AS bank
    FROM banking_banktransfer t JOIN users_user u ON u.id = t.user_id LEFT JOIN users_profile p ON p.user_id = t.user_id
    JOIN banking_bankaccount a ON a.id = t.bank_account_id JOIN banking_bankitem i ON i.id = a.item_id;

-- The following read as the engine, which sees what staff do not, and ask who is looking. What is not asked for, and
-- what is not on the page, is not computed: sub-selects come after ORDER BY and LIMIT.
CREATE VIEW console_transfer AS
    SELECT t.id, (SELECT k.name FROM ledger_transferkind k WHERE k.kind = t.kind) AS kind,
           t.debit_account, console_account_name(t.debit_account) AS debit_name,
           console_account_wallet(t.debit_account) AS debit_wallet, t.debit_version,
           t.credit_account, console_account_name(t.credit_account) AS credit_name,
           console_account_wallet(t.credit_account) AS credit_wallet, t.credit_version,
           -- A reversal tells as much as what it reverses.
           CASE WHEN EXISTS (SELECT FROM payments_payment p WHERE p.transfer = coalesce(t.reverses, t.id) AND p.visibility = 'private')
                THEN NULL ELSE t.amount END AS amount,
           CASE WHEN EXISTS (SELECT FROM payments_payment p WHERE p.transfer = coalesce(t.reverses, t.id) AND p.visibility = 'private')
                THEN NULL ELSE t.debit_balance END AS debit_balance,
           CASE WHEN EXISTS (SELECT FROM payments_payment p WHERE p.transfer = coalesce(t.reverses, t.id) AND p.visibility = 'private')
                THEN NULL ELSE t.credit_balance END AS credit_balance,
           EXISTS (SELECT FROM payments_payment p WHERE p.transfer = coalesce(t.reverses, t.id) AND p.visibility = 'private') AS is_private,
           t.posted_at, t.group_id, t.reverses,
           (SELECT p.public_id FROM payments_payment p WHERE p.transfer = coalesce(t.reverses, t.id)) AS payment,
           (SELECT b.public_id FROM banking_banktransfer b WHERE b.rail_key = t.group_id) AS bank_transfer
    FROM ledger_transfer t WHERE (SELECT console_is_staff());

CREATE VIEW console_payment AS
    SELECT p.public_id AS id, p.id AS number, p.payer_id, p.payee_id,
           (SELECT u.public_id::text FROM users_user u WHERE u.id = p.payer_id) AS payer,
           (SELECT f.username::text FROM users_profile f WHERE f.user_id = p.payer_id) AS payer_name,
           (SELECT u.public_id::text FROM users_user u WHERE u.id = p.payee_id) AS payee,
           (SELECT f.username::text FROM users_profile f WHERE f.user_id = p.payee_id) AS payee_name,
           CASE WHEN p.visibility = 'public' THEN p.amount END AS amount,
           CASE WHEN p.visibility = 'public' THEN p.note END AS note,
           p.visibility, p.status, p.transfer, p.created_at
    FROM payments_payment p WHERE (SELECT console_is_staff());

CREATE VIEW console_stafflook AS
    SELECT v.id, v.at, (SELECT u.email::text FROM users_user u WHERE u.id = v.staff_id) AS staff, v.payment, v.reason
    FROM payments_staffview v WHERE (SELECT console_is_staff());

CREATE VIEW console_inboxevent AS
    SELECT id, provider, event_id, topic, received_at, due_at, processed_at, attempts, outcome
    FROM banking_inboxevent WHERE (SELECT console_is_staff());

GRANT SELECT ON payments_staffview TO paya_engine;
DO $$
DECLARE
    f regprocedure;
    v text;
BEGIN
    FOR f IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'console\_%' LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_engine, paya_staff', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
    FOREACH v IN ARRAY '{console_transfer,console_payment,console_stafflook,console_inboxevent}'::text[] LOOP
        EXECUTE format('ALTER VIEW %I OWNER TO paya_engine', v);
    END LOOP;
END $$;
GRANT SELECT ON console_person, console_wallet, console_banktransfer, console_transfer, console_payment,
    console_stafflook, console_inboxevent TO paya_staff;
