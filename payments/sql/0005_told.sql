-- What people are told about payments.

-- Whether somebody may be paid, for the form, before anything is filled in. Not why not: frozen, closing or closed is their own business.
CREATE FUNCTION payments_may_be_paid(p_user bigint) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce((SELECT frozen < 2 FROM wallets_wallet WHERE user_id = p_user), false)
$$;

-- What both are told at the end of a held payment says which one it was, and the way to have it looked at again is a link to that page.
-- The letters still name no amount (0002_screened.sql says why).

-- How somebody is called in a letter: "@name".
CREATE FUNCTION payments_called(p_user bigint) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT '@' || username FROM users_profile WHERE user_id = p_user
$$;

CREATE OR REPLACE FUNCTION payments_cancel_held(p_actor bigint, p_public_id text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p payments_payment;
BEGIN
    IF core_actor() <> p_actor OR NOT EXISTS (SELECT FROM payments_payment WHERE public_id = p_public_id AND payer_id = p_actor) THEN
        RETURN NULL;
    END IF;
    p := payments_end_held(p_public_id, 'cancelled');
    PERFORM compliance_close_case_about('held_payment', p.payer_id, p.public_id, 'cancelled', 'unclear', 'The payer cancelled the payment while it was held.');
    PERFORM compliance_tell(p.payee_id, 'payment_cancelled', format('A payment from %s was cancelled', payments_called(p.payer_id)),
        format('%s has cancelled the payment that we were checking. It will not arrive.', payments_called(p.payer_id)), p.public_id);
    RETURN p.status;
END $$;

CREATE OR REPLACE FUNCTION payments_release_held(p_public_id text, p_label text, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p payments_payment;
BEGIN
    PERFORM console_acted('held.release', p_public_id, 'Released the held payment to its recipient.', p_reason);
    p := payments_end_held(p_public_id, 'completed');
    PERFORM compliance_close_case_about('held_payment', p.payer_id, p.public_id, 'released', p_label, p_reason);
    PERFORM compliance_tell(p.payer_id, 'payment_released', format('Your payment to %s has arrived', payments_called(p.payee_id)),
        format('We have looked at your payment to %s, and it has arrived.', payments_called(p.payee_id)), p.public_id);
    PERFORM compliance_tell(p.payee_id, 'payment_released', format('The payment from %s has arrived', payments_called(p.payer_id)),
        format('We have looked at the payment from %s, and it is in your balance.', payments_called(p.payer_id)), p.public_id);
    RETURN p.status;
END $$;

-- `p_told` is what both may know of why, in words.
CREATE OR REPLACE FUNCTION payments_deny_held(p_public_id text, p_label text, p_told text, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p payments_payment;
BEGIN
    PERFORM console_acted('held.deny', p_public_id, 'Refused the held payment: the money goes back to the payer.', p_reason);
    p := payments_end_held(p_public_id, 'denied');
    PERFORM compliance_close_case_about('held_payment', p.payer_id, p.public_id, 'denied', p_label, p_reason);
    PERFORM compliance_tell(p.payer_id, 'payment_denied', format('We did not let your payment to %s through', payments_called(p.payee_id)),
        format(E'%s\n\nThe money is back in your balance. If you think that this is wrong, ask us to look again: /appeal?about=%s. Somebody else of our staff looks at it then.',
            p_told, p.public_id), p.public_id);
    PERFORM compliance_tell(p.payee_id, 'payment_denied', format('The payment from %s did not go through', payments_called(p.payer_id)),
        format(E'We did not let the payment from %s through. It went back to them.\n\nIf you think that this is wrong, ask us to look again: /appeal?about=%s. Somebody else of our staff looks at it then.',
            payments_called(p.payer_id), p.public_id), p.public_id);
    RETURN p.status;
END $$;

CREATE OR REPLACE FUNCTION payments_expire_one(p_public_id text, p_days int) RETURNS boolean
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
    PERFORM compliance_tell(p.payer_id, 'payment_cancelled', format('Your payment to %s went back', payments_called(p.payee_id)),
        format('We could not finish checking your payment to %s in time. The money is back in your balance; you can send it again.',
            payments_called(p.payee_id)), p.public_id);
    PERFORM compliance_tell(p.payee_id, 'payment_cancelled', format('A payment from %s was cancelled', payments_called(p.payer_id)),
        format('We could not finish checking the payment from %s in time. It went back to them.', payments_called(p.payer_id)), p.public_id);
    RETURN true;
END $$;

ALTER FUNCTION payments_called(bigint) OWNER TO paya_engine;
ALTER FUNCTION payments_may_be_paid(bigint) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION payments_called(bigint), payments_may_be_paid(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION payments_may_be_paid(bigint) TO paya_web;
