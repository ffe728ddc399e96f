-- Whether an entry can be taken back is banking's to say.
CREATE OR REPLACE VIEW console_nachaentry AS
    SELECT e.public_id AS id, e.id AS number, e.user_id, e.purpose, e.sec, e.direction, e.amount, e.routing, e.kind, e.promised_on,
           e.same_day, e.status, e.trace, e.arrives_on, e.settled_at, e.return_code, e.returned_at, e.created_at, e.batch_id,
           (SELECT f.public_id FROM banking_nachabatch b JOIN banking_nachafile f ON f.id = b.file_id WHERE b.id = e.batch_id) AS file,
           (SELECT t.public_id FROM banking_banktransfer t WHERE t.rail_key = e.key) AS transfer,
           (SELECT r.untimely FROM banking_nachareturn r WHERE r.entry_id = e.id) AS untimely,
           (SELECT r.public_id FROM banking_nachareceiver r WHERE r.id = e.receiver_id) AS receiver,
           (SELECT o.public_id FROM banking_nachaentry o WHERE o.id = e.original_id) AS original,
           (SELECT coalesce(b.settles_on, b.effective_on) FROM banking_nachabatch b WHERE b.id = e.batch_id) AS settles_on,
           (SELECT coalesce(r.public_id, nullif(o.refused, ''), 'asked for') FROM banking_nachaorder o
            LEFT JOIN banking_nachaentry r ON r.id = o.entry_id WHERE o.original_id = e.id ORDER BY o.id DESC LIMIT 1) AS reversal,
           banking_nacha_reversible(e) AS reversible
    FROM banking_nachaentry e WHERE (SELECT console_is_staff());
