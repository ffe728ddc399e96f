-- A second look where one wrong click was for good: a confirmed hit of the sanctions list is taken back by two of the staff, a document is
-- accepted by whoever has opened it, and whose tier is lowered is told why.

-- ------------------------------------------------------------------------------------------------ a confirmed hit was a mistake
CREATE TRIGGER liftings_are_kept BEFORE DELETE ON compliance_hitlifting FOR EACH ROW EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER liftings_are_not_truncated BEFORE TRUNCATE ON compliance_hitlifting FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER liftings_stay BEFORE UPDATE ON compliance_hitlifting FOR EACH ROW WHEN (
    OLD.decided_at IS NOT NULL OR (OLD.hit_id, OLD.user_id, OLD.asked_by_id, OLD.asked_at)
    IS DISTINCT FROM (NEW.hit_id, NEW.user_id, NEW.asked_by_id, NEW.asked_at)) EXECUTE FUNCTION compliance_refuse();

-- As before, but that a confirmed hit may become a cleared one: where two have said so, whoever writes the row.
CREATE OR REPLACE TRIGGER decisions_stay BEFORE UPDATE ON compliance_sanctionshit FOR EACH ROW WHEN (
    (OLD.public_id, OLD.user_id, OLD.entry_id, OLD.name_key, OLD.entry_key, OLD.found_at)
    IS DISTINCT FROM (NEW.public_id, NEW.user_id, NEW.entry_id, NEW.name_key, NEW.entry_key, NEW.found_at)
    OR OLD.state = 'cleared' OR (OLD.state = 'confirmed' AND NEW.state <> 'cleared')) EXECUTE FUNCTION compliance_refuse();
CREATE FUNCTION compliance_two_lifted_it() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM compliance_hitlifting WHERE hit_id = OLD.id AND approved AND decided_by_id <> asked_by_id) THEN
        RAISE EXCEPTION 'A confirmed hit is taken back by two of the staff.' USING ERRCODE = 'PY124';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER two_lifted_it BEFORE UPDATE ON compliance_sanctionshit FOR EACH ROW
    WHEN (OLD.state = 'confirmed' AND NEW.state = 'cleared') EXECUTE FUNCTION compliance_two_lifted_it();

