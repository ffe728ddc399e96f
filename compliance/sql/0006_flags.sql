-- Flags (docs/compliance.md): what is noticed about a movement right after it, in the ledger's journal. A flag blocks nothing; flags
-- that weigh enough together open a case. Whoever looks follows the journal from where the last look ended, one at a time.

ALTER TABLE compliance_flagrule
    ADD CONSTRAINT compliance_flagrule_values CHECK (weight BETWEEN 0 AND 100 AND threshold BETWEEN 1 AND 100000 AND minutes BETWEEN 1 AND 525600),
    -- Who keeps to themselves what they pay for is no suspect for that: this alone never makes a case, whatever is set here.
    ADD CONSTRAINT compliance_flagrule_private_is_weak CHECK (rule <> 'private_only' OR weight <= 30);
INSERT INTO compliance_flagrule (rule, title, weight, threshold, minutes) VALUES
    ('many_senders', 'Paid by many different people in a day', 100, 10, 1440),
    ('repeat_recipient', 'Many payments to one person in an hour', 60, 5, 60),
    ('load_sent_on', 'Load sent on at once to a new account', 100, 50, 120),
    ('circle', 'Money that came back in a circle within a day', 50, 3, 1440),
    ('habit', 'Sudden change of habit', 50, 5, 1440),
    ('private_only', 'Only private payments', 10, 10, 43200);
ALTER TABLE compliance_flag ADD CONSTRAINT compliance_flag_of_rule FOREIGN KEY (rule) REFERENCES compliance_flagrule (rule);

CREATE TRIGGER flags_are_kept BEFORE DELETE ON compliance_flag FOR EACH ROW EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER flags_are_not_truncated BEFORE TRUNCATE ON compliance_flag FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER flags_stay BEFORE UPDATE ON compliance_flag FOR EACH ROW WHEN (
    (OLD.public_id, OLD.user_id, OLD.rule, OLD.bucket, OLD.weight, OLD.detail, OLD.transfer, OLD.other_id, OLD.at, OLD.created_at)
    IS DISTINCT FROM (NEW.public_id, NEW.user_id, NEW.rule, NEW.bucket, NEW.weight, NEW.detail, NEW.transfer, NEW.other_id, NEW.at, NEW.created_at)
    OR OLD.case_id IS NOT NULL AND NEW.case_id IS DISTINCT FROM OLD.case_id) EXECUTE FUNCTION compliance_refuse();

-- How far the journal was looked at. Whatever moved before there were flags is not gone through.
CREATE TABLE compliance_flagcursor (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    at timestamptz NOT NULL,
    transfer uuid NOT NULL
);
INSERT INTO compliance_flagcursor (at, transfer)
    SELECT coalesce(max(posted_at), '-infinity'), 'ffffffff-ffff-ffff-ffff-ffffffffffff' FROM ledger_transfer;

-- ------------------------------------------------------------------------------------------------ raising one
-- From which sum of weights on a case is opened: of the last 30 days, each rule once, without what a closed case was about.
CREATE FUNCTION compliance_flag_limit() RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT 100 $$;

-- Raise a flag unless this rule has raised one about this person (and the other one, where `p_other` is part of it) within its window.
-- The row's uniqueness per window of the clock holds that whoever calls. True when there is a new one.
CREATE FUNCTION compliance_raise_flag(p_rule text, p_user bigint, p_other bigint, p_transfer uuid, p_at timestamptz, p_detail jsonb)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    r compliance_flagrule;
    raised bigint;
    total int;
    opened text;
    titles text;
    about jsonb;
