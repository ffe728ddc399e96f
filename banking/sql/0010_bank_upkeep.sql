-- An account whose permission was withdrawn has a status of its own.
ALTER TABLE banking_bankaccount DROP CONSTRAINT banking_account_status;
ALTER TABLE banking_bankaccount ADD CONSTRAINT banking_account_status
    CHECK (status IN ('active', 'relink', 'revoked', 'removed')) NOT VALID;

-- Web begins: it links and re-links, and puts down who wants to be told. What comes of it is the worker's to write.
GRANT SELECT, INSERT ON banking_itemwatch, banking_bankidentity, banking_outagenotice TO paya_web, paya_worker;
GRANT UPDATE (due_at, relinking_until, relink_by) ON banking_itemwatch TO paya_web, paya_worker;
GRANT UPDATE (name_score, phone_score, due_at, asked_at, attempts, outcome) ON banking_bankidentity TO paya_worker;
GRANT UPDATE (state, due_at, claimed_at, attempts) ON banking_outagenotice TO paya_worker;
-- A rail that has dropped an account gives it another id when its bank is linked again.
GRANT UPDATE (source, source_index) ON banking_banksource TO paya_web, paya_worker;
-- Re-encrypted when the master key changes (core/keyring).
GRANT UPDATE (hosted_url) ON banking_linksession TO paya_worker;

GRANT SELECT ON banking_itemwatch, banking_bankidentity, banking_outagenotice TO paya_auditor;
GRANT SELECT ON banking_bankidentity TO paya_staff;
