-- A payment is counted once, and the count is stamped. `compliance_look_at_payment` reads, under the payer's guard, what their limits and the
-- score need; where no limit is passed it hands out a stamp. The second half of a payment moves nothing without it (decision 17), and so
-- need not count again. Both are called by functions that hold the guard and have the engine's rights, search_path and settings: of each of
-- these of its own a payment would feel more than of what is read.

-- What only the engine's functions know; made where the database is made, and different in each.
CREATE TABLE compliance_stampkey (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    secret bytea NOT NULL DEFAULT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
);
INSERT INTO compliance_stampkey DEFAULT VALUES;
ALTER TABLE compliance_stampkey ENABLE ROW LEVEL SECURITY;
ALTER TABLE compliance_stampkey FORCE ROW LEVEL SECURITY;
CREATE POLICY engine ON compliance_stampkey FOR SELECT TO paya_engine USING (true);
GRANT SELECT ON compliance_stampkey TO paya_engine;

-- Good for one transaction, one payer, one payee, one amount, and until the payer's next posting: `p_newest` is the version that their
-- account had after the newest posting out of it (0: there is none), so a stamp is used up by the payment that it was made for.
CREATE FUNCTION compliance_stamp(p_account bigint, p_newest bigint, p_payee_account bigint, p_amount bigint) RETURNS bytea LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT sha256(k.secret || convert_to(concat_ws(':', pg_current_xact_id(), p_account, p_newest, p_payee_account, p_amount), 'UTF8'))
            FROM compliance_stampkey k WHERE k.id = 1);
END $$;

-- `over`: the limit that this payment would pass; `stamp` is there where it passes none.
CREATE TYPE compliance_payment_look AS (
    over text, stamp bytea, per_hour bigint, per_transfer bigint, sends_hour int, paid_before boolean,
    device_since timestamptz, versions int[], at timestamptz
);
CREATE FUNCTION compliance_look_at_payment(p_user bigint, p_account bigint, p_payee bigint, p_payee_account bigint, p_device bigint, p_amount bigint)
RETURNS compliance_payment_look LANGUAGE plpgsql STABLE AS $$
DECLARE
    t timestamptz := core_now();
    an_hour_ago timestamptz := t - interval '1 hour';
    a_day_ago timestamptz := t - interval '1 day';
    limits bigint[];   -- an hour, a day, one transfer, recipients; NULL: there is no such limit
    versions int[];
    device_since timestamptz;
    paid_before boolean;
    most int;
    r record;
    newest bigint := 0;
    sends_hour int := 0;
    sends_day int := 0;
    others bigint[] := '{}';
    new_recipient boolean := true;
    over text;
BEGIN
    -- Paid is who has received something: what was only held, cancelled or sent back makes nobody known.
    SELECT ARRAY(SELECT (SELECT l.value FROM compliance_limit l WHERE l.name = n AND l.tier = coalesce(c.tier, 1) AND l.effective_at <= t
                         ORDER BY l.effective_at DESC, l.id DESC LIMIT 1)
                 FROM unnest('{sends_per_hour,sends_per_day,per_transfer,recipients_per_day}'::text[]) n),
           ARRAY(SELECT v.id FROM compliance_scoreversion v WHERE v.state <> 'retired' ORDER BY v.state, v.id),
           (SELECT d.created_at FROM users_device d WHERE d.id = p_device AND d.user_id = p_user),
           EXISTS (SELECT FROM compliance_contact k WHERE k.user_id = p_user AND k.payee_id = p_payee)
        INTO limits, versions, device_since, paid_before
        FROM (VALUES (p_user)) me (id) LEFT JOIN compliance_standing c ON c.user_id = me.id;

    -- Newest first, as far as the limits reach: as many as the day's limit are enough for all of them; without one, to the end of the day;
    -- without any, far enough for the score. What was set aside for somebody counts as sent, whatever became of it.
    most := CASE WHEN (limits[1], limits[2], limits[4]) IS NULL THEN 60 ELSE least(limits[2], 2147483647) END;
    FOR r IN SELECT l.id, l.kind, l.credit_account, l.debit_version, l.posted_at FROM ledger_transfer l
             WHERE l.debit_account = p_account ORDER BY l.debit_version DESC LOOP
        IF newest = 0 THEN newest := r.debit_version; END IF;
        EXIT WHEN r.posted_at <= a_day_ago OR sends_day >= most;
        CONTINUE WHEN r.kind NOT IN (7, 8);
        IF r.kind = 8 THEN   -- for whom stands in the assessment
            SELECT w.account INTO r.credit_account FROM compliance_assessment a JOIN wallets_wallet w ON w.user_id = a.payee_id
                WHERE a.reference = r.id;
        END IF;
        sends_day := sends_day + 1;
        IF r.posted_at > an_hour_ago THEN sends_hour := sends_hour + 1; END IF;
        IF r.credit_account = p_payee_account THEN new_recipient := false; END IF;
        IF NOT r.credit_account = ANY (others) THEN others := others || r.credit_account; END IF;
    END LOOP;

    over := CASE WHEN p_amount > limits[3] THEN 'per_transfer'
                 WHEN sends_hour >= limits[1] THEN 'sends_per_hour'
                 WHEN sends_day >= limits[2] THEN 'sends_per_day'
                 WHEN new_recipient AND cardinality(others) >= limits[4] THEN 'recipients_per_day' END;
    RETURN (over, CASE WHEN over IS NULL THEN compliance_stamp(p_account, newest, p_payee_account, p_amount) END,
            limits[1], limits[3], sends_hour, paid_before, device_since, versions, t)::compliance_payment_look;
END $$;

-- As before, but for the engine's functions alone, and with what they have.
CREATE OR REPLACE FUNCTION compliance_assess(p_reference uuid, p_user bigint, p_payee bigint, p_kind text, p_amount bigint, p_screen jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO compliance_assessment (reference, user_id, payee_id, kind, amount, decision, score, version_id, signals, shadow, at)
        VALUES (p_reference, p_user, p_payee, p_kind, p_amount, p_screen ->> 'decision', (p_screen ->> 'score')::smallint,
                (p_screen ->> 'version')::bigint, p_screen -> 'signals', coalesce(p_screen -> 'shadow', '{}'), core_now());
END $$;
REVOKE EXECUTE ON FUNCTION compliance_assess(uuid, bigint, bigint, text, bigint, jsonb) FROM paya_worker;

DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
             AND p.proname IN ('compliance_stamp', 'compliance_look_at_payment') LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
