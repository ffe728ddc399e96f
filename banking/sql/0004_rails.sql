-- Several rails: what a transfer represents is part of it, a person may want one back, staff choose who serves which.

-- Runs as the engine, because web may not read the table of moves and needs no right to.
CREATE OR REPLACE FUNCTION banking_check_move() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'requested' OR NEW.external_id IS NOT NULL THEN
            RAISE EXCEPTION 'a bank transfer begins as requested and not as %', NEW.status USING ERRCODE = 'PB001';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.public_id, NEW.user_id, NEW.bank_account_id, NEW.kind, NEW.amount, NEW.rail, NEW.rail_key,
        NEW.created_at, NEW.represents_id, NEW.presentment)
       IS DISTINCT FROM
       (OLD.id, OLD.public_id, OLD.user_id, OLD.bank_account_id, OLD.kind, OLD.amount, OLD.rail, OLD.rail_key,
        OLD.created_at, OLD.represents_id, OLD.presentment)
    THEN
        RAISE EXCEPTION 'bank transfer %: only its status changes', OLD.id USING ERRCODE = 'PB002';
    END IF;
    IF OLD.external_id IS NOT NULL AND NEW.external_id IS DISTINCT FROM OLD.external_id THEN
        RAISE EXCEPTION 'bank transfer %: it already has a transfer at the rail', OLD.id USING ERRCODE = 'PB002';
    END IF;
    IF NEW.status <> OLD.status AND NOT EXISTS (
        SELECT FROM public.banking_legalmove WHERE from_status = OLD.status AND to_status = NEW.status
    ) THEN
        RAISE EXCEPTION 'bank transfer %: % cannot follow %', OLD.id, NEW.status, OLD.status USING ERRCODE = 'PB001';
    END IF;
    RETURN NEW;
END $$;

-- A person wants their transfer back. What comes of it is the worker's to find out; true when it can still be asked for.
-- A transfer that a worker holds keeps its due time: two at a time would ask the rail twice.
CREATE FUNCTION banking_ask_to_cancel(p_user bigint, p_transfer bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM wallets_check_actor(p_user);
    UPDATE banking_banktransfer
    SET cancel = 'asked', due_at = CASE WHEN status IN ('submitted', 'unknown') THEN due_at ELSE core_now() END
    WHERE id = p_transfer AND user_id = p_user AND cancel = 'no'
      AND status IN ('requested', 'queued', 'submitted', 'unknown', 'pending');
    RETURN FOUND;
END $$;
ALTER FUNCTION banking_ask_to_cancel(bigint, bigint) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION banking_ask_to_cancel(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION banking_ask_to_cancel(bigint, bigint) TO paya_web, paya_worker;

-- Staff choose the rail that serves a kind of transfer from now on. Those under way stay on theirs.
CREATE FUNCTION banking_choose_rail(p_kind text, p_rail text, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    PERFORM console_acted('rail.choose', p_kind, 'New ' || p_kind || 's go by ' || p_rail || '.', p_reason);
    INSERT INTO banking_railchoice (kind, rail, reason, chosen_by_id) VALUES (p_kind, p_rail, p_reason, core_actor());
END $$;
ALTER FUNCTION banking_choose_rail(text, text, text) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION banking_choose_rail(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION banking_choose_rail(text, text, text) TO paya_staff;
CREATE TRIGGER banking_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON banking_railchoice
    FOR EACH STATEMENT EXECUTE FUNCTION banking_refuse();

GRANT SELECT, UPDATE (cancel, due_at) ON banking_banktransfer TO paya_engine;
GRANT UPDATE (cancel, settled_at) ON banking_banktransfer TO paya_worker;
GRANT INSERT ON banking_railchoice TO paya_engine;
GRANT SELECT ON banking_railchoice TO paya_web, paya_worker, paya_staff, paya_auditor;
GRANT UPDATE (is_default, blocked_by) ON banking_bankaccount TO paya_web, paya_worker;
GRANT SELECT, INSERT, UPDATE (account_id) ON banking_banksource TO paya_web, paya_worker;
-- Re-encrypted when the master key changes (core/keyring).
GRANT UPDATE (source) ON banking_banksource TO paya_worker;
GRANT SELECT ON banking_banksource TO paya_auditor;
