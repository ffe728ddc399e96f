-- What counts as sent is counted in one place for both halves of a payment: the first, which says its refusals in words, and the second,
-- which nobody gets past. (`compliance_sent` walks the same rows for the page of limits, which wants their times.)
CREATE TYPE compliance_sending AS (sends_hour int, sends_day int, cents_day bigint, recipients int, new_recipient boolean);

-- `p_most`: how far back the walk goes at most, in payments. Only for functions that hold the guard: it has their rights, search_path and
-- settings, since each of these would cost a payment more than the walk.
CREATE FUNCTION compliance_sending_of(p_account bigint, p_payee_account bigint, p_most int) RETURNS compliance_sending LANGUAGE plpgsql STABLE AS $$
DECLARE
    s compliance_sending;
    r record;
    t timestamptz := core_now();
    others bigint[] := '{}';
BEGIN
    s := (0, 0, 0, 0, true);
    FOR r IN SELECT l.id, l.kind, l.credit_account, l.amount, l.posted_at FROM ledger_transfer l
             WHERE l.debit_account = p_account ORDER BY l.debit_version DESC LOOP
        EXIT WHEN r.posted_at <= t - interval '1 day' OR s.sends_day >= p_most;
        CONTINUE WHEN r.kind NOT IN (7, 8);
        IF r.kind = 8 THEN   -- for whom it was set aside stands in the assessment
            SELECT w.account INTO r.credit_account FROM compliance_assessment a JOIN wallets_wallet w ON w.user_id = a.payee_id
                WHERE a.reference = r.id;
        END IF;
        s.sends_day := s.sends_day + 1;
        s.cents_day := s.cents_day + r.amount;
        IF r.posted_at > t - interval '1 hour' THEN s.sends_hour := s.sends_hour + 1; END IF;
        IF r.credit_account = p_payee_account THEN s.new_recipient := false; END IF;
        IF NOT r.credit_account = ANY (others) THEN others := others || r.credit_account; END IF;
    END LOOP;
    s.recipients := cardinality(others);
    RETURN s;
END $$;

-- How far the walk has to go: as many as the day's limit are enough for all of them; without one, to the end of the day; without any
-- limit, far enough for the score. `p_limits` as compliance_before_payment has them.
CREATE FUNCTION compliance_sending_reach(p_limits bigint[]) RETURNS int LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN (p_limits[1], p_limits[2], p_limits[4]) IS NULL THEN 60 ELSE least(coalesce(p_limits[2], 2147483647), 2147483647) END::int
$$;

CREATE OR REPLACE FUNCTION compliance_before_payment(p_user bigint, p_account bigint, p_payee bigint, p_payee_account bigint, p_device bigint)
RETURNS compliance_payment_facts LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    f compliance_payment_facts;
    s compliance_sending;
BEGIN
    f.at := core_now();
    f.tier := coalesce((SELECT c.tier FROM compliance_standing c WHERE c.user_id = p_user), 1);
    f.limits := compliance_limits_in_force(f.tier, '{sends_per_hour,sends_per_day,per_transfer,recipients_per_day}');
    s := compliance_sending_of(p_account, p_payee_account, compliance_sending_reach(f.limits));
    f.sends_hour := s.sends_hour; f.sends_day := s.sends_day; f.cents_day := s.cents_day;
    f.recipients := s.recipients; f.new_recipient := s.new_recipient;
    -- Paid is who has received something: what was only held, cancelled or sent back makes nobody known.
    f.paid_before := EXISTS (SELECT FROM compliance_contact c WHERE c.user_id = p_user AND c.payee_id = p_payee);
    f.device_since := (SELECT d.created_at FROM users_device d WHERE d.id = p_device AND d.user_id = p_user);
    f.payer_since := (SELECT u.created_at FROM users_user u WHERE u.id = p_user);
    f.payee_since := (SELECT u.created_at FROM users_user u WHERE u.id = p_payee);
    f.versions := (SELECT array_agg(v.id ORDER BY v.state, v.id) FROM compliance_scoreversion v WHERE v.state <> 'retired');
    RETURN f;
END $$;

-- Raises PY120. Its refusal is for programs: the first half says it in words.
CREATE OR REPLACE FUNCTION compliance_hold_to_limits(p_user bigint, p_account bigint, p_payee_account bigint, p_amount bigint)
RETURNS void LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
DECLARE
    v bigint[] := compliance_limits_in_force(coalesce((SELECT c.tier FROM compliance_standing c WHERE c.user_id = p_user), 1::smallint),
                                             '{sends_per_hour,sends_per_day,per_transfer,recipients_per_day}');
    s compliance_sending := compliance_sending_of(p_account, p_payee_account, compliance_sending_reach(v));
BEGIN
    IF p_amount > v[3] OR s.sends_hour >= v[1] OR s.sends_day >= v[2] OR (s.new_recipient AND s.recipients >= v[4]) THEN
        RAISE EXCEPTION 'over a limit of payments' USING ERRCODE = 'PY120';
    END IF;
END $$;

REVOKE EXECUTE ON FUNCTION compliance_sending_of(bigint, bigint, int), compliance_sending_reach(bigint[]) FROM PUBLIC;
ALTER FUNCTION compliance_sending_of(bigint, bigint, int) OWNER TO paya_engine;
ALTER FUNCTION compliance_sending_reach(bigint[]) OWNER TO paya_engine;
