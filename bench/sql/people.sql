-- %(n)s people bench_1, bench_2, ... with a profile, a device and a wallet each, made past the services but as they would have.
CREATE TEMP TABLE made AS
    SELECT n, 'bench-' || lpad(n::text, 8, '0') AS suffix FROM generate_series(1, %(n)s) n;
INSERT INTO users_user (password, is_superuser, public_id, kind, phone_index, phone_cipher, is_active, default_visibility)
    SELECT '!', false, 'usr_' || suffix, 'person', sha256(suffix::bytea), '\x00', true, 'public' FROM made ORDER BY n;
INSERT INTO users_profile (user_id, username, display_name)
    SELECT u.id, 'bench_' || m.n, 'Person ' || m.n FROM made m JOIN users_user u ON u.public_id = 'usr_' || m.suffix;
INSERT INTO users_device (public_id, user_id, name, user_agent, network)
    SELECT 'dev_' || m.suffix, u.id, 'bench', '', '' FROM made m JOIN users_user u ON u.public_id = 'usr_' || m.suffix;
WITH opened AS (
    SELECT account, ord FROM unnest(ledger_open((
        SELECT array_agg(k::smallint ORDER BY m.n, k) FROM made m, generate_series(1, 3) k
    ))) WITH ORDINALITY o(account, ord)
)
INSERT INTO wallets_wallet (user_id, public_id, account, hold_account, receivable_account)
    SELECT u.id, 'wal_' || m.suffix, a.account, b.account, c.account
    FROM made m JOIN users_user u ON u.public_id = 'usr_' || m.suffix
    JOIN opened a ON a.ord = m.n * 3 - 2 JOIN opened b ON b.ord = m.n * 3 - 1 JOIN opened c ON c.ord = m.n * 3;
SELECT ledger_post_many(array_agg(uuidv7()), array_agg(1::smallint), array_agg(1::bigint), array_agg(account), array_agg(%(funds)s::bigint))
    FROM wallets_wallet;
