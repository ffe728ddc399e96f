-- Direct NACHA files: what is true of entries and files whatever crashes, who may write what, and what staff may do.

-- ------------------------------------------------------------------------------------------------------ entries
-- An entry begins in the queue. What it is never changes; where it goes and its account (a notification of change) only
-- while it waits; and once it is in a file it leaves that only when the bank has rejected the file.
CREATE FUNCTION banking_nacha_check_entry() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    rejected boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'queued' THEN
            RAISE EXCEPTION 'a NACHA entry begins as queued and not as %', NEW.status USING ERRCODE = 'PB001';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.public_id, NEW.user_id, NEW.key, NEW.receiver_id, NEW.purpose, NEW.original_id, NEW.sec, NEW.direction,
        NEW.amount, NEW.promised_on, NEW.same_day, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.public_id, OLD.user_id, OLD.key, OLD.receiver_id, OLD.purpose, OLD.original_id, OLD.sec, OLD.direction,
        OLD.amount, OLD.promised_on, OLD.same_day, OLD.created_at)
       OR (OLD.status <> 'queued' AND (NEW.routing, NEW.kind) IS DISTINCT FROM (OLD.routing, OLD.kind))
    THEN
        RAISE EXCEPTION 'NACHA entry %: what was asked for does not change', OLD.public_id USING ERRCODE = 'PB002';
    END IF;
    IF OLD.return_code <> '' AND NEW.return_code <> OLD.return_code THEN
        RAISE EXCEPTION 'NACHA entry %: it has come back', OLD.public_id USING ERRCODE = 'PB002';
    END IF;
    IF (NEW.status, NEW.batch_id, NEW.trace) IS NOT DISTINCT FROM (OLD.status, OLD.batch_id, OLD.trace) THEN
        RETURN NEW;
    END IF;
    IF NEW.status = OLD.status THEN
        RAISE EXCEPTION 'NACHA entry %: it keeps its file and its trace', OLD.public_id USING ERRCODE = 'PB002';
    END IF;
    IF OLD.status = 'filed' AND NEW.status IN ('queued', 'refused') THEN
        SELECT f.status = 'rejected' INTO rejected FROM banking_nachabatch b JOIN banking_nachafile f ON f.id = b.file_id
            WHERE b.id = OLD.batch_id;
        IF NOT rejected THEN
            RAISE EXCEPTION 'NACHA entry %: its file was not rejected', OLD.public_id USING ERRCODE = 'PB001';
        END IF;
    ELSIF (OLD.status, NEW.status) NOT IN (
        ('queued', 'filed'), ('queued', 'cancelled'), ('filed', 'acknowledged'), ('filed', 'returned'),
        ('acknowledged', 'settled'), ('acknowledged', 'returned'), ('settled', 'returned'))
    THEN
        RAISE EXCEPTION 'NACHA entry %: % cannot follow %', OLD.public_id, NEW.status, OLD.status USING ERRCODE = 'PB001';
    END IF;
    IF OLD.status <> 'queued' AND NEW.status <> 'queued' AND (NEW.batch_id, NEW.trace) IS DISTINCT FROM (OLD.batch_id, OLD.trace) THEN
        RAISE EXCEPTION 'NACHA entry %: it keeps its file and its trace', OLD.public_id USING ERRCODE = 'PB002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER banking_nacha_check_entry BEFORE INSERT OR UPDATE ON banking_nachaentry
    FOR EACH ROW EXECUTE FUNCTION banking_nacha_check_entry();

