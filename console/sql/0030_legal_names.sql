-- Hits of the sanctions list that were found in a legal name, as staff see them. A new column stands at the end.
CREATE OR REPLACE VIEW console_sanctionshit AS
    SELECT h.public_id AS id, h.id AS number, h.user_id, p.public_id::text AS person_id, f.username::text, f.display_name::text, h.listed, h.score,
           h.strong, h.state, h.found_at, h.decided_at, console_email(h.decided_by_id) AS staff, h.reason,
           (SELECT c.public_id FROM compliance_case c WHERE c.id = h.case_id) AS case_id,
           e.number AS entry, e.name, e.kind, e.aliases, e.program, e.title, e.remarks, e.places, e.removed_in_id IS NOT NULL AS removed,
           h.legal_name
    FROM compliance_sanctionshit h JOIN compliance_sanctionsentry e ON e.number = h.entry_id JOIN users_user p ON p.id = h.user_id
    LEFT JOIN users_profile f ON f.user_id = h.user_id WHERE (SELECT console_is_staff());

-- The legal names that this person has given, each once and the newest first, for whoever has to compare them with the entry: sealed,
-- with what they are bound to.
CREATE FUNCTION console_legal_names(p_hit text) RETURNS TABLE (check_id text, legal_name bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT console_may('hit.clear') THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT k.public_id, k.legal_name FROM banking_identitycheck k
        WHERE k.id IN (SELECT max(n.id) FROM banking_identitycheck n JOIN compliance_sanctionshit h ON h.user_id = n.user_id
                       WHERE h.public_id = p_hit GROUP BY n.name_index)
        ORDER BY k.id DESC;
END $$;
REVOKE EXECUTE ON FUNCTION console_legal_names(text) FROM PUBLIC;
ALTER FUNCTION console_legal_names(text) OWNER TO paya_engine;
GRANT EXECUTE ON FUNCTION console_legal_names(text) TO paya_staff;
