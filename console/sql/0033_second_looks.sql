-- What compliance/sql/0014_second_looks.sql asks of the staff's site: who may take back a confirmed hit, and that a file of a document
-- was opened, which is more than that its page was.
SELECT console_permit('hit.lift', 'support', 'compliance');
SELECT console_permit('hit.approve', 'compliance');
SELECT console_permit('hit.refuse', 'compliance');
SELECT console_watch('compliance_hitlifting', 'id', 'hit_id', 'user_id', 'asked_by_id', 'decided_by_id', 'decided_at', 'approved');

CREATE VIEW console_hitlifting AS
    SELECT l.id, h.public_id AS hit_id, console_email(l.asked_by_id) AS asked_by, l.asked_at, console_email(l.decided_by_id) AS decided_by,
           l.decided_at, l.approved
    FROM compliance_hitlifting l JOIN compliance_sanctionshit h ON h.id = l.hit_id WHERE (SELECT console_is_staff());
ALTER VIEW console_hitlifting OWNER TO paya_engine;
GRANT SELECT ON console_hitlifting TO paya_staff;

CREATE OR REPLACE FUNCTION console_open_document(p_document text) RETURNS TABLE (user_id bigint, media_type text, content_key bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT console_may('document.look') THEN
        RAISE EXCEPTION 'Your role may not look at documents.' USING ERRCODE = 'PY120';
    END IF;
    PERFORM console_viewed('document_file', p_document);
    RETURN QUERY SELECT d.user_id, d.media_type, d.content_key FROM compliance_document d
        WHERE d.public_id = p_document AND d.status IN ('waiting', 'accepted', 'refused') AND d.removed_at IS NULL;
END $$;
