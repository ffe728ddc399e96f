-- Review cases (docs/compliance.md): something that a member of staff has to look at and close with a result. Rooms above open
-- them from their own functions; what staff do to them are the functions at the end.

-- A closed list, with what a case of it is called and how long it may take by priority (high, usual, low). A room that needs
-- another kind adds its row in a migration of its own.
CREATE TABLE compliance_casekind (
    kind text PRIMARY KEY CHECK (kind ~ '^[a-z_]+$'),
    title text NOT NULL,
    due_hours int[] NOT NULL CHECK (cardinality(due_hours) = 3 AND 0 < ALL (due_hours))
);
INSERT INTO compliance_casekind (kind, title, due_hours) VALUES
    ('held_payment', 'Held payment', '{4,24,72}'), ('held_transfer', 'Held load or redemption', '{4,24,72}'), ('flag', 'Flags', '{24,72,240}'), ('review', 'Asked for by staff', '{24,72,240}'),
    ('sanctions', 'Sanctions list', '{24,48,72}'), ('document', 'Identity document', '{24,48,120}'),
    ('dispute', 'Dispute', '{240,240,240}'), ('appeal', 'Appeal', '{24,72,120}'), ('denied', 'Denied movement', '{24,72,240}'),
    ('closing', 'Closing of an account', '{24,72,240}'), ('other', 'Something else', '{24,72,240}');
ALTER TABLE compliance_case
    ADD CONSTRAINT compliance_case_of_kind FOREIGN KEY (kind) REFERENCES compliance_casekind (kind),
    ADD CONSTRAINT compliance_case_summary CHECK (length(summary) BETWEEN 1 AND 500 AND length(about) <= 200);

-- Time and chance, as core/ids.py makes them: ten characters of milliseconds, sixteen of chance (80 bits), in Crockford's base 32.
CREATE FUNCTION compliance_new_id(p_prefix text) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT p_prefix || '_'
        || string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + ((ms >> greatest(5 * (9 - i), 0)) & 31)::int, 1), '' ORDER BY i) FILTER (WHERE i < 10)
        || string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + (get_byte(chance, i) & 31), 1), '' ORDER BY i)
    FROM (SELECT (extract(epoch FROM core_now()) * 1000)::bigint AS ms,
                 sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) AS chance) made, generate_series(0, 15) i
$$;

-- Open a case, or find the one that is open about the same: its public id. `p_detail` explains it to staff; its keys `signals` (what
-- was measured at the time, kept with the label that the case gets) and `due_at` are taken out of it. A second cause makes an open
-- case more urgent and never less. Called inside the definer functions of rooms above, and by the worker.
CREATE FUNCTION compliance_open_case(p_kind text, p_user bigint, p_about text, p_summary text, p_priority smallint, p_detail jsonb)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    opened text;
    details jsonb := coalesce(p_detail, '{}');
    hours int;
BEGIN
    SELECT due_hours[p_priority] INTO hours FROM compliance_casekind WHERE kind = p_kind;
    LOOP  -- until it is ours, or somebody else's: one that is closed between the two statements is neither
        INSERT INTO compliance_case (public_id, user_id, kind, about, summary, detail, priority, signals, created_at, due_at)
            VALUES (compliance_new_id('cas'), p_user, p_kind, p_about, left(p_summary, 500), details - '{signals,due_at}'::text[], p_priority,
                    coalesce(details -> 'signals', '{}'), core_now(),
                    coalesce((details ->> 'due_at')::timestamptz, core_now() + make_interval(hours => hours)))
            ON CONFLICT (user_id, kind, about) WHERE status = 'open' DO NOTHING RETURNING public_id INTO opened;
        EXIT WHEN FOUND;
        SELECT public_id INTO opened FROM compliance_case
            WHERE user_id = p_user AND kind = p_kind AND about = p_about AND status = 'open' FOR NO KEY UPDATE;
        CONTINUE WHEN NOT FOUND;
        UPDATE compliance_case SET priority = p_priority, due_at = least(due_at, core_now() + make_interval(hours => hours))
            WHERE public_id = opened AND priority > p_priority;
        EXIT;
    END LOOP;
    RETURN opened;
END $$;

