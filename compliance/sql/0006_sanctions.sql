-- The OFAC list of specially designated nationals (docs/compliance.md): its entries, whose name is like one of them, and what staff
-- decided. Names are compared in Python (compliance/sanctions/); what is found, restricted and decided is kept here.

ALTER TABLE compliance_sanctionssetting
    ADD CONSTRAINT compliance_sanctionssetting_values CHECK (threshold BETWEEN 70 AND 100 AND strong BETWEEN threshold AND 101);
INSERT INTO compliance_sanctionssetting (threshold, strong, reason, created_at) VALUES (85, 95, 'What PaYa began with', '2020-01-01');
CREATE TRIGGER settings_stay BEFORE UPDATE OR DELETE ON compliance_sanctionssetting FOR EACH ROW EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER settings_are_kept BEFORE TRUNCATE ON compliance_sanctionssetting FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse();

CREATE TRIGGER hits_are_kept BEFORE DELETE ON compliance_sanctionshit FOR EACH ROW EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER hits_are_not_truncated BEFORE TRUNCATE ON compliance_sanctionshit FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse();
-- A decision stands; only what left the list can come back with it.
CREATE TRIGGER decisions_stay BEFORE UPDATE ON compliance_sanctionshit FOR EACH ROW WHEN (
    (OLD.public_id, OLD.user_id, OLD.entry_id, OLD.name_key, OLD.entry_key, OLD.found_at)
    IS DISTINCT FROM (NEW.public_id, NEW.user_id, NEW.entry_id, NEW.name_key, NEW.entry_key, NEW.found_at)
    OR OLD.state IN ('cleared', 'confirmed')) EXECUTE FUNCTION compliance_refuse();

-- ------------------------------------------------------------------------------------------------ names to look up
-- Each new or changed name is due, in the transaction that sets it, whichever way it was set.
CREATE FUNCTION compliance_name_due() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO compliance_namecheck (user_id, asked_at) VALUES (NEW.user_id, core_now())
        ON CONFLICT (user_id) DO UPDATE SET asked_at = excluded.asked_at, checked_at = NULL, claimed_until = NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER name_is_screened AFTER INSERT ON users_profile FOR EACH ROW EXECUTE FUNCTION compliance_name_due();
CREATE TRIGGER changed_name_is_screened AFTER UPDATE OF display_name ON users_profile FOR EACH ROW
    WHEN (OLD.display_name IS DISTINCT FROM NEW.display_name) EXECUTE FUNCTION compliance_name_due();
-- Whoever was there before is looked up with the first list.

-- The next people whose names are due, with the names: theirs who asks for p_seconds, and then anybody's again. No lock outlasts this:
-- whoever changes their name meanwhile does not wait for somebody who compares names.
CREATE FUNCTION compliance_names_due(p_limit int, p_seconds int) RETURNS TABLE (user_id bigint, display_name text, asked_at timestamptz)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    UPDATE compliance_namecheck n SET claimed_until = clock_timestamp() + make_interval(secs => p_seconds)
    FROM users_profile p WHERE p.user_id = n.user_id AND n.user_id IN (
        SELECT d.user_id FROM compliance_namecheck d
        WHERE d.checked_at IS NULL AND (d.claimed_until IS NULL OR d.claimed_until < clock_timestamp())
        ORDER BY d.asked_at LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED)
    RETURNING n.user_id, p.display_name::text, n.asked_at
$$;

-- The oldest run that is not done, for p_seconds; nothing while it is somebody else's.
CREATE FUNCTION compliance_claim_run(p_seconds int) RETURNS SETOF compliance_sanctionsrun LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    UPDATE compliance_sanctionsrun SET claimed_until = clock_timestamp() + make_interval(secs => p_seconds)
    WHERE id = (SELECT id FROM compliance_sanctionsrun WHERE finished_at IS NULL ORDER BY id LIMIT 1)
      AND (claimed_until IS NULL OR claimed_until < clock_timestamp())
    RETURNING *
$$;

