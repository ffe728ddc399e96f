-- Closing a wallet. While it is being closed it is frozen like any other (no sending, no receiving); these are the movements that
-- pass all the same, for the worker alone.

-- What is left goes to the person's bank: a redemption that passes a freeze. Who owes repays first.
CREATE FUNCTION wallets_burn_closing(p_user bigint, p_id uuid, p_amount bigint, p_group uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    w wallets_state;
BEGIN
    SELECT * INTO STRICT w FROM wallets_guard(p_user);
    IF w.owed > 0 AND NOT EXISTS (SELECT FROM ledger_transfer WHERE id = p_id) THEN
        RAISE EXCEPTION 'this person owes %', w.owed USING ERRCODE = 'PY121';
    END IF;
    PERFORM ledger_post(p_id, 6::smallint, w.account, 70, p_amount, p_group);
END $$;

-- What no rail carries, being too little, waits in suspense for its owner to ask for it.
CREATE FUNCTION wallets_set_aside(p_user bigint, p_id uuid, p_amount bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    w wallets_state;
BEGIN
    SELECT * INTO STRICT w FROM wallets_guard(p_user);
    PERFORM ledger_post(p_id, 21::smallint, w.account, 101, p_amount);
END $$;

-- Closed for good: nothing is on it, on its way, or owed. The receivable stays open, for a load that its bank takes back later;
-- it is closed by wallets_close_debts, when that can no longer happen. Raises PY108 while there is something on it; again, nothing.
CREATE FUNCTION wallets_close(p_user bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    w wallets_state;
BEGIN
    SELECT * INTO STRICT w FROM wallets_guard(p_user);
    IF w.pending_in <> 0 OR w.pending_out <> 0 OR w.owed <> 0 THEN
        RAISE EXCEPTION 'something is on its way, or owed' USING ERRCODE = 'PY108';
    END IF;
    PERFORM ledger_set_status(w.account, 3::smallint);
    PERFORM ledger_set_status(w.hold_account, 3::smallint);
    UPDATE wallets_wallet SET frozen = 2, frozen_reason = 'This account is closed.', closed_at = coalesce(closed_at, core_now())
        WHERE user_id = p_user;
END $$;

CREATE FUNCTION wallets_close_debts(p_user bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    w wallets_state;
BEGIN
    SELECT * INTO STRICT w FROM wallets_guard(p_user);
    PERFORM ledger_set_status(w.receivable_account, 3::smallint);
END $$;

-- A closed account stays closed, whoever wants to freeze or thaw it (a late return, a case): nothing happens, and nothing fails.
CREATE OR REPLACE FUNCTION wallets_set_frozen(p_user bigint, p_level smallint, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    w wallets_state;
    level smallint;
BEGIN
    SELECT * INTO STRICT w FROM wallets_guard(p_user);
    IF EXISTS (SELECT FROM wallets_wallet WHERE user_id = p_user AND closed_at IS NOT NULL) THEN
        RETURN;
    END IF;
    UPDATE wallets_wallet SET frozen = p_level, frozen_reason = p_reason WHERE user_id = p_user RETURNING frozen INTO level;
    PERFORM ledger_set_status(w.account, level);
END $$;

DO $$
DECLARE f regprocedure;
BEGIN
    FOR f IN SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
             AND p.proname IN ('wallets_burn_closing', 'wallets_set_aside', 'wallets_close', 'wallets_close_debts') LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO paya_engine, paya_worker', f);
        EXECUTE format('ALTER FUNCTION %s OWNER TO paya_engine', f);
    END LOOP;
END $$;
