-- Conversations between a person and staff. What either side wrote stays; people write through functions that count.

CREATE TRIGGER tickets_are_kept BEFORE DELETE ON compliance_ticket FOR EACH ROW EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER tickets_are_not_truncated BEFORE TRUNCATE ON compliance_ticket FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER tickets_keep_their_cause BEFORE UPDATE ON compliance_ticket FOR EACH ROW WHEN (
    (OLD.public_id, OLD.user_id, OLD.subject, OLD.about, OLD.created_at)
    IS DISTINCT FROM (NEW.public_id, NEW.user_id, NEW.subject, NEW.about, NEW.created_at)) EXECUTE FUNCTION compliance_words_stay('subject');
CREATE TRIGGER messages_stay BEFORE DELETE ON compliance_ticketmessage FOR EACH ROW EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER messages_keep_their_words BEFORE UPDATE ON compliance_ticketmessage FOR EACH ROW EXECUTE FUNCTION compliance_words_stay('body');
CREATE TRIGGER messages_are_kept BEFORE TRUNCATE ON compliance_ticketmessage FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse();
ALTER TABLE compliance_ticket ADD CONSTRAINT compliance_ticket_sizes CHECK (length(subject) BETWEEN 1 AND 120 AND length(about) <= 60);
ALTER TABLE compliance_ticketmessage ADD CONSTRAINT compliance_ticketmessage_size CHECK (length(body) BETWEEN 1 AND 4000);

-- The person who acts, one request of theirs at a time, so that what is counted is not passed by two at once.
CREATE FUNCTION compliance_asking() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(720301, (core_actor() % 2147483647)::int);
    IF NOT EXISTS (SELECT FROM users_user WHERE id = core_actor() AND kind = 'person') THEN
        RAISE EXCEPTION 'only a person asks' USING ERRCODE = 'PY120';
    END IF;
    RETURN core_actor();
END $$;

