-- A payment in two calls: begin (actor, guard, key, payee, figures), the rules in Python, finish (post, row, outbox, answer).

ALTER TABLE payments_payment ALTER COLUMN created_at SET DEFAULT core_now();
ALTER TABLE payments_staffview ALTER COLUMN at SET DEFAULT clock_timestamp();

CREATE FUNCTION payments_begin(p_actor bigint, p_key text, p_username text)
RETURNS TABLE (
    request bytea, status smallint, answer text,
    available bigint, owed bigint, frozen smallint, frozen_reason text,
    payer_username text, payer_name text,
    payee bigint, payee_username text, payee_name text, payee_frozen smallint, payee_visibility text
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
-- One plan for good. It may be made on the first request of a week, when that week's idempotency keys are an empty
-- table that looks cheapest read as a whole; and would be, a million keys later.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    w wallets_state;
BEGIN
    PERFORM set_config('paya.actor', p_actor::text, true);
    SELECT * INTO w FROM wallets_guard(p_actor);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no wallet here' USING ERRCODE = 'PY105';
    END IF;
    available := w.available; owed := w.owed; frozen := w.frozen; frozen_reason := w.frozen_reason;
    SELECT i.request, i.status, i.answer INTO request, status, answer
        FROM core_idempotency i WHERE i.user_id = p_actor AND i.key = p_key;
    SELECT p.username, p.display_name INTO payer_username, payer_name FROM users_profile p WHERE p.user_id = p_actor;
    SELECT p.user_id, p.username, p.display_name, v.frozen, u.default_visibility
        INTO payee, payee_username, payee_name, payee_frozen, payee_visibility
        FROM users_profile p JOIN wallets_wallet v ON v.user_id = p.user_id JOIN users_user u ON u.id = p.user_id
        WHERE p.username = lower(p_username);
    RETURN NEXT;
END $$;

CREATE FUNCTION payments_finish(
    p_actor bigint, p_public_id text, p_transfer uuid, p_payee bigint, p_amount bigint, p_note text, p_visibility text,
    p_from json, p_to json, p_key text, p_request bytea
) RETURNS TABLE (answer text, balance bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    payer_account bigint;
    payee_account bigint;
    owed bigint;
    t ledger_transfer;
BEGIN
    IF core_actor() <> p_actor THEN
        RAISE EXCEPTION 'this wallet is somebody else''s' USING ERRCODE = 'PY120';
    END IF;
    -- The guard again (payments_begin holds it already), with no more than what is needed here.
    PERFORM FROM wallets_wallet WHERE user_id = p_actor FOR NO KEY UPDATE;
    SELECT w.account, -r.balance, v.account INTO STRICT payer_account, owed, payee_account
        FROM wallets_wallet w JOIN ledger_account r ON r.id = w.receivable_account
        LEFT JOIN wallets_wallet v ON v.user_id = p_payee WHERE w.user_id = p_actor;
    IF owed > 0 THEN
        RAISE EXCEPTION 'this person owes %', owed USING ERRCODE = 'PY121';
    END IF;
    t := ledger_post(p_transfer, 7::smallint, payer_account, payee_account, p_amount);
    answer := json_build_object(
        'id', p_public_id, 'from', p_from, 'to', p_to, 'amount', p_amount, 'currency', 'USD', 'note', p_note,
        'visibility', p_visibility, 'status', 'completed',
        'created_at', to_char(t.posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text;
    balance := t.debit_balance;
    INSERT INTO payments_payment (public_id, payer_id, payee_id, amount, note, visibility, status, transfer, created_at)
        VALUES (p_public_id, p_actor, p_payee, p_amount, p_note, p_visibility, 'completed', p_transfer, t.posted_at);
    INSERT INTO core_outbox (topic, payload)
        VALUES ('payment.completed', jsonb_build_object('payment', p_public_id, 'payer', p_actor, 'payee', p_payee));
    IF p_key IS NOT NULL THEN
        INSERT INTO core_idempotency (user_id, key, request, status, answer) VALUES (p_actor, p_key, p_request, 201, answer);
    END IF;
    RETURN NEXT;
END $$;

-- Either party may make a payment private, for good; nobody makes it public again. True when it was public.
CREATE FUNCTION payments_make_private(p_actor bigint, p_public_id text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    was text;
BEGIN
    IF core_actor() <> p_actor THEN
        RAISE EXCEPTION 'this wallet is somebody else''s' USING ERRCODE = 'PY120';
    END IF;
    SELECT visibility INTO was FROM payments_payment
        WHERE public_id = p_public_id AND p_actor IN (payer_id, payee_id) FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF was = 'private' THEN
        RETURN false;
    END IF;
    UPDATE payments_payment SET visibility = 'private' WHERE public_id = p_public_id;
    INSERT INTO core_outbox (topic, payload) VALUES ('payment.hidden', jsonb_build_object('payment', p_public_id));
    RETURN true;
END $$;

-- The relay's part: public payments get their place in the feed, and those made private lose it. Idempotent.
CREATE FUNCTION payments_publish(p_positions bigint[], p_payments text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
    INSERT INTO payments_feeditem (position, payment, payer_id, payee_id, note, created_at)
    SELECT o.position, p.public_id, p.payer_id, p.payee_id, p.note, p.created_at
    FROM unnest(p_positions, p_payments) o(position, payment) JOIN payments_payment p ON p.public_id = o.payment
    WHERE p.visibility = 'public' AND p.status = 'completed'
    ON CONFLICT DO NOTHING
$$;
CREATE FUNCTION payments_unpublish(p_positions bigint[], p_payments text[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    UPDATE payments_feeditem f SET removed = o.position, note = ''
    FROM unnest(p_positions, p_payments) o(position, payment) WHERE f.payment = o.payment AND f.removed IS NULL
$$;

-- Staff see a payment only by saying why, and that is written down in the same breath.
CREATE FUNCTION payments_view_as_staff(p_staff bigint, p_public_id text, p_reason text) RETURNS SETOF payments_payment
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF core_actor() <> p_staff OR NOT EXISTS (SELECT FROM users_user WHERE id = p_staff AND kind = 'staff' AND is_active) THEN
        RAISE EXCEPTION 'only staff may look' USING ERRCODE = 'PY120';
    ELSIF length(trim(p_reason)) < 3 THEN
        RAISE EXCEPTION 'a reason is needed' USING ERRCODE = 'PY122';
    END IF;
    INSERT INTO payments_staffview (staff_id, payment, reason) VALUES (p_staff, p_public_id, trim(p_reason));
    RETURN QUERY SELECT * FROM payments_payment WHERE public_id = p_public_id;
END $$;
CREATE TRIGGER staff_views_stay BEFORE UPDATE OR DELETE ON payments_staffview FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER staff_views_are_kept BEFORE TRUNCATE ON payments_staffview FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();

DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'payments\_%' LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION payments_begin(bigint, text, text),
    payments_finish(bigint, text, uuid, bigint, bigint, text, text, json, json, text, bytea),
    payments_make_private(bigint, text) TO paya_web;
GRANT EXECUTE ON FUNCTION payments_publish(bigint[], text[]), payments_unpublish(bigint[], text[]) TO paya_worker;
GRANT EXECUTE ON FUNCTION payments_view_as_staff(bigint, text, text) TO paya_staff;

GRANT SELECT, INSERT, UPDATE (visibility) ON payments_payment TO paya_engine;
GRANT SELECT, INSERT, UPDATE (removed, note) ON payments_feeditem TO paya_engine;
GRANT INSERT ON payments_staffview TO paya_engine;
GRANT SELECT ON users_user TO paya_engine;
GRANT SELECT ON payments_payment TO paya_web, paya_worker, paya_auditor;
GRANT SELECT ON payments_feeditem TO paya_web, paya_worker, paya_staff, paya_auditor;
GRANT SELECT ON payments_staffview TO paya_auditor, paya_staff;
