-- Whom somebody has paid before is known from what has arrived. As before, but a payment that is set aside makes its payee known only when
-- it is let through: else a second try would lose the signal for which the first one was held.
CREATE OR REPLACE FUNCTION payments_finish(
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
