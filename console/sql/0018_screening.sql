-- Whether a load or redemption waits for a review.
CREATE OR REPLACE VIEW console_banktransfer WITH (security_invoker = true) AS
    SELECT t.public_id AS id, t.id AS number, t.user_id, u.public_id::text AS person_id, p.username::text, t.kind, t.amount,
           t.rail, t.status, t.rail_key, t.external_id, t.expected_on, t.due_at, t.attempts, t.failure_code, t.created_at,
           a.public_id AS bank_account_id, concat_ws(' ', nullif(i.institution, ''), a.name, '••' || a.mask) AS bank, t.review
    FROM banking_banktransfer t JOIN users_user u ON u.id = t.user_id LEFT JOIN users_profile p ON p.user_id = t.user_id
    JOIN banking_bankaccount a ON a.id = t.bank_account_id JOIN banking_bankitem i ON i.id = a.item_id;

-- What staff's functions of screening change.
SELECT console_watch('payments_payment', 'public_id', 'status', 'decided_at');
SELECT console_watch('banking_banktransfer', 'public_id', 'review', 'cancel');
SELECT console_watch('compliance_limit', 'id', 'name', 'tier', 'value', 'effective_at');
SELECT console_watch('compliance_standing', 'user_id', 'tier');
SELECT console_watch('compliance_scoreversion', 'name', 'scorer', 'weights', 'hold_at', 'deny_at', 'state');
