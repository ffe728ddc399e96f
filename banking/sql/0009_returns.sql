-- What came back and what staff put right: who may write what, and the functions by which staff decide.

GRANT SELECT ON banking_return TO paya_web, paya_worker, paya_staff, paya_auditor;
GRANT INSERT, UPDATE (due_at) ON banking_return TO paya_worker;
GRANT SELECT, UPDATE (lifted_at, due_at) ON banking_return TO paya_engine;
CREATE TRIGGER banking_refuse_removal BEFORE DELETE OR TRUNCATE ON banking_return
    FOR EACH STATEMENT EXECUTE FUNCTION banking_refuse();

CREATE POLICY staff ON banking_correction FOR SELECT TO paya_staff USING ((SELECT core_actor()) IS NOT NULL);
CREATE POLICY auditor ON banking_correction FOR SELECT TO paya_auditor USING (true);
GRANT SELECT ON banking_correction TO paya_worker, paya_staff, paya_auditor;
GRANT UPDATE (due_at, posted_at, refused) ON banking_correction TO paya_worker;
GRANT SELECT, INSERT, UPDATE (decided_by_id, decided_at, approved, due_at) ON banking_correction TO paya_engine;
GRANT USAGE ON SEQUENCE banking_correction_id_seq TO paya_engine;
CREATE TRIGGER banking_refuse_removal BEFORE DELETE OR TRUNCATE ON banking_correction
    FOR EACH STATEMENT EXECUTE FUNCTION banking_refuse();

-- What was asked for is what is decided about, and what was decided or posted stays so.
CREATE FUNCTION banking_correction_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.kind, NEW.user_id, NEW.amount, NEW.reference, NEW.asked_by_id, NEW.asked_at)
       IS DISTINCT FROM (OLD.kind, OLD.user_id, OLD.amount, OLD.reference, OLD.asked_by_id, OLD.asked_at)
       OR OLD.decided_by_id IS NOT NULL AND (NEW.decided_by_id, NEW.decided_at, NEW.approved)
       IS DISTINCT FROM (OLD.decided_by_id, OLD.decided_at, OLD.approved)
       OR OLD.posted_at IS NOT NULL
    THEN
        RAISE EXCEPTION 'correction %: what was asked, decided or posted stays', OLD.id USING ERRCODE = 'PB003';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER banking_correction_stays BEFORE UPDATE ON banking_correction
    FOR EACH ROW EXECUTE FUNCTION banking_correction_stays();

-- Staff have looked into a return: the person may use their account again. The worker makes the wallet follow.
CREATE FUNCTION banking_lift_restriction(p_return bigint, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    r banking_return;
BEGIN
    SELECT * INTO r FROM banking_return WHERE id = p_return FOR UPDATE;
    PERFORM console_acted('return.lift', p_return::text, format('Lifted the restriction that followed from %s.', r.code), p_reason);
    IF r.id IS NULL THEN
        RAISE EXCEPTION 'There is no such return.' USING ERRCODE = 'PY123';
    ELSIF NOT r.restricts OR r.lifted_at IS NOT NULL THEN
        RAISE EXCEPTION 'This return restricts nobody any more.' USING ERRCODE = 'PY124';
    END IF;
    UPDATE banking_return SET lifted_at = core_now(), due_at = core_now() WHERE id = p_return;
END $$;

CREATE FUNCTION banking_ask_correction(p_kind text, p_person text, p_amount bigint, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made bigint;
    person bigint;
BEGIN
    SELECT id INTO person FROM users_user WHERE public_id = p_person AND kind = 'person';
    IF p_kind = 'write_off' AND person IS NULL THEN
        RAISE EXCEPTION 'There is no such person.' USING ERRCODE = 'PY123';
    END IF;
    INSERT INTO banking_correction (kind, user_id, amount, reference, asked_by_id)
    VALUES (p_kind, person, p_amount, gen_random_uuid(), core_actor()) RETURNING id INTO made;
    PERFORM console_acted('correction.ask', coalesce(p_person, made::text), format('Asked for correction %s: %s of %s cents.', made,
        CASE p_kind WHEN 'write_off' THEN 'a write-off' ELSE 'money for the loss reserve' END, p_amount), p_reason);
    RETURN made;
END $$;

-- Approved or refused by another than who asked: the table's constraint says so too.
CREATE FUNCTION banking_decide_correction(p_correction bigint, p_approve boolean, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    c banking_correction;
BEGIN
    SELECT * INTO c FROM banking_correction WHERE id = p_correction FOR UPDATE;
    PERFORM console_acted('correction.decide', p_correction::text,
        CASE WHEN p_approve THEN 'Approved it.' ELSE 'Refused it.' END, p_reason);
    IF c.id IS NULL THEN
        RAISE EXCEPTION 'There is no such correction.' USING ERRCODE = 'PY123';
    ELSIF c.decided_by_id IS NOT NULL THEN
        RAISE EXCEPTION 'It has been decided already.' USING ERRCODE = 'PY124';
    ELSIF c.asked_by_id = core_actor() THEN
        RAISE EXCEPTION 'You asked for it yourself: somebody else decides.' USING ERRCODE = 'PY124';
    END IF;
    UPDATE banking_correction
    SET decided_by_id = core_actor(), decided_at = core_now(), approved = p_approve,
        due_at = CASE WHEN p_approve THEN core_now() END
    WHERE id = p_correction;
END $$;

DO $$
DECLARE f regprocedure;
BEGIN
    FOREACH f IN ARRAY ARRAY['banking_lift_restriction(bigint, text)', 'banking_ask_correction(text, text, bigint, text)',
                             'banking_decide_correction(bigint, boolean, text)']::regprocedure[] LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_staff', f);
    END LOOP;
END $$;
