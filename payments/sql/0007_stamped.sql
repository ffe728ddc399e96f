-- A payment in two halves, of which the first counts and the second moves (decision 17). The two functions of before count twice; they stay
-- for processes that a deployment has not replaced yet.

-- `over` is the limit that `p_amount` would pass, by its name; `stamp` is there where it passes none, and goes into payments_finish.
CREATE FUNCTION payments_begin(p_actor bigint, p_key text, p_username text, p_device bigint, p_amount bigint)
RETURNS TABLE (
    request bytea, status smallint, answer text,
    available bigint, owed bigint, frozen smallint, frozen_reason text,
    payer_username text, payer_name text,
    payee bigint, payee_username text, payee_name text, payee_frozen smallint, payee_visibility text,
    over text, stamp bytea, per_hour bigint, per_transfer bigint, sends_hour int, paid_before boolean,
    device_since timestamptz, payer_since timestamptz, payee_since timestamptz, versions int[], at timestamptz
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    w wallets_state;
    payee_account bigint;
    f compliance_payment_look;
BEGIN
    PERFORM set_config('paya.actor', p_actor::text, true);
    SELECT * INTO w FROM wallets_guard(p_actor);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no wallet here' USING ERRCODE = 'PY105';
    END IF;
    available := w.available; owed := w.owed; frozen := w.frozen; frozen_reason := w.frozen_reason;
    SELECT i.request, i.status, i.answer INTO request, status, answer
        FROM core_idempotency i WHERE i.user_id = p_actor AND i.key = p_key;
    SELECT p.username, p.display_name, u.created_at INTO payer_username, payer_name, payer_since
        FROM users_profile p JOIN users_user u ON u.id = p.user_id WHERE p.user_id = p_actor;
    SELECT p.user_id, p.username, p.display_name, v.frozen, v.account, u.default_visibility, u.created_at
        INTO payee, payee_username, payee_name, payee_frozen, payee_account, payee_visibility, payee_since
        FROM users_profile p JOIN wallets_wallet v ON v.user_id = p.user_id JOIN users_user u ON u.id = p.user_id
        WHERE p.username = lower(p_username);
    IF request IS NULL AND payee IS NOT NULL THEN
        f := compliance_look_at_payment(p_actor, w.account, payee, payee_account, p_device, p_amount);
        over := f.over; stamp := f.stamp; per_hour := f.per_hour; per_transfer := f.per_transfer; sends_hour := f.sends_hour;
        paid_before := f.paid_before; device_since := f.device_since; versions := f.versions; at := f.at;
    END IF;
    RETURN NEXT;
END $$;

-- `p_screen`: what was decided (passed or held) and measured, as compliance.services.screening says it. Raises PY120 for a payment whose
-- first half was not made in this transaction, or has been paid.
CREATE FUNCTION payments_finish(
    p_actor bigint, p_public_id text, p_transfer uuid, p_payee bigint, p_amount bigint, p_note text, p_visibility text,
    p_from json, p_to json, p_key text, p_request bytea, p_screen jsonb, p_stamp bytea
) RETURNS TABLE (answer text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    payer_account bigint;
    payer_hold bigint;
    payee_account bigint;
    owed bigint;
    newest bigint;
    t ledger_transfer;
    held boolean := p_screen ->> 'decision' = 'held';
    state text := CASE WHEN held THEN 'in_review' ELSE 'completed' END;
BEGIN
    IF core_actor() <> p_actor THEN
        RAISE EXCEPTION 'this wallet is somebody else''s' USING ERRCODE = 'PY120';
    ELSIF p_screen ->> 'decision' NOT IN ('passed', 'held') OR p_screen ->> 'decision' IS NULL THEN
        RAISE EXCEPTION 'a payment that was not screened does not move' USING ERRCODE = 'PY120';
    END IF;
    -- The guard again (payments_begin holds it already), with no more than what is needed here.
    PERFORM FROM wallets_wallet WHERE user_id = p_actor FOR NO KEY UPDATE;
    SELECT w.account, w.hold_account, -r.balance, v.account, coalesce(
               (SELECT l.debit_version FROM ledger_transfer l WHERE l.debit_account = w.account ORDER BY l.debit_version DESC LIMIT 1), 0)
        INTO STRICT payer_account, payer_hold, owed, payee_account, newest
        FROM wallets_wallet w JOIN ledger_account r ON r.id = w.receivable_account
        LEFT JOIN wallets_wallet v ON v.user_id = p_payee WHERE w.user_id = p_actor;
    IF owed > 0 THEN
        RAISE EXCEPTION 'this person owes %', owed USING ERRCODE = 'PY121';
    ELSIF p_stamp IS DISTINCT FROM compliance_stamp(payer_account, newest, payee_account, p_amount) THEN
        RAISE EXCEPTION 'this payment was not held to the limits' USING ERRCODE = 'PY120';
    END IF;
    IF held THEN   -- set aside for it: out of the wallet, and not yet anybody else's
        t := ledger_post(p_transfer, 8::smallint, payer_account, payer_hold, p_amount, p_transfer);
    ELSE
        t := ledger_post(p_transfer, 7::smallint, payer_account, payee_account, p_amount);
    END IF;
    answer := json_build_object(
        'id', p_public_id, 'from', p_from, 'to', p_to, 'amount', p_amount, 'currency', 'USD', 'note', p_note,
        'visibility', p_visibility, 'status', state,
        'created_at', to_char(t.posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text;
    INSERT INTO payments_payment (public_id, payer_id, payee_id, amount, note, visibility, status, transfer, created_at)
        VALUES (p_public_id, p_actor, p_payee, p_amount, p_note, p_visibility, state, p_transfer, t.posted_at);
    PERFORM compliance_assess(p_transfer, p_actor, p_payee, 'payment', p_amount, p_screen);
    IF NOT held AND NOT (p_screen ->> 'paid_before')::boolean THEN
        INSERT INTO compliance_contact (user_id, payee_id, first_at) VALUES (p_actor, p_payee, t.posted_at) ON CONFLICT DO NOTHING;
    END IF;
    IF held THEN
        PERFORM payments_tell_held(p_actor, p_payee, p_public_id, p_amount, p_from ->> 'username', p_to ->> 'username', p_screen);
    ELSE
        INSERT INTO core_outbox (topic, payload)
            VALUES ('payment.completed', jsonb_build_object('payment', p_public_id, 'payer', p_actor, 'payee', p_payee));
    END IF;
    IF p_key IS NOT NULL THEN
        INSERT INTO core_idempotency (user_id, key, request, status, answer) VALUES (p_actor, p_key, p_request, 201, answer);
    END IF;
    RETURN NEXT;
END $$;

DO $$
DECLARE f regprocedure;
BEGIN
    FOREACH f IN ARRAY ARRAY['payments_begin(bigint, text, text, bigint, bigint)'::regprocedure,
        'payments_finish(bigint, text, uuid, bigint, bigint, text, text, json, json, text, bytea, jsonb, bytea)'::regprocedure] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_web', f);
    END LOOP;
END $$;
