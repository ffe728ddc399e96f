-- Reconciliation as staff see it. No row of it is a person's; the text of a line may name one, and is staff's to read.
CREATE VIEW console_reconciliation AS
    SELECT r.id, r.custodian, r."on", r.current, r.result, r.ran_at, r.ledger, r.ours, r.held, r.in_transit, r.items, r.items_count,
           r.pending, r.compared, r.breaks, r.breaks_cents, r.cause, r.statement_id
    FROM banking_reconciliation r WHERE (SELECT console_is_staff());

CREATE VIEW console_break AS
    SELECT b.public_id AS id, b.id AS number, b.custodian, b.subject, b.kind, b.cents, b.state, b.facts, b.first_on, b.last_on,
           b.first_seen_at, b.closed_at, b.times_opened, (SELECT u.email::text FROM users_user u WHERE u.id = b.assignee_id) AS assignee
    FROM banking_break b WHERE (SELECT console_is_staff());

CREATE VIEW console_statement AS
    SELECT s.id, s.custodian, s.origin, s.name, s.account, s.currency, s.as_of, s.opening, s.closing, s.faults, s.taken_at,
           (SELECT count(*) FROM banking_statementline n WHERE n.statement_id = s.id) AS lines
    FROM banking_statement s WHERE (SELECT console_is_staff());

CREATE VIEW console_statementline AS
    SELECT n.id, n.statement_id, n.custodian, n.entry, n.state, n.kind, n.amount, n.effect, n.currency, n."on", n.key, n.transfer,
           n.reference, n.text, n.seen_at,
           (SELECT t.public_id FROM banking_banktransfer t
            WHERE t.rail = n.custodian AND (t.rail_key = n.reference_key OR t.external_id = n.transfer AND n.transfer <> '') LIMIT 1)
               AS bank_transfer
    FROM banking_statementline n WHERE (SELECT console_is_staff());

DO $$
DECLARE
    v text;
BEGIN
    FOREACH v IN ARRAY '{console_reconciliation,console_break,console_statement,console_statementline}'::text[] LOOP
        EXECUTE format('ALTER VIEW %I OWNER TO paya_engine', v);
        EXECUTE format('GRANT SELECT ON %I TO paya_staff', v);
    END LOOP;
END $$;
