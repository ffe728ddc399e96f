CREATE OR REPLACE VIEW console_reconciliation AS
    SELECT r.id, r.custodian, r."on", r.current, r.result, r.ran_at, r.ledger, r.ours, r.held, r.in_transit, r.items, r.items_count,
           r.pending, r.compared, r.breaks, r.breaks_cents, r.cause, r.statement_id, r.accepted, r.accepted_cents
    FROM banking_reconciliation r WHERE (SELECT console_is_staff());