CREATE FUNCTION compliance_ask_lifting(p_hit text, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    h compliance_sanctionshit;
BEGIN
    PERFORM console_acted('hit.lift', p_hit, 'Asked to take back that this person is the one on the list.', p_reason);
    SELECT * INTO h FROM compliance_sanctionshit WHERE public_id = p_hit FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no such hit.' USING ERRCODE = 'PY123';
    ELSIF h.state <> 'confirmed' THEN
        RAISE EXCEPTION 'This hit is not a confirmed one.' USING ERRCODE = 'PY124';
    END IF;
    INSERT INTO compliance_hitlifting (hit_id, user_id, asked_by_id, asked_at) VALUES (h.id, h.user_id, core_actor(), core_now())
        ON CONFLICT (hit_id) WHERE decided_at IS NULL DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Somebody has asked for this already.' USING ERRCODE = 'PY124';
    END IF;
    RETURN p_hit;
END $$;

-- The second member of staff. Approved, the hit counts as cleared, the wallet is what else restricts it, and the person is told in words.
CREATE FUNCTION compliance_decide_lifting(p_hit text, p_approve boolean, p_reason text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    h compliance_sanctionshit;
    l compliance_hitlifting;
    c compliance_case;
    stays wallets_wallet;
BEGIN
    IF p_approve THEN
        PERFORM console_acted('hit.approve', p_hit, 'Took back that this person is the one on the list.', p_reason);
    ELSE
        PERFORM console_acted('hit.refuse', p_hit, 'Refused to take back that this person is the one on the list.', p_reason);
    END IF;
    SELECT * INTO h FROM compliance_sanctionshit WHERE public_id = p_hit;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no such hit.' USING ERRCODE = 'PY123';
    END IF;
    SELECT * INTO c FROM compliance_case WHERE id = h.case_id FOR NO KEY UPDATE;  -- decisions about one person queue up here
    SELECT * INTO l FROM compliance_hitlifting WHERE hit_id = h.id AND decided_at IS NULL FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Nobody has asked for this, or it is decided.' USING ERRCODE = 'PY124';
    ELSIF l.asked_by_id = core_actor() THEN
        RAISE EXCEPTION 'You asked for this: somebody else has to decide.' USING ERRCODE = 'PY124';
    END IF;
    UPDATE compliance_hitlifting SET decided_by_id = core_actor(), decided_at = core_now(), approved = p_approve WHERE id = l.id;
    IF NOT p_approve THEN
        RETURN p_hit;
    END IF;
    UPDATE compliance_sanctionshit SET state = 'cleared', decided_at = core_now(), decided_by_id = core_actor(), reason = trim(p_reason) WHERE id = h.id;
    IF c.status = 'closed' AND NOT EXISTS (SELECT FROM compliance_sanctionshit WHERE case_id = c.id AND state = 'confirmed') THEN
        UPDATE compliance_case SET outcome = 'cleared', label = 'false_positive', result = trim(p_reason), closed_by_id = core_actor() WHERE id = c.id;
        INSERT INTO compliance_verdict (case_id, user_id, kind, outcome, label, result, signals, opened_at, staff_id)
            VALUES (c.id, c.user_id, c.kind, 'cleared', 'false_positive', trim(p_reason), c.signals, c.created_at, core_actor());
    END IF;
    PERFORM compliance_sanctions_apply(h.user_id, c.public_id);  -- tells whoever is free again
    SELECT * INTO stays FROM wallets_wallet WHERE user_id = h.user_id;
    IF stays.frozen > 0 THEN
        PERFORM compliance_tell(h.user_id, 'sanctions',
            CASE stays.frozen WHEN 1 THEN 'You cannot send money yet' ELSE 'Your account is still frozen' END,
            E'We had taken you for somebody on the sanctions list of the U.S. Treasury. We have looked at it again and were wrong: that entry is not '
            || E'you, and we are sorry.\n\nSomething else still restricts your account: ' || stays.frozen_reason, c.public_id);
    END IF;
    RETURN p_hit;
END $$;

-- ------------------------------------------------------------------------------------------------ a document that was looked at
-- As before; whoever accepts it has opened its file (console_open_document keeps that they did).
CREATE OR REPLACE FUNCTION compliance_decide_document(p_document text, p_accept boolean, p_words text, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    d compliance_document;
    staff bigint := console_acted(CASE WHEN p_accept THEN 'document.accept' ELSE 'document.refuse' END, p_document,
        CASE WHEN p_accept THEN 'Accepted the document: tier documents.' ELSE 'Did not accept the document.' END, p_reason);
BEGIN
    SELECT * INTO d FROM compliance_document WHERE public_id = p_document FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no such document.' USING ERRCODE = 'PY123';
    ELSIF d.status <> 'waiting' THEN
        RAISE EXCEPTION 'This document does not wait to be looked at (any more).' USING ERRCODE = 'PY124';
    ELSIF p_accept AND NOT compliance_opened_document(p_document) THEN
        RAISE EXCEPTION 'Open the document first: you have not looked at it.' USING ERRCODE = 'PY124';
    ELSIF NOT p_accept AND length(trim(p_words)) < 10 THEN
        RAISE EXCEPTION 'The person has to be told why.' USING ERRCODE = 'PY124';
    END IF;
    UPDATE compliance_document SET status = CASE WHEN p_accept THEN 'accepted' ELSE 'refused' END, decided_at = core_now(),
        decided_by_id = staff, words = CASE WHEN p_accept THEN '' ELSE trim(p_words) END WHERE id = d.id;
    PERFORM compliance_close_case_about('document', d.user_id, d.public_id, CASE WHEN p_accept THEN 'confirmed' ELSE 'denied' END,
        CASE WHEN p_accept THEN 'legitimate' ELSE 'unclear' END, CASE WHEN p_accept THEN 'The document was accepted.' ELSE trim(p_words) END);
    IF p_accept THEN
        PERFORM compliance_move_tier(d.user_id, 3::smallint, 'document', jsonb_build_object('document', d.public_id, 'kind', d.kind), staff, p_reason);
        PERFORM compliance_tell(d.user_id, 'document', 'Your document was accepted',
            'Thank you. Your limits are higher now: what you may send, load and redeem is on the page “Your limits”.', d.public_id);
    ELSE
        PERFORM compliance_tell(d.user_id, 'document', 'Your document was not accepted',
            trim(p_words) || ' You can send another one on the page “Identity documents”. Your limits stay as they are, and so does your money.',
            d.public_id);
    END IF;
    RETURN p_document;
END $$;

-- Whether whoever asks has opened the file of this document themselves. The table is a room's above: it is looked up when this is called.
CREATE FUNCTION compliance_opened_document(p_document text) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM console_personview WHERE subject = p_document AND kind = 'document_file' AND staff_id = core_actor());
END $$;

-- ------------------------------------------------------------------------------------------------ a tier that is lowered, in words
CREATE FUNCTION compliance_set_tier(p_person text, p_tier int, p_told text, p_reason text) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    person bigint := (SELECT id FROM users_user WHERE public_id = p_person AND kind = 'person');
    staff bigint := console_acted('tier.set', p_person, format('Tier %s (%s).', p_tier, compliance_tier_name(p_tier::smallint)), p_reason);
    earlier smallint;
BEGIN
    IF person IS NULL THEN
        RAISE EXCEPTION 'There is no such person.' USING ERRCODE = 'PY123';
    ELSIF p_tier NOT BETWEEN 1 AND 3 THEN
        RAISE EXCEPTION 'There is no such tier.' USING ERRCODE = 'PY124';
    END IF;
    earlier := compliance_move_tier(person, p_tier::smallint, 'staff', '{}', staff, p_reason);
    IF earlier = p_tier THEN
        RAISE EXCEPTION 'They are at this tier already.' USING ERRCODE = 'PY124';
    ELSIF earlier < p_tier THEN
        PERFORM compliance_tell(person, 'tier', 'Your limits are higher now',
            'Our staff raised them. What you may send, load and redeem is on the page “Your limits”.', '');
    ELSIF length(trim(p_told)) NOT BETWEEN 20 AND 500 THEN
        RAISE EXCEPTION 'The person has to be told why.' USING ERRCODE = 'PY124';
    ELSE
        PERFORM compliance_tell(person, 'tier', 'Your limits are lower now',
            trim(p_told) || E'\n\nYour money stays yours, and you can redeem it. If you think that this is wrong, appeal, or send an identity document.', '');
    END IF;
    RETURN p_tier;
END $$;
-- What the release before this one calls: it raises as before, and lowers nobody without a word.
CREATE OR REPLACE FUNCTION compliance_set_tier(p_person text, p_tier int, p_reason text) RETURNS int LANGUAGE sql SECURITY INVOKER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT compliance_set_tier(p_person, p_tier, '', p_reason)
$$;

-- ------------------------------------------------------------------------------------------------ who may do what
DO $$
DECLARE
    f regprocedure;
BEGIN
    FOREACH f IN ARRAY '{compliance_two_lifted_it(),"compliance_ask_lifting(text,text)","compliance_decide_lifting(text,boolean,text)",
        compliance_opened_document(text),"compliance_set_tier(text,int,text,text)"}'::regprocedure[] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_engine', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION compliance_ask_lifting(text, text), compliance_decide_lifting(text, boolean, text),
    compliance_opened_document(text), compliance_set_tier(text, int, text, text) TO paya_staff;
GRANT SELECT, INSERT, UPDATE ON compliance_hitlifting TO paya_engine;
GRANT USAGE ON SEQUENCE compliance_hitlifting_id_seq TO paya_engine;
GRANT SELECT ON compliance_hitlifting TO paya_worker, paya_auditor;
