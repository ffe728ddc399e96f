-- Legal names are compared with the sanctions list, too (docs/compliance.md). Rooms above keep them, encrypted; what was found in one
-- says so, and its key is a keyed hash, so that no row here tells a name that is a secret.

-- As the function of before, which the release before this one still calls, with the key of before: what was decided under that one
-- stays decided. `p_name` is what was compared, for whoever clears the hit when its person is called otherwise; of a legal name nothing,
-- for that is a secret and kept elsewhere.
CREATE FUNCTION compliance_sanctions_hit(p_user bigint, p_entry bigint, p_listed text, p_score int, p_name_key text, p_entry_key text,
    p_earlier_key text, p_legal_name boolean, p_name text)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found_now bigint;
    opened text;
    strong_from int := (SELECT strong FROM compliance_sanctionssetting ORDER BY id DESC LIMIT 1);
BEGIN
    IF EXISTS (SELECT FROM compliance_sanctionshit WHERE user_id = p_user AND entry_id = p_entry AND name_key = p_earlier_key
               AND entry_key = p_entry_key AND state <> 'gone') THEN
        RETURN false;
    END IF;
    INSERT INTO compliance_sanctionshit (public_id, user_id, entry_id, listed, score, name_key, entry_key, legal_name, name, found_at)
        VALUES (compliance_new_id('hit'), p_user, p_entry, p_listed, p_score, p_name_key, p_entry_key, p_legal_name, p_name, core_now())
        ON CONFLICT (user_id, entry_id, name_key, entry_key) DO UPDATE SET state = 'open', case_id = NULL, decided_at = NULL
            WHERE compliance_sanctionshit.state = 'gone'
        RETURNING id INTO found_now;
    IF found_now IS NULL THEN
        RETURN false;
    END IF;
    opened := compliance_open_case('sanctions', p_user, '', format('%s like “%s” of the OFAC list (score %s)',
            CASE WHEN p_legal_name THEN 'Legal name' ELSE 'Name' END, left(p_listed, 200), p_score), 1::smallint,
        jsonb_build_object('signals', jsonb_build_object('score', p_score, 'entry', p_entry, 'legal_name', p_legal_name)));
    UPDATE compliance_sanctionshit SET case_id = (SELECT id FROM compliance_case WHERE public_id = opened), strong = p_score >= strong_from
        WHERE id = found_now;
    IF p_score >= strong_from THEN
        PERFORM compliance_sanctions_apply(p_user, opened);
    END IF;
    RETURN true;
END $$;
REVOKE EXECUTE ON FUNCTION compliance_sanctions_hit(bigint, bigint, text, int, text, text, text, boolean, text) FROM PUBLIC;
ALTER FUNCTION compliance_sanctions_hit(bigint, bigint, text, int, text, text, text, boolean, text) OWNER TO paya_engine;
GRANT EXECUTE ON FUNCTION compliance_sanctions_hit(bigint, bigint, text, int, text, text, text, boolean, text) TO paya_worker;

-- Other scores wait for a list that is being taken in: runs commit in the order of their numbers, so whoever has seen the newest has
-- seen all before it.
CREATE OR REPLACE FUNCTION compliance_change_sanctions(p_threshold int, p_strong int, p_reason text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM console_acted('sanctions.settings', 'sanctions', format('A hit from %s on, a strong one from %s on.', p_threshold, p_strong), p_reason);
    PERFORM pg_advisory_xact_lock(420602);  -- as compliance/services/sanctions.py takes it
    INSERT INTO compliance_sanctionssetting (threshold, strong, reason, chosen_by_id, created_at)
        VALUES (p_threshold, p_strong, trim(p_reason), core_actor(), core_now());
    INSERT INTO compliance_sanctionsrun (cause, started_at) VALUES ('setting', core_now()) RETURNING id INTO made;
    RETURN made;
EXCEPTION WHEN check_violation THEN
    RAISE EXCEPTION 'A hit begins between 70 and 100, a strong one not below it.' USING ERRCODE = 'PY124';
END $$;

-- More scripts are read than before: everybody is looked up again where there is a list, as soon as the workers of this release are
-- there. Those of the one before could not read them, and leave the run alone for that long.
INSERT INTO compliance_sanctionsrun (cause, started_at, claimed_until)
    SELECT 'reading', core_now(), core_now() + interval '15 minutes' WHERE EXISTS (SELECT FROM compliance_sanctionsentry);
