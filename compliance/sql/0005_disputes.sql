-- Disputes (Reg E, 12 CFR 1005.11; docs/support.md says which clock is whose): the law's days are computed here and stored.

-- The end of the n-th business day after a moment, in the Federal Reserve's zone. Its holidays are core/calendar.py's.
CREATE FUNCTION compliance_business_days(p_from timestamptz, p_days int) RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT (d.day + 1)::date::timestamp AT TIME ZONE 'America/New_York'
    FROM (SELECT ((p_from AT TIME ZONE 'America/New_York')::date + n) AS day FROM generate_series(1, p_days * 2 + 15) n) d
    WHERE extract(isodow FROM d.day) < 6 AND NOT EXISTS (SELECT FROM compliance_holiday h WHERE h.day = d.day)
    ORDER BY d.day OFFSET p_days - 1 LIMIT 1
$$;

-- Words stay as they were said, until the person they are about is erased: then, and in that function alone (privacy_erase, which says
-- whom it erases), every column that the trigger names becomes this sentence. Nothing else of the row may change with it.
CREATE FUNCTION compliance_erased_words() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'Erased with the account.' $$;
CREATE FUNCTION compliance_words_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user = 'paya_engine' AND current_setting('paya.erasing', true) = OLD.user_id::text
        AND to_jsonb(NEW) - TG_ARGV = to_jsonb(OLD) - TG_ARGV
        AND NOT EXISTS (SELECT FROM unnest(TG_ARGV) word WHERE coalesce(to_jsonb(NEW) ->> word, compliance_erased_words()) <> compliance_erased_words())
        AND EXISTS (SELECT FROM users_user WHERE id = OLD.user_id AND NOT is_active)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on % is refused: what was said stays', TG_OP, TG_TABLE_NAME USING ERRCODE = 'PY110';
END $$;

-- Which state may follow which. What has no money to move is closed at once.
CREATE TABLE compliance_disputestep (from_status text, to_status text, PRIMARY KEY (from_status, to_status));
INSERT INTO compliance_disputestep VALUES
    ('open', 'credited'), ('open', 'extended'), ('open', 'decided'), ('open', 'closed'),
    ('extended', 'credited'), ('extended', 'decided'), ('extended', 'closed'),
    ('credited', 'decided'), ('credited', 'closed'),
    ('decided', 'open'), ('decided', 'credited'), ('decided', 'extended'), ('decided', 'closed');

CREATE FUNCTION compliance_dispute_moves() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM compliance_disputestep WHERE from_status = OLD.status AND to_status = NEW.status) THEN
        RAISE EXCEPTION 'a dispute does not go from % to %', OLD.status, NEW.status USING ERRCODE = 'PY109';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER moves BEFORE UPDATE ON compliance_dispute FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION compliance_dispute_moves();
CREATE TRIGGER disputes_are_kept BEFORE DELETE ON compliance_dispute FOR EACH ROW EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER disputes_are_not_truncated BEFORE TRUNCATE ON compliance_dispute FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse();
-- What was reported, and the clocks that the report started, stay; and so does what is closed.
CREATE TRIGGER disputes_keep_their_clocks BEFORE UPDATE ON compliance_dispute FOR EACH ROW WHEN (
    (OLD.public_id, OLD.user_id, OLD.about, OLD.kind, OLD.amount, OLD.message, OLD.happened_at, OLD.in_time, OLD.new_account, OLD.reported_at,
     OLD.decide_by, OLD.final_by)
    IS DISTINCT FROM (NEW.public_id, NEW.user_id, NEW.about, NEW.kind, NEW.amount, NEW.message, NEW.happened_at, NEW.in_time, NEW.new_account,
     NEW.reported_at, NEW.decide_by, NEW.final_by)
    OR OLD.status = 'closed') EXECUTE FUNCTION compliance_words_stay('message', 'result');
