CREATE INDEX CONCURRENTLY IF NOT EXISTS ledger_transfer_to_bank ON ledger_transfer (debit_account, posted_at) INCLUDE (amount, kind) WHERE kind IN (3, 6);