BEGIN
    SELECT * INTO r FROM compliance_flagrule WHERE rule = p_rule AND active;
    IF NOT FOUND OR compliance_flagged(p_rule, p_user, p_other, p_at, r.minutes) THEN
        RETURN false;
    END IF;
    INSERT INTO compliance_flag (public_id, user_id, rule, bucket, weight, detail, transfer, other_id, at, created_at)
        VALUES (compliance_new_id('flg'), p_user, p_rule, floor(extract(epoch FROM p_at) / (60 * r.minutes))::text || ':' || coalesce(p_other::text, ''),
                r.weight, p_detail, p_transfer, p_other, p_at, core_now())
        ON CONFLICT (user_id, rule, bucket) DO NOTHING RETURNING id INTO raised;
    IF raised IS NULL THEN
        RETURN false;
    END IF;
    SELECT sum(weight), jsonb_agg(jsonb_build_object('rule', rule, 'weight', weight, 'detail', detail, 'at', at) ORDER BY at),
           string_agg(title, '; ' ORDER BY at) INTO total, about, titles
        FROM (SELECT DISTINCT ON (f.rule) f.rule, f.weight, f.detail, f.at, t.title FROM compliance_flag f
              JOIN compliance_flagrule t ON t.rule = f.rule LEFT JOIN compliance_case c ON c.id = f.case_id
              WHERE f.user_id = p_user AND f.at > p_at - interval '30 days' AND c.status IS DISTINCT FROM 'closed'
              ORDER BY f.rule, f.weight DESC, f.at DESC) one;
    IF total >= compliance_flag_limit() THEN
        opened := compliance_open_case('flag', p_user, '', titles, CASE WHEN total >= 2 * compliance_flag_limit() THEN 1 ELSE 2 END::smallint,
            jsonb_build_object('weight', total, 'signals', jsonb_build_object('weight', total, 'flags', about, 'account_age_days',
                (SELECT floor(extract(epoch FROM p_at - created_at) / 86400) FROM users_user WHERE id = p_user))));
        UPDATE compliance_flag SET case_id = (SELECT id FROM compliance_case WHERE public_id = opened)
            WHERE user_id = p_user AND case_id IS NULL AND at > p_at - interval '30 days';
    END IF;
    RETURN true;
END $$;

CREATE FUNCTION compliance_flagged(p_rule text, p_user bigint, p_other bigint, p_at timestamptz, p_minutes int) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM compliance_flag WHERE user_id = p_user AND rule = p_rule AND other_id IS NOT DISTINCT FROM p_other
                   AND at > p_at - make_interval(mins => p_minutes) AND at < p_at + make_interval(mins => p_minutes))
$$;

-- ------------------------------------------------------------------------------------------------ the rules
-- What was paid into and out of one wallet in the time before a movement, newest first and no further than `p_limit` rows. `other` is
-- the other person's wallet account, also where the money came out of their hold.
CREATE FUNCTION compliance_paid_in(p_account bigint, p_since timestamptz, p_until timestamptz, p_limit int)
RETURNS TABLE (other bigint, amount bigint, at timestamptz) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE r.kind WHEN 9 THEN (SELECT w.account FROM wallets_wallet w WHERE w.hold_account = r.debit_account) ELSE r.debit_account END,
           r.amount, r.posted_at
    FROM (SELECT t.kind, t.debit_account, t.amount, t.posted_at FROM ledger_transfer t WHERE t.credit_account = p_account
          ORDER BY t.credit_version DESC LIMIT p_limit) r
    WHERE r.kind IN (7, 9) AND r.posted_at > p_since AND r.posted_at <= p_until
$$;
CREATE FUNCTION compliance_paid_out(p_account bigint, p_since timestamptz, p_until timestamptz, p_limit int)
RETURNS TABLE (other bigint, amount bigint, at timestamptz) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT r.credit_account, r.amount, r.posted_at
    FROM ((SELECT t.kind, t.credit_account, t.amount, t.posted_at FROM ledger_transfer t WHERE t.debit_account = p_account
           ORDER BY t.debit_version DESC LIMIT p_limit)
          UNION ALL
          (SELECT t.kind, t.credit_account, t.amount, t.posted_at FROM ledger_transfer t
           WHERE t.debit_account = (SELECT w.hold_account FROM wallets_wallet w WHERE w.account = p_account)
           ORDER BY t.debit_version DESC LIMIT p_limit)) r
    WHERE r.kind IN (7, 9) AND r.posted_at > p_since AND r.posted_at <= p_until
