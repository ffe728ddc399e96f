-- What had to change about the end of a held payment.
--
-- Letting it through is the payer's own act, as it would have been when they sent it: whoever was frozen meanwhile, or owes, pays nobody.
-- (A freeze stops the wallet's account, and the money lies in the hold account, which it does not touch.) Back it goes in any case.
CREATE OR REPLACE FUNCTION payments_end_held(p_public_id text, p_outcome text) RETURNS payments_payment
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
        IF compliance_restricted(p.payer_id) > 0 THEN
            RAISE EXCEPTION 'Whoever sent it is frozen meanwhile: it stays held, or goes back.' USING ERRCODE = 'PY124';
        ELSIF ledger_balance(payer.receivable_account) < 0 THEN
            RAISE EXCEPTION 'Whoever sent it owes us meanwhile: it stays held, or goes back.' USING ERRCODE = 'PY124';
        END IF;
        SELECT account INTO payee_account FROM wallets_wallet WHERE user_id = p.payee_id;
        PERFORM ledger_post(step, 9::smallint, payer.hold_account, payee_account, p.amount, p.transfer);
        -- Only now have they paid them (0006_paid_before.sql).
        INSERT INTO compliance_contact (user_id, payee_id, first_at) VALUES (p.payer_id, p.payee_id, core_now()) ON CONFLICT DO NOTHING;
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

-- One of those that nobody decided about goes back, in a transaction of its own: a batch would hold one payer's guard while it waits for the
-- next one's, and whoever pays the first would wait for it in turn. False where it has ended meanwhile, is too young, or is busy just now.
CREATE FUNCTION payments_expire_one(p_public_id text, p_days int) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p payments_payment;
BEGIN
    IF NOT EXISTS (SELECT FROM payments_payment WHERE public_id = p_public_id AND created_at < core_now() - make_interval(days => p_days)) THEN
        RETURN false;
    END IF;
    BEGIN
        p := payments_end_held(p_public_id, 'cancelled');
    EXCEPTION WHEN SQLSTATE 'PY124' OR lock_not_available THEN
        RETURN false;
    END;
    PERFORM compliance_close_case_about('held_payment', p.payer_id, p.public_id, 'cancelled', 'unclear', 'Nobody decided in time: the money went back.');
    PERFORM compliance_tell(p.payer_id, 'payment_cancelled', 'Your payment went back',
        'We could not finish checking your payment in time. The money is back in your balance; you can send it again.', p.public_id);
    PERFORM compliance_tell(p.payee_id, 'payment_cancelled', 'A payment to you was cancelled',
        'We could not finish checking the payment to you in time. It went back to whoever sent it.', p.public_id);
    RETURN true;
END $$;

-- For a worker of before, as long as there is one: the oldest that can go back, and no second one in its transaction.
CREATE OR REPLACE FUNCTION payments_expire_held(p_days int, p_limit int) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    waiting text;
BEGIN
    FOR waiting IN SELECT public_id FROM payments_payment WHERE status = 'in_review' AND created_at < core_now() - make_interval(days => p_days)
                   ORDER BY id LIMIT p_limit LOOP
        IF payments_expire_one(waiting, p_days) THEN
            RETURN NEXT waiting;
            RETURN;
        END IF;
    END LOOP;
END $$;

ALTER FUNCTION payments_expire_one(text, int) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION payments_expire_one(text, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION payments_expire_one(text, int) TO paya_worker;
