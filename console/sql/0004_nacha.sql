-- Direct NACHA files as staff see them: no account number, no content. Both are opened with a reason (banking_nacha_open).
CREATE VIEW console_nachafile AS
    SELECT public_id AS id, id AS number, name, day, modifier, sha256, size, entries, batches, same_day, debits, credits, cost,
           unbatched_cost, sent_by, status, written_at, sent_at, answered_at, missed_at, reason
    FROM banking_nachafile WHERE (SELECT console_is_staff());

CREATE VIEW console_nachabatch AS
    SELECT b.id, f.public_id AS file, f.name AS file_name, b.number, b.sec, b.direction, b.description, b.effective_on, b.same_day,
           b.settles_on, b.entries, b.amount
    FROM banking_nachabatch b JOIN banking_nachafile f ON f.id = b.file_id WHERE (SELECT console_is_staff());

CREATE VIEW console_nachaentry AS
    SELECT e.public_id AS id, e.id AS number, e.user_id, e.purpose, e.sec, e.direction, e.amount, e.routing, e.kind, e.promised_on,
           e.same_day, e.status, e.trace, e.arrives_on, e.settled_at, e.return_code, e.returned_at, e.created_at, e.batch_id,
           (SELECT f.public_id FROM banking_nachabatch b JOIN banking_nachafile f ON f.id = b.file_id WHERE b.id = e.batch_id) AS file,
           (SELECT t.public_id FROM banking_banktransfer t WHERE t.rail_key = e.key) AS transfer,
           (SELECT r.untimely FROM banking_nachareturn r WHERE r.entry_id = e.id) AS untimely
    FROM banking_nachaentry e WHERE (SELECT console_is_staff());

CREATE VIEW console_nachaincoming AS
    SELECT public_id AS id, id AS number, name, kind, sha256, size, received_at, processed_at, understood, quarantined
    FROM banking_nachaincoming WHERE (SELECT console_is_staff());

CREATE VIEW console_nachaline AS
    SELECT q.id, i.public_id AS incoming, i.name AS file_name, q.line, q.position, q.reason, q.at, q.resolved_at
    FROM banking_nachaquarantine q JOIN banking_nachaincoming i ON i.id = q.incoming_id WHERE (SELECT console_is_staff());

CREATE VIEW console_nachachange AS
    SELECT c.id, c.user_id, c.code, c.fields, c.due_on, c.created_at,
           (SELECT e.public_id FROM banking_nachaentry e WHERE e.id = c.entry_id) AS entry,
           (SELECT i.public_id FROM banking_nachaincoming i WHERE i.id = c.incoming_id) AS incoming
    FROM banking_nachachange c WHERE (SELECT console_is_staff());

DO $$
DECLARE v text;
BEGIN
    FOREACH v IN ARRAY '{file,batch,entry,incoming,line,change}'::text[] LOOP
        EXECUTE format('ALTER VIEW console_nacha%s OWNER TO paya_engine', v);
        EXECUTE format('GRANT SELECT ON console_nacha%s TO paya_staff', v);
    END LOOP;
END $$;
-- Opens what banking_nacha_open hands out. Wrapped keys; nothing else that they are for can be read by staff.
GRANT SELECT ON core_systemkey TO paya_staff;