-- --------------------------------------------------------------------------------------------- files and counters
-- A file is what it was when it was written. Its cipher alone may be another one, under a newer key: what is sent has to
-- be what sha256 says. It is sent once, and what the bank said of it stands.
CREATE FUNCTION banking_nacha_check_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'written' OR NEW.sent_at IS NOT NULL THEN
            RAISE EXCEPTION 'a NACHA file begins as written and not as %', NEW.status USING ERRCODE = 'PB001';
        END IF;
        RETURN NEW;
    END IF;
    IF to_jsonb(NEW) - '{content,status,sent_at,answered_at,missed_at,reason}'::text[]
       IS DISTINCT FROM to_jsonb(OLD) - '{content,status,sent_at,answered_at,missed_at,reason}'::text[]
       OR (OLD.sent_at IS NOT NULL AND NEW.sent_at IS DISTINCT FROM OLD.sent_at)
       OR (OLD.answered_at IS NOT NULL AND (NEW.answered_at, NEW.reason) IS DISTINCT FROM (OLD.answered_at, OLD.reason))
    THEN
        RAISE EXCEPTION 'NACHA file %: it stays as it was written', OLD.name USING ERRCODE = 'PB002';
    END IF;
    IF (NEW.status = 'written') <> (NEW.sent_at IS NULL) OR (NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
        ('written', 'sent'), ('sent', 'acknowledged'), ('sent', 'rejected')))
    THEN
        RAISE EXCEPTION 'NACHA file %: % cannot follow %', OLD.name, NEW.status, OLD.status USING ERRCODE = 'PB001';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER banking_nacha_check_file BEFORE INSERT OR UPDATE ON banking_nachafile
    FOR EACH ROW EXECUTE FUNCTION banking_nacha_check_file();

CREATE FUNCTION banking_nacha_check_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - 'settles_on' IS DISTINCT FROM to_jsonb(OLD) - 'settles_on'
       OR (OLD.settles_on IS NOT NULL AND NEW.settles_on IS DISTINCT FROM OLD.settles_on) THEN
        RAISE EXCEPTION 'NACHA batch %: it stays as it was written', OLD.id USING ERRCODE = 'PB002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER banking_nacha_check_batch BEFORE UPDATE ON banking_nachabatch
    FOR EACH ROW EXECUTE FUNCTION banking_nacha_check_batch();

CREATE FUNCTION banking_nacha_check_counter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.odfi <> OLD.odfi OR NEW.trace < OLD.trace THEN
        RAISE EXCEPTION 'trace numbers are handed out once' USING ERRCODE = 'PB002';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER banking_nacha_check_counter BEFORE UPDATE ON banking_nachacounter
    FOR EACH ROW EXECUTE FUNCTION banking_nacha_check_counter();

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY '{receiver,counter,file,batch,entry,incoming,quarantine,return,change,statement}'::text[] LOOP
        EXECUTE format('CREATE TRIGGER banking_refuse_removal BEFORE DELETE OR TRUNCATE ON banking_nacha%s'
            ' FOR EACH STATEMENT EXECUTE FUNCTION banking_refuse()', t);
        EXECUTE format('GRANT SELECT, INSERT ON banking_nacha%s TO paya_worker', t);
        EXECUTE format('GRANT SELECT ON banking_nacha%s TO paya_engine', t);
    END LOOP;
    FOREACH t IN ARRAY '{return,statement}'::text[] LOOP
        EXECUTE format('CREATE TRIGGER banking_refuse_change BEFORE UPDATE ON banking_nacha%s'
            ' FOR EACH STATEMENT EXECUTE FUNCTION banking_refuse()', t);
    END LOOP;
END $$;

GRANT SELECT, INSERT, UPDATE (removed_at) ON banking_nachareceiver TO paya_web;
GRANT UPDATE (removed_at, routing, account, kind) ON banking_nachareceiver TO paya_worker;
GRANT UPDATE (trace) ON banking_nachacounter TO paya_worker;
GRANT UPDATE (content, status, sent_at, answered_at, missed_at, reason) ON banking_nachafile TO paya_worker;
GRANT UPDATE (settles_on) ON banking_nachabatch TO paya_worker;
GRANT UPDATE (routing, account, kind, status, batch_id, trace, arrives_on, settled_at, return_code, returned_at, news)
    ON banking_nachaentry TO paya_worker;
