-- Appeals against a decision: a freeze, a payment that was held or denied, a load or redemption, a letter, the result of a dispute.

CREATE TRIGGER appeals_are_kept BEFORE DELETE ON compliance_appeal FOR EACH ROW EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER appeals_are_not_truncated BEFORE TRUNCATE ON compliance_appeal FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER appeals_keep_their_words BEFORE UPDATE ON compliance_appeal FOR EACH ROW WHEN (
    (OLD.public_id, OLD.user_id, OLD.against, OLD.about, OLD.message, OLD.created_at)
    IS DISTINCT FROM (NEW.public_id, NEW.user_id, NEW.against, NEW.about, NEW.message, NEW.created_at)
    OR OLD.status = 'answered') EXECUTE FUNCTION compliance_words_stay('message', 'answer');
ALTER TABLE compliance_appeal ADD CONSTRAINT compliance_appeal_sizes
    CHECK (length(message) BETWEEN 1 AND 4000 AND length(about) <= 60 AND length(answer) BETWEEN 10 AND 2000);

-- What a public id is to this person: 'freeze' for the empty one, payment, transfer, letter, dispute. NULL: it is not theirs, or not there.
-- Rooms above keep these things; the names are looked up when it is called.
CREATE FUNCTION compliance_about(p_user bigint, p_about text) RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF p_about = '' THEN
        RETURN CASE WHEN EXISTS (SELECT FROM wallets_wallet WHERE user_id = p_user AND frozen > 0) THEN 'freeze' END;
    END IF;
    RETURN CASE split_part(p_about, '_', 1)
        WHEN 'pay' THEN (SELECT 'payment' FROM payments_payment WHERE public_id = p_about AND p_user IN (payer_id, payee_id))
        WHEN 'ld' THEN (SELECT 'load' FROM banking_banktransfer WHERE public_id = p_about AND user_id = p_user)
        WHEN 'rd' THEN (SELECT 'redemption' FROM banking_banktransfer WHERE public_id = p_about AND user_id = p_user)
        WHEN 'let' THEN (SELECT 'letter' FROM compliance_letter WHERE public_id = p_about AND user_id = p_user)
        WHEN 'dsp' THEN (SELECT 'dispute' FROM compliance_dispute WHERE public_id = p_about AND user_id = p_user) END;
END $$;

-- Who of the staff decided what an appeal is about: everybody with an action on it, on what its letter is about, on its case, or, for a
-- freeze, on the person and their wallet. Taking, noting and passing on decides nothing.
CREATE FUNCTION compliance_deciders(p_user bigint, p_about text) RETURNS bigint[] LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  RETURN (
    WITH things AS (
        SELECT p_about AS thing WHERE p_about <> ''
        UNION SELECT about FROM compliance_letter WHERE public_id = p_about AND user_id = p_user AND about <> ''
    ), subjects AS (
        SELECT thing FROM things
        UNION SELECT c.public_id FROM compliance_case c WHERE c.user_id = p_user
            AND (c.about IN (SELECT thing FROM things) OR p_about = '' AND c.kind IN ('flag', 'review', 'sanctions'))
        UNION SELECT unnest(ARRAY[u.public_id::text, w.public_id::text]) FROM users_user u LEFT JOIN wallets_wallet w ON w.user_id = u.id
            WHERE u.id = p_user AND (p_about = '' OR p_about LIKE 'let\_%' AND (SELECT count(*) FROM things) < 2)
    )
    SELECT coalesce(array_agg(DISTINCT r.staff_id), '{}') FROM console_actionrecord r
    WHERE r.subject IN (SELECT thing FROM subjects)
      AND r.action !~ '\.(take|note|assign|prioritise|reopen|review|look|view|answer|solve)$');
END $$;