-- ------------------------------------------------------------------------------------------------ what stays
CREATE FUNCTION compliance_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: what was said about a case stays', TG_OP, TG_TABLE_NAME USING ERRCODE = 'PY110';
END $$;
CREATE TRIGGER cases_are_kept BEFORE DELETE ON compliance_case FOR EACH ROW EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER cases_are_not_truncated BEFORE TRUNCATE ON compliance_case FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER verdicts_stay BEFORE UPDATE OR DELETE ON compliance_verdict FOR EACH ROW EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER verdicts_are_kept BEFORE TRUNCATE ON compliance_verdict FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER notes_stay BEFORE UPDATE OR DELETE ON compliance_casenote FOR EACH ROW EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER notes_are_kept BEFORE TRUNCATE ON compliance_casenote FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse();
-- What a case is about, and what was measured when it was opened, is history from the start.
CREATE TRIGGER cases_keep_their_cause BEFORE UPDATE ON compliance_case FOR EACH ROW WHEN (
    (OLD.public_id, OLD.user_id, OLD.kind, OLD.about, OLD.summary, OLD.created_at)
    IS DISTINCT FROM (NEW.public_id, NEW.user_id, NEW.kind, NEW.about, NEW.summary, NEW.created_at)) EXECUTE FUNCTION compliance_refuse();

-- ------------------------------------------------------------------------------------------------ what staff do
-- The case, locked: of two who act at once the second waits and finds what the first did.
CREATE FUNCTION compliance_locked_case(p_case text) RETURNS compliance_case LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    c compliance_case;
BEGIN
    SELECT * INTO c FROM compliance_case WHERE public_id = p_case FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no such case.' USING ERRCODE = 'PY123';
    END IF;
    RETURN c;
END $$;

