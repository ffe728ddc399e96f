-- A report says which of its figures is wrong, and its clocks end with a day; and letters lead to the page that they speak of.

-- The end of the n-th day after a moment, in New York, as compliance_business_days counts them.
CREATE FUNCTION compliance_end_of_day(p_from timestamptz, p_days int) RETURNS timestamptz LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT ((p_from AT TIME ZONE 'America/New_York')::date + p_days + 1)::timestamp AT TIME ZONE 'America/New_York'
$$;

-- The person reports something of theirs, once. `p_amount` is what of it is wrong, 0 for all of it. PY150 not theirs, PY151 too many (10 in
-- 24 hours), PY152 with words, PY153 more than moved. Reported again it is the same dispute. Each clock ends with a day in New York.
CREATE OR REPLACE FUNCTION compliance_report_dispute(p_about text, p_kind text, p_amount bigint, p_message text) RETURNS text LANGUAGE plpgsql
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
        RAISE EXCEPTION 'It was no more than %.', compliance_dollars(whole) USING ERRCODE = 'PY153';
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
    d.final_by := compliance_end_of_day(d.reported_at, CASE WHEN d.new_account THEN 90 ELSE 45 END);
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

CREATE OR REPLACE FUNCTION compliance_freeze_letter(p_level smallint, p_reason text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT p_reason || E'\n\n' || CASE p_level
        WHEN 1 THEN 'Until this is lifted you cannot pay, load or redeem. You can still receive money.'
        ELSE 'Until this is lifted you cannot pay, load or redeem, and nobody can pay you. What is on its way to you from your bank, and your weekly share, still arrive.' END
        || E' What is yours stays yours.\n\nIf you think that this is wrong, or if there is something that we should know, ask us to look again: /appeal. '
        || E'Somebody reads it and answers you.\n\nTo have your money at your bank meanwhile, ask for a withdrawal: you find it on your home page. '
        || 'Somebody of our staff has to approve it.'
$$;

CREATE OR REPLACE FUNCTION compliance_deny_withdrawal(p_withdrawal text, p_told text, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    d compliance_withdrawal;
BEGIN
    PERFORM console_acted('withdrawal.deny', p_withdrawal, 'Denied the withdrawal out of a frozen account.', p_reason);
    d := compliance_end_withdrawal(p_withdrawal, 'denied', p_told, core_actor());
    PERFORM compliance_tell(d.user_id, 'withdrawal', 'Your withdrawal was not approved',
        trim(p_told) || E'\n\nYour money stays in your account. You can ask for it again. If you think that this is wrong, ask us to look again: /appeal', d.public_id);
    RETURN d.public_id;
END $$;
ALTER FUNCTION compliance_end_of_day(timestamptz, int) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION compliance_end_of_day(timestamptz, int) FROM PUBLIC;
