-- Documents, tiers, limits and versions of the score, as staff see them.
SELECT console_permit('document.look', 'compliance');
SELECT console_permit('document.accept', 'compliance');
SELECT console_permit('document.refuse', 'compliance');
SELECT console_permit('tier.set', 'compliance', 'administrator');
SELECT console_permit('limit.set', 'compliance', 'administrator');
SELECT console_permit('score.make', 'compliance', 'administrator');
SELECT console_permit('score.switch', 'compliance', 'administrator');
SELECT console_watch('compliance_document', 'public_id', 'user_id', 'kind', 'status', 'decided_at', 'words');
SELECT console_watch('compliance_standing', 'user_id', 'tier', 'reason');
SELECT console_watch('compliance_limit', 'id', 'name', 'tier', 'value', 'effective_at');
SELECT console_watch('compliance_scoreversion', 'name', 'state', 'weights', 'hold_at', 'deny_at');

CREATE VIEW console_document AS
    SELECT d.public_id AS id, d.id AS number, d.user_id, p.public_id::text AS person_id, f.username::text, f.display_name::text, d.kind,
           d.media_type, d.pages, d.size, d.status, d.created_at, d.decided_at, console_email(d.decided_by_id) AS staff, d.words,
           d.removed_at, compliance_tier_of(d.user_id) AS tier,
           (SELECT c.public_id FROM compliance_case c WHERE c.user_id = d.user_id AND c.kind = 'document' AND c.about = d.public_id
            ORDER BY c.id DESC LIMIT 1) AS case_id
    FROM compliance_document d JOIN users_user p ON p.id = d.user_id LEFT JOIN users_profile f ON f.user_id = d.user_id
    WHERE (SELECT console_is_staff()) AND d.status NOT IN ('storing', 'abandoned');

-- What opens a document, for whoever may look at one; that they did is kept.
CREATE FUNCTION console_open_document(p_document text) RETURNS TABLE (user_id bigint, media_type text, content_key bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT console_may('document.look') THEN
        RAISE EXCEPTION 'Your role may not look at documents.' USING ERRCODE = 'PY120';
    END IF;
    PERFORM console_viewed('document', p_document);
    RETURN QUERY SELECT d.user_id, d.media_type, d.content_key FROM compliance_document d
        WHERE d.public_id = p_document AND d.status IN ('waiting', 'accepted', 'refused') AND d.removed_at IS NULL;
END $$;

-- The legal name that the person typed for their bank, to hold a document against: sealed, with what it is bound to.
CREATE FUNCTION console_legal_name(p_document text) RETURNS TABLE (check_id text, legal_name bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT console_may('document.look') THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT k.public_id, k.legal_name FROM banking_identitycheck k JOIN compliance_document d ON d.user_id = k.user_id
        WHERE d.public_id = p_document ORDER BY k.id DESC LIMIT 1;
END $$;

CREATE VIEW console_tierchange AS
    SELECT t.id, t.user_id, p.public_id::text AS person_id, f.username::text, t.before, t.after, t.cause, t.evidence,
           console_email(t.staff_id) AS staff, t.reason, t.at
    FROM compliance_tierchange t JOIN users_user p ON p.id = t.user_id LEFT JOIN users_profile f ON f.user_id = t.user_id
    WHERE (SELECT console_is_staff());

-- One row for each limit of each tier: what is in force, and what is staged next.
CREATE VIEW console_limit AS
    SELECT n.name || ':' || n.tier AS id, n.name, n.tier, i.value, i.effective_at AS since, console_email(i.set_by_id) AS staff, i.reason,
           s.value AS next_value, s.effective_at AS next_at
    FROM (SELECT DISTINCT l.name, l.tier FROM compliance_limit l) n
    LEFT JOIN LATERAL (SELECT * FROM compliance_limit l WHERE l.name = n.name AND l.tier = n.tier AND l.effective_at <= core_now()
                       ORDER BY l.effective_at DESC, l.id DESC LIMIT 1) i ON true
    LEFT JOIN LATERAL (SELECT DISTINCT ON (l.effective_at) l.value, l.effective_at FROM compliance_limit l
                       WHERE l.name = n.name AND l.tier = n.tier AND l.effective_at > core_now()
                       ORDER BY l.effective_at, l.id DESC LIMIT 1) s ON true
    WHERE (SELECT console_is_staff());
CREATE VIEW console_limithistory AS
    SELECT l.id, l.name || ':' || l.tier AS limit_id, l.value, l.effective_at, console_email(l.set_by_id) AS staff, l.reason, l.created_at
    FROM compliance_limit l WHERE (SELECT console_is_staff());

-- How many people a tier has.
CREATE FUNCTION console_people_of_tier(p_tier int) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN console_is_staff() THEN
        CASE WHEN p_tier = 1 THEN (SELECT count(*) FROM users_user WHERE kind = 'person') - (SELECT count(*) FROM compliance_standing WHERE tier > 1)
             ELSE (SELECT count(*) FROM compliance_standing WHERE tier = p_tier) END END
$$;

CREATE VIEW console_scoreversion AS
    SELECT v.name AS id, v.id AS number, v.scorer, v.weights, v.hold_at, v.deny_at, v.state, v.reason, console_email(v.made_by_id) AS staff,
           v.created_at
    FROM compliance_scoreversion v WHERE (SELECT console_is_staff());
-- What a version that runs in the shadow would have done within a week, beside what was done: movements, held and refused by it, and by
-- the versions that counted.
CREATE FUNCTION console_version_effect(p_name text) RETURNS bigint[] LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT CASE WHEN console_is_staff() THEN ARRAY[
        count(*) FILTER (WHERE a.shadow ? p_name), count(*) FILTER (WHERE (a.shadow ->> p_name)::int >= v.hold_at AND (a.shadow ->> p_name)::int < v.deny_at),
        count(*) FILTER (WHERE (a.shadow ->> p_name)::int >= v.deny_at),
        count(*) FILTER (WHERE a.shadow ? p_name AND a.decision = 'held'), count(*) FILTER (WHERE a.shadow ? p_name AND a.decision = 'denied')] END
    FROM compliance_scoreversion v LEFT JOIN compliance_assessment a ON a.at > core_now() - interval '7 days' WHERE v.name = p_name GROUP BY v.id
$$;

DO $$
DECLARE
    v text;
    f regprocedure;
BEGIN
    FOREACH v IN ARRAY '{console_document,console_tierchange,console_limit,console_limithistory,console_scoreversion}'::text[] LOOP
        EXECUTE format('ALTER VIEW %I OWNER TO paya_engine', v);
        EXECUTE format('GRANT SELECT ON %I TO paya_staff', v);
    END LOOP;
    FOREACH f IN ARRAY '{console_open_document(text),console_legal_name(text),console_people_of_tier(int),console_version_effect(text)}'::regprocedure[] LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_staff', f);
    END LOOP;
END $$;