-- ------------------------------------------------------------------------------------------------ hits
-- Somebody's name is like an entry's. Once per person, entry, and what both are called; known before: false. A strong one keeps the
-- person from sending until staff have looked.
CREATE FUNCTION compliance_sanctions_hit(p_user bigint, p_entry bigint, p_listed text, p_score int, p_name_key text, p_entry_key text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found_now bigint;
    opened text;
    strong_from int := (SELECT strong FROM compliance_sanctionssetting ORDER BY id DESC LIMIT 1);
BEGIN
    INSERT INTO compliance_sanctionshit (public_id, user_id, entry_id, listed, score, name_key, entry_key, found_at)
        VALUES (compliance_new_id('hit'), p_user, p_entry, p_listed, p_score, p_name_key, p_entry_key, core_now())
        ON CONFLICT (user_id, entry_id, name_key, entry_key) DO UPDATE SET state = 'open', case_id = NULL, decided_at = NULL
            WHERE compliance_sanctionshit.state = 'gone'
        RETURNING id INTO found_now;
    IF found_now IS NULL THEN
        RETURN false;
    END IF;
    opened := compliance_open_case('sanctions', p_user, '', format('Name like “%s” of the OFAC list (score %s)', left(p_listed, 200), p_score), 1::smallint,
        jsonb_build_object('signals', jsonb_build_object('score', p_score, 'entry', p_entry)));
    UPDATE compliance_sanctionshit SET case_id = (SELECT id FROM compliance_case WHERE public_id = opened), strong = p_score >= strong_from
        WHERE id = found_now;
    IF p_score >= strong_from THEN
        PERFORM compliance_sanctions_apply(p_user, opened);
    END IF;
    RETURN true;
END $$;

-- The end of a hit, and of its case with the last one.
CREATE FUNCTION compliance_end_hit(p_hit bigint, p_state text, p_reason text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    h compliance_sanctionshit;
    staff bigint := (SELECT id FROM users_user WHERE id = core_actor() AND kind = 'staff');
    about text;
BEGIN
    SELECT * INTO h FROM compliance_sanctionshit WHERE id = p_hit;
    about := (SELECT public_id FROM compliance_case WHERE id = h.case_id);
    PERFORM compliance_locked_case(about);  -- decisions about one person queue up here
    UPDATE compliance_sanctionshit SET state = p_state, decided_at = core_now(), decided_by_id = staff, reason = p_reason
        WHERE id = p_hit AND state = 'open';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'This was decided before.' USING ERRCODE = 'PY124';
    END IF;
    IF NOT EXISTS (SELECT FROM compliance_sanctionshit WHERE case_id = h.case_id AND state = 'open') THEN
        IF EXISTS (SELECT FROM compliance_sanctionshit WHERE case_id = h.case_id AND state = 'confirmed') THEN
            PERFORM compliance_conclude(about, 'confirmed', 'sanctioned', p_reason);
        ELSE
            PERFORM compliance_conclude(about, 'cleared', CASE p_state WHEN 'gone' THEN 'unclear' ELSE 'false_positive' END, p_reason);
        END IF;
    END IF;
    PERFORM compliance_sanctions_apply(h.user_id, about);
END $$;

CREATE FUNCTION compliance_decide_hit(p_hit text, p_state text, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    h compliance_sanctionshit;
BEGIN
    PERFORM console_acted(CASE p_state WHEN 'cleared' THEN 'hit.clear' ELSE 'hit.confirm' END, p_hit,
        CASE p_state WHEN 'cleared' THEN 'Cleared: this person is not the one on the list.' ELSE 'Confirmed: this person is the one on the list.' END, p_reason);
    SELECT * INTO h FROM compliance_sanctionshit WHERE public_id = p_hit;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no such hit.' USING ERRCODE = 'PY123';
    ELSIF p_state NOT IN ('cleared', 'confirmed') THEN
        RAISE EXCEPTION 'A hit is cleared or confirmed.' USING ERRCODE = 'PY124';
    END IF;
    PERFORM compliance_end_hit(h.id, p_state, trim(p_reason));
    RETURN p_hit;
END $$;

-- All that is open in one case, with one reason: a common name is like many entries.
CREATE FUNCTION compliance_clear_hits(p_case text, p_reason text) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    c compliance_case;
    h bigint;
    n int := 0;
BEGIN
    PERFORM console_acted('hit.clear', p_case, 'Cleared all hits of the case: this person is none of those on the list.', p_reason);
    c := compliance_locked_case(p_case);
    FOR h IN SELECT id FROM compliance_sanctionshit WHERE case_id = c.id AND state = 'open' ORDER BY id LOOP
        PERFORM compliance_end_hit(h, 'cleared', trim(p_reason));
        n := n + 1;
    END LOOP;
    IF n = 0 THEN
        RAISE EXCEPTION 'There is nothing left to clear.' USING ERRCODE = 'PY124';
    END IF;
    RETURN n;
END $$;

-- Other scores from now on; everybody is looked up again by them, in the background.
CREATE FUNCTION compliance_change_sanctions(p_threshold int, p_strong int, p_reason text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM console_acted('sanctions.settings', 'sanctions', format('A hit from %s on, a strong one from %s on.', p_threshold, p_strong), p_reason);
    INSERT INTO compliance_sanctionssetting (threshold, strong, reason, chosen_by_id, created_at)
        VALUES (p_threshold, p_strong, trim(p_reason), core_actor(), core_now());
    INSERT INTO compliance_sanctionsrun (cause, started_at) VALUES ('setting', core_now()) RETURNING id INTO made;
    RETURN made;
EXCEPTION WHEN check_violation THEN
    RAISE EXCEPTION 'A hit begins between 70 and 100, a strong one not below it.' USING ERRCODE = 'PY124';
END $$;

-- ------------------------------------------------------------------------------------------------ what a hit does to a person
-- How much of a wallet the hits that stand against its person freeze: a strong one that nobody has decided keeps them from sending
-- (1), a confirmed one from everything (2).
CREATE FUNCTION compliance_sanctions_level(p_user bigint) RETURNS smallint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce(max(CASE state WHEN 'confirmed' THEN 2 ELSE 1 END), 0)::smallint FROM compliance_sanctionshit
    WHERE user_id = p_user AND (state = 'confirmed' OR state = 'open' AND strong)
$$;
-- What the person reads, by which the end of it knows the freeze as its own.
CREATE FUNCTION compliance_sanctions_words(p_level smallint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE p_level
        WHEN 1 THEN 'The law makes us compare names with a public list, and yours is like one on it. Somebody looks at it, usually within a '
            'day. You can still receive money.'
        WHEN 2 THEN 'By law we may not move the money of somebody on the U.S. sanctions list, and we have to take you for one of them. Your '
            'message from us says what you can do.' END
$$;

-- Make the wallet what its person's hits ask for, and tell them. Whatever else restricts them stays.
CREATE FUNCTION compliance_sanctions_apply(p_user bigint, p_case text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    w wallets_wallet;
    wanted smallint;
    level smallint;
BEGIN
    SELECT * INTO w FROM wallets_wallet WHERE user_id = p_user FOR NO KEY UPDATE;
    wanted := compliance_sanctions_level(p_user);
    IF NOT FOUND OR (SELECT status FROM ledger_account WHERE id = w.account) = 3 THEN
        RETURN;
    ELSIF wanted > w.frozen THEN
        UPDATE wallets_wallet SET frozen = wanted, frozen_reason = compliance_sanctions_words(wanted) WHERE user_id = p_user;
        PERFORM ledger_set_status(w.account, wanted);
        PERFORM compliance_tell(p_user, 'sanctions', CASE wanted WHEN 1 THEN 'You cannot send money for the moment' ELSE 'Your money is blocked' END,
            CASE wanted WHEN 1 THEN
                E'The law makes us compare the names of all people with a public list, the sanctions list of the U.S. Treasury. Your name is like one '
                'on it, which happens to many people. Until somebody of our staff has compared the two, you can receive money and not send or '
                'redeem any. Usually that takes less than a day, and you need not do anything.\n\nIf you think that something is wrong, or need '
                'your money before that, answer under Help: a person reads it.'
            ELSE
                E'We have compared your name with the sanctions list of the U.S. Treasury and have to take you for somebody on it. By law we may not '
                'move your money: it stays where it is, under your name.\n\nIf you are not that person, say so under Help, with whatever shows it: '
                'somebody else of our staff will look at it. For a licence to have the money released, or to be taken off the list, you can '
                'apply to the Office of Foreign Assets Control (ofac.treasury.gov).' END, p_case);
        INSERT INTO core_outbox (topic, payload) VALUES ('wallet.changed', jsonb_build_object('user', p_user, 'kind', 'frozen', 'ref', ''));
    ELSIF wanted < w.frozen AND w.frozen_reason IN (compliance_sanctions_words(1::smallint), compliance_sanctions_words(2::smallint)) THEN
        UPDATE wallets_wallet SET frozen = wanted, frozen_reason = coalesce(compliance_sanctions_words(wanted), '') WHERE user_id = p_user
            RETURNING frozen INTO level;
        PERFORM ledger_set_status(w.account, level);
        IF level = 0 THEN
            PERFORM compliance_tell(p_user, 'sanctions', 'You can send money again',
                'Somebody of our staff has compared your name with the one on the list: it is not you. Thank you for your patience.', p_case);
            INSERT INTO core_outbox (topic, payload) VALUES ('wallet.changed', jsonb_build_object('user', p_user, 'kind', 'unfrozen', 'ref', ''));
        END IF;
    END IF;
END $$;

-- Whoever ends another freeze, by whatever way: what the hits ask for stays.
CREATE FUNCTION compliance_sanctions_stay() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wanted smallint := compliance_sanctions_level(NEW.user_id);
BEGIN
    IF wanted > NEW.frozen THEN
        NEW.frozen := wanted;
        NEW.frozen_reason := compliance_sanctions_words(wanted);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER compliance_sanctions_stay BEFORE UPDATE OF frozen ON wallets_wallet
    FOR EACH ROW WHEN (NEW.frozen < 2) EXECUTE FUNCTION compliance_sanctions_stay();

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
REVOKE EXECUTE ON FUNCTION compliance_sanctions_words(smallint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION compliance_sanctions_words(smallint) TO paya_engine;
GRANT EXECUTE ON FUNCTION compliance_names_due(int, int), compliance_claim_run(int), compliance_sanctions_hit(bigint, bigint, text, int, text, text),
    compliance_end_hit(bigint, text, text) TO paya_worker;
GRANT EXECUTE ON FUNCTION compliance_decide_hit(text, text, text), compliance_clear_hits(text, text),
    compliance_change_sanctions(int, int, text) TO paya_staff;
GRANT SELECT ON compliance_sanctionsentry, compliance_sanctionsrun, compliance_sanctionssetting TO paya_engine, paya_worker, paya_auditor;
GRANT SELECT ON compliance_sanctionssetting TO paya_staff;
GRANT INSERT, UPDATE ON compliance_sanctionsentry, compliance_sanctionsrun TO paya_worker;
GRANT INSERT ON compliance_sanctionssetting, compliance_sanctionsrun TO paya_engine;
GRANT UPDATE (claimed_until) ON compliance_sanctionsrun TO paya_engine;
GRANT SELECT, INSERT, UPDATE ON compliance_namecheck TO paya_engine;
GRANT SELECT, UPDATE (checked_at) ON compliance_namecheck TO paya_worker;
GRANT SELECT, INSERT, UPDATE ON compliance_sanctionshit TO paya_engine;
GRANT SELECT ON compliance_namecheck, compliance_sanctionshit TO paya_worker, paya_auditor;
GRANT USAGE ON SEQUENCE compliance_sanctionssetting_id_seq, compliance_sanctionsrun_id_seq, compliance_sanctionshit_id_seq TO paya_engine;
GRANT USAGE ON SEQUENCE compliance_sanctionsrun_id_seq TO paya_worker;
