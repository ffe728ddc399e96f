-- What the database keeps of the banking room: legal moves, an append-only timeline, and who may do what.

INSERT INTO banking_legalmove (from_status, to_status) VALUES
    ('requested', 'submitted'), ('requested', 'queued'), ('requested', 'failed'), ('requested', 'cancelled'),
    ('queued', 'submitted'), ('queued', 'failed'), ('queued', 'cancelled'),
    ('submitted', 'queued'), ('submitted', 'unknown'), ('submitted', 'pending'), ('submitted', 'failed'),
    ('unknown', 'pending'), ('unknown', 'failed'),
    ('pending', 'settled'), ('pending', 'failed'), ('pending', 'cancelled'),
    ('settled', 'returned');

-- Runs as the engine, because web may not read the table of moves and needs no right to.
CREATE FUNCTION banking_check_move() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'requested' OR NEW.external_id IS NOT NULL THEN
            RAISE EXCEPTION 'a bank transfer begins as requested and not as %', NEW.status USING ERRCODE = 'PB001';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.public_id, NEW.user_id, NEW.bank_account_id, NEW.kind, NEW.amount, NEW.rail, NEW.rail_key, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.public_id, OLD.user_id, OLD.bank_account_id, OLD.kind, OLD.amount, OLD.rail, OLD.rail_key, OLD.created_at)
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
ALTER FUNCTION banking_check_move() OWNER TO paya_engine;
CREATE TRIGGER banking_check_move BEFORE INSERT OR UPDATE ON banking_banktransfer
    FOR EACH ROW EXECUTE FUNCTION banking_check_move();

CREATE FUNCTION banking_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows are history', TG_OP, TG_TABLE_NAME USING ERRCODE = 'PB003';
END $$;
CREATE TRIGGER banking_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON banking_transfermove
    FOR EACH STATEMENT EXECUTE FUNCTION banking_refuse();
CREATE TRIGGER banking_refuse_removal BEFORE DELETE OR TRUNCATE ON banking_banktransfer
    FOR EACH STATEMENT EXECUTE FUNCTION banking_refuse();
CREATE TRIGGER banking_refuse_change BEFORE DELETE OR TRUNCATE ON banking_inboxevent
    FOR EACH STATEMENT EXECUTE FUNCTION banking_refuse();

-- Stores a vendor's message, once; NULL when it was there already. The web role has no other way into the inbox.
CREATE FUNCTION banking_receive(p_provider text, p_event_id text, p_topic text, p_body text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    INSERT INTO public.banking_inboxevent (provider, event_id, topic, body)
    VALUES (p_provider, p_event_id, p_topic, p_body)
    ON CONFLICT (provider, event_id) DO NOTHING
    RETURNING id
$$;
ALTER FUNCTION banking_receive(text, text, text, text) OWNER TO paya_engine;
REVOKE EXECUTE ON FUNCTION banking_receive(text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION banking_receive(text, text, text, text) TO paya_web, paya_worker;

GRANT SELECT, INSERT ON banking_inboxevent TO paya_engine;
GRANT SELECT ON banking_legalmove TO paya_engine, paya_web, paya_worker, paya_staff, paya_auditor;

-- Web asks for transfers and links banks; what becomes of a transfer is the worker's to write.
GRANT SELECT, INSERT ON banking_linksession, banking_bankitem, banking_bankaccount, banking_railcustomer TO paya_web, paya_worker;
GRANT UPDATE (done_at) ON banking_linksession TO paya_web, paya_worker;
GRANT UPDATE (item_id, access_token, institution_id, institution, status, claimed_until) ON banking_bankitem TO paya_web, paya_worker;
GRANT UPDATE (item_id, account_id, name, mask, kind, funding_source, source_index, status, close_due_at) ON banking_bankaccount
    TO paya_web, paya_worker;
GRANT SELECT, INSERT ON banking_banktransfer, banking_transfermove TO paya_web, paya_worker;
GRANT UPDATE (status, external_id, due_at, attempts, failure_code) ON banking_banktransfer TO paya_worker;
GRANT SELECT, UPDATE (due_at, processed_at, attempts, outcome) ON banking_inboxevent TO paya_worker;
GRANT SELECT ON banking_bankitem, banking_bankaccount, banking_railcustomer, banking_banktransfer, banking_transfermove
    TO paya_auditor;
GRANT SELECT ON banking_bankaccount, banking_banktransfer, banking_transfermove TO paya_staff;
