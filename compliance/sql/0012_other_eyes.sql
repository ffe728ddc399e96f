-- What is disputed is money that is gone; and who had no part in a decision is asked of everything that decides.

-- ------------------------------------------------------------------------------------------------ disputes
-- What became of a thing that somebody reports, in a word, and on which side of it they are. NULL: not theirs, or not there.
CREATE FUNCTION compliance_thing(p_user bigint, p_about text) RETURNS TABLE (side text, other text, status text) LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF p_about LIKE 'pay\_%' THEN
        RETURN QUERY SELECT CASE p_user WHEN p.payer_id THEN 'payer' ELSE 'payee' END,
            (SELECT f.username::text FROM users_profile f WHERE f.user_id = CASE p_user WHEN p.payer_id THEN p.payee_id ELSE p.payer_id END), p.status::text
            FROM payments_payment p WHERE p.public_id = p_about AND p_user IN (p.payer_id, p.payee_id);
    ELSE
        RETURN QUERY SELECT t.kind::text, NULL::text, t.status::text FROM banking_banktransfer t WHERE t.public_id = p_about AND t.user_id = p_user;
    END IF;
END $$;

-- Why nothing of it can be credited: the money is where it was, or still ours to send back. NULL where it is gone.
CREATE FUNCTION compliance_not_gone(p_user bigint, p_about text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE
        WHEN t.status = 'in_review' AND t.side = 'payer' THEN 'It has not arrived yet. Cancel it on its page, and the money is back at once. '
            'If it was not you, log out your other devices and write to us under Help.'
        WHEN t.status = 'in_review' THEN 'It has not arrived yet: we are still checking it.'
        WHEN t.status IN ('denied', 'cancelled', 'failed') THEN 'It did not go through: the money is where it was before.' END
    FROM compliance_thing(p_user, p_about) t
$$;

CREATE FUNCTION compliance_disputed_money_is_gone() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    words text := compliance_not_gone(NEW.user_id, NEW.about);
BEGIN
    IF words IS NOT NULL THEN
        RAISE EXCEPTION '%', words USING ERRCODE = 'PY152';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER money_is_gone BEFORE INSERT ON compliance_dispute FOR EACH ROW EXECUTE FUNCTION compliance_disputed_money_is_gone();

-- A load or redemption may fail after it was reported: from then on nothing of it is credited, whichever function writes the row. What was
-- credited is taken back all the same.
CREATE FUNCTION compliance_credited_money_is_gone() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF (SELECT compliance_not_gone(d.user_id, d.about) FROM compliance_dispute d WHERE d.id = NEW.dispute_id) IS NOT NULL THEN
        RAISE EXCEPTION 'The money of what they reported is where it was: nothing of it is credited.' USING ERRCODE = 'PY124';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER money_is_gone BEFORE INSERT ON compliance_disputemoney FOR EACH ROW WHEN (NEW.amount > 0)
    EXECUTE FUNCTION compliance_credited_money_is_gone();
CREATE TRIGGER money_is_still_gone BEFORE UPDATE OF approved ON compliance_disputemoney FOR EACH ROW WHEN (NEW.amount > 0 AND NEW.approved)
    EXECUTE FUNCTION compliance_credited_money_is_gone();

-- ------------------------------------------------------------------------------------------------ appeals
-- Who of the staff decided what an appeal is about: everybody with an action on it, on what its letter is about, on its case, on a hit of
-- the sanctions list in that case, or, for a freeze, on the person and their wallet; and both of the two who decided about an adjustment.
-- Taking, noting and passing on decides nothing.
CREATE OR REPLACE FUNCTION compliance_deciders(p_user bigint, p_about text) RETURNS bigint[] LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN (
    WITH things AS (
        SELECT p_about AS thing WHERE p_about <> ''
        UNION SELECT about FROM compliance_letter WHERE public_id = p_about AND user_id = p_user AND about <> ''
    ), cases AS (
        SELECT c.id, c.public_id FROM compliance_case c WHERE c.user_id = p_user
            AND (c.public_id IN (SELECT thing FROM things) OR c.about IN (SELECT thing FROM things)
                 OR p_about = '' AND c.kind IN ('flag', 'review', 'sanctions'))
    ), subjects AS (
        SELECT thing FROM things
        UNION SELECT public_id FROM cases
        UNION SELECT h.public_id FROM compliance_sanctionshit h WHERE h.user_id = p_user AND h.case_id IN (SELECT id FROM cases)
        UNION SELECT unnest(ARRAY[u.public_id::text, w.public_id::text]) FROM users_user u LEFT JOIN wallets_wallet w ON w.user_id = u.id
            WHERE u.id = p_user AND (p_about = '' OR p_about LIKE 'let\_%' AND (SELECT count(*) FROM things) < 2)
    )
    SELECT coalesce(array_agg(DISTINCT staff_id), '{}') FROM (
        SELECT r.staff_id FROM console_actionrecord r
            WHERE r.subject IN (SELECT thing FROM subjects)
              AND r.action !~ '\.(take|note|assign|prioritise|reopen|review|look|view|answer|solve)$'
        UNION ALL SELECT unnest(ARRAY[c.asked_by_id, c.decided_by_id]) FROM banking_correction c
            WHERE c.user_id = p_user AND c.reference::text IN (SELECT thing FROM things)
    ) decided WHERE staff_id IS NOT NULL);
END $$;

DO $$
DECLARE f regprocedure;
BEGIN
    FOREACH f IN ARRAY '{"compliance_thing(bigint,text)","compliance_not_gone(bigint,text)",compliance_disputed_money_is_gone(),compliance_credited_money_is_gone()}'::regprocedure[] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION compliance_thing(bigint, text) TO paya_staff;