-- Whoever takes a case has it until they close it or somebody assigns it: nobody takes it out of another's hands by a click.
CREATE FUNCTION compliance_take_case(p_case text, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    c compliance_case;
BEGIN
    PERFORM console_acted('case.take', p_case, 'Took the case.', p_reason);
    c := compliance_locked_case(p_case);
    IF c.status <> 'open' THEN
        RAISE EXCEPTION 'This case is closed.' USING ERRCODE = 'PY124';
    ELSIF c.assignee_id = core_actor() THEN
        RAISE EXCEPTION 'This case is yours already.' USING ERRCODE = 'PY124';
    ELSIF c.assignee_id IS NOT NULL THEN
        RAISE EXCEPTION 'This case is %''s: have it assigned to you.', (SELECT email FROM users_user WHERE id = c.assignee_id) USING ERRCODE = 'PY124';
    END IF;
    UPDATE compliance_case SET assignee_id = core_actor() WHERE id = c.id;
    RETURN p_case;
END $$;

CREATE FUNCTION compliance_assign_case(p_case text, p_to text, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    c compliance_case;
    somebody bigint;
BEGIN
    PERFORM console_acted('case.assign', p_case, format('Assigned the case to %s.', lower(p_to)), p_reason);
    c := compliance_locked_case(p_case);
    SELECT id INTO somebody FROM users_user WHERE email = lower(p_to) AND kind = 'staff' AND is_active;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Nobody of the staff has this e-mail.' USING ERRCODE = 'PY124';
    ELSIF c.status <> 'open' THEN
        RAISE EXCEPTION 'This case is closed.' USING ERRCODE = 'PY124';
    ELSIF c.assignee_id IS NOT DISTINCT FROM somebody THEN
        RAISE EXCEPTION 'This case is theirs already.' USING ERRCODE = 'PY124';
    END IF;
    UPDATE compliance_case SET assignee_id = somebody WHERE id = c.id;
    RETURN p_case;
END $$;

CREATE FUNCTION compliance_prioritise_case(p_case text, p_priority int, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    c compliance_case;
BEGIN
    PERFORM console_acted('case.prioritise', p_case, format('Priority %s.', ('{high,usual,low}'::text[])[p_priority]), p_reason);
    c := compliance_locked_case(p_case);
    IF c.status <> 'open' OR c.priority = p_priority OR p_priority NOT BETWEEN 1 AND 3 THEN
        RAISE EXCEPTION 'This case has that priority already, or is closed.' USING ERRCODE = 'PY124';
    END IF;
    UPDATE compliance_case SET priority = p_priority WHERE id = c.id;
    RETURN p_case;
END $$;

-- A note is its own reason. The same words of the same person once: the second click writes nothing.
CREATE FUNCTION compliance_note_case(p_case text, p_note text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    c compliance_case;
BEGIN
    PERFORM console_acted('case.note', p_case, 'Wrote a note.', p_note);
    c := compliance_locked_case(p_case);
    INSERT INTO compliance_casenote (case_id, user_id, staff_id, note) VALUES (c.id, c.user_id, core_actor(), trim(p_note))
        ON CONFLICT (case_id, staff_id, md5(note)) DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'You have written this already.' USING ERRCODE = 'PY124';
    END IF;
    RETURN p_case;
END $$;

-- The end of a case, inside somebody's transaction: its verdict is a row of its own with the signals of the time, and stays when the
-- case is opened again. Nothing where it is closed already.
CREATE FUNCTION compliance_conclude(p_case text, p_outcome text, p_label text, p_result text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    c compliance_case := compliance_locked_case(p_case);
    -- Staff, or nobody where PaYa itself or the person ended it (a held payment that was cancelled).
    staff bigint := (SELECT id FROM users_user WHERE id = core_actor() AND kind = 'staff');
BEGIN
    IF c.status <> 'open' THEN
        RETURN false;
    END IF;
    UPDATE compliance_case SET status = 'closed', outcome = p_outcome, label = p_label, result = trim(p_result), closed_at = core_now(),
        closed_by_id = staff WHERE id = c.id;
    INSERT INTO compliance_verdict (case_id, user_id, kind, outcome, label, result, signals, opened_at, staff_id)
        VALUES (c.id, c.user_id, c.kind, p_outcome, p_label, trim(p_result), c.signals, c.created_at, staff);
    RETURN true;
END $$;

CREATE FUNCTION compliance_close_case(p_case text, p_outcome text, p_label text, p_result text, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM console_acted('case.close', p_case, format('Closed the case: %s, %s.', replace(p_outcome, '_', ' '), replace(p_label, '_', ' ')), p_reason);
    IF (compliance_locked_case(p_case)).kind IN ('held_payment', 'held_transfer', 'sanctions', 'document', 'dispute', 'withdrawal') THEN
        RAISE EXCEPTION 'This case is closed by what is decided about it: see the links on its page.' USING ERRCODE = 'PY124';
    ELSIF NOT compliance_conclude(p_case, p_outcome, p_label, p_result) THEN
        RAISE EXCEPTION 'This case was closed before.' USING ERRCODE = 'PY124';
    END IF;
    RETURN p_case;
EXCEPTION WHEN check_violation THEN
    RAISE EXCEPTION 'One of these values cannot be.' USING ERRCODE = 'PY124';
END $$;

CREATE FUNCTION compliance_reopen_case(p_case text, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    c compliance_case;
    hours int;
BEGIN
    PERFORM console_acted('case.reopen', p_case, 'Opened the case again.', p_reason);
    c := compliance_locked_case(p_case);
    SELECT due_hours[c.priority] INTO hours FROM compliance_casekind WHERE kind = c.kind;
    IF c.kind IN ('held_payment', 'held_transfer', 'sanctions', 'document', 'dispute', 'withdrawal') THEN
        RAISE EXCEPTION 'What was decided about this is not undone by opening its case.' USING ERRCODE = 'PY124';
    ELSIF c.status <> 'closed' THEN
        RAISE EXCEPTION 'This case is open.' USING ERRCODE = 'PY124';
    END IF;
    UPDATE compliance_case SET status = 'open', outcome = NULL, label = NULL, result = NULL, closed_at = NULL, closed_by_id = NULL,
        due_at = core_now() + make_interval(hours => hours) WHERE id = c.id;
    RETURN p_case;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'A newer case about the same is open.' USING ERRCODE = 'PY124';
END $$;

-- For rooms above: what was decided elsewhere (a held payment released, a document refused) ends the case about it, in the same
-- transaction. The case's public id, or NULL where none was open.
CREATE FUNCTION compliance_close_case_about(p_kind text, p_user bigint, p_about text, p_outcome text, p_label text, p_result text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found_case text;
BEGIN
    SELECT public_id INTO found_case FROM compliance_case WHERE user_id = p_user AND kind = p_kind AND about = p_about AND status = 'open';
    IF found_case IS NULL OR NOT compliance_conclude(found_case, p_outcome, p_label, p_result) THEN
        RETURN NULL;
    END IF;
    RETURN found_case;
END $$;

-- ------------------------------------------------------------------------------------------------ who may do what
DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'compliance\_%' LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_engine', f);
    END LOOP;
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND p.proname LIKE 'compliance\_%' LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION compliance_open_case(text, bigint, text, text, smallint, jsonb),
    compliance_close_case_about(text, bigint, text, text, text, text) TO paya_worker;
GRANT EXECUTE ON FUNCTION compliance_take_case(text, text), compliance_assign_case(text, text, text),
    compliance_prioritise_case(text, int, text), compliance_note_case(text, text),
    compliance_close_case(text, text, text, text, text), compliance_reopen_case(text, text) TO paya_staff;
GRANT SELECT ON compliance_casekind TO paya_engine, paya_worker, paya_staff, paya_auditor;
GRANT SELECT, INSERT, UPDATE ON compliance_case TO paya_engine;
GRANT SELECT, INSERT ON compliance_verdict, compliance_casenote TO paya_engine;
GRANT USAGE ON SEQUENCE compliance_case_id_seq, compliance_verdict_id_seq, compliance_casenote_id_seq TO paya_engine;
GRANT SELECT ON compliance_case, compliance_verdict, compliance_casenote TO paya_worker, paya_auditor;
