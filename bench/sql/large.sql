-- A long history: each of %(n)s wallets is loaded once, then pays its neighbours %(rounds)s times. Filled past the
-- functions but as they would have: versions without a gap, balances that follow, one stripe of the reserve per 64.
SET maintenance_work_mem = '1GB';
SET synchronous_commit = off;
SET max_parallel_maintenance_workers = 2;
ALTER TABLE ledger_transfer DROP CONSTRAINT ledger_transfer_pkey;
DROP INDEX ledger_transfer_debit;
DROP INDEX ledger_transfer_credit;

INSERT INTO ledger_account (id, kind, floor, balance, version)
    SELECT 1000 + n, 1, 0, %(funds)s, 1 + 2 * %(rounds)s FROM generate_series(0, %(n)s - 1) n;
SELECT setval('ledger_account_seq', 1000 + %(n)s);

INSERT INTO ledger_transfer (id, kind, debit_account, credit_account, amount, debit_version, debit_balance,
                             credit_version, credit_balance, posted_at)
    SELECT uuidv7(interval '-300 days'), 1, -(64 + n %% 64), 1000 + n, %(funds)s, n / 64 + 1, -(n / 64 + 1) * %(funds)s::bigint,
           1, %(funds)s, now() - interval '300 days'
    FROM generate_series(0::bigint, %(n)s - 1) n;
INSERT INTO ledger_transfer (id, kind, debit_account, credit_account, amount, debit_version, debit_balance,
                             credit_version, credit_balance, posted_at)
    SELECT uuidv7(make_interval(days => 10 * r - 200)), 7, 1000 + n, 1000 + (n + 7919 * (r + 1)) %% %(n)s, 1,
           2 + 2 * r, %(funds)s - 1, 3 + 2 * r, %(funds)s, now() + make_interval(days => 10 * r - 200)
    FROM generate_series(0, %(rounds)s - 1) r, generate_series(0::bigint, %(n)s - 1) n;

ALTER TABLE ledger_account DISABLE TRIGGER USER;
UPDATE ledger_account a SET version = s.n, balance = -s.total
    FROM (SELECT debit_account, count(*) AS n, sum(amount) AS total FROM ledger_transfer WHERE debit_account < 0 GROUP BY 1) s
    WHERE a.id = s.debit_account;
ALTER TABLE ledger_account ENABLE TRIGGER USER;

ALTER TABLE ledger_transfer ADD PRIMARY KEY (id);
CREATE UNIQUE INDEX ledger_transfer_debit ON ledger_transfer (debit_account, debit_version);
CREATE UNIQUE INDEX ledger_transfer_credit ON ledger_transfer (credit_account, credit_version);
