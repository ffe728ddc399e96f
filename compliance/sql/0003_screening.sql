-- Limits and scores (docs/compliance.md). What is measured of a person comes from the ledger's journal, under the payer's guard; what
-- follows from it is decided in compliance/rules.py and compliance/scoring.py, whose figures these functions hand over in one row.

-- ------------------------------------------------------------------------------------------------ limits
-- Amounts in cents. In force from the start; staff add rows with a reason and a date of effect, and change none.
INSERT INTO compliance_limit (name, tier, value, effective_at, reason)
SELECT name, tier, (ARRAY[phone, identity, documents])[tier], '2000-01-01Z', 'As PaYa began'
FROM (VALUES
    ('sends_per_hour', 10, 20, 30), ('sends_per_day', 50, 100, 150),
    ('per_transfer', 100000, 250000, 500000), ('recipients_per_day', 20, 40, 60),
    ('loads_per_week', 200000, 500000, 1000000), ('loads_while_new', 10000, 50000, 100000),
    ('new_for_days', 7, 7, 7), ('days_before_redeeming', 14, 14, 14),
    ('unseasoned_redeemable', 50000, 100000, 250000)
) AS began (name, phone, identity, documents), generate_series(1, 3) tier;

CREATE TRIGGER limits_stay BEFORE UPDATE OR DELETE ON compliance_limit FOR EACH ROW EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER limits_are_kept BEFORE TRUNCATE ON compliance_limit FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse();

CREATE FUNCTION compliance_tier_of(p_user bigint) RETURNS smallint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce((SELECT tier FROM compliance_standing WHERE user_id = p_user), 1::smallint)
$$;

-- The values in force of these limits for a tier, in the order asked for; NULL: there is no such limit for now.
CREATE FUNCTION compliance_limits_in_force(p_tier smallint, p_names text[]) RETURNS bigint[] LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    t timestamptz := core_now();
    found_values bigint[] := '{}';
    one bigint;
BEGIN
    FOR i IN 1 .. cardinality(p_names) LOOP
        SELECT value INTO one FROM compliance_limit WHERE name = p_names[i] AND tier = p_tier AND effective_at <= t
            ORDER BY effective_at DESC, id DESC LIMIT 1;
        found_values := found_values || one;
    END LOOP;
    RETURN found_values;
END $$;

-- ------------------------------------------------------------------------------------------------ sending
-- What a payer has sent within a day, newest first: out of the wallet to somebody, or set aside for somebody while it is looked at. A
-- hold counts as sent whatever becomes of it; what leaves it later is no second payment. The walk ends where the day does.
CREATE FUNCTION compliance_sent(p_account bigint, p_most int)
RETURNS TABLE (recipient bigint, at timestamptz, cents bigint) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    r record;
    since timestamptz := core_now() - interval '1 day';
    n int := 0;
BEGIN
    FOR r IN SELECT t.id, t.kind, t.credit_account, t.amount, t.posted_at FROM ledger_transfer t
             WHERE t.debit_account = p_account ORDER BY t.debit_version DESC LOOP
        EXIT WHEN r.posted_at <= since OR n >= p_most;
        CONTINUE WHEN r.kind NOT IN (7, 8);
        recipient := r.credit_account;
        IF r.kind = 8 THEN   -- the journal names the payer's own hold account; for whom it was stands in the assessment
            SELECT w.account INTO recipient FROM compliance_assessment a JOIN wallets_wallet w ON w.user_id = a.payee_id
                WHERE a.reference = r.id;
        END IF;
        at := r.posted_at;
        cents := r.amount;
        n := n + 1;
        RETURN NEXT;
    END LOOP;
END $$;

CREATE TYPE compliance_payment_facts AS (
    tier smallint, limits bigint[], sends_hour int, sends_day int, recipients int, new_recipient boolean, cents_day bigint,
    paid_before boolean, device_since timestamptz, payer_since timestamptz, payee_since timestamptz, versions int[], at timestamptz
);

-- All that is to be known of a payer before a payment, under the guard. Looks no further back than the limits reach.
CREATE FUNCTION compliance_before_payment(p_user bigint, p_account bigint, p_payee bigint, p_payee_account bigint, p_device bigint)
RETURNS compliance_payment_facts LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    f compliance_payment_facts;
    r record;
    since timestamptz;
    others bigint[] := '{}';
    most int;
