-- A payment as it is since it is screened: begin hands over what the payer's limits and score need, finish writes down what was measured,
-- and moves the money or sets it aside for a review. What stood here before is called by nobody any more: it would be a way around.

REVOKE EXECUTE ON FUNCTION payments_begin(bigint, text, text),
    payments_finish(bigint, text, uuid, bigint, bigint, text, text, json, json, text, bytea) FROM paya_web;

CREATE FUNCTION payments_begin(p_actor bigint, p_key text, p_username text, p_device bigint)
RETURNS TABLE (
    request bytea, status smallint, answer text,
    available bigint, owed bigint, frozen smallint, frozen_reason text,
    payer_username text, payer_name text,
    payee bigint, payee_username text, payee_name text, payee_frozen smallint, payee_visibility text,
    tier smallint, limits bigint[], sends_hour int, sends_day int, recipients int, new_recipient boolean, cents_day bigint,
    paid_before boolean, device_since timestamptz, payer_since timestamptz, payee_since timestamptz, versions int[], at timestamptz
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    w wallets_state;
    payee_account bigint;
    f compliance_payment_facts;
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
    SELECT p.user_id, p.username, p.display_name, v.frozen, v.account, u.default_visibility
        INTO payee, payee_username, payee_name, payee_frozen, payee_account, payee_visibility
        FROM users_profile p JOIN wallets_wallet v ON v.user_id = p.user_id JOIN users_user u ON u.id = p.user_id
        WHERE p.username = lower(p_username);
    IF request IS NULL AND payee IS NOT NULL THEN
        f := compliance_before_payment(p_actor, w.account, payee, payee_account, p_device);
        tier := f.tier; limits := f.limits; sends_hour := f.sends_hour; sends_day := f.sends_day; recipients := f.recipients;
        new_recipient := f.new_recipient; cents_day := f.cents_day; paid_before := f.paid_before; device_since := f.device_since;
        payer_since := f.payer_since; payee_since := f.payee_since; versions := f.versions; at := f.at;
    END IF;
    RETURN NEXT;
END $$;

-- `p_screen`: what was decided (passed or held) and measured, as compliance.services.screening says it.
CREATE FUNCTION payments_finish(
    p_actor bigint, p_public_id text, p_transfer uuid, p_payee bigint, p_amount bigint, p_note text, p_visibility text,
    p_from json, p_to json, p_key text, p_request bytea, p_screen jsonb
) RETURNS TABLE (answer text, balance bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    payer_account bigint;
    payer_hold bigint;
    payee_account bigint;
    owed bigint;
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
    SELECT w.account, w.hold_account, -r.balance, v.account INTO STRICT payer_account, payer_hold, owed, payee_account
        FROM wallets_wallet w JOIN ledger_account r ON r.id = w.receivable_account
        LEFT JOIN wallets_wallet v ON v.user_id = p_payee WHERE w.user_id = p_actor;
    IF owed > 0 THEN
        RAISE EXCEPTION 'this person owes %', owed USING ERRCODE = 'PY121';
    END IF;
    PERFORM compliance_hold_to_limits(p_actor, payer_account, payee_account, p_amount);
    IF held THEN   -- set aside for it: out of the wallet, and not yet anybody else's
        t := ledger_post(p_transfer, 8::smallint, payer_account, payer_hold, p_amount, p_transfer);
    ELSE
        t := ledger_post(p_transfer, 7::smallint, payer_account, payee_account, p_amount);
    END IF;
    answer := json_build_object(
        'id', p_public_id, 'from', p_from, 'to', p_to, 'amount', p_amount, 'currency', 'USD', 'note', p_note,
        'visibility', p_visibility, 'status', state,
        'created_at', to_char(t.posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text;
    balance := t.debit_balance;
    INSERT INTO payments_payment (public_id, payer_id, payee_id, amount, note, visibility, status, transfer, created_at)
        VALUES (p_public_id, p_actor, p_payee, p_amount, p_note, p_visibility, state, p_transfer, t.posted_at);
    PERFORM compliance_assess(p_transfer, p_actor, p_payee, 'payment', p_amount, p_screen);
    IF NOT (p_screen ->> 'paid_before')::boolean THEN
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

-- ------------------------------------------------------------------------------------------------ held payments
-- Both are told, and staff have a case. Letters name no amount: it stands on the payment's page, and staff who read letters see that of a
-- private payment only when they say why.
CREATE FUNCTION payments_tell_held(p_payer bigint, p_payee bigint, p_public_id text, p_amount bigint, p_from text, p_to text, p_screen jsonb)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM compliance_open_case('held_payment', p_payer, p_public_id, format('A payment is held for its score of %s.', p_screen ->> 'score'),
        CASE WHEN p_amount >= 50000 THEN 1 ELSE 2 END::smallint, jsonb_build_object('signals', p_screen));
    PERFORM compliance_tell(p_payer, 'payment_held', format('Your payment to @%s is being checked', p_to),
        format(E'We look at some payments before they arrive, to keep everybody''s money safe. Yours to @%s is set aside meanwhile: it has left your balance and has not arrived.\n\nYou need not do anything. We usually decide within a day, and write to you then. You can cancel the payment until we have decided, on its page.', p_to), p_public_id);
    PERFORM compliance_tell(p_payee, 'payment_held', format('A payment from @%s is being checked', p_from),
        format(E'@%s sent you money. We look at some payments before they arrive, to keep everybody''s money safe. Please hand over nothing for it until it has arrived.\n\nYou need not do anything. We usually decide within a day, and write to you then.', p_from), p_public_id);
END $$;

-- The end of a held payment, once: whoever comes second finds that it has ended. The payer's guard first, like all that decides about
-- their money. `p_outcome`: completed, denied or cancelled. Answers the payment as it is now.
CREATE FUNCTION payments_end_held(p_public_id text, p_outcome text) RETURNS payments_payment
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p payments_payment;
    payer wallets_wallet;
    payee_account bigint;
    step uuid;
BEGIN
    SELECT * INTO p FROM payments_payment WHERE public_id = p_public_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no such payment.' USING ERRCODE = 'PY123';
    END IF;
    SELECT * INTO payer FROM wallets_wallet WHERE user_id = p.payer_id FOR NO KEY UPDATE;
    SELECT * INTO p FROM payments_payment WHERE public_id = p_public_id FOR NO KEY UPDATE;
    IF p.status <> 'in_review' THEN
        RAISE EXCEPTION 'This payment is not being checked any more: it is %.', p.status USING ERRCODE = 'PY124';
    END IF;
    step := md5(p.transfer::text || ':' || CASE p_outcome WHEN 'completed' THEN 'paid' ELSE 'released' END)::uuid;
    IF p_outcome = 'completed' THEN
        SELECT account INTO payee_account FROM wallets_wallet WHERE user_id = p.payee_id;
        PERFORM ledger_post(step, 9::smallint, payer.hold_account, payee_account, p.amount, p.transfer);
    ELSE
        PERFORM ledger_post(step, 10::smallint, payer.hold_account, payer.account, p.amount, p.transfer);
    END IF;
    UPDATE payments_payment SET status = p_outcome, decided_at = core_now() WHERE id = p.id RETURNING * INTO p;
    IF p_outcome = 'completed' THEN
        INSERT INTO core_outbox (topic, payload)
            VALUES ('payment.completed', jsonb_build_object('payment', p.public_id, 'payer', p.payer_id, 'payee', p.payee_id));
    ELSE
        INSERT INTO core_outbox (topic, payload)
            SELECT 'wallet.changed', jsonb_build_object('user', u, 'kind', 'payment_' || p_outcome, 'ref', p.public_id)
            FROM unnest(ARRAY[p.payer_id, p.payee_id]) u;
    END IF;
    RETURN p;
EXCEPTION
    WHEN SQLSTATE 'PY103' THEN
        RAISE EXCEPTION 'The recipient cannot receive money at the moment: it stays held, or goes back.' USING ERRCODE = 'PY124';
    WHEN SQLSTATE 'PY104' THEN
        RAISE EXCEPTION 'The recipient''s account is closed: the money can only go back.' USING ERRCODE = 'PY124';
END $$;

-- The payer changed their mind while it was looked at.
CREATE FUNCTION payments_cancel_held(p_actor bigint, p_public_id text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p payments_payment;
BEGIN
    IF core_actor() <> p_actor OR NOT EXISTS (SELECT FROM payments_payment WHERE public_id = p_public_id AND payer_id = p_actor) THEN
        RETURN NULL;
    END IF;
    p := payments_end_held(p_public_id, 'cancelled');
    PERFORM compliance_close_case_about('held_payment', p.payer_id, p.public_id, 'cancelled', 'unclear', 'The payer cancelled the payment while it was held.');
    PERFORM compliance_tell(p.payee_id, 'payment_cancelled', 'A payment to you was cancelled',
        'The payment that we were checking was cancelled by whoever sent it. It will not arrive.', p.public_id);
    RETURN p.status;
END $$;

CREATE FUNCTION payments_release_held(p_public_id text, p_label text, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p payments_payment;
BEGIN
    PERFORM console_acted('held.release', p_public_id, 'Released the held payment to its recipient.', p_reason);
    p := payments_end_held(p_public_id, 'completed');
    PERFORM compliance_close_case_about('held_payment', p.payer_id, p.public_id, 'released', p_label, p_reason);
    PERFORM compliance_tell(p.payer_id, 'payment_released', 'Your payment has arrived',
        'We have looked at your payment, and it has arrived.', p.public_id);
    PERFORM compliance_tell(p.payee_id, 'payment_released', 'A payment has arrived',
        'We have looked at the payment to you, and it is in your balance.', p.public_id);
    RETURN p.status;
END $$;

-- `p_told` is what both may know of why, in words.
CREATE FUNCTION payments_deny_held(p_public_id text, p_label text, p_told text, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p payments_payment;
BEGIN
    PERFORM console_acted('held.deny', p_public_id, 'Refused the held payment: the money goes back to the payer.', p_reason);
    p := payments_end_held(p_public_id, 'denied');
    PERFORM compliance_close_case_about('held_payment', p.payer_id, p.public_id, 'denied', p_label, p_reason);
    PERFORM compliance_tell(p.payer_id, 'payment_denied', 'We did not let a payment through',
        format(E'%s\n\nThe money is back in your balance. If you think that this is wrong, you can appeal: choose "Appeal" under Help, and somebody else of our staff looks at it.', p_told), p.public_id);
    PERFORM compliance_tell(p.payee_id, 'payment_denied', 'A payment to you did not go through',
        'We did not let the payment to you through. It went back to whoever sent it.', p.public_id);
    RETURN p.status;
END $$;

-- Nobody decided in time: the money goes back, for it is not ours to keep waiting. As a worker; the public ids of those that went back.
CREATE FUNCTION payments_expire_held(p_days int, p_limit int) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p payments_payment;
    waiting text;
BEGIN
    FOR waiting IN SELECT public_id FROM payments_payment WHERE status = 'in_review' AND created_at < core_now() - make_interval(days => p_days)
                   ORDER BY id LIMIT p_limit LOOP
        BEGIN
            p := payments_end_held(waiting, 'cancelled');
        EXCEPTION WHEN SQLSTATE 'PY124' OR lock_not_available THEN
            CONTINUE;
        END;
        PERFORM compliance_close_case_about('held_payment', p.payer_id, p.public_id, 'cancelled', 'unclear', 'Nobody decided in time: the money went back.');
        PERFORM compliance_tell(p.payer_id, 'payment_cancelled', 'Your payment went back',
            'We could not finish checking your payment in time. The money is back in your balance; you can send it again.', p.public_id);
        PERFORM compliance_tell(p.payee_id, 'payment_cancelled', 'A payment to you was cancelled',
            'We could not finish checking the payment to you in time. It went back to whoever sent it.', p.public_id);
        RETURN NEXT waiting;
    END LOOP;
END $$;

DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'payments\_%' LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION payments_begin(bigint, text, text, bigint),
    payments_finish(bigint, text, uuid, bigint, bigint, text, text, json, json, text, bytea, jsonb),
    payments_cancel_held(bigint, text) TO paya_web;
GRANT EXECUTE ON FUNCTION payments_expire_held(int, int) TO paya_worker;
GRANT EXECUTE ON FUNCTION payments_release_held(text, text, text), payments_deny_held(text, text, text, text) TO paya_staff;
GRANT UPDATE (status, decided_at) ON payments_payment TO paya_engine;
