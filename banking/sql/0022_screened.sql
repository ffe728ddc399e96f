-- Loads and redemptions that are set aside for their score (docs/compliance.md): requested, and no rail hears of them, until staff
-- release them or send them back. A redemption's tokens are burned meanwhile, as for any that is on its way.

-- What was measured, kept with the transfer, in the transaction that makes it. Its person's own, once.
CREATE FUNCTION banking_screened(p_user bigint, p_transfer bigint, p_screen jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    t banking_banktransfer;
BEGIN
    PERFORM wallets_check_actor(p_user);
    SELECT * INTO STRICT t FROM banking_banktransfer WHERE id = p_transfer AND user_id = p_user;
    PERFORM compliance_assess(t.rail_key, p_user, NULL, t.kind, t.amount, p_screen);
    IF t.review = 'waiting' THEN
        PERFORM compliance_open_case('held_transfer', p_user, t.public_id, format('A %s is held for its score of %s.', t.kind, p_screen ->> 'score'),
            CASE WHEN t.amount >= 50000 THEN 1 ELSE 2 END::smallint, jsonb_build_object('cents', t.amount, 'signals', p_screen));
        PERFORM compliance_tell(p_user, 'transfer_held', format('Your %s is being checked', t.kind),
            format(E'We look at some transfers before they go out, to keep everybody''s money safe. Your %s of %s waits meanwhile.\n\nYou need not do anything. We usually decide within a day, and write to you then. You can cancel it until we have decided, on its page.',
                t.kind, to_char(t.amount / 100.0, 'FM$999,999,999,990.00')), t.public_id);
    END IF;
END $$;

-- The end of a review, once. Locked: of two who decide at once the second finds what the first did.
CREATE FUNCTION banking_end_review(p_public_id text, p_to text) RETURNS banking_banktransfer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    t banking_banktransfer;
BEGIN
    SELECT * INTO t FROM banking_banktransfer WHERE public_id = p_public_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no such transfer.' USING ERRCODE = 'PY123';
    ELSIF t.review <> 'waiting' OR t.status NOT IN ('requested', 'queued') OR t.cancel = 'asked' THEN
        RAISE EXCEPTION 'This transfer is not being checked any more.' USING ERRCODE = 'PY124';
    END IF;
    UPDATE banking_banktransfer SET review = p_to, due_at = core_now(), cancel = CASE p_to WHEN 'refused' THEN 'asked' ELSE cancel END
        WHERE id = t.id RETURNING * INTO t;
    INSERT INTO banking_transfermove (user_id, transfer_id, status, cause, evidence)
        VALUES (t.user_id, t.id, t.status, 'staff', jsonb_build_object('review', p_to));
    INSERT INTO core_outbox (topic, payload) VALUES ('bank_transfer.due', jsonb_build_object('transfer', t.id));
    RETURN t;
END $$;

CREATE FUNCTION banking_release_held(p_public_id text, p_label text, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    t banking_banktransfer;
BEGIN
    PERFORM console_acted('held.release', p_public_id, 'Let the held transfer go out.', p_reason);
    t := banking_end_review(p_public_id, 'released');
    PERFORM compliance_close_case_about('held_transfer', t.user_id, t.public_id, 'released', p_label, p_reason);
    PERFORM compliance_tell(t.user_id, 'transfer_released', format('Your %s goes out now', t.kind), 'We have looked at it, and it is on its way.', t.public_id);
    RETURN t.review;
END $$;

CREATE FUNCTION banking_deny_held(p_public_id text, p_label text, p_told text, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    t banking_banktransfer;
BEGIN
    PERFORM console_acted('held.deny', p_public_id, 'Sent the held transfer back.', p_reason);
    t := banking_end_review(p_public_id, 'refused');
    PERFORM compliance_close_case_about('held_transfer', t.user_id, t.public_id, 'denied', p_label, p_reason);
    PERFORM compliance_tell(t.user_id, 'transfer_denied', format('We did not let your %s go out', t.kind),
        format(E'%s\n\nNothing was taken from your bank; what a redemption had set aside is back in your balance in a moment. If you think that this is wrong, you can appeal: choose "Appeal" under Help, and somebody else of our staff looks at it.', p_told), t.public_id);
    RETURN t.review;
END $$;

-- Nobody decided in time: it goes back, for it is not ours to keep waiting. As a worker; the public ids of those that did.
CREATE FUNCTION banking_expire_held(p_days int, p_limit int) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    waiting text;
    t banking_banktransfer;
BEGIN
    -- By their cases, which open and close with them, and of which few are open.
    FOR waiting IN SELECT about FROM compliance_case
                   WHERE status = 'open' AND kind = 'held_transfer' AND created_at < core_now() - make_interval(days => p_days)
                   ORDER BY id LIMIT p_limit LOOP
        BEGIN
            t := banking_end_review(waiting, 'refused');
        EXCEPTION WHEN SQLSTATE 'PY124' OR lock_not_available THEN
            CONTINUE;
        END;
        PERFORM compliance_close_case_about('held_transfer', t.user_id, t.public_id, 'cancelled', 'unclear', 'Nobody decided in time: it went back.');
        PERFORM compliance_tell(t.user_id, 'transfer_denied', format('Your %s was cancelled', t.kind),
            format('We could not finish checking your %s of %s in time, so it was cancelled. You can ask for it again.',
                t.kind, to_char(t.amount / 100.0, 'FM$999,999,999,990.00')), t.public_id);
        RETURN NEXT waiting;
    END LOOP;
END $$;

-- A person who takes back what waits ends its review as well.
CREATE FUNCTION banking_review_cancelled() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM compliance_close_case_about('held_transfer', NEW.user_id, NEW.public_id, 'cancelled', 'unclear', 'The person cancelled the transfer while it was held.');
    RETURN NULL;
END $$;
CREATE TRIGGER banking_review_cancelled AFTER UPDATE OF status ON banking_banktransfer FOR EACH ROW
    WHEN (NEW.review = 'waiting' AND NEW.status = 'cancelled') EXECUTE FUNCTION banking_review_cancelled();

DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
             AND p.proname IN ('banking_screened', 'banking_end_review', 'banking_release_held', 'banking_deny_held', 'banking_expire_held', 'banking_review_cancelled') LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION banking_screened(bigint, bigint, jsonb) TO paya_web, paya_worker;
GRANT EXECUTE ON FUNCTION banking_release_held(text, text, text), banking_deny_held(text, text, text, text) TO paya_staff;
GRANT EXECUTE ON FUNCTION banking_expire_held(int, int) TO paya_worker;
GRANT UPDATE (review) ON banking_banktransfer TO paya_engine;
GRANT INSERT ON banking_transfermove TO paya_engine;
GRANT USAGE ON SEQUENCE banking_transfermove_id_seq TO paya_engine;
