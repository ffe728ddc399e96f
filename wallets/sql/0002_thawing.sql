-- A room may keep a wallet from thawing (a trigger on `frozen`): the ledger account follows what the row then says.
CREATE OR REPLACE FUNCTION wallets_set_frozen(p_user bigint, p_level smallint, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    w wallets_state;
    level smallint;
BEGIN
    SELECT * INTO STRICT w FROM wallets_guard(p_user);
    UPDATE wallets_wallet SET frozen = p_level, frozen_reason = p_reason WHERE user_id = p_user RETURNING frozen INTO level;
    PERFORM ledger_set_status(w.account, level);
END $$;
