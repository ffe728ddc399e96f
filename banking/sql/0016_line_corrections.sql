-- What only a statement shows and nobody could book by itself, put right by two of the staff (banking/services/corrections.py).
ALTER TABLE banking_correction DROP CONSTRAINT banking_correction_kind;
ALTER TABLE banking_correction ADD CONSTRAINT banking_correction_kind CHECK (
    kind = 'write_off' AND user_id IS NOT NULL AND line_key IS NULL
    OR kind = 'loss_reserve' AND user_id IS NULL AND line_key IS NULL
    OR kind = 'rail_cost' AND user_id IS NULL AND line_key IS NOT NULL AND of_break IS NOT NULL
    OR kind = 'suspense_found' AND user_id IS NOT NULL AND line_key IS NOT NULL AND of_break IS NOT NULL) NOT VALID;

CREATE OR REPLACE FUNCTION banking_correction_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.kind, NEW.user_id, NEW.amount, NEW.reference, NEW.asked_by_id, NEW.asked_at, NEW.of_break, NEW.line_key)
       IS DISTINCT FROM (OLD.kind, OLD.user_id, OLD.amount, OLD.reference, OLD.asked_by_id, OLD.asked_at, OLD.of_break, OLD.line_key)
       OR OLD.decided_by_id IS NOT NULL AND (NEW.decided_by_id, NEW.decided_at, NEW.approved)
       IS DISTINCT FROM (OLD.decided_by_id, OLD.decided_at, OLD.approved)
       OR OLD.posted_at IS NOT NULL
    THEN
        RAISE EXCEPTION 'correction %: what was asked, decided or posted stays', OLD.id USING ERRCODE = 'PB003';
    END IF;
    RETURN NEW;
END $$;

-- Of a break: an unknown debit is to become a cost of its custodian, or, where somebody is named, an unknown credit is to
-- go out of suspense to its owner. The amount is the line's, and a line is asked about once at a time.
CREATE FUNCTION banking_ask_line_correction(p_break text, p_username text, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    b banking_break;
    owner bigint;
    line uuid;
    cents bigint;
    made bigint;
    kind_wanted constant text := CASE WHEN p_username IS NULL THEN 'unknown_debit' ELSE 'unknown_credit' END;
BEGIN
    SELECT * INTO b FROM banking_break WHERE public_id = p_break AND kind = kind_wanted AND state IN ('open', 'resolved') FOR UPDATE;
    PERFORM console_acted('correction.ask', p_break, CASE WHEN p_username IS NULL THEN 'Asked to book it as a cost.'
        ELSE format('Asked to give the money to @%s.', p_username) END, p_reason);
    IF b.id IS NULL THEN
        RAISE EXCEPTION 'This is no break of an %.', replace(kind_wanted, '_', ' ') USING ERRCODE = 'PY124';
    END IF;
    SELECT n.key INTO line FROM banking_statementline n WHERE n.custodian = b.custodian AND n.entry = b.subject ORDER BY n.id LIMIT 1;
    IF EXISTS (SELECT FROM banking_correction c WHERE c.line_key = line AND c.approved IS NOT FALSE AND c.refused = '') THEN
        RAISE EXCEPTION 'A correction of this line has been asked for already.' USING ERRCODE = 'PY124';
    END IF;
    IF p_username IS NULL THEN
        -- What the trace of an entry in our files stands for is that entry's, and no cost.
        SELECT -sum(n.effect) INTO cents FROM banking_statementline n
        WHERE n.key = line AND n.custodian = b.custodian AND NOT EXISTS (SELECT FROM ledger_transfer l WHERE l.group_id = line)
          AND NOT EXISTS (SELECT FROM banking_nachaentry e WHERE b.custodian = 'odfi' AND e.trace = n.transfer AND n.transfer <> '')
        HAVING bool_and(n.currency = 'USD') AND sum(n.effect) < 0;
        IF cents IS NULL THEN
            RAISE EXCEPTION 'Nothing of it can be booked as a cost.' USING ERRCODE = 'PY124';
        END IF;
    ELSE
        SELECT user_id INTO owner FROM users_profile WHERE username = p_username;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'Nobody goes by @%.', p_username USING ERRCODE = 'PY124';
        END IF;
        SELECT t.amount INTO cents FROM ledger_transfer t WHERE t.kind = 21 AND t.group_id = line
            AND NOT EXISTS (SELECT FROM ledger_transfer f WHERE f.kind = 22 AND f.group_id = line);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'Nothing of it is in suspense.' USING ERRCODE = 'PY124';
        END IF;
    END IF;
    INSERT INTO banking_correction (kind, user_id, amount, reference, asked_by_id, of_break, line_key)
    VALUES (CASE WHEN p_username IS NULL THEN 'rail_cost' ELSE 'suspense_found' END, owner, cents, gen_random_uuid(), core_actor(),
            p_break, line) RETURNING id INTO made;
    RETURN made;
END $$;
ALTER FUNCTION banking_ask_line_correction(text, text, text) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION banking_ask_line_correction(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION banking_ask_line_correction(text, text, text) TO paya_staff;

-- One member of staff alone gives nothing any more. Old pages are told so while they are still there.
CREATE OR REPLACE FUNCTION banking_give_suspended(p_break text, p_username text, p_reason text) RETURNS bigint LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM console_acted('suspense.give', p_break, format('Tried to give the money to @%s alone.', p_username), p_reason);
    RAISE EXCEPTION 'This takes two of the staff: ask for a correction.' USING ERRCODE = 'PY124';
END $$;
