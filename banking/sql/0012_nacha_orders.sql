-- What staff want sent in our files besides transfers: prenotes and reversals. The worker makes the entries of them.
GRANT SELECT, UPDATE (due_at, entry_id, refused) ON banking_nachaorder TO paya_worker;
GRANT SELECT, INSERT ON banking_nachaorder TO paya_engine;
GRANT USAGE ON SEQUENCE banking_nachaorder_id_seq TO paya_engine;
CREATE TRIGGER banking_refuse_removal BEFORE DELETE OR TRUNCATE ON banking_nachaorder
    FOR EACH STATEMENT EXECUTE FUNCTION banking_refuse();

-- What was asked for stays, and so does what became of it.
CREATE FUNCTION banking_nacha_check_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - '{due_at,entry_id,refused}'::text[] IS DISTINCT FROM to_jsonb(OLD) - '{due_at,entry_id,refused}'::text[]
       OR OLD.due_at IS NULL
    THEN
        RAISE EXCEPTION 'NACHA order %: it stays as it was asked for and carried out', OLD.id USING ERRCODE = 'PB002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER banking_nacha_check_order BEFORE UPDATE ON banking_nachaorder
    FOR EACH ROW EXECUTE FUNCTION banking_nacha_check_order();

CREATE FUNCTION banking_nacha_order_prenote(p_receiver text, p_direction text, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    r banking_nachareceiver;
    made bigint;
BEGIN
    SELECT * INTO r FROM banking_nachareceiver WHERE public_id = p_receiver;
    PERFORM console_acted('nacha.prenote', p_receiver, format('Asked the bank about this account with a prenote (%s).', p_direction),
        p_reason);
    IF r.id IS NULL THEN
        RAISE EXCEPTION 'There is no such account.' USING ERRCODE = 'PY123';
    ELSIF r.removed_at IS NOT NULL THEN
        RAISE EXCEPTION 'This account was removed.' USING ERRCODE = 'PY124';
    ELSIF EXISTS (SELECT FROM banking_nachaorder o LEFT JOIN banking_nachaentry e ON e.id = o.entry_id
        WHERE o.receiver_id = r.id AND o.kind = 'prenote' AND (o.due_at IS NOT NULL OR e.status IN ('queued', 'filed')))
    THEN
        RAISE EXCEPTION 'A prenote to this account is on its way.' USING ERRCODE = 'PY124';
    END IF;
    INSERT INTO banking_nachaorder (user_id, kind, key, receiver_id, direction, asked_by_id, due_at)
    VALUES (r.user_id, 'prenote', gen_random_uuid(), r.id, p_direction, core_actor(), core_now()) RETURNING id INTO made;
    RETURN made;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'A prenote to this account is on its way.' USING ERRCODE = 'PY124';
END $$;

-- The five banking days are counted where the calendar is (banking/services/nacha): the page does not offer it after them, and
-- the worker does not carry it out.
CREATE FUNCTION banking_nacha_order_reversal(p_entry text, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    e banking_nachaentry;
    made bigint;
BEGIN
    SELECT * INTO e FROM banking_nachaentry WHERE public_id = p_entry;
    PERFORM console_acted('nacha.reverse', p_entry, 'Asked for it to be taken back by a reversal.', p_reason);
    IF e.id IS NULL THEN
        RAISE EXCEPTION 'There is no such entry.' USING ERRCODE = 'PY123';
    ELSIF e.purpose NOT IN ('transfer', 'retry') OR e.status NOT IN ('acknowledged', 'settled') THEN
        RAISE EXCEPTION 'Only a transfer that the bank has taken, and that has not come back, can be reversed.' USING ERRCODE = 'PY124';
    END IF;
    INSERT INTO banking_nachaorder (user_id, kind, key, receiver_id, direction, original_id, asked_by_id, due_at)
    VALUES (e.user_id, 'reversal', gen_random_uuid(), e.receiver_id,
        CASE e.direction WHEN 'debit' THEN 'credit' ELSE 'debit' END, e.id, core_actor(), core_now()) RETURNING id INTO made;
    RETURN made;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'Its reversal was asked for before.' USING ERRCODE = 'PY124';
END $$;

DO $$
DECLARE f regprocedure;
BEGIN
    FOREACH f IN ARRAY '{banking_nacha_check_order(),"banking_nacha_order_prenote(text,text,text)","banking_nacha_order_reversal(text,text)"}'::regprocedure[] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION banking_nacha_order_prenote(text, text, text), banking_nacha_order_reversal(text, text) TO paya_staff;