GRANT UPDATE (content, processed_at, understood, quarantined) ON banking_nachaincoming TO paya_worker;
GRANT UPDATE (raw) ON banking_nachaquarantine TO paya_worker;
GRANT UPDATE (status, batch_id, trace, news) ON banking_nachaentry TO paya_engine;
GRANT UPDATE (resolved_at) ON banking_nachaquarantine TO paya_engine;
GRANT SELECT ON banking_nachaentry, banking_nachabatch, banking_nachareturn, banking_nachachange TO paya_auditor;

-- Whoever links a bank knows the person by their public id alone.
CREATE FUNCTION banking_nacha_person(p_public_id text) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT id FROM public.users_user WHERE public_id = p_public_id AND kind = 'person'
$$;
GRANT EXECUTE ON FUNCTION banking_nacha_person(text) TO paya_web, paya_worker;

-- ------------------------------------------------------------------------------------------------ what staff may do
-- The bytes of a file, ours or the bank's, for somebody who said why: they hold account numbers.
CREATE FUNCTION banking_nacha_open(p_id text, p_reason text) RETURNS bytea LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found bytea;
BEGIN
    PERFORM console_acted('nacha.open', p_id, 'Opened the whole file, with its account numbers.', p_reason);
    SELECT content INTO found FROM banking_nachafile WHERE public_id = p_id;
    IF found IS NULL THEN
        SELECT content INTO found FROM banking_nachaincoming WHERE public_id = p_id;
    END IF;
    IF found IS NULL THEN
        RAISE EXCEPTION 'There is no such file.' USING ERRCODE = 'PY123';
    END IF;
    RETURN found;
END $$;

-- A quarantined line that somebody has dealt with.
CREATE FUNCTION banking_nacha_resolve(p_line bigint, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    file text;
BEGIN
    SELECT i.name INTO file FROM banking_nachaquarantine q JOIN banking_nachaincoming i ON i.id = q.incoming_id WHERE q.id = p_line;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no such line.' USING ERRCODE = 'PY123';
    END IF;
    PERFORM console_acted('nacha.resolve', p_line::text, format('Resolved a line of %s.', file), p_reason);
    UPDATE banking_nachaquarantine SET resolved_at = core_now() WHERE id = p_line AND resolved_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'It was resolved before.' USING ERRCODE = 'PY124';
    END IF;
    RETURN file;
END $$;

-- After a file was rejected: its entries go into the queue again, for another file under new traces, or are given up.
CREATE FUNCTION banking_nacha_after_rejection(p_file text, p_again boolean, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    moved bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM banking_nachafile WHERE public_id = p_file) THEN
        RAISE EXCEPTION 'There is no such file.' USING ERRCODE = 'PY123';
    ELSIF NOT EXISTS (SELECT FROM banking_nachafile WHERE public_id = p_file AND status = 'rejected') THEN
        RAISE EXCEPTION 'The bank has not rejected this file.' USING ERRCODE = 'PY124';
    END IF;
    PERFORM console_acted('nacha.after_rejection', p_file, CASE WHEN p_again THEN 'Put its entries into the queue again.'
        ELSE 'Gave its entries up: their transfers fail.' END, p_reason);
    UPDATE banking_nachaentry e
    SET status = CASE WHEN p_again THEN 'queued' ELSE 'refused' END, batch_id = CASE WHEN p_again THEN NULL ELSE e.batch_id END,
        trace = CASE WHEN p_again THEN NULL ELSE e.trace END, news = NOT p_again
    FROM banking_nachabatch b, banking_nachafile f
    WHERE b.id = e.batch_id AND f.id = b.file_id AND f.public_id = p_file AND e.status = 'filed';
    GET DIAGNOSTICS moved = ROW_COUNT;
    RETURN moved;
END $$;

DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'banking\_nacha\_%' LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION banking_nacha_open(text, text), banking_nacha_resolve(bigint, text),
    banking_nacha_after_rejection(text, boolean, text) TO paya_staff;
