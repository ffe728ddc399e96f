-- Review cases, flags and the sanctions list as staff see them. Of a private payment its amount is not told here either: what a flag
-- says of one movement in cents is left out, and a case's page has its flags from the view below.
CREATE VIEW console_case AS
    SELECT c.public_id AS id, c.id AS number, c.user_id, p.public_id::text AS person_id, f.username::text, c.kind,
           (SELECT k.title FROM compliance_casekind k WHERE k.kind = c.kind) AS kind_title, c.about, c.summary, c.detail, c.priority, c.status,
           c.assignee_id, console_email(c.assignee_id) AS assignee, c.outcome, c.label, c.result, c.signals - 'flags' AS signals,
           c.created_at, c.due_at, c.closed_at, console_email(c.closed_by_id) AS closed_by
    FROM compliance_case c JOIN users_user p ON p.id = c.user_id LEFT JOIN users_profile f ON f.user_id = c.user_id
    WHERE (SELECT console_is_staff());

CREATE VIEW console_casenote AS
    SELECT n.id, c.public_id AS case_id, n.note, n.at, console_email(n.staff_id) AS staff
    FROM compliance_casenote n JOIN compliance_case c ON c.id = n.case_id WHERE (SELECT console_is_staff());

CREATE VIEW console_verdict AS
    SELECT v.id, c.public_id AS case_id, v.outcome, v.label, v.result, v.closed_at, console_email(v.staff_id) AS staff
    FROM compliance_verdict v JOIN compliance_case c ON c.id = v.case_id WHERE (SELECT console_is_staff());

CREATE VIEW console_flag AS
    SELECT l.public_id AS id, l.id AS number, l.user_id, p.public_id::text AS person_id, f.username::text, l.rule,
           (SELECT r.title FROM compliance_flagrule r WHERE r.rule = l.rule) AS title, l.weight,
           l.detail - CASE WHEN EXISTS (SELECT FROM payments_payment y WHERE y.transfer = l.transfer AND y.visibility = 'private')
                           THEN '{cents,sent}'::text[] ELSE '{}' END AS detail,
           l.transfer, l.other_id, l.at, l.created_at,
           (SELECT c.public_id FROM compliance_case c WHERE c.id = l.case_id) AS case_id,
           (SELECT c.status FROM compliance_case c WHERE c.id = l.case_id) AS case_status
    FROM compliance_flag l JOIN users_user p ON p.id = l.user_id LEFT JOIN users_profile f ON f.user_id = l.user_id
    WHERE (SELECT console_is_staff());

CREATE VIEW console_flagrule AS
    SELECT r.rule AS id, r.title, r.weight, r.threshold, r.minutes, r.active, r.changed_at, console_email(r.changed_by_id) AS staff,
           (SELECT count(*) FROM compliance_flag l WHERE l.rule = r.rule AND l.at > core_now() - interval '30 days') AS lately
    FROM compliance_flagrule r WHERE (SELECT console_is_staff());

CREATE VIEW console_sanctionshit AS
    SELECT h.public_id AS id, h.id AS number, h.user_id, p.public_id::text AS person_id, f.username::text, f.display_name::text, h.listed, h.score,
           h.strong, h.state, h.found_at, h.decided_at, console_email(h.decided_by_id) AS staff, h.reason,
           (SELECT c.public_id FROM compliance_case c WHERE c.id = h.case_id) AS case_id,
           e.number AS entry, e.name, e.kind, e.aliases, e.program, e.title, e.remarks, e.places, e.removed_in_id IS NOT NULL AS removed
    FROM compliance_sanctionshit h JOIN compliance_sanctionsentry e ON e.number = h.entry_id JOIN users_user p ON p.id = h.user_id
    LEFT JOIN users_profile f ON f.user_id = h.user_id WHERE (SELECT console_is_staff());

CREATE VIEW console_sanctionsrun AS
    SELECT r.id, r.cause, r.entries, r.added, r.changed, r.removed, r.people, r.hits, r.started_at, r.finished_at,
           (SELECT count(*) FROM users_profile) AS everybody
    FROM compliance_sanctionsrun r WHERE (SELECT console_is_staff());

DO $$
DECLARE
    v text;
BEGIN
    FOREACH v IN ARRAY '{console_case,console_casenote,console_verdict,console_flag,console_flagrule,console_sanctionshit,console_sanctionsrun}'::text[] LOOP
        EXECUTE format('ALTER VIEW %I OWNER TO paya_engine', v);
        EXECUTE format('GRANT SELECT ON %I TO paya_staff', v);
    END LOOP;
END $$;

-- What a person was told, for the page of a case about them.
CREATE VIEW console_caseletter AS
    SELECT l.public_id AS id, l.user_id, l.kind, l.title, l.body, l.about, l.created_at, l.read_at
    FROM compliance_letter l WHERE (SELECT console_is_staff());
ALTER VIEW console_caseletter OWNER TO paya_engine;
GRANT SELECT ON console_caseletter TO paya_staff;