BEGIN
    f.at := core_now();
    since := f.at - interval '1 day';
    f.tier := coalesce((SELECT s.tier FROM compliance_standing s WHERE s.user_id = p_user), 1);
    f.limits := compliance_limits_in_force(f.tier, '{sends_per_hour,sends_per_day,per_transfer,recipients_per_day}');
    f.sends_hour := 0; f.sends_day := 0; f.cents_day := 0; f.new_recipient := true;
    -- As many as the day's limit are enough for all of them; without one, far enough for the others; without any, for the score.
    most := CASE WHEN (f.limits[1], f.limits[2], f.limits[4]) IS NULL THEN 60 ELSE least(coalesce(f.limits[2], 1000), 1000) END;
    FOR r IN SELECT t.id, t.kind, t.credit_account, t.amount, t.posted_at FROM ledger_transfer t
             WHERE t.debit_account = p_account ORDER BY t.debit_version DESC LOOP
        EXIT WHEN r.posted_at <= since OR f.sends_day >= most;
        CONTINUE WHEN r.kind NOT IN (7, 8);
        IF r.kind = 8 THEN
            SELECT w.account INTO r.credit_account FROM compliance_assessment a JOIN wallets_wallet w ON w.user_id = a.payee_id
                WHERE a.reference = r.id;
        END IF;
        f.sends_day := f.sends_day + 1;
        f.cents_day := f.cents_day + r.amount;
        IF r.posted_at > f.at - interval '1 hour' THEN f.sends_hour := f.sends_hour + 1; END IF;
        IF r.credit_account = p_payee_account THEN f.new_recipient := false; END IF;
        IF NOT r.credit_account = ANY (others) THEN others := others || r.credit_account; END IF;
    END LOOP;
    f.recipients := cardinality(others);
    f.paid_before := NOT f.new_recipient OR EXISTS (SELECT FROM compliance_contact c WHERE c.user_id = p_user AND c.payee_id = p_payee);
    f.device_since := (SELECT d.created_at FROM users_device d WHERE d.id = p_device AND d.user_id = p_user);
    f.payer_since := (SELECT u.created_at FROM users_user u WHERE u.id = p_user);
    f.payee_since := (SELECT u.created_at FROM users_user u WHERE u.id = p_payee);
    f.versions := (SELECT array_agg(v.id ORDER BY v.state, v.id) FROM compliance_scoreversion v WHERE v.state <> 'retired');
    RETURN f;
END $$;

-- The same limits once more where the money moves, under the same guard: whoever calls the second half of a payment without the first,
-- or says that it was screened, does not get past them. Its refusal is for programs: the first half says it in words. Raises PY120.
CREATE FUNCTION compliance_hold_to_limits(p_user bigint, p_account bigint, p_payee_account bigint, p_amount bigint)
RETURNS void LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    t timestamptz := core_now();
    v bigint[] := compliance_limits_in_force(coalesce((SELECT s.tier FROM compliance_standing s WHERE s.user_id = p_user), 1::smallint),
                                             '{sends_per_hour,sends_per_day,per_transfer,recipients_per_day}');
    r record;
    n int := 0;
    others bigint[] := '{}';
    known boolean := false;
BEGIN
    IF p_amount > v[3] OR 0 >= least(v[1], v[2], v[4]) THEN
        RAISE EXCEPTION 'over a limit of payments' USING ERRCODE = 'PY120';
    END IF;
    FOR r IN SELECT l.id, l.kind, l.credit_account, l.posted_at FROM ledger_transfer l
             WHERE l.debit_account = p_account ORDER BY l.debit_version DESC LOOP
        EXIT WHEN r.posted_at <= t - interval '1 day' OR n >= 1000 OR (v[1], v[2], v[4]) IS NULL;
        CONTINUE WHEN r.kind NOT IN (7, 8);
        IF r.kind = 8 THEN
            SELECT w.account INTO r.credit_account FROM compliance_assessment a JOIN wallets_wallet w ON w.user_id = a.payee_id
                WHERE a.reference = r.id;
        END IF;
        n := n + 1;
        known := known OR r.credit_account = p_payee_account;
        IF NOT r.credit_account = ANY (others) THEN others := others || r.credit_account; END IF;
        -- With this one there would be one too many within the time of the n-th newest.
        IF n >= v[2] OR n >= v[1] AND r.posted_at > t - interval '1 hour' THEN
            RAISE EXCEPTION 'over a limit of payments' USING ERRCODE = 'PY120';
        END IF;
    END LOOP;
    IF NOT known AND cardinality(others) >= v[4] THEN
        RAISE EXCEPTION 'over a limit of payments' USING ERRCODE = 'PY120';
    END IF;
END $$;