CREATE TRIGGER money_is_kept BEFORE DELETE ON compliance_disputemoney FOR EACH ROW EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER money_is_not_truncated BEFORE TRUNCATE ON compliance_disputemoney FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse();
-- What was asked is what is approved: no edit between the two, and none after.
CREATE TRIGGER money_stays BEFORE UPDATE ON compliance_disputemoney FOR EACH ROW WHEN (
    (OLD.dispute_id, OLD.user_id, OLD.purpose, OLD.amount, OLD.reference, OLD.asked_by_id, OLD.asked_at)
    IS DISTINCT FROM (NEW.dispute_id, NEW.user_id, NEW.purpose, NEW.amount, NEW.reference, NEW.asked_by_id, NEW.asked_at)
    OR OLD.decided_at IS NOT NULL) EXECUTE FUNCTION compliance_refuse();
ALTER TABLE compliance_dispute ADD CONSTRAINT compliance_dispute_sizes CHECK (
    length(message) BETWEEN 1 AND 4000 AND length(result) BETWEEN 10 AND 2000
    AND kind IN ('unauthorized', 'wrong_amount', 'duplicate', 'not_arrived', 'other')
    AND status IN ('open', 'credited', 'extended', 'decided', 'closed'));

-- The person reports something of theirs, once. `p_amount` is what of it is wrong, 0 for all of it. PY150 not theirs, PY151 too many (10 in
-- 24 hours), PY152 with words. Reported again it is the same dispute.
CREATE FUNCTION compliance_report_dispute(p_about text, p_kind text, p_amount bigint, p_message text) RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    me bigint := compliance_asking();
    d compliance_dispute;
    whole bigint;
