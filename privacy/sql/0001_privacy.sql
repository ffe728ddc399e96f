-- Copies of one's data, closing an account, erasing a person, and how long things are kept.

GRANT SELECT ON privacy_export TO paya_web, paya_worker, paya_engine;
GRANT INSERT (public_id, user_id, due_at) ON privacy_export TO paya_web, paya_worker;
GRANT UPDATE (status, progress, attempts, due_at, ready_at, expires_at, size, content_key), DELETE ON privacy_export TO paya_worker;
GRANT DELETE ON privacy_export TO paya_engine;
GRANT USAGE ON SEQUENCE privacy_export_id_seq TO paya_web, paya_worker;
GRANT SELECT ON privacy_closing TO paya_web, paya_worker, paya_auditor;
GRANT UPDATE (state, waits_for, swept, aside, due_at, attempts, closed_at, erase_after, erased_at) ON privacy_closing TO paya_worker;
GRANT SELECT, INSERT, UPDATE ON privacy_closing TO paya_engine;
GRANT USAGE ON SEQUENCE privacy_closing_id_seq, privacy_legalhold_id_seq, privacy_retention_id_seq TO paya_engine;
GRANT SELECT, INSERT, UPDATE ON privacy_legalhold TO paya_engine;
GRANT SELECT ON privacy_legalhold TO paya_worker, paya_auditor;
GRANT SELECT ON privacy_retention TO paya_web, paya_worker, paya_auditor, paya_engine;
GRANT INSERT ON privacy_retention TO paya_engine;
GRANT SELECT, INSERT, UPDATE ON privacy_retentionrun TO paya_engine;
GRANT SELECT ON privacy_retentionrun TO paya_worker, paya_auditor;

-- ------------------------------------------------------------------------------------------------ closing
-- Which state may follow which.
CREATE FUNCTION privacy_closing_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (OLD.state, NEW.state) IN (('open', 'cancelled'), ('open', 'closed'), ('closed', 'erased')) OR NEW.user_id <> OLD.user_id THEN
        RAISE EXCEPTION 'a closing does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER moves BEFORE UPDATE OF state, user_id ON privacy_closing FOR EACH ROW
    WHEN (OLD.state <> NEW.state OR OLD.user_id <> NEW.user_id) EXECUTE FUNCTION privacy_closing_moves();

-- Whoever freezes or thaws the wallet, by whatever way: while its person is closing the account nothing is sent or received. Runs
-- after the triggers of other rooms on the same column, being later in the alphabet: what they have made of it is kept beside the
-- closing, whose money waits for the end of it (privacy_restricted).
CREATE FUNCTION privacy_lock_stays() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    own text := 'You are closing this account.';
BEGIN
    UPDATE privacy_closing c SET frozen = CASE NEW.frozen_reason WHEN own THEN 0 ELSE NEW.frozen END,
        frozen_reason = CASE NEW.frozen_reason WHEN own THEN '' ELSE NEW.frozen_reason END WHERE user_id = NEW.user_id AND state = 'open';
    IF FOUND THEN
        NEW.frozen := 2;
        NEW.frozen_reason := own;
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION privacy_lock_stays() FROM PUBLIC;
ALTER FUNCTION privacy_lock_stays() OWNER TO paya_engine;
CREATE TRIGGER privacy_lock_stays BEFORE UPDATE OF frozen ON wallets_wallet FOR EACH ROW EXECUTE FUNCTION privacy_lock_stays();