-- ------------------------------------------------------------------------------------------------ banks
CREATE TYPE compliance_bank_facts AS (
    tier smallint, device_since timestamptz, user_since timestamptz, versions int[], at timestamptz
);
CREATE FUNCTION compliance_before_bank_transfer(p_user bigint, p_device bigint) RETURNS compliance_bank_facts
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    f compliance_bank_facts;
BEGIN
    PERFORM wallets_check_actor(p_user);
    f.at := core_now();
    f.tier := compliance_tier_of(p_user);
    f.device_since := (SELECT d.created_at FROM users_device d WHERE d.id = p_device AND d.user_id = p_user);
    f.user_since := (SELECT u.created_at FROM users_user u WHERE u.id = p_user);
    f.versions := (SELECT array_agg(v.id ORDER BY v.state, v.id) FROM compliance_scoreversion v WHERE v.state <> 'retired');
    RETURN f;
END $$;

-- ------------------------------------------------------------------------------------------------ what a person has left
-- Every limit that applies to somebody now: how much is used, and when the next place frees (NULL where nothing is used or it never
-- does). `beyond` is what a redemption may take without touching its limit.
CREATE FUNCTION compliance_limits_of(p_user bigint)
RETURNS TABLE (name text, tier smallint, lim bigint, used bigint, resets_at timestamptz, beyond bigint) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off AS $$
DECLARE
    t timestamptz := core_now();
    w record;
    v bigint[];
    since timestamptz;
    hour_times timestamptz[];
    day_times timestamptz[];
    people timestamptz[];
    loaded record;
    fresh record;
    redeemed bigint;
    free bigint;
BEGIN
    PERFORM wallets_check_actor(p_user);
    SELECT c.account, c.receivable_account, c.pending_in, a.balance, u.created_at INTO w FROM wallets_wallet c
        JOIN ledger_account a ON a.id = c.account JOIN users_user u ON u.id = c.user_id WHERE c.user_id = p_user;
    IF NOT FOUND THEN RETURN; END IF;
    since := w.created_at;
    tier := compliance_tier_of(p_user);
    v := compliance_limits_in_force(tier, '{sends_per_hour,sends_per_day,per_transfer,recipients_per_day,loads_per_week,loads_while_new,new_for_days,days_before_redeeming,unseasoned_redeemable}');

    SELECT array_agg(s.at ORDER BY s.at) FILTER (WHERE s.at > t - interval '1 hour'), array_agg(s.at ORDER BY s.at)
        INTO hour_times, day_times FROM compliance_sent(w.account, 1000) s;
    SELECT array_agg(latest ORDER BY latest) INTO people FROM (SELECT max(s.at) AS latest FROM compliance_sent(w.account, 1000) s GROUP BY s.recipient) o;
    beyond := NULL;
    -- The n-th oldest whose leaving makes room: the first, or a later one where a limit was lowered beneath what is used.
    name := 'sends_per_hour'; lim := v[1]; used := coalesce(cardinality(hour_times), 0);
    resets_at := hour_times[greatest(used - lim + 1, 1)] + interval '1 hour'; RETURN NEXT;
    name := 'sends_per_day'; lim := v[2]; used := coalesce(cardinality(day_times), 0);
    resets_at := day_times[greatest(used - lim + 1, 1)] + interval '1 day'; RETURN NEXT;
    name := 'per_transfer'; lim := v[3]; used := 0; resets_at := NULL; RETURN NEXT;
    name := 'recipients_per_day'; lim := v[4]; used := coalesce(cardinality(people), 0);
    resets_at := people[greatest(used - lim + 1, 1)] + interval '1 day'; RETURN NEXT;

    -- Loads that have settled within the week, and all that are on their way (they will settle within it).
    SELECT coalesce(sum(l.amount), 0)::bigint AS cents, min(l.posted_at) AS first INTO loaded FROM ledger_transfer l
        WHERE l.credit_account IN (w.account, w.receivable_account) AND l.kind IN (1, 2) AND l.posted_at > t - interval '7 days';
    name := 'loads_per_week'; lim := v[5]; used := loaded.cents + w.pending_in; resets_at := loaded.first + interval '7 days'; RETURN NEXT;
    IF t < since + make_interval(days => v[7]::int) THEN
        SELECT coalesce(sum(l.amount), 0)::bigint INTO used FROM ledger_transfer l
            WHERE l.credit_account IN (w.account, w.receivable_account) AND l.kind IN (1, 2) AND l.posted_at > since;
        name := 'loads_while_new'; lim := v[6]; used := used + w.pending_in;
        resets_at := since + make_interval(days => v[7]::int); RETURN NEXT;
    END IF;
    IF t < since + make_interval(days => v[8]::int) THEN
        name := 'days_before_redeeming'; lim := v[8]; used := floor(extract(epoch FROM t - since) / 86400);
        resets_at := since + make_interval(days => v[8]::int); RETURN NEXT;
    END IF;

    -- Loads younger than sixty days can still be taken back by the bank. What was redeemed meanwhile is counted against the money that
    -- is certainly not of them first: were nothing redeemed, the wallet would hold balance + redeemed, of which `fresh` is unseasoned.
    SELECT coalesce(sum(l.amount), 0)::bigint AS cents, min(l.posted_at) AS first INTO fresh FROM ledger_transfer l
        WHERE l.credit_account = w.account AND l.kind = 1 AND l.posted_at > t - interval '60 days';
    SELECT coalesce(sum(l.amount), 0)::bigint INTO redeemed FROM ledger_transfer l
        WHERE l.debit_account = w.account AND l.kind IN (3, 6) AND l.posted_at > t - interval '60 days';
    SELECT redeemed - coalesce(sum(l.amount), 0)::bigint INTO redeemed FROM ledger_transfer l
        WHERE l.credit_account = w.account AND l.kind = 5 AND l.posted_at > t - interval '60 days';
    free := greatest(w.balance + redeemed - fresh.cents, 0);
    name := 'unseasoned_redeemable'; lim := v[9]; used := greatest(redeemed - free, 0);
    resets_at := CASE WHEN used > 0 THEN fresh.first + interval '60 days' END; beyond := greatest(free - redeemed, 0); RETURN NEXT;
