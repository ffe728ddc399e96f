-- Tiers (docs/compliance.md): 1 phone, 2 identity, 3 documents. Where a person stands is compliance_standing; here is what raises
-- and lowers it, and the documents that prove it. The web's role can do neither: it hands in a document, and names a login to ask.

CREATE TRIGGER tier_changes_stay BEFORE UPDATE OR DELETE ON compliance_tierchange FOR EACH ROW EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER tier_changes_are_kept BEFORE TRUNCATE ON compliance_tierchange FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER documents_are_kept BEFORE DELETE ON compliance_document FOR EACH ROW EXECUTE FUNCTION compliance_refuse();
CREATE TRIGGER documents_are_not_truncated BEFORE TRUNCATE ON compliance_document FOR EACH STATEMENT EXECUTE FUNCTION compliance_refuse();
-- What was decided about a document, and what it is, stays. (Its key is re-encrypted when keys are rotated.)
CREATE TRIGGER documents_stay_decided BEFORE UPDATE ON compliance_document FOR EACH ROW WHEN (
    (OLD.public_id, OLD.user_id, OLD.kind, OLD.media_type, OLD.pages, OLD.size, OLD.digest_index, OLD.created_at)
    IS DISTINCT FROM (NEW.public_id, NEW.user_id, NEW.kind, NEW.media_type, NEW.pages, NEW.size, NEW.digest_index, NEW.created_at)
    OR (OLD.status IN ('accepted', 'refused', 'abandoned') AND (OLD.status, OLD.decided_at, OLD.decided_by_id, OLD.words)
        IS DISTINCT FROM (NEW.status, NEW.decided_at, NEW.decided_by_id, NEW.words))) EXECUTE FUNCTION compliance_refuse();

