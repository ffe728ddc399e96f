-- People with a wallet and money, as superuser with triggers off: how they came to it is measured elsewhere.
set session_replication_role = replica;
insert into users_user (id, password, is_superuser, public_id, kind, phone_index, phone_cipher, is_active, default_visibility)
    select n, '!', false, 'usr_b' || n, 'person', int8send(n), '\x00', true, 'public' from generate_series(1, %(n)s::bigint) n;
insert into users_profile (user_id, username, display_name) select n, 'bench_' || n, 'Bench' from generate_series(1, %(n)s) n;
insert into ledger_account (id, kind, floor, balance, version)
    select 1000 + 3 * n + k, 1 + k, case when k < 2 then 0 end, case k when 0 then n %% 1000003 when 1 then n %% 7 else 0 end, 1
    from generate_series(1, %(n)s) n, generate_series(0, 2) k;
insert into wallets_wallet (user_id, public_id, account, hold_account, receivable_account)
    select n, 'wal_b' || n, 1000 + 3 * n, 1001 + 3 * n, 1002 + 3 * n from generate_series(1, %(n)s) n;
update ledger_account set balance = -(select sum(balance) from ledger_account where id >= 1000) where id = -64;
insert into banking_statement (id, custodian, origin, name, account, currency, closing, complete, faults)
    values (1, 'dwolla', 'rail', '', '', 'USD', 0, true, '[]');
insert into banking_reconciliation (custodian, "on", current, result, statement_id, held, ledger, ours, in_transit, items, items_count,
        pending, compared, breaks, breaks_cents, cause)
    select 'dwolla', current_date, true, 'clean', 1, (select sum(balance) from ledger_account where id >= 1000), 0, 0, 0, '[]', 0, '{}',
           0, 0, 0, '';
set session_replication_role = origin;
vacuum (analyze) users_profile, wallets_wallet, ledger_account;
