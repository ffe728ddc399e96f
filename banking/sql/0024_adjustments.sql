-- Adjusting a balance, by the same two of the staff that a write-off takes (banking/services/corrections.py): against the adjustments
-- account, which two of the staff fill from capital or operations, and which the ledger keeps from going below zero.
ALTER TABLE banking_correction DROP CONSTRAINT banking_correction_kind;
ALTER TABLE banking_correction ADD CONSTRAINT banking_correction_kind CHECK (
    kind IN ('write_off', 'adjustment_credit', 'adjustment_debit') AND user_id IS NOT NULL AND line_key IS NULL
    OR kind IN ('loss_reserve', 'adjustments_capital', 'adjustments_operations') AND user_id IS NULL AND line_key IS NULL
    OR kind = 'rail_cost' AND user_id IS NULL AND line_key IS NOT NULL AND of_break IS NOT NULL
    OR kind = 'suspense_found' AND user_id IS NOT NULL AND line_key IS NOT NULL AND of_break IS NOT NULL) NOT VALID;

-- What is approved is this, and nothing that it is made to later: the approval keeps its digest, and nothing is posted under another.
CREATE FUNCTION banking_correction_digest(c banking_correction) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(convert_to(jsonb_build_array(c.id, c.kind, c.user_id, c.amount, c.reference, c.asked_by_id, c.of_break, c.line_key)::text, 'UTF8'))
$$;
REVOKE EXECUTE ON FUNCTION banking_correction_digest(banking_correction) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION banking_correction_digest(banking_correction) TO paya_engine, paya_worker;
GRANT UPDATE (approved_digest) ON banking_correction TO paya_engine;
-- What was approved before and is not posted yet; as the engine, for the policies bind the tables' owner as well.
SET LOCAL ROLE paya_engine;
UPDATE banking_correction c SET approved_digest = banking_correction_digest(c) WHERE approved AND posted_at IS NULL;
RESET ROLE;

CREATE OR REPLACE FUNCTION banking_correction_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.kind, NEW.user_id, NEW.amount, NEW.reference, NEW.asked_by_id, NEW.asked_at, NEW.of_break, NEW.line_key)
       IS DISTINCT FROM (OLD.kind, OLD.user_id, OLD.amount, OLD.reference, OLD.asked_by_id, OLD.asked_at, OLD.of_break, OLD.line_key)
       OR OLD.decided_by_id IS NOT NULL AND (NEW.decided_by_id, NEW.decided_at, NEW.approved, NEW.approved_digest)
       IS DISTINCT FROM (OLD.decided_by_id, OLD.decided_at, OLD.approved, OLD.approved_digest)
       OR OLD.posted_at IS NOT NULL
    THEN
        RAISE EXCEPTION 'correction %: what was asked, decided or posted stays', OLD.id USING ERRCODE = 'PB003';
    ELSIF NEW.posted_at IS NOT NULL AND NEW.approved AND NEW.approved_digest IS DISTINCT FROM banking_correction_digest(NEW) THEN
        RAISE EXCEPTION 'correction %: this is not what was approved', OLD.id USING ERRCODE = 'PB003';
    END IF;
    RETURN NEW;
END $$;

-- How much money of people a member of staff may ask for, or approve, in a day (UTC), by role: the highest of their roles counts, nothing
-- where none has a row. Rows are added and never changed; the newest in force counts.
CREATE TABLE banking_ceiling (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    role text NOT NULL,
    action text NOT NULL CHECK (action IN ('correction.ask', 'correction.decide')),
    cents bigint NOT NULL CHECK (cents >= 0),
    effective_at timestamptz NOT NULL DEFAULT core_now(),
    reason text NOT NULL,
    set_by_id bigint REFERENCES users_user,
    created_at timestamptz NOT NULL DEFAULT core_now()
);
ALTER TABLE banking_ceiling ENABLE ROW LEVEL SECURITY;
ALTER TABLE banking_ceiling FORCE ROW LEVEL SECURITY;
CREATE POLICY engine ON banking_ceiling TO paya_engine USING (true) WITH CHECK (true);
CREATE POLICY auditor ON banking_ceiling FOR SELECT TO paya_auditor USING (true);
CREATE POLICY staff ON banking_ceiling FOR SELECT TO paya_staff USING ((SELECT core_actor()) IS NOT NULL);
GRANT SELECT, INSERT ON banking_ceiling TO paya_engine;
GRANT SELECT ON banking_ceiling TO paya_staff, paya_auditor;
CREATE TRIGGER banking_ceilings_stay BEFORE UPDATE OR DELETE ON banking_ceiling FOR EACH ROW EXECUTE FUNCTION banking_refuse();
CREATE TRIGGER banking_ceilings_are_kept BEFORE TRUNCATE ON banking_ceiling FOR EACH STATEMENT EXECUTE FUNCTION banking_refuse();
-- The owner, who is bound by the policies too, puts in the first ones as the engine.
SET LOCAL ROLE paya_engine;
INSERT INTO banking_ceiling (role, action, cents, effective_at, reason) VALUES
    ('support', 'correction.ask', 50000, '2020-01-01', 'What PaYa began with'),
    ('finance', 'correction.ask', 500000, '2020-01-01', 'What PaYa began with'),
    ('finance', 'correction.decide', 1000000, '2020-01-01', 'What PaYa began with');
RESET ROLE;