BEGIN
    SELECT * INTO d FROM compliance_dispute WHERE user_id = me AND about = p_about;
    IF FOUND THEN
        RETURN d.public_id;
    END IF;
    CASE split_part(p_about, '_', 1)
        WHEN 'pay' THEN SELECT amount, created_at INTO whole, d.happened_at FROM payments_payment
            WHERE public_id = p_about AND me IN (payer_id, payee_id);
        WHEN 'ld', 'rd' THEN SELECT amount, created_at INTO whole, d.happened_at FROM banking_banktransfer
            WHERE public_id = p_about AND user_id = me;
        ELSE NULL;
    END CASE;
    IF whole IS NULL THEN
        RAISE EXCEPTION 'not theirs' USING ERRCODE = 'PY150';
    ELSIF p_amount > whole THEN
        RAISE EXCEPTION 'It was not as much as that.' USING ERRCODE = 'PY152';
    ELSIF (SELECT count(*) FROM compliance_dispute WHERE user_id = me AND reported_at > core_now() - interval '1 day') >= 10 THEN
        RAISE EXCEPTION 'too many' USING ERRCODE = 'PY151';
    END IF;
    d.public_id := compliance_new_id('dsp');
    d.reported_at := core_now();
    -- Sixty days from the statement that shows it: the month's, which is there from its end on.
    d.in_time := d.reported_at < date_trunc('month', d.happened_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + interval '1 month 60 days';
    -- New: within 30 days of the first money that came in from a bank, or without any yet (1005.11(c)(3)).
    d.new_account := NOT EXISTS (SELECT FROM banking_banktransfer t WHERE t.user_id = me AND t.kind = 'load'
        AND t.status = 'settled' AND t.created_at <= d.happened_at - interval '30 days');
    d.decide_by := compliance_business_days(d.reported_at, CASE WHEN d.new_account THEN 20 ELSE 10 END);
    d.final_by := d.reported_at + CASE WHEN d.new_account THEN interval '90 days' ELSE interval '45 days' END;
    d."case" := compliance_open_case('dispute', me, d.public_id, format('Reported: %s', replace(p_kind, '_', ' ')),
        CASE p_kind WHEN 'unauthorized' THEN 1 ELSE 2 END::smallint, jsonb_build_object('thing', p_about, 'due_at', d.decide_by));
    INSERT INTO compliance_dispute (public_id, user_id, about, kind, amount, message, happened_at, in_time, new_account, "case", priority,
            reported_at, decide_by, final_by, due_at)
        VALUES (d.public_id, me, p_about, p_kind, CASE WHEN p_amount > 0 THEN p_amount ELSE whole END, p_message, d.happened_at, d.in_time,
            d.new_account, d."case", CASE p_kind WHEN 'unauthorized' THEN 1 ELSE 2 END, d.reported_at, d.decide_by, d.final_by, d.decide_by);
    RETURN d.public_id;
EXCEPTION WHEN check_violation THEN
    RAISE EXCEPTION 'One of these values cannot be.' USING ERRCODE = 'PY152';
END $$;

-- ------------------------------------------------------------------------------------------------ what staff do
CREATE FUNCTION compliance_locked_dispute(p_dispute text) RETURNS compliance_dispute LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    d compliance_dispute;
BEGIN
    SELECT * INTO d FROM compliance_dispute WHERE public_id = p_dispute FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no such dispute.' USING ERRCODE = 'PY123';
    ELSIF EXISTS (SELECT FROM compliance_disputemoney WHERE dispute_id = d.id AND decided_at IS NULL) THEN
        RAISE EXCEPTION 'Something of it waits for a second member of staff.' USING ERRCODE = 'PY124';
    END IF;
    RETURN d;
END $$;

CREATE FUNCTION compliance_dollars(p_cents bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT '$' || trim(to_char(p_cents / 100, 'FM999,999,999,990')) || '.' || lpad((p_cents % 100)::text, 2, '0')
$$;
CREATE FUNCTION compliance_day(p_at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char((p_at - interval '1 second') AT TIME ZONE 'America/New_York', 'FMDD Mon YYYY')
$$;

-- Ask for a provisional credit: another member of staff approves it.
CREATE FUNCTION compliance_ask_credit(p_dispute text, p_amount bigint, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    d compliance_dispute;
BEGIN
    PERFORM console_acted('dispute.credit', p_dispute, format('Asked for a provisional credit of %s.', compliance_dollars(p_amount)), p_reason);
    d := compliance_locked_dispute(p_dispute);
    IF d.status NOT IN ('open', 'extended') THEN
        RAISE EXCEPTION 'It was credited or decided before.' USING ERRCODE = 'PY124';
    ELSIF p_amount NOT BETWEEN 1 AND d.amount THEN
        RAISE EXCEPTION 'At most what was reported: %.', compliance_dollars(d.amount) USING ERRCODE = 'PY124';
    END IF;
    INSERT INTO compliance_disputemoney (dispute_id, user_id, purpose, amount, reference, asked_by_id, asked_at)
        VALUES (d.id, d.user_id, 'provisional', p_amount, gen_random_uuid(), core_actor(), core_now());
    RETURN p_dispute;
END $$;

-- Longer than 10 business days without a provisional credit: only where no identity was checked (1005.11(c)(2)(i)(C)).
CREATE FUNCTION compliance_extend_dispute(p_dispute text, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    d compliance_dispute;
BEGIN
    PERFORM console_acted('dispute.extend', p_dispute, 'Takes longer, without a credit: no identity was checked.', p_reason);
    d := compliance_locked_dispute(p_dispute);
    IF d.status <> 'open' THEN
        RAISE EXCEPTION 'It was extended, credited or decided before.' USING ERRCODE = 'PY124';
    ELSIF compliance_tier_of(d.user_id) > 1 THEN
        RAISE EXCEPTION 'This person''s identity was checked: to take longer, credit them first.' USING ERRCODE = 'PY124';
    END IF;
    UPDATE compliance_dispute SET status = 'extended', extended_at = core_now(), due_at = final_by WHERE id = d.id;
    PERFORM compliance_tell(d.user_id, 'dispute', 'Your report takes longer',
        format(E'We are still looking into what you reported, and need until %s at the latest. You need not do anything.', compliance_day(d.final_by)),
        d.public_id);
    RETURN p_dispute;
END $$;

-- The determination, with its result in words. Where nothing has to move it is closed and told at once; else another member of staff
-- approves what moves, within one business day, and the person is told with the money, within three.
CREATE FUNCTION compliance_decide_dispute(p_dispute text, p_outcome text, p_amount bigint, p_result text, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    d compliance_dispute;
    at timestamptz := core_now();
BEGIN
    PERFORM console_acted('dispute.decide', p_dispute, format('Decided: %s, %s.', replace(p_outcome, '_', ' '), compliance_dollars(p_amount)), p_reason);
    d := compliance_locked_dispute(p_dispute);
    IF d.status IN ('decided', 'closed') THEN
        RAISE EXCEPTION 'It was decided before.' USING ERRCODE = 'PY124';
    ELSIF NOT (p_outcome = 'error' AND p_amount = d.amount OR p_outcome = 'no_error' AND p_amount = 0
               OR p_outcome = 'partly' AND p_amount > 0 AND p_amount < d.amount) THEN
        RAISE EXCEPTION 'The amount does not fit the outcome: all of %, a part of it, or nothing.', compliance_dollars(d.amount) USING ERRCODE = 'PY124';
    END IF;
    UPDATE compliance_dispute SET outcome = p_outcome, owed = p_amount, result = p_result, decided_by_id = core_actor(), decided_at = at,
        correct_by = compliance_business_days(at, 1), result_by = compliance_business_days(at, 3), due_at = compliance_business_days(at, 1),
        status = 'decided' WHERE id = d.id;
    IF p_amount = d.credited THEN
        PERFORM compliance_finish_dispute(d.id, 0);
    ELSE
        INSERT INTO compliance_disputemoney (dispute_id, user_id, purpose, amount, reference, asked_by_id, asked_at)
            VALUES (d.id, d.user_id, 'correction', p_amount - d.credited, gen_random_uuid(), core_actor(), at);
    END IF;
    RETURN p_dispute;
EXCEPTION WHEN check_violation THEN
    RAISE EXCEPTION 'One of these values cannot be.' USING ERRCODE = 'PY124';
END $$;

-- Close it and tell the result; `p_moved` is what went with it.
CREATE FUNCTION compliance_finish_dispute(p_dispute bigint, p_moved bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    d compliance_dispute;
BEGIN
    UPDATE compliance_dispute SET status = 'closed', closed_at = core_now(), result_at = core_now(), due_at = NULL, credited = credited + p_moved
        WHERE id = p_dispute RETURNING * INTO d;
    PERFORM compliance_tell(d.user_id, 'dispute',
        CASE d.outcome WHEN 'error' THEN 'Your report: it was an error' WHEN 'partly' THEN 'Your report: it was partly an error'
                       ELSE 'Your report: we found no error' END,
        d.result || CASE WHEN p_moved > 0 THEN format(E'\n\n%s were credited to your wallet.', compliance_dollars(p_moved))
                         WHEN p_moved < 0 THEN format(E'\n\nThe provisional credit ends: %s were taken back from your wallet.', compliance_dollars(-p_moved))
                         WHEN d.credited > 0 THEN format(E'\n\nThe %s that we had credited are yours to keep.', compliance_dollars(d.credited)) ELSE '' END
        || E'\n\nYou may ask for the documents that we relied on, under Help: /help. If you think that this is wrong, appeal: /appeal?about='
        || d.public_id, d.public_id);
    PERFORM compliance_close_case_about('dispute', d.user_id, d.public_id, CASE d.outcome WHEN 'no_error' THEN 'no_action' ELSE 'refunded' END,
        CASE WHEN d.outcome = 'no_error' THEN 'legitimate' WHEN d.kind = 'unauthorized' THEN 'takeover' ELSE 'unclear' END,
        'Decided on the dispute itself; its words are there.');
END $$;

-- The ceiling of a day (UTC) that a role has for approving corrections counts here too, with what they approved there
-- (banking/sql/0024_adjustments.sql; looked up when it is called). The lock of console_acted makes staff go one after the other.
CREATE FUNCTION compliance_within_ceiling(p_cents bigint) RETURNS void LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    today timestamptz := date_trunc('day', core_now(), 'UTC');
    most bigint;
    already bigint;
BEGIN
    SELECT coalesce(max(c.cents), 0) INTO most FROM (
        SELECT DISTINCT ON (role) role, cents FROM banking_ceiling WHERE action = 'correction.decide' AND effective_at <= core_now()
        ORDER BY role, effective_at DESC, id DESC) c
    JOIN console_staffrole s USING (role) WHERE s.user_id = core_actor();
    SELECT (SELECT coalesce(sum(moved), 0) FROM compliance_disputemoney WHERE decided_by_id = core_actor() AND decided_at >= today AND moved > 0)
         + (SELECT coalesce(sum(amount), 0) FROM banking_correction WHERE decided_by_id = core_actor() AND decided_at >= today AND approved
            AND kind IN ('write_off', 'adjustment_credit', 'adjustment_debit')) INTO already;
    IF already + p_cents > most THEN
        RAISE EXCEPTION 'That is over your ceiling of % a day, of which % are used.', compliance_dollars(most), compliance_dollars(already)
            USING ERRCODE = 'PY124';
    END IF;
END $$;

-- The second member of staff: approve what was asked, and it is posted in this transaction; or refuse it, and the dispute goes on.
CREATE FUNCTION compliance_decide_money(p_dispute text, p_approve boolean, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    d compliance_dispute;
    m compliance_disputemoney;
    w wallets_wallet;
    goes bigint;
BEGIN
    IF p_approve THEN
        PERFORM console_acted('dispute.approve', p_dispute, 'Approved what was asked for.', p_reason);
    ELSE
        PERFORM console_acted('dispute.refuse', p_dispute, 'Refused what was asked for.', p_reason);
    END IF;
    -- The guard first: what the wallet has is looked at, and taken, under it.
    SELECT * INTO w FROM wallets_wallet WHERE user_id = (SELECT user_id FROM compliance_dispute WHERE public_id = p_dispute) FOR NO KEY UPDATE;
    SELECT * INTO d FROM compliance_dispute WHERE public_id = p_dispute FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no such dispute.' USING ERRCODE = 'PY123';
    END IF;
    SELECT * INTO m FROM compliance_disputemoney WHERE dispute_id = d.id AND decided_at IS NULL FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Nothing of it waits for a second member of staff.' USING ERRCODE = 'PY124';
    ELSIF m.asked_by_id = core_actor() THEN
        RAISE EXCEPTION 'You asked for this: somebody else has to decide.' USING ERRCODE = 'PY124';
    END IF;
    IF NOT p_approve THEN
        UPDATE compliance_disputemoney SET decided_by_id = core_actor(), decided_at = core_now(), approved = false WHERE id = m.id;
        IF d.status = 'decided' THEN
            UPDATE compliance_dispute SET outcome = NULL, owed = NULL, result = NULL, decided_by_id = NULL, decided_at = NULL, correct_by = NULL,
                result_by = NULL, due_at = CASE WHEN credited_at IS NULL AND extended_at IS NULL THEN decide_by ELSE final_by END,
                status = CASE WHEN credited_at IS NOT NULL THEN 'credited' WHEN extended_at IS NOT NULL THEN 'extended' ELSE 'open' END
                WHERE id = d.id;
        END IF;
        RETURN p_dispute;
    END IF;
    IF m.amount > 0 THEN
        PERFORM compliance_within_ceiling(m.amount);
    END IF;
    -- What is taken back reaches as far as the wallet: nobody is put into debt by it.
    goes := CASE WHEN m.amount > 0 THEN m.amount ELSE -least(-m.amount, greatest(ledger_balance(w.account), 0)) END;
    UPDATE compliance_disputemoney SET decided_by_id = core_actor(), decided_at = core_now(), approved = true, moved = goes WHERE id = m.id;
    BEGIN
        IF goes > 0 THEN
            PERFORM ledger_post(m.reference, 27::smallint, 100, w.account, goes);  -- adjustments to the wallet
        ELSIF goes < 0 THEN
            PERFORM ledger_post(m.reference, 28::smallint, w.account, 100, -goes);
        END IF;
    EXCEPTION WHEN SQLSTATE 'PY102' THEN
        RAISE EXCEPTION 'The account for adjustments holds less than that: have it funded first.' USING ERRCODE = 'PY124';
    END;
    IF goes <> 0 THEN
        INSERT INTO core_outbox (topic, payload) VALUES ('wallet.changed', jsonb_build_object('user', d.user_id, 'kind', 'adjustment', 'ref', d.public_id));
    END IF;
    IF m.purpose = 'provisional' THEN
        UPDATE compliance_dispute SET status = 'credited', credited = credited + goes, credited_at = core_now(), due_at = final_by,
            tell_by = compliance_business_days(core_now(), 2), told_at = core_now() WHERE id = d.id;
        PERFORM compliance_tell(d.user_id, 'dispute', format('%s credited while we look into your report', compliance_dollars(goes)),
            format(E'We have credited %s to your wallet while we look into what you reported. You may use it. If we find an error, it is yours; if not, we take it back and say why. We finish by %s at the latest.',
                   compliance_dollars(goes), compliance_day(d.final_by)), d.public_id);
    ELSE
        PERFORM compliance_finish_dispute(d.id, goes);
    END IF;
    RETURN p_dispute;
END $$;

-- ------------------------------------------------------------------------------------- whose it is, in all three queues
-- Nobody takes what is another's by a click; `p_to` is the e-mail of whoever gets it, or empty for whoever asks.
CREATE FUNCTION compliance_give(p_thing text, p_to text, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    room text := CASE split_part(p_thing, '_', 1) WHEN 'tkt' THEN 'ticket' WHEN 'app' THEN 'appeal' WHEN 'dsp' THEN 'dispute' END;
    somebody bigint := core_actor();
    had bigint;
    ended boolean;
BEGIN
    IF room IS NULL THEN
        RAISE EXCEPTION 'There is no such thing.' USING ERRCODE = 'PY123';
    ELSIF p_to = '' THEN
        PERFORM console_acted(room || '.take', p_thing, format('Took the %s.', room), p_reason);
    ELSE
        PERFORM console_acted(room || '.assign', p_thing, format('Assigned the %s to %s.', room, lower(p_to)), p_reason);
        SELECT id INTO somebody FROM users_user WHERE email = lower(p_to) AND kind = 'staff' AND is_active;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'Nobody of the staff has this e-mail.' USING ERRCODE = 'PY124';
        END IF;
    END IF;
    EXECUTE format('SELECT assignee_id, status IN (''solved'', ''answered'', ''closed'') FROM compliance_%I WHERE public_id = $1 FOR NO KEY UPDATE', room)
        INTO had, ended USING p_thing;
    IF ended IS NULL THEN
        RAISE EXCEPTION 'There is no such %.', room USING ERRCODE = 'PY123';
    ELSIF ended THEN
        RAISE EXCEPTION 'This is done.' USING ERRCODE = 'PY124';
    ELSIF had = somebody THEN
        RAISE EXCEPTION '%', CASE WHEN p_to = '' THEN 'This is yours already.' ELSE 'This is theirs already.' END USING ERRCODE = 'PY124';
    ELSIF had IS NOT NULL AND p_to = '' THEN
        RAISE EXCEPTION 'This is %''s: have it assigned to you.', (SELECT email FROM users_user WHERE id = had) USING ERRCODE = 'PY124';
    END IF;
    EXECUTE format('UPDATE compliance_%I SET assignee_id = $1 WHERE public_id = $2', room) USING somebody, p_thing;
    RETURN p_thing;
END $$;

-- What waits, and what is late, by queue: numbers for whoever watches, nobody's rows.
CREATE FUNCTION compliance_waiting() RETURNS TABLE (queue text, waiting bigint, overdue bigint, oldest timestamptz) LANGUAGE sql STABLE
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT 'cases', count(*), count(*) FILTER (WHERE due_at < now()), min(created_at) FROM compliance_case WHERE status = 'open' AND kind <> 'dispute'
    UNION ALL
    SELECT 'disputes', count(*), count(*) FILTER (WHERE due_at < now()), min(reported_at) FROM compliance_dispute WHERE status <> 'closed'
    UNION ALL
    SELECT 'appeals', count(*), count(*) FILTER (WHERE due_at < now()), min(created_at) FROM compliance_appeal WHERE status = 'open'
    UNION ALL
    SELECT 'tickets', count(*), count(*) FILTER (WHERE compliance_business_days(waiting_since, 2) < now()), min(waiting_since)
    FROM compliance_ticket WHERE status = 'open'
$$;
