-- What a bank brought into an account (loads, repayments, failed redemptions), by time: limits ask for weeks and for sixty days of it.
CREATE INDEX CONCURRENTLY IF NOT EXISTS ledger_transfer_from_bank ON ledger_transfer (credit_account, posted_at) INCLUDE (amount, kind) WHERE kind IN (1, 2, 5);
