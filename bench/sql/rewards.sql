-- %(n)s people with money and two weeks of payments, made past the services and as they would have: sound books. In each week
-- everybody pays the next one once, at some moment; in the second as many go in circles of three as there are thousands.
SET session_replication_role = replica;
CREATE TEMP TABLE made AS
    SELECT n, (SELECT last_value FROM ledger_account_seq) + 1000 + n * 3 AS account,
           (SELECT coalesce(max(id), 0) FROM users_user) + n AS person FROM generate_series(1, %(n)s::bigint) n;
INSERT INTO users_user (id, password, is_superuser, public_id, kind, phone_index, phone_cipher, is_active, default_visibility, created_at)
    OVERRIDING SYSTEM VALUE
    SELECT person, '!', false, 'usr_rewards-' || n, 'person', sha256(('rewards-' || n)::bytea), '\x00', true, 'public', %(week)s::timestamptz - interval '90 days'
    FROM made;
INSERT INTO ledger_account (id, kind, floor, balance, version)
    SELECT account, 1, 0, 100000, 5 FROM made UNION ALL SELECT account + 1, 2, 0, 0, 0 FROM made UNION ALL SELECT account + 2, 3, NULL, 0, 0 FROM made;
INSERT INTO wallets_wallet (user_id, public_id, account, hold_account, receivable_account)
    SELECT person, 'wal_rewards-' || n, account, account + 1, account + 2 FROM made;
-- Each got 1,000.00 once, out of a stripe of the reserve that nobody else uses.
INSERT INTO ledger_transfer (id, debit_account, credit_account, amount, debit_version, debit_balance, credit_version, credit_balance, posted_at, kind)
    SELECT uuidv7(), -(64 + 63), account, 100000, n, -100000 * n, 1, 100000, %(week)s::timestamptz - interval '30 days', 1 FROM made;
UPDATE ledger_account SET balance = -100000 * %(n)s::bigint, version = %(n)s WHERE id = -(64 + 63);
-- Week by week: everybody pays 0.01 and gets 0.01. What comes first is version 2 (4), what comes second version 3 (5).
CREATE TEMP TABLE paid AS
    SELECT w, n, m.account AS payer, lead(m.account, 1, (SELECT account FROM made WHERE n = 1)) OVER (PARTITION BY w ORDER BY n) AS payee,
           %(week)s::timestamptz + w * interval '7 days' + interval '1 hour' + (hashint8(n * 7 + w) & 65535) * interval '8 seconds' AS at
    FROM made m, generate_series(0, 1) w;
CREATE TEMP TABLE timed AS
    SELECT p.*, lag(at, 1, last) OVER s AS came, lead(at, 1, first) OVER s AS leaves
    FROM (SELECT *, first_value(at) OVER e AS first, last_value(at) OVER e AS last FROM paid
          WINDOW e AS (PARTITION BY w ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) p
    WINDOW s AS (PARTITION BY w ORDER BY n);
INSERT INTO ledger_transfer (id, debit_account, credit_account, amount, debit_version, debit_balance, credit_version, credit_balance, posted_at, kind)
    SELECT uuidv7(), payer, payee, 1,
           2 + 2 * w + (came <= at)::int, CASE WHEN came <= at THEN 100000 ELSE 99999 END,
           2 + 2 * w + (leaves < at)::int, CASE WHEN leaves < at THEN 100000 ELSE 100001 END, at, 7
    FROM timed ORDER BY at;
SELECT setval('ledger_account_seq', (SELECT max(account) + 3 FROM made)), setval('users_user_id_seq', (SELECT max(person) FROM made));
SET session_replication_role = origin;
