-- Whoever ends a freeze, by whatever way: a return that staff have not lifted keeps its person from sending. The sentence is
-- banking/services/returns.py's, by which `release` knows the freeze as its own.
CREATE FUNCTION banking_restriction_stays() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM banking_return WHERE user_id = NEW.user_id AND restricts AND lifted_at IS NULL) THEN
        NEW.frozen := 1;
        NEW.frozen_reason := 'Your bank says that a load was not authorized, or that the account cannot be used. We are looking '
            'into it, and write to you here. You can still receive money.';
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION banking_restriction_stays() FROM PUBLIC;
ALTER FUNCTION banking_restriction_stays() OWNER TO paya_engine;
CREATE TRIGGER banking_restriction_stays BEFORE UPDATE OF frozen ON wallets_wallet
    FOR EACH ROW WHEN (NEW.frozen = 0) EXECUTE FUNCTION banking_restriction_stays();