-- Raises where this much more is over what the actor may do today. Call it after console_acted, whose lock makes staff go one after the
-- other: two at once do not both find the last of it.
CREATE FUNCTION banking_within_ceiling(p_action text, p_cents bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    most bigint;
    already bigint;
    today timestamptz := date_trunc('day', core_now(), 'UTC');
BEGIN
    SELECT max(c.cents) INTO most FROM (
        SELECT DISTINCT ON (role) role, cents FROM banking_ceiling WHERE action = p_action AND effective_at <= core_now()
        ORDER BY role, effective_at DESC, id DESC) c
    JOIN console_staffrole s USING (role) WHERE s.user_id = core_actor();
    SELECT coalesce(sum(amount), 0) INTO already FROM banking_correction
    WHERE kind IN ('write_off', 'adjustment_credit', 'adjustment_debit')
      AND CASE p_action WHEN 'correction.ask' THEN asked_by_id = core_actor() AND asked_at >= today AND approved IS NOT FALSE
                        ELSE decided_by_id = core_actor() AND decided_at >= today AND approved END;
    IF already + p_cents > coalesce(most, 0) THEN
        RAISE EXCEPTION 'That is over your ceiling of % a day, of which % are used.', to_char(coalesce(most, 0) / 100.0, 'FM$999,999,990.00'),
            to_char(already / 100.0, 'FM$999,999,990.00') USING ERRCODE = 'PY124';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION banking_ask_correction(p_kind text, p_person text, p_amount bigint, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made bigint;
    person bigint;
    words constant text := CASE p_kind WHEN 'write_off' THEN 'a write-off' WHEN 'loss_reserve' THEN 'money for the loss reserve'
        WHEN 'adjustment_credit' THEN 'a credit' WHEN 'adjustment_debit' THEN 'a debit'
        WHEN 'adjustments_capital' THEN 'money of capital for adjustments'
        WHEN 'adjustments_operations' THEN 'money of operations for adjustments' END;
    of_person constant boolean := p_kind IN ('write_off', 'adjustment_credit', 'adjustment_debit');
BEGIN
    PERFORM console_acted('correction.ask', coalesce(p_person, p_kind), format('Asked for %s of %s cents.', coalesce(words, p_kind), p_amount), p_reason);
    SELECT id INTO person FROM users_user WHERE public_id = p_person AND kind = 'person';
    IF words IS NULL THEN
        RAISE EXCEPTION 'There is no such correction.' USING ERRCODE = 'PY124';
    ELSIF of_person AND person IS NULL THEN
        RAISE EXCEPTION 'There is no such person.' USING ERRCODE = 'PY123';
    ELSIF of_person THEN
        PERFORM banking_within_ceiling('correction.ask', p_amount);
    END IF;
    INSERT INTO banking_correction (kind, user_id, amount, reference, asked_by_id)
    VALUES (p_kind, person, p_amount, gen_random_uuid(), core_actor()) RETURNING id INTO made;
    RETURN made;
END $$;

-- Approved or refused by another than who asked: the table's constraint says so too.
CREATE OR REPLACE FUNCTION banking_decide_correction(p_correction bigint, p_approve boolean, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    c banking_correction;
BEGIN
    PERFORM console_acted('correction.decide', p_correction::text,
        CASE WHEN p_approve THEN 'Approved it.' ELSE 'Refused it.' END, p_reason);
    SELECT * INTO c FROM banking_correction WHERE id = p_correction FOR UPDATE;
    IF c.id IS NULL THEN
        RAISE EXCEPTION 'There is no such correction.' USING ERRCODE = 'PY123';
    ELSIF c.decided_by_id IS NOT NULL THEN
        RAISE EXCEPTION 'It has been decided already.' USING ERRCODE = 'PY124';
    ELSIF c.asked_by_id = core_actor() THEN
        RAISE EXCEPTION 'You asked for it yourself: somebody else decides.' USING ERRCODE = 'PY124';
    ELSIF p_approve AND c.kind IN ('write_off', 'adjustment_credit', 'adjustment_debit') THEN
        PERFORM banking_within_ceiling('correction.decide', c.amount);
    END IF;
    UPDATE banking_correction
    SET decided_by_id = core_actor(), decided_at = core_now(), approved = p_approve,
        due_at = CASE WHEN p_approve THEN core_now() END, approved_digest = CASE WHEN p_approve THEN banking_correction_digest(c) END
    WHERE id = p_correction;
END $$;

-- Another ceiling for a role, from a time on. Nobody gives more to a role of their own.
CREATE FUNCTION banking_set_ceiling(p_role text, p_action text, p_cents bigint, p_from timestamptz, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM console_acted('ceiling.set', p_role, format('%s cents a day for %s from %s on.', p_cents, p_action, p_from), p_reason);
    IF p_role NOT IN ('support', 'compliance', 'finance') OR p_action NOT IN ('correction.ask', 'correction.decide')
        OR p_cents NOT BETWEEN 0 AND 100000000 OR p_from < core_now() - interval '1 minute' THEN
        RAISE EXCEPTION 'There is no such ceiling.' USING ERRCODE = 'PY124';
    ELSIF EXISTS (SELECT FROM console_staffrole WHERE user_id = core_actor() AND role = p_role) THEN
        RAISE EXCEPTION 'Nobody sets the ceiling of a role of their own.' USING ERRCODE = 'PY124';
    END IF;
    INSERT INTO banking_ceiling (role, action, cents, effective_at, reason, set_by_id)
    VALUES (p_role, p_action, p_cents, p_from, trim(p_reason), core_actor()) RETURNING id INTO made;
    RETURN made;
END $$;

DO $$
DECLARE
    f regprocedure;
BEGIN
    FOREACH f IN ARRAY '{"banking_within_ceiling(text,bigint)","banking_set_ceiling(text,text,bigint,timestamptz,text)"}'::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION banking_set_ceiling(text, text, bigint, timestamptz, text) TO paya_staff;