$$;

-- The people on the way from `p_from` to `p_to` in at most `p_path` payments, each later than the one before, all of them after
-- p_since and before p_until: where a payment from p_to to p_from closes the circle. NULL: there is no such way. Of each wallet its
-- last 200 rows are looked at. (rewards/sql has the same idea for a whole week at once.)
CREATE FUNCTION compliance_way(p_from bigint, p_to bigint, p_path int, p_since timestamptz, p_until timestamptz) RETURNS bigint[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    way bigint[];
BEGIN
    SELECT ARRAY[p_from, p_to] INTO way FROM compliance_paid_in(p_to, p_since, p_until, 200) b WHERE b.other = p_from LIMIT 1;
    IF way IS NOT NULL OR p_path < 2 THEN RETURN way; END IF;
    WITH ahead AS MATERIALIZED (
        SELECT other, min(at) AS at FROM compliance_paid_out(p_from, p_since, p_until, 200) GROUP BY other
    ), back AS MATERIALIZED (
        SELECT other, max(at) AS at FROM compliance_paid_in(p_to, p_since, p_until, 200) GROUP BY other
    )
    SELECT coalesce(
        (SELECT ARRAY[p_from, a.other, p_to] FROM ahead a JOIN back b ON b.other = a.other AND b.at > a.at LIMIT 1),
        CASE WHEN p_path >= 3 THEN (
            SELECT ARRAY[p_from, a.other, b.other, p_to]
            FROM (SELECT * FROM ahead ORDER BY at DESC LIMIT 50) a,
                 LATERAL compliance_paid_out(a.other, a.at, p_until, 200) m JOIN back b ON b.other = m.other AND b.at > m.at LIMIT 1) END)
    INTO way;
    RETURN way;
END $$;

-- All rules about one payment. `t` names wallet accounts; what each of them says goes into the flag's detail.
CREATE FUNCTION compliance_judge_payment(p_payer bigint, p_payee bigint, p_from bigint, p_to bigint, p_amount bigint, p_transfer uuid, p_at timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    r compliance_flagrule;
    n bigint;
    sum_cents bigint;
    usual numeric;
    way bigint[];
    loaded record;
BEGIN
    FOR r IN SELECT * FROM compliance_flagrule WHERE active LOOP
        IF r.rule = 'many_senders' THEN
            CONTINUE WHEN compliance_flagged(r.rule, p_payee, NULL, p_at, r.minutes);
            SELECT count(DISTINCT i.other), sum(i.amount) INTO n, sum_cents
                FROM compliance_paid_in(p_to, p_at - make_interval(mins => r.minutes), p_at, 1000) i;
            IF n >= r.threshold THEN
                PERFORM compliance_raise_flag(r.rule, p_payee, NULL, p_transfer, p_at, jsonb_build_object('senders', n, 'cents', sum_cents));
            END IF;
        ELSIF r.rule = 'repeat_recipient' THEN
            CONTINUE WHEN compliance_flagged(r.rule, p_payer, p_payee, p_at, r.minutes);
            SELECT count(*), sum(o.amount) INTO n, sum_cents
                FROM compliance_paid_out(p_from, p_at - make_interval(mins => r.minutes), p_at, 200) o WHERE o.other = p_to;
            IF n >= r.threshold THEN
                PERFORM compliance_raise_flag(r.rule, p_payer, p_payee, p_transfer, p_at, jsonb_build_object('payments', n, 'cents', sum_cents));
            END IF;
        ELSIF r.rule = 'load_sent_on' THEN
            CONTINUE WHEN compliance_flagged(r.rule, p_payer, NULL, p_at, r.minutes)
                OR NOT EXISTS (SELECT FROM users_user WHERE id = p_payee AND created_at > p_at - interval '7 days');
            SELECT l.amount, l.posted_at INTO loaded
                FROM (SELECT t.kind, t.amount, t.posted_at FROM ledger_transfer t WHERE t.credit_account = p_from ORDER BY t.credit_version DESC LIMIT 50) l
                WHERE l.kind = 1 AND l.posted_at > p_at - make_interval(mins => r.minutes) AND l.posted_at <= p_at ORDER BY l.posted_at DESC LIMIT 1;
            IF FOUND AND p_amount * 100 >= loaded.amount * r.threshold THEN
                PERFORM compliance_raise_flag(r.rule, p_payer, NULL, p_transfer, p_at, jsonb_build_object(
                    'loaded', loaded.amount, 'sent', p_amount, 'minutes', floor(extract(epoch FROM p_at - loaded.posted_at) / 60), 'to', p_payee));
            END IF;
        ELSIF r.rule = 'circle' THEN
            CONTINUE WHEN compliance_flagged(r.rule, p_payee, NULL, p_at, r.minutes);
            way := compliance_way(p_to, p_from, least(r.threshold, 3), p_at - make_interval(mins => r.minutes), p_at);
            IF way IS NOT NULL THEN
                PERFORM compliance_raise_flag(r.rule, p_payee, NULL, p_transfer, p_at, jsonb_build_object('cents', p_amount, 'people',
                    (SELECT jsonb_agg(w.user_id ORDER BY o.n) FROM unnest(way) WITH ORDINALITY o(account, n) JOIN wallets_wallet w USING (account))));
            END IF;
        ELSIF r.rule = 'habit' THEN
            CONTINUE WHEN p_amount < 10000 OR compliance_flagged(r.rule, p_payer, NULL, p_at, r.minutes);
            -- Their median payment of the last 200 rows, without the day that is compared with it; from eight payments on it is a habit.
            SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY o.amount) INTO n, usual
                FROM compliance_paid_out(p_from, '-infinity', p_at - make_interval(mins => r.minutes), 200) o;
            IF n >= 8 AND p_amount >= usual * r.threshold THEN
                PERFORM compliance_raise_flag(r.rule, p_payer, NULL, p_transfer, p_at,
                    jsonb_build_object('sent', p_amount, 'usual', round(usual), 'payments', n));
            END IF;
        END IF;
    END LOOP;
END $$;

-- ------------------------------------------------------------------------------------------------ following the journal
-- Look at what was posted since the last look and before p_until, at most p_limit rows of the journal. How many there were, and
-- whose payments were among them. NULL while somebody else is looking. Whoever calls has waited until nothing that is stamped earlier
-- can still commit (ledger/cuts.py).
CREATE FUNCTION compliance_look(p_until timestamptz, p_limit int) RETURNS TABLE (looked int, payers bigint[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    seen compliance_flagcursor;
    t record;
BEGIN
    SELECT * INTO seen FROM compliance_flagcursor WHERE id = 1 FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    looked := 0; payers := '{}';
    FOR t IN
        SELECT j.id, j.kind, j.amount, j.posted_at, p.user_id AS payer, p.account AS "from", q.user_id AS payee, q.account AS "to"
        FROM (SELECT * FROM ledger_transfer WHERE posted_at >= seen.at AND posted_at < p_until AND (posted_at, id) > (seen.at, seen.transfer)
              ORDER BY posted_at, id LIMIT p_limit) j
        LEFT JOIN wallets_wallet p ON j.kind = 7 AND p.account = j.debit_account OR j.kind = 9 AND p.hold_account = j.debit_account
        LEFT JOIN wallets_wallet q ON j.kind IN (7, 9) AND q.account = j.credit_account
        ORDER BY j.posted_at, j.id
    LOOP
        looked := looked + 1;
        seen.at := t.posted_at; seen.transfer := t.id;
        IF t.payer IS NOT NULL AND t.payee IS NOT NULL THEN
            PERFORM compliance_judge_payment(t.payer, t.payee, t."from", t."to", t.amount, t.id, t.posted_at);
            payers := payers || t.payer;
        END IF;
    END LOOP;
    IF looked > 0 THEN
        UPDATE compliance_flagcursor SET at = seen.at, transfer = seen.transfer WHERE id = 1;
    END IF;
    RETURN NEXT;
END $$;

-- ------------------------------------------------------------------------------------------------ what staff do
CREATE FUNCTION compliance_change_flagrule(p_rule text, p_weight int, p_threshold int, p_minutes int, p_active boolean, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM console_acted('flagrule.change', p_rule, format('Weight %s, from %s on, within %s minutes, %s.', p_weight, p_threshold, p_minutes,
        CASE WHEN p_active THEN 'on' ELSE 'off' END), p_reason);
    UPDATE compliance_flagrule SET weight = p_weight, threshold = p_threshold, minutes = p_minutes, active = p_active,
        changed_at = core_now(), changed_by_id = core_actor() WHERE rule = p_rule;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no such rule.' USING ERRCODE = 'PY123';
    END IF;
    RETURN p_rule;
EXCEPTION WHEN check_violation THEN
    RAISE EXCEPTION 'One of these values cannot be.' USING ERRCODE = 'PY124';
END $$;

-- The verdict has what was flagged until the case was closed, and not only what opened it.
CREATE OR REPLACE FUNCTION compliance_conclude(p_case text, p_outcome text, p_label text, p_result text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    c compliance_case := compliance_locked_case(p_case);
    -- Staff, or nobody where PaYa itself or the person ended it (a held payment that was cancelled).
    staff bigint := (SELECT id FROM users_user WHERE id = core_actor() AND kind = 'staff');
    flags jsonb;
BEGIN
    IF c.status <> 'open' THEN
        RETURN false;
    END IF;
    SELECT jsonb_agg(jsonb_build_object('rule', rule, 'weight', weight, 'detail', detail, 'at', at) ORDER BY at) INTO flags
        FROM compliance_flag WHERE case_id = c.id;
    UPDATE compliance_case SET status = 'closed', outcome = p_outcome, label = p_label, result = trim(p_result), closed_at = core_now(),
        closed_by_id = staff WHERE id = c.id;
    INSERT INTO compliance_verdict (case_id, user_id, kind, outcome, label, result, signals, opened_at, staff_id)
        VALUES (c.id, c.user_id, c.kind, p_outcome, p_label, trim(p_result),
                c.signals || CASE WHEN flags IS NULL THEN '{}' ELSE jsonb_build_object('flags', flags) END, c.created_at, staff);
    RETURN true;
END $$;

DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proowner <> 'paya_engine'::regrole
             AND p.proname LIKE 'compliance\_%' AND p.prosecdef LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_engine', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION compliance_flag_limit() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION compliance_flag_limit() TO paya_engine, paya_staff;
GRANT EXECUTE ON FUNCTION compliance_look(timestamptz, int), compliance_raise_flag(text, bigint, bigint, uuid, timestamptz, jsonb),
    compliance_flagged(text, bigint, bigint, timestamptz, int) TO paya_worker;
GRANT EXECUTE ON FUNCTION compliance_change_flagrule(text, int, int, int, boolean, text) TO paya_staff;
GRANT SELECT ON compliance_flagrule, compliance_flagcursor TO paya_engine, paya_worker, paya_auditor;
GRANT UPDATE ON compliance_flagcursor TO paya_engine;
GRANT UPDATE (weight, threshold, minutes, active, changed_at, changed_by_id) ON compliance_flagrule TO paya_engine;
GRANT SELECT, INSERT, UPDATE (case_id) ON compliance_flag TO paya_engine;
GRANT USAGE ON SEQUENCE compliance_flag_id_seq TO paya_engine;
GRANT SELECT ON compliance_flag TO paya_worker, paya_auditor;