-- Whoever decided does not decide about the appeal: whatever function writes the row.
CREATE FUNCTION compliance_appeal_other_eyes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.answered_by_id = ANY (compliance_deciders(NEW.user_id, NEW.about)) THEN
        RAISE EXCEPTION 'You made the decision that this is about: somebody else has to answer.' USING ERRCODE = 'PY124';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER other_eyes BEFORE UPDATE ON compliance_appeal FOR EACH ROW
    WHEN (NEW.answered_by_id IS NOT NULL) EXECUTE FUNCTION compliance_appeal_other_eyes();

-- One open appeal about one thing; the same words again are the same appeal. PY150 not theirs, PY151 too many in a day (5), PY152 with
-- words: one with other words is open.
CREATE FUNCTION compliance_make_appeal(p_about text, p_message text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    me bigint := compliance_asking();
    a compliance_appeal;
    kind text := compliance_about(me, p_about);
BEGIN
    IF kind IS NULL THEN
        RAISE EXCEPTION 'not theirs' USING ERRCODE = 'PY150';
    END IF;
    SELECT * INTO a FROM compliance_appeal WHERE user_id = me AND about = p_about AND (status = 'open' OR message = p_message)
        ORDER BY (status = 'open') DESC, id DESC LIMIT 1;
    IF FOUND AND a.message = p_message THEN
        RETURN a.public_id;
    ELSIF FOUND THEN
        RAISE EXCEPTION 'You have appealed already. The answer comes to you as a message.' USING ERRCODE = 'PY152';
    ELSIF kind = 'payment' AND EXISTS (SELECT FROM payments_payment WHERE public_id = p_about AND status = 'completed' AND decided_at IS NULL)
       OR kind IN ('load', 'redemption') AND EXISTS (SELECT FROM banking_banktransfer WHERE public_id = p_about AND status = 'settled') THEN
        RAISE EXCEPTION 'Nobody decided against this. If something is wrong with it, report it.' USING ERRCODE = 'PY152';
    ELSIF kind = 'dispute' AND EXISTS (SELECT FROM compliance_dispute WHERE public_id = p_about AND status <> 'closed') THEN
        RAISE EXCEPTION 'We have not decided about this yet.' USING ERRCODE = 'PY152';
    ELSIF (SELECT count(*) FROM compliance_appeal WHERE user_id = me AND created_at > core_now() - interval '1 day') >= 5 THEN
        RAISE EXCEPTION 'too many' USING ERRCODE = 'PY151';
    END IF;
    INSERT INTO compliance_appeal (public_id, user_id, against, about, message, priority, created_at, due_at)
        VALUES (compliance_new_id('app'), me, kind, p_about, p_message, CASE kind WHEN 'freeze' THEN 1 ELSE 2 END, core_now(),
                compliance_business_days(core_now(), 5)) RETURNING * INTO a;
    RETURN a.public_id;
END $$;

-- ------------------------------------------------------------------------------------------------ what staff do
CREATE FUNCTION compliance_answer_appeal(p_appeal text, p_outcome text, p_answer text, p_reason text) RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    a compliance_appeal;
BEGIN
    PERFORM console_acted('appeal.answer', p_appeal, format('Answered: %s.', p_outcome), p_reason);
    SELECT * INTO a FROM compliance_appeal WHERE public_id = p_appeal FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no such appeal.' USING ERRCODE = 'PY123';
    ELSIF a.status <> 'open' THEN
        RAISE EXCEPTION 'This appeal was answered before.' USING ERRCODE = 'PY124';
    END IF;
    UPDATE compliance_appeal SET status = 'answered', outcome = p_outcome, answer = p_answer, answered_by_id = core_actor(),
        answered_at = core_now() WHERE id = a.id;
    PERFORM compliance_tell(a.user_id, 'appeal',
        CASE p_outcome WHEN 'changed' THEN 'Your appeal: we have changed our decision' ELSE 'Your appeal: the decision stands' END,
        p_answer || E'\n\nSomebody who had no part in the decision has looked at it. If you think this is wrong too, write to us under Help: /help',
        a.public_id);
    RETURN p_appeal;
EXCEPTION WHEN check_violation THEN
    RAISE EXCEPTION 'One of these values cannot be.' USING ERRCODE = 'PY124';
END $$;