CREATE FUNCTION compliance_tier_name(p_tier smallint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT (ARRAY['phone', 'identity', 'documents'])[p_tier]
$$;

-- Where somebody stands, held until the transaction ends: of two causes at once the second sees the first.
CREATE FUNCTION compliance_hold_standing(p_user bigint) RETURNS smallint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    INSERT INTO compliance_standing (user_id, tier, reason, since) VALUES (p_user, 1, 'Signed up', core_now()) ON CONFLICT (user_id) DO NOTHING;
    RETURN (SELECT tier FROM compliance_standing WHERE user_id = p_user FOR NO KEY UPDATE);
END $$;

-- The one way in which a tier changes. The answer is the tier before.
CREATE FUNCTION compliance_move_tier(p_user bigint, p_after smallint, p_cause text, p_evidence jsonb, p_staff bigint, p_reason text)
RETURNS smallint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    earlier smallint;
BEGIN
    earlier := compliance_hold_standing(p_user);
    IF earlier <> p_after THEN
        UPDATE compliance_standing SET tier = p_after, since = core_now(),
            reason = coalesce(nullif(trim(p_reason), ''), format('Proved by %s', p_cause)) WHERE user_id = p_user;
        INSERT INTO compliance_tierchange (user_id, before, after, cause, evidence, staff_id, reason)
            VALUES (p_user, earlier, p_after, p_cause, p_evidence, p_staff, p_reason);
    END IF;
    RETURN earlier;
END $$;

-- Whether staff lowered this person and nobody has raised them since: then no machine does either.
CREATE FUNCTION compliance_tier_held(p_user bigint) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT coalesce((SELECT cause = 'staff' AND after < before FROM compliance_tierchange WHERE user_id = p_user ORDER BY id DESC LIMIT 1), false)
$$;

-- For the worker: the bank's account holder is this person. What became of it: raised, has (it is that high already) or held.
CREATE FUNCTION compliance_prove_identity(p_user bigint, p_evidence jsonb) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF core_actor() IS DISTINCT FROM 0 THEN
        RAISE EXCEPTION 'only the system proves who somebody is' USING ERRCODE = '42501';
    END IF;
    IF compliance_hold_standing(p_user) >= 2 THEN
        RETURN 'has';
    ELSIF compliance_tier_held(p_user) THEN
        PERFORM compliance_open_case('review', p_user, 'tier', 'A bank confirmed who this is, after staff had lowered the tier.', 2::smallint, p_evidence);
        PERFORM compliance_tell(p_user, 'tier', 'Your bank confirmed who you are',
            'Somebody of our staff looks at it before your limits rise. You need to do nothing.', '');
        RETURN 'held';
    END IF;
    PERFORM compliance_move_tier(p_user, 2::smallint, 'identity', p_evidence, NULL, '');
    PERFORM compliance_tell(p_user, 'tier', 'Your limits are higher now',
        'Your bank confirmed who you are. What you may send, load and redeem is on the page “Your limits”.', '');
    RETURN 'raised';
END $$;

-- The person's document has arrived where it is kept; again, nothing happens. Answers its status.
CREATE FUNCTION compliance_document_stored(p_document text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    d compliance_document;
BEGIN
    SELECT * INTO d FROM compliance_document WHERE public_id = p_document AND user_id = core_actor() FOR NO KEY UPDATE;
    IF d.status = 'storing' THEN
        UPDATE compliance_document SET status = 'waiting' WHERE id = d.id;
        PERFORM compliance_open_case('document', d.user_id, d.public_id, 'An identity document waits to be looked at.', 2::smallint,
            jsonb_build_object('document', d.kind));
        RETURN 'waiting';
    END IF;
    RETURN d.status;
END $$;

-- ------------------------------------------------------------------------------------------------ what staff do
CREATE FUNCTION compliance_decide_document(p_document text, p_accept boolean, p_words text, p_reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    d compliance_document;
    staff bigint := console_acted(CASE WHEN p_accept THEN 'document.accept' ELSE 'document.refuse' END, p_document,
        CASE WHEN p_accept THEN 'Accepted the document: tier documents.' ELSE format('Did not accept the document: %s', p_words) END, p_reason);
BEGIN
    SELECT * INTO d FROM compliance_document WHERE public_id = p_document FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'There is no such document.' USING ERRCODE = 'PY123';
    ELSIF d.status <> 'waiting' THEN
        RAISE EXCEPTION 'This document does not wait to be looked at (any more).' USING ERRCODE = 'PY124';
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

-- Staff raise or lower somebody. Down: from then on no bank raises them again by itself.
CREATE FUNCTION compliance_set_tier(p_person text, p_tier int, p_reason text) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
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
    ELSE
        PERFORM compliance_tell(person, 'tier', 'Your limits are lower now',
            'Our staff lowered them. Your money stays yours, and you can redeem it. If you think that this is wrong, appeal, or send an identity document.', '');
    END IF;
    RETURN p_tier;
END $$;

-- ------------------------------------------------------------------------------------------------ who may do what
DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname IN (
        'compliance_tier_name', 'compliance_hold_standing', 'compliance_move_tier', 'compliance_tier_held', 'compliance_prove_identity', 'compliance_document_stored',
        'compliance_decide_document', 'compliance_set_tier') LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_engine', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION compliance_prove_identity(bigint, jsonb) TO paya_worker;
GRANT EXECUTE ON FUNCTION compliance_document_stored(text) TO paya_web, paya_worker;
GRANT EXECUTE ON FUNCTION compliance_decide_document(text, boolean, text, text), compliance_set_tier(text, int, text) TO paya_staff;
GRANT SELECT, INSERT, UPDATE ON compliance_standing TO paya_engine;
GRANT SELECT, INSERT ON compliance_tierchange TO paya_engine;
GRANT USAGE ON SEQUENCE compliance_tierchange_id_seq TO paya_engine;
GRANT SELECT, UPDATE (status, decided_at, decided_by_id, words) ON compliance_document TO paya_engine;
-- The web's role writes a document down as one that has yet to arrive; its status is not among what it may say.
GRANT SELECT, INSERT (public_id, user_id, kind, media_type, pages, size, digest_index, content_key) ON compliance_document TO paya_web;
GRANT SELECT, INSERT ON compliance_document TO paya_worker;
GRANT USAGE ON SEQUENCE compliance_document_id_seq TO paya_web, paya_worker;
GRANT UPDATE (status, removed_at, content_key) ON compliance_document TO paya_worker;
GRANT SELECT ON compliance_tierchange TO paya_web, paya_worker, paya_auditor;
GRANT SELECT ON compliance_document TO paya_auditor;