-- The person closes their account: locked in the same transaction. What may be closed is decided before (services/closing.py).
CREATE FUNCTION privacy_begin_closing(p_user bigint, p_public_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM wallets_check_actor(p_user);
    INSERT INTO privacy_closing (public_id, user_id, due_at) VALUES (p_public_id, p_user, core_now());
    PERFORM wallets_set_frozen(p_user, 2::smallint, 'You are closing this account.');
END $$;

-- Whether staff have something open about the person: no more than that, for the person's own process asks too.
CREATE FUNCTION privacy_is_looked_into(p_user bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM wallets_check_actor(p_user);
    RETURN EXISTS (SELECT FROM compliance_case WHERE user_id = p_user AND status = 'open');
END $$;

-- Whether anything but the closing itself restricts the person: their money goes nowhere until that has ended.
CREATE FUNCTION privacy_restricted(p_user bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    c privacy_closing;
BEGIN
    PERFORM wallets_check_actor(p_user);
    IF compliance_sanctions_level(p_user) > 0 THEN
        RETURN true;
    END IF;
    SELECT * INTO c FROM privacy_closing WHERE user_id = p_user AND state = 'open';
    IF c.frozen_reason IN (compliance_sanctions_words(1::smallint), compliance_sanctions_words(2::smallint)) THEN
        PERFORM wallets_set_frozen(p_user, 0::smallint, '');  -- that one has ended: what else is there?
        SELECT * INTO c FROM privacy_closing WHERE id = c.id;
    END IF;
    RETURN coalesce(c.frozen, 0) > 0;
END $$;

-- They have changed their mind: possible until something was sent to the bank. What else restricts them is in force again. Whether
-- there was anything to cancel.
CREATE FUNCTION privacy_cancel_closing(p_user bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    c privacy_closing;
BEGIN
    PERFORM wallets_check_actor(p_user);
    PERFORM wallets_guard(p_user);
    UPDATE privacy_closing SET state = 'cancelled', cancelled_at = core_now(), due_at = NULL
        WHERE user_id = p_user AND state = 'open' AND swept = 0 AND aside = 0 RETURNING * INTO c;
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM wallets_set_frozen(p_user, c.frozen, c.frozen_reason);
    RETURN true;
END $$;

-- ------------------------------------------------------------------------------------------------ erasing
-- All columns that tell who somebody was, as privacy/register.py lists them; the key that opens the encrypted ones is destroyed by
-- the caller in the same transaction. Repeats harmlessly. The ledger is not touched.
CREATE FUNCTION privacy_erase(p_user bigint, p_name_index bytea, p_closed_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    phone bytea;
BEGIN
    IF core_actor() <> 0 OR NOT EXISTS (SELECT FROM privacy_closing WHERE user_id = p_user AND state = 'closed') THEN
        RAISE EXCEPTION 'only a closed account is erased' USING ERRCODE = 'PY124';
    END IF;
    SELECT phone_index INTO phone FROM users_user WHERE id = p_user;
    DELETE FROM users_challenge WHERE phone_index = phone;
    DELETE FROM users_refreshtoken WHERE user_id = p_user;
    UPDATE users_device SET name = 'Erased', user_agent = '', network = '', revoked_at = coalesce(revoked_at, core_now())
        WHERE user_id = p_user;
    INSERT INTO users_formername (name_index) SELECT p_name_index WHERE p_name_index IS NOT NULL ON CONFLICT DO NOTHING;
    UPDATE users_profile SET username = p_closed_name, display_name = 'Closed account'
        WHERE user_id = p_user AND username NOT LIKE 'closed\_%';
    UPDATE users_user SET phone_index = NULL, phone_cipher = NULL, is_active = false, default_visibility = NULL,
        erased_at = core_now() WHERE id = p_user;
    UPDATE wallets_wallet SET frozen_reason = 'This account is closed.' WHERE user_id = p_user;

    UPDATE payments_payment SET note = '' WHERE payer_id = p_user AND note <> '';
    UPDATE payments_feeditem SET note = '' WHERE payer_id = p_user AND note <> '';

    DELETE FROM banking_linksession WHERE user_id = p_user;
    DELETE FROM banking_banksource WHERE user_id = p_user;
    DELETE FROM banking_railcustomer WHERE user_id = p_user;
    DELETE FROM banking_bankidentity WHERE user_id = p_user;
    DELETE FROM banking_identitycheck WHERE user_id = p_user;
    UPDATE banking_bankaccount SET name = '', mask = '', account_id = '', funding_source = NULL, source_index = NULL,
        numbers_index = CASE WHEN blocked_by <> '' THEN numbers_index END WHERE user_id = p_user;
    UPDATE banking_bankitem SET access_token = NULL, item_id = NULL, institution_id = '', institution = '', token_index = int8send(id)
        WHERE user_id = p_user;

    UPDATE rewards_appeal SET message = 'Erased', answer = CASE WHEN answer IS NOT NULL THEN 'Erased' END WHERE user_id = p_user;
    UPDATE transparency_complaint SET words = '' WHERE user_id = p_user;
    PERFORM set_config('paya.erasing', p_user::text, true);
    UPDATE compliance_ticket SET subject = compliance_erased_words() WHERE user_id = p_user;
    UPDATE compliance_ticketmessage SET body = compliance_erased_words() WHERE user_id = p_user;
    UPDATE compliance_appeal SET message = compliance_erased_words(), answer = CASE WHEN answer IS NOT NULL THEN compliance_erased_words() END
        WHERE user_id = p_user;
    UPDATE compliance_dispute SET message = compliance_erased_words(), result = CASE WHEN result IS NOT NULL THEN compliance_erased_words() END
        WHERE user_id = p_user;
    PERFORM set_config('paya.erasing', '', true);
    DELETE FROM compliance_letter WHERE user_id = p_user;
    DELETE FROM privacy_export WHERE user_id = p_user;
END $$;
GRANT SELECT, DELETE ON users_challenge, users_refreshtoken, banking_linksession, banking_banksource, banking_railcustomer,
    banking_bankidentity, banking_identitycheck, compliance_letter TO paya_engine;
GRANT UPDATE (name, user_agent, network, revoked_at) ON users_device TO paya_engine;
GRANT UPDATE (username, display_name) ON users_profile TO paya_engine;
GRANT UPDATE (phone_index, phone_cipher, is_active, default_visibility, erased_at) ON users_user TO paya_engine;
GRANT UPDATE (note) ON payments_payment TO paya_engine;
GRANT SELECT, UPDATE (name, mask, account_id, funding_source, source_index, numbers_index) ON banking_bankaccount TO paya_engine;
GRANT SELECT, UPDATE (access_token, item_id, institution_id, institution, token_index) ON banking_bankitem TO paya_engine;
GRANT UPDATE (message, answer) ON rewards_appeal TO paya_engine;
GRANT UPDATE (words) ON transparency_complaint TO paya_engine;
CREATE POLICY erased ON users_profile FOR UPDATE TO paya_engine USING (true) WITH CHECK (true);

-- ------------------------------------------------------------------------------------------------ how long things are kept
-- What is in force: the newest row whose time has come.
CREATE FUNCTION privacy_days(p_name text) RETURNS int LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT days FROM privacy_retention WHERE name = p_name AND effective_at <= core_now() ORDER BY effective_at DESC, id DESC LIMIT 1
$$;

INSERT INTO privacy_retention (name, days, reason, effective_at) SELECT v.*, timestamptz '2000-01-01Z' FROM (VALUES
    ('login_tries', 90, 'Default: attempts of staff, by blind index.'),
    ('staff_sessions', 7, 'Default: sessions of staff that are over.'),
    ('inbox', 180, 'Default: vendors can be asked about half a year of messages.'),
    ('outbox', 30, 'Default: as long as idempotency keys.'),
    ('bank_visits', 30, 'Default: visits to the page on which a bank is linked.'),
    ('devices', 365, 'Default: where an ended device had logged in from.'),
    ('exports', 365, 'Default: that a copy was asked for; the file goes after a day.'),
    ('returns', 65, 'Default: sixty days for a bank to say so, and some for it to reach us.'),
    ('disputes', 90, 'Default: the longest clock of a dispute.'),
    ('records', 1826, 'Default: five years of records, as the Bank Secrecy Act asks for.')) v (name, days, reason);

-- One batch of what is older than its time; how many rows. Each batch is a transaction of its own, and what somebody else holds is
-- left for the next.
CREATE FUNCTION privacy_prune(p_name text, p_limit int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    before timestamptz := core_now() - make_interval(days => privacy_days(p_name));
    n int;
BEGIN
    IF core_actor() <> 0 THEN RAISE EXCEPTION 'this is the worker''s' USING ERRCODE = 'PY120'; END IF;
    CASE p_name
    WHEN 'login_tries' THEN
        DELETE FROM console_logintry WHERE id IN (SELECT id FROM console_logintry WHERE at < before ORDER BY id LIMIT p_limit);
    WHEN 'staff_sessions' THEN
        DELETE FROM console_staffsession WHERE session_key IN (
            SELECT session_key FROM console_staffsession WHERE expire_date < before LIMIT p_limit);
    WHEN 'inbox' THEN
        UPDATE banking_inboxevent SET body = '{}' WHERE id IN (
            SELECT id FROM banking_inboxevent WHERE processed_at < before AND body <> '{}' ORDER BY id LIMIT p_limit FOR UPDATE SKIP LOCKED);
    WHEN 'bank_visits' THEN
        DELETE FROM banking_linksession WHERE id IN (
            SELECT id FROM banking_linksession WHERE expires_at < before ORDER BY id LIMIT p_limit);
    WHEN 'devices' THEN
        UPDATE users_device SET user_agent = '', network = '' WHERE id IN (
            SELECT id FROM users_device WHERE revoked_at < before AND (user_agent <> '' OR network <> '') ORDER BY id LIMIT p_limit
            FOR NO KEY UPDATE SKIP LOCKED);
    WHEN 'exports' THEN
        DELETE FROM privacy_export WHERE id IN (
            SELECT id FROM privacy_export WHERE asked_at < before AND status IN ('expired', 'failed') ORDER BY id LIMIT p_limit);
    WHEN 'outbox' THEN
        RETURN core_outbox_prune(before, coalesce((SELECT min(position) FROM transparency_export), 9223372036854775807), p_limit);
    END CASE;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;
CREATE FUNCTION privacy_pruned(p_name text, p_removed bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO privacy_retentionrun (name, removed) VALUES (p_name, p_removed)
    ON CONFLICT (name) DO UPDATE SET ran_at = core_now(), removed = privacy_retentionrun.removed + excluded.removed
$$;
GRANT SELECT, UPDATE (body) ON banking_inboxevent TO paya_engine;
GRANT SELECT ON transparency_export TO paya_engine;

-- ------------------------------------------------------------------------------------------------ what staff change
-- From a moment on; a time in the past would have thrown away already what somebody counted on.
CREATE FUNCTION privacy_set_retention(p_name text, p_days int, p_from timestamptz, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made bigint;
    least_days int := CASE p_name WHEN 'login_tries' THEN 2 WHEN 'staff_sessions' THEN 0 WHEN 'inbox' THEN 60
        WHEN 'outbox' THEN 7 WHEN 'bank_visits' THEN 1 WHEN 'devices' THEN 30 WHEN 'exports' THEN 1 WHEN 'returns' THEN 60
        WHEN 'disputes' THEN 0 WHEN 'records' THEN 0 END;
BEGIN
    PERFORM console_acted('retention.set', p_name, format('Kept for %s days from %s on.', p_days, p_from::date), p_reason);
    IF least_days IS NULL THEN
        RAISE EXCEPTION 'There is no such period.' USING ERRCODE = 'PY123';
    ELSIF p_days IS NULL OR p_days NOT BETWEEN least_days AND 36525 THEN
        RAISE EXCEPTION 'It is % to 36525 days.', least_days USING ERRCODE = 'PY124';
    ELSIF p_from < core_now() - interval '1 day' THEN
        RAISE EXCEPTION 'It cannot begin in the past.' USING ERRCODE = 'PY124';
    END IF;
    INSERT INTO privacy_retention (name, days, effective_at, reason, chosen_by_id)
        VALUES (p_name, p_days, greatest(p_from, core_now()), trim(p_reason), core_actor()) RETURNING id INTO made;
    RETURN made;
END $$;

CREATE FUNCTION privacy_place_hold(p_person text, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    PERFORM console_acted('legal_hold.place', p_person, 'Their data are kept until the hold is lifted.', p_reason);
    SELECT id INTO who FROM users_user WHERE public_id = p_person AND kind = 'person' FOR NO KEY UPDATE;
    IF who IS NULL THEN RAISE EXCEPTION 'There is no such person.' USING ERRCODE = 'PY123'; END IF;
    IF EXISTS (SELECT FROM users_user WHERE id = who AND erased_at IS NOT NULL) THEN
        RAISE EXCEPTION 'Their data were erased already.' USING ERRCODE = 'PY124';
    ELSIF EXISTS (SELECT FROM privacy_legalhold WHERE user_id = who AND lifted_at IS NULL) THEN
        RAISE EXCEPTION 'There is a hold already.' USING ERRCODE = 'PY124';
    END IF;
    INSERT INTO privacy_legalhold (user_id, reason, placed_by_id) VALUES (who, trim(p_reason), core_actor());
END $$;

CREATE FUNCTION privacy_lift_hold(p_hold bigint, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    who bigint;
BEGIN
    SELECT user_id INTO who FROM privacy_legalhold WHERE id = p_hold;
    PERFORM console_acted('legal_hold.lift', coalesce((SELECT public_id FROM users_user WHERE id = who), p_hold::text),
        'Their data are erased when their time has come.', p_reason);
    IF who IS NULL THEN RAISE EXCEPTION 'There is no such hold.' USING ERRCODE = 'PY123'; END IF;
    UPDATE privacy_legalhold SET lifted_at = core_now(), lifted_by_id = core_actor() WHERE id = p_hold AND lifted_at IS NULL;
    IF NOT FOUND THEN RAISE EXCEPTION 'It was lifted already.' USING ERRCODE = 'PY124'; END IF;
    UPDATE privacy_closing SET due_at = clock_timestamp() WHERE user_id = who AND state = 'closed';
END $$;

DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
             AND p.proname LIKE 'privacy\_%' AND p.prosecdef LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION privacy_begin_closing(bigint, text), privacy_cancel_closing(bigint), privacy_is_looked_into(bigint) TO paya_web, paya_worker;
GRANT EXECUTE ON FUNCTION privacy_restricted(bigint) TO paya_worker;
GRANT EXECUTE ON FUNCTION privacy_erase(bigint, bytea, text), privacy_prune(text, int), privacy_pruned(text, bigint) TO paya_worker;
GRANT EXECUTE ON FUNCTION privacy_set_retention(text, int, timestamptz, text), privacy_place_hold(text, text),
    privacy_lift_hold(bigint, text) TO paya_staff;
