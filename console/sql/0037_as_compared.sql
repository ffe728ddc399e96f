-- With the name that was compared.
CREATE OR REPLACE VIEW console_sanctionshit AS
    SELECT h.public_id AS id, h.id AS number, h.user_id, p.public_id::text AS person_id, f.username::text, f.display_name::text, h.listed, h.score,
           h.strong, h.state, h.found_at, h.decided_at, console_email(h.decided_by_id) AS staff, h.reason,
           (SELECT c.public_id FROM compliance_case c WHERE c.id = h.case_id) AS case_id,
           e.number AS entry, e.name, e.kind, e.aliases, e.program, e.title, e.remarks, e.places, e.removed_in_id IS NOT NULL AS removed,
           h.legal_name, h.name AS compared
    FROM compliance_sanctionshit h JOIN compliance_sanctionsentry e ON e.number = h.entry_id JOIN users_user p ON p.id = h.user_id
    LEFT JOIN users_profile f ON f.user_id = h.user_id WHERE (SELECT console_is_staff());