END $$;

-- ------------------------------------------------------------------------------------------------ what was measured
-- Written down with the movement, in its transaction, by the engine's functions of the rooms above; and by the web process where a
-- movement was refused for its score, which is all that then happens.
CREATE FUNCTION compliance_assess(p_reference uuid, p_user bigint, p_payee bigint, p_kind text, p_amount bigint, p_screen jsonb)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO compliance_assessment (reference, user_id, payee_id, kind, amount, decision, score, version_id, signals, shadow, at)
        VALUES (p_reference, p_user, p_payee, p_kind, p_amount, p_screen ->> 'decision', (p_screen ->> 'score')::smallint,
                (p_screen ->> 'version')::bigint, p_screen -> 'signals', coalesce(p_screen -> 'shadow', '{}'), core_now())
$$;

-- A movement that is refused for its score: the record, and a case for staff. Nothing moves.
CREATE FUNCTION compliance_denied(p_user bigint, p_payee bigint, p_kind text, p_amount bigint, p_reference uuid, p_screen jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM wallets_check_actor(p_user);
    PERFORM compliance_assess(p_reference, p_user, p_payee, p_kind, p_amount, p_screen || '{"decision": "denied"}');
    PERFORM compliance_open_case('denied', p_user, '', format('A %s was refused for its score of %s.', p_kind, p_screen ->> 'score'), 1::smallint,
        jsonb_build_object('reference', p_reference, 'cents', p_amount, 'signals', p_screen));
END $$;

CREATE TRIGGER assessments_stay BEFORE UPDATE OR DELETE ON compliance_assessment FOR EACH ROW EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER assessments_are_kept BEFORE TRUNCATE ON compliance_assessment FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse();

-- A version is made whole and never changed: only from shadow to active to retired. Whoever switches one on retires the one before.
CREATE FUNCTION compliance_version_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.name, OLD.scorer, OLD.weights, OLD.hold_at, OLD.deny_at, OLD.created_at)
       IS DISTINCT FROM (NEW.name, NEW.scorer, NEW.weights, NEW.hold_at, NEW.deny_at, NEW.created_at) THEN
        RAISE EXCEPTION 'a version that was used stays as it is: make another' USING ERRCODE = 'PY110';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER versions_stay BEFORE UPDATE ON compliance_scoreversion FOR EACH ROW EXECUTE FUNCTION compliance_version_stays();
CREATE TRIGGER versions_are_kept BEFORE DELETE ON compliance_scoreversion FOR EACH ROW EXECUTE FUNCTION compliance_refuse();

-- Together they can pass a thousand, which is where a score ends.
INSERT INTO compliance_scoreversion (name, weights, hold_at, deny_at, state, reason) VALUES
    ('2026-11', '{"new_device": 150, "foreign_address": 250, "never_paid": 60, "payer_new": 120, "payee_new": 120, "most_of_balance": 100, "velocity": 150, "large_amount": 120}',
     650, 900, 'active', 'As PaYa began');

