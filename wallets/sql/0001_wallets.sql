-- A person's money, reached only through these functions: each checks who is asking.

ALTER TABLE wallets_wallet ALTER COLUMN created_at SET DEFAULT core_now();

-- The person themself, or a worker as SYSTEM. Anybody else is refused, whatever they ask for.
CREATE FUNCTION wallets_check_actor(p_user bigint) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF core_actor() <> p_user AND NOT (core_actor() = 0 AND pg_has_role(session_user, 'paya_worker', 'MEMBER')) THEN
        RAISE EXCEPTION 'this wallet is somebody else''s' USING ERRCODE = 'PY120';
    END IF;
END $$;

-- Open the person's wallet, hold and receivable; again, nothing happens.
CREATE FUNCTION wallets_open(p_user bigint, p_public_id text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    ids bigint[];
BEGIN
    PERFORM wallets_check_actor(p_user);
    IF EXISTS (SELECT FROM wallets_wallet WHERE user_id = p_user) THEN RETURN; END IF;
    ids := ledger_open('{1,2,3}');
    INSERT INTO wallets_wallet (user_id, public_id, account, hold_account, receivable_account)
    VALUES (p_user, p_public_id, ids[1], ids[2], ids[3]);
END $$;

CREATE TYPE wallets_state AS (
    user_id bigint, public_id text, account bigint, hold_account bigint, receivable_account bigint,
    available bigint, held bigint, owed bigint, pending_in bigint, pending_out bigint, frozen smallint, frozen_reason text
);

-- All that is to be known about a wallet, in one statement.
CREATE FUNCTION wallets_read(p_user bigint) RETURNS SETOF wallets_state
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM wallets_check_actor(p_user);
    RETURN QUERY
        SELECT w.user_id, w.public_id, w.account, w.hold_account, w.receivable_account,
               a.balance, h.balance, -r.balance, w.pending_in, w.pending_out, w.frozen, w.frozen_reason
        FROM wallets_wallet w
        JOIN ledger_account a ON a.id = w.account
        JOIN ledger_account h ON h.id = w.hold_account
        JOIN ledger_account r ON r.id = w.receivable_account
        WHERE w.user_id = p_user;
END $$;

-- The guard: lock the wallet's row, then read. Nothing is locked before it and nobody holds two.
CREATE FUNCTION wallets_guard(p_user bigint) RETURNS SETOF wallets_state
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM wallets_check_actor(p_user);
    PERFORM FROM wallets_wallet WHERE user_id = p_user FOR NO KEY UPDATE;
    RETURN QUERY SELECT * FROM wallets_read(p_user);
END $$;

CREATE FUNCTION wallets_add_pending(p_user bigint, p_in bigint, p_out bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM wallets_check_actor(p_user);
    UPDATE wallets_wallet SET pending_in = pending_in + p_in, pending_out = pending_out + p_out WHERE user_id = p_user;
END $$;

-- A redemption is requested: the tokens are burned at once. Who owes repays first.
CREATE FUNCTION wallets_burn(p_user bigint, p_id uuid, p_amount bigint, p_group uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    w wallets_state;
BEGIN
    SELECT * INTO STRICT w FROM wallets_guard(p_user);
    IF w.owed > 0 AND NOT EXISTS (SELECT FROM ledger_transfer WHERE id = p_id) THEN
        RAISE EXCEPTION 'this person owes %', w.owed USING ERRCODE = 'PY121';
    END IF;
    PERFORM ledger_post(p_id, 3::smallint, w.account, 70, p_amount, p_group);
END $$;

CREATE FUNCTION wallets_mint(p_user bigint, p_id uuid, p_id_owed uuid, p_reserve bigint, p_amount bigint, p_group uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    w wallets_state;
BEGIN
    SELECT * INTO STRICT w FROM wallets_guard(p_user);
    RETURN ledger_settle_load(p_id, p_id_owed, p_reserve, w.account, w.receivable_account, p_amount, p_group);
END $$;

CREATE FUNCTION wallets_claw_back(p_user bigint, p_id uuid, p_id_owed uuid, p_reserve bigint, p_amount bigint, p_group uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    w wallets_state;
BEGIN
    SELECT * INTO STRICT w FROM wallets_guard(p_user);
    RETURN ledger_return_load(p_id, p_id_owed, p_reserve, w.account, w.receivable_account, p_amount, p_group);
END $$;

CREATE FUNCTION wallets_set_frozen(p_user bigint, p_level smallint, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    w wallets_state;
BEGIN
    SELECT * INTO STRICT w FROM wallets_guard(p_user);
    UPDATE wallets_wallet SET frozen = p_level, frozen_reason = p_reason WHERE user_id = p_user;
    PERFORM ledger_set_status(w.account, p_level);
END $$;

-- The newest entries of the person's wallet below a version, with whom they were.
CREATE FUNCTION wallets_activity(p_user bigint, p_before bigint, p_limit int, p_kinds smallint[], p_side int)
RETURNS TABLE (version bigint, transfer uuid, kind smallint, amount bigint, balance_after bigint, posted_at timestamptz,
               group_id uuid, username text, display_name text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    mine bigint;
BEGIN
    PERFORM wallets_check_actor(p_user);
    SELECT account INTO mine FROM wallets_wallet WHERE user_id = p_user;
    RETURN QUERY
        SELECT e.version, e.transfer, e.kind, e.amount, e.balance_after, e.posted_at, e.group_id,
               p.username::text, p.display_name::text
        FROM ledger_history(mine, p_before, p_limit, p_kinds, p_side) e
        LEFT JOIN wallets_wallet w ON w.account = e.other OR w.hold_account = e.other
        LEFT JOIN users_profile p ON p.user_id = w.user_id AND w.user_id <> p_user
        ORDER BY e.version DESC;
END $$;

CREATE FUNCTION wallets_balance_at(p_user bigint, p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM wallets_check_actor(p_user);
    RETURN (SELECT ledger_balance_at(account, p_at) FROM wallets_wallet WHERE user_id = p_user);
END $$;

-- The person's own balance right after a transfer that touched their wallet.
CREATE FUNCTION wallets_balance_after(p_user bigint, p_transfer uuid) RETURNS bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM wallets_check_actor(p_user);
    RETURN (SELECT CASE w.account WHEN t.debit_account THEN t.debit_balance WHEN t.credit_account THEN t.credit_balance END
            FROM ledger_transfer t JOIN wallets_wallet w ON w.user_id = p_user WHERE t.id = p_transfer);
END $$;

DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'wallets\_%' LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_engine, paya_worker', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION wallets_open(bigint, text), wallets_read(bigint), wallets_guard(bigint),
    wallets_add_pending(bigint, bigint, bigint), wallets_burn(bigint, uuid, bigint, uuid),
    wallets_activity(bigint, bigint, int, smallint[], int), wallets_balance_at(bigint, timestamptz),
    wallets_balance_after(bigint, uuid) TO paya_web;
GRANT SELECT, INSERT, UPDATE ON wallets_wallet TO paya_engine;
GRANT SELECT ON wallets_wallet TO paya_web, paya_worker, paya_staff, paya_auditor;
GRANT SELECT ON users_profile TO paya_engine;