-- A new conversation. The same words within a day, not solved yet, are the same one: a second click, a lost answer.
-- At most 5 new ones and 50 messages in 24 hours (PY151); `p_about` is what `compliance_about` says is theirs, or empty.
CREATE FUNCTION compliance_write_ticket(p_subject text, p_body text, p_about text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    me bigint := compliance_asking();
    t compliance_ticket;
BEGIN
    SELECT k.* INTO t FROM compliance_ticket k WHERE k.user_id = me AND k.subject = p_subject AND k.about = p_about AND k.status = 'open'
        AND k.created_at > core_now() - interval '1 day'
        AND EXISTS (SELECT FROM compliance_ticketmessage m WHERE m.ticket_id = k.id AND m.body = p_body) ORDER BY k.id DESC LIMIT 1;
    IF FOUND THEN
        RETURN t.public_id;
    ELSIF p_about <> '' AND compliance_about(me, p_about) IS NULL THEN
        RAISE EXCEPTION 'not theirs' USING ERRCODE = 'PY150';
    ELSIF (SELECT count(*) FROM compliance_ticket k WHERE k.user_id = me AND k.created_at > core_now() - interval '1 day') >= 5 THEN
        RAISE EXCEPTION 'too many' USING ERRCODE = 'PY151';
    END IF;
    PERFORM compliance_count_message(me);
    INSERT INTO compliance_ticket (public_id, user_id, subject, about, created_at, updated_at, waiting_since)
        VALUES (compliance_new_id('tkt'), me, p_subject, p_about, core_now(), core_now(), core_now()) RETURNING * INTO t;
    INSERT INTO compliance_ticketmessage (ticket_id, user_id, body, at) VALUES (t.id, me, p_body, core_now());
    RETURN t.public_id;
END $$;

CREATE FUNCTION compliance_count_message(p_user bigint) RETURNS void LANGUAGE plpgsql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF (SELECT count(*) FROM compliance_ticketmessage WHERE user_id = p_user AND staff_id IS NULL AND at > core_now() - interval '1 day') >= 50 THEN
        RAISE EXCEPTION 'too many' USING ERRCODE = 'PY151';
    END IF;
END $$;

-- The person writes on. What was solved is open again; the same words as their last ones, not answered yet, are written once.
CREATE FUNCTION compliance_reply_ticket(p_ticket text, p_body text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    me bigint := compliance_asking();
    t compliance_ticket;
    last compliance_ticketmessage;
BEGIN
    SELECT * INTO t FROM compliance_ticket WHERE public_id = p_ticket AND user_id = me FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'not theirs' USING ERRCODE = 'PY150';
    END IF;
    SELECT * INTO last FROM compliance_ticketmessage WHERE ticket_id = t.id ORDER BY id DESC LIMIT 1;
    IF t.status = 'open' AND last.staff_id IS NULL AND last.body = p_body THEN
        RETURN t.public_id;
    END IF;
    PERFORM compliance_count_message(me);
    INSERT INTO compliance_ticketmessage (ticket_id, user_id, body, at) VALUES (t.id, me, p_body, core_now());
    UPDATE compliance_ticket SET status = 'open', waiting_since = coalesce(waiting_since, core_now()), updated_at = core_now() WHERE id = t.id;
    RETURN t.public_id;
END $$;

-- ------------------------------------------------------------------------------------------------ what staff do
CREATE FUNCTION compliance_locked_ticket(p_ticket text) RETURNS compliance_ticket LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    t compliance_ticket;
BEGIN
    SELECT * INTO t FROM compliance_ticket WHERE public_id = p_ticket FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no such ticket.' USING ERRCODE = 'PY123';
    END IF;
    RETURN t;
END $$;

-- What one of us writes to the person, who is told by letter. The same words right after themselves are refused: a second click.
CREATE FUNCTION compliance_write_answer(p_ticket text, p_staff bigint, p_body text, p_solved boolean) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    t compliance_ticket := compliance_locked_ticket(p_ticket);
    last compliance_ticketmessage;
BEGIN
    SELECT * INTO last FROM compliance_ticketmessage WHERE ticket_id = t.id ORDER BY id DESC LIMIT 1;
    IF last.staff_id IS NOT NULL AND last.body = p_body THEN
        RAISE EXCEPTION 'This was written already.' USING ERRCODE = 'PY124';
    END IF;
    INSERT INTO compliance_ticketmessage (ticket_id, user_id, staff_id, body, at) VALUES (t.id, t.user_id, p_staff, p_body, core_now());
    UPDATE compliance_ticket SET status = CASE WHEN p_solved THEN 'solved' ELSE 'waiting' END, waiting_since = NULL, updated_at = core_now(),
        assignee_id = coalesce(assignee_id, p_staff) WHERE id = t.id;
    PERFORM compliance_tell(t.user_id, 'ticket', left('We have answered: ' || t.subject, 120),
        left(p_body, 3500) || E'\n\nYou can write back under Help: /help/' || t.public_id, t.public_id);
END $$;

CREATE FUNCTION compliance_answer_ticket(p_ticket text, p_body text, p_solved boolean, p_reason text) RETURNS text LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM console_acted('ticket.answer', p_ticket, CASE WHEN p_solved THEN 'Answered; solved.' ELSE 'Answered.' END, p_reason);
    PERFORM compliance_write_answer(p_ticket, core_actor(), p_body, p_solved);
    RETURN p_ticket;
END $$;

CREATE FUNCTION compliance_solve_ticket(p_ticket text, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    t compliance_ticket;
BEGIN
    PERFORM console_acted('ticket.solve', p_ticket, 'Solved.', p_reason);
    t := compliance_locked_ticket(p_ticket);
    IF t.status = 'solved' THEN
        RAISE EXCEPTION 'This was solved before.' USING ERRCODE = 'PY124';
    END IF;
    UPDATE compliance_ticket SET status = 'solved', waiting_since = NULL, updated_at = core_now() WHERE id = t.id;
    RETURN p_ticket;
END $$;