-- ------------------------------------------------------------------------------------------------ what staff set
CREATE FUNCTION compliance_set_limit(p_name text, p_tier int, p_value bigint, p_effective_at timestamptz, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM console_acted('limit.set', p_name, format('%s for tier %s: %s from %s on.', p_name, p_tier, coalesce(p_value::text, 'none'),
        to_char(p_effective_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')), p_reason);
    IF p_effective_at < core_now() - interval '1 minute' THEN
        RAISE EXCEPTION 'A limit takes effect now or later, not in the past.' USING ERRCODE = 'PY124';
    END IF;
    INSERT INTO compliance_limit (name, tier, value, effective_at, reason, set_by_id)
        VALUES (p_name, p_tier, p_value, greatest(p_effective_at, core_now()), trim(p_reason), core_actor()) RETURNING id INTO made;
    RETURN made;
EXCEPTION WHEN check_violation THEN
    RAISE EXCEPTION 'There is no such limit, or it cannot be below zero.' USING ERRCODE = 'PY124';
END $$;

CREATE FUNCTION compliance_make_version(p_name text, p_weights jsonb, p_hold_at int, p_deny_at int, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM console_acted('score.make', p_name, format('Version %s in the shadow: holds at %s, refuses at %s.', p_name, p_hold_at, p_deny_at), p_reason);
    INSERT INTO compliance_scoreversion (name, weights, hold_at, deny_at, state, reason, made_by_id)
        VALUES (p_name, p_weights, p_hold_at, p_deny_at, 'shadow', trim(p_reason), core_actor()) RETURNING id INTO made;
    RETURN made;
EXCEPTION
    WHEN unique_violation THEN RAISE EXCEPTION 'There is a version of this name.' USING ERRCODE = 'PY124';
    WHEN check_violation OR numeric_value_out_of_range THEN RAISE EXCEPTION 'It holds below where it refuses, both from 1 to 1001.' USING ERRCODE = 'PY124';
END $$;

CREATE FUNCTION compliance_switch_version(p_name text, p_state text, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v compliance_scoreversion;
BEGIN
    PERFORM console_acted('score.switch', p_name, format('Version %s: %s.', p_name, p_state), p_reason);
    PERFORM FROM compliance_scoreversion ORDER BY id FOR UPDATE;
    SELECT * INTO v FROM compliance_scoreversion WHERE name = p_name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no such version.' USING ERRCODE = 'PY123';
    ELSIF v.state = p_state OR p_state NOT IN ('active', 'retired', 'shadow') THEN
        RAISE EXCEPTION 'It is that already.' USING ERRCODE = 'PY124';
    ELSIF v.state = 'active' THEN
        RAISE EXCEPTION 'Something has to decide: switch another version on instead.' USING ERRCODE = 'PY124';
    END IF;
    IF p_state = 'active' THEN
        UPDATE compliance_scoreversion SET state = 'retired' WHERE state = 'active';
    END IF;
    UPDATE compliance_scoreversion SET state = p_state WHERE id = v.id;
    RETURN p_state;
END $$;

-- ------------------------------------------------------------------------------------------------ who may do what
DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
             AND p.proname IN ('compliance_tier_of', 'compliance_limits_in_force', 'compliance_sent', 'compliance_before_payment', 'compliance_hold_to_limits',
                'compliance_before_bank_transfer', 'compliance_limits_of', 'compliance_assess', 'compliance_denied', 'compliance_version_stays',
                'compliance_set_limit', 'compliance_make_version', 'compliance_switch_version') LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION compliance_before_bank_transfer(bigint, bigint), compliance_limits_of(bigint),
    compliance_denied(bigint, bigint, text, bigint, uuid, jsonb) TO paya_web, paya_worker;
GRANT EXECUTE ON FUNCTION compliance_tier_of(bigint),
    compliance_assess(uuid, bigint, bigint, text, bigint, jsonb) TO paya_worker;
GRANT EXECUTE ON FUNCTION compliance_tier_of(bigint), compliance_set_limit(text, int, bigint, timestamptz, text),
    compliance_make_version(text, jsonb, int, int, text),
    compliance_switch_version(text, text, text) TO paya_staff;
GRANT SELECT ON compliance_limit, compliance_scoreversion TO paya_web, paya_worker, paya_staff, paya_auditor;
GRANT SELECT, INSERT ON compliance_limit, compliance_assessment, compliance_contact TO paya_engine;
GRANT SELECT, INSERT, UPDATE (state) ON compliance_scoreversion TO paya_engine;
GRANT SELECT, INSERT, UPDATE ON compliance_standing TO paya_engine;
GRANT SELECT ON compliance_standing TO paya_web, paya_worker, paya_staff, paya_auditor;
GRANT SELECT ON compliance_assessment, compliance_contact TO paya_worker, paya_auditor;
GRANT USAGE ON SEQUENCE compliance_limit_id_seq, compliance_scoreversion_id_seq TO paya_engine;
